"""What electricity prices say: statistics, cheap windows, typical days, and whether a day is there and to be trusted.

A series of prices is a pandas ``Series`` of EUR/kWh by UTC time (START of interval, sorted, unique). Missing is NaN or
an absent entry. A price may be zero or negative; nothing here treats such a value apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_grid, day_start, local_days
from chocofactory.core.errors import InvalidInput
from chocofactory.domain import gaps
from chocofactory.domain.measurements import HOURLY, PVPC, SPOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from chocofactory.domain.tariff import Tariff

Kind = Literal["published", "simulated"]

FIRST_DAY = {PVPC: date(2021, 6, 1), SPOT: date(2015, 1, 1)}
"""First local day of each market: PVPC in its 2.0TD form (CNMC Circular 3/2020), the day-ahead price in our files."""

SAME_EUR_KWH = 1e-9
"""Prices (and means of them) closer than this are equal: markets publish 1e-5 EUR/kWh, the rest is arithmetic."""


def kind(source: str) -> Kind:
    """What a stored price is, by the source that it came from: only the demonstration's are simulated."""
    return "simulated" if source == "demo" else "published"


@dataclass(frozen=True)
class Statistics:
    """Figures of a run of prices in EUR/kWh; ``minimum_at`` and ``maximum_at`` are UTC, the earliest where several tie.

    ``std`` is that of the prices themselves (divided by ``count``); ``p05`` and ``p95`` are quantiles, interpolated.
    """

    count: int
    mean: float
    median: float
    minimum: float
    minimum_at: datetime
    maximum: float
    maximum_at: datetime
    std: float
    p05: float
    p95: float


def statistics(prices: pd.Series) -> Statistics | None:
    """Figures of all prices that are there, NaN left out; None when there is none."""
    known = prices.dropna()
    if known.empty:
        return None
    values = known.to_numpy(dtype=float)
    lowest, highest = int(values.argmin()), int(values.argmax())
    p05, median, p95 = np.quantile(values, [0.05, 0.5, 0.95])
    return Statistics(
        count=len(values),
        mean=float(values.mean()),
        median=float(median),
        minimum=float(values[lowest]),
        minimum_at=_moment(known.index[lowest]),
        maximum=float(values[highest]),
        maximum_at=_moment(known.index[highest]),
        std=float(values.std()),
        p05=float(p05),
        p95=float(p95),
    )


def by_period(prices: pd.Series, tariff: Tariff) -> pd.DataFrame:
    """Figures for each period of a tariff.

    Returns
    -------
    DataFrame
        Index ``period``, all of the tariff in their order; columns ``count`` and, in EUR/kWh, ``mean``, ``minimum``,
        ``maximum``, NaN where a period has no price.

    """
    known = prices.dropna()
    groups = known.groupby(tariff.label(_times(known)).astype(str))
    figures = groups.agg(["count", "mean", "min", "max"]).reindex(pd.Index(tariff.periods, name="period"))
    figures["count"] = figures["count"].fillna(0).astype("int64")
    return figures.rename(columns={"min": "minimum", "max": "maximum"})


def rank_in_day(day_prices: pd.Series, moment: datetime, *, resolution: timedelta = HOURLY) -> tuple[int, int] | None:
    """Rank of the interval that holds ``moment`` among the prices of its local day: 1 is the cheapest.

    Returns
    -------
    tuple or None
        The rank, equal prices sharing the lower one, and the number of prices; None without a price at ``moment``.

    """
    known = day_prices.dropna()
    place = int(_times(known).searchsorted(pd.Timestamp(moment), side="right")) - 1
    if place < 0 or moment - known.index[place] >= resolution:
        return None
    values = known.to_numpy(dtype=float)
    return int((values < values[place] - SAME_EUR_KWH).sum()) + 1, len(values)


@dataclass(frozen=True)
class Window:
    """A stretch of time, ``start`` (inclusive) to ``end`` (exclusive) in UTC, and its mean price."""

    start: datetime
    end: datetime
    mean_eur_kwh: float


ONE_TO_TWELVE_HOURS = tuple(timedelta(hours=hours) for hours in range(1, 13))


def cheapest_window(
    prices: pd.Series,
    length: timedelta,
    *,
    after: datetime,
    before: datetime | None = None,
    resolution: timedelta = HOURLY,
) -> Window | None:
    """The stretch of ``length`` elapsed time with the lowest mean price; the earliest where several are equal.

    It begins with an interval that starts at or after ``after``, ends at or before ``before``, may cross midnight and
    never spans an interval without a price. None where no such stretch exists.

    Raises
    ------
    InvalidInput
        ``length`` is not a whole number of intervals, or not positive.

    """
    count, rest = divmod(length, resolution)
    if count < 1 or rest:
        raise InvalidInput(
            "A window of {length} is not a whole number of intervals of {resolution}.",
            length=length,
            resolution=resolution,
        )
    known = prices.dropna()
    times = _times(known)
    begin = times.searchsorted(pd.Timestamp(after), side="left")
    stop = len(times) if before is None else times.searchsorted(pd.Timestamp(before) - resolution, side="right")
    known = known.iloc[int(begin) : int(stop)]
    if len(known) < count:
        return None
    starts = _times(known).as_unit("us").asi8
    step = resolution // timedelta(microseconds=1)
    unbroken = starts[count - 1 :] - starts[: len(starts) - count + 1] == (count - 1) * step
    windows = np.lib.stride_tricks.sliding_window_view(known.to_numpy(dtype=float), count)
    means = np.where(unbroken, windows.mean(axis=1), np.inf)
    if not unbroken.any():
        return None
    best = int(np.argmax(means <= means.min() + SAME_EUR_KWH))
    start = _moment(known.index[best])
    return Window(start, start + length, float(means[best]))


def cheapest_windows(
    prices: pd.Series,
    *,
    after: datetime,
    before: datetime | None = None,
    lengths: Iterable[timedelta] = ONE_TO_TWELVE_HOURS,
    resolution: timedelta = HOURLY,
) -> list[Window]:
    """The cheapest window of each length that fits, as ``cheapest_window`` finds it."""
    found = (cheapest_window(prices, length, after=after, before=before, resolution=resolution) for length in lengths)
    return [window for window in found if window is not None]


class DayState(StrEnum):
    """What is known of the prices of a local day."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOT_YET = "not_yet"
    LATE = "late"
    MISSING = "missing"


@dataclass(frozen=True)
class _Publication:
    """When a market's prices of a day come out, by the wall clock of the day before, and how late is still normal."""

    at: time
    grace: timedelta


_PUBLICATIONS = {
    PVPC: _Publication(time(20, 15), timedelta(minutes=45)),
    SPOT: _Publication(time(13), timedelta(hours=1)),
}


def published_at(market: str, day: date) -> datetime:
    """The moment, in UTC, from which a market's prices of a local day can be expected and asked for.

    PVPC comes out at about 20:15 of the day before, the day-ahead spot price not before 13:00, by Madrid's clock.

    Raises
    ------
    InvalidInput
        There is no such market.

    """
    return datetime.combine(day - timedelta(days=1), _publication(market).at, MADRID).astimezone(UTC)


def day_state(market: str, day: date, present: int, expected: int, now: datetime) -> DayState:
    """What a count of ``present`` among ``expected`` prices of a local day means at the moment ``now``.

    A day without any price is not yet due until its publication and a normal delay have passed (PVPC 45 min, spot
    60 min), then late until it begins, then missing.

    Raises
    ------
    InvalidInput
        There is no such market.

    """
    due = published_at(market, day) + _publication(market).grace
    if present >= expected:
        return DayState.COMPLETE
    if present:
        return DayState.PARTIAL
    if now < due:
        return DayState.NOT_YET
    return DayState.LATE if now < day_start(day) else DayState.MISSING


def suspect_days(prices: pd.Series, resolution: timedelta = HOURLY) -> dict[date, str]:
    """Local days that look like a stale answer, with the reason.

    ``repeats_day_before``: every price equals that of the day before; two constant days of the same price too.
    ``shifted_day_before``: the same with an offset of one interval or one hour, earlier or later, over the part that
    both days share; a constant part says nothing about an offset and does not count. Days are compared by elapsed
    intervals, and only where both are whole.
    """
    matrix = day_matrix(prices, resolution)
    if len(matrix) < 2:  # noqa: PLR2004
        return {}
    values = matrix.to_numpy()
    whole = np.isfinite(values).sum(axis=1) == _expected(prices, resolution).to_numpy()
    both = whole[1:] & whole[:-1]
    today, before = values[1:], values[:-1]
    repeats = both & _alike(today, before)
    shifted = np.zeros_like(both)
    for shift in {1, max(1, HOURLY // resolution)}:
        for left, right in ((today[:, shift:], before[:, :-shift]), (today[:, :-shift], before[:, shift:])):
            shifted |= both & _alike(left, right) & _varies(left)
    return {
        day.date(): "repeats_day_before" if same else "shifted_day_before"
        for day, same, moved in zip(matrix.index[1:], repeats, shifted, strict=True)
        if same or moved
    }


def _alike(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """For each row, whether both are equal wherever both have a value."""
    return np.asarray(~(np.abs(left - right) > SAME_EUR_KWH).any(axis=1))


def _varies(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """For each row, whether its values differ among themselves."""
    return np.asarray((np.abs(np.diff(rows, axis=1)) > SAME_EUR_KWH).any(axis=1))


def day_matrix(prices: pd.Series, resolution: timedelta = HOURLY) -> pd.DataFrame:
    """Prices with a row for each local day and a column for each of its intervals, counted in elapsed time from 0.

    Returns
    -------
    DataFrame
        Index ``day`` (midnights without zone), every day from the first price to the last; columns 0 ... 23, and 24
        where a day of the range has 25 hours (quarter-hours: 0 ... 95, and 99); EUR/kWh, NaN where there is none.

    """
    times = _times(prices)
    expected = _expected(prices, resolution)
    rows = pd.DatetimeIndex(expected.index)
    row = rows.get_indexer(local_days(times))
    elapsed = times.as_unit("us").asi8 - rows.tz_localize(MADRID).as_unit("us").asi8[row]
    values = np.full((len(rows), max([timedelta(days=1) // resolution, *expected.unique()])), np.nan)
    values[row, elapsed // (resolution // timedelta(microseconds=1))] = prices.to_numpy(dtype=float)
    return pd.DataFrame(values, index=rows)


def interval_labels(day: date, resolution: timedelta = HOURLY) -> list[str]:
    """The wall clock's time at which each interval of a local day starts: ``00:00``, ``01:00`` ...

    On the two days of the year on which the clock changes each label carries its offset: ``02:00+01:00``.
    """
    starts = [stamp.isoformat() for stamp in day_grid(day, resolution=resolution).tz_convert(MADRID)]
    changes = len({start[-6:] for start in starts}) > 1
    return [start[11:16] + (start[-6:] if changes else "") for start in starts]


def typical_day(prices: pd.Series, by: str, tariff: Tariff | None = None) -> pd.DataFrame:
    """Mean price of each hour of the wall clock, by ``month``, by ``weekday`` or by ``period`` of a tariff.

    Returns
    -------
    DataFrame
        Index ``month`` 1 ... 12, ``weekday`` 1 (Monday) ... 7, or ``period`` in the tariff's order; columns ``hour``
        0 ... 23; EUR/kWh, NaN where there is no price. The hour that a day repeats in October counts twice.

    Raises
    ------
    InvalidInput
        Another ``by`` than these three, or ``period`` without a tariff.

    """
    known = prices.dropna()
    wall = _times(known).tz_convert(MADRID)
    key: npt.NDArray[Any]
    rows: pd.Index
    if by == "month":
        key, rows = np.asarray(wall.month), pd.RangeIndex(1, 13, name=by)
    elif by == "weekday":
        key, rows = np.asarray(wall.day_of_week) + 1, pd.RangeIndex(1, 8, name=by)
    elif by == "period" and tariff is not None:
        key, rows = tariff.label(wall).astype(str).to_numpy(), pd.Index(tariff.periods, name=by)
    else:
        raise InvalidInput("A typical day can be had by month, weekday or period, not by {by}.", by=by)
    table = pd.DataFrame({by: key, "hour": wall.hour, "price": known.to_numpy(dtype=float)})
    means = table.pivot_table("price", index=by, columns="hour", aggfunc="mean")
    return means.reindex(index=rows, columns=pd.RangeIndex(24, name="hour"))


def daily_means(prices: pd.Series, resolution: timedelta = HOURLY) -> pd.DataFrame:
    """Mean price of every local day from the first price to the last, and on how many of its intervals it rests.

    Returns
    -------
    DataFrame
        Index ``day`` (midnights without zone); ``mean`` [EUR/kWh], NaN for a day without prices; integer ``count`` and
        ``expected`` (23, 24 or 25 for hours).

    """
    matrix = day_matrix(prices, resolution)
    columns = {"mean": matrix.mean(axis=1), "count": matrix.count(axis=1), "expected": _expected(prices, resolution)}
    return pd.DataFrame(columns, index=matrix.index)


def _expected(prices: pd.Series, resolution: timedelta) -> pd.Series:
    times = _times(prices)
    days = local_days(times)
    if days.empty:
        return pd.Series(index=days.rename("day"), name="expected", dtype="int64")
    return gaps.daily_coverage(times, resolution, days[0].date(), days[-1].date())["expected"]


def _publication(market: str) -> _Publication:
    if market not in _PUBLICATIONS:
        raise InvalidInput("There is no market {market}.", market=market)
    return _PUBLICATIONS[market]


def _times(prices: pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(prices.index)


def _moment(stamp: pd.Timestamp) -> datetime:
    return stamp.to_pydatetime().astimezone(UTC)
