"""Trained price models: which are kept, which one serves, and why."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import Conflict, InvalidInput, ModelDamaged, NotFound
from chocofactory.core.logs import get_logger
from chocofactory.core.messages import Message
from chocofactory.forecasting.backtest import Roll
from chocofactory.forecasting.model import LEAST_DAYS
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.recipes import MEMBERS
from chocofactory.forecasting.trained import UNTRAINED_DAYS, Trained
from chocofactory.services.versions import Version, version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from chocofactory.core.clock import Clock
    from chocofactory.forecasting.history import History
    from chocofactory.forecasting.registry import Entry, Registry
    from chocofactory.store.promotions import ModelPromotion, Promotions

log = get_logger(__name__)

_KEPT_IN_MEMORY = 4
_PROMOTIONS = 1000
_BACK = Message("Rolled back from the naive model.")
NAIVE = Naive.name


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
        self._caught_up: OrderedDict[tuple[str, date], Trained] = OrderedDict()
        self._untrained: OrderedDict[tuple[bytes, ...], Trained] = OrderedDict()
        self._lock = threading.Lock()
        self._naive_lock = threading.Lock()

    def versions(self) -> list[Version]:
        """Every version, newest first, the damaged ones among them."""
        return [version_of(entry) for entry in self._registry.entries()]

    def show(self, version: str) -> Version:
        """One version.

        Raises
        ------
        NotFound
            There is no such version.

        """
        return version_of(self._registry.read(version))

    def serving(self) -> Serving:
        """What serves now, or would if its files are sound; the newest sound one before it where they are not."""
        found, reasons = self._first_sound()
        if found is None:
            since = self._promotions.serving()
            return Serving(None, NAIVE, since.at if since else None, reasons)
        promotion, entry = found
        version = version_of(entry)
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
        """Let that version serve again which came to serve before the present one did, for the first time.

        Raises
        ------
        Conflict
            Nothing served before it that is still there.

        """
        present = self.promoted()
        rows = self._promotions.newest(_PROMOTIONS)
        order = list(dict.fromkeys(row.version for row in reversed(rows) if row.version is not None))
        before = order[: order.index(present)] if present in order else order
        for version in reversed(before):
            with contextlib.suppress(NotFound, ModelDamaged):
                self._registry.verify(version)
                since = Message("Rolled back from {version}.", version=present) if present else _BACK
                return self._promote(version, requested_by, since)
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
        self, history: History, model: str | None = None, *, moment: datetime | None = None, spot: bool = False
    ) -> Champion:
        """Models that may forecast from the end of a history, loaded and verified; with ``spot`` from spot prices, too.

        Those that learnt from something that the history does not hold never speak. With a ``moment`` of the past it is
        the version that served then.

        Raises
        ------
        InvalidInput
            There is no such model, or none that is trained.

        """
        champion = self._champion(history, moment, spot=spot)
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
            return _remembered(
                self._loaded, version, lambda: Trained(*self._registry.load(version, MEMBERS, Roll.load))
            )

    def _champion(self, history: History, moment: datetime | None, *, spot: bool) -> Champion:
        if len(history) < LEAST_DAYS:
            return Champion(self._naive(history, spot=spot), NAIVE, None, (_too_short(len(history)),))
        found, reasons = self._first_sound(moment)
        if found is None:
            return Champion(self._naive(history, spot=spot), NAIVE, None, reasons)
        version = version_of(found[1])
        if version.last is None or version.last >= history.origin:
            return Champion(self._naive(history, spot=spot), NAIVE, None, (_learnt_later(history),))
        trained = self._up_to(version.id, history)
        return Champion(trained, trained.names[0], version.id, reasons)

    def _up_to(self, version: str, history: History) -> Trained:
        """A version that knows its errors up to the end of a history; made once a day."""
        key, trained = (version, history.origin), self.load(version)
        with self._naive_lock:
            return _remembered(self._caught_up, key, lambda: trained.caught_up(history))

    def _naive(self, history: History, *, spot: bool) -> Trained:
        """What needs no training; made once for the same prices."""
        recent = history.since(history.origin - UNTRAINED_DAYS)
        key = (bytes([spot]), recent.pvpc.to_numpy().tobytes(), recent.spot.to_numpy().tobytes())
        with self._naive_lock:
            return _remembered(self._untrained, key, lambda: Trained.untrained(history, spot=spot))

    def _first_sound(
        self, moment: datetime | None = None
    ) -> tuple[tuple[ModelPromotion, Entry] | None, tuple[Message, ...]]:
        """The promotion in force (or that was, at a moment), or the one before it whose version is sound; and why."""
        damaged: list[str] = []
        for row in self._promotions.newest(_PROMOTIONS):
            if moment is not None and row.at > moment:
                continue
            if row.version is None:
                if not damaged:
                    return None, (Message(row.message, **row.message_fields),)
                break
            entry = self._sound(row.version)
            if entry is None:
                damaged.append(row.version)
            elif not damaged:
                return (row, entry), ()
            else:
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
        if moment is not None and self._promotions.serving() is not None:
            return None, (Message("No model served yet at that moment: the naive one speaks for it."),)
        return None, (_untrained(),)

    def _sound(self, version: str) -> Entry | None:
        """A version that is what was written, and can be used; else None."""
        try:
            entry = self._registry.read(version)
            if not version_of(entry).damaged:
                self.load(version)
                return entry
        except NotFound:
            return None
        except ModelDamaged as error:
            log.log(error.log_level, "model refused", version=version, reason=str(error))
        return None

    def _promote(self, version: str | None, requested_by: str, reason: Message) -> Promotion:
        at = self._clock.now()
        self._promotions.promote(version, at, requested_by, reason.template, reason.fields)
        return Promotion(at, version, requested_by, reason)


def _remembered(kept: OrderedDict[Any, Trained], key: object, build: Callable[[], Trained]) -> Trained:
    """What is kept under a key, or else what is built now; the last few are kept."""
    if key not in kept:
        kept[key] = build()
    kept.move_to_end(key)
    while len(kept) > _KEPT_IN_MEMORY:
        kept.popitem(last=False)
    return kept[key]


def _learnt_later(history: History) -> Message:
    return Message(
        "Every version of the models has learnt from prices of {day} or later: the naive model speaks for it.",
        day=history.origin.isoformat(),
    )


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
