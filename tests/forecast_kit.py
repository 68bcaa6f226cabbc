"""Made-up prices and models for tests of forecasting; other processes can import them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_grid, local_days
from chocofactory.forecasting.history import History

FIRST = date(2024, 1, 1)


def made_up_prices(first: date = FIRST, last: date = date(2024, 6, 30), seed: int = 1) -> pd.Series:
    """Prices [EUR/kWh] with a shape by hour and weekday, a level that wanders, and noise; by UTC hour."""
    chance = np.random.default_rng(seed)
    grid = day_grid(first, last)
    wall = grid.tz_convert("Europe/Madrid")
    day = (local_days(grid) - pd.Timestamp(first)).days.to_numpy()
    level = np.cumsum(chance.normal(0, 0.05, day[-1] + 1))[day]
    shape = 0.3 * np.sin((wall.hour.to_numpy() - 4) / 24 * 4 * np.pi) - 0.2 * (wall.day_of_week.to_numpy() > 4)
    noise = chance.normal(0, 0.1, len(grid))
    return pd.Series(0.12 * np.exp(0.5 * level + shape + noise), index=grid, name="price_eur_kwh")


def made_up_history(last: date = date(2024, 6, 30), seed: int = 1) -> History:
    """A history with spot prices, known up to the day ``last``."""
    prices = made_up_prices(last=last, seed=seed)
    return History.of(prices, prices * 0.6, (pd.Timestamp(last) + pd.Timedelta(days=1)).date())


class Level:
    """A member that learns the mean of a history and says how long ago that was; it sums through BLAS."""

    name = "level"

    def __init__(self) -> None:
        self.fitted: date | None = None

    def fit(self, history: History) -> None:
        assert self.fitted is None, "a model is made anew for every fit"
        self.fitted = history.origin
        values = history.pvpc.to_numpy()
        self.weights = np.linalg.solve(values.T @ values + np.eye(24), values.T @ values.mean(axis=1))

    def predict(self, history: History) -> np.ndarray:
        points = np.full((7, 24), (history.pvpc.to_numpy() @ self.weights).sum())
        points[0, 0] = len(history)
        points[0, 1] = (history.origin - self.fitted).days
        return points
