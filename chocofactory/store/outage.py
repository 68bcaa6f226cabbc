"""What is known of a server that is away: that it is, and who tries it when again."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chocofactory.core.errors import StoreError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 30.0


class Outage:
    """Keeps callers from waiting for a server that does not answer. Safe to share between threads.

    Once one has found it away, all fail at once, with what that one was told. After a pause the next caller tries, for
    all, while the others go on failing at once; each time in vain makes the next pause twice as long, up to
    ``LONGEST_PAUSE_S``. ``monotonic`` is the time that pauses pass in.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._error: StoreError | None = None
        self._until = 0.0
        self._pause_s = 0.0
        self._tried = False

    @property
    def known(self) -> bool:
        """Whether somebody has found the server away, and nobody has found it back."""
        return self._error is not None

    def check(self) -> None:
        """Raise what was told last while nobody is to try."""
        with self._guard:
            self._check()

    @contextlib.contextmanager
    def attempt(self) -> Iterator[bool]:
        """Let this caller go to the server, or raise at once; whether it is the one who tries for all."""
        with self._guard:
            self._check()
            alone = self._tried = self._error is not None
        try:
            yield alone
        finally:
            if alone:
                self._tried = False

    def failed(self, error: StoreError, *, alone: bool) -> None:
        """The server was found away, by the one who tried for all or by one of many."""
        with self._guard:
            if self._error is not None and not alone:
                return  # somebody told so before: what many find at the same time is one outage
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S) if alone else FIRST_PAUSE_S
            self._error, self._until = error, self._monotonic() + self._pause_s

    def over(self) -> None:
        """The server answered."""
        with self._guard:
            self._error = None

    def _check(self) -> None:
        if self._error is not None and (self._tried or self._monotonic() < self._until):
            raise type(self._error)(self._error.message, **self._error.fields)  # anew, without the way it went before
