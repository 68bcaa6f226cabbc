"""What should be there and is not: expected grids, coverage of days, gaps and their severity.

Intervals shorter than a day start at whole multiples of their length since 1970-01-01T00:00Z; an interval of one day
starts at local midnight. Forecasts never count as observations: callers hand in the times of what was observed or
published alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_grid, local_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

ONE_DAY = timedelta(days=1)
MINOR = timedelta(hours=2)
MODERATE = timedelta(hours=12)

Severity = Literal["minor", "moderate", "critical"]


@dataclass(frozen=True)
class Gap:
    """A run of missing intervals: ``start`` (inclusive) and ``end`` (exclusive) in UTC, ``count`` of intervals."""

    start: datetime
    end: datetime
    count: int
    severity: Severity


def severity(length: timedelta) -> Severity:
    """How bad a gap of this length is: minor up to 2 h, moderate up to 12 h, critical above."""
    if length <= MINOR:
        return "minor"
    return "moderate" if length <= MODERATE else "critical"


def on_grid(index: pd.DatetimeIndex, resolution: timedelta) -> npt.NDArray[np.bool_]:
    """Say of each time of an aware index whether an interval of this length starts there."""
    if resolution == ONE_DAY:
        wall = index.tz_convert(MADRID).tz_localize(None)
        return np.asarray(wall == wall.normalize())
    return np.asarray(_microseconds(index) % _step(resolution) == 0)


def expected_grid(start: datetime, end: datetime, resolution: timedelta) -> pd.DatetimeIndex:
    """Every interval start with ``start <= time < end``, UTC, named ``time``."""
    grid = day_grid(local_date(start), local_date(end), resolution)
    return grid[slice(*grid.searchsorted([pd.Timestamp(start), pd.Timestamp(end)]))]


def daily_coverage(times: pd.DatetimeIndex, resolution: timedelta, first: date, last: date) -> pd.DataFrame:
    """Count, for each local day ``first`` ... ``last`` (both included), what is there against what must be.

    ``times`` are the interval starts that are there (aware, any order); doubles count once, times off the grid never.

    Returns
    -------
    DataFrame
        Index ``day`` (midnights without zone); integer columns ``expected`` (23, 24, 25 for hours; 1 for days) and
        ``present``.

    """
    midnights = pd.date_range(first, last + ONE_DAY, freq="D", name="day", unit="us")
    bounds = _microseconds(midnights.tz_localize(MADRID))
    expected = 1 if resolution == ONE_DAY else np.diff(-(-bounds // _step(resolution)))
    there = _microseconds(times[on_grid(times, resolution)].unique().sort_values())
    present = np.diff(np.searchsorted(there, bounds))
    return pd.DataFrame({"expected": expected, "present": present}, index=midnights[:-1], dtype=np.int64)


def find_gaps(times: pd.DatetimeIndex, start: datetime, end: datetime, resolution: timedelta) -> list[Gap]:
    """Every run of intervals starting in ``[start, end)`` that are not among ``times``, in order of time.

    A gap ends where its last missing interval ends; its severity goes by that length. ``times`` are aware, in any
    order; what lies outside ``[start, end)`` plays no part.
    """
    grid = expected_grid(start, end, resolution)
    missing = ~np.isin(_microseconds(grid), _microseconds(times))
    edges = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0))
    out = []
    for begin, stop in edges.reshape(-1, 2):
        first, last = grid[begin].to_pydatetime(), grid[stop - 1]
        until = (last.tz_convert(MADRID) + pd.DateOffset(days=1)) if resolution == ONE_DAY else last + resolution
        beyond = until.tz_convert("UTC").to_pydatetime()
        out.append(Gap(first, beyond, int(stop - begin), severity(beyond - first)))
    return out


def missing_times(found: Iterable[Gap], resolution: timedelta) -> pd.DatetimeIndex:
    """The start of every interval in gaps that are in order of time: UTC, sorted, named ``time``."""
    parts = [expected_grid(gap.start, gap.end, resolution) for gap in found]
    empty = pd.DatetimeIndex([], dtype="datetime64[us, UTC]", name="time")
    return pd.DatetimeIndex(empty.append(parts)) if parts else empty


def day_runs(days: Iterable[date], longest: timedelta) -> list[tuple[date, date]]:
    """Group days (any order, doubles allowed) into runs of consecutive ones, ``(first, last)``, both included.

    No run spans more than ``longest``, in whole days, but each has at least one.
    """
    runs: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if runs and day - runs[-1][1] == ONE_DAY and (day - runs[-1][0]).days < longest.days:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _microseconds(index: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    return index.as_unit("us").asi8


def _step(resolution: timedelta) -> int:
    step = resolution // timedelta(microseconds=1)
    if step <= 0 or ONE_DAY % resolution:
        msg = f"an interval must divide a day evenly, not be {resolution}"
        raise ValueError(msg)
    return step
