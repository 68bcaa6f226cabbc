"""No model sees what lies at or after its origin: whatever came then, it had said the same."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_start
from chocofactory.forecasting.backtest import roll
from chocofactory.forecasting.history import History
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.recipes import MEMBERS
from chocofactory.forecasting.trained import FROM_SPOT, with_from_spot
from tests.forecast_kit import made_up_prices

ORIGIN = date(2024, 5, 20)
NEXT = ORIGIN + timedelta(days=1)
END = date(2024, 6, 10)


def changed(prices: pd.Series, at: str) -> pd.Series:
    """The same before the origin; another value at its first hour, or at every hour from there on, or none at all."""
    late = prices.index >= day_start(ORIGIN)
    if at == "missing":
        return prices.mask(late)
    if at == "first":
        late &= prices.index < pd.Timestamp(day_start(ORIGIN)) + pd.Timedelta(hours=1)
    return prices.mask(late, prices * 7 + 3)


@pytest.fixture(scope="module")
def spot() -> pd.Series:
    return made_up_prices(date(2023, 9, 1), END) * 0.6


@pytest.fixture(scope="module")
def prices(spot: pd.Series) -> pd.Series:
    return spot[spot.index >= day_start(date(2024, 2, 1))] / 0.6


@pytest.mark.parametrize("name", MEMBERS)
def test_what_comes_at_or_after_the_origin_changes_nothing(prices: pd.Series, spot: pd.Series, name: str) -> None:
    def said(pvpc: pd.Series, market: pd.Series) -> np.ndarray:
        member = MEMBERS[name]()
        history = History.of(pvpc, market, ORIGIN)
        member.fit(history)
        return member.predict(history)

    expected = said(prices, spot)
    for at in ("first", "all", "missing"):
        assert np.array_equal(said(changed(prices, at), changed(spot, at)), expected)


@pytest.mark.parametrize("name", MEMBERS)
def test_what_comes_at_or_after_an_origin_of_a_roll_changes_nothing_there(
    prices: pd.Series, spot: pd.Series, name: str
) -> None:
    def said(pvpc: pd.Series, market: pd.Series) -> np.ndarray:
        history = History.of(pvpc, market, END + timedelta(days=1))
        return roll({name: MEMBERS[name]}, history, ORIGIN - timedelta(days=1), NEXT, refit=2).points[name]

    expected, other = said(prices, spot), said(changed(prices, "all"), changed(spot, "all"))
    assert np.array_equal(other[:2], expected[:2])
    if name == "naive":  # it would have been seen
        assert not np.array_equal(other[2], expected[2])


def test_from_spot_sees_the_spot_prices_of_its_day_and_nothing_else_at_or_after_the_origin(
    prices: pd.Series, spot: pd.Series
) -> None:
    def said(pvpc: pd.Series, market: pd.Series) -> np.ndarray:
        history = History.of(pvpc, market, END + timedelta(days=1))
        made = roll({"naive": Naive}, history, ORIGIN - timedelta(days=1), NEXT)
        return with_from_spot(made, history).points[FROM_SPOT]

    after = spot.index >= day_start(NEXT)
    expected, other = said(prices, spot), said(changed(prices, "all"), spot.mask(after, spot * 7 + 3))
    assert np.array_equal(other[:2], expected[:2], equal_nan=True)
    assert np.isnan(expected[:, 1:]).all()
    assert not np.array_equal(other[2], expected[2], equal_nan=True)
    assert not np.array_equal(said(prices, changed(spot, "all"))[1, 0], expected[1, 0])
