"""The stores that must keep the contract. A new one joins by adding a class here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chocofactory.store.base import Nature, SeriesStore
from chocofactory.store.sqlite import SqliteSeriesStore


class SqliteBackend:
    """Opens stores at places; ``place`` names one that is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._opened: list[SeriesStore] = []

    def place(self) -> Any:
        self._count += 1
        return self._folder / str(self._count) / "series.db"

    def open(self, place: Any, nature: Nature = "real") -> SeriesStore:
        store = SqliteSeriesStore(place, nature)
        self._opened.append(store)
        return store

    def close(self) -> None:
        for store in self._opened:
            store.close()


@pytest.fixture(scope="session", params=[SqliteBackend], ids=["sqlite"])
def backend(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteBackend]:
    made = request.param(tmp_path_factory.mktemp("stores"))
    yield made
    made.close()


@pytest.fixture
def store(backend: SqliteBackend) -> Iterator[SeriesStore]:
    opened = backend.open(backend.place())
    yield opened
    opened.close()
