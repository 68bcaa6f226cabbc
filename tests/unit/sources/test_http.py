"""The client against a real server on 127.0.0.1 that does what servers do on bad days."""

import gzip
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import responses
import structlog
import time_machine
from pydantic import SecretStr

from chocofactory.core.clock import StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.core.errors import (
    KeyRefused,
    MalformedAnswer,
    NotPublished,
    RateLimited,
    SourceDown,
    SourceTimeout,
)
from chocofactory.sources import http
from chocofactory.sources.http import HttpClient
from tests.http_kit import DOWN, KEY, OK, client_of
from tests.loopback import Loopback, Reply, Waits


@pytest.fixture(autouse=True)
def _all_that_is_logged_is_seen():
    """An application that another test has made in this process may have raised the level of all logs."""
    structlog.reset_defaults()


def test_a_good_answer_comes_back_whole():
    with client_of(OK) as (client, server):
        answer = client.get("a/b", {"day": "2025-01-01"})
    assert (answer.status, answer.json()) == (200, {"fine": True})
    assert (server.requests[0].path, server.requests[0].query) == ("/a/b", {"day": "2025-01-01"})


def test_it_says_who_asks():
    with client_of(OK) as (client, server):
        client.get("")
    assert server.requests[0].headers["user-agent"].startswith("ChocoFactory/")


def test_gzip_answers_are_unpacked():
    with client_of(Reply(200, gzip.compress(OK.body), {"Content-Encoding": "gzip"})) as (client, _):
        assert client.get("").json() == {"fine": True}


@pytest.mark.parametrize(
    "bad",
    [DOWN, Reply(500), Reply(way="reset"), Reply(200, OK.body * 50, way="half"), Reply.of_json({}, 429)],
    ids=["503", "500", "reset", "half a body", "429"],
)
def test_it_tries_again_until_the_source_has_recovered(bad):
    waits = Waits()
    with client_of([bad, bad, OK], waits) as (client, server):
        assert client.get("").json() == {"fine": True}
        assert len(server.requests) == 3
    assert len(waits.slept) == 2


def test_a_chunked_answer_cut_short_is_tried_again():
    cut = Reply(200, b"5\r\nabcde\r\n", {"Transfer-Encoding": "chunked", "Connection": "close"}, way="half")
    with client_of([cut, OK]) as (client, server):
        assert client.get("").json() == {"fine": True}
        assert len(server.requests) == 2


def test_pauses_double_and_carry_some_chance():
    waits = Waits()
    with client_of(DOWN, waits, http_attempts=4, http_backoff_s=2) as (client, server):
        with pytest.raises(SourceDown, match="HTTP 503"):
            client.get("")
        assert len(server.requests) == 4
    for slept, least in zip(waits.slept, (2, 4, 8), strict=True):
        assert least <= slept <= least + 2
    assert len({slept % 1 for slept in waits.slept}) == 3


@pytest.mark.parametrize(
    ("status", "error"), [(400, MalformedAnswer), (404, MalformedAnswer), (401, KeyRefused), (403, KeyRefused)]
)
def test_other_refusals_are_never_tried_again(status, error):
    with client_of(Reply.of_html("no", status)) as (client, server):
        with pytest.raises(error, match=str(status)):
            client.get("")
        assert len(server.requests) == 1


def test_a_source_without_a_key_is_not_told_that_its_key_is_wrong():
    with client_of(Reply(403)) as (client, _), pytest.raises(KeyRefused, match="this address"):
        client.get("")
    with (
        client_of(Reply(403), headers={"x-api-key": SecretStr(KEY)}) as (client, _),
        pytest.raises(KeyRefused, match="our key"),
    ):
        client.get("")


def test_a_silent_source_times_out():
    with client_of(Reply(way="hang"), http_read_timeout_s=0.1, http_attempts=2) as (client, server):
        with pytest.raises(SourceTimeout, match="did not answer within"):
            client.get("")
        assert len(server.requests) == 2


def test_a_source_that_drips_for_ever_is_cut_at_the_deadline(monkeypatch):
    monkeypatch.setattr(http, "DEADLINE_S", 0.2)
    drip = Reply(200, b"x" * 400, way="drip")
    with (
        client_of(drip, http_read_timeout_s=0.1, http_connect_timeout_s=0.1) as (client, server),
        pytest.raises(SourceTimeout),
    ):
        client.get("")
    assert len(server.requests) == 1


def test_nobody_listening_is_down_and_said_in_plain_words():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    waits = Waits()
    client = HttpClient(
        "somebody",
        f"http://127.0.0.1:{port}",
        load_settings(http_pause_s=0, http_attempts=2),
        sleep=waits.sleep,
        monotonic=waits.monotonic,
    )
    with structlog.testing.capture_logs() as logged, pytest.raises(SourceDown) as caught:
        client.get("")
    assert str(caught.value) == "somebody refused the connection."
    assert "Errno" in logged[0]["reason"]
    assert len(waits.slept) == 1


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (socket.gaierror(-2, "Name or service not known"), "somebody cannot be reached."),
        (OSError(101, "Network is unreachable"), "somebody cannot be reached."),
        (ConnectionResetError(104, "Connection reset by peer"), "somebody broke the connection off."),
        (
            ssl.SSLCertVerificationError(1, "certificate verify failed"),
            "A secure connection to somebody cannot be made.",
        ),
    ],
)
def test_no_connection_is_told_without_the_system_s_own_words(monkeypatch, cause, says):
    with client_of(OK, http_attempts=1) as (client, _):

        def fail(*_, **__):
            raise requests.ConnectionError from cause

        monkeypatch.setattr(client._session, "get", fail)
        with pytest.raises(SourceDown) as caught:
            client.get("")
    assert str(caught.value) == says
    assert caught.value.fields == {"source": "somebody"}


def test_an_answer_that_breaks_off_is_told_as_such():
    with (
        client_of(Reply(200, OK.body * 50, way="half"), http_attempts=1) as (client, _),
        pytest.raises(SourceDown, match=r"^somebody broke the connection off\.$"),
    ):
        client.get("")


def test_retry_after_in_seconds_is_waited_exactly():
    waits = Waits()
    with client_of([Reply(429, b"", {"Retry-After": "7"}), OK], waits) as (client, _):
        client.get("")
    assert waits.slept == [7]


def test_retry_after_as_a_date_is_waited():
    waits = Waits()
    now = datetime(2025, 3, 30, 0, 59, 50, tzinfo=UTC)
    until = format_datetime(now + timedelta(seconds=12), usegmt=True)
    with client_of([Reply(503, b"", {"Retry-After": until}), OK], waits, clock=StoppedClock(now)) as (client, _):
        client.get("")
    assert waits.slept == [12]


def test_a_nonsense_retry_after_falls_back_to_the_usual_pause():
    waits = Waits()
    with client_of([Reply(429, b"", {"Retry-After": "soon"}), OK], waits) as (client, _):
        client.get("")
    assert 1 <= waits.slept[0] <= 2


def test_a_wait_beyond_the_deadline_is_handed_to_the_caller():
    waits = Waits()
    with client_of(Reply(429, b"", {"Retry-After": "3600"}), waits) as (client, server):
        with pytest.raises(RateLimited) as caught:
            client.get("")
        assert len(server.requests) == 1
    assert caught.value.retry_after_s == 3600
    assert waits.slept == []


def test_requests_keep_their_distance():
    waits = Waits()
    with client_of(OK, waits, http_pause_s=2) as (client, _):
        for _ in range(3):
            client.get("")
    assert 3.5 < sum(waits.slept) <= 4.1


def test_the_hourly_budget_is_never_overdrawn_and_comes_back():
    waits = Waits()
    with client_of(OK, waits, http_hourly_limit=2) as (client, server):
        client.get("")
        client.get("")
        with pytest.raises(RateLimited, match="2 times within an hour") as caught:
            client.get("")
        assert len(server.requests) == 2
        assert 3500 < caught.value.retry_after_s <= 3600
        waits.sleep(caught.value.retry_after_s + 1)
        client.get("")
        assert len(server.requests) == 3


def test_tries_count_in_the_hourly_budget():
    with client_of(DOWN, http_hourly_limit=2, http_attempts=5) as (client, server):
        with pytest.raises(RateLimited):
            client.get("")
        assert len(server.requests) == 2


def test_a_source_that_keeps_failing_is_left_alone_and_asked_again_later():
    with client_of([DOWN] * 3 + [OK], http_attempts=1) as (client, server):
        for _ in range(3):
            with pytest.raises(SourceDown, match="HTTP 503"):
                client.get("")
        with pytest.raises(SourceDown, match="failed 3 times running"):
            client.get("")
        assert len(server.requests) == 3
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=http.LEFT_ALONE_S + 1), tick=True):
            assert client.get("").json() == {"fine": True}
            assert client.get("").json() == {"fine": True}


def test_refusals_do_not_open_the_breaker():
    with client_of(Reply(403), http_attempts=1) as (client, server):
        for _ in range(5):
            with pytest.raises(KeyRefused):
                client.get("")
        assert len(server.requests) == 5


def test_what_the_source_means_by_an_error_comes_first():
    def refine(answer):
        return NotPublished("{source} has nothing.", source="somebody") if b"no data" in answer.body else None

    with client_of(Reply.of_json({"detail": "no data"}, 502)) as (client, server):
        for _ in range(5):
            with pytest.raises(NotPublished):
                client.get("", refine=refine)
        assert len(server.requests) == 5


def test_a_page_where_data_belong_is_malformed():
    with client_of(Reply.of_html("<html>Sign in to the plant's network</html>")) as (client, _):
        answer = client.get("")
    with pytest.raises(MalformedAnswer, match="web page"):
        answer.json()


@pytest.mark.parametrize("body", [b"", b'{"included": [', b"\xff\xfe\x00"])
def test_what_is_not_json_is_malformed(body):
    with client_of(Reply(200, body)) as (client, _), pytest.raises(MalformedAnswer, match="not JSON"):
        client.get("").json()


def test_redirects_on_the_same_host_are_followed():
    with client_of([Reply(301, b"", {"Location": "/there?x=1"}), OK]) as (client, server):
        assert client.get("here", {"day": "1"}).json() == {"fine": True}
    assert (server.requests[1].path, server.requests[1].query) == ("/there", {"x": "1"})


def test_redirects_to_another_host_are_refused_and_the_key_stays():
    with (
        Loopback(OK) as other,
        client_of(
            Reply(302, b"", {"Location": other.url.replace("127.0.0.1", "localhost")}),
            headers={"x-api-key": SecretStr(KEY)},
        ) as (client, _),
        pytest.raises(MalformedAnswer, match="localhost"),
    ):
        client.get("")
    assert other.requests == []


@responses.activate
def test_a_redirect_from_https_to_http_is_refused():
    responses.get("https://safe.example/a", status=301, headers={"Location": "http://safe.example/a"})
    plain = responses.get("http://safe.example/a", json={})
    waits = Waits()
    client = HttpClient(
        "somebody", "https://safe.example", load_settings(), sleep=waits.sleep, monotonic=waits.monotonic
    )
    with pytest.raises(MalformedAnswer, match=r"safe\.example"):
        client.get("a")
    assert plain.call_count == 0


def test_a_redirect_to_nowhere_is_malformed():
    with (
        client_of(Reply(302, b"", {"Location": "http://[nowhere"})) as (client, _),
        pytest.raises(MalformedAnswer, match="no address"),
    ):
        client.get("")


def test_redirects_in_circles_end():
    with client_of(Reply(302, b"", {"Location": "/again"})) as (client, server):
        with pytest.raises(MalformedAnswer, match="circles"):
            client.get("")
        assert len(server.requests) == 4
