"""How long the series store takes for five years of hourly prices.

``pytest tests/bench -o python_files='bench_*.py' -o addopts='' --benchmark-columns=min,median,max``
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import numpy as np
import pandas as pd
import pytest

from chocofactory.domain.measurements import ENERGY_PRICE, PENINSULA, PVPC, price_series
from chocofactory.store.sqlite import SqliteSeriesStore

ROWS = 45_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def prices():
    values = np.random.default_rng(7).normal(0.12, 0.06, ROWS).round(5)
    index = pd.date_range("2021-01-01", periods=ROWS, freq="h", tz="UTC", unit="us")
    return pd.DataFrame({"price_eur_kwh": values, "suspect": False}, index=index)


@pytest.fixture(scope="module")
def store(prices, tmp_path_factory):
    made = SqliteSeriesStore(tmp_path_factory.mktemp("bench") / "series.db", "real")
    made.write(price_series(), prices, source="ree", written_at=NOW)
    yield made
    made.close()


def test_write_five_years_of_hours(benchmark, prices, tmp_path):
    numbers, made = count(), []

    def fresh():
        made.append(SqliteSeriesStore(tmp_path / f"{next(numbers)}.db", "real"))
        return (made[-1],), {}

    counts = benchmark.pedantic(
        lambda store: store.write(price_series(), prices, source="ree", written_at=NOW), setup=fresh, rounds=7
    )
    assert counts.new == ROWS
    for each in made:
        each.close()


def test_write_the_same_again(benchmark, store, prices):
    counts = benchmark(store.write, price_series(), prices, source="ree", written_at=NOW)
    assert counts.unchanged == ROWS


def test_write_one_day(benchmark, store, prices):
    day, numbers = prices.iloc[-24:], count(1)

    def revise():
        revised = day.assign(price_eur_kwh=day["price_eur_kwh"] + next(numbers))
        return store.write(price_series(), revised, source="ree", written_at=NOW)

    counts = benchmark(revise)
    assert counts.changed == 24


def test_read_five_years_of_hours(benchmark, store):
    frame = benchmark(store.read, ENERGY_PRICE, *EVER, market=PVPC, zone=PENINSULA)
    assert len(frame) == ROWS


def test_read_one_day(benchmark, store, prices):
    frame = benchmark(store.read, ENERGY_PRICE, prices.index[-24], EVER[1], market=PVPC, zone=PENINSULA)
    assert len(frame) == 24


def test_latest(benchmark, store, prices):
    row = benchmark(store.latest, ENERGY_PRICE, market=PVPC, zone=PENINSULA)
    assert row.name == prices.index[-1]


def test_times_of_five_years(benchmark, store):
    assert len(benchmark(store.times, price_series(), *EVER)) == ROWS


def test_revision(benchmark, store):
    assert benchmark(store.revision) > 0
