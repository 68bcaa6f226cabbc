"""Production plans as they were made: a table of the state to which rows are only added."""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import NotFound, StoreDamaged
from chocofactory.store.database import from_microseconds, to_microseconds

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from chocofactory.store.database import Database

TABLE = """
    CREATE TABLE plan (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they were made, whatever the clock says
        id TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        requested_by TEXT NOT NULL,
        first_day TEXT NOT NULL,
        last_day TEXT NOT NULL,
        start_at INTEGER NOT NULL,
        end_at INTEGER NOT NULL,
        holds_from INTEGER,  -- when it comes into force; NULL: never, it is a trial, or cannot be followed
        status TEXT NOT NULL,
        summary TEXT NOT NULL,
        inputs TEXT NOT NULL,
        record BLOB NOT NULL  -- last, so that lists of plans need not read through it
    );
"""

# The SQL below is put together from constants of this module alone; every value is bound.
_COLUMNS = "id, created_at, requested_by, first_day, last_day, start_at, end_at, holds_from, status, summary, inputs"


@dataclass(frozen=True)
class KeptPlan:
    """A plan without its record: who asked for it and when, what it is for, how it ended, and what it rests on.

    It is for the local days ``first_day`` ... ``last_day``, from ``start`` to before ``end``, and comes into force at
    ``holds_from`` (None: never, for it is a trial or cannot be followed); times in UTC.
    ``summary`` has its few figures, ``inputs`` the versions of what went in.
    """

    id: str
    created_at: datetime
    requested_by: str
    first_day: date
    last_day: date
    start: datetime
    end: datetime
    holds_from: datetime | None
    status: str
    summary: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


def new_plan_id(now: datetime) -> str:
    """An id that sorts by minute and is safe in URLs: ``p-20261125T0915-ab12``, the time in UTC."""
    return f"p-{now.astimezone(UTC):%Y%m%dT%H%M}-{secrets.token_hex(2)}"


class Plans:
    """Keeps plans in a database that has the ``TABLE``. Safe for threads and processes.

    Raises
    ------
    StoreError
        By every method, when the state cannot be read or written (see ``Database``).

    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(  # noqa: PLR0913 - a plan is what it is
        self,
        *,
        created_at: datetime,
        requested_by: str,
        first_day: date,
        last_day: date,
        start: datetime,
        end: datetime,
        holds_from: datetime | None,
        status: str,
        summary: dict[str, Any],
        inputs: dict[str, Any],
        record: str,
    ) -> str:
        """Keep a plan with its ``record`` (JSON), and say under which id."""
        packed = zlib.compress(record.encode())
        values = (
            to_microseconds(created_at),
            requested_by,
            first_day.isoformat(),
            last_day.isoformat(),
            to_microseconds(start),
            to_microseconds(end),
            None if holds_from is None else to_microseconds(holds_from),
            status,
            json.dumps(summary, default=str),
            json.dumps(inputs, default=str),
            packed,
        )
        marks = ", ".join("?" * (len(values) + 1))
        with self._database.write() as connection:
            plan_id = _free_id(connection, created_at)
            connection.execute(f"INSERT INTO plan ({_COLUMNS}, record) VALUES ({marks})", (plan_id, *values))  # noqa: S608
        return plan_id

    def get(self, plan_id: str) -> KeptPlan:
        """One plan, without its record.

        Raises
        ------
        NotFound
            There is no such plan.

        """
        found = self._plans("WHERE id = ?", (plan_id,))
        if not found:
            raise _no_such_plan(plan_id)
        return found[0]

    def record(self, plan_id: str) -> str:
        """The record of a plan (JSON), as it was given.

        Raises
        ------
        NotFound
            There is no such plan.
        StoreDamaged
            It is no longer what was written.

        """
        with self._database.read() as connection:
            found = connection.execute("SELECT record FROM plan WHERE id = ?", (plan_id,)).fetchone()
        if found is None:
            raise _no_such_plan(plan_id)
        try:
            return zlib.decompress(found[0]).decode()
        except (zlib.error, TypeError, UnicodeDecodeError) as error:
            raise StoreDamaged("The record of plan {plan_id} is damaged.", plan_id=plan_id) from error

    def newest(self, limit: int = 50) -> list[KeptPlan]:
        """The newest plans without their records, newest first."""
        return self._plans("ORDER BY number DESC LIMIT ?", (limit,))

    def latest(self) -> str | None:
        """The id of the newest plan that comes into force; None where there is none."""
        found = self._first("WHERE holds_from IS NOT NULL", ())
        return found.id if found else None

    def followed(self, moment: datetime) -> KeptPlan | None:
        """The plan that is followed until a moment: the newest that is in force then; None where none was.

        A newer plan replaces an older one for all time from its own beginning on, also beyond its own end: what the
        older one wanted to do then has lost its beginning.
        """
        at = to_microseconds(moment)
        found = self._first("WHERE holds_from <= ?", (at,))
        return found if found and moment <= found.end else None

    def set_aside(self) -> KeptPlan | None:
        """The newest plan, if it was made to be followed and never comes into force; None where the newest does.

        Trials and plans of the past are passed over: nobody meant to follow them.
        """
        meant = "start_at >= created_at AND json_extract(summary, '$.trial') = 0"
        found = self._first(f"WHERE holds_from IS NOT NULL OR ({meant})", ())
        return found if found and found.holds_from is None else None

    def created_before(self, moment: datetime) -> KeptPlan | None:
        """The newest of the plans that were made before a moment; None where none was."""
        return self._first("WHERE created_at < ?", (to_microseconds(moment),))

    def _first(self, where: str, values: tuple[object, ...]) -> KeptPlan | None:
        return next(iter(self._plans(f"{where} ORDER BY number DESC LIMIT 1", values)), None)

    def _plans(self, where: str, values: tuple[object, ...]) -> list[KeptPlan]:
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM plan {where}", values).fetchall()  # noqa: S608
        return [_plan(row) for row in rows]


def _free_id(connection: sqlite3.Connection, now: datetime) -> str:
    """An id that no plan has: of the few characters at its end two plans of a minute may get the same."""
    while True:
        plan_id = new_plan_id(now)
        if connection.execute("SELECT 1 FROM plan WHERE id = ?", (plan_id,)).fetchone() is None:
            return plan_id


def _no_such_plan(plan_id: str) -> NotFound:
    return NotFound("There is no plan {plan_id}.", plan_id=plan_id)


def _plan(row: tuple[Any, ...]) -> KeptPlan:
    plan_id, created, requested_by, first, last, start, end, holds, status, summary, inputs = row
    return KeptPlan(
        plan_id,
        from_microseconds(created),
        requested_by,
        date.fromisoformat(first),
        date.fromisoformat(last),
        from_microseconds(start),
        from_microseconds(end),
        None if holds is None else from_microseconds(holds),
        status,
        json.loads(summary),
        json.loads(inputs),
    )
