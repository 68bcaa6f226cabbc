"""Rows of a SQL table as frames and back, column by column; and what an upsert comes to.

Making a Python object of every cell is what costs time, so numbers stream straight into one array of floats: times in
microseconds since 1970-01-01T00:00Z (exact in a float until the year 2255), flags as 0 or 1, missing values as infinity
(which no store takes as a value) on their way out of SQLite and as NaN here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from chocofactory.domain.measurements import Field, Measurement, Series

    Values = npt.NDArray[Any]
    Batches = Mapping[int, tuple[str, int]]


@dataclass(frozen=True)
class Rows:
    """Rows of one series by column, sorted by time and issue.

    ``time`` and ``issued_at`` (of issued measurements) [us since 1970-01-01T00:00Z]; ``fields`` as floats with NaN, or
    texts with None; ``batch`` the number of the write that each row comes from.
    """

    time: npt.NDArray[np.int64]
    issued_at: npt.NDArray[np.int64] | None
    fields: Mapping[str, Values]
    batch: npt.NDArray[np.int64]

    @classmethod
    def none(cls, measurement: Measurement) -> Rows:
        """No rows of a measurement."""
        nothing = np.empty(0, np.int64)
        fields = {f.name: np.empty(0, object if f.kind == "text" else np.float64) for f in measurement.fields}
        return cls(nothing, nothing if measurement.issued else None, fields, nothing)

    def last(self) -> Rows:
        """The last row alone."""
        issued = None if self.issued_at is None else self.issued_at[-1:]
        return Rows(self.time[-1:], issued, {name: v[-1:] for name, v in self.fields.items()}, self.batch[-1:])


def gather(
    measurement: Measurement, numbers: Iterable[tuple[float, ...]], texts: Iterable[tuple[str | None, ...]]
) -> Rows:
    """Rows out of two cursors: ``(time, batch, [issued_at,] number and flag fields)`` and ``(text fields)``."""
    numeric = [field.name for field in measurement.fields if field.kind != "text"]
    textual = [field.name for field in measurement.fields if field.kind == "text"]
    leading = 3 if measurement.issued else 2
    table = np.fromiter(chain.from_iterable(numbers), dtype=np.float64).reshape(-1, leading + len(numeric))
    whole = table[:, :leading].astype(np.int64).T
    values = np.where(np.isinf(table[:, leading:]), np.nan, table[:, leading:]).T
    fields: dict[str, Values] = dict(zip(numeric, values, strict=True))
    if textual:
        cells = np.array([*texts], dtype=object).reshape(-1, len(textual)).T
        fields |= dict(zip(textual, cells, strict=True))
    return Rows(whole[0], whole[2] if measurement.issued else None, fields, whole[1])


def merge(
    measurement: Measurement, given: pd.DataFrame, stored: Rows
) -> tuple[list[Values], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Lay given rows (as ``checked``) over the stored ones of the same series and range.

    Returns
    -------
    values
        One array a field: what the rows hold afterwards.
    is_new, differs
        For each row whether nothing is stored at its time, and whether a given value differs from the stored one.

    """
    times = pd.DatetimeIndex(given.index).asi8
    position = np.searchsorted(stored.time, times)
    is_new = ~np.isin(times, stored.time)
    position[is_new] = len(stored.time)  # where a missing value stands for "nothing stored"
    differs = np.zeros(len(times), dtype=np.bool_)
    out = []
    for field in measurement.fields:
        nothing: list[Any] = [None if field.kind == "text" else np.nan]
        before = np.append(stored.fields[field.name], nothing)[position]
        after, settles = before, is_new
        if field.name in given:
            after = _bindable(field, given[field.name])
            settles = pd.notna(after) & (pd.isna(before) if field.first_of else True)
            differs |= settles & (after != before)
        elif field.first_of in given:
            after = _bindable(field, given[field.first_of])
        out.append(np.where(settles, after, before))
    return out, is_new, differs


def underlay(measurement: Measurement, given: pd.DataFrame, stored: Rows) -> tuple[list[Values], npt.NDArray[np.bool_]]:
    """Lay given rows beneath stored ones that were written later: all that is given is stored, and its values stay.

    What they do not hold is filled in. The first value is that of the given row, for it came before; but where the
    stored row was revised, or its first value is not known, nobody can tell which came first, and it stays.

    Returns
    -------
    values
        One array a field: what the rows hold afterwards.
    differs
        For each row whether that changes anything.

    """
    position = np.searchsorted(stored.time, pd.DatetimeIndex(given.index).asi8)
    differs = np.zeros(len(given), dtype=np.bool_)
    out = []
    for field in measurement.fields:
        before = stored.fields[field.name][position]
        after = before
        below = field.name if field.name in given else field.first_of
        if below in given:
            after = _bindable(field, given[below])
            once = before == stored.fields[field.first_of][position] if field.first_of else False
            after = np.where(pd.notna(after) & (pd.isna(before) & (below == field.name) | once), after, before)
            differs |= pd.notna(after) & (after != before)
        out.append(after)
    return out, differs


def to_frame(measurement: Measurement, parts: list[tuple[Series, Rows]], batches: Batches) -> pd.DataFrame:
    """Rows of several series, handed in sorted by series, as ``SeriesStore.read`` gives them.

    ``batches`` has source and time of writing of each batch.
    """
    which = np.repeat(np.arange(len(parts)), [len(rows.time) for _, rows in parts])
    out: dict[str, Any] = {
        key: _categories([series.keys[key] for series, _ in parts], which) for key in measurement.keys
    }
    out["resolution"] = np.array([series.resolution for series, _ in parts], dtype="timedelta64[us]")[which]
    if measurement.issued:
        out["issued_at"] = to_times(_joined([rows.issued_at for _, rows in parts]))
    for field in measurement.fields:
        out[field.name] = _extended(field, _joined([rows.fields[field.name] for _, rows in parts]))
    numbers, batch = np.unique(_joined([rows.batch for _, rows in parts]), return_inverse=True)
    written = [batches[int(number)] for number in numbers]
    out["source"] = _categories([source for source, _ in written], batch)
    out["written_at"] = to_times(np.array([at for _, at in written], dtype=np.int64)[batch])
    times = to_times(_joined([rows.time for _, rows in parts])).rename("time")
    return pd.DataFrame(out, index=times).sort_index(kind="stable")


def to_row(measurement: Measurement, series: Series, rows: Rows, batches: Batches) -> pd.Series:
    """The first of the rows, as it stands in ``to_frame``."""
    source, written_at = batches[int(rows.batch[0])]
    out: dict[str, Any] = {**series.keys, "resolution": pd.Timedelta(series.resolution)}
    if rows.issued_at is not None:
        out["issued_at"] = to_times(rows.issued_at[:1])[0]
    for field in measurement.fields:
        out[field.name] = _extended(field, rows.fields[field.name][:1])[0]
    out |= {"source": source, "written_at": to_times(np.array([written_at]))[0]}
    return pd.Series(list(out.values()), index=list(out), name=to_times(rows.time[:1])[0], dtype=object)


def to_times(microseconds: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    """Microseconds since 1970-01-01T00:00Z as an aware index in UTC."""
    return pd.DatetimeIndex(microseconds.astype("M8[us]")).tz_localize("UTC")


def _bindable(field: Field, column: pd.Series) -> Values:
    if field.kind == "text":
        return column.astype(object).where(column.notna(), None).to_numpy()
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _extended(field: Field, values: Values) -> Any:
    match field.kind:
        case "text":
            return pd.array(values, dtype="str")
        case "flag":
            return pd.arrays.BooleanArray(values == 1, np.isnan(values))
        case "number":
            return values


def _joined(arrays: list[Any]) -> Values:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _categories(values: list[str], which: npt.NDArray[np.int64]) -> pd.Categorical:
    """``values[i]`` for each ``i`` in ``which``, as a categorical with sorted categories."""
    names, codes = np.unique(np.array(values, dtype=object), return_inverse=True)
    return pd.Categorical.from_codes(codes[which], categories=pd.Index(names, dtype="str"))
