"""How the outside sources fare: noted with every answer, whatever was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from chocofactory.core.errors import FactoryError, NotPublished
from chocofactory.core.logs import get_logger
from chocofactory.services.jobs import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chocofactory.core.clock import Clock
    from chocofactory.core.errors import SourceError
    from chocofactory.store.state import StateStore

log = get_logger(__name__)

Failure = TypeVar("Failure", bound=FactoryError)


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


def most_telling(failures: Sequence[Failure]) -> Failure:
    """Choose the error to raise: with a source out of order, "not published" from another is not the whole truth."""
    return next((failure for failure in failures if not isinstance(failure, NotPublished)), failures[0])
