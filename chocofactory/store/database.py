"""The one place that opens SQLite files: connections, transactions, migrations, and errors in plain words.

Every transaction is durable when it returns (write-ahead log, ``synchronous=FULL``) and all or nothing, also when the
process is killed in the middle of it. Readers never wait for a writer and see whole transactions only.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from chocofactory.core.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUSY_TIMEOUT_S = 10.0
"""How long [s] a writer waits for another one, of this process or of another, before it gives up."""
IDLE_CONNECTIONS = 4
"""How many connections are kept open for the next ones who need one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_carried_over_forks: list[list[sqlite3.Connection]] = []


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z of an aware moment (``TypeError`` for a naive one): how times are kept."""
    return int((moment - _EPOCH) // _MICROSECOND)


def from_microseconds(value: int) -> datetime:
    """The moment in UTC that ``to_microseconds`` turned into a number."""
    return _EPOCH + value * _MICROSECOND


class Database:
    """A SQLite file that threads and processes share.

    ``migrations`` are scripts of SQL: script number n takes the schema from version n to n + 1. They run at opening,
    each in one transaction with its new version, by whichever process comes first. ``application_id`` marks the file as
    ours; a file with another mark is refused. The folder is made if need be.

    Raises
    ------
    StoreReadOnly, StoreFull, StoreUnavailable, StoreDamaged, StoreTooNew, StoreError
        As their names say; all methods raise them, and their sentences name the file.

    """

    def __init__(self, path: Path, migrations: Sequence[str], *, application_id: int) -> None:
        self.path = Path(path).absolute()
        self._migrations = tuple(migrations)
        self._application_id = application_id
        self._closed = False
        self._start_pool()
        try:
            self._make_folder()
            self._prepare()
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection on which everything that is read is of one moment, whatever others write meanwhile."""
        with self._in_plain_words(), self._connection() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction of its own, kept when the block ends well and undone when it raises.

        One at a time: others wait up to ``BUSY_TIMEOUT_S``, then get ``StoreUnavailable``.
        """
        self._disown_parents()
        lock = self._writing
        if not lock.acquire(timeout=BUSY_TIMEOUT_S):
            raise self._locked()
        try:
            with self._in_plain_words(), self._connection() as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        finally:
            lock.release()

    def check(self) -> None:
        """Try whether the file that was opened is still in its place and can be written; nothing is changed.

        A long write by somebody else is waited for, as in ``write``.
        """
        if self._identity() != self._file:
            raise StoreError("{path} has been moved away or replaced while it was in use.", path=str(self.path))
        self._check_access()
        with self.write():
            pass

    def close(self) -> None:
        """Close all connections; those in use are closed when they come back."""
        self._disown_parents()
        with self._guard:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _start_pool(self) -> None:
        self._process = os.getpid()
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._idle: list[sqlite3.Connection] = []

    def _disown_parents(self) -> None:
        if self._process != os.getpid():
            # SQLite forbids a forked process to use or even close what its parent opened: let it lie, untouched.
            _carried_over_forks.append(self._idle)
            self._start_pool()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._disown_parents()
        with self._guard:
            if self._closed:
                raise StoreError("{path} has been closed.", path=str(self.path))
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._open()
        try:
            yield connection
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
            connection.close()
            raise
        with self._guard:
            keep = not self._closed and len(self._idle) < IDLE_CONNECTIONS
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            kind = StoreFull if error.errno in _NO_ROOM else StoreReadOnly
            raise kind(
                "The folder {folder} cannot be made: {reason}.", folder=str(self.path.parent), reason=error.strerror
            ) from error

    def _prepare(self) -> None:
        with self.read() as connection:
            self._version(connection)
        self._check_access()
        self._file = self._identity()
        self._use_write_ahead_log()
        while self._migrate():
            pass

    def _check_access(self) -> None:
        # SQLite opens what it cannot write for reading, and would tell at the first write only.
        if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
            raise StoreReadOnly("{path} or its folder is read-only.", path=str(self.path))

    def _identity(self) -> tuple[int, int] | None:
        """What the path names now, whatever was opened under it; None for nothing."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _use_write_ahead_log(self) -> None:
        # SQLite does not wait here when another process makes the same change at the same time: it says "busy" at once.
        patiently = Retrying(
            retry=retry_if_exception_type(StoreUnavailable),
            stop=stop_after_delay(BUSY_TIMEOUT_S),
            wait=wait_random(0.001, 0.02),
            reraise=True,
        )
        for attempt in patiently:
            with attempt, self._in_plain_words(), self._connection() as connection:
                connection.execute("PRAGMA journal_mode = WAL").fetchall()

    def _migrate(self) -> bool:
        """Take the schema one version further; ``False`` when there is nothing left to do."""
        with self.write() as connection:
            version = self._version(connection)
            if version == len(self._migrations):
                return False
            for statement in _statements(self._migrations[version]):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self._application_id:d}")
            connection.execute(f"PRAGMA user_version = {version + 1:d}")
        return True

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of the file's schema, 0 for a new file."""
        (mark,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if mark != self._application_id and (mark or version or tables):
            raise StoreError("{path} is a database of something else.", path=str(self.path))
        if version > len(self._migrations):
            raise StoreTooNew(
                "{path} was written by a later version of this program (schema {found}, this one knows {known}).",
                path=str(self.path),
                found=version,
                known=len(self._migrations),
            )
        return int(version)

    @contextlib.contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        path, reason = str(self.path), str(error)
        if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # what a full disk means to the index of the write-ahead log
            code = sqlite3.SQLITE_FULL
        match code & 0xFF:
            case sqlite3.SQLITE_FULL:
                return StoreFull("There is no room left to write {path}.", path=path)
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                return StoreReadOnly("{path} cannot be opened for writing: {reason}.", path=path, reason=reason)
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
                return self._locked()
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return StoreDamaged(
                    "{path} is damaged ({reason}). Put a sound copy in its place, or move it away to begin anew.",
                    path=path,
                    reason=reason,
                )
        return StoreError("{path} cannot be read or written: {reason}.", path=path, reason=reason)

    def _locked(self) -> StoreUnavailable:
        return StoreUnavailable("{path} is locked by another writer; try again in a moment.", path=str(self.path))


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: ``executescript`` would end the transaction around them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
