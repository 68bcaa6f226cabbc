"""What a model may know at a midnight, as numbers: past prices without the tariff's steps, in units of their spread.

PVPC of an hour is about a factor times spot, plus what the access tariff adds in its dearer periods. The second part
stands still for months, the first decides what tomorrow costs. Taken apart, a Sunday says something about a Monday, and
spot from before PVPC began teaches its shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.domain.tariff import is_rest_day, tariff
from chocofactory.forecasting.days import REST_DAY, USUAL_DAYS, Calendar
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS

if TYPE_CHECKING:
    import numpy.typing as npt

    from chocofactory.forecasting.days import Rows
    from chocofactory.forecasting.history import History

    Numbers = npt.NDArray[np.float64]

FEATURES = 239
"""Numbers that a midnight gives for each lead day."""
_LEVEL_DAYS = 7
_LAGS = (1, 2, 3, 7, 14)
_HALF_LIFE_DAYS = 12.0
_STEP_PRIOR = 1e-4
_LONGEST_HOLE_DAYS = 14
_LEAST_SPREAD = 0.004
_YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Market:
    """Hourly prices of days [EUR/kWh] without the tariff's steps.

    Rows of days count from ``days[0]``. A midnight has the row of the day that begins then; that of the origin is
    ``len``. ``days`` goes on to the last day that can be forecast from there.

    ``price`` (n, 24) is PVPC less its steps, and before PVPC began (at row ``begun``) spot, NaN in its long holes;
    ``published`` (n + 7, 24) the same with the steps, NaN where a price was filled or is not known yet. ``steps``
    (n + 1, 2) is what an hour of P1 and of P2 cost more than one of P3, as known at each midnight; ``dear``
    (n + 7, 24, 2) is 1 in the hours of P1 and of P2, else 0.
    """

    days: pd.DatetimeIndex
    price: Numbers
    published: Numbers
    begun: int
    steps: Numbers
    dear: Numbers

    @classmethod
    def of(cls, history: History) -> Market:
        """Take a history apart; as long as no spot is known the steps are 0."""
        pvpc, spot = history.pvpc.to_numpy(), history.spot.to_numpy()
        begun = len(spot) - len(pvpc)
        days = pd.date_range(history.spot.index[0], periods=len(spot) + LEAD_DAYS, freq="D")
        dear = _dear(days)
        published = np.where(history.known.to_numpy(dtype=bool)[:, None], pvpc, np.nan)
        steps = tariff_steps(published, spot[begun:], dear[begun : len(spot)])
        plain = pvpc - np.einsum("dp,dhp->dh", steps[1:], dear[begun : len(spot)])
        early = history.spot.ffill(limit=_LONGEST_HOLE_DAYS).to_numpy()[:begun]
        return cls(
            days,
            np.concatenate([early, plain]),
            np.concatenate([spot[:begun], published, np.full((LEAD_DAYS, HOURS), np.nan)]),
            begun,
            np.concatenate([np.broadcast_to(steps[0], (begun, 2)), steps]),
            dear,
        )

    def __len__(self) -> int:
        """How many days it holds."""
        return len(self.price)

    def surcharge(self, rows: Rows, lead: int) -> Numbers:
        """What the steps known at each midnight add to the day ``lead`` days later: shape (rows, 24)."""
        return np.asarray(np.einsum("rp,rhp->rh", self.steps[rows], self.dear[rows + lead]))

    def target(self, rows: Rows, lead: int) -> Numbers:
        """The day ``lead`` days after each midnight without the steps known at it, shape (rows, 24); NaN if unknown."""
        pvpc = rows + lead >= self.begun
        return self.published[rows + lead] - np.where(pvpc[:, None], self.surcharge(rows, lead), 0.0)


def tariff_steps(pvpc: Numbers, spot: Numbers, dear: Numbers) -> Numbers:
    """What an hour of P1 and of P2 cost more than one of P3 at the same spot price [EUR/kWh].

    Least squares of PVPC on spot and the periods, in which what is 12 days older counts half.

    Parameters
    ----------
    pvpc, spot
        Days x 24; days that lack an hour of either do not count.
    dear
        Days x 24 x 2, 1 in the hours of P1 and of P2.

    Returns
    -------
    ndarray
        Shape (days + 1, 2): row r is from the days before day r. Before the first that count it is
        as after that one; where there are none at all it is 0.

    """
    x = np.concatenate([np.ones((*spot.shape, 1)), spot[:, :, None], dear], axis=2)
    squares = np.concatenate([np.einsum("dhi,dhj->dij", x, x), np.einsum("dhi,dh->di", x, pvpc)[:, :, None]], axis=2)
    squares[np.isnan(spot + pvpc).any(axis=1)] = np.nan
    flat = pd.DataFrame(squares.reshape(len(spot), -1)).ewm(halflife=_HALF_LIFE_DAYS).mean().bfill().fillna(0.0)
    means = flat.to_numpy().reshape(squares.shape)
    prior = np.diag([_STEP_PRIOR / 100, _STEP_PRIOR / 100, _STEP_PRIOR, _STEP_PRIOR])
    steps = np.linalg.solve(means[:, :, :4] + prior, means[:, :, 4:])[:, 2:, 0]
    return np.concatenate([steps[:1], steps])


@dataclass(frozen=True)
class Midnights:
    """Features of midnights, shape (rows, ...), in units that make all years alike.

    ``level`` and ``spread`` [EUR/kWh], shape (rows, 1), are the mean of all hours of the 7 days before and the standard
    deviation of those of 28, and ``past`` (rows, 28, 24) these days in such units, yesterday first.
    """

    market: Market
    rows: Rows
    calendar: Calendar
    level: Numbers
    spread: Numbers
    past: Numbers

    @classmethod
    def of(cls, market: Market, rows: Rows) -> Midnights:
        """Those midnights of the rows for which the 28 days before are known."""
        past = market.price[rows[:, None] - np.arange(1, USUAL_DAYS + 1)]
        whole = np.isfinite(past).all(axis=(1, 2))
        rows, past = rows[whole], past[whole]
        level = past[:, :_LEVEL_DAYS].mean(axis=(1, 2))
        spread = np.maximum(past.std(axis=(1, 2)), _LEAST_SPREAD)
        past = (past - level[:, None, None]) / spread[:, None, None]
        return cls(market, rows, Calendar.of(market.days[0], len(market.days)), level[:, None], spread[:, None], past)

    @cached_property
    def recent(self) -> Numbers:
        """Features that serve every lead day: shape (rows, 171).

        Days -1, -2, -3, -7 and -14, the means by hour of 7 and 28 days, minimum, maximum and mean of yesterday.
        """
        days = [self.past[:, lag - 1] for lag in _LAGS] + [self.past[:, :7].mean(axis=1), self.past.mean(axis=1)]
        yesterday = self.past[:, 0]
        numbers = [yesterday.min(axis=1), yesterday.max(axis=1), yesterday.mean(axis=1)]
        return np.concatenate([*days, np.stack(numbers, axis=1)], axis=1)

    def alike(self, lead: int) -> Numbers:
        """The two latest days of the kind of the day ``lead`` days later, the newer first: shape (rows, 48)."""
        kind = self.calendar.kind
        same = kind[self.rows[:, None] - np.arange(1, USUAL_DAYS + 1)] == kind[self.rows + lead][:, None]
        place, newest = np.arange(len(self.rows)), same.argmax(axis=1)
        same[place, newest] = False
        return np.concatenate([self.past[place, newest], self.past[place, same.argmax(axis=1)]], axis=1)

    def day(self, lead: int) -> Numbers:
        """What the calendar says of the day ``lead`` days later: shape (rows, 20).

        Marks of its kind and of that of yesterday (7 each), holiday, day between a holiday and a weekend, and two waves
        of the year.
        """
        calendar, target = self.calendar, self.rows + lead
        angle = 2 * np.pi * calendar.day_of_year[target] / _YEAR_DAYS
        waves = [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
        marks = np.eye(REST_DAY + 1)
        single = np.stack([calendar.holiday[target], calendar.bridge[target], *waves], axis=1)
        return np.concatenate([marks[calendar.kind[target]], marks[calendar.kind[self.rows - 1]], single], axis=1)

    def features(self, lead: int) -> Numbers:
        """All features for the day ``lead`` days later: shape (rows, 239)."""
        return np.concatenate([self.recent, self.alike(lead), self.day(lead)], axis=1)

    def targets(self, lead: int) -> Numbers:
        """That day without the steps known at the midnight, in these units, NaN if unknown: shape (rows, 24)."""
        return (self.market.target(self.rows, lead) - self.level) / self.spread

    def prices(self, values: Numbers, lead: int) -> Numbers:
        """What a model says of that day in these units, as PVPC [EUR/kWh]: shape (rows, 24)."""
        return values * self.spread + self.level + self.market.surcharge(self.rows, lead)


def _dear(days: pd.DatetimeIndex) -> Numbers:
    """Shape (days, 24, 2): 1 in the hours of P1 and of P2 of the access tariff of homes, else 0."""
    homes = tariff("2.0TD")
    codes = homes.table[days.month - 1]
    codes[[is_rest_day(day) for day in days.date]] = len(homes.periods) - 1
    return np.stack([codes == 0, codes == 1], axis=2).astype(float)
