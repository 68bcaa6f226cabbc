"""Writes on their way to a server: kept on disk until it has acknowledged them, sent in the order they came in.

One SQLite file, each change durable when it returns, so that a write that was taken survives a kill and a power cut.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.errors import FactoryError, StoreDamaged, StoreFull
from chocofactory.core.locks import ProcessLock
from chocofactory.core.logs import get_logger
from chocofactory.domain.measurements import MEASUREMENTS, Series
from chocofactory.store.base import OutboxState
from chocofactory.store.database import Database, from_microseconds, to_microseconds
from chocofactory.store.rows import to_times

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from chocofactory.core.clock import Clock

log = get_logger(__name__)

TURN_WAIT_S = 5.0
"""How long [s] a writer waits for another one who is sending, before it only puts down what it has."""

_POLL_S = 0.01
_MICROSECOND = timedelta(microseconds=1)
_MEGABYTE = 1_000_000
_APPLICATION_ID = int.from_bytes(b"ChoO")
_MIGRATIONS = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    CREATE TABLE entry (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they came in
        kept_at INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        refused TEXT,  -- why the server will never take it: set aside
        batch BLOB NOT NULL
    );
    """,
)


@dataclass(frozen=True)
class Batch:
    """One write: ``rows`` as ``base.checked`` returns them."""

    series: Series
    rows: pd.DataFrame
    source: str
    written_at: datetime
    issued_at: datetime | None = None

    def packed(self) -> bytes:
        """As bytes: deflated JSON, which is exact for floats and takes any text."""
        columns = {
            name: column.astype(object).where(column.notna(), None).tolist() for name, column in self.rows.items()
        }
        content = {
            "measurement": self.series.measurement.name,
            "keys": dict(self.series.keys),
            "resolution_us": self.series.resolution // _MICROSECOND,
            "source": self.source,
            "written_at": to_microseconds(self.written_at),
            "issued_at": None if self.issued_at is None else to_microseconds(self.issued_at),
            "time": pd.DatetimeIndex(self.rows.index).asi8.tolist(),
            "columns": columns,
        }
        return zlib.compress(json.dumps(content).encode(), level=1)

    @classmethod
    def unpacked(cls, packed: bytes) -> Batch:
        """What ``packed`` made bytes of.

        Raises
        ------
        StoreDamaged
            These bytes are something else, or of another version of this program.

        """
        try:
            return cls._unpacked(packed)
        except (zlib.error, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, FactoryError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise StoreDamaged("A write in the outbox cannot be read: {reason}.", reason=reason) from error

    @classmethod
    def _unpacked(cls, packed: bytes) -> Batch:
        content = json.loads(zlib.decompress(packed))
        measurement = MEASUREMENTS[content["measurement"]]
        kinds = {field.name: field.kind for field in measurement.fields}
        dtypes = {"number": "float64", "text": "str", "flag": "boolean"}
        index = to_times(np.array(content["time"], dtype=np.int64)).rename("time")
        columns = {
            name: pd.Series(values, index, dtype=dtypes[kinds[name]]) for name, values in content["columns"].items()
        }
        if index.empty:
            raise ValueError("no row")
        issued = content["issued_at"]
        return cls(
            Series(measurement, content["keys"], content["resolution_us"] * _MICROSECOND),
            pd.DataFrame(columns, index=index),
            content["source"],
            from_microseconds(content["written_at"]),
            None if issued is None else from_microseconds(issued),
        )


class Outbox:
    """Keeps batches in the SQLite file ``path``, made if need be, up to ``limit_mb`` megabytes that wait.

    What was set aside is counted apart: once it comes to as much, no more is taken either. So the file holds twice the
    limit at most, and beyond that only what the server is about to take.

    Safe for threads and processes, which take turns in sending: see ``turn``.

    Raises
    ------
    StoreError
        By every method, when the file cannot be read or written (see ``Database``).

    """

    def __init__(self, path: Path, limit_mb: int, clock: Clock) -> None:
        self._database = Database(path, _MIGRATIONS, application_id=_APPLICATION_ID)
        self._limit_mb = limit_mb
        self._clock = clock
        self._lock = ProcessLock(self._database.path.with_suffix(".lock"))
        self._sending = threading.Lock()
        with self._database.write() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('writer', ?)", (uuid.uuid4().hex,))

    @property
    def writer(self) -> str:
        """A name for all who write through this file: given once, for ever."""
        with self._database.read() as connection:
            return str(connection.execute("SELECT value FROM meta WHERE name = 'writer'").fetchone()[0])

    @contextlib.contextmanager
    def turn(self, wait_s: float = TURN_WAIT_S) -> Iterator[bool]:
        """Whether it is our turn to send, of all threads and processes; it is until the block ends."""
        mine = self._take_turn(time.monotonic() + wait_s)
        try:
            yield mine
        finally:
            if mine:
                self._lock.release()
                self._sending.release()

    def append(self, batch: Batch, *, limited: bool = True) -> int:
        """Keep a batch behind all others; its number.

        Raises
        ------
        StoreFull
            It is ``limited``, and goes beyond the limit or comes when as much was set aside; or the disk is full.
            Nothing is dropped to make room.

        """
        packed = batch.packed()
        with self._database.write() as connection:
            if limited:
                self._check_room(connection, len(packed))
            row = (to_microseconds(self._clock.now()), len(batch.rows), len(packed), packed)
            added = connection.execute("INSERT INTO entry (kept_at, rows, bytes, batch) VALUES (?, ?, ?, ?)", row)
            return int(added.lastrowid or 0)

    def first(self, before: int | None = None) -> tuple[int, Batch] | None:
        """The batch that waits longest (of those before a number), and its number.

        One that cannot be read is set aside, so that it holds up nobody.
        """
        while (found := self._first(before)) is not None:
            number, packed = found
            try:
                return number, Batch.unpacked(packed)
            except StoreDamaged as error:
                log.error("write set aside", number=number, reason=str(error))  # noqa: TRY400 (no defect of ours)
                self.set_aside(number, str(error))
        return None

    def remove(self, number: int) -> None:
        """Forget a batch: it was acknowledged, or who wrote it was told that it was not taken."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM entry WHERE number = ?", (number,))

    def set_aside(self, number: int, reason: str) -> None:
        """Let a batch that the server will never take, or that cannot be read, wait no longer, and keep it."""
        with self._database.write() as connection:
            connection.execute("UPDATE entry SET refused = ? WHERE number = ?", (reason, number))

    def bring_back(self) -> int:
        """Let what was set aside wait again, in its old place; how many batches."""
        with self._database.write() as connection:
            return connection.execute("UPDATE entry SET refused = NULL WHERE refused IS NOT NULL").rowcount

    def state(self) -> OutboxState:
        """How much waits, since when, and what was set aside."""
        with self._database.read() as connection:
            return _state(connection, self._limit_mb * _MEGABYTE)

    def check(self) -> None:
        """Try whether batches can be kept now; changes nothing."""
        self._database.check()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _check_room(self, connection: sqlite3.Connection, size: int) -> None:
        waiting, aside = _sizes(connection)
        limit = self._limit_mb * _MEGABYTE
        where = {"path": str(self._database.path), "limit": self._limit_mb}
        if aside >= limit:
            raise StoreFull(
                "Writes of {limit} MB were set aside in the outbox {path}; no more is taken while InfluxDB is away.",
                **where,
            )
        if waiting and waiting + size > limit:
            raise StoreFull(
                "The outbox {path} is full: writes of {limit} MB wait for InfluxDB, and no more is taken.", **where
            )
        if size > limit:
            raise StoreFull(
                "A write of {size} MB does not fit into the outbox {path} of {limit} MB, and InfluxDB is away.",
                size=round(size / _MEGABYTE, 1),
                **where,
            )

    def _first(self, before: int | None) -> tuple[int, bytes] | None:
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT number, batch FROM entry WHERE refused IS NULL AND number < coalesce(?, number + 1)"
                " ORDER BY number LIMIT 1",
                (before,),
            ).fetchone()
        return None if found is None else (int(found[0]), found[1])

    def _take_turn(self, until: float) -> bool:
        if not self._sending.acquire(timeout=max(until - time.monotonic(), 0)):
            return False
        try:
            while not (mine := self._lock.acquire()) and time.monotonic() < until:
                time.sleep(_POLL_S)
        except BaseException:
            self._sending.release()
            raise
        if not mine:
            self._sending.release()
        return mine


def _state(connection: sqlite3.Connection, limit: int) -> OutboxState:
    ask = "SELECT count(*), coalesce(sum(rows), 0), min(kept_at) FROM entry WHERE refused IS NULL"
    entries, rows, oldest = connection.execute(ask).fetchone()
    aside: Any = connection.execute(
        "SELECT count(*), coalesce(sum(rows), 0), max(refused) FROM entry WHERE refused IS NOT NULL"
    ).fetchone()
    waiting, _ = _sizes(connection)
    since = None if oldest is None else from_microseconds(oldest)
    return OutboxState(entries, rows, waiting, limit, since, *aside)


def _sizes(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many bytes wait, and how many were set aside."""
    ask = "SELECT coalesce(sum(bytes) FILTER (WHERE refused IS {}), 0) FROM entry"
    return tuple(connection.execute(ask.format(which)).fetchone()[0] for which in ("NULL", "NOT NULL"))
