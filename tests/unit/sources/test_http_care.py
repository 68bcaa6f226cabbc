"""What the client never does: take too much, show a key, ask twice at once."""

from __future__ import annotations

import gzip
import logging
import socket
import threading

import pytest
from pydantic import SecretStr

from chocofactory.core.config import load_settings
from chocofactory.core.errors import KeyRefused, MalformedAnswer, SourceDown
from chocofactory.sources import http
from chocofactory.sources.http import HttpClient
from tests.http_kit import DOWN, KEY, OK, client_of
from tests.loopback import Reply, Waits


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip bomb"])
def test_an_answer_beyond_all_size_is_refused(monkeypatch, packed):
    monkeypatch.setattr(http, "LARGEST_ANSWER_BYTES", 1_000_000)
    body = b" " * 1_100_000
    reply = Reply(200, gzip.compress(body), {"Content-Encoding": "gzip"}) if packed else Reply(200, body)
    with client_of(reply) as (client, _), pytest.raises(MalformedAnswer, match="more than 1 MB"):
        client.get("")


@pytest.mark.parametrize("reply", [DOWN, Reply(401), Reply(way="reset"), Reply(302, b"", {"Location": "http://other"})])
def test_keys_appear_in_no_error_log_or_repr(reply, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with client_of(reply, headers={"x-api-key": SecretStr(KEY)}, params={"appid": SecretStr(KEY)}) as (client, server):
        with pytest.raises(Exception, match="somebody") as caught:
            client.get("")
        assert server.requests[0].query["appid"] == server.requests[0].headers["x-api-key"] == KEY
    told = [repr(client), *capsys.readouterr()]
    told += [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    error = caught.value
    while error is not None:
        told += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    assert not [text for text in told if KEY in text]


def test_keys_appear_in_no_error_when_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    waits = Waits()
    client = HttpClient(
        "somebody",
        f"http://user:{KEY}@127.0.0.1:{port}",
        load_settings(http_pause_s=0, http_attempts=1),
        params={"appid": SecretStr(KEY)},
        sleep=waits.sleep,
        monotonic=waits.monotonic,
    )
    with pytest.raises(SourceDown) as caught:
        client.get("")
    assert KEY not in repr(client) + str(caught.value) + repr(caught.value.fields)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_address_of_the_same_host_is_asked_as_it_stands():
    with client_of(lambda _: OK, params={"units": "metric"}) as (client, server):
        client.get(f"{server.url}/sh/208c3ca3?x=1")
    assert (server.requests[0].path, server.requests[0].query) == ("/sh/208c3ca3", {"x": "1", "units": "metric"})


@pytest.mark.parametrize(
    "turned",
    [
        lambda url: url.replace("127.0.0.1", "localhost"),
        lambda url: url.replace("http:", "https:"),
        lambda url: url[:-1] + str((int(url[-1]) + 1) % 10),
        lambda url: url.replace("http://", "http://127.0.0.1@evil.example/"),
    ],
    ids=["host", "scheme", "port", "user"],
)
def test_an_address_elsewhere_is_never_asked(turned):
    with client_of(OK, headers={"x-api-key": SecretStr(KEY)}) as (client, server):
        with pytest.raises(MalformedAnswer, match="sends us on to"):
            client.get(turned(server.url))
        assert server.requests == []


@pytest.mark.parametrize("address", ["http://[nowhere", "http://127.0.0.1:port/"])
def test_an_address_that_is_none_is_malformed(address):
    with client_of(OK) as (client, server), pytest.raises(MalformedAnswer, match="no address"):
        client.get(address)
    assert server.requests == []


def test_the_status_that_an_answer_stands_for_is_what_counts():
    meant = [429, 503, 200]
    with client_of(lambda _: OK) as (client, server):
        assert client.get("", refine=lambda _: meant.pop(0)).status == 200
        assert len(server.requests) == 3
        with pytest.raises(KeyRefused, match="401"):
            client.get("", refine=lambda _: 401)
        assert len(server.requests) == 4


def test_threads_share_a_client_and_never_ask_at_once():
    busy, most = 0, 0
    lock = threading.Lock()

    def answer(_):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        threading.Event().wait(0.01)
        with lock:
            busy -= 1
        return OK

    with client_of(answer) as (client, server):
        threads = [threading.Thread(target=client.get, args=("",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.requests) == 8
    assert most == 1
