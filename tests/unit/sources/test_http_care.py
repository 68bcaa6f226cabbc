"""What the client never does: take too much, show a key, ask twice at once."""

from __future__ import annotations

import gzip
import logging
import socket
import threading

import pytest
from pydantic import SecretStr

from chocofactory.core.config import load_settings
from chocofactory.core.errors import (
    MalformedAnswer,
    SourceDown,
)
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
