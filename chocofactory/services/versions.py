"""Trained versions of the price models, as services tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import ModelDamaged
from chocofactory.core.messages import Message

if TYPE_CHECKING:
    from chocofactory.forecasting.registry import Entry


@dataclass(frozen=True)
class Version:
    """A trained version: when and on what it was trained, and what its proof and its verdict were.

    ``first`` ... ``last`` are the local days that it learnt from, ``hours`` how many prices of them were known, and
    ``data_hash`` their SHA-256. ``report`` is that of ``forecasting.scores.report`` over the last days before its end,
    each forecast from models that had not seen the hours; empty where history was too short for it. ``verdict`` says
    whether it came to serve and why. A damaged version has only its id, size and damage.
    """

    id: str
    created_at: datetime
    size_bytes: int
    members: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    hours: int = 0
    data_hash: str = ""
    duration_s: float = 0.0
    libraries: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    promoted: bool = False
    verdict: Message | None = None
    damage: ModelDamaged | None = None

    @property
    def damaged(self) -> bool:
        """Whether it is not what was written."""
        return self.damage is not None


def version_of(entry: Entry) -> Version:
    """A version as the registry lists it; one that this release cannot read counts as damaged."""
    if entry.damage is not None:
        return Version(entry.id, entry.created_at, entry.size_bytes, entry.members, damage=entry.damage)
    try:
        return _read(entry)
    except (KeyError, TypeError, ValueError) as error:
        damage = ModelDamaged("Version {version} of the models was not written by this release.", version=entry.id)
        damage.__cause__ = error
        return Version(entry.id, entry.created_at, entry.size_bytes, entry.members, damage=damage)


def _read(entry: Entry) -> Version:
    meta = entry.meta
    verdict = meta["verdict"]
    return Version(
        id=entry.id,
        created_at=datetime.fromisoformat(meta["created_at"]).astimezone(UTC),
        size_bytes=entry.size_bytes,
        members=entry.members,
        first=date.fromisoformat(meta["first"]),
        last=date.fromisoformat(meta["last"]),
        hours=meta["hours"],
        data_hash=meta["data_hash"],
        duration_s=meta["duration_s"],
        libraries=meta["libraries"],
        parameters=meta["parameters"],
        report=meta["report"],
        promoted=verdict["promoted"],
        verdict=Message(verdict["message"], **verdict["fields"]),
    )
