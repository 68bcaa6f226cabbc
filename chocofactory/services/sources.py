"""How the outside sources fare: noted with every answer, whatever was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from chocofactory.core.errors import FactoryError, MalformedAnswer, NotPublished, SourceError
from chocofactory.core.logs import get_logger
from chocofactory.domain import gaps
from chocofactory.services.jobs import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, timedelta

    from chocofactory.core.clock import Clock
    from chocofactory.store.state import StateStore

log = get_logger(__name__)

Failure = TypeVar("Failure", bound=FactoryError)
Answer = TypeVar("Answer")


class Ranged(Protocol):
    """A source that can be asked for some days at once: ``longest_request`` at most."""

    longest_request: timedelta


class SourceLog:
    """Notes in the application's state how each source answered."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def answered(self, source: str) -> None:
        """Say that a source answered."""
        self._state.source_succeeded(source, self._clock.now())

    def failed(self, source: str, error: SourceError) -> None:
        """Say why a source did not deliver. That it has nothing (yet) is an answer like any other."""
        log.log(error.log_level, "source failed", reason=str(error), code=error.code)
        if isinstance(error, NotPublished):
            self.answered(source)
        else:
            self._state.source_failed(source, self._clock.now(), describe(error))


def in_runs(
    source: Ranged,
    days: Iterable[date],
    ask: Callable[[float, date, date], Answer],
    fail: Callable[[SourceError], None],
) -> Iterator[Answer]:
    """Ask a source for days, as many at once as it takes: its answers, one after the other.

    ``ask`` is told how far this is [%], and the first and the last day. Each failure goes to ``fail``; the next days
    may be well where the source has nothing of these, or nonsense, but not where it is itself the trouble.
    """
    runs = gaps.day_runs(days, source.longest_request)
    for done, (first, last) in enumerate(runs):
        try:
            answer = ask(100 * done / len(runs), first, last)
        except SourceError as error:
            fail(error)
            if isinstance(error, (NotPublished, MalformedAnswer)):
                continue
            return
        yield answer


def most_telling(failures: Sequence[Failure]) -> Failure:
    """Choose the error to raise: with a source out of order, "not published" from another is not the whole truth."""
    return next((failure for failure in failures if not isinstance(failure, NotPublished)), failures[0])
