"""No model sees what lies at or after its origin: whatever came then, it had said the same."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_start
from chocofactory.forecasting.backtest import roll
from chocofactory.forecasting.history import History
from chocofactory.forecasting.recipes import MEMBERS
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
def prices() -> pd.Series:
    return made_up_prices(date(2023, 9, 1), END)


@pytest.mark.parametrize("name", MEMBERS)
def test_what_comes_at_or_after_the_origin_changes_nothing(prices: pd.Series, name: str) -> None:
    spot = prices * 0.6

    def said(pvpc: pd.Series, market: pd.Series) -> np.ndarray:
        member = MEMBERS[name]()
        history = History.of(pvpc, market, ORIGIN)
        member.fit(history)
        return member.predict(history)

    expected = said(prices, spot)
    for at in ("first", "all", "missing"):
        assert np.array_equal(said(changed(prices, at), spot), expected)
        assert np.array_equal(said(prices, changed(spot, at)), expected)


@pytest.mark.parametrize("name", MEMBERS)
def test_what_comes_at_or_after_an_origin_of_a_roll_changes_nothing_there(prices: pd.Series, name: str) -> None:
    spot = prices * 0.6

    def said(pvpc: pd.Series, market: pd.Series) -> np.ndarray:
        history = History.of(pvpc, market, END + timedelta(days=1))
        made = roll({name: MEMBERS[name]}, history, ORIGIN - timedelta(days=1), NEXT, refit=2)
        return made.points[name]

    expected, of_prices, of_spot = (
        said(prices, spot),
        said(changed(prices, "all"), spot),
        said(prices, changed(spot, "all")),
    )
    assert np.array_equal(of_prices[:2], expected[:2])
    assert np.array_equal(of_spot[:2], expected[:2])
    if name == "naive":
        assert not np.array_equal(of_prices[2], expected[2])
