"""What the scheduler remembers of each task: when it is next looked at, what came of it, and whether it rests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from chocofactory.store.database import from_microseconds, to_microseconds

if TYPE_CHECKING:
    from datetime import datetime

    from chocofactory.store.database import Database

TABLE = """
    CREATE TABLE task (
        name TEXT PRIMARY KEY,
        cadence TEXT NOT NULL,  -- the one by which next_at was reckoned
        next_at INTEGER,  -- NULL: at once
        looked_at INTEGER,
        outcome TEXT,
        run_id TEXT,
        error TEXT,
        paused_at INTEGER,
        paused_by TEXT
    ) WITHOUT ROWID;
    CREATE TABLE scheduler (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        beat_at INTEGER,
        process TEXT,
        paused_at INTEGER,
        paused_by TEXT
    );
    INSERT INTO scheduler (only) VALUES (1);
"""

Look = Literal["started", "done", "nothing", "busy", "resting", "failed"]
"""What came of looking at a task: a run was started, its work was done at once, nothing was due, a run of its kind is
under way, it rests after its last run, or it could not be told what is due."""

# The SQL below is put together from constants of this module alone; every value is bound.
_COLUMNS = "name, cadence, next_at, looked_at, outcome, run_id, error, paused_at, paused_by"


@dataclass(frozen=True)
class TaskState:
    """What is remembered of a task; times in UTC.

    ``run_id`` is the last run that it started, ``error`` (code, message, fields) why the last look failed.
    """

    name: str
    cadence: str
    next_at: datetime | None = None
    looked_at: datetime | None = None
    outcome: Look | None = None
    run_id: str | None = None
    error: dict[str, Any] | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None


@dataclass(frozen=True)
class SchedulerState:
    """The scheduler itself: when it last looked around (UTC), in which process, and whether all of it rests."""

    beat_at: datetime | None
    process: str | None
    paused_at: datetime | None
    paused_by: str | None


class TaskStates:
    """Keeps them in a database that has the ``TABLE``. Safe for threads and processes.

    Raises
    ------
    StoreError
        By every method, when the state cannot be read or written (see ``Database``).

    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, TaskState]:
        """Every task that was ever looked at or paused, by name."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM task").fetchall()  # noqa: S608
        return {row[0]: _state(row) for row in rows}

    def looked(
        self,
        name: str,
        cadence: str,
        at: datetime,
        next_at: datetime,
        outcome: Look,
        *,
        run_id: str | None = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        """Say what came of looking at a task; the last run stays known while no new one was started."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO task (name, cadence, next_at, looked_at, outcome, run_id, error)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET"
                " cadence = ?2, next_at = ?3, looked_at = ?4, outcome = ?5, run_id = coalesce(?6, run_id), error = ?7",
                (
                    name,
                    cadence,
                    to_microseconds(next_at),
                    to_microseconds(at),
                    outcome,
                    run_id,
                    None if error is None else json.dumps(error, default=str),
                ),
            )

    def pause(self, name: str, at: datetime, by: str) -> None:
        """Let a task rest; one that rests already keeps since when and for whom."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO task (name, cadence, paused_at, paused_by) VALUES (?1, '', ?2, ?3)"
                " ON CONFLICT (name) DO UPDATE SET paused_at = ?2, paused_by = ?3 WHERE paused_at IS NULL",
                (name, to_microseconds(at), by),
            )

    def resume(self, name: str) -> None:
        """Let a task go on: it is looked at as soon as it would have been."""
        with self._database.write() as connection:
            connection.execute("UPDATE task SET paused_at = NULL, paused_by = NULL WHERE name = ?", (name,))

    def scheduler(self) -> SchedulerState:
        """How the scheduler itself is."""
        with self._database.read() as connection:
            beat, process, paused_at, paused_by = connection.execute(
                "SELECT beat_at, process, paused_at, paused_by FROM scheduler"
            ).fetchone()
        return SchedulerState(_moment(beat), process, _moment(paused_at), paused_by)

    def beat(self, at: datetime, process: str) -> None:
        """Say that the scheduler of a process has just looked around."""
        with self._database.write() as connection:
            connection.execute("UPDATE scheduler SET beat_at = ?, process = ?", (to_microseconds(at), process))

    def pause_all(self, at: datetime, by: str) -> None:
        """Let the whole scheduler rest; if it rests already, since when and for whom stay."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE scheduler SET paused_at = ?, paused_by = ? WHERE paused_at IS NULL", (to_microseconds(at), by)
            )

    def resume_all(self) -> None:
        """Let it go on; tasks that rest by themselves still do."""
        with self._database.write() as connection:
            connection.execute("UPDATE scheduler SET paused_at = NULL, paused_by = NULL")


def _state(row: tuple[Any, ...]) -> TaskState:
    name, cadence, next_at, looked_at, outcome, run_id, error, paused_at, paused_by = row
    return TaskState(
        name=name,
        cadence=cadence,
        next_at=_moment(next_at),
        looked_at=_moment(looked_at),
        outcome=outcome,
        run_id=run_id,
        error=None if error is None else json.loads(error),
        paused_at=_moment(paused_at),
        paused_by=paused_by,
    )


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_microseconds(value)
