"""What is known at an origin: days of 24 hours of the wall clock, whole, and nothing from later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.core.clock import day_grid
from chocofactory.core.errors import NotFound
from chocofactory.forecasting.history import History, spread

FIRST = date(2024, 1, 1)


def hourly(first: date, last: date) -> pd.Series:
    """Prices that name their place: each hour its number since the first."""
    grid = day_grid(first, last)
    return pd.Series(np.arange(len(grid), dtype=float), index=grid)


def test_a_day_is_a_row_and_an_hour_of_the_wall_clock_a_column() -> None:
    history = History.of(hourly(FIRST, date(2024, 1, 10)), None, date(2024, 1, 11))

    assert history.origin == date(2024, 1, 11)
    assert history.pvpc.loc["2024-01-03", 5] == 2 * 24 + 5
    assert history.known.all()
    assert history.spot.isna().all(axis=None)


def test_what_lies_at_or_after_the_origin_is_cut_off() -> None:
    history = History.of(hourly(FIRST, date(2024, 1, 20)), hourly(FIRST, date(2024, 1, 20)), date(2024, 1, 11))

    assert history.pvpc.index[-1] == pd.Timestamp("2024-01-10")
    assert history.spot.index[-1] == pd.Timestamp("2024-01-10")


def test_the_hour_that_october_repeats_is_the_mean_of_both() -> None:
    prices = hourly(date(2024, 10, 20), date(2024, 10, 27))
    history = History.of(prices, None, date(2024, 10, 28))

    two = [prices[datetime(2024, 10, 27, hour, tzinfo=UTC)] for hour in (0, 1)]
    assert history.pvpc.loc["2024-10-27", 2] == np.mean(two)
    assert history.known.iloc[-1]


def test_the_hour_that_march_lacks_lies_between_its_neighbours() -> None:
    prices = hourly(date(2024, 3, 20), date(2024, 3, 31))
    history = History.of(prices, None, date(2024, 4, 1))

    row = history.pvpc.loc["2024-03-31"]
    assert row[2] == (row[1] + row[3]) / 2
    assert history.known.iloc[-1]


def test_a_missing_day_is_taken_from_the_week_before_and_marked() -> None:
    prices = hourly(FIRST, date(2024, 1, 20))
    prices = prices[(prices.index < "2024-01-16T23:00Z") | (prices.index >= "2024-01-17T23:00Z")]
    history = History.of(prices, None, date(2024, 1, 21))

    assert history.pvpc.loc["2024-01-17"].tolist() == history.pvpc.loc["2024-01-10"].tolist()
    assert history.known[~history.known].index.tolist() == [pd.Timestamp("2024-01-17")]


def test_days_that_are_not_out_yet_repeat_the_week_before() -> None:
    history = History.of(hourly(FIRST, date(2024, 1, 20)), None, date(2024, 1, 24))

    assert history.pvpc.loc["2024-01-23"].tolist() == history.pvpc.loc["2024-01-16"].tolist()
    assert not history.known.loc["2024-01-21":].any()


def test_a_history_begins_after_a_long_hole() -> None:
    prices = pd.concat([hourly(FIRST, date(2024, 1, 20)), hourly(date(2024, 3, 1), date(2024, 3, 20))])

    assert History.of(prices, None, date(2024, 3, 21)).pvpc.index[0] == pd.Timestamp("2024-03-01")


def test_prices_that_are_too_old_are_no_history() -> None:
    with pytest.raises(NotFound):
        History.of(hourly(FIRST, date(2024, 1, 20)), None, date(2024, 2, 5))
    with pytest.raises(NotFound):
        History.of(pd.Series(dtype=float, index=pd.DatetimeIndex([], tz=UTC)), None, FIRST)


def test_an_earlier_day_sees_what_was_known_then() -> None:
    prices = hourly(FIRST, date(2024, 2, 20)).drop(pd.Timestamp("2024-01-30T10:00Z"))
    late = History.of(prices, None, date(2024, 2, 21)).before(date(2024, 2, 1))
    then = History.of(prices, None, date(2024, 2, 1))

    pd.testing.assert_frame_equal(late.pvpc, then.pvpc, check_freq=False)
    assert late.origin == date(2024, 2, 1)


def test_a_day_can_be_taken_as_known() -> None:
    history = History.of(hourly(FIRST, date(2024, 1, 20)), None, date(2024, 1, 21)).extended(np.full(24, 0.5))

    assert history.origin == date(2024, 1, 22)
    assert history.pvpc.iloc[-1].tolist() == [0.5] * 24
    assert not history.known.iloc[-1]


def test_spot_may_be_known_from_long_before() -> None:
    spot = hourly(date(2023, 1, 1), date(2024, 1, 18))
    history = History.of(hourly(FIRST, date(2024, 1, 20)), spot, date(2024, 1, 21))

    assert history.spot.index[0] == pd.Timestamp("2023-01-01")
    assert history.spot.index[-1] == pd.Timestamp("2024-01-20")
    assert history.spot.loc["2024-01-19":].isna().all(axis=None)
    assert history.since(date(2024, 1, 5)).spot.index[0] == pd.Timestamp("2024-01-05")


@given(st.dates(date(2021, 1, 1), date(2031, 1, 1)), st.integers(1, 9))
def test_spreading_reaches_every_hour_of_the_days(first: date, days: int) -> None:
    values = np.arange(days * 24, dtype=float).reshape(days, 24, 1)
    frame = spread(values, first)

    grid = day_grid(first, first + timedelta(days=days - 1))
    assert frame.index.equals(grid)
    wall = grid.tz_convert("Europe/Madrid")
    expected = [(stamp.date() - first).days * 24 + stamp.hour for stamp in wall]
    assert frame[0].tolist() == expected
