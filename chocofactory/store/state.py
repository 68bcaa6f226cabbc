"""The application's own state: job runs, how the outside sources fared, which models serve, and the plans made."""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from chocofactory.core.errors import Conflict, JobBusy, NotFound
from chocofactory.store import plans, promotions, tasks
from chocofactory.store.database import Database, from_microseconds, to_microseconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

RunState = Literal["queued", "running", "succeeded", "partial", "failed", "interrupted"]

_APPLICATION_ID = int.from_bytes(b"ChoA")
_MIGRATIONS = (
    """
    CREATE TABLE job_run (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which runs were asked for, whatever the clock says
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        requested_by TEXT NOT NULL,
        params TEXT NOT NULL,
        state TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        started_at INTEGER,
        finished_at INTEGER,
        progress REAL NOT NULL,
        message TEXT NOT NULL,
        message_fields TEXT NOT NULL,
        result TEXT,
        error TEXT,
        owner TEXT
    );
    CREATE UNIQUE INDEX one_active_run_of_a_kind ON job_run (kind) WHERE state IN ('queued', 'running');
    CREATE TABLE source_state (
        name TEXT PRIMARY KEY,
        last_attempt_at INTEGER NOT NULL,
        last_success_at INTEGER,
        last_error_at INTEGER,
        last_error TEXT,
        failures INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    promotions.TABLE,
    plans.TABLE,
    tasks.TABLE,
)
_KEPT_RUNS = 200
"""Ended runs of each kind that are remembered: what runs often does not push out what runs once a day."""

# The SQL below is put together from constants of this module alone; every value is bound.
_ACTIVE = "('queued', 'running')"
_OPEN = "('queued', 'running', 'interrupted')"
_RUN_COLUMNS = (
    "id, kind, requested_by, params, created_at, state, started_at, finished_at, progress, message, message_fields,"
    " result, error, owner"
)
_RUN_MARKS = ", ".join("?" * len(_RUN_COLUMNS.split(",")))


@dataclass(frozen=True)
class JobRun:
    """One run of a job; times in UTC, ``progress`` in percent.

    ``message`` is a translatable template with its ``message_fields``; ``error`` has ``code``, ``message`` and
    ``fields``; ``owner`` names the liveness lock of the process that does the run.
    """

    id: str
    kind: str
    requested_by: str
    params: dict[str, Any]
    created_at: datetime
    state: RunState = "queued"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: float = 0.0
    message: str = ""
    message_fields: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    owner: str | None = None

    @property
    def duration_s(self) -> float | None:
        """How long it took [s]; None before its end, or where it never began."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class SourceState:
    """How an outside source fared: times in UTC, its last error, and its failures in a row up to now."""

    name: str
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: dict[str, Any] | None = None
    failures: int = 0


def new_run_id(now: datetime) -> str:
    """An id that sorts by time and is safe in URLs: a UUID of version 7 (RFC 9562, microseconds in ``rand_a``)."""
    milliseconds, microseconds = divmod(to_microseconds(now), 1000)
    clock = milliseconds << 16 | 0x7 << 12 | microseconds * 4096 // 1000
    return str(uuid.UUID(int=clock << 64 | 0b10 << 62 | secrets.randbits(62)))


class StateStore:
    """Keeps the application's state in the SQLite file ``path``, made if need be. Safe for threads and processes.

    A run is active while it is ``queued`` or ``running``; at most one of a kind is. ``interrupted`` is what others
    conclude when its process is gone; should that process live on, its own word counts. ``promotions`` are those of the
    price models, ``plans`` those of the production, ``tasks`` what the scheduler remembers.

    Raises
    ------
    StoreError
        By every method, when the state cannot be read or written (see ``Database``).

    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _MIGRATIONS, application_id=_APPLICATION_ID)
        self.promotions = promotions.Promotions(self._database)
        self.plans = plans.Plans(self._database)
        self.tasks = tasks.TaskStates(self._database)

    def create_run(self, run: JobRun) -> None:
        """Record a new run, and forget all ended ones of its kind but the newest 200.

        Raises
        ------
        JobBusy
            Another run of its kind is active; the error names it.

        """
        with self._database.write() as connection:
            busy = connection.execute(
                f"SELECT id FROM job_run WHERE kind = ? AND state IN {_ACTIVE}",  # noqa: S608
                (run.kind,),
            ).fetchone()
            if busy:
                raise JobBusy("{kind} is under way already (run {run_id}).", kind=run.kind, run_id=busy[0])
            connection.execute(
                f"INSERT INTO job_run ({_RUN_COLUMNS}) VALUES ({_RUN_MARKS})",  # noqa: S608
                _run_row(run),
            )
            connection.execute(
                f"DELETE FROM job_run WHERE kind = ?1 AND state NOT IN {_ACTIVE} AND number NOT IN (SELECT number"  # noqa: S608
                f" FROM job_run WHERE kind = ?1 AND state NOT IN {_ACTIVE} ORDER BY number DESC LIMIT ?2)",
                (run.kind, _KEPT_RUNS),
            )

    def start_run(self, run_id: str, owner: str, at: datetime) -> None:
        """Say that a queued run has begun, and which process does it.

        Raises
        ------
        NotFound, Conflict
            There is no such run, or it is not waiting to begin.

        """
        self._change(
            run_id, "state = 'running', owner = ?, started_at = ?", (owner, to_microseconds(at)), among="('queued')"
        )

    def report(
        self, run_id: str, progress: float, message: str, message_fields: Mapping[str, object] | None = None
    ) -> None:
        """Say how far a run is [%], and what it is at.

        Raises
        ------
        NotFound, Conflict
            There is no such run, or it has ended.

        """
        values = (min(max(float(progress), 0.0), 100.0), message, _json(dict(message_fields or {})))
        self._change(run_id, "progress = ?, message = ?, message_fields = ?", values, among=_OPEN)

    def finish_run(
        self,
        run_id: str,
        state: RunState,
        at: datetime,
        *,
        result: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        """Say how a run ended; one that succeeded stands at 100 %.

        Raises
        ------
        NotFound, Conflict
            There is no such run, or it has ended before.

        """
        values = (state, to_microseconds(at), _json(result), _json(error), state)
        change = (
            "state = ?, finished_at = ?, result = ?, error = ?,"
            " progress = CASE WHEN ? = 'succeeded' THEN 100.0 ELSE progress END"
        )
        self._change(run_id, change, values, among=_OPEN)

    def interrupt(self, run_id: str, at: datetime) -> None:
        """Say that the process of a run is gone; changes nothing when the run has ended meanwhile.

        Raises
        ------
        NotFound
            There is no such run.

        """
        with self._database.write() as connection:
            changed = connection.execute(
                f"UPDATE job_run SET state = 'interrupted', finished_at = ? WHERE id = ? AND state IN {_ACTIVE}",  # noqa: S608
                (to_microseconds(at), run_id),
            ).rowcount
            if not changed:
                _state_of(connection, run_id)

    def run(self, run_id: str) -> JobRun:
        """One run.

        Raises
        ------
        NotFound
            There is no such run.

        """
        found = self._runs("WHERE id = ?", (run_id,))
        if not found:
            raise _no_such_run(run_id)
        return found[0]

    def runs(self, kind: str | None = None, state: RunState | None = None, limit: int = 50) -> list[JobRun]:
        """The newest runs, newest first; all of them, or those of one kind or state."""
        return self._runs(
            "WHERE kind = coalesce(?, kind) AND state = coalesce(?, state) ORDER BY number DESC LIMIT ?",
            (kind, state, limit),
        )

    def active_runs(self) -> list[JobRun]:
        """Every run that is queued or running, newest first."""
        return self._runs(f"WHERE state IN {_ACTIVE} ORDER BY number DESC")

    def source_succeeded(self, name: str, at: datetime) -> None:
        """Say that a source answered."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO source_state (name, last_attempt_at, last_success_at, failures) VALUES (?1, ?2, ?2, 0)"
                " ON CONFLICT (name) DO UPDATE SET last_attempt_at = ?2, last_success_at = ?2, failures = 0",
                (name, to_microseconds(at)),
            )

    def source_failed(self, name: str, at: datetime, error: dict[str, Any]) -> None:
        """Say that a source failed, and how (``code``, ``message``, ``fields``)."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO source_state (name, last_attempt_at, last_error_at, last_error, failures)"
                " VALUES (?1, ?2, ?2, ?3, 1)"
                " ON CONFLICT (name) DO UPDATE SET last_attempt_at = ?2, last_error_at = ?2, last_error = ?3,"
                " failures = failures + 1",
                (name, to_microseconds(at), _json(error)),
            )

    def source_states(self) -> list[SourceState]:
        """Every source that was ever asked, by name."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, last_attempt_at, last_success_at, last_error_at, last_error, failures"
                " FROM source_state ORDER BY name"
            ).fetchall()
        return [
            SourceState(name, _moment(attempt), _moment(success), _moment(failed), _parsed(error), failures)
            for name, attempt, success, failed, error, failures in rows
        ]

    def check(self) -> None:
        """Try whether the store can be read and written now; changes nothing."""
        self._database.check()

    def close(self) -> None:
        """Let go of files and connections; a closed store is not used again."""
        self._database.close()

    def _runs(self, where: str, values: tuple[object, ...] = ()) -> list[JobRun]:
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {_RUN_COLUMNS} FROM job_run {where}", values).fetchall()  # noqa: S608
        return [_run(row) for row in rows]

    def _change(self, run_id: str, change: str, values: tuple[object, ...], *, among: str) -> None:
        with self._database.write() as connection:
            changed = connection.execute(
                f"UPDATE job_run SET {change} WHERE id = ? AND state IN {among}",  # noqa: S608
                (*values, run_id),
            ).rowcount
            if not changed:
                raise Conflict(
                    "The run {run_id} cannot go on: it is {state}.", run_id=run_id, state=_state_of(connection, run_id)
                )


def _state_of(connection: sqlite3.Connection, run_id: str) -> str:
    found = connection.execute("SELECT state FROM job_run WHERE id = ?", (run_id,)).fetchone()
    if found is None:
        raise _no_such_run(run_id)
    return str(found[0])


def _no_such_run(run_id: str) -> NotFound:
    return NotFound("There is no run {run_id}.", run_id=run_id)


def _run_row(run: JobRun) -> tuple[object, ...]:
    times = [None if at is None else to_microseconds(at) for at in (run.created_at, run.started_at, run.finished_at)]
    return (
        run.id,
        run.kind,
        run.requested_by,
        _json(run.params),
        times[0],
        run.state,
        *times[1:],
        run.progress,
        run.message,
        _json(run.message_fields),
        _json(run.result),
        _json(run.error),
        run.owner,
    )


def _run(row: tuple[Any, ...]) -> JobRun:
    run_id, kind, who, params, created, state, started, finished, progress, message, fields, result, error, owner = row
    return JobRun(
        id=run_id,
        kind=kind,
        requested_by=who,
        params=json.loads(params),
        created_at=from_microseconds(created),
        state=state,
        started_at=_moment(started),
        finished_at=_moment(finished),
        progress=progress,
        message=message,
        message_fields=json.loads(fields),
        result=_parsed(result),
        error=_parsed(error),
        owner=owner,
    )


def _json(value: dict[str, Any] | None) -> str | None:
    """As JSON; what JSON has no word for (a date, a path) becomes its text, so that no run fails for being recorded."""
    return None if value is None else json.dumps(value, default=str)


def _parsed(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_microseconds(value)
