"""Tomorrow's PVPC from tomorrow's spot: against exact constructions, the days around it, and the real series."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.clock import day_grid
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.tariff import is_rest_day
from chocofactory.forecasting.from_spot import FromSpot, roll_from_spot
from chocofactory.forecasting.history import HOURS, History

PEAK = [10, 11, 12, 13, 18, 19, 20, 21]
FLAT = [8, 9, 14, 15, 16, 17, 22, 23]
TOLLS = {"valley": 0.03, "flat": 0.05, "peak": 0.11}
MONDAY = date(2024, 3, 4)


def spot_of(days: int, seed: int = 7) -> np.ndarray:
    """Prices like those of spring: a level that wanders, low at noon."""
    chance = np.random.default_rng(seed)
    level = 0.06 + np.cumsum(chance.normal(0, 0.006, days))
    noon = 0.03 * np.cos(2 * np.pi * (np.arange(HOURS) - 1) / HOURS)
    return level[:, None] + noon + chance.normal(0, 0.004, (days, HOURS))


def tolls_of(day: date, tolls: dict[str, float] = TOLLS) -> np.ndarray:
    paid = np.full(HOURS, tolls["valley"])
    if not is_rest_day(day):
        paid[PEAK], paid[FLAT] = tolls["peak"], tolls["flat"]
    return paid


def history_of(spot: np.ndarray, origin: date, *, within: float = 1.13, mean: float = 1.13) -> History:
    """A past in which PVPC follows from spot and tolls by a rule that is known."""
    days = pd.date_range(end=origin - timedelta(days=1), periods=len(spot), freq="D")
    means = spot.mean(axis=1, keepdims=True)
    pvpc = np.stack([tolls_of(day.date()) for day in days]) + within * (spot - means) + mean * means
    return History(pd.DataFrame(pvpc, days), pd.DataFrame(spot, days), pd.Series(data=True, index=days))


def changed(history: History, day: int, *, pvpc: float | None = None, spot: float | None = None) -> History:
    """The same with another value in all hours of one of its days."""
    prices, market = history.pvpc.copy(), history.spot.copy()
    if pvpc is not None:
        prices.iloc[day] = pvpc
    if spot is not None:
        market.iloc[day] = spot
    return History(prices, market, history.known)


def without(history: History, day: int) -> History:
    known = history.known.copy()
    known.iloc[day] = False
    return History(history.pvpc, history.spot, known)


@pytest.mark.parametrize("origin", [MONDAY, date(2024, 3, 9), date(2024, 5, 1)], ids=["Monday", "Saturday", "holiday"])
def test_losses_and_tolls_are_found_to_the_last_digit_where_there_is_nothing_else(origin: date) -> None:
    spot = spot_of(57)
    found = FromSpot().predict(history_of(spot[:-1], origin), spot[-1])

    assert found == pytest.approx(tolls_of(origin) + 1.13 * spot[-1], abs=2e-6)


def test_the_mean_of_the_day_may_count_less_than_what_hours_depart_from_it() -> None:
    spot = spot_of(57)
    found = FromSpot().predict(history_of(spot[:-1], MONDAY, within=1.16, mean=0.67), spot[-1])

    expected = tolls_of(MONDAY) + 1.16 * (spot[-1] - spot[-1].mean()) + 0.67 * spot[-1].mean()
    assert found == pytest.approx(expected, abs=2e-4)


def test_a_negative_price_passes_through() -> None:
    spot = spot_of(57) - 0.09
    spot[-1] = -0.2
    found = FromSpot().predict(history_of(spot[:-1], MONDAY), spot[-1])

    assert found == pytest.approx(tolls_of(MONDAY) - 1.13 * 0.2, abs=2e-6)
    assert (found < 0).all()


def test_seven_days_are_enough_and_six_are_not() -> None:
    spot = spot_of(8)
    history = history_of(spot[:-1], MONDAY)

    assert FromSpot().predict(history, spot[-1]) == pytest.approx(tolls_of(MONDAY) + 1.13 * spot[-1], abs=1e-4)
    with pytest.raises(InvalidInput, match="7 of the last 28 days; 6 are there"):
        FromSpot().predict(history.since(date(2024, 2, 27)), spot[-1])


def test_days_count_only_if_both_series_are_known() -> None:
    spot = spot_of(60)
    history = history_of(spot[:-1], MONDAY)
    history.spot.iloc[-25:, 3:12] = np.nan

    with pytest.raises(InvalidInput, match="3 are there"):
        FromSpot().predict(history, spot[-1])


@given(day=st.integers(-56, -1), value=st.floats(-1, 1))
@settings(max_examples=10, deadline=None)
def test_prices_that_were_only_filled_in_change_nothing(day: int, value: float) -> None:
    spot = spot_of(61)
    history = without(history_of(spot[:-1], MONDAY), day)

    before = FromSpot().predict(history, spot[-1])
    assert np.array_equal(FromSpot().predict(changed(history, day, pvpc=value), spot[-1]), before)


def test_spot_prices_from_before_pvpc_existed_change_nothing() -> None:
    spot = spot_of(57)
    history = history_of(spot[:-1], MONDAY)
    young = history.since(date(2024, 2, 1))
    older = History(young.pvpc, history.spot, young.known)

    assert np.array_equal(FromSpot().predict(older, spot[-1]), FromSpot().predict(young, spot[-1]))


def test_one_day_without_spot_prices_is_left_out() -> None:
    spot = spot_of(57)
    history = history_of(spot[:-1], MONDAY)
    found = FromSpot().predict(changed(history, -2, spot=np.nan), spot[-1])

    assert found == pytest.approx(tolls_of(MONDAY) + 1.13 * spot[-1], abs=2e-6)
    assert np.array_equal(found, FromSpot().predict(without(history, -2), spot[-1]))


def test_a_short_gap_in_the_given_day_lies_between_its_neighbours() -> None:
    spot = spot_of(57)
    history, day = history_of(spot[:-1], MONDAY), spot[-1]
    day[5:8] = np.nan
    day[23] = np.nan
    filled = day.copy()
    filled[5:8] = day[4] + (day[8] - day[4]) * np.array([1, 2, 3]) / 4
    filled[23] = day[22]

    assert np.array_equal(FromSpot().predict(history, day), FromSpot().predict(history, filled))


def test_a_longer_gap_stays_unknown_and_the_other_hours_do_not() -> None:
    spot = spot_of(57)
    spot[-1, 5:9] = np.nan
    found = FromSpot().predict(history_of(spot[:-1], MONDAY), spot[-1])

    assert np.flatnonzero(np.isnan(found)).tolist() == [5, 6, 7, 8]
    assert found[12] == pytest.approx(tolls_of(MONDAY)[12] + 1.13 * spot[-1, 12], abs=2e-6)


@pytest.mark.parametrize("known", [0, 10])
def test_a_day_whose_mean_is_unknown_is_unknown(known: int) -> None:
    spot = spot_of(57)
    spot[-1, known:] = np.nan

    assert np.isnan(FromSpot().predict(history_of(spot[:-1], MONDAY), spot[-1])).all()


def test_new_tolls_of_the_first_of_january_are_learnt_in_two_working_days() -> None:
    new = {"valley": 0.02, "flat": 0.07, "peak": 0.14}
    origin = date(2025, 1, 4)
    spot = spot_of(70)
    history = history_of(spot[:-1], origin)
    for day in (date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3)):
        history.pvpc.loc[str(day)] += tolls_of(day, new) - tolls_of(day)
    tuesday = history.extended(history.pvpc.iloc[-1].to_numpy(), history.spot.iloc[-1].to_numpy())
    for _ in range(2):
        tuesday = tuesday.extended(history.pvpc.iloc[-1].to_numpy())
    assert tuesday.origin == date(2025, 1, 7)

    error = FromSpot().predict(tuesday, spot[-1]) - tolls_of(date(2025, 1, 7), new) - 1.13 * spot[-1]
    old = tolls_of(date(2025, 1, 7)) - tolls_of(date(2025, 1, 7), new)
    assert np.abs(error).mean() < 0.3 * np.abs(old).mean()


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25)])
def test_days_on_which_the_clock_changes_are_like_others(day: date, hours: int) -> None:
    grid = day_grid(day - timedelta(days=30), day)
    spot = pd.Series(spot_of(32).ravel()[: len(grid)], index=grid)
    wall = grid.tz_convert("Europe/Madrid")
    tolls = [tolls_of(moment.date())[moment.hour] for moment in wall]
    history = History.of(1.13 * spot + tolls, spot, day + timedelta(days=1))
    assert (wall.date == day).sum() == hours

    points, _ = roll_from_spot(history, day, day)
    assert points[0] == pytest.approx(tolls_of(day) + 1.13 * history.spot.loc[str(day)].to_numpy(), abs=2e-5)
    after = FromSpot().predict(history, spot.to_numpy()[:HOURS])
    assert after == pytest.approx(tolls_of(day + timedelta(days=1)) + 1.13 * spot.to_numpy()[:HOURS], abs=2e-5)


@given(row=st.integers(0, 3), value=st.floats(-1, 1))
@settings(max_examples=10, deadline=None)
def test_no_forecast_of_a_roll_sees_pvpc_of_its_day_or_any_price_of_a_later_one(row: int, value: float) -> None:
    history = history_of(spot_of(24), MONDAY)
    first, last = MONDAY - timedelta(days=4), MONDAY - timedelta(days=1)
    before, _ = roll_from_spot(history, first, last)
    after, _ = roll_from_spot(changed(history, 20 + row, pvpc=value), first, last)
    assert np.array_equal(before[: row + 1], after[: row + 1])
    after, _ = roll_from_spot(changed(history, 20 + row, spot=value), first, last)
    assert np.array_equal(before[:row], after[:row])
    assert not np.array_equal(before[row], after[row])


def test_a_roll_says_of_each_day_what_the_model_would_have_said() -> None:
    history = history_of(spot_of(40), MONDAY)
    history.spot.iloc[35] = np.nan
    history = without(history, 36)
    first, last = MONDAY - timedelta(days=6), MONDAY
    points, truth = roll_from_spot(history, first, last)

    for row in (0, 2, 3, 4, 5):
        day = first + timedelta(days=row)
        said = FromSpot().predict(history.before(day), history.spot.loc[str(day)].to_numpy())
        assert np.array_equal(points[row], said)
    assert np.isnan(points[[1, 6]]).all()
    assert np.isnan(truth[[2, 6]]).all()
    assert np.array_equal(truth[0], history.pvpc.iloc[34].to_numpy())


def test_a_roll_begins_where_enough_days_are_known() -> None:
    history = history_of(spot_of(20), MONDAY)
    points, truth = roll_from_spot(history, MONDAY - timedelta(days=25), MONDAY - timedelta(days=1))

    assert np.isnan(points[:12]).all()
    assert np.isfinite(points[12:]).all()
    assert np.isnan(truth[:5]).all()
    assert np.isfinite(truth[5:]).all()


@pytest.mark.realdata
def test_in_2024_its_error_is_an_eighth_of_that_of_last_week(data_dir) -> None:
    columns = ["timestamp_utc", "price_eur_kwh"]
    pvpc = pd.read_csv(data_dir / "prices/pvpc_20td_peninsula.csv.gz", usecols=columns).set_index(columns[0])
    spot = pd.read_csv(data_dir / "prices/spot_es.csv.gz", index_col=0)
    series = [
        pd.Series(frame.iloc[:, 0].to_numpy(dtype=float), index=pd.to_datetime(frame.index, utc=True))
        for frame in (pvpc, spot / 1000)
    ]
    history = History.of(*series, date(2025, 1, 1)).since(date(2023, 11, 1))
    days = pd.date_range("2024-01-01", "2024-12-31", freq="5D")  # all weekdays in turn
    said = [FromSpot().predict(history.before(day.date()), history.spot.loc[day].to_numpy()) for day in days]
    truth, week = (history.pvpc.shift(days_ago).loc[days].to_numpy() for days_ago in (0, 7))

    assert np.abs(np.array(said) - truth).mean() < 0.125 * np.abs(week - truth).mean()
