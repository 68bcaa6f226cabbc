"""How long a real InfluxDB takes for five years of hourly prices, outbox included; skipped where there is none.

``pytest tests/bench/bench_influx.py -o python_files='bench_*.py' -o addopts='' --benchmark-columns=min,median,max``
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pandas as pd
import pytest

from chocofactory.domain.measurements import (
    ENERGY_PRICE,
    PENINSULA,
    PRICE_FORECAST,
    PVPC,
    Series,
    price_series,
)
from tests import influxd

ROWS = 45_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
FORECAST = Series(PRICE_FORECAST, {"market": PVPC, "zone": PENINSULA, "model": "naive"})
ISSUES, HORIZON = 300, 168


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Opens one new bucket after the other."""
    made = []
    with influxd.running(tmp_path_factory.mktemp("influxd")) as server:
        if server is None:
            pytest.skip(influxd.WHY_NOT)

        def fresh():
            made.append(server.open(f"bench-{uuid.uuid4().hex[:12]}", tmp_path_factory.mktemp("outbox")))
            return made[-1]

        yield fresh
        for store in made:
            store.close()


@pytest.fixture(scope="module")
def prices():
    values = np.random.default_rng(7).normal(0.12, 0.06, ROWS).round(5)
    index = pd.date_range("2021-01-01", periods=ROWS, freq="h", tz="UTC", unit="us")
    return pd.DataFrame({"price_eur_kwh": values, "suspect": False}, index=index)


@pytest.fixture(scope="module")
def store(prices, opened):
    made = opened()
    made.write(price_series(), prices, source="ree", written_at=NOW)
    return made


@pytest.fixture(scope="module")
def forecasts(opened):
    """Hourly issues of a week's forecast, the last of which begins now."""
    made = opened()
    for number in range(ISSUES):
        issued = datetime.now(UTC) - timedelta(hours=ISSUES - number)
        index = pd.date_range(pd.Timestamp(issued).floor("h"), periods=HORIZON, freq="h", unit="us")
        frame = pd.DataFrame(dict.fromkeys(PRICE_FORECAST.field_names, 0.1), index=index)
        made.write(FORECAST, frame, source="naive", written_at=issued, issued_at=issued)
    return made


def test_write_five_years_of_hours(benchmark, prices, opened):
    counts = benchmark.pedantic(
        lambda store: store.write(price_series(), prices, source="ree", written_at=NOW),
        setup=lambda: ((opened(),), {}),
        rounds=5,
    )
    assert counts.new == ROWS


def test_write_the_same_again(benchmark, store, prices):
    counts = benchmark(store.write, price_series(), prices, source="ree", written_at=NOW)
    assert counts.unchanged == ROWS


def test_write_one_day(benchmark, store, prices):
    day, numbers = prices.iloc[-24:], count(1)

    def revise():
        revised = day.assign(price_eur_kwh=day["price_eur_kwh"] + next(numbers))
        return store.write(price_series(), revised, source="ree", written_at=NOW)

    assert benchmark(revise).changed == 24


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


def test_extent(benchmark, store, prices):
    assert benchmark(store.extent, price_series()) == (prices.index[0], prices.index[-1])


def test_revision(benchmark, store):
    assert benchmark(store.revision) > 0


def test_read_one_issue_of_a_forecast(benchmark, forecasts):
    issued = forecasts.latest(PRICE_FORECAST)["issued_at"]
    frame = benchmark(forecasts.read, PRICE_FORECAST, *EVER, issued_at=issued)
    assert len(frame) == HORIZON


def test_read_a_day_of_all_issues(benchmark, forecasts):
    start = datetime.now(UTC) - timedelta(days=2)
    frame = benchmark(forecasts.read, PRICE_FORECAST, start, start + timedelta(days=1))
    assert frame["issued_at"].nunique() > 24


def test_latest_forecast(benchmark, forecasts):
    assert benchmark(forecasts.latest, PRICE_FORECAST) is not None
