"""The client of InfluxDB over real HTTP, against a server that does what it is told."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chocofactory.core.errors import StoreForbidden, StoreFull, StoreRefused, StoreUnavailable
from chocofactory.store import influx_server, outage
from chocofactory.store.flux import question
from tests.contract_kit import EVER
from tests.influx_kit import AWAY, FORBIDDEN, REFUSED, TOKEN, WRITTEN, csv, parameters, server_at
from tests.loopback import Loopback, Reply, Waits

LINES = ["a,b=c d=1 0"]
ROWS = csv("_time,market,price", "2025-03-01T00:00:00Z,m,0.1", "2025-03-01T01:00:00Z,m,")


def asked(**tags):
    return question("rows", "energy_price", *EVER, tags)


def test_what_is_asked_comes_as_a_table_with_missing_values_as_missing():
    with Loopback(ROWS) as loopback:
        table = server_at(loopback.url).ask(asked(), {"price": "float64"})
    assert table["market"].tolist() == ["m", "m"]
    assert table["price"].isna().tolist() == [False, True]


def test_no_answer_at_all_is_an_empty_table():
    with Loopback(Reply(200, b"\r\n", {"Content-Type": "text/csv"})) as loopback:
        assert server_at(loopback.url).ask(asked(), {}).empty


def test_values_go_beside_the_text_as_typed_parameters():
    evil = '") |> drop() //\\'
    with Loopback(ROWS) as loopback:
        server_at(loopback.url).ask(asked(market=evil), {})
        (request,) = loopback.requests
    sent = json.loads(request.body)
    assert evil not in sent["query"]
    assert "2000" not in sent["query"]
    assert parameters(request)["tag_market"] == evil
    assert parameters(request)["bucket"] == "bucket"
    kinds = {each["assignment"]["id"]["name"]: each["assignment"]["init"]["type"] for each in sent["extern"]["body"]}
    assert kinds["start"] == kinds["stop"] == "DateTimeLiteral"
    assert kinds["tag_market"] == "StringLiteral"


# --- trying again


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_is_tried_again_until_the_server_takes_it(status):
    waits = Waits()
    with Loopback([Reply(status), Reply.of_html("<h1>Bad Gateway</h1>", status), WRITTEN]) as loopback:
        server_at(loopback.url, waits).write(LINES)
        assert len(loopback.requests) == 3
        assert {request.body for request in loopback.requests} == {LINES[0].encode()}
    assert len(waits.slept) == 2
    assert 0.1 <= waits.slept[0] < waits.slept[1] + 0.1 < 1


def test_a_process_of_any_age_still_tries_again():
    waits = Waits()
    with Loopback([WRITTEN, AWAY, WRITTEN]) as loopback:
        server = server_at(loopback.url, waits)
        server.write(LINES)
        waits.slept.append(24 * 3600)
        server.write(LINES)
        assert len(loopback.requests) == 3


def test_it_waits_as_long_as_the_server_asks():
    waits = Waits()
    busy = Reply.of_json({"message": "slow down"}, 429, **{"Retry-After": "3"})
    with Loopback([busy, WRITTEN]) as loopback:
        server_at(loopback.url, waits).write(LINES)
    assert waits.slept == [3]


def test_it_gives_up_at_once_when_the_server_asks_for_longer_than_it_would_wait():
    waits = Waits()
    busy = Reply.of_json({"message": "slow down"}, 429, **{"Retry-After": "600"})
    with Loopback(busy) as loopback, pytest.raises(StoreUnavailable, match="slow down"):
        server_at(loopback.url, waits).write(LINES)
    assert waits.slept == []


def test_a_server_that_stays_away_is_unavailable_and_left_alone_for_a_moment():
    waits = Waits()
    with Loopback(AWAY) as loopback:
        server = server_at(loopback.url, waits)
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="not now"):
                server.write(LINES)
        assert len(loopback.requests) == influx_server.ATTEMPTS
        waits.slept.append(outage.FIRST_PAUSE_S)
        with pytest.raises(StoreUnavailable):
            server.write(LINES)
        assert len(loopback.requests) == influx_server.ATTEMPTS + 1  # whether it is back is tried once


def test_each_try_in_vain_makes_the_next_pause_longer_until_the_server_is_back():
    waits, tries = Waits(), []
    with Loopback(lambda _: AWAY if len(tries) < 8 else WRITTEN) as loopback:
        server = server_at(loopback.url, waits)
        with pytest.raises(StoreUnavailable):
            server.write(LINES)
        while len(tries) < 8:
            asked, begun = len(loopback.requests), sum(waits.slept)
            while len(loopback.requests) == asked:
                waits.slept.append(0.5)
                with pytest.raises(StoreUnavailable):
                    server.write(LINES)
            tries.append(sum(waits.slept) - begun)
        assert tries == pytest.approx([2, 4, 8, 16, 30, 30, 30, 30], abs=0.6)
        waits.slept.append(30)
        server.write(LINES)
        tries.clear()
        with pytest.raises(StoreUnavailable):
            server.write(LINES)
        waits.slept.append(outage.FIRST_PAUSE_S)
        tries += range(8)
        server.write(LINES)  # the pauses begin anew


def silent(waits, monkeypatch):
    """A server that lets the whole time-out pass without a word, which takes 0.2 s of ours."""
    times = {name: getattr(influx_server, name) for name in ("ANSWER_TIMEOUT_S", "WRITE_TIMEOUT_S")}
    for name in times:
        monkeypatch.setattr(influx_server, name, 0.2)

    def answer(_):
        waits.slept.append(times["ANSWER_TIMEOUT_S"])
        return Reply(way="hang")

    return Loopback(answer)


def test_a_question_that_is_not_answered_is_not_waited_for_twice(monkeypatch):
    waits = Waits()
    with silent(waits, monkeypatch) as loopback:
        for ask in (
            lambda server: server.ask(asked(), {}),
            lambda server: server.write(LINES, at_leisure=False),
            lambda server: server.retention(),
        ):
            before = len(loopback.requests)
            with pytest.raises(StoreUnavailable, match="timed out"):
                ask(server_at(loopback.url, waits))
            assert len(loopback.requests) == before + 1


def test_what_may_take_its_time_is_tried_again_even_so(monkeypatch):
    waits = Waits()
    with silent(waits, monkeypatch) as loopback:
        for ask in (lambda server: server.ask(asked(), {}, at_leisure=True), lambda server: server.write(LINES)):
            before = len(loopback.requests)
            with pytest.raises(StoreUnavailable, match="timed out"):
                ask(server_at(loopback.url, waits))
            assert len(loopback.requests) == before + 2
        unhurried = server_at(loopback.url, waits, at_leisure=True)
        before = len(loopback.requests)
        with pytest.raises(StoreUnavailable, match="timed out"):
            unhurried.ask(asked(), {})
        assert len(loopback.requests) == before + 2


def test_while_one_tries_whether_the_server_is_back_the_others_fail_at_once():
    waits, begun, go_on = Waits(), threading.Event(), threading.Event()
    replies = iter([AWAY] * influx_server.ATTEMPTS)

    def answer(_):
        if (away := next(replies, None)) is not None:
            return away
        begun.set()
        assert go_on.wait(30)
        return WRITTEN

    with Loopback(answer) as loopback, ThreadPoolExecutor() as pool:
        server = server_at(loopback.url, waits)
        with pytest.raises(StoreUnavailable):
            server.write(LINES)
        waits.slept.append(outage.FIRST_PAUSE_S)
        one = pool.submit(server.write, LINES)
        assert begun.wait(30)
        for ask in (lambda: server.write(LINES), lambda: server.ask(asked(), {}), server.check_expected):
            with pytest.raises(StoreUnavailable, match="not now"):
                ask()
        go_on.set()
        one.result()
        assert len(loopback.requests) == influx_server.ATTEMPTS + 1
        server.write(LINES)


def test_what_many_find_at_once_is_one_outage():
    waits = Waits()
    together = threading.Barrier(4)
    with Loopback(lambda _: together.wait(30) is not None and AWAY) as loopback, ThreadPoolExecutor(4) as pool:
        server = server_at(loopback.url, waits)
        waits.sleep = lambda _: None
        for one in [pool.submit(server.write, LINES) for _ in range(4)]:
            assert isinstance(one.exception(), StoreUnavailable)
    assert server._outage._pause_s == outage.FIRST_PAUSE_S


@pytest.mark.parametrize("way", ["reset", "half", "hang"])
def test_a_connection_that_breaks_is_tried_again_and_then_unavailable(way, monkeypatch):
    monkeypatch.setattr(influx_server, "ANSWER_TIMEOUT_S", 0.2)
    broken = Reply(200, b"," * 100, way=way)
    with Loopback([broken, ROWS]) as loopback:
        assert len(server_at(loopback.url).ask(asked(), {})) == 2
    with Loopback(broken) as loopback, pytest.raises(StoreUnavailable, match=loopback.url):
        server_at(loopback.url).ask(asked(), {})


def test_nobody_at_the_address_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(StoreUnavailable, match="refused"):
        server_at(f"http://127.0.0.1:{port}").write(LINES)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        server_at("http://nowhere.invalid").write(LINES)


# --- what no second try would help


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (FORBIDDEN, StoreForbidden, "refuses CHOCO_INFLUX_TOKEN: unauthorized access"),
        (Reply.of_json({"message": "insufficient permissions"}, 403), StoreForbidden, "insufficient permissions"),
        (REFUSED, StoreRefused, "field type conflict"),
        (Reply.of_json({"message": "unable to parse"}, 400), StoreRefused, "unable to parse"),
        (Reply(413), StoreRefused, "HTTP 413"),
        (Reply.of_json({"message": "bucket not found"}, 404), StoreUnavailable, "bucket not found"),
        (Reply.of_json({"message": "engine: no space left on device"}, 500), StoreFull, "no space left"),
        (Reply(507), StoreFull, "HTTP 507"),
        (Reply.of_html("<h1>Sign in</h1>"), StoreUnavailable, "does not answer as InfluxDB does"),
        (Reply(200), StoreUnavailable, "does not answer as InfluxDB does"),
        (Reply(302, headers={"Location": "http://elsewhere.invalid/"}), StoreRefused, "HTTP 302"),
    ],
)
def test_another_answer_is_an_error_at_once_and_never_taken_for_success(reply, error, says):
    waits = Waits()
    with Loopback(reply) as loopback:
        with pytest.raises(error, match=says) as raised:
            server_at(loopback.url, waits).write(LINES)
        assert len(loopback.requests) == 1
    assert waits.slept == []
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b'{"message": "fine"}',
        b",error,reference\r\n,the query was cancelled,897\r\n\r\n",
        ROWS.body + b"\r\n,error,reference\r\n,out of memory,897\r\n\r\n",
        b",result,table,_time,price\r\n,_result,0,2025-03-01T00:00:00Z,cheap\r\n",
        b"\xff\xfe\x00\r\n",
    ],
)
def test_an_answer_that_is_no_table_is_never_taken_for_data_or_for_no_data(body):
    with Loopback(Reply(200, body, {"Content-Type": "text/csv"})) as loopback:
        with pytest.raises(StoreUnavailable, match="does not answer as InfluxDB does"):
            server_at(loopback.url).ask(asked(), {"price": "float64"})
        assert len(loopback.requests) == 1


def test_the_token_stands_in_no_message_even_when_the_server_repeats_it():
    told = Reply.of_json({"message": f"token {TOKEN} is wrong,\nreally"}, 401)
    with Loopback(told) as loopback, pytest.raises(StoreForbidden, match=r"\*\*\* is wrong, really") as raised:
        server_at(loopback.url).write(LINES)
    assert TOKEN not in repr(raised.value.fields)


# --- requests and buckets


def test_many_lines_go_in_requests_of_bounded_size_in_order(monkeypatch):
    monkeypatch.setattr(influx_server, "LINES_A_REQUEST", 2)
    lines = [f"a b={number} 0" for number in range(5)]
    with Loopback(WRITTEN) as loopback:
        server_at(loopback.url).write(lines)
        assert [line for request in loopback.requests for line in request.body.decode().splitlines()] == lines
        assert len(loopback.requests) == 3
        assert {request.query["precision"] for request in loopback.requests} == {"us"}


def test_a_delete_names_series_by_tags_and_ends_before_its_end():
    with Loopback(WRITTEN) as loopback:
        server_at(loopback.url).delete(EVER[0], EVER[0] + timedelta(hours=1), "energy_price", {"market": "a%22b"})
        (request,) = loopback.requests
    sent = json.loads(request.body)
    assert sent["predicate"] == '_measurement="energy_price" AND market="a%22b"'
    assert (sent["start"], sent["stop"]) == ("2000-01-01T00:00:00+00:00", "2000-01-01T00:59:59.999999+00:00")


def test_a_bucket_that_somebody_else_made_meanwhile_is_as_good_as_ones_own():
    made = Reply.of_json({"buckets": [{"id": "1", "name": "bucket", "retentionRules": []}]})
    orgs = Reply.of_json({"orgs": [{"id": "0123456789abcdef", "name": "o"}]})
    conflict = Reply.of_json({"message": "bucket with name bucket already exists"}, 422)
    with Loopback(lambda r: conflict if r.method == "POST" else orgs if "orgs" in r.path else made) as loopback:
        server_at(loopback.url).make_bucket()
    missing = Reply.of_json({"message": 'bucket "bucket" not found'}, 404)
    with (
        Loopback(lambda r: conflict if r.method == "POST" else orgs if "orgs" in r.path else missing) as loopback,
        pytest.raises(StoreRefused, match="already exists"),
    ):
        server_at(loopback.url).make_bucket()


def test_an_organisation_that_is_not_there_is_named():
    says = 'does not know CHOCO_INFLUX_ORG: .*organization name "o" not found'
    missing = Reply.of_json({"message": 'organization name "o" not found'}, 404)
    with Loopback(missing) as loopback, pytest.raises(StoreForbidden, match=says):
        server_at(loopback.url).retention()
    refused = Reply.of_json({"message": 'failed to decode request body: organization name "o" not found'}, 400)
    with Loopback(refused) as loopback, pytest.raises(StoreForbidden, match=says):  # as recorded of InfluxDB 2.7
        server_at(loopback.url).ask(asked(), {})
