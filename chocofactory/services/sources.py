"""How each outside source last did, noted with every call, whichever service makes it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from chocofactory.core.errors import NotPublished, SourceError
from chocofactory.core.logs import get_logger
from chocofactory.services.jobs import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chocofactory.core.clock import Clock
    from chocofactory.store.state import StateStore

log = get_logger(__name__)


class SourceLog:
    """Notes in the state how calls of sources end."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    @contextmanager
    def asking(self, source: str) -> Iterator[None]:
        """Note how the call inside goes; its error passes on. "Not published" is an answer, and so a success."""
        try:
            yield
        except SourceError as error:
            log.log(error.log_level, "source failed", source=source, reason=str(error), code=error.code)
            if isinstance(error, NotPublished):
                self._state.source_succeeded(source, self._clock.now())
            else:
                self._state.source_failed(source, self._clock.now(), describe(error))
            raise
        self._state.source_succeeded(source, self._clock.now())


def most_telling(failures: Sequence[SourceError]) -> SourceError:
    """Choose the error to raise: with a source out of order, "not published" from another is not the whole truth."""
    return next((failure for failure in failures if not isinstance(failure, NotPublished)), failures[0])
