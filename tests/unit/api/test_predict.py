import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.api.forecast_schemas import OriginalForecastAnswer, PriceForecastAnswer
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.errors import NotFound
from tests.rest_kit import client_of
from tests.served_kit import NEW, FakeForecasts, FakeModels, with_fakes

PREDICT = "/api/v1/predict/prices"
GETS = ("/predict/prices/weekly", "/predict/prices/hourly?hours=168")


@pytest.fixture
def factory(factory):
    """At 10:30 on 12 March 2025."""
    return with_fakes(factory, forecasts=FakeForecasts(factory.clock), models=FakeModels.with_three())


@pytest.mark.parametrize("path", [PREDICT, "/predict/prices"])
def test_each_hour_is_told_with_its_kind_its_band_and_its_model(client, path):
    answer = client.post(path, json={"horizon": 40})
    assert answer.status_code == 200
    body = answer.get_json()
    PriceForecastAnswer.model_validate(body)
    assert (body["issued_at"], body["origin"]) == ("2025-03-12T10:30:00+01:00", "2025-03-14T00:00:00+01:00")
    assert (body["model"], body["version"], body["from_spot"]) == ("ensemble", NEW, False)
    assert body["reasons"] == ["ensemble serves: it proved better than last week's prices."]
    assert (body["total_records"], body["expected_records"]) == (40, 40)
    assert body["predictions"][0] == {
        "timestamp": "2025-03-12T10:00:00+01:00",
        "price_eur_kwh": 0.1,
        "price_kwh": 0.1,
        **{f"p{level}_eur_kwh": 0.1 for level in ("05", "25", "50", "75", "95")},
        "kind": "published",
        "model": None,
        "version": None,
        "lead_day": 0,
        "tariff_period": "P3",
        "source": "ree",
    }
    last = body["predictions"][-1]
    assert last["timestamp"] == "2025-03-14T01:00:00+01:00"
    assert (last["kind"], last["lead_day"], last["model"], last["version"]) == ("forecast", 1, "ensemble", NEW)
    assert [last[f"p{level}_eur_kwh"] for level in ("05", "25", "50", "75", "95")] == pytest.approx(
        [-0.01, 0.0, 0.01, 0.02, 0.04]
    )
    assert last["price_eur_kwh"] == last["price_kwh"] == last["p50_eur_kwh"]


def test_a_week_is_the_default_and_model_and_moment_can_be_chosen(client, factory):
    assert client.post(PREDICT, json={}).get_json()["total_records"] == 168
    asked = {"horizon": 1, "model": "naive", "at": "2025-03-11T08:00:00-05:00"}
    assert client.post(PREDICT, json=asked).get_json()["model"] == "naive"
    assert factory.forecasts.asked == [
        (None, 168, None),
        (datetime(2025, 3, 11, 13, tzinfo=UTC), 1, "naive"),
    ]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"horizon": 0}, "horizon"),
        ({"horizon": 169}, "168"),
        ({"horizon": "24"}, "horizon"),
        ({"horizon": True}, "horizon"),
        ({"horizon": 1.5}, "horizon"),
        ({"horizon": None}, "horizon"),
        ({"hours": 24}, "hours"),
        ({"model": "oracle"}, "oracle"),
        ({"model": 7}, "model"),
        ({"at": "2025-03-11T08:00:00"}, "offset"),
        ({"at": "2025-03-11"}, "offset"),
        ({"at": "yesterday"}, "is not a time"),
        ({"at": 1741824000}, "at"),
        ({"at": "2025-03-12T10:31:00+01:00"}, "future"),
        ({"at": "9999-12-31T23:59:59-23:59"}, "2099"),
        ({"at": "0001-01-01T00:00:00+23:59"}, "2000"),
        ({"at": "2025-03-11T08:00:00+01:00" + " " * 40}, "40"),
        ([], "body"),
        (None, "body"),
    ],
)
def test_what_cannot_be_forecast_is_refused_in_words(client, factory, body, part):
    answer = client.post(PREDICT, json=body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert part in answer.get_json()["detail"]


@pytest.mark.parametrize("send", [{}, {"data": "{"}, {"data": "{}", "content_type": "text/plain"}])
def test_a_body_that_is_no_json_is_refused_and_not_taken_for_the_default(client, factory, send):
    answer = client.post(PREDICT, **send)
    assert answer.status_code == 422
    assert factory.forecasts.asked == []


def test_nothing_known_is_a_404_that_says_so(client, factory, monkeypatch):
    def unknown(*_, **__):
        raise NotFound("There are no prices of the {days} days before {day}.", days=14, day="2025-03-12")

    monkeypatch.setattr(factory.forecasts, "forecast", unknown)
    for answer in (client.post(PREDICT, json={}), *map(client.get, GETS)):
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
        assert "no prices of the 14 days" in answer.get_json()["detail"]


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
@pytest.mark.parametrize("path", GETS)
def test_the_original_names_stand_beside_ours_and_mean_the_same(client, prefix, path):
    body = client.get(prefix + path).get_json()
    OriginalForecastAnswer.model_validate(body)
    assert len(body["predictions"]) == 168
    for hour in body["predictions"]:
        assert hour["predicted_price"] == hour["price_eur_kwh"]
        assert (hour["confidence_lower"], hour["confidence_upper"]) == (hour["p05_eur_kwh"], hour["p95_eur_kwh"])
    assert (body["predictions_count"], body["forecast_horizon"], body["model_type"]) == (168, 168, "ensemble")
    assert body["timestamp"] == body["issued_at"]
    assert body["last_training"] == "2025-03-08T04:00:00+01:00"
    assert body["model_metrics"] == {
        "mae": 0.018,
        "rmse": 0.03,
        "relative_mae": 0.75,
        "coverage_90_pct": 90.34,
        "first_day": "2024-12-01",
        "last_day": "2025-01-29",
    }


def test_the_naive_model_has_no_training_and_no_metrics(client, factory):
    factory.forecasts.version = None
    body = client.get("/predict/prices/weekly").get_json()
    OriginalForecastAnswer.model_validate(body)
    assert (body["model"], body["version"], body["model_metrics"], body["last_training"]) == ("naive", None, None, None)
    assert {hour["version"] for hour in body["predictions"]} == {None}
    assert body["reasons"] == ["No version was trained yet: last week's prices serve."]


def test_hours_are_a_day_unless_said_otherwise(client):
    assert client.get("/predict/prices/hourly").get_json()["total_records"] == 24
    for hours in (1, 47, 168):
        assert client.get(f"/predict/prices/hourly?hours={hours}").get_json()["total_records"] == hours
    for query in ("hours=0", "hours=169", "hours=x", "days=1"):
        answer = client.get(f"/predict/prices/hourly?{query}")
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json")


def test_hours_that_are_missing_are_counted(client, factory):
    factory.forecasts.lacking = 5
    body = client.get("/predict/prices/weekly").get_json()
    assert (body["total_records"], body["expected_records"]) == (163, 168)


@pytest.mark.parametrize("path", GETS)
def test_the_same_hours_come_as_csv(client, path):
    answer = client.get(path, headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="forecast_2025-03-12_2025-03-19.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    told = client.get(path).get_json()["predictions"]
    assert len(rows) == len(told) == 168
    for row, hour in zip(rows, told, strict=True):
        assert set(row) == set(hour) - {"predicted_price", "confidence_lower", "confidence_upper"}
        assert {
            name: text for name, text in row.items() if text != ("" if hour[name] is None else str(hour[name]))
        } == {}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (PREDICT, "POST"),
        ("/predict/prices", "POST"),
        *((f"/predict/prices/{one}", "GET") for one in ("weekly", "hourly")),
    ],
)
def test_other_methods_are_405(client, path, allowed):
    answer = client.open(path, method="DELETE" if allowed == "POST" else "POST")
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert allowed in answer.headers["Allow"]


def test_openapi_tells_of_bounds_errors_and_csv(client):
    document = client.get("/api/docs/openapi.json").get_json()
    paths, schemas = document["paths"], document["components"]["schemas"]
    assert {"200", "404", "422", "503"} <= set(paths["/api/v1/predict/prices"]["post"]["responses"])
    assert "text/csv" in paths["/api/v1/predict/prices/weekly"]["get"]["responses"]["200"]["content"]
    horizon = schemas["PriceForecastBody"]["properties"]["horizon"]
    assert (horizon["minimum"], horizon["maximum"], horizon["default"]) == (1, 168, 168)


NOW = datetime(2025, 11, 15, 12, tzinfo=UTC)
CHANGES = [datetime(2025, 3, 30, tzinfo=MADRID), datetime(2025, 10, 26, tzinfo=MADRID)]
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.fixture(scope="module")
def ask():
    """Posts a body to a server that has nothing but forecasts: the answer, and what the service was asked."""
    service = FakeForecasts(StoppedClock(NOW))
    client = client_of(SimpleNamespace(forecasts=service))

    def post(body):
        service.asked.clear()
        return client.post(PREDICT, json=body), service.asked

    return post


@given(day=st.sampled_from(CHANGES), minutes=st.integers(-1500, 1500), offset=OFFSETS, horizon=st.integers(1, 168))
def test_any_moment_is_understood_whatever_its_offset_and_each_hour_told_once(ask, day, minutes, offset, horizon):
    """Around the days that have 23 and 25 hours."""
    moment = day.astimezone(UTC) + timedelta(minutes=minutes)
    answer, asked = ask({"at": moment.astimezone(offset).isoformat(), "horizon": horizon})
    assert asked == [(moment, horizon, None)]
    times = [datetime.fromisoformat(hour["timestamp"]) for hour in answer.get_json()["predictions"]]
    start = moment.replace(minute=0)
    assert [time.astimezone(UTC) for time in times] == [start + timedelta(hours=n) for n in range(horizon)]
    assert [time.utcoffset() for time in times] == [time.astimezone(MADRID).utcoffset() for time in times]


@given(ahead=st.timedeltas(timedelta(seconds=1), timedelta(days=25000)), offset=OFFSETS)
def test_any_moment_to_come_is_refused_in_a_sentence(ask, ahead, offset):
    answer, _ = ask({"at": (NOW + ahead).astimezone(offset).isoformat()})
    assert answer.status_code == 422
    assert answer.get_json()["detail"].endswith("lies in the future.")


@given(st.text(max_size=40))
def test_no_text_breaks_it(ask, text):
    answer, asked = ask({"at": text})
    assert (answer.status_code, asked) == (422, [])
    assert answer.get_json()["detail"]
