"""How sure a forecast is: from how wrong the same model was before, on the same lead day and at about the same hour.

A conformal method, the same for every model. Errors count in units of how wrong the model was on day 1 of late, as was
known when the forecast was made: so the bands react within days when prices go wild or calm down. Those of each lead
day, at the hour and its neighbours, are weighted by age; their quantiles, corrected for a finite sample (Tibshirani et
al. 2019, "Conformal prediction under covariate shift": the error to come counts as the worst of all), times how wrong
the model is of late lie around the forecast. What it expects is the median: moving it by the median of past errors was
tried and raised the mean absolute error.

Errors that had come due by a midnight count at it. With those of fewer than 60 origins all hours of the day are pooled;
with fewer than 21 the quantiles are fixed multiples of how far prices lie apart: those of the naive model, which is the
least sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS, LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

    from chocofactory.forecasting.backtest import Roll

    Numbers = npt.NDArray[np.float64]

WINDOW_DAYS = 182
"""Errors older than this do not count."""
HALF_LIFE_DAYS = 60.0
"""An error that is so much older counts half."""
LEAST_ERRORS = 21
LEAST_ERRORS_BY_HOUR = 60
_NEIGHBOURS = 1
_REACTION_DAYS = 7.0
"""Half-life of errors of day 1 in what counts as being wrong of late."""
_FIXED = (-1.5, -0.44, 0.0, 0.43, 1.41)
"""Quantiles of the naive model's errors in units of ``Roll.scale``, all leads and hours of 2022-09 to 2024-12."""
_LEAST_SHARE = 1e-3
_MIDDLE = LEVELS.index(0.5)


def quantiles(points: Numbers, leads: Sequence[int], past: Roll, name: str, day: date, scale: float) -> Numbers:
    """Quantiles of what a model expects from the midnight at which ``day`` begins.

    Parameters
    ----------
    points
        What it expects [EUR/kWh], shape (n, 24).
    leads
        Which lead day each row is of, 0 to 6.
    past
        A roll of the model ``name``; only what was known at that midnight is used.
    scale
        How far the prices known then lay apart [EUR/kWh], as ``Roll.scale``.

    Returns
    -------
    ndarray
        Shape (n, 24, 5), in the order of ``LEVELS`` and never falling in it; the median is the point.

    """
    errors = _Errors.of(past, name)
    return np.stack([errors.around(row, lead, day, scale) for row, lead in zip(points, leads, strict=True)])


def rolled_quantiles(roll: Roll, name: str, start: int = 0) -> Numbers:
    """Quantiles of a model's forecasts from the origins of a roll, each from what was known at it.

    Returns
    -------
    ndarray
        Shape (origins, 7, 24, 5), of the origins from number ``start`` on; otherwise as ``quantiles``.

    """
    errors = _Errors.of(roll, name)
    out = np.empty((len(roll) - start, LEAD_DAYS, HOURS, len(LEVELS)))
    for row in range(start, len(roll)):
        for lead in range(LEAD_DAYS):
            points = roll.points[name][row, lead]
            out[row - start, lead] = errors.around(points, lead, roll.origins[row], roll.scale[row])
    return out


@dataclass(frozen=True)
class _Errors:
    """Errors of one model.

    ``on_day_1`` (origins,) are absolute means [EUR/kWh], ``relative`` (origins, 7, 24) all errors in units of those of
    late; NaN where they are not known, or none of late was.
    """

    origins: npt.NDArray[np.int64]
    on_day_1: Numbers
    relative: Numbers

    @classmethod
    def of(cls, roll: Roll, name: str) -> _Errors:
        origins = np.array([origin.toordinal() for origin in roll.origins], dtype=np.int64)
        errors = roll.truth - roll.points[name]
        on_day_1 = np.abs(errors[:, 0]).mean(axis=1)
        units = [_of_late(origins, on_day_1, day, scale) for day, scale in zip(origins, roll.scale, strict=True)]
        return cls(origins, on_day_1, errors / np.array(units).reshape(-1, 1, 1))

    def around(self, points: Numbers, lead: int, day: date, scale: float) -> Numbers:
        """Quantiles around the points of one lead day, shape (24, 5)."""
        now = day.toordinal()
        stop = int(np.searchsorted(self.origins, now - lead - 1, side="right"))
        start = int(np.searchsorted(self.origins, now - lead - 1 - WINDOW_DAYS, side="right"))
        errors = self.relative[start:stop, lead]
        known = np.isfinite(errors).all(axis=1)
        if known.sum() < LEAST_ERRORS:
            return _in_order(points[:, None] + scale * np.array(_FIXED), points)
        weights = _weights(now - lead - 1 - self.origins[start:stop][known], HALF_LIFE_DAYS)
        pooled = _NEIGHBOURS if known.sum() >= LEAST_ERRORS_BY_HOUR else HOURS // 2
        unit = _of_late(self.origins, self.on_day_1, now, scale)
        return _in_order(points[:, None] + unit * _by_hour(errors[known], weights, pooled), points)


def _of_late(origins: npt.NDArray[np.int64], on_day_1: Numbers, now: int, scale: float) -> float:
    """Mean of a model's errors on day 1 [EUR/kWh] at a midnight, recent ones weighing more; NaN while none is known."""
    known = (origins < now) & np.isfinite(on_day_1)
    if not known.any():
        return float("nan")
    weights = _weights(now - 1 - origins[known], _REACTION_DAYS)
    return max(float(weights @ on_day_1[known] / weights.sum()), _LEAST_SHARE * scale)


def _weights(ages: npt.NDArray[np.int64], half_life: float) -> Numbers:
    return np.asarray(0.5 ** (ages / half_life))


def _by_hour(errors: Numbers, weights: Numbers, neighbours: int) -> Numbers:
    """Weighted quantiles of errors (days, 24) at each hour and its neighbours on the clock: shape (24, 5)."""
    shifts = range(-neighbours, neighbours + 1) if neighbours < HOURS // 2 else range(HOURS)
    pool = np.concatenate([np.roll(errors.T, shift, axis=0) for shift in shifts], axis=1)
    order = np.argsort(pool, axis=1)
    ordered = np.take_along_axis(pool, order, axis=1)
    heights = np.tile(weights, len(shifts))[order]
    ends = np.cumsum(heights, axis=1)
    middles = (ends - heights / 2) / ends[:, -1:]
    levels = _outwards(1.0 / ends[0, -1])
    return np.stack([np.interp(levels, middles[hour], ordered[hour]) for hour in range(HOURS)])


def _outwards(share: float) -> Numbers:
    """The levels as if the error to come, of ``share`` as much weight as all others, were the worst of them."""
    levels = np.array(LEVELS)
    further = share * np.maximum(levels, 1 - levels) * np.sign(levels - np.array(LEVELS[_MIDDLE]))
    return np.asarray(levels + further)


def _in_order(around: Numbers, points: Numbers) -> Numbers:
    """The point as the median, and no quantile on its other side."""
    around[:, _MIDDLE] = points
    below, above = around[:, :_MIDDLE], around[:, _MIDDLE + 1 :]
    np.minimum(below, points[:, None], out=below)
    np.maximum(above, points[:, None], out=above)
    return around
