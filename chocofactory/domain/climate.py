"""What the daily weather of many years says: how months and days of the year usually are, and how often limits break.

A frame of days has the fields of ``siar_daily`` by UTC ``time`` (local midnight at which the day begins, sorted,
unique). Missing is NaN or an absent row, and never counts as a day of any kind. Two stations are two climates: callers
hand in one, or what ``pooled`` makes of several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from chocofactory.core.clock import local_days
from chocofactory.domain.measurements import SIAR_DAILY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    from pandas.core.groupby import SeriesGroupBy

Kind = Literal["observed", "simulated"]

HOT_C = 35.0
"""A day is hot when its maximum is above this [degC]."""
LEVELS = (90, 95, 99)
"""Percentiles that count as critical, in percent."""
EXPOSED = ("temperature_max_c", "temperature_mean_c", "humidity_mean_pct")
"""Fields whose high values harm chocolate."""
FIELDS = tuple(field.name for field in SIAR_DAILY.fields if field.kind == "number" and field.unit != "deg")
"""Fields that have a mean; directions of wind have none."""
SUMS = frozenset({"precipitation_mm", "effective_precipitation_mm", "et0_mm"})
"""Fields whose month is a sum of its days."""

_MONTHS = pd.RangeIndex(1, 13, name="month")
_LEAP_DAYS = 366
_FEBRUARY_28 = 59
_WINDOW_DAYS = 31
_MOST_MISSING, _LONGEST_HOLE = 10, 4


def kind(source: str) -> Kind:
    """What a stored day is, by the source that it came from: only the demonstration's are simulated."""
    return "simulated" if source == "demo" else "observed"


@dataclass(frozen=True)
class Limits:
    """What the means of a day must keep for it to be favourable; the ends belong to it.

    Temperatures in degC, relative humidities in %; the defaults are those by which the original system counted.
    """

    temperature_c: tuple[float, float] = (15.0, 25.0)
    humidity_pct: tuple[float, float] = (40.0, 70.0)


@dataclass(frozen=True)
class MonthMatrix:
    """One field by year and month.

    ``figures`` has a row for each year (index ``year``) and the columns 1 ... 12 (``month``): the ``kind`` of figure of
    the month's days in the field's unit, NaN where too few are known. ``known`` and ``expected`` count days, alike.
    """

    field: str
    kind: Literal["mean", "sum"]
    figures: pd.DataFrame
    known: pd.DataFrame
    expected: pd.DataFrame


def pooled(frame: pd.DataFrame) -> pd.DataFrame:
    """Days of several stations as one row a day: where stations overlap, the mean of each number over them.

    Texts (times of extremes) have no mean and are left out, as are directions of wind.
    """
    return frame[list(FIELDS)].groupby(level=0).mean()


def monthly_pattern(frame: pd.DataFrame, fields: Sequence[str] = FIELDS) -> pd.DataFrame:
    """How the days of each month of the year are, over all years.

    Returns
    -------
    DataFrame
        Index ``field`` and ``month`` (all twelve); ``days`` that are known and, in the field's unit, their ``mean``,
        ``minimum``, ``p10``, ``p50``, ``p90`` (interpolated) and ``maximum``, NaN where no day is known.

    """
    groups = frame.groupby(_months(frame))
    out = pd.concat({field: _figures(groups[field]) for field in fields}, names=["field", "month"])
    return out.astype({"days": "int64"})


def month_matrix(frame: pd.DataFrame, field: str) -> MonthMatrix:
    """One field by year and month: the mean of the month's days, or their sum for ``SUMS``.

    A mean wants all but ten days of its month and no five missing in a row, a sum wants every day: WMO-No. 1203,
    Guidelines on the Calculation of Climate Normals (2017), 4.4.
    """
    how: Literal["mean", "sum"] = "sum" if field in SUMS else "mean"
    given = frame[field].set_axis(local_days(pd.DatetimeIndex(frame.index))).dropna()
    if given.empty:
        nothing = pd.DataFrame(index=pd.Index([], name="year", dtype="int64"), columns=_MONTHS, dtype="float64")
        return MonthMatrix(field, how, nothing, nothing.astype("int64"), nothing.astype("int64"))
    years = pd.RangeIndex(given.index[0].year, given.index[-1].year + 1, name="year")
    days = pd.date_range(f"{years[0]}-01-01", f"{years[-1]}-12-31", unit="us")
    values = given.reindex(days)
    month = [days.year, days.month]
    missing = values.isna()
    hole = missing.groupby([*month, (~missing).cumsum()]).sum().groupby(level=[0, 1]).max()
    known = (~missing).groupby(month).sum()
    expected = missing.groupby(month).size()
    figures = values.groupby(month).agg(how)
    enough = known == expected
    if how == "mean":
        enough = (expected - known <= _MOST_MISSING) & (hole <= _LONGEST_HOLE)
    tables = (figures.where(enough), known.astype("int64"), expected.astype("int64"))
    by_year = (pd.DataFrame(table.to_numpy().reshape(-1, 12), index=years, columns=_MONTHS) for table in tables)
    return MonthMatrix(field, how, *by_year)


def percentiles(frame: pd.DataFrame, field: str, levels: Iterable[float] = LEVELS) -> pd.Series:
    """Percentiles of the days of a field that are known, by level in percent; interpolated, NaN where none is known."""
    wanted = list(levels)
    return pd.Series(
        [frame[field].quantile(level / 100) for level in wanted], index=pd.Index(wanted, name="level"), dtype="float64"
    )


def critical_thresholds(
    frame: pd.DataFrame, fields: Sequence[str] = EXPOSED, levels: Iterable[float] = LEVELS
) -> pd.DataFrame:
    """Percentiles of fields whose high values harm, and how many days lie above each.

    Returns
    -------
    DataFrame
        A row for each field and level: ``variable``, ``percentile`` [%], ``threshold`` in the field's unit (NaN where
        no day is known), ``occurrences`` (days above it) and ``days`` (that are known).

    """
    rows = [
        (field, level, threshold, int((frame[field] > threshold).sum()), int(frame[field].count()))
        for field in fields
        for level, threshold in percentiles(frame, field, levels).items()
    ]
    return pd.DataFrame(rows, columns=["variable", "percentile", "threshold", "occurrences", "days"])


def hot_days(frame: pd.DataFrame, above_c: float = HOT_C) -> pd.DataFrame:
    """Days whose MAXIMUM is above a limit [degC]: a mean of 35 degC hardly ever occurs, a maximum every summer.

    Returns
    -------
    DataFrame
        Index ``year`` and ``month``, those with rows; ``hot`` days among the ``days`` whose maximum is known.

    """
    maximum = frame["temperature_max_c"]
    days = local_days(pd.DatetimeIndex(frame.index))
    table = pd.DataFrame({"hot": maximum > above_c, "days": maximum.notna()})
    return table.groupby([pd.Index(days.year, name="year"), pd.Index(days.month, name="month")]).sum()


def favourable_days(frame: pd.DataFrame, limits: Limits | None = None) -> pd.DataFrame:
    """Days whose mean temperature and mean humidity both keep the limits, by month of the year over all years.

    Returns
    -------
    DataFrame
        Index ``month``, all twelve; ``favourable`` days among the ``days`` of which both means are known, their
        ``share_pct`` (NaN without such a day), and ``unknown`` days, of which a mean is missing.

    """
    kept = limits or Limits()
    temperature, humidity = frame["temperature_mean_c"], frame["humidity_mean_pct"]
    known = temperature.notna() & humidity.notna()
    table = pd.DataFrame(
        {
            "favourable": temperature.between(*kept.temperature_c) & humidity.between(*kept.humidity_pct),
            "days": known,
            "unknown": ~known,
        }
    )
    counts = table.groupby(_months(frame)).sum().reindex(_MONTHS, fill_value=0).astype("int64")
    counts.insert(1, "share_pct", 100 * counts["favourable"] / counts["days"].where(counts["days"] > 0))
    return counts


def day_of_year_climatology(frame: pd.DataFrame, fields: Sequence[str] = FIELDS) -> pd.DataFrame:
    """How each day of the year usually is: the mean over all years of the 31 days around it.

    In eight years of data the width leaves sampling noise of 0.4 (means) to 0.6 degC (maxima), as two such stretches of
    Linares differ; it flattens a yearly wave A cos by A/2 (2 pi/366)^2 31^2/12, 0.1 degC of temperature.

    Returns
    -------
    DataFrame
        Index ``calendar_day``, 1 ... 366 (see ``calendar_days``); each field in its unit, NaN without data, and
        ``days`` (rows of the frame that lie in the window).

    """
    places = calendar_days(pd.DatetimeIndex(frame.index))
    values = frame[list(fields)].to_numpy(dtype=float)
    known = ~np.isnan(values)
    stacked = np.column_stack([np.where(known, values, 0), known, np.ones(len(frame))])
    table = np.zeros((_LEAP_DAYS, stacked.shape[1]))
    np.add.at(table, places - 1, stacked)
    half = _WINDOW_DAYS // 2
    around = np.concatenate([table[-half:], table, table[:half]])
    windows = np.lib.stride_tricks.sliding_window_view(around, _WINDOW_DAYS, axis=0).sum(axis=-1)
    sums, counts = windows[:, : len(fields)], windows[:, len(fields) : -1]
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    out = pd.DataFrame(means, columns=list(fields), index=pd.RangeIndex(1, _LEAP_DAYS + 1, name="calendar_day"))
    return out.assign(days=windows[:, -1].astype("int64"))


def calendar_days(index: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """The local day of each time as its place in a leap year, 1 ... 366: 1 March is 61 in every year."""
    days = local_days(index)
    late = ~np.asarray(days.is_leap_year) & (np.asarray(days.day_of_year) > _FEBRUARY_28)
    return np.asarray(days.day_of_year, dtype=np.int64) + late


def _figures(groups: SeriesGroupBy[Any, Any]) -> pd.DataFrame:
    figures = {"days": groups.count(), "mean": groups.mean(), "minimum": groups.min()}
    figures |= {f"p{level}": groups.quantile(level / 100) for level in (10, 50, 90)}
    out = pd.DataFrame(figures | {"maximum": groups.max()}).reindex(_MONTHS)
    return out.fillna({"days": 0})


def _months(frame: pd.DataFrame) -> pd.Index:
    return pd.Index(local_days(pd.DatetimeIndex(frame.index)).month, name="month")
