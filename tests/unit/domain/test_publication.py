"""When prices come out, what is known of a day, and which days look stale."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from chocofactory.core.clock import day_grid, day_start
from chocofactory.core.errors import InvalidInput
from chocofactory.domain import prices as dp
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.domain.prices import DayState
from tests.price_samples import hourly, stale, whole_days

MADRID = ZoneInfo("Europe/Madrid")
HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(minutes=15), timedelta(days=1)
SPRING, AUTUMN, PLAIN = date(2025, 3, 30), date(2025, 10, 26), date(2025, 6, 3)
NAN = math.nan


# Publication


def madrid(year, month, day, hour, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=MADRID).astimezone(UTC)


def test_prices_come_out_on_the_evening_or_at_midday_of_the_day_before():
    assert dp.published_at(PVPC, date(2025, 1, 10)) == datetime(2025, 1, 9, 19, 15, tzinfo=UTC)
    assert dp.published_at(PVPC, date(2025, 7, 10)) == datetime(2025, 7, 9, 18, 15, tzinfo=UTC)
    assert dp.published_at(SPOT, date(2025, 1, 10)) == datetime(2025, 1, 9, 12, 0, tzinfo=UTC)
    assert dp.published_at(SPOT, SPRING + DAY) == datetime(2025, 3, 30, 11, 0, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="no market gas"):
        dp.published_at("gas", PLAIN)
    with pytest.raises(InvalidInput, match="no market gas"):
        dp.day_state("gas", PLAIN, 24, 24, madrid(2025, 1, 1, 1))


@pytest.mark.parametrize(
    ("market", "now", "state"),
    [
        (PVPC, madrid(2025, 6, 1, 23), DayState.NOT_YET),
        (PVPC, madrid(2025, 6, 2, 20, 14), DayState.NOT_YET),
        (PVPC, madrid(2025, 6, 2, 20, 59), DayState.NOT_YET),
        (PVPC, madrid(2025, 6, 2, 21, 0), DayState.LATE),
        (PVPC, madrid(2025, 6, 2, 23, 59), DayState.LATE),
        (PVPC, madrid(2025, 6, 3, 0), DayState.MISSING),
        (PVPC, madrid(2025, 9, 3, 0), DayState.MISSING),
        (SPOT, madrid(2025, 6, 2, 13, 59), DayState.NOT_YET),
        (SPOT, madrid(2025, 6, 2, 14, 0), DayState.LATE),
        (SPOT, madrid(2025, 6, 3, 0), DayState.MISSING),
    ],
)
def test_a_day_without_prices_is_first_not_due_then_late_then_missing(market, now, state):
    assert dp.day_state(market, PLAIN, 0, 24, now) is state
    assert dp.day_state(market, PLAIN, 5, 24, now) is DayState.PARTIAL
    assert dp.day_state(market, PLAIN, 24, 24, now) is DayState.COMPLETE


def test_a_day_of_25_hours_is_partial_with_24():
    assert dp.day_state(PVPC, AUTUMN, 24, 25, madrid(2025, 10, 27, 0)) is DayState.PARTIAL
    assert dp.day_state(PVPC, SPRING, 23, 23, madrid(2025, 10, 27, 0)) is DayState.COMPLETE


# Suspicion


@pytest.mark.parametrize("day", [PLAIN, SPRING, SPRING + DAY, AUTUMN, AUTUMN + DAY])
@pytest.mark.parametrize(
    ("shift", "reason"),
    [(0, "repeats_day_before"), (1, "shifted_day_before"), (-1, "shifted_day_before"), (2, None), (-2, None)],
)
def test_a_day_that_repeats_the_day_before_or_sits_one_hour_off_it_is_suspect(day, shift, reason):
    series = whole_days(day - 3 * DAY, day + 3 * DAY)
    assert dp.suspect_days(series) == {}
    assert dp.suspect_days(stale(series, day, shift)) == ({day: reason} if reason else {})


@pytest.mark.parametrize(
    ("shift", "reason"),
    [(0, "repeats_day_before"), (1, "shifted_day_before"), (-4, "shifted_day_before"), (4, "shifted_day_before")],
)
def test_quarters_are_compared_at_an_offset_of_a_quarter_and_of_an_hour(shift, reason):
    series = whole_days(PLAIN - DAY, PLAIN + DAY, QUARTER)
    assert dp.suspect_days(stale(series, PLAIN, shift, QUARTER), QUARTER) == {PLAIN: reason}
    assert dp.suspect_days(stale(series, PLAIN, 2, QUARTER), QUARTER) == {}


def test_one_other_price_clears_a_day_of_suspicion_and_rounding_does_not():
    series = stale(whole_days(PLAIN - DAY, PLAIN + DAY), PLAIN, 0)
    noon = pd.Timestamp(day_start(PLAIN)) + pd.Timedelta(hours=12)
    rounded = series.copy()
    rounded[noon] += 1e-15
    assert dp.suspect_days(rounded) == {PLAIN: "repeats_day_before"}
    series[noon] += 1e-5
    assert dp.suspect_days(series) == {}


def test_only_whole_days_are_compared():
    series = stale(whole_days(PLAIN - DAY, PLAIN + DAY), PLAIN, 0)
    for moment in (day_start(PLAIN), day_start(PLAIN) + 23 * HOUR, day_start(PLAIN - DAY) + 5 * HOUR):
        assert dp.suspect_days(series.drop(index=[moment])) == {}
        assert dp.suspect_days(series.where(series.index != moment)) == {}
    assert dp.suspect_days(series[: day_start(PLAIN) - QUARTER]) == {}
    assert dp.suspect_days(hourly([])) == {}


def test_two_days_of_the_same_constant_price_are_suspect_but_never_as_shifted():
    series = whole_days(PLAIN - 2 * DAY, PLAIN + 2 * DAY)
    series[day_grid(PLAIN - DAY, PLAIN)] = 0.0
    assert dp.suspect_days(series) == {PLAIN: "repeats_day_before"}
    series[day_grid(PLAIN - DAY)] = [0.0] * 23 + [0.05]
    assert dp.suspect_days(series) == {}
