"""Days that were alike: a forecast of the whole week from all past weeks, more from those that began like this one.

Kernel ridge regression with the exponential kernel, exp(-|a - b|): see Rasmussen and Williams, Gaussian Processes for
Machine Learning, 2006, equations 2.25 and 4.18. One solution serves all 168 hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from zipfile import BadZipFile

import numpy as np

from chocofactory.forecasting.days import REST_DAY, USUAL_DAYS, Calendar, in_units, mean_before, need_days, usual
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS, LEAST_DAYS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from chocofactory.forecasting.days import Rows
    from chocofactory.forecasting.history import History

    Numbers = npt.NDArray[np.float64]

WINDOW_DAYS = 1_100
"""Origins before the last so many days are not learnt from."""
_FARTHEST = 4.0
"""Prices farther than so many spreads from the level count as if they were there."""
_NARROWNESS = 0.5
"""How fast likeness falls with the distance of two origins, in units of the median distance of all."""
_NOISE = 0.3
"""What is not to be explained of a week, in units of what likeness explains."""
_LAGS = (1.5, 1.0, 0.7, 0.5, 0.5, 0.5, 0.7)
"""Weights in the distance of the days 1 ... 7 before an origin; the means of 7 and 28 days have weight 1."""
_HOLIDAYS, _WEEKDAY, _SEASON = 0.4, 0.7, 0.5
"""Weights in the distance of what the calendar says of the days to come, of the weekday, and of the time of year."""
_YEAR_DAYS = 365.25
_AUGUST, _DECEMBER = 8, 12
_CHRISTMAS_EVE, _EPIPHANY = 22, 6
_TINY = 1e-9


class Kernel:
    """Says what followed when the days before and the calendar were most like now.

    Days that a history filled count as any other. A forecast follows from the last 28 days and the calendar.
    """

    name = "kernel"

    def __init__(self) -> None:
        self._origins: Numbers
        self._shares: Numbers
        self._mean: Numbers
        self._width: float

    def fit(self, history: History) -> None:
        """Learn from the last 1,100 days of a history.

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        need_days(history, self.name)
        recent = history.pvpc.iloc[-(WINDOW_DAYS + USUAL_DAYS) :]
        values = recent.to_numpy(dtype=float)
        origins = np.arange(USUAL_DAYS, len(values) - LEAD_DAYS + 1)
        weeks = values[origins[:, None] + np.arange(LEAD_DAYS)]
        prices = np.clip(in_units(weeks, *usual(values, origins)), -_FARTHEST, _FARTHEST).reshape(len(origins), -1)
        features = _features(values, Calendar.of(recent.index[0], len(values) + LEAD_DAYS), origins)
        distances = _distances(features, features)
        self._width = max(float(np.median(distances)), _TINY)
        self._mean = prices.mean(axis=0)
        likeness = _likeness(distances, self._width) + _NOISE * np.eye(len(origins))
        self._shares = np.ascontiguousarray(np.linalg.solve(likeness, prices - self._mean))
        self._origins = features

    def predict(self, history: History) -> Numbers:
        """Expected prices [EUR/kWh] of the seven days that follow a history, by hour of the wall clock: shape (7, 24).

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        need_days(history, self.name)
        recent = history.pvpc.iloc[-LEAST_DAYS:]
        values, origin = recent.to_numpy(dtype=float), np.array([LEAST_DAYS])
        features = _features(values, Calendar.of(recent.index[0], LEAST_DAYS + LEAD_DAYS), origin)
        likeness = _likeness(_distances(features, self._origins), self._width)
        level, spread = usual(values, origin)
        return np.asarray((likeness @ self._shares + self._mean).reshape(LEAD_DAYS, HOURS) * spread + level)

    def save(self, folder: Path) -> None:
        """Write what was learnt into an empty folder, as one npz file of plain arrays."""
        with (folder / "kernel.npz").open("wb") as file:
            np.savez(file, origins=self._origins, shares=self._shares, mean=self._mean, width=np.array(self._width))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; the same history then gives the same forecast to the last bit.

        Raises
        ------
        ValueError, OSError, KeyError
            The file is not what ``save`` wrote.

        """
        made = cls()
        try:
            with (folder / "kernel.npz").open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                made._origins, made._shares, made._mean = file["origins"], file["shares"], file["mean"]
                made._width = float(file["width"])
        except (BadZipFile, EOFError) as error:
            msg = "kernel.npz is no whole file"
            raise ValueError(msg) from error
        if made._shares.shape != (len(made._origins), LEAD_DAYS * HOURS) or made._mean.shape != made._shares.shape[1:]:
            msg = "the parts of kernel.npz do not fit together"
            raise ValueError(msg)
        return made


def _features(values: Numbers, calendar: Calendar, origins: Rows) -> Numbers:
    """What makes origins alike, each part with its weight in the distance: shape (origins, features).

    ``values`` [EUR/kWh] has a row a day and ``calendar`` seven more; of prices only those before an origin play a part.
    """
    units = usual(values, origins)
    before = [weight * in_units(values[origins - back], *units) for back, weight in enumerate(_LAGS, start=1)]
    means = [in_units(mean_before(values, origins, days), *units) for days in (7, USUAL_DAYS)]
    prices = np.hstack(before + means) / np.sqrt(HOURS)  # each day weighs like one number
    august = calendar.month == _AUGUST
    christmas = (calendar.month == _DECEMBER) & (calendar.day_of_month >= _CHRISTMAS_EVE)
    christmas |= (calendar.month == 1) & (calendar.day_of_month <= _EPIPHANY)
    rest = calendar.kind >= REST_DAY - 1
    marks = np.column_stack([calendar.holiday, rest, calendar.bridge, august, christmas]).astype(float)
    ahead = marks[origins[:, None] + np.arange(LEAD_DAYS)].reshape(len(origins), -1)
    weekday = np.eye(7)[calendar.weekday[origins]]
    turn = 2 * np.pi * calendar.day_of_year[origins] / _YEAR_DAYS
    season = np.column_stack([np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)])
    return np.hstack([prices, _HOLIDAYS * ahead, _WEEKDAY * weekday, _SEASON * season])


def _distances(some: Numbers, others: Numbers) -> Numbers:
    """Squared Euclidean distances, shape (some, others)."""
    apart = np.square(some).sum(axis=1)[:, None] + np.square(others).sum(axis=1) - 2 * some @ others.T
    return np.asarray(np.maximum(apart, 0.0))


def _likeness(distances: Numbers, width: float) -> Numbers:
    """1 for the same origin, falling with the distance; ``width`` is the median of squared distances."""
    return np.asarray(np.exp(-_NARROWNESS * np.sqrt(distances / width)))
