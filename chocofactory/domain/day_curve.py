"""Hours of days of which only the extremes are known: a smooth curve through them at the times at which they were.

Days are those of the SIAR network: from midnight to midnight in UTC, with times of day in UTC. A frame of such days has
an index of midnights without zone, one a day, sorted and unique.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

HOURS = 24
_HOUR_S = 3600


def hour_of(times: pd.Series) -> pd.Series:
    """The hour of the day, 0 ... 23, that holds each time of day (``HH:MM``); NaN for none. 24:00 lies in the last."""
    hours = pd.to_numeric(times.astype("str").str.extract(r"^(\d{1,2}):", expand=False)).astype(float)
    return hours.clip(upper=HOURS - 1)


def usual_hours(hours: pd.Series, otherwise: int) -> pd.Series:
    """For each month of the year, 1 ... 12, the median hour of its days; ``otherwise`` where none is known."""
    months = pd.DatetimeIndex(hours.index).month
    return hours.groupby(months).median().reindex(range(1, 13)).fillna(otherwise).round()


def hourly_curve(days: pd.DataFrame, grid: pd.DatetimeIndex) -> pd.Series:
    """A value for each hour, through the lowest and the highest of each day.

    From extreme to extreme, across midnight too, runs half a cosine. It never leaves a day's own range: where the way
    to another day's extreme would, it gets as far as both days allow at the midnight between them. The hour that holds
    an extreme has it; where one hour holds both, it has the highest.

    Parameters
    ----------
    days
        Index of days (see above); columns ``low`` and ``high`` (in one unit, low not above high) and ``time_low`` and
        ``time_high``, the hours of the day, 0 ... 23, that hold them. A day with a missing one is not known.
    grid
        Starts of hours (UTC).

    Returns
    -------
    Series
        By ``grid``; NaN in the hours of days that are not known.

    """
    known = days.dropna(subset=["low", "high", "time_low", "time_high"])
    place = known.index.get_indexer(grid.tz_localize(None).normalize())
    values = np.full(len(grid), np.nan)
    if len(known):
        low, high = (known[name].to_numpy(dtype=float) for name in ("low", "high"))
        inside = place >= 0
        at = _hours(grid.tz_localize(None))[inside]
        values[inside] = np.clip(_between(at, *_knots(known)), low[place[inside]], high[place[inside]])
    return pd.Series(values, index=grid)


def _knots(days: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """Times (hours since 1970) and values through which the curve of known days runs, in order."""
    midnights = _hours(pd.DatetimeIndex(days.index))
    low, high, time_low, time_high = (
        days[name].to_numpy(dtype=float) for name in ("low", "high", "time_low", "time_high")
    )
    order = np.argsort(np.stack([time_low, time_high]), axis=0, kind="stable")
    times = midnights + np.take_along_axis(np.stack([time_low, time_high]), order, axis=0)
    values = np.take_along_axis(np.stack([low, high]), order, axis=0)
    times, values = times.T.ravel(), values.T.ravel()
    # Of an hour that holds both, the highest stays: it is the later of two in order.
    last = np.append(np.diff(times) > 0, True)
    times, values = times[last], values[last]
    follows = np.flatnonzero(np.diff(midnights) == HOURS) + 1
    there = _between(midnights[follows], times, values)
    least, most = np.maximum(low[follows - 1], low[follows]), np.minimum(high[follows - 1], high[follows])
    allowed = np.clip(there, least, most)
    bent = (allowed != there) & (least <= most) & ~np.isin(midnights[follows], times)
    times, values = np.append(times, midnights[follows][bent]), np.append(values, allowed[bent])
    sort = np.argsort(times, kind="stable")
    return times[sort], values[sort]


def _between(at: Numbers, times: Numbers, values: Numbers) -> Numbers:
    """The curve through the knots, level before the first and after the last."""
    if len(times) == 1:
        return np.full(len(at), values[0])
    after = np.clip(np.searchsorted(times, at, side="right"), 1, len(times) - 1)
    share = np.clip((at - times[after - 1]) / (times[after] - times[after - 1]), 0.0, 1.0)
    curve: Numbers = values[after - 1] + (values[after] - values[after - 1]) * (1 - np.cos(np.pi * share)) / 2
    return curve


def _hours(index: pd.DatetimeIndex) -> Numbers:
    return np.asarray(index.as_unit("s").asi8 / _HOUR_S, dtype=np.float64)
