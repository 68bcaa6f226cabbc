"""Hours to come are scored from the prices and the weather that are expected."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, StoppedClock, day_grid
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.scoring import score
from chocofactory.services.scoring import Recommendations, hourly_records, score_record
from tests.plant_kit import default_plant
from tests.score_kit import FakeOutside
from tests.served_kit import FakeForecasts

NOW = datetime(2025, 3, 12, 9, 40, tzinfo=UTC)
CLOCKS_ON = datetime(2025, 3, 28, 9, 40, tzinfo=UTC)  # Sunday the 30th has 23 hours
CLOCKS_BACK = datetime(2025, 10, 24, 9, 40, tzinfo=UTC)  # Sunday the 26th has 25


def _service(now=NOW, outside=None, lacking=0):
    clock = StoppedClock(now)
    forecasts = FakeForecasts(clock, lacking=lacking)
    return Recommendations(forecasts, outside or FakeOutside(), default_plant(), clock), forecasts


def test_each_hour_has_the_score_of_its_median_price_and_its_weather():
    outside = FakeOutside(temperature_c=38.5, humidity_pct=62)
    service, forecasts = _service(outside=outside)
    told = service.hourly()
    start = datetime(2025, 3, 12, 9, tzinfo=UTC)
    assert list(told.index) == [start + timedelta(hours=place) for place in range(168)]
    assert outside.asked == [(start, start + timedelta(hours=168))]
    assert forecasts.asked == [(None, 168, None)]
    prices = forecasts.forecast().frame["p50"]
    for hour, price in prices.items():
        alone = score(default_plant(), price, 38.5, 62)
        row = told.loc[hour]
        assert (row["score"], row["level"], row["reasons"]) == (alone.score, alone.level, alone.reasons)
        assert (row["room_c"], row["room_pct"]) == (24.5, 62)
    assert set(told["price_kind"]) == {"published", "forecast"}
    assert set(told["weather_kind"]) == {"forecast"}
    assert set(told["weather_source"]) == {"aemet"}


def test_hours_without_weather_or_price_are_there_and_unknown():
    service, _forecasts = _service(outside=FakeOutside(lacking=(1, 2)), lacking=3)
    told = service.hourly(10)
    assert len(told) == 10
    assert told["score"].isna().tolist() == [False, True, True, False, False, False, False, True, True, True]
    assert told["level"].isna().tolist() == told["score"].isna().tolist()
    assert told["weather_kind"].tolist()[:4] == ["forecast", "unavailable", "unavailable", "forecast"]
    assert told["price_kind"].tolist()[6:] == ["published", "unavailable", "unavailable", "unavailable"]
    assert all(told["reasons"].map(len) > 0)


def test_without_any_weather_nothing_is_scored():
    service, _forecasts = _service(outside=FakeOutside(float("nan"), float("nan"), "unavailable"))
    told = service.hourly(24)
    assert told["score"].isna().all()
    assert set(told["weather_kind"]) == {"unavailable"}
    assert told["price_eur_kwh"].notna().all()


def test_a_day_is_told_whole_or_what_is_left_of_it():
    service, _forecasts = _service()
    today = service.for_date(date(2025, 3, 12))
    assert (today.index[0], len(today)) == (pd.Timestamp("2025-03-12T09:00Z"), 14)
    assert list(service.for_date(date(2025, 3, 14)).index) == list(day_grid(date(2025, 3, 14)))
    last = service.for_date(date(2025, 3, 19))
    assert (last.index[0], len(last)) == (pd.Timestamp("2025-03-18T23:00Z"), 10)


@pytest.mark.parametrize(("now", "day", "hours"), [(CLOCKS_ON, 30, 23), (CLOCKS_BACK, 26, 25)])
def test_days_that_change_the_clock_have_the_hours_that_they_have(now, day, hours):
    service, _forecasts = _service(now)
    told = service.for_date(now.date().replace(day=day))
    assert len(told) == hours
    records = hourly_records(told)
    assert len({record["timestamp"] for record in records}) == hours
    assert {record["timestamp"][-6:] for record in records} == {"+01:00", "+02:00"}


@pytest.mark.parametrize("day", [date(2025, 3, 11), date(2025, 3, 20), date(2000, 1, 1), date(2099, 12, 31)])
def test_days_without_an_hour_ahead_are_refused(day):
    with pytest.raises(InvalidInput, match="from 2025-03-12 to 2025-03-19"):
        _service()[0].for_date(day)


def test_hours_are_told_once_and_in_their_order_in_whatever_zone_they_are_asked():
    service, _forecasts = _service()
    asked = [
        datetime(2025, 3, 13, 8, 59, tzinfo=MADRID),
        datetime(2025, 3, 12, 9, 41, tzinfo=UTC),
        datetime(2025, 3, 13, 7, 0, tzinfo=UTC),
    ]
    told = service.for_hours(asked)
    assert list(told.index) == [pd.Timestamp("2025-03-12T09:00Z"), pd.Timestamp("2025-03-13T07:00Z")]


@pytest.mark.parametrize("hours", [-1, 168])
def test_hours_that_are_over_or_too_far_ahead_are_refused(hours):
    service, _forecasts = _service()
    with pytest.raises(InvalidInput, match="cannot be told"):
        service.for_hours([NOW, NOW + timedelta(hours=hours)])
    assert len(service.for_hours([NOW, NOW + timedelta(hours=167)])) == 2


def test_records_hold_numbers_with_their_units_and_nulls_where_nothing_is_known():
    service, _forecasts = _service(outside=FakeOutside(38.5, float("nan")))
    record = hourly_records(service.hourly(1))[0]
    assert record == {
        "timestamp": "2025-03-12T10:00:00+01:00",
        "price_eur_kwh": 0.1,
        "price_kind": "published",
        "tariff_period": "P3",
        "temperature_c": 38.5,
        "humidity_pct": None,
        "weather_kind": "forecast",
        "weather_source": "aemet",
        "score": None,
        "class": None,
        "reasons": [
            "The humidity outside is unknown in this hour, and so is its score.",
            "The price of 0.1000 €/kWh costs 12 of 60 points.",
            "The room's temperature of 24.5 °C costs 3 of 25 points.",
        ],
        "parts": {"price": 48.0, "temperature": 21.88, "humidity": None},
        "room_temperature_c": 24.5,
        "room_humidity_pct": None,
    }


def test_one_hour_is_scored_by_the_plant():
    service, _forecasts = _service()
    found = service.score(0.12, 24, 50)
    assert found == score(default_plant(), 0.12, 24, 50)
    assert score_record(found)["score"] == pytest.approx(100 * (0.6 * 0.72 + 0.25 + 0.15))
    assert not np.isnan(score_record(found)["parts"]["price"])
