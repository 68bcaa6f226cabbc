"""Prices without the tariff's steps, and the features that linear models see."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, day_grid
from chocofactory.domain.tariff import tariff
from chocofactory.forecasting.features import FEATURES, Market, Midnights
from chocofactory.forecasting.history import History
from tests.forecast_kit import made_up_prices

P1, P2, P3 = 0.11, 0.05, 0.02


def with_steps(spot: pd.Series, factor: float = 1.1) -> pd.Series:
    """PVPC as it comes about: spot with losses, and the tariff of the hour."""
    periods = tariff("2.0TD").label(pd.DatetimeIndex(spot.index)).astype(str)
    return spot * factor + periods.map({"P1": P1, "P2": P2, "P3": P3})


def history_of(
    first: date = date(2023, 11, 1), last: date = date(2024, 4, 20), spot_first: date | None = None
) -> History:
    spot = made_up_prices(spot_first or first, last)
    pvpc = with_steps(spot)
    return History.of(pvpc[pvpc.index >= pd.Timestamp(first, tz=MADRID)], spot, last + pd.Timedelta(days=1))


def test_steps_of_the_tariff_are_found_and_taken_out() -> None:
    history = history_of()
    market = Market.of(history)

    assert market.steps[20:] == pytest.approx(np.tile([P1 - P3, P2 - P3], (len(history) - 19, 1)), abs=2e-3)
    assert market.price[20:] == pytest.approx(history.spot.to_numpy()[20:] * 1.1 + P3, abs=2e-3)


def test_steps_follow_a_new_tariff_within_weeks() -> None:
    spot = made_up_prices(date(2023, 11, 1), date(2024, 4, 20))
    pvpc = with_steps(spot)
    new = pvpc.index >= pd.Timestamp("2024-02-01", tz=MADRID)
    periods = tariff("2.0TD").label(pd.DatetimeIndex(spot.index))
    pvpc = pvpc + np.where(new & (periods == "P1"), 0.03, 0.0)
    steps = Market.of(History.of(pvpc, spot, date(2024, 4, 21))).steps

    assert steps[60, 0] == pytest.approx(P1 - P3, abs=2e-3)
    assert steps[-1, 0] == pytest.approx(P1 - P3 + 0.03, abs=3e-3)


def test_surcharge_of_a_day_is_that_of_its_periods() -> None:
    history = history_of(last=date(2024, 4, 28))  # a Sunday; 1 May is a holiday of the tariff
    market = Market.of(history)
    origin = np.array([len(market)])
    grid = day_grid(date(2024, 4, 29), date(2024, 5, 5))
    periods = tariff("2.0TD").label(grid).astype(str).to_numpy().reshape(7, 24)
    peak, flat = market.steps[-1]

    for lead in range(7):
        expected = np.select([periods[lead] == "P1", periods[lead] == "P2"], [peak, flat], 0.0)
        assert market.surcharge(origin, lead)[0] == pytest.approx(expected)
    assert market.surcharge(origin, 2).max() == 0
    assert market.surcharge(origin, 3).max() == pytest.approx(P1 - P3, abs=2e-3)


def test_a_midnight_knows_nothing_of_what_came_after_it() -> None:
    history = history_of(spot_first=date(2023, 9, 1))
    late = Market.of(history)
    for day in (date(2024, 1, 10), date(2024, 3, 1), date(2024, 4, 20)):
        early = Market.of(history.before(day))
        row = np.array([len(early)])
        one, other = Midnights.of(late, row), Midnights.of(early, row)
        assert late.days[row[0]].date() == day
        for lead in range(7):
            assert np.array_equal(one.features(lead), other.features(lead))
            assert np.array_equal(one.prices(np.ones((1, 24)), lead), other.prices(np.ones((1, 24)), lead))


def test_without_spot_prices_stay_as_they_are() -> None:
    known = history_of()
    history = History.of(made_up_prices(date(2023, 11, 1), date(2024, 4, 20)), None, date(2024, 4, 21))
    market = Market.of(history)
    assert not market.steps.any()
    assert np.array_equal(market.price, history.pvpc.to_numpy())

    late = known.spot.copy()
    late.iloc[-40:] = np.nan
    steps = Market.of(History(known.pvpc, late, known.known)).steps
    assert np.array_equal(steps[-40:], np.tile(steps[-41], (40, 1)))


def test_days_before_pvpc_began_are_spot_and_those_that_were_filled_teach_nothing() -> None:
    history = history_of(date(2024, 1, 1), spot_first=date(2023, 6, 1))
    spot = history.spot.copy()
    spot.iloc[50] = np.nan
    spot.iloc[100:130] = np.nan
    known = history.known.copy()
    known.iloc[60] = False
    market = Market.of(History(history.pvpc, spot, known))

    assert market.begun == 214
    assert len(market) == len(spot)
    assert np.array_equal(market.price[:50], spot.to_numpy()[:50])
    assert np.array_equal(market.price[50], spot.to_numpy()[49])
    assert np.isnan(market.price[114:130]).all()
    rows = np.arange(28, len(market))
    missing = np.isnan(market.target(rows, 2)).any(axis=1)
    assert set(rows[missing] + 2) == {50, *range(100, 130), 274, len(market), len(market) + 1}
    assert set(Midnights.of(market, rows).rows) == set(rows) - set(range(115, 158))


def test_features_are_those_of_a_hand_count() -> None:
    history = history_of(date(2024, 1, 1))
    market = Market.of(history)
    row = 91  # the midnight at which Monday 1 April 2024 begins; Good Friday was on 29 March
    midnights = Midnights.of(market, np.array([row]))
    before = market.price[row - 28 : row]
    level, spread = before[-7:].mean(), before.std()
    scaled = (market.price - level) / spread
    one = midnights.features(4)[0]  # of Friday 5 April

    assert len(one) == FEATURES
    assert market.days[row] == pd.Timestamp("2024-04-01")
    for place, lag in enumerate((1, 2, 3, 7, 14)):
        assert one[24 * place : 24 * place + 24] == pytest.approx(scaled[row - lag])
    assert one[120:144] == pytest.approx(scaled[row - 7 : row].mean(axis=0))
    assert one[144:168] == pytest.approx(scaled[row - 28 : row].mean(axis=0))
    assert one[168:171] == pytest.approx([scaled[row - 1].min(), scaled[row - 1].max(), scaled[row - 1].mean()])
    assert one[171:195] == pytest.approx(scaled[row - 10])  # Friday 22 March, as the 29th was like a Sunday
    assert one[195:219] == pytest.approx(scaled[row - 17])
    assert one[219:235].tolist() == [0, 0, 0, 0, 1, 0, 0, *[0, 0, 0, 0, 0, 0, 1], *[0, 0]]
    angle = 2 * np.pi * 96 / 365.25
    assert one[235:] == pytest.approx([np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)])
    target = midnights.targets(4)
    assert midnights.prices(target, 4)[0] == pytest.approx(history.pvpc.to_numpy()[row + 4])


def test_a_holiday_is_as_a_sunday_and_a_day_beside_it_is_marked() -> None:
    history = history_of(date(2024, 1, 1), date(2024, 10, 30))
    market = Market.of(history)
    origin = Midnights.of(market, np.array([len(market)]))  # Thursday 31 October; Friday 1 November is a holiday
    assert [origin.day(lead)[0, 14:16].tolist() for lead in range(3)] == [[0, 0], [1, 0], [0, 0]]
    history = history_of(date(2024, 7, 1), date(2024, 8, 12))
    market = Market.of(history)
    origin = Midnights.of(market, np.array([len(market)]))  # Tuesday; Thursday 15 August is a holiday
    assert [origin.day(lead)[0, 14:16].tolist() for lead in (2, 3)] == [[1, 0], [0, 1]]
    newest = origin.alike(2)[0, :24]  # like the Sunday before, two days ago
    assert newest == pytest.approx(origin.past[0, 1])
