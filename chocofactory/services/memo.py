"""Remembering what was computed from the store for as long as the store has not changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from chocofactory.store.base import SeriesStore

T = TypeVar("T")


@dataclass
class _Entry:
    """A result for one revision: made by the first who asks while the others wait for it."""

    revision: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    values: list[Any] = field(default_factory=list)

    def get(self, build: Callable[[], Any]) -> Any:
        with self.lock:
            if not self.values:
                self.values.append(build())
            return self.values[0]


class Memo:
    """A bounded memory of results, each good for one revision of the store.

    The revision counts every change by any process, so that a number is never stale, not even right after another
    process has written. Threads that ask for the same at once, as the parts of one page do, build it once. Results are
    shared between threads: callers must not change them.
    """

    def __init__(self, store: SeriesStore, size: int = 64) -> None:
        self._store = store
        self._size = size
        self._kept: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """The remembered result under ``key``, or else what ``build`` makes now."""
        revision = self._store.revision()
        with self._lock:
            entry = self._kept.get(key)
            if entry is None or entry.revision != revision:
                entry = self._kept[key] = _Entry(revision)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        value: T = entry.get(build)
        return value
