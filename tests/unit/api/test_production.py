import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chocofactory.api.production_schemas import EnergyAnswer, ProductionAnswer, ProductionRecommendationAnswer
from chocofactory.services.scoring import Recommendations
from tests.plant_kit import default_plant
from tests.score_kit import FakeOutside
from tests.served_kit import FakeForecasts

PREFIXES = ("", "/api/v1")
ONE_HOUR = ("/predict/energy-optimization", "/predict/production-recommendation")
MILD = {"price_eur_kwh": 0.12, "temperature": 24, "humidity": 50}


@pytest.fixture
def outside():
    return FakeOutside()


@pytest.fixture
def factory(factory, outside):
    """At 10:30 on 12 March 2025."""
    made = Recommendations(FakeForecasts(factory.clock), outside, default_plant(), factory.clock)
    return replace(factory, recommendations=made)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_date_is_told_hour_by_hour(client, prefix):
    answer = client.post(f"{prefix}/predict/production", json={"date": "2025-03-13"})
    assert answer.status_code == 200
    body = answer.get_json()
    ProductionAnswer.model_validate(body)
    assert (body["total_records"], body["expected_records"], body["reason"]) == (24, 24, None)
    assert body["recommendations"][15] == {
        "timestamp": "2025-03-13T15:00:00+01:00",
        "price_eur_kwh": 0.15,
        "price_kind": "published",
        "tariff_period": "P3",
        "temperature_c": 20.0,
        "humidity_pct": 50.0,
        "weather_kind": "forecast",
        "weather_source": "aemet",
        "score": 76.0,
        "class": "optimal",
        "reasons": ["The price of 0.1500 €/kWh costs 24 of 60 points."],
        "parts": {"price": 36.0, "temperature": 25.0, "humidity": 15.0},
        "room_temperature_c": 22.0,
        "room_humidity_pct": 50.0,
    }


def test_of_today_the_hours_that_are_over_are_counted_and_said(client):
    body = client.post("/predict/production", json={"date": "2025-03-12"}).get_json()
    assert (body["total_records"], body["expected_records"]) == (14, 24)
    assert "over" in body["reason"]
    assert body["recommendations"][0]["timestamp"] == "2025-03-12T10:00:00+01:00"


def test_hours_can_be_listed_and_the_week_is_the_default(client):
    asked = ["2025-03-12T23:30:00Z", "2025-03-12T10:59:00+01:00"]
    body = client.post("/predict/production", json={"hours": asked}).get_json()
    assert [hour["timestamp"] for hour in body["recommendations"]] == [
        "2025-03-12T10:00:00+01:00",
        "2025-03-13T00:00:00+01:00",
    ]
    assert client.post("/predict/production", json={}).get_json()["total_records"] == 168


def test_unknown_weather_is_null_and_not_a_default(client, outside):
    outside.lacking = (0,)
    first = client.post("/predict/production", json={}).get_json()["recommendations"][0]
    assert (first["score"], first["class"], first["weather_kind"]) == (None, None, "unavailable")
    assert "unknown" in first["reasons"][0]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"date": "2025-03-13", "hours": ["2025-03-13T10:00:00Z"]}, "not both"),
        ({"date": "13/03/2025"}, "YYYY-MM-DD"),
        ({"date": 20250313}, "date"),
        ({"date": "1999-01-01"}, "2000"),
        ({"date": "2025-03-11"}, "recommendations reach"),
        ({"date": "2025-03-21"}, "recommendations reach"),
        ({"hours": []}, "hours"),
        ({"hours": ["2025-03-13T10:00:00"]}, "offset"),
        ({"hours": ["2025-03-13"]}, "offset"),
        ({"hours": ["soon"]}, "soon"),
        ({"hours": ["2025-03-12T08:00:00+01:00"]}, "recommendations reach"),
        ({"hours": ["2025-03-13T10:00:00Z"] * 169}, "hours"),
        ({"hours": "2025-03-13T10:00:00Z"}, "hours"),
        ({"day": "2025-03-13"}, "day"),
    ],
)
def test_what_is_no_question_is_refused(client, body, part):
    answer = client.post("/predict/production", json=body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert part in answer.get_json()["detail"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_original_names_stand_beside_the_rule(client, prefix):
    energy = client.post(f"{prefix}/predict/energy-optimization", json=MILD).get_json()
    production = client.post(f"{prefix}/predict/production-recommendation", json=MILD).get_json()
    EnergyAnswer.model_validate(energy)
    ProductionRecommendationAnswer.model_validate(production)
    assert energy["status"] == production["status"] == "success"
    said = energy["prediction"]
    assert (said["energy_optimization_score"], said["score"]) == (83.2, 83.2)  # 0.12 EUR/kWh: 60 x 0.72, and 25 + 15
    assert (said["recommendation"], said["class"]) == ("Optimal", "optimal")
    assert said["timestamp"] == "2025-03-12T10:30:00+01:00"
    assert said["reasons"] == ["The price of 0.1200 €/kWh costs 17 of 60 points."]
    assert production["prediction"]["production_recommendation"] == "Optimal"
    assert production["analysis"] == {"overall_score": 83.2}
    for answer in (energy, production):
        assert "plant.toml" in answer["rule"]
        written = json.dumps(answer).lower()
        assert not [word for word in ("machine learning", "confidence", "probabilit", "model") if word in written]


def test_a_broken_limit_is_halt_with_its_name(client):
    answer = client.post("/predict/production-recommendation", json=MILD | {"temperature": 41}).get_json()
    assert answer["prediction"]["production_recommendation"] == "Halt"
    assert "finishing must not run above 26" in answer["prediction"]["reasons"][0]


@pytest.mark.parametrize("path", ONE_HOUR)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("price_eur_kwh", "-1.001"),
        ("price_eur_kwh", "10.001"),
        ("temperature", "-40.1"),
        ("temperature", "60.1"),
        ("humidity", "-0.1"),
        ("humidity", "100.1"),
        ("humidity", "null"),
        ("humidity", '"50"'),
        ("humidity", "true"),
        *((name, text) for name in MILD for text in ("NaN", "Infinity", "-Infinity", "1e400")),
    ],
)
def test_conditions_beyond_their_bounds_are_refused_by_name(client, path, name, text):
    sent = json.dumps(MILD | {name: "HERE"}).replace('"HERE"', text)
    answer = client.post(path, data=sent, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert name in answer.get_json()["detail"]


@pytest.mark.parametrize("path", ONE_HOUR)
def test_conditions_are_given_whole_and_without_more(client, path):
    assert client.post(path, json={}).status_code == 422
    assert client.post(path, json=MILD | {"hour": 3}).status_code == 422
    edges = {"price_eur_kwh": -1, "temperature": 60, "humidity": 100}
    assert client.post(path, json=edges).get_json()["prediction"]["class"] == "halt"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(-1, 10), st.floats(-40, 60), st.floats(0, 100))
def test_all_conditions_within_bounds_are_answered(client, price, temperature, humidity):
    body = {"price_eur_kwh": price, "temperature": temperature, "humidity": humidity}
    answer = client.post("/predict/energy-optimization", json=body)
    assert answer.status_code == 200
    EnergyAnswer.model_validate(answer.get_json())
