"""Tomorrow's PVPC from tomorrow's spot prices, in the hours between the publication of the one and of the other.

PVPC is what the energy costs on the day-ahead market with the losses on its way, plus tolls and charges by tariff
period, plus what it costs to keep the system balanced. Since 2024 a part of the energy is priced on futures, by the
mean of the day (Royal Decree 446/2023): what an hour departs from its day's mean passes on as before, the mean itself
less, and every year less. A regression on the last weeks finds all these, and a second one what the last days changed.

Spot prices of a day are published on the day before, after 13:00; whoever calls must not have them earlier. Nothing
here knows what time it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.errors import InvalidInput
from chocofactory.domain.tariff import rest_days, tariff
from chocofactory.forecasting.history import HOURS

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from chocofactory.forecasting.history import History

    Numbers = npt.NDArray[np.float64]

LEAST_DAYS_OF_BOTH = 7
"""Days whose PVPC and spot prices must be known ..."""
RECENT_DAYS = 28
"""... among so many days before the day that is wanted."""
LEAST_SPOT_HOURS = 18
"""With fewer hours of a day's spot prices its mean is unknown, and with it the day."""
_LONGEST_GAP_HOURS = 3
_SATURDAY = 5
_OUTLIER_EUR_KWH = 0.003
"""An error beyond this counts by its size, not by its square."""
_ROUNDS = 3


@dataclass(frozen=True)
class _Memory:
    """How far a regression looks back, how soon it forgets, and how strongly it is held to what was found before."""

    days: int
    half_life_days: float
    hold: float


_MEMORIES = (_Memory(days=56, half_life_days=10, hold=1), _Memory(days=7, half_life_days=1, hold=3))

_FREE, _SLOPE, _SHAPE = 1e-4, 5e-4, 0.2
_HOLD = np.repeat([_FREE, _SLOPE, _SHAPE], [3, 2, 3 * HOURS])
"""How strongly each coefficient is held to its first guess: level and steps of the tariff hardly, shapes much."""
_GUESS = np.repeat([0.0, 1.13, 0.0], [3, 2, 3 * HOURS])
"""First guess of each: energy arrives with 13 % of losses, nothing else is there."""


class FromSpot:
    """Says what tomorrow's PVPC will be, given tomorrow's spot prices; there is nothing to train."""

    name = "from_spot"

    def predict(self, history: History, spot: Numbers) -> Numbers:
        """Expected PVPC of the day that follows a history, from the spot prices of that day.

        Parameters
        ----------
        history
            PVPC and spot as known before the day; days whose prices are not known as a whole do not count.
        spot
            Spot prices of the day [EUR/kWh] by hour of the wall clock: shape (24,). Gaps of up to three hours are
            filled from their neighbours; it must not be used before it is published, after 13:00 of the day before.

        Returns
        -------
        ndarray
            [EUR/kWh], shape (24,); NaN in the hours whose spot price is unknown, and in all of them when fewer than 18
            are known.

        Raises
        ------
        InvalidInput
            Of the last 28 days fewer than 7 are known in both series.

        """
        day = pd.Timestamp(history.origin)
        past = _Past.of(history)
        there = past.recent(day)
        if there < LEAST_DAYS_OF_BOTH:
            raise InvalidInput(
                "The model {model} needs PVPC and spot prices of {least} of the last {recent} days; {there} are there.",
                model=self.name,
                least=LEAST_DAYS_OF_BOTH,
                recent=RECENT_DAYS,
                there=there,
            )
        return _forecast(past, day, spot)


def roll_from_spot(history: History, first: date, last: date) -> tuple[Numbers, Numbers]:
    """What it would have said of each day, from the day's own spot prices and what was known before it began.

    Parameters
    ----------
    history
        What is known at the end; the truth of its days counts.
    first, last
        The days to forecast, both included.

    Returns
    -------
    tuple
        Forecasts and published prices [EUR/kWh], both of shape (days, 24). A forecast is NaN where the spot prices of
        its hour, or of enough days before, are unknown; a published price where a day was not known as a whole.

    """
    days = pd.date_range(first, last, freq="D")
    spot = history.spot.reindex(days).to_numpy()
    truth = history.pvpc[history.known].reindex(days).to_numpy()
    points = np.full(truth.shape, np.nan)
    past = _Past.of(history)
    for row, day in enumerate(days):
        known = past.before(day)
        if known.recent(day) >= LEAST_DAYS_OF_BOTH:
            points[row] = _forecast(known, day, spot[row])
    return points, truth


@dataclass(frozen=True)
class _Past:
    """The days whose PVPC and spot prices [EUR/kWh] are both known; prices have the shape (days, 24)."""

    days: pd.DatetimeIndex
    pvpc: Numbers
    spot: Numbers

    @classmethod
    def of(cls, history: History) -> _Past:
        spot = np.apply_along_axis(_gaps_filled, 1, history.spot.reindex(history.pvpc.index).to_numpy())
        counts = history.known.to_numpy(dtype=bool) & np.isfinite(spot).all(axis=1)
        return cls(pd.DatetimeIndex(history.pvpc.index[counts]), history.pvpc.to_numpy()[counts], spot[counts])

    def before(self, day: pd.Timestamp) -> _Past:
        stop = int(self.days.searchsorted(day))
        return _Past(self.days[:stop], self.pvpc[:stop], self.spot[:stop])

    def recent(self, day: pd.Timestamp) -> int:
        """How many of the last 28 days before a day are there."""
        return int((self.days >= day - timedelta(days=RECENT_DAYS)).sum())


def _forecast(past: _Past, day: pd.Timestamp, spot: Numbers) -> Numbers:
    filled = _gaps_filled(spot)
    if np.isfinite(filled).sum() < LEAST_SPOT_HOURS:
        return np.full(HOURS, np.nan)
    prices: Numbers = _causes(pd.DatetimeIndex([day]), filled[None, :])[0] @ _coefficients(past, day)
    return prices


def _coefficients(past: _Past, day: pd.Timestamp) -> Numbers:
    """What each cause adds to a price: found in the long memory, then corrected by the short one."""
    age = (day - past.days).days.to_numpy()
    near = age <= max(memory.days for memory in _MEMORIES)
    age, causes = age[near], _causes(past.days[near], past.spot[near])
    found: Numbers = _GUESS
    for memory in _MEMORIES:
        rows = age <= memory.days
        rest = (past.pvpc[near] - causes @ found)[rows].ravel()
        weights = np.repeat(0.5 ** (age[rows] / memory.half_life_days), HOURS)
        found = found + _ridge(causes[rows].reshape(-1, len(_GUESS)), rest, weights, memory.hold * _HOLD)
    return found


def _ridge(causes: Numbers, values: Numbers, weights: Numbers, hold: Numbers) -> Numbers:
    """Coefficients, each held to zero, of a weighted regression in which outliers count less (Huber's loss)."""
    share: Numbers = np.ones_like(weights)
    found: Numbers = np.zeros(causes.shape[1])
    for _ in range(_ROUNDS):
        weighted = causes * (weights * share)[:, None]
        found = np.asarray(np.linalg.solve(weighted.T @ causes + np.diag(hold), weighted.T @ values), dtype=float)
        share = _OUTLIER_EUR_KWH / np.maximum(np.abs(values - causes @ found), _OUTLIER_EUR_KWH)
    return found


def _causes(days: pd.DatetimeIndex, spot: Numbers) -> Numbers:
    """What makes prices of days, in the order of ``_GUESS``: shape (days, 24, causes).

    The level, the steps to the two dearer periods, what spot departs from its day's mean, that mean, and three shapes
    of the day: of every day, of rest days (all of their hours are of the cheapest period), and of Saturdays.
    """
    hours = np.arange(HOURS)
    mean = np.nanmean(spot, axis=1, keepdims=True)
    period = tariff("2.0TD").by_hour(days)
    made = np.zeros((*spot.shape, len(_GUESS)))
    level = [np.ones_like(spot), period == 0, period == 1, spot - mean, np.broadcast_to(mean, spot.shape)]
    made[:, :, : len(level)] = np.stack(level, axis=2)
    for place, there in enumerate((np.ones(len(days)), rest_days(days), days.day_of_week == _SATURDAY)):
        made[:, hours, len(level) + HOURS * place + hours] = np.asarray(there)[:, None]
    return made


def _gaps_filled(day: Numbers) -> Numbers:
    """A day with its gaps of up to three hours filled: on a line between their neighbours, at its ends level."""
    known = np.flatnonzero(np.isfinite(day))
    if len(known) in (0, HOURS):
        return day
    hours = np.arange(HOURS)
    edges = np.concatenate([[-1], known, [HOURS]])
    place = np.searchsorted(edges, hours)
    gap = np.where(np.isnan(day), edges[place] - edges[place - 1] - 1, 0)
    return np.where(gap > _LONGEST_GAP_HOURS, np.nan, np.interp(hours, known, day[known]))
