"""The embedded series store: one SQLite file, one table a measurement.

Times and lengths are kept as whole microseconds (since 1970-01-01T00:00Z), missing values as NULL. The tables follow
the definitions in ``domain.measurements``: at opening, what is new there gets its table or column. A field that is
added needs nothing else, and an older program goes on working beside a newer one: it neither reads nor overwrites the
column that it does not know. Every other change of a definition (a key, a kind, a unit, a name) is a numbered
migration, which must also do for a file without that table; older programs then refuse it with ``StoreTooNew``.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.errors import MixedProvenance
from chocofactory.domain.measurements import MEASUREMENTS, Series
from chocofactory.store.base import SeriesStore, WriteCounts, check_keys, check_source, checked, order
from chocofactory.store.database import Database, from_microseconds, to_microseconds
from chocofactory.store.rows import gather, merge, to_frame, to_row, to_times

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from chocofactory.domain.measurements import FieldKind, Measurement
    from chocofactory.store.base import Nature
    from chocofactory.store.rows import Rows

_APPLICATION_ID = int.from_bytes(b"ChoS")
_MIGRATIONS = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('revision', 0);
    CREATE TABLE batch (  -- one a write: where its rows come from, and when they were written
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL,
        written_at INTEGER NOT NULL
    );
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        measurement TEXT NOT NULL,
        keys TEXT NOT NULL,  -- a JSON object, sorted by key
        resolution_us INTEGER NOT NULL,
        UNIQUE (measurement, keys, resolution_us)
    );
    """,
)
_SQL_TYPES: dict[FieldKind, str] = {"number": "REAL", "text": "TEXT", "flag": "INTEGER"}
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = -(2**63), 2**63 - 1


class SqliteSeriesStore(SeriesStore):
    """A series store in the SQLite file ``path``, made if need be, that holds data of one ``nature``.

    Raises
    ------
    MixedProvenance
        The file holds data of the other nature.
    StoreError
        The file cannot be opened (see ``Database``).

    """

    def __init__(self, path: Path, nature: Nature) -> None:
        self._nature = nature
        self._database = Database(path, _MIGRATIONS, application_id=_APPLICATION_ID)
        try:
            with self._database.write() as connection:
                self._claim(connection)
                for measurement in MEASUREMENTS.values():
                    _table(measurement).fit(connection)
        except BaseException:
            self.close()
            raise

    def write(
        self,
        series: Series,
        frame: pd.DataFrame,
        *,
        source: str,
        written_at: datetime,
        issued_at: datetime | None = None,
    ) -> WriteCounts:
        """Insert or update rows by time, all or none: see ``SeriesStore.write``."""
        rows = checked(series, frame, issued_at)
        check_source(self._nature, source)
        if rows.empty:
            return WriteCounts()
        table = _table(series.measurement)
        issue = [] if issued_at is None else [to_microseconds(issued_at)]
        written = to_microseconds(written_at)
        times = pd.DatetimeIndex(rows.index).asi8
        with self._database.write() as connection:
            connection.execute("INSERT OR IGNORE INTO series VALUES (NULL, ?, ?, ?)", _identity(series))
            number = _number_of(connection, series)
            stored = table.select(connection, number, int(times[0]), int(times[-1]) + 1, issue)
            values, is_new, differs = merge(series.measurement, rows, stored)
            touched = is_new | differs
            new = int(is_new.sum())
            counts = WriteCounts(new, int(touched.sum()) - new, int((~touched).sum()))
            if touched.any():
                batch = connection.execute(
                    "INSERT INTO batch (source, written_at) VALUES (?, ?)", (source, written)
                ).lastrowid
                fixed = [repeat(part) for part in (batch, number, *issue)]
                columns = [column[touched].tolist() for column in (times, *values)]
                connection.executemany(table.upsert, zip(*fixed, *columns, strict=False))
                _count_revision(connection)
        return counts

    def read(
        self,
        measurement: Measurement,
        start: datetime,
        end: datetime,
        *,
        resolution: timedelta | None = None,
        issued_at: datetime | None = None,
        **keys: str,
    ) -> pd.DataFrame:
        """Rows with ``start <= time < end`` of all matching series: see ``SeriesStore.read``."""
        check_keys(measurement, keys, issued_at)
        begin, until = to_microseconds(start), to_microseconds(end)
        issue = [] if issued_at is None else [to_microseconds(issued_at)]
        with self._database.read() as connection:
            parts = [
                (series, rows)
                for series, number in _matching(connection, measurement, resolution, keys)
                if len((rows := _table(measurement).select(connection, number, begin, until, issue)).time)
            ]
            batches = _batches(connection, [rows for _, rows in parts])
        return to_frame(measurement, parts, batches)

    def latest(
        self,
        measurement: Measurement,
        *,
        before: datetime | None = None,
        resolution: timedelta | None = None,
        **keys: str,
    ) -> pd.Series | None:
        """The last row of the matching series: see ``SeriesStore.latest``."""
        until = None if before is None else to_microseconds(before)
        with self._database.read() as connection:
            parts = [
                (series, rows)
                for series, number in _matching(connection, measurement, resolution, keys)
                if len((rows := _table(measurement).last(connection, number, until)).time)
            ]
            if not parts:
                return None
            series, rows = max(parts, key=lambda part: part[1].time[0])  # max takes the first of equals
            batches = _batches(connection, [rows])
        return to_row(measurement, series, rows, batches)

    def series(self, measurement: Measurement | None = None) -> list[Series]:
        """Every series that the store knows: see ``SeriesStore.series``."""
        asked = MEASUREMENTS.values() if measurement is None else [measurement]
        with self._database.read() as connection:
            found = [series for each in asked for series, _ in _matching(connection, each, None, {})]
        return sorted(found, key=order)

    def times(self, series: Series, start: datetime, end: datetime) -> pd.DatetimeIndex:
        """The interval starts that are present in ``[start, end)``: see ``SeriesStore.times``."""
        begin, until = to_microseconds(start), to_microseconds(end)
        with self._database.read() as connection:
            number = _number_of(connection, series)
            found = connection.execute(_table(series.measurement).times, (number, begin, until))
            times = np.fromiter(chain.from_iterable(found), dtype=np.int64)
        return to_times(times).rename("time")

    def extent(self, series: Series) -> tuple[datetime, datetime] | None:
        """First and last interval start that are present: see ``SeriesStore.extent``."""
        with self._database.read() as connection:
            number = _number_of(connection, series)
            first, last = connection.execute(_table(series.measurement).ends, (number, number)).fetchone()
        return None if first is None else (from_microseconds(first), from_microseconds(last))

    def delete(
        self,
        measurement: Measurement,
        start: datetime,
        end: datetime,
        *,
        resolution: timedelta | None = None,
        **keys: str,
    ) -> int:
        """Remove rows with ``start <= time < end`` of the matching series: see ``SeriesStore.delete``."""
        begin, until = to_microseconds(start), to_microseconds(end)
        with self._database.write() as connection:
            removed = sum(
                connection.execute(_table(measurement).delete, (number, begin, until)).rowcount
                for _, number in _matching(connection, measurement, resolution, keys)
            )
            if removed:
                _count_revision(connection)
        return removed

    def revision(self) -> int:
        """A number that grows with every change, by any process: see ``SeriesStore.revision``."""
        with self._database.read() as connection:
            return int(_meta(connection, "revision"))

    def check(self) -> None:
        """Try whether the store can be read and written now; changes nothing."""
        self._database.check()

    def close(self) -> None:
        """Let go of files and connections."""
        self._database.close()

    def _claim(self, connection: sqlite3.Connection) -> None:
        kept = _meta(connection, "nature")
        if kept is None:
            connection.execute("INSERT INTO meta VALUES ('nature', ?)", (self._nature,))
        elif kept != self._nature:
            raise MixedProvenance(
                "{path} holds {kept} data and is not opened for {asked} data.",
                path=str(self._database.path),
                kept=kept,
                asked=self._nature,
            )


class _Table:
    """The SQL of one measurement. All names in it come from the definitions, all values are bound."""

    def __init__(self, measurement: Measurement) -> None:
        name = _quoted(f"data_{measurement.name}")
        issue = ["issued_at"] if measurement.issued else []
        key = ["series_id", *issue, "time"]
        fields = [_quoted(field) for field in measurement.field_names]
        numeric = [f"ifnull({_quoted(field.name)}, 9e999)" for field in measurement.fields if field.kind != "text"]
        textual = [_quoted(field.name) for field in measurement.fields if field.kind == "text"]
        columns = ["batch", *key, *fields]
        updates = ", ".join(f"{column} = excluded.{column}" for column in ["batch", *fields])
        within = f"FROM {name} WHERE series_id = ? AND time >= ? AND time < ?"
        self._measurement = measurement
        self._name = name
        integers = ", ".join(f"{column} INTEGER NOT NULL" for column in ["batch", *key])
        self._create = f"CREATE TABLE IF NOT EXISTS {name} ({integers}, PRIMARY KEY ({', '.join(key)})) WITHOUT ROWID"
        self._index = f"CREATE INDEX IF NOT EXISTS {_quoted(f'time_of_{measurement.name}')} ON {name} (series_id, time)"
        self._numbers = f"SELECT {', '.join(['time', 'batch', *issue, *numeric])} {within}"
        self._texts = f"SELECT {', '.join(textual)} {within}" if textual else None
        self._sorted = f"ORDER BY {', '.join(['time', *issue])}"
        self._newest = f"ORDER BY {', '.join(f'{column} DESC' for column in ['time', *issue])} LIMIT 1"
        self.times = f"SELECT DISTINCT time {within} ORDER BY time"
        ends = (f"(SELECT {end}(time) FROM {name} WHERE series_id = ?)" for end in ("min", "max"))  # noqa: S608
        self.ends = f"SELECT {', '.join(ends)}"  # apart, each is one seek in the index
        self.delete = f"DELETE {within}"
        self.upsert = (
            f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates}"
        )

    def fit(self, connection: sqlite3.Connection) -> None:
        """Make the table, or add the columns that the definition has gained since it was made."""
        connection.execute(self._create)
        if self._measurement.issued:
            connection.execute(self._index)
        there = {column[1] for column in connection.execute(f"PRAGMA table_info({self._name})")}
        for field in self._measurement.fields:
            if field.name not in there:
                kind = _SQL_TYPES[field.kind]
                connection.execute(f"ALTER TABLE {self._name} ADD COLUMN {_quoted(field.name)} {kind}")

    def select(
        self, connection: sqlite3.Connection, series: int, start: int, end: int, issue: Sequence[int] = ()
    ) -> Rows:
        """The rows of a series with ``start <= time < end``, of one issue if it is given."""
        return self._gather(connection, " AND issued_at = ? " * len(issue) + self._sorted, (series, start, end, *issue))

    def last(self, connection: sqlite3.Connection, series: int, before: int | None) -> Rows:
        """The last row of a series (of its newest issue), if there is one."""
        return self._gather(connection, self._newest, (series, _FIRST, _LAST if before is None else before))

    def _gather(self, connection: sqlite3.Connection, tail: str, values: tuple[int, ...]) -> Rows:
        numbers = connection.execute(f"{self._numbers} {tail}", values)
        texts = connection.execute(f"{self._texts} {tail}", values) if self._texts else ()
        return gather(self._measurement, numbers, texts)


@cache
def _table(measurement: Measurement) -> _Table:
    return _Table(measurement)


def _identity(series: Series) -> tuple[str, str, int]:
    keys = json.dumps(dict(series.keys), sort_keys=True)
    return series.measurement.name, keys, series.resolution // _MICROSECOND


def _number_of(connection: sqlite3.Connection, series: Series) -> int:
    """The number of a series, 0 if it is not known."""
    found = connection.execute(
        "SELECT id FROM series WHERE (measurement, keys, resolution_us) = (?, ?, ?)", _identity(series)
    ).fetchone()
    return int(found[0]) if found else 0


def _matching(
    connection: sqlite3.Connection, measurement: Measurement, resolution: timedelta | None, keys: Mapping[str, str]
) -> list[tuple[Series, int]]:
    """The known series of a measurement that have these keys, with their numbers, sorted."""
    check_keys(measurement, keys)
    rows = connection.execute("SELECT keys, resolution_us, id FROM series WHERE measurement = ?", (measurement.name,))
    found = [(Series(measurement, json.loads(kept), length * _MICROSECOND), number) for kept, length, number in rows]
    fitting = [
        (series, number)
        for series, number in found
        if resolution in {None, series.resolution} and all(series.keys[key] == str(keys[key]) for key in keys)
    ]
    return sorted(fitting, key=lambda pair: order(pair[0]))


def _batches(connection: sqlite3.Connection, parts: Sequence[Rows]) -> dict[int, tuple[str, int]]:
    """Source and time of writing of the batches that these rows come from."""
    numbers = [number for rows in parts for number in (int(rows.batch.min()), int(rows.batch.max()))]
    between = (min(numbers), max(numbers)) if numbers else (1, 0)
    found = connection.execute("SELECT id, source, written_at FROM batch WHERE id BETWEEN ? AND ?", between)
    return {number: (source, at) for number, source, at in found}


def _meta(connection: sqlite3.Connection, name: str) -> Any:
    found = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return found[0] if found else None


def _count_revision(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'revision'")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
