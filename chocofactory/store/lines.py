"""Rows as InfluxDB takes them (line protocol) and gives them back (tables of its answers).

One schema for each measurement: its keys are tags, with ``resolution`` and, for forecasts, ``issued_at`` beside them;
its fields are fields, numbers as float, text as string, flags as boolean; ``source`` is a string field, so that another
source overwrites instead of beginning a second series, and ``written_at`` an integer field [us since 1970].

Text goes in encoded: what is not a letter, a digit or one of ``_.:/+-`` becomes ``%`` and two hexadecimal digits a byte
of UTF-8, as in addresses, and no text at all becomes ``%``. What is common (``pvpc_20td``, ``file:prices.csv``) reads
as it is. So nothing ever needs quoting, in no place, and everything comes back exactly: line protocol by itself has no
way to write an empty tag, a tag that ends in a backslash, or a line break in one.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pandas as pd

from chocofactory.domain.measurements import Series
from chocofactory.store.base import order
from chocofactory.store.database import from_microseconds, to_microseconds
from chocofactory.store.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import numpy.typing as npt

    from chocofactory.domain.measurements import Field, Measurement
    from chocofactory.store.rows import Batches, Values

EMPTY = "%"
"""How no text at all is written: by itself it stands for no byte."""
_PLAIN = re.compile(r"[^\w.:/+-]")
_SECOND = timedelta(seconds=1)


def encoded(text: str) -> str:
    """Text as it goes into tags and fields."""
    return _PLAIN.sub(_percent, text) or EMPTY


def decoded(text: str) -> str:
    """The text that ``encoded`` was given."""
    return "" if text == EMPTY else unquote(text, errors="surrogatepass")


def tags_of(
    keys: Mapping[str, str], resolution: timedelta | None = None, issued_at: datetime | None = None
) -> dict[str, str]:
    """The tags of what has these keys; of a resolution and a time of issue too, where they are given."""
    out = {key: encoded(str(value)) for key, value in keys.items()}
    if resolution is not None:
        out["resolution"] = f"{resolution / _SECOND:.15g}s"
    if issued_at is not None:
        out["issued_at"] = from_microseconds(to_microseconds(issued_at)).isoformat()
    return out


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, str | int], time: int = 0) -> str:
    """One point; text is encoded here, ``time`` [us since 1970]."""
    return f"{_head(measurement, tags)} {_written(fields)} {time}"


def lines(
    measurement: Measurement,
    tags: Mapping[str, str],
    times: npt.NDArray[np.int64],
    values: Sequence[Values],
    ending: Mapping[str, str | int],
) -> list[str]:
    """One line for each time [us since 1970]: the values (one array a field) that are not missing, then the ending.

    Without an ending, what the point holds of it stays.
    """
    head, tail = _head(measurement.name, tags), _written(ending)
    columns = [_cells(field, array) for field, array in zip(measurement.fields, values, strict=True)]
    rows = zip(times.tolist(), zip(*columns, strict=True), strict=True)
    return [f"{head} {(''.join(cells) + tail).removesuffix(',')} {time}" for time, cells in rows]


def parts_of(measurement: Measurement, table: pd.DataFrame) -> tuple[list[tuple[Series, Rows]], Batches]:
    """The rows of an answer by series, sorted, and source and time of writing of the batches they belong to."""
    if table.empty:
        return [], {}
    time = times_of(table["_time"])
    issued = times_of(table["issued_at"]) if measurement.issued else None
    batch, origins = pd.factorize(pd.MultiIndex.from_frame(table[["source", "written_at"]]))
    fields = {field.name: _values(field, table) for field in measurement.fields}
    parts = []
    for series, where in _by_series(measurement, table).items():
        chosen = where[np.lexsort((issued[where] if issued is not None else time[where], time[where]))]
        parts.append(
            (
                series,
                Rows(
                    time[chosen],
                    issued[chosen] if issued is not None else None,
                    {name: array[chosen] for name, array in fields.items()},
                    batch[chosen].astype(np.int64),
                ),
            )
        )
    batches = {number: (decoded(source), int(at)) for number, (source, at) in enumerate(origins)}
    return sorted(parts, key=lambda part: order(part[0])), batches


def times_of(column: pd.Series) -> npt.NDArray[np.int64]:
    """Times as InfluxDB writes them, in microseconds since 1970."""
    return pd.DatetimeIndex(pd.to_datetime(column, format="ISO8601", utc=True)).as_unit("us").asi8


def resolution_of(tag: str) -> timedelta:
    """The length of the intervals that a tag tells."""
    return float(tag.removesuffix("s")) * _SECOND


def kinds_of(measurement: Measurement) -> dict[str, str]:
    """How the columns of an answer with rows of a measurement are to be read, those that are not text."""
    kinds = {"number": "float64", "text": "str", "flag": "boolean"}
    return {field.name: kinds[field.kind] for field in measurement.fields} | {"written_at": "int64"}


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", errors="surrogatepass"))


def _head(measurement: str, tags: Mapping[str, str]) -> str:
    return ",".join([measurement, *(f"{name}={tags[name]}" for name in sorted(tags))])


def _written(fields: Mapping[str, str | int]) -> str:
    return ",".join(f'{name}="{encoded(v)}"' if isinstance(v, str) else f"{name}={v:d}i" for name, v in fields.items())


def _cells(field: Field, array: Values) -> Iterable[str]:
    """``name=value,`` for each value, nothing for a missing one. ``repr`` of a float is exact."""
    name = field.name
    given = pd.notna(array).tolist()
    match field.kind:
        case "number":
            cells = [f"{name}={value!r}," for value in array.tolist()]
        case "flag":
            cells = [f"{name}={'t' if value else 'f'}," for value in array.tolist()]
        case "text":
            return [f'{name}="{encoded(v)}",' if there else "" for v, there in zip(array, given, strict=True)]
    return cells if all(given) else [cell if there else "" for cell, there in zip(cells, given, strict=True)]


def _by_series(measurement: Measurement, table: pd.DataFrame) -> dict[Series, npt.NDArray[np.int64]]:
    names = [*measurement.keys, "resolution"]
    places = np.arange(len(table))
    out: dict[Series, npt.NDArray[np.int64]] = {}
    numbers = table.groupby(names, sort=False).ngroup().to_numpy()
    for number in np.unique(numbers):
        where = places[numbers == number]
        row = table.iloc[where[0]]
        keys = {key: decoded(row[key]) for key in measurement.keys}
        out[Series(measurement, keys, resolution_of(row["resolution"]))] = where
    return out


def _values(field: Field, table: pd.DataFrame) -> Values:
    if field.name not in table:
        return np.full(len(table), None if field.kind == "text" else np.nan)
    column = table[field.name]
    match field.kind:
        case "number":
            return column.to_numpy(dtype=np.float64)
        case "flag":
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        case "text":
            return np.array([None if pd.isna(text) else decoded(text) for text in column], dtype=object)
