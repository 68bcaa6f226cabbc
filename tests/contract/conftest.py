"""The stores that must keep the contract. A new one joins by adding a class here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chocofactory.store.base import Nature, SeriesStore
from chocofactory.store.sqlite import SqliteSeriesStore
from tests import influxd


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


class InfluxBackend(SqliteBackend):
    """Places are buckets of one throw-away server; all who open one share its outbox, as processes of a plant do."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._running = influxd.running(folder / "influxd")
        (folder / "influxd").mkdir()
        self._server = self._running.__enter__()
        if self._server is None:
            pytest.skip(influxd.WHY_NOT)

    def place(self) -> Any:
        return f"place-{uuid.uuid4().hex[:12]}"

    def open(self, place: Any, nature: Nature = "real") -> SeriesStore:
        store = self._server.open(place, self._folder / place, nature)
        self._opened.append(store)
        return store

    def close(self) -> None:
        super().close()
        self._running.__exit__(None, None, None)


@pytest.fixture(scope="session", params=[SqliteBackend, InfluxBackend], ids=["sqlite", "influx"])
def backend(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteBackend]:
    made = request.param(tmp_path_factory.mktemp("stores"))
    yield made
    made.close()


@pytest.fixture
def store(backend: SqliteBackend) -> Iterator[SeriesStore]:
    opened = backend.open(backend.place())
    yield opened
    opened.close()
