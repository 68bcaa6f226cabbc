"""Trained price models: which are kept, which one serves, and why."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import Conflict, InvalidInput, ModelDamaged, NotFound
from chocofactory.core.logs import get_logger
from chocofactory.core.messages import Message
from chocofactory.forecasting.backtest import Roll
from chocofactory.forecasting.model import LEAST_DAYS
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.recipes import MEMBERS
from chocofactory.forecasting.trained import UNTRAINED_DAYS, Trained

if TYPE_CHECKING:
    from chocofactory.core.clock import Clock
    from chocofactory.forecasting.history import History
    from chocofactory.forecasting.registry import Entry, Registry
    from chocofactory.store.promotions import ModelPromotion, Promotions

log = get_logger(__name__)

_KEPT_IN_MEMORY = 2
NAIVE = Naive.name


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


@dataclass(frozen=True)
class Promotion:
    """That a version came to serve, or the naive model (``version`` None): when, who said so, and why."""

    at: datetime
    version: str | None
    requested_by: str
    reason: Message


@dataclass(frozen=True)
class Serving:
    """What serves now: a version, or none and so the naive model; since when, and why."""

    version: Version | None
    model: str
    since: datetime | None
    reasons: tuple[Message, ...]


@dataclass(frozen=True)
class Champion:
    """Models that are ready to forecast: the one to ask by default, its version, and why it is this one."""

    trained: Trained
    model: str
    version: str | None
    reasons: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Check:
    """Whether a version's files are what was written, and what is wrong when not."""

    version: str
    ok: bool
    message: Message | None = None


class Models:
    """Keeps trained versions and says which one serves. Safe for threads; other processes may train meanwhile."""

    def __init__(self, registry: Registry, promotions: Promotions, clock: Clock) -> None:
        self._registry = registry
        self._promotions = promotions
        self._clock = clock
        self._loaded: OrderedDict[str, Trained] = OrderedDict()
        self._untrained: tuple[bytes, Trained] | None = None
        self._lock = threading.Lock()

    def versions(self) -> list[Version]:
        """Every version, newest first, the damaged ones among them."""
        return [_version(entry) for entry in self._registry.entries()]

    def show(self, version: str) -> Version:
        """One version.

        Raises
        ------
        NotFound
            There is no such version.

        """
        return _version(self._registry.read(version))

    def serving(self) -> Serving:
        """What serves now, or would if its files are sound; the newest sound one before it where they are not."""
        found, reasons = self._first_sound()
        if found is None:
            since = self._promotions.serving()
            return Serving(None, NAIVE, since.at if since else None, reasons)
        promotion, entry = found
        version = _version(entry)
        return Serving(version, self.load(version.id).names[0], promotion.at, reasons)

    def history(self, limit: int = 50) -> list[Promotion]:
        """What came to serve and why, newest first."""
        return [_promotion(row) for row in self._promotions.newest(limit)]

    def promote(self, version: str, requested_by: str, reason: Message | None = None) -> Promotion:
        """Let a version serve from now on.

        Raises
        ------
        NotFound, ModelDamaged
            There is no such version, or its files are not what was written.
        Conflict
            It serves already.

        """
        self._registry.verify(version)
        if version == self.promoted():
            raise Conflict("Version {version} serves already.", version=version)
        return self._promote(version, requested_by, reason or Message("Promoted by hand."))

    def serve_naive(self, requested_by: str, reason: Message) -> Promotion:
        """Let the naive model serve from now on: no version is good enough."""
        return self._promote(None, requested_by, reason)

    def rollback(self, requested_by: str) -> Promotion:
        """Let that version serve again which served before the present one.

        Raises
        ------
        Conflict
            Nothing served before it that is still there.

        """
        present = self.promoted()
        there = {entry.id for entry in self._registry.entries() if entry.damage is None}
        for row in self._promotions.newest():
            if row.version is not None and row.version != present and row.version in there:
                return self._promote(row.version, requested_by, Message("Rolled back from {version}.", version=present))
        raise Conflict("There is no earlier version to roll back to.")

    def delete(self, version: str) -> None:
        """Remove a version for good.

        Raises
        ------
        NotFound
            There is no such version.
        Conflict
            It serves.

        """
        serving = self.serving().version
        if version in {self.promoted(), serving.id if serving else None}:
            self._registry.read(version)
            raise Conflict("Version {version} serves: another must be promoted before it can go.", version=version)
        self._registry.delete(version)
        with self._lock:
            self._loaded.pop(version, None)

    def prune(self, keep: int) -> list[str]:
        """Remove all versions but the ``keep`` newest and the one that serves; the ids of those that went."""
        serving = self.serving().version
        spare = {version for version in (self.promoted(), serving.id if serving else None) if version}
        return self._registry.prune(keep, spare)

    def validate(self) -> list[Check]:
        """Read every file of every version and compare it with what was written, newest first."""
        checks = []
        for entry in self._registry.entries():
            try:
                self._registry.verify(entry.id)
                checks.append(Check(entry.id, ok=True))
            except ModelDamaged as error:
                checks.append(Check(entry.id, ok=False, message=Message(error.message, **error.fields)))
        return checks

    def champion(
        self, history: History, model: str | None = None, *, replay: bool = False, spot: bool = False
    ) -> Champion:
        """Models that may forecast from the end of a history, loaded and verified; with ``spot`` from spot prices, too.

        In a ``replay`` of the past a version counts only if it learnt from nothing that the history does not hold.

        Raises
        ------
        InvalidInput
            There is no such model, or none that is trained.

        """
        champion = self._champion(history, replay=replay, spot=spot)
        if model is None or model == champion.model:
            return champion
        if model == NAIVE:
            return Champion(champion.trained, NAIVE, champion.version, (Message("The naive model was asked for."),))
        if model not in champion.trained.names:
            raise InvalidInput(
                "There is no trained model {model} now: known are {known}.",
                model=model,
                known=", ".join(champion.trained.names),
            )
        return Champion(champion.trained, model, champion.version, champion.reasons)

    def promoted(self) -> str | None:
        """The version that came to serve last; None where that is the naive model, or nothing ever did."""
        serving = self._promotions.serving()
        return serving.version if serving else None

    def load(self, version: str) -> Trained:
        """A version's models, verified; the last few stay in memory.

        Raises
        ------
        NotFound, ModelDamaged
            There is no such version, or its files are not what was written.

        """
        with self._lock:
            if version not in self._loaded:
                members, past = self._registry.load(version, MEMBERS, Roll.load)
                self._loaded[version] = Trained(members, past)
            self._loaded.move_to_end(version)
            while len(self._loaded) > _KEPT_IN_MEMORY:
                self._loaded.popitem(last=False)
            return self._loaded[version]

    def _champion(self, history: History, *, replay: bool, spot: bool) -> Champion:
        if len(history) < LEAST_DAYS:
            return Champion(self._naive(history, spot=spot), NAIVE, None, (_too_short(len(history)),))
        if replay:
            return self._replayed(history, spot=spot)
        found, reasons = self._first_sound()
        if found is None:
            return Champion(self._naive(history, spot=spot), NAIVE, None, reasons)
        trained = self.load(found[1].id)
        return Champion(trained, trained.names[0], found[1].id, reasons)

    def _naive(self, history: History, *, spot: bool) -> Trained:
        """What needs no training; made once for the same prices."""
        recent = history.since(history.origin - UNTRAINED_DAYS)
        key = bytes([spot]) + recent.pvpc.to_numpy().tobytes() + recent.spot.to_numpy().tobytes()
        with self._lock:
            if self._untrained is None or self._untrained[0] != key:
                self._untrained = (key, Trained.untrained(history, spot=spot))
            return self._untrained[1]

    def _replayed(self, history: History, *, spot: bool) -> Champion:
        for entry in self._registry.entries():
            version = _version(entry)
            if not version.damaged and version.last is not None and version.last < history.origin:
                trained = self.load(version.id)
                return Champion(trained, trained.names[0], version.id)
        if not self._registry.entries():
            return Champion(self._naive(history, spot=spot), NAIVE, None, (_untrained(),))
        why = Message(
            "Every version of the models has learnt from prices of {day} or later: the naive model speaks for it.",
            day=history.origin.isoformat(),
        )
        return Champion(self._naive(history, spot=spot), NAIVE, None, (why,))

    def _first_sound(self) -> tuple[tuple[ModelPromotion, Entry] | None, tuple[Message, ...]]:
        """The newest promotion whose version is sound, and what there is to say of those that are passed over."""
        damaged: list[str] = []
        for row in self._promotions.newest():
            if row.version is None:
                if not damaged:
                    return None, (Message(row.message, **row.message_fields),)
                continue
            try:
                entry = self._registry.read(row.version)
                self.load(row.version)
            except NotFound:
                damaged.append(row.version)
                continue
            except ModelDamaged as error:
                log.log(error.log_level, "model refused", version=row.version, reason=str(error))
                damaged.append(row.version)
                continue
            if not damaged:
                return (row, entry), ()
            return (row, entry), (
                Message(
                    "Version {damaged} is missing or damaged: {version}, the last good one, serves.",
                    damaged=damaged[0],
                    version=row.version,
                ),
            )
        if damaged:
            return None, (
                Message(
                    "Version {damaged} is missing or damaged and there is no other: the naive model serves.",
                    damaged=damaged[0],
                ),
            )
        return None, (_untrained(),)

    def _promote(self, version: str | None, requested_by: str, reason: Message) -> Promotion:
        at = self._clock.now()
        self._promotions.promote(version, at, requested_by, reason.template, reason.fields)
        return Promotion(at, version, requested_by, reason)


def _untrained() -> Message:
    return Message("No model is trained yet: the naive one serves, which repeats the week before.")


def _too_short(days: int) -> Message:
    return Message(
        "Prices are known of {days} days, the trained models need {least}: the naive one serves.",
        days=days,
        least=LEAST_DAYS,
    )


def _promotion(row: ModelPromotion) -> Promotion:
    return Promotion(row.at, row.version, row.requested_by, Message(row.message, **row.message_fields))


def _version(entry: Entry) -> Version:
    if entry.damage is not None:
        return Version(entry.id, entry.created_at, entry.size_bytes, entry.members, damage=entry.damage)
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
