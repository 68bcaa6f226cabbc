"""How the product itself is: what works, what is late, and since when. Unknown is never good."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from chocofactory.core.errors import FactoryError
from chocofactory.core.logs import get_logger
from chocofactory.domain.measurements import ENERGY_PRICE, PENINSULA
from chocofactory.domain.prices import DayState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chocofactory.core.clock import Clock
    from chocofactory.services.prices import Prices
    from chocofactory.store.base import SeriesStore
    from chocofactory.store.state import SourceState, StateStore

log = get_logger(__name__)

Level = Literal["good", "waiting", "late", "down"]
LEVELS: tuple[Level, ...] = ("good", "waiting", "late", "down")
"""From best to worst."""


@dataclass(frozen=True)
class Part:
    """One needed part of the program: whether it works, and what it says when not."""

    name: str
    ok: bool
    detail: str
    duration_ms: float


@dataclass(frozen=True)
class Light:
    """The data status at a glance: a level, and why, as a translatable template with fields."""

    level: Level
    message: str


@dataclass(frozen=True)
class Freshness:
    """How far the prices of one market reach, and when they last changed here."""

    market: str
    latest: pd.Timestamp | None
    written_at: pd.Timestamp | None
    today: DayState
    tomorrow: DayState


@dataclass(frozen=True)
class Source:
    """An outside source: the state that its last calls left, ``unknown`` before the first one."""

    name: str
    state: Literal["ok", "failing", "unknown"]
    record: SourceState | None


@dataclass(frozen=True)
class Outbox:
    """What was taken while the series store's server was away: ``entries`` writes of ``rows`` rows wait.

    ``age_s`` [s] is how long the oldest has waited, None where nothing waits; ``bytes`` of ``limit_bytes`` wait.
    ``aside_entries`` writes of ``aside_rows`` rows were set aside for ``aside_reason``, and are kept.
    """

    entries: int
    rows: int
    bytes: int
    limit_bytes: int
    age_s: float | None
    aside_entries: int
    aside_rows: int
    aside_reason: str | None


class Health:
    """Answers for the health of store, state, sources and data."""

    def __init__(
        self, store: SeriesStore, state: StateStore, prices: Prices, clock: Clock, source_names: Sequence[str]
    ) -> None:
        self._store = store
        self._state = state
        self._prices = prices
        self._clock = clock
        self._source_names = source_names

    def parts(self) -> list[Part]:
        """Each needed part, tried now."""
        return [
            self._tried("series_store", self._store.check),
            self._tried("state_store", self._state.check),
        ]

    def outbox(self) -> Outbox | None:
        """What waits for the series store's server; None where the store has none, and so nothing can wait."""
        found = self._store.outbox()
        if found is None:
            return None
        age_s = None if found.since is None else (self._clock.now() - found.since).total_seconds()
        return Outbox(
            found.entries,
            found.rows,
            found.bytes,
            found.limit_bytes,
            age_s,
            found.aside_entries,
            found.aside_rows,
            found.aside_reason,
        )

    def freshness(self, market: str) -> Freshness:
        """How far the prices of a market reach."""
        latest = self._store.latest(ENERGY_PRICE, market=market, zone=PENINSULA)
        outlook = self._prices.outlook(market, lengths=())
        return Freshness(
            market,
            None if latest is None else pd.Timestamp(latest.name),  # type: ignore[arg-type]
            None if latest is None else latest["written_at"],
            outlook.today.state,
            outlook.tomorrow.state,
        )

    def light(self, market: str) -> Light:
        """The data status in one word and one sentence, for the top of every page."""
        try:
            fresh = self.freshness(market)
        except FactoryError as error:
            log.warning("status unknown", reason=str(error))
            return Light("down", "The store does not answer: what is shown may be old.")
        if fresh.latest is None:
            return Light("down", "There are no prices yet.")
        if fresh.today is not DayState.COMPLETE:
            return Light("down", "Prices of today are missing.")
        by_tomorrow = {
            DayState.COMPLETE: Light("good", "Prices are complete to the end of tomorrow."),
            DayState.NOT_YET: Light("good", "Prices are complete; tomorrow's are not published yet."),
            DayState.PARTIAL: Light("waiting", "Tomorrow's prices are there in part."),
        }
        return by_tomorrow.get(fresh.tomorrow, Light("late", "Tomorrow's prices are late."))

    def sources(self) -> list[Source]:
        """Every source that this program may ask, in order of preference."""
        records = {record.name: record for record in self._state.source_states()}
        return [self._source(name, records.get(name)) for name in self._source_names]

    def _source(self, name: str, record: SourceState | None) -> Source:
        if record is None or record.last_attempt_at is None:
            return Source(name, "unknown", None)
        return Source(name, "failing" if record.failures else "ok", record)

    def _tried(self, name: str, check: Any) -> Part:
        begin = time.perf_counter()
        try:
            check()
        except FactoryError as error:
            return Part(name, ok=False, detail=str(error), duration_ms=_since_ms(begin))
        return Part(name, ok=True, detail="", duration_ms=_since_ms(begin))


def _since_ms(begin: float) -> float:
    return round(1000 * (time.perf_counter() - begin), 3)
