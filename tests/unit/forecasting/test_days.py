"""Kinds of days, and prices in units of what is usual."""

from __future__ import annotations

from datetime import date, timedelta

import holidays
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.days import REST_DAY, Calendar, in_units, mean_before, need_days, usual
from tests.forecast_kit import made_up_history


def calendar(first: str, days: int) -> Calendar:
    return Calendar.of(pd.Timestamp(first), days)


def test_a_national_holiday_is_of_the_kind_of_a_sunday() -> None:
    made = calendar("2024-12-23", 7)  # Monday; Christmas is the Wednesday

    assert made.kind.tolist() == [0, 1, REST_DAY, 3, 4, 5, REST_DAY]
    assert made.holiday.tolist() == [False, False, True, False, False, False, False]
    assert made.eve.tolist() == [False, True, False, False, False, False, False]
    assert made.morrow.tolist() == [False, False, False, True, False, False, False]


def test_good_friday_counts_and_a_regional_holiday_does_not() -> None:
    assert calendar("2024-03-29", 1).holiday[0]
    assert not calendar("2024-04-23", 1).holiday[0]  # Castile and Leon, Aragon


def test_the_friday_after_and_the_monday_before_a_holiday_are_bridges() -> None:
    assert calendar("2024-08-12", 7).bridge.tolist() == [False, False, False, False, True, False, False]
    assert calendar("2025-01-05", 3).bridge.tolist() == [False, False, False]  # the holiday is the Monday itself
    assert calendar("2026-12-07", 1).bridge[0]  # Monday; the 8th is a Tuesday


@given(first=st.dates(date(2016, 1, 1), date(2032, 12, 31)), days=st.integers(1, 40))
def test_the_nearest_holiday_is_found_in_any_year(first: date, days: int) -> None:
    known = holidays.country_holidays("ES", years=range(first.year - 1, first.year + 3))
    nearest = [min(abs((day - first).days - row) for day in known) for row in range(days)]

    assert calendar(first.isoformat(), days).distance.tolist() == nearest


def test_level_and_spread_are_those_of_the_28_days_before() -> None:
    values = np.random.default_rng(1).normal(0.1, 0.03, (60, 24))
    level, spread = usual(values, np.array([30, 60]))

    past = values[2:30].ravel()
    assert level[0] == pytest.approx(sum(past) / (28 * 24))
    assert spread[0] == pytest.approx(pd.Series(past).std(ddof=0), abs=2e-4)
    later = values.copy()
    later[30:] += 1
    assert usual(later, np.array([30]))[0][0] == level[0]
    assert in_units(values[[30]], level[:1], spread[:1])[0, 3] == pytest.approx((values[30, 3] - level[0]) / spread[0])


def test_prices_that_never_change_still_have_a_spread() -> None:
    assert usual(np.full((28, 24), 0.1), np.array([28]))[1][0] > 0


def test_means_are_of_the_days_before_alone() -> None:
    values = np.arange(10.0)[:, None] * np.ones(24)
    assert mean_before(values, np.array([3, 10]), 3)[:, 0].tolist() == [1.0, 8.0]


def test_56_days_are_enough_and_55_are_not() -> None:
    history = made_up_history(date(2024, 1, 1) + timedelta(days=55))
    need_days(history, "any")
    with pytest.raises(InvalidInput, match="any needs 56 days"):
        need_days(history.since(date(2024, 1, 2)), "any")
