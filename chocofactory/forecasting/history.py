"""What is known at an origin: prices by local day and hour of the wall clock, whole and without what came later.

Models see days of 24 hours of the wall clock: the hour that a day repeats in October is the mean of both, the one that
a day lacks in March lies between its neighbours. `spread` brings what they say back to the hours that really exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_bounds, day_grid, local_days
from chocofactory.core.errors import NotFound

if TYPE_CHECKING:
    import numpy.typing as npt

HOURS = 24
LONGEST_HOLE_DAYS = 14
"""What is missing longer than this is not filled: the history begins after it."""
_LONGEST_GAP_HOURS = 3
_WEEK = 7


@dataclass(frozen=True)
class History:
    """Prices before the origin, by local day and hour of the wall clock.

    ``pvpc`` and ``spot`` [EUR/kWh] have a row for every day up to the one before ``origin`` (midnights without zone)
    and the columns 0 ... 23. ``pvpc`` is whole: holes were filled from the same day and the weeks before, never from
    later ones, and ``known`` says of each day whether all its hours were there. ``spot`` is NaN where it is unknown; it
    may begin earlier than PVPC, which exists since June 2021 only. Days may be cut off at either end (``before``,
    ``since``); whatever is computed from a history must not change it.
    """

    pvpc: pd.DataFrame
    spot: pd.DataFrame
    known: pd.Series

    @classmethod
    def of(cls, pvpc: pd.Series, spot: pd.Series | None, origin: date) -> History:
        """Make it from hourly prices [EUR/kWh] by UTC time (sorted, unique); those at or after ``origin`` are cut off.

        Raises
        ------
        NotFound
            There is no price in the 14 days before the origin.

        """
        days = _by_day(pvpc, origin)
        whole = days.notna().all(axis=1)
        latest = whole[whole].index.max() if whole.any() else pd.NaT
        if pd.isna(latest) or (pd.Timestamp(origin) - latest).days > LONGEST_HOLE_DAYS:
            raise NotFound(
                "There are no prices of the {days} days before {day}.", days=LONGEST_HOLE_DAYS, day=origin.isoformat()
            )
        days = _after_long_holes(days, whole)
        known = days.notna().sum(axis=1) >= _hours_of_the_wall_clock(pd.DatetimeIndex(days.index))
        days = _filled(days)
        market = days.iloc[:0] if spot is None else _by_day(spot, origin)
        first = min([days.index[0], *market.index[:1]])
        market = market.reindex(pd.date_range(first, days.index[-1], freq="D"))
        return cls(days, market.interpolate(axis=1, limit=1, limit_area="inside"), known)

    @property
    def origin(self) -> date:
        """The first local day that is not known."""
        return (pd.Timestamp(self.pvpc.index[-1]) + timedelta(days=1)).date()

    def before(self, day: date) -> History:
        """The same as it was known at the beginning of an earlier ``day``."""
        late = pd.Timestamp(day) - timedelta(days=1)
        return History(self.pvpc.loc[:late], self.spot.loc[:late], self.known.loc[:late])

    def since(self, day: date) -> History:
        """The same without the days before ``day``."""
        early = pd.Timestamp(day)
        return History(self.pvpc.loc[early:], self.spot.loc[early:], self.known.loc[early:])

    def extended(self, pvpc: npt.NDArray[np.float64], spot: npt.NDArray[np.float64] | None = None) -> History:
        """The same with one more day that is taken as known: 24 prices [EUR/kWh], and those of spot if there are."""
        day = pd.DatetimeIndex([self.pvpc.index[-1] + timedelta(days=1)])
        row = pd.DataFrame(pvpc[None, :], index=day, columns=self.pvpc.columns)
        blank = np.full(HOURS, np.nan) if spot is None else spot
        market = pd.DataFrame(blank[None, :], index=day, columns=self.pvpc.columns)
        known = pd.concat([self.known, pd.Series([False], index=day)])
        return History(pd.concat([self.pvpc, row]), pd.concat([self.spot, market]), known)

    def __len__(self) -> int:
        """How many days it holds."""
        return len(self.pvpc)


def day_row(prices: pd.Series, day: date) -> npt.NDArray[np.float64]:
    """One local day of hourly prices by UTC time, by hour of the wall clock: 24 of them, NaN where there is none."""
    start, end = day_bounds(day)
    inside = prices[(prices.index >= start) & (prices.index < end)]
    days = _by_day(inside, day + timedelta(days=1))
    return days.to_numpy()[0] if len(days) else np.full(HOURS, np.nan)


def spread(values: npt.NDArray[np.float64], first: date) -> pd.DataFrame:
    """Bring values by day and hour of the wall clock to the hours that really exist.

    Parameters
    ----------
    values
        Shape (days, 24, columns).
    first
        The local day of the first row.

    Returns
    -------
    DataFrame
        Index ``time`` (UTC), every hour of the days: 23 or 25 of them when the clock changes; columns 0, 1 ...

    """
    grid = day_grid(first, first + timedelta(days=len(values) - 1))
    wall = grid.tz_convert(MADRID)
    row = (local_days(grid) - pd.Timestamp(first)).days
    return pd.DataFrame(values[row, wall.hour], index=grid.rename("time"))


def _by_day(prices: pd.Series, origin: date) -> pd.DataFrame:
    """Means by local day and hour of the wall clock, a row for every day from the first price to before the origin."""
    known = prices.dropna()
    wall = pd.DatetimeIndex(known.index).tz_convert(MADRID)
    early = wall < pd.Timestamp(origin, tz=MADRID)
    known, wall = known[early], wall[early]
    columns = pd.RangeIndex(HOURS)
    if known.empty:
        return pd.DataFrame(columns=columns, index=pd.DatetimeIndex([]), dtype=float)
    days = wall.tz_localize(None).normalize()
    rows = pd.date_range(days[0], pd.Timestamp(origin) - timedelta(days=1), freq="D")
    place = (days - rows[0]).days.to_numpy() * HOURS + wall.hour.to_numpy()
    total = np.bincount(place, weights=known.to_numpy(dtype=float), minlength=len(rows) * HOURS)
    count = np.bincount(place, minlength=len(rows) * HOURS)
    means = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return pd.DataFrame(means.reshape(-1, HOURS), index=rows, columns=columns)


def _hours_of_the_wall_clock(days: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """How many of the 24 hours of the wall clock days have: one less where the clock goes forward."""
    starts = pd.date_range(days[0], periods=len(days) + 1, freq="D").tz_localize(MADRID)
    lengths = np.diff(starts.as_unit("s").asi8) // 3600
    return np.asarray(np.minimum(lengths, HOURS))


def _after_long_holes(days: pd.DataFrame, whole: pd.Series) -> pd.DataFrame:
    """The days from the first whole one after the last long hole."""
    there = days.index[whole]
    jumps = np.flatnonzero(np.diff(there.to_numpy()) > np.timedelta64(LONGEST_HOLE_DAYS, "D"))
    return days.loc[there[jumps[-1] + 1] if len(jumps) else there[0] :]


def _filled(days: pd.DataFrame) -> pd.DataFrame:
    """Fill short gaps between their neighbours in the day, and the rest from the latest same weekday before it."""
    values = days.interpolate(axis=1, limit=_LONGEST_GAP_HOURS, limit_area="inside").to_numpy(copy=True)
    for row in np.flatnonzero(np.isnan(values).any(axis=1)):
        before = values[row - _WEEK] if row >= _WEEK else values[row - 1]
        values[row] = np.where(np.isnan(values[row]), before, values[row])
    return pd.DataFrame(values, index=days.index, columns=days.columns)
