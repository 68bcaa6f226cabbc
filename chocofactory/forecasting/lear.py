"""Linear models of the coming prices: simple, quick to fit and hard to beat.

For each lead day one ridge regression says all 24 hours at once from the prices of the last four weeks and the
calendar. After LEAR of J. Lago, G. Marcjasz, B. De Schutter and R. Weron, Forecasting day-ahead electricity prices,
Applied Energy 293 (2021) 116983. Other than theirs: ridge in place of lasso, seven lead days, weights that make it
lean towards the median, and prices without the tariff's steps in units of their spread (`features`), so that years of
other prices, and spot from before PVPC began, teach as well.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self
from zipfile import BadZipFile

import numpy as np

from chocofactory.forecasting.days import USUAL_DAYS, need_days
from chocofactory.forecasting.features import FEATURES, Market, Midnights
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from chocofactory.forecasting.history import History

    Numbers = npt.NDArray[np.float64]

_PENALTIES = (0.2, 0.4, 0.7, 1.0, 1.0, 1.5, 1.5)
"""Of each lead day: the further ahead, the less the past says, and the more a forecast is drawn towards the mean."""
_HALF_LIFE_DAYS = 1000.0
_ROUNDS = 4
_LEAST_ERROR = 0.3
_LEAST_VARIANCE = 1e-9
_RECALL_DAYS = 365
"""How far back a forecast looks: for the tariff's steps, to which older days add a billionth."""
_FILE = "lear.npz"


class Lear:
    """Ridge regressions of all hours of a lead day on past prices; works from 56 days of history up."""

    name = "lear"

    def __init__(self) -> None:
        self._slopes = np.empty((0, 0, 0))
        self._intercepts = np.empty((0, 0))

    def fit(self, history: History) -> None:
        """Learn from all days of a history, and from spot before PVPC began.

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        need_days(history, self.name)
        market = Market.of(history)
        midnights = Midnights.of(market, np.arange(USUAL_DAYS, len(market)))
        fits = [_fit(midnights, lead) for lead in range(LEAD_DAYS)]
        self._slopes = np.stack([slopes for slopes, _ in fits])
        self._intercepts = np.stack([intercepts for _, intercepts in fits])

    def predict(self, history: History) -> Numbers:
        """Expected prices [EUR/kWh] of the seven days that follow a history, by hour of the wall clock: shape (7, 24).

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        need_days(history, self.name)
        market = Market.of(history.since(history.origin - timedelta(days=_RECALL_DAYS)))
        origin = Midnights.of(market, np.array([len(market)]))
        days = [
            origin.prices(origin.features(lead) @ self._slopes[lead] + self._intercepts[lead], lead)
            for lead in range(LEAD_DAYS)
        ]
        return np.concatenate(days)

    def save(self, folder: Path) -> None:
        """Write slopes and intercepts as one npz file."""
        with (folder / _FILE).open("wb") as file:
            np.savez(file, slopes=self._slopes, intercepts=self._intercepts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote, to the last bit.

        Raises
        ------
        ValueError, OSError, KeyError
            The file is not what ``save`` wrote.

        """
        made = cls()
        try:
            with (folder / _FILE).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                made._slopes, made._intercepts = file["slopes"], file["intercepts"]
        except (BadZipFile, EOFError) as error:
            msg = f"{_FILE} is no whole file"
            raise ValueError(msg) from error
        expected = (LEAD_DAYS, FEATURES, HOURS), (LEAD_DAYS, HOURS)
        if (made._slopes.shape, made._intercepts.shape) != expected:
            msg = f"the parts of {_FILE} do not fit together"
            raise ValueError(msg)
        return made


def ridge(x: Numbers, y: Numbers, weights: Numbers, penalty: float) -> tuple[Numbers, Numbers]:
    """Slopes and intercepts of ridge regressions, one for each column of ``y``.

    They make the mean squared error plus ``penalty`` times the sum of squared slopes least, where columns of ``x``
    count in their standard deviations, and the mean is weighted; the intercept is free.

    Parameters
    ----------
    x, y, weights
        Shapes (rows, features), (rows, targets) and (rows,).

    Returns
    -------
    slopes, intercepts
        Shapes (features, targets) and (targets,).

    """
    share = weights / weights.sum()
    weighted = x.T * share
    x_mean, y_mean = weighted.sum(axis=1), share @ y
    squares = weighted @ x - np.outer(x_mean, x_mean)
    variance = np.diag(squares)
    deviation = np.sqrt(np.where(variance > _LEAST_VARIANCE, variance, 1.0))
    penalised = squares + penalty * np.diag(deviation**2)
    slopes = np.linalg.solve(penalised, weighted @ (y - y_mean))
    return slopes, y_mean - x_mean @ slopes


def _fit(midnights: Midnights, lead: int) -> tuple[Numbers, Numbers]:
    """Regress a lead day again and again, rows counting less the larger their error was.

    The measure is the absolute error. A row that is squared and divided by its error counts with that error; this is
    how least squares come to lean towards the median (iteratively reweighted, for all hours of a day together).
    """
    y = midnights.targets(lead)
    known = np.isfinite(y).all(axis=1)
    x, y = midnights.features(lead)[known], y[known]
    age = len(midnights.market) - midnights.rows[known]
    importance = 0.5 ** (age / _HALF_LIFE_DAYS)
    slopes, intercepts = ridge(x, y, importance, _PENALTIES[lead])
    for _ in range(_ROUNDS - 1):
        error = np.abs(y - x @ slopes - intercepts).mean(axis=1)
        slopes, intercepts = ridge(x, y, importance / np.maximum(error, _LEAST_ERROR), _PENALTIES[lead])
    return slopes, intercepts
