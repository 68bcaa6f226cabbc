"""Which version of the models serves: every promotion is kept, and the newest one counts."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from chocofactory.store import state as state_store
from chocofactory.store.database import Database
from chocofactory.store.promotions import ModelPromotion
from chocofactory.store.state import JobRun, StateStore, new_run_id

AT = datetime(2030, 10, 27, 0, 59, 59, 123456, tzinfo=UTC)
FIRST, SECOND = "20301026T010203Z-00ff00", "20301027T010203Z-0000ff"


@pytest.fixture
def state(tmp_path):
    store = StateStore(tmp_path / "state.db")
    yield store
    store.close()


def test_before_the_first_promotion_nothing_serves(state):
    assert state.promotions.serving() is None
    assert state.promotions.newest() == []


def test_a_promotion_is_kept_as_it_was_made(state):
    message = "{version} errs less than naive since {day}."
    fields = {"version": FIRST, "day": date(2030, 8, 27), "mae_eur_kwh": 0.0213}
    local = AT.astimezone(timezone(timedelta(hours=2)))
    state.promotions.promote(FIRST, local, "scheduler", message, fields)
    kept = state.promotions.serving()
    assert kept == ModelPromotion(1, FIRST, AT, "scheduler", message, {**fields, "day": "2030-08-27"})
    assert kept.message.format(**kept.message_fields) == f"{FIRST} errs less than naive since 2030-08-27."


def test_the_newest_promotion_counts_whatever_the_clock_said(state):
    state.promotions.promote(FIRST, AT, "scheduler", "better")
    state.promotions.promote(SECOND, AT - timedelta(days=1), "web", "wanted")
    assert state.promotions.serving().version == SECOND
    state.promotions.promote(FIRST, AT - timedelta(days=2), "web", "rolled back")
    assert [(each.number, each.version, each.message) for each in state.promotions.newest()] == [
        (3, FIRST, "rolled back"),
        (2, SECOND, "wanted"),
        (1, FIRST, "better"),
    ]
    assert [each.number for each in state.promotions.newest(limit=2)] == [3, 2]


def test_that_the_naive_model_serves_is_a_promotion_too(state):
    state.promotions.promote(FIRST, AT, "scheduler", "better")
    state.promotions.promote(None, AT, "scheduler", "no version is better than naive")
    assert state.promotions.serving() == ModelPromotion(2, None, AT, "scheduler", "no version is better than naive", {})


def test_a_file_from_before_there_were_models_gets_their_table_and_keeps_its_runs(tmp_path):
    path = tmp_path / "state.db"
    Database(path, state_store._MIGRATIONS[:1], application_id=state_store._APPLICATION_ID).close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO job_run (id, kind, requested_by, params, state, created_at, progress, message, message_fields)"
            " VALUES ('old', 'ingest_prices', 'cli', '{}', 'succeeded', 0, 100, '', '{}')"
        )
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
    state = StateStore(path)
    state.promotions.promote(FIRST, AT, "scheduler", "better")
    state.create_run(JobRun(id=new_run_id(AT), kind="train_models", requested_by="web", params={}, created_at=AT))
    assert [run.kind for run in state.runs()] == ["train_models", "ingest_prices"]
    state.close()
    again = StateStore(path)
    assert again.promotions.serving().version == FIRST
    again.close()


def test_promotions_made_at_once_are_all_kept_and_in_one_order(tmp_path):
    stores = [StateStore(tmp_path / "state.db") for _ in range(4)]
    versions = [f"203010{day:02d}T010203Z-000000" for day in range(1, 25)]

    def promote(place):
        stores[place % 4].promotions.promote(versions[place], AT, "web", "wanted")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(promote, range(len(versions))))
    kept = [store.promotions.newest() for store in stores]
    assert [each.number for each in kept[0]] == list(range(len(versions), 0, -1))
    assert sorted(each.version for each in kept[0]) == versions
    assert kept[1:] == [kept[0]] * 3
    for store in stores:
        store.close()
