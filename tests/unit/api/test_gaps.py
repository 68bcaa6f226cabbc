import threading
from datetime import date, datetime

import pytest

from chocofactory.core.clock import day_bounds
from chocofactory.core.errors import StoreUnavailable
from chocofactory.domain.measurements import ENERGY_PRICE, PVPC, price_series
from chocofactory.services.jobs import JobKind, Outcome
from tests.fakes import wavy_prices
from tests.unit.api.test_rest import problem

SERIES = str(price_series())


@pytest.fixture
def hole(factory, source):
    """Tuesday lacks 13 to 15 h, and Monday's first hour is the first one."""
    factory._store.delete(
        ENERGY_PRICE,
        datetime.fromisoformat("2025-03-11T13:00+01:00"),
        datetime.fromisoformat("2025-03-11T15:00+01:00"),
        market=PVPC,
    )


def ended(factory, answer):
    assert answer.status_code == 202
    run_id = answer.get_json()["id"]
    assert answer.headers["Location"].endswith(f"/jobs/runs/{run_id}")
    factory.jobs._threads.shutdown(wait=True)
    return factory.jobs.get(run_id)


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
@pytest.mark.usefixtures("hole")
def test_the_summary_tells_what_is_missing_and_who_has_it(client, prefix):
    body = client.get(f"{prefix}/gaps/summary").get_json()
    (line,) = [each for each in body["series"] if each["series"] == SERIES]
    told = {name: line[name] for name in ("status", "expected", "present", "missing", "recoverable", "sources")}
    assert told == {
        "status": "gaps",
        "expected": 72,
        "present": 70,
        "missing": 2,
        "recoverable": 2,
        "sources": ["ree"],
    }
    assert (line["severities"], line["recoverable_days"]) == ({"minor": 1, "moderate": 0, "critical": 0}, 1)
    assert line["longest"] == {
        "start_time": "2025-03-11T13:00:00+01:00",
        "end_time": "2025-03-11T15:00:00+01:00",
        "duration_hours": 2.0,
        "missing_records": 2,
        "severity": "minor",
    }
    assert body["recommendations"] == {"action_needed": True, "suggested_endpoint": "/api/v1/gaps/backfill"}
    fresh = {"status": "up_to_date", "latest_data": "2025-03-12T23:00:00+01:00", "gap_hours": 0.0}
    assert body["ree_prices"] == fresh
    assert body["weather_data"] == {"status": "empty", "latest_data": None, "gap_hours": None}
    assert (body["status"], body["total_gaps"]) == ("gaps", 1)


def test_prices_that_stay_away_are_told_as_late(client, factory):
    factory._store.delete(ENERGY_PRICE, *day_bounds(date(2025, 3, 12)), market=PVPC)
    fresh = client.get("/gaps/summary").get_json()["ree_prices"]
    assert fresh == {"status": "late", "latest_data": "2025-03-11T23:00:00+01:00", "gap_hours": 24.0}


@pytest.mark.parametrize(("method", "path"), [("GET", "summary"), ("POST", "detect"), ("POST", "backfill/auto")])
def test_a_store_that_is_down_is_a_503_and_never_no_gaps(client, factory, monkeypatch, method, path):
    def away(*_):
        raise StoreUnavailable("The store is away.")

    monkeypatch.setattr(factory._store, "times", away)
    monkeypatch.setattr(factory._store, "revision", away)
    problem(client.open(f"/gaps/{path}", method=method, json={} if path == "detect" else None), 503)


@pytest.mark.usefixtures("hole")
def test_gaps_are_listed_of_a_range_or_of_all(client):
    body = client.post("/gaps/detect", json={"start": "2025-03-11", "end": "2025-03-11"}).get_json()
    (gap,) = [gap for gap in body["gaps"] if gap["series"] == SERIES]
    assert (gap["missing_records"], gap["severity"]) == (2, "minor")
    assert body["analysis_period"] == {"start": "2025-03-11", "end": "2025-03-11"}
    everything = client.post("/gaps/detect", json={}).get_json()
    assert everything["summary"] == {"total_gaps": 1, "ree_gaps": 1, "weather_gaps": 0, "other_gaps": 0}
    assert client.post("/gaps/detect").get_json()["gaps"] == everything["gaps"]
    problem(client.post("/gaps/detect", data="{start"), 422)
    problem(client.post("/gaps/detect", json={"start": "2025-03-12", "end": "2025-03-11"}), 422)


@pytest.mark.usefixtures("hole")
def test_all_gaps_are_filled_by_a_run_that_tells_what_came(client, factory):
    run = ended(factory, client.post("/api/v1/gaps/backfill"))
    assert (run.kind, run.state, run.requested_by) == ("backfill", "succeeded", "api")
    body = client.get(f"/jobs/runs/{run.id}").get_json()
    (line,) = [line for line in body["result"]["backfill"] if line["series"] == SERIES]
    assert (line["missing"], line["asked"], line["got"]) == (2, 2, 2)
    assert client.get("/gaps/summary").get_json()["recoverable"] == 0


@pytest.mark.usefixtures("hole")
def test_filling_by_itself_starts_a_run_only_where_it_can_help(client, factory, source):
    source.known = wavy_prices(date(2025, 3, 9), date(2025, 3, 9))  # it has lost the day
    run = ended(factory, client.post("/gaps/backfill/auto"))
    assert (run.state, run.result["asked"], run.result["got"]) == ("partial", 2, 0)
    answer = client.post("/gaps/backfill/auto")
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["status"], body["missing"], body["recoverable"]) == ("no_action_needed", 2, 2)
    assert "in vain" in body["detail"]


def test_filling_by_itself_thinks_of_tomorrow_once_it_is_out(client, factory, source):
    factory.clock.at = datetime.fromisoformat("2025-03-12T20:30+01:00")
    source.known = wavy_prices(date(2025, 3, 13), date(2025, 3, 13))
    run = ended(factory, client.post("/gaps/backfill/auto"))
    assert (run.state, run.result["got"]) == ("succeeded", 24)


def test_filling_by_itself_says_when_nothing_is_missing(client):
    answer = client.post("/gaps/backfill/auto")
    assert (answer.status_code, answer.get_json()["detail"]) == (200, "Nothing is missing.")


def test_a_range_is_filled_and_with_force_fetched_again(client, factory, source):
    source.known = wavy_prices(date(2025, 3, 10), date(2025, 3, 12)) + 0.01
    asked = {"start_date": "2025-03-11", "end_date": "2025-03-11", "data_source": "ree", "what": "prices"}
    run = ended(factory, client.post("/gaps/backfill/range", json={**asked, "force": True}))
    (line,) = [line for line in run.result["backfill"] if line["series"] == SERIES]
    assert (line["missing"], line["got"], line["counts"]["changed"]) == (0, 24, 24)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"start_date": "2025-03-12", "end_date": "2025-03-11"},
        {"start_date": "2025-03-12", "end_date": "2026-03-11"},
        {"start_date": "2025-03-11", "end_date": "2025-03-11", "source": "nobody"},
        {"start_date": "2025-03-11", "end_date": "2025-03-11", "what": "milk"},
        {"start_date": "2025-03-11", "end_date": "2025-03-11", "more": 1},
    ],
)
def test_a_wrong_range_is_a_422(client, wrong):
    problem(client.post("/gaps/backfill/range", json=wrong), 422)


def test_a_second_run_is_refused_while_one_is_under_way(client, factory):
    go_on = threading.Event()
    factory.jobs.register([JobKind("backfill", lambda params, report: Outcome({"waited": go_on.wait(30)}))])
    assert client.post("/gaps/backfill").status_code == 202
    problem(client.post("/gaps/backfill?days_back=3"), 409)
    go_on.set()
