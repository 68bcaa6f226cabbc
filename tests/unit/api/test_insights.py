"""Realised errors over REST, from an archive that the test writes."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.api.forecast_schemas import DeviationAnswer
from chocofactory.core.clock import day_grid, day_start
from chocofactory.domain.measurements import PENINSULA, PRICE_FORECAST, PVPC, Series
from tests.fakes import wavy_prices
from tests.served_kit import NEW, FakeModels, with_fakes

PATH = "/api/v1/insights/ree-deviation"
ARCHIVE = Series(PRICE_FORECAST, {"market": PVPC, "zone": PENINSULA})
PRICES = wavy_prices(date(2025, 3, 10), date(2025, 3, 12))


@pytest.fixture
def factory(factory):
    """On 12 March 2025, with prices of three days."""
    return with_fakes(factory, models=FakeModels.with_three())


@pytest.fixture
def archive(factory):
    """Two forecasts of 10 to 16 March: of the 10th and 11th too low by 0.01 EUR/kWh, of the 12th by 0.03."""
    grid = day_grid(date(2025, 3, 10), date(2025, 3, 16))
    off = np.where(grid >= day_start(date(2025, 3, 12)), 0.03, 0.01)
    said = PRICES.reindex(grid).fillna(0.1).to_numpy() - off
    steps = {"p05": -0.02, "p25": -0.015, "p50": 0, "p75": 0.015, "p95": 0.02}
    frame = pd.DataFrame({f"{name}_eur_kwh": said + step for name, step in steps.items()}, index=grid)
    frame["model"], frame["version"] = "ensemble", NEW
    issued = day_start(date(2025, 3, 9))
    factory._store.write(ARCHIVE, frame, source="chocofactory", written_at=issued, issued_at=issued)


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("path", [PATH, "/insights/ree-deviation"])
def test_errors_are_told_by_day_and_by_lead_day(client, path):
    body = client.get(f"{path}?days=5").get_json()
    DeviationAnswer.model_validate(body)
    assert body["period"] == {"start": "2025-03-08", "end": "2025-03-12"}
    assert (body["total_records"], body["expected_records"], body["since"]) == (3, 5, "2025-03-10")
    assert body["reason"] is None
    assert [(day["day"], day["hours"], day["mae_eur_kwh"], day["bias_eur_kwh"]) for day in body["daily"]] == [
        ("2025-03-10", 24, 0.01, -0.01),
        ("2025-03-11", 24, 0.01, -0.01),
        ("2025-03-12", 24, 0.03, -0.03),
    ]
    assert [day["coverage_90_pct"] for day in body["daily"]] == [100, 100, 0]
    assert {day["naive_mae_eur_kwh"] for day in body["daily"]} == {None}
    assert [(lead["lead_day"], lead["hours"], lead["mae_eur_kwh"]) for lead in body["by_lead_day"]] == [
        *((1, 24, 0.01), (2, 24, 0.01), (3, 24, 0.03)),
        *((lead, 0, None) for lead in range(4, 8)),
    ]
    assert body["validation_metrics"] == {
        "mae_eur_kwh": pytest.approx(0.05 / 3),
        "naive_mae_eur_kwh": None,
        "bias_eur_kwh": pytest.approx(-0.05 / 3),
        "coverage_50_pct": pytest.approx(66.67),
        "coverage_90_pct": pytest.approx(66.67),
        "samples_test": 72,
    }
    assert (body["model_info"]["model"], body["model_info"]["version"]) == ("ensemble", NEW)
    assert body["drift"]["drifting"] is None
    empty = ("mae_eur_kwh", "naive_mae_eur_kwh", "relative_mae", "bias_eur_kwh", "coverage_90_pct")
    assert body["from_spot"] == {"hours": 0, **dict.fromkeys(empty)}


def test_a_day_told_from_spot_is_told_apart(client, factory):
    grid = day_grid(date(2025, 3, 11))
    said = PRICES.reindex(grid).to_numpy() + 0.002
    frame = pd.DataFrame({f"p{level}_eur_kwh": said for level in ("05", "25", "50", "75", "95")}, index=grid)
    frame["model"], frame["version"], frame["lead_day"] = "from_spot", NEW, 1.0
    issued = day_start(date(2025, 3, 10)) + timedelta(hours=14)
    factory._store.write(ARCHIVE, frame, source="chocofactory", written_at=issued, issued_at=issued)

    body = client.get(PATH).get_json()
    DeviationAnswer.model_validate(body)
    assert (body["from_spot"]["hours"], body["from_spot"]["mae_eur_kwh"]) == (24, 0.002)
    assert (body["daily"], body["by_lead_day"][0]["hours"], body["reason"]) == ([], 0, None)


def test_days_weigh_as_much_as_they_have_hours(client, factory, archive):
    """A second issue of the 12th alone, off by as much: its hours count with those of the first."""
    grid = day_grid(date(2025, 3, 12))
    said = PRICES.reindex(grid).to_numpy() + 0.03
    frame = pd.DataFrame({f"p{level}_eur_kwh": said for level in ("05", "25", "50", "75", "95")}, index=grid)
    frame["model"], frame["version"] = "ensemble", NEW
    issued = day_start(date(2025, 3, 12)) - timedelta(hours=2)
    factory._store.write(ARCHIVE, frame, source="chocofactory", written_at=issued, issued_at=issued)
    body = client.get(PATH).get_json()
    assert body["validation_metrics"]["samples_test"] == 96
    assert body["validation_metrics"]["mae_eur_kwh"] == pytest.approx((24 * 0.01 + 24 * 0.01 + 48 * 0.03) / 96)
    assert body["validation_metrics"]["bias_eur_kwh"] == pytest.approx(-0.48 / 96)


def test_an_empty_archive_answers_with_nulls_and_the_reason(client):
    body = client.get(PATH).get_json()
    DeviationAnswer.model_validate(body)
    assert (body["daily"], body["total_records"], body["expected_records"], body["since"]) == ([], 0, 90, None)
    assert "No forecast was issued yet" in body["reason"]
    assert set(body["validation_metrics"].values()) == {None, 0}
    assert [lead["mae_eur_kwh"] for lead in body["by_lead_day"]] == [None] * 7


@pytest.mark.usefixtures("archive")
def test_a_range_without_errors_says_since_when_there_are_forecasts(client, factory):
    factory.clock.at = factory.clock.at + timedelta(days=30)
    body = client.get(f"{PATH}?days=7").get_json()
    assert (body["daily"], body["since"]) == ([], "2025-03-10")
    assert "2025-03-10" in body["reason"]


@pytest.mark.parametrize("query", ["days=0", "days=367", "days=x", "weeks=1"])
def test_a_wrong_question_is_a_422_that_says_why(client, query):
    answer = client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.get_json()["detail"]
