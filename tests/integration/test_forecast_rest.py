"""Forecasts over REST and in a terminal, wired as in production: untrained, so that last week's prices serve."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chocofactory import bootstrap
from chocofactory.api.forecast_schemas import (
    DeviationAnswer,
    ModelDetails,
    ModelsAnswer,
    OriginalForecastAnswer,
    PriceForecastAnswer,
    ValidationAnswer,
)
from chocofactory.core.clock import MADRID, StoppedClock, day_grid, day_start
from chocofactory.core.config import Settings
from chocofactory.domain.measurements import PVPC, SPOT, price_series
from chocofactory.forecasting.trained import Trained
from chocofactory.services.price_history import known
from tests.fakes import FakeSource, wavy_prices
from tests.rest_kit import client_of
from tests.served_kit import NEW, OLD, a_version

PREDICT = "/api/v1/predict/prices"
NOW = datetime(2025, 3, 27, 10, 30, tzinfo=MADRID)
"""A Thursday; on Sunday the clock is put forward. Tomorrow's prices are not out."""
TODAY = NOW.date()
LEVELS = ("p05_eur_kwh", "p25_eur_kwh", "p50_eur_kwh", "p75_eur_kwh", "p95_eur_kwh")


@pytest.fixture
def clock():
    return StoppedClock(NOW)


@pytest.fixture
def client(tmp_path, clock, monkeypatch):
    """The whole application in demo mode, pages and all, with ten weeks of prices; its clock stands."""
    from app import create_app

    build = bootstrap.build
    monkeypatch.setattr(bootstrap, "build", lambda settings: build(settings, clock=clock))
    server = create_app(Settings(_env_file=None, mode="demo", data_dir=tmp_path, log_level="ERROR")).server
    factory = server.extensions[bootstrap.EXTENSION]
    factory.ingestion.ingest(PVPC, TODAY - timedelta(days=70), TODAY)
    yield server.test_client()
    factory.close()


def services(client):
    return client.application.extensions[bootstrap.EXTENSION]


def test_without_a_trained_model_last_weeks_prices_serve_and_say_so(client):
    body = client.get("/api/v1/predict/prices/weekly").get_json()
    OriginalForecastAnswer.model_validate(body)
    assert (body["model"], body["version"], body["model_metrics"], body["last_training"]) == ("naive", None, None, None)
    assert "No model is trained yet" in body["reasons"][0]
    assert body["origin"] == "2025-03-28T00:00:00+01:00"
    hours = body["predictions"]
    assert [hour["lead_day"] for hour in hours] == [0] * 14 + [1] * 24 + [2] * 24 + [3] * 23 + [4] * 24 + [5] * 24 + [
        6
    ] * 24 + [7] * 11
    assert {(hour["kind"], hour["model"]) for hour in hours[:14]} == {("simulated", None)}
    assert {(hour["kind"], hour["model"]) for hour in hours[14:]} == {("forecast", "naive")}
    for hour in hours:
        quantiles = [hour[level] for level in LEVELS]
        assert quantiles == sorted(quantiles)
        assert hour["price_eur_kwh"] == hour["p50_eur_kwh"]


def test_hours_that_are_out_are_told_as_the_prices_they_are(client):
    told = client.post(PREDICT, json={"horizon": 14}).get_json()["predictions"]
    prices = client.get(f"/api/v1/ree/prices?start_date={TODAY}").get_json()["prices"][10:]
    assert [(hour["timestamp"], hour["price_eur_kwh"], hour["tariff_period"], hour["source"]) for hour in told] == [
        (price["timestamp"], price["price_eur_kwh"], price["tariff_period"], price["source"]) for price in prices
    ]
    assert all(hour[level] == hour["price_eur_kwh"] for hour in told for level in LEVELS)


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2024, 10, 27), 25), (date(2025, 3, 25), 24)])
def test_a_day_has_the_hours_that_it_really_has(client, clock, day, hours):
    at = datetime(day.year, day.month, day.day, 9, 30, tzinfo=MADRID) - timedelta(days=2)
    clock.at = max(NOW, at).astimezone(UTC)
    services(client).ingestion.ingest(PVPC, day - timedelta(days=30), day - timedelta(days=2))
    told = client.post(PREDICT, json={"at": at.isoformat()}).get_json()["predictions"]
    stamps = [hour["timestamp"] for hour in told if hour["timestamp"].startswith(str(day))]
    assert stamps == [hour.isoformat() for hour in day_grid(day).tz_convert(MADRID)]
    assert len(stamps) == hours
    assert {hour["lead_day"] for hour in told if hour["timestamp"].startswith(str(day))} == {2}


def test_the_answer_for_a_past_moment_is_the_one_that_was_given_then(client, clock):
    then = client.post(PREDICT, json={}).get_json()
    clock.at = NOW.astimezone(UTC) + timedelta(days=3)
    services(client).ingestion.ingest(PVPC, TODAY, TODAY + timedelta(days=3))
    again = client.post(PREDICT, json={"at": NOW.isoformat()}).get_json()
    assert again["predictions"] == then["predictions"]
    assert (again["origin"], again["model"]) == (then["origin"], then["model"])
    assert client.post(PREDICT, json={}).get_json()["origin"] == "2025-03-31T00:00:00+02:00"


def test_issued_forecasts_are_compared_with_the_prices_that_came_out(client, clock):
    body = client.get("/insights/ree-deviation").get_json()
    DeviationAnswer.model_validate(body)
    assert (body["daily"], body["model_info"]["model"]) == ([], "naive")
    assert "No forecast was issued yet" in body["reason"]
    said = client.post(PREDICT, json={"horizon": 14 + 24 + 24}).get_json()["predictions"][14:]
    assert services(client).jobs.run("issue_forecast", {}, "test").state == "succeeded"
    clock.at = NOW.astimezone(UTC) + timedelta(days=2)
    services(client).ingestion.ingest(PVPC, TODAY, TODAY + timedelta(days=2))
    body = client.get("/insights/ree-deviation").get_json()
    DeviationAnswer.model_validate(body)
    came = client.get("/ree/prices?start_date=2025-03-28&end_date=2025-03-29").get_json()["prices"]
    off = [hour["price_eur_kwh"] - price["price_eur_kwh"] for hour, price in zip(said, came, strict=True)]
    held = [
        hour["p05_eur_kwh"] <= price["price_eur_kwh"] <= hour["p95_eur_kwh"]
        for hour, price in zip(said, came, strict=True)
    ]
    assert [day["day"] for day in body["daily"]] == ["2025-03-28", "2025-03-29"]
    for day, lead, part in zip(body["daily"], body["by_lead_day"], (slice(24), slice(24, 48)), strict=False):
        assert (day["hours"], lead["hours"]) == (24, 24)
        assert day["mae_eur_kwh"] == lead["mae_eur_kwh"] == pytest.approx(sum(map(abs, off[part])) / 24, abs=1e-7)
        assert day["bias_eur_kwh"] == pytest.approx(sum(off[part]) / 24, abs=1e-7)
        assert day["coverage_90_pct"] == pytest.approx(100 * sum(held[part]) / 24, abs=0.01)
    assert body["validation_metrics"]["samples_test"] == 48
    assert body["validation_metrics"]["mae_eur_kwh"] == pytest.approx(sum(map(abs, off)) / 48, abs=1e-7)


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_models_tell_that_there_is_none_and_what_that_means(client, prefix):
    body = client.get(f"{prefix}/models").get_json()
    ModelsAnswer.model_validate(body)
    assert (body["models"], body["serving"]["model"], body["serving"]["version"]) == ([], "naive", None)
    assert body["reason"]
    body = client.get(f"{prefix}/models/validate").get_json()
    ValidationAnswer.model_validate(body)
    assert (body["files_ok"], body["better_than_naive"], body["drift"]["drifting"]) == (None, None, None)
    assert client.delete(f"{prefix}/models/20200101T000000Z-ffffff").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", path, 405) for path in (PREDICT, "/predict/prices", "/models/train")),
        *(("POST", path, 405) for path in ("/predict/prices/weekly", "/models", "/models/validate")),
        *(("GET", path, 404) for path in ("/predict", "/predict/x", "/insights", "/models/x", "/api/v1/predict")),
        ("POST", "/predict/prices/train", 404),
    ],
)
def test_the_pages_answer_no_path_of_rest(client, method, path, status):
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


@pytest.mark.parametrize("path", ["/predict/prices/weekly", "/predict/prices/hourly"])
def test_an_empty_store_is_a_404_in_words(tmp_path, path):
    factory = bootstrap.build(Settings(_env_file=None, data_dir=tmp_path), clock=StoppedClock(NOW), sources=[])
    answer = client_of(factory).get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert "no prices" in answer.get_json()["detail"]
    factory.close()


@pytest.fixture
def versions(client, clock):
    """Two versions in the registry of the application, the newer of which serves after the older; both the naive's."""
    models, registry = services(client).models, services(client).models._registry
    trained = Trained.untrained(known(services(client).prices, clock.now()).history(), spot=True)
    for name in (OLD, NEW):
        told = a_version(name)
        meta = {"created_at": told.created_at.isoformat(), "first": "2025-01-16", "last": "2025-03-26", "hours": 1680}
        meta |= {"data_hash": told.data_hash, "duration_s": 61.25, "libraries": told.libraries, "parameters": {}}
        verdict = {"promoted": True, "message": "Better than the naive model.", "fields": {}}
        registry.write(name, {**meta, "report": told.report, "verdict": verdict}, trained.members, trained.roll)
        models.promote(name, "test")
    return registry.folder


@pytest.mark.usefixtures("versions")
def test_a_version_that_serves_is_told_with_its_proof_everywhere(client):
    told = client.get("/predict/prices/weekly").get_json()
    OriginalForecastAnswer.model_validate(told)
    assert (told["version"], told["last_training"]) == (NEW, "2025-03-08T04:00:00+01:00")
    assert told["model_metrics"]["relative_mae"] == 1
    assert {hour["version"] for hour in told["predictions"]} == {None, NEW}
    listed = client.get("/api/v1/models").get_json()
    ModelsAnswer.model_validate(listed)
    assert [(version["name"], version["serving"]) for version in listed["models"]] == [(NEW, True), (OLD, False)]
    assert [change["version"] for change in listed["promotions"]] == [NEW, OLD]
    shown = client.get(f"/models/{NEW}").get_json()
    ModelDetails.model_validate(shown)
    assert (shown["serving"], shown["members"], shown["verdict"]) == (True, ["naive"], "Better than the naive model.")
    assert len(shown["proof"]["scores"]) == 6
    checked = client.get("/models/validate").get_json()
    ValidationAnswer.model_validate(checked)
    assert (checked["files_ok"], [file["message"] for file in checked["files"]]) == (True, [None, None])


def test_a_version_goes_when_it_is_deleted_but_never_while_it_serves(client, versions):
    for name, status in ((NEW, 409), (OLD, 204), (OLD, 404)):
        answer = client.delete(f"/api/v1/models/{name}")
        assert answer.status_code == status, answer.text
    assert NEW in client.delete(f"/models/{NEW}").get_json()["detail"]
    assert [path.name for path in versions.iterdir() if path.name[0] != "."] == [NEW]


def test_a_damaged_version_is_named_and_the_last_good_one_serves(client, versions):
    roll = versions / NEW / "roll.npz"
    roll.write_bytes(roll.read_bytes()[:-1] + b"x")
    checked = client.get("/models/validate").get_json()
    ValidationAnswer.model_validate(checked)
    assert checked["files_ok"] is False
    assert [(file["name"], file["ok"]) for file in checked["files"]] == [(NEW, False), (OLD, True)]
    assert "roll.npz" in checked["files"][0]["message"]
    assert checked["serving"]["version"] == OLD
    assert NEW in checked["serving"]["reasons"][0]
    told = client.post(PREDICT, json={}).get_json()
    assert (told["version"], NEW in told["reasons"][0]) == (OLD, True)
    (versions / NEW / "meta.json").write_text("{}")
    listed = client.get("/models").get_json()
    ModelsAnswer.model_validate(listed)
    assert NEW in listed["models"][0]["damage"]


FIRST, LAST = date(2024, 8, 20), date(2024, 11, 2)
"""With the day of 25 hours, 27 October, before the end."""
PRICES = {PVPC: wavy_prices(FIRST, LAST), SPOT: wavy_prices(FIRST, LAST, level=0.05)}
OUT = {PVPC: timedelta(hours=20, minutes=15), SPOT: timedelta(hours=13)}
"""When the day before, on the wall clock, the prices of a day are out: no sooner."""


def as_known(folder, at):
    """An application whose clock stands at a moment, with what was out by then."""
    clock = StoppedClock(at)
    factory = bootstrap.build(Settings(_env_file=None, data_dir=folder), clock=clock, sources=[FakeSource()])
    for market, prices in PRICES.items():
        wall = at.astimezone(MADRID).replace(tzinfo=None) - OUT[market]
        end = day_start(wall.date() + timedelta(days=2))
        known = prices[prices.index < end].to_frame("price_eur_kwh")
        factory._store.write(price_series(market), known, source="ree", written_at=at)
    return factory


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    """An application that knows all prices to the end of 2 November."""
    factory = as_known(tmp_path_factory.mktemp("later"), datetime(2024, 11, 2, 12, tzinfo=UTC))
    yield client_of(factory)
    factory.close()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.integers(0, 10 * 24 * 60).filter(lambda minutes: minutes % 15),
    horizon=st.sampled_from([1, 24, 25, 167, 168]),
)
def test_what_became_known_later_changes_nothing(later, tmp_path_factory, minutes, horizon):
    """Asked later for a past moment, it tells what was told at that moment, whatever came since."""
    at = datetime(2024, 10, 22, tzinfo=UTC) + timedelta(minutes=minutes)
    factory = as_known(tmp_path_factory.mktemp("then"), at)
    told = client_of(factory).post(PREDICT, json={"horizon": horizon}).get_json()
    factory.close()
    PriceForecastAnswer.model_validate(told)
    assert len(told["predictions"]) == horizon
    again = later.post(PREDICT, json={"horizon": horizon, "at": at.isoformat()}).get_json()
    assert again["predictions"] == told["predictions"]
    assert (again["origin"], again["from_spot"]) == (told["origin"], told["from_spot"])


def test_a_terminal_tells_the_same(choco, tmp_path):
    assert "no prices" in choco("forecast", expect=3).stderr
    lines = [f"{moment:%Y-%m-%dT%H:%M:%SZ},{price}" for moment, price in PRICES[PVPC].items()]
    (tmp_path / "prices.csv").write_text("\n".join(["timestamp_utc,price_eur_kwh", *lines]) + "\n")
    choco("import", "prices", tmp_path / "prices.csv")
    told = json.loads(choco("forecast", "--at", "2024-10-26T10:30:00+02:00", "--json").stdout)
    PriceForecastAnswer.model_validate(told)
    assert (told["model"], told["origin"], told["total_records"]) == ("naive", "2024-10-27T00:00:00+02:00", 168)
    assert "naive" in choco("forecast", "--at", "2024-10-26T10:30:00+02:00").stdout
    assert "naive serves" in choco("models", "list", expect=3).stdout
    assert "roll back" in choco("models", "rollback", expect=7).stderr
