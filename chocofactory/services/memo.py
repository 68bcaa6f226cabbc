"""Remembering what was computed from the store for as long as the store has not changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from chocofactory.store.base import SeriesStore

T = TypeVar("T")


class Memo:
    """A bounded memory of results, each good for one revision of the store.

    The revision counts every change by any process, so that a number is never stale, not even right after another
    process has written. Results are shared between threads: callers must not change them.
    """

    def __init__(self, store: SeriesStore, size: int = 64) -> None:
        self._store = store
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[int, object]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """The remembered result under ``key``, or else what ``build`` makes now."""
        revision = self._store.revision()
        with self._lock:
            entry = self._kept.get(key)
            if entry is not None and entry[0] == revision:
                self._kept.move_to_end(key)
                return entry[1]  # type: ignore[return-value]
        value = build()
        with self._lock:
            self._kept[key] = (revision, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return value
