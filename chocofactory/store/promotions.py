"""Which version of the price models serves, since when and why: a table of the state to which rows are only added."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chocofactory.store.database import from_microseconds, to_microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from chocofactory.store.database import Database

TABLE = """
    CREATE TABLE model_promotion (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they were made, whatever the clock says
        version TEXT,
        at INTEGER NOT NULL,
        requested_by TEXT NOT NULL,
        message TEXT NOT NULL,
        message_fields TEXT NOT NULL
    );
"""


@dataclass(frozen=True)
class ModelPromotion:
    """That a version serves from a moment (UTC) on; ``version`` None: the naive model does, for none is good enough.

    ``message`` says why: a translatable template with its ``message_fields``. ``number`` counts promotions from 1.
    """

    number: int
    version: str | None
    at: datetime
    requested_by: str
    message: str
    message_fields: dict[str, Any] = field(default_factory=dict)


class Promotions:
    """Keeps promotions in a database that has the ``TABLE``; the newest one is in force.

    Raises
    ------
    StoreError
        By every method, when the state cannot be read or written (see ``Database``).

    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def promote(
        self,
        version: str | None,
        at: datetime,
        requested_by: str,
        message: str,
        message_fields: Mapping[str, object] | None = None,
    ) -> None:
        """Let a version serve from now on, or the naive model (None)."""
        fields = json.dumps(dict(message_fields or {}), default=str)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO model_promotion (version, at, requested_by, message, message_fields)"
                " VALUES (?, ?, ?, ?, ?)",
                (version, to_microseconds(at), requested_by, message, fields),
            )

    def newest(self, limit: int = 50) -> list[ModelPromotion]:
        """The newest promotions, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT number, version, at, requested_by, message, message_fields FROM model_promotion"
                " ORDER BY number DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [_promotion(row) for row in rows]

    def serving(self) -> ModelPromotion | None:
        """The promotion that is in force; None before the first one."""
        return next(iter(self.newest(1)), None)


def _promotion(row: tuple[Any, ...]) -> ModelPromotion:
    number, version, at, requested_by, message, fields = row
    return ModelPromotion(number, version, from_microseconds(at), requested_by, message, json.loads(fields))
