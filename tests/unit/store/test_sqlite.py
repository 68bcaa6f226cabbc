"""What is special about the SQLite store: its tables follow the definitions, also across versions of the program."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from chocofactory.core.errors import StoreError, StoreFull
from chocofactory.domain.measurements import ENERGY_PRICE, MEASUREMENTS, PRICE_FORECAST, Field, Series, price_series
from chocofactory.store import sqlite
from chocofactory.store.base import WriteCounts
from chocofactory.store.sqlite import SqliteSeriesStore

NOW = datetime(2025, 3, 1, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
LATER_FIELDS = (Field("losses", "1", "Losses"), Field("note", "", "What is said of it", kind="text"))
LATER_PRICE = replace(ENERGY_PRICE, fields=ENERGY_PRICE.fields + LATER_FIELDS)
PRICES = price_series()


def frame(value, hours=3, **more):
    index = pd.date_range(NOW, periods=hours, freq="h")
    return pd.DataFrame({"price_eur_kwh": value, **more}, index=index)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "series.db"


@pytest.fixture
def newer_program(monkeypatch):
    """Makes the store believe in a definition with more fields until it is told otherwise."""
    monkeypatch.setattr(sqlite, "MEASUREMENTS", {**MEASUREMENTS, "energy_price": LATER_PRICE})
    return monkeypatch


def test_a_field_that_is_added_to_a_definition_is_missing_in_old_rows_and_kept_in_new_ones(path, newer_program):
    with newer_program.context() as before:
        before.setattr(sqlite, "MEASUREMENTS", MEASUREMENTS)
        old = SqliteSeriesStore(path, "real")
        old.write(PRICES, frame(0.1), source="ree", written_at=NOW)
        old.close()
    new = SqliteSeriesStore(path, "real")
    found = new.read(LATER_PRICE, *EVER)
    assert found["price_eur_kwh"].tolist() == [0.1] * 3
    assert found["losses"].isna().all()
    assert found["note"].isna().all()
    series = Series(LATER_PRICE, PRICES.keys)
    counts = new.write(series, frame(0.1, losses=1.07, note="x"), source="ree", written_at=NOW)
    assert counts == WriteCounts(changed=3)
    assert new.read(LATER_PRICE, *EVER)["note"].tolist() == ["x"] * 3
    new.close()


def test_an_older_program_goes_on_beside_a_newer_one_and_keeps_what_it_does_not_know(path, newer_program):
    new = SqliteSeriesStore(path, "real")
    new.write(Series(LATER_PRICE, PRICES.keys), frame(0.1, losses=1.07), source="ree", written_at=NOW)
    with newer_program.context() as before:
        before.setattr(sqlite, "MEASUREMENTS", MEASUREMENTS)
        old = SqliteSeriesStore(path, "real")
    assert "losses" not in old.read(ENERGY_PRICE, *EVER)
    assert old.write(PRICES, frame(0.2, hours=4), source="ree", written_at=NOW) == WriteCounts(new=1, changed=3)
    old.close()
    found = new.read(LATER_PRICE, *EVER)
    assert found["price_eur_kwh"].tolist() == [0.2] * 4
    assert found["losses"].tolist()[:3] == [1.07] * 3
    assert found["losses"].isna().tolist()[3]
    new.close()


def test_a_disk_that_fills_in_the_middle_of_a_batch_keeps_none_of_it(path):
    store = SqliteSeriesStore(path, "real")
    store.write(PRICES, frame(0.1), source="ree", written_at=NOW)
    before, revision = store.read(ENERGY_PRICE, *EVER), store.revision()
    with store._database.read() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 10}")
    with pytest.raises(StoreFull, match=str(path)):
        store.write(price_series("other"), frame(0.5, hours=20_000), source="ree", written_at=NOW)
    pd.testing.assert_frame_equal(store.read(ENERGY_PRICE, *EVER), before)
    assert store.revision() == revision
    assert store.series() == [PRICES]
    assert store.write(PRICES, frame(0.5, hours=20_000), source="ree", written_at=NOW).new == 19_997
    store.close()


def test_a_broken_table_is_an_error_and_never_an_empty_answer(path):
    store = SqliteSeriesStore(path, "real")
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE data_energy_price")
    connection.commit()
    connection.close()
    store.write(
        Series(PRICE_FORECAST, {"market": "a", "zone": "b"}),
        frame(1.0).rename(columns={"price_eur_kwh": "p50_eur_kwh"}),
        source="naive",
        written_at=NOW,
        issued_at=NOW,
    )
    with pytest.raises(StoreError):
        store.write(PRICES, frame(0.1), source="ree", written_at=NOW)
    with pytest.raises(StoreError):
        store.times(PRICES, *EVER)
    store.close()


def test_forecasts_are_found_by_time_and_by_issue_without_reading_a_whole_table(path):
    store = SqliteSeriesStore(path, "real")
    table = sqlite._table(PRICE_FORECAST)
    with store._database.read() as connection:
        for query, values in [
            (table.times, (1, 0, 1)),
            (table.delete, (1, 0, 1)),
            (f"{table._numbers} {table._newest}", (1, 0, 1)),
            (f"{table._numbers} AND issued_at = ? {table._sorted}", (1, 0, 1, 1)),
        ]:
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values))
            assert "SEARCH" in plan
            assert "time>? AND time<?" in plan
            assert "TEMP B-TREE" not in plan
    store.close()
