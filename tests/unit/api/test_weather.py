from datetime import UTC, date, datetime, timedelta

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.core.errors import KeyRefused, RateLimited, SourceDown
from chocofactory.sources.base import IssuedForecast
from tests.fakes import FakeStation, hourly_weather
from tests.rest_kit import client_of

HOUR = timedelta(hours=1)
NOW = datetime(2025, 12, 1, 9, 20, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)


@pytest.fixture
def aemet():
    station = FakeStation("aemet", "5279X", "23055")
    values = {"temperature_c": range(12), "humidity_pct": [55] * 12, "wind_ms": [2] * 12}
    station.observed = hourly_weather(THIS_HOUR - 12 * HOUR, values)
    station.issued = IssuedForecast(NOW - HOUR, HOUR, hourly_weather(THIS_HOUR, {"temperature_c": range(48)}))
    return station


@pytest.fixture
def factory(tmp_path, aemet):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=StoppedClock(NOW), sources=[aemet])
    yield built
    built.close()


@pytest.fixture
def client(factory):
    return client_of(factory)


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_what_nobody_observed_is_null_with_a_reason(client, prefix):
    answer = client.get(f"{prefix}/weather/current")
    assert answer.status_code == 200
    body = answer.get_json()
    assert [body[name] for name in ("temperature", "humidity", "pressure", "wind_speed", "timestamp")] == [None] * 5
    assert (body["source"], body["kind"]) == ("none", "unavailable")
    assert "No weather was observed" in body["reason"]
    forecast = client.get(f"{prefix}/weather/forecast?hours=3").get_json()
    assert [row["temperature_c"] for row in forecast["forecast"]] == [None] * 3
    assert (forecast["total_records"], forecast["expected_records"], forecast["issued"]) == (0, 3, {})
    assert forecast["reason"]
    observed = client.get(f"{prefix}/aemet/weather?start_date=2025-12-01").get_json()
    assert (observed["total_records"], observed["expected_records"]) == (0, 10)
    assert observed["reason"]


def test_fetching_answers_201_with_what_each_source_delivered(client, factory):
    answer = client.post("/weather/ingest", json={})
    assert answer.status_code == 201
    body = answer.get_json()
    assert body["complete"]
    wanted = {
        "source": "aemet",
        "success": True,
        "records_written": 12,
        "new": 12,
        "changed": 0,
        "unchanged": 0,
        "queued": 0,
    }
    assert body["observations"] == [{**wanted, "error": None}]
    assert body["forecast"][0]["records_written"] == 48
    for address in body["runs"]:
        assert client.get(address).get_json()["state"] == "succeeded"
    current = client.get("/weather/current").get_json()
    assert (current["temperature"], current["humidity"], current["wind_speed"]) == (11, 55, 2)
    assert (current["pressure"], current["values"]["pressure_hpa"]["reason"]) == (
        None,
        "Not reported by aemet in these hours.",
    )
    assert (current["timestamp"], current["age_s"], current["stale"]) == ("2025-12-01T09:00:00+01:00", 1200, False)
    forecast = client.get("/api/v1/weather/forecast?hours=48").get_json()
    assert forecast["total_records"] == 48
    assert forecast["issued"] == {"aemet": "2025-12-01T09:20:00+01:00"}
    observed = client.get("/aemet/weather?start_date=2025-12-01&end_date=2025-12-01").get_json()
    assert (observed["total_records"], observed["expected_records"], observed["reason"]) == (10, 10, None)
    assert observed["weather"][-1]["providers"]["temperature_c"] == "aemet"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SourceDown("{source} cannot be reached.", source="aemet"), 503),
        (KeyRefused("{source} refused our key.", source="aemet"), 502),
        (RateLimited("{source} asks for fewer requests.", source="aemet"), 503),
    ],
)
def test_a_failure_of_all_sources_is_answered_by_its_cause(client, aemet, error, status):
    aemet.error = error
    answer = client.post("/aemet/ingest", json={})
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.get_json()["detail"] == str(error)


def test_what_failed_in_part_is_said_in_the_answer(client, factory, aemet):
    aemet.issued = None
    body = client.post("/weather/ingest", json={}).get_json()
    assert not body["complete"]
    assert [(each["success"], each["error"]) for each in body["forecast"]] == [(False, "aemet has no forecast.")]
    run = client.get(body["runs"][1]).get_json()
    assert (run["state"], run["error"]["code"]) == ("failed", "not-published")


def test_without_any_source_the_answer_says_which_key_to_set(tmp_path):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=StoppedClock(NOW), sources=[])
    answer = client_of(built).post("/weather/ingest", json={})
    assert answer.status_code == 409
    assert "CHOCO_AEMET_KEY" in answer.get_json()["detail"]
    built.close()


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/weather/forecast?hours=121", "120"),
        ("/weather/forecast?hours=0", "1"),
        ("/weather/forecast?days=2", "days"),
        ("/aemet/weather", "start_date"),
        ("/aemet/weather?start_date=2025-12-02&end_date=2025-12-01", "before"),
        ("/aemet/weather?start_date=2024-01-01&end_date=2025-12-01", "366"),
        ("/aemet/weather?start_date=1900-01-01", "2000"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(client, path, part):
    answer = client.get(path)
    assert answer.status_code == 422
    assert part in answer.get_json()["detail"]


def test_a_body_that_makes_no_sense_is_refused(client):
    assert client.post("/weather/ingest", json={"start_date": "yesterday"}).status_code == 422
    assert client.post("/weather/ingest", json={"from": "2025-12-01"}).status_code == 422
    wrong = {"start_date": "2025-12-02", "end_date": "2025-12-01"}
    assert client.post("/weather/ingest", json=wrong).status_code == 422
    future = client.post("/weather/ingest", json={"start_date": "2025-12-01", "end_date": "2025-12-02"})
    assert future.status_code == 422
    assert "future" in future.get_json()["detail"]
    assert client.get("/weather/ingest").status_code == 405


def test_days_can_be_named(client, aemet):
    client.post("/aemet/ingest", json={"start_date": "2025-11-30", "end_date": "2025-12-01"})
    assert aemet.asked == [(date(2025, 11, 30), date(2025, 12, 1))]
