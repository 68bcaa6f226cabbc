"""Production plans are kept as they were made, and found by id, by newness and by the time that they hold for."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from chocofactory.core.errors import NotFound, StoreDamaged
from chocofactory.store import plans as plan_store
from chocofactory.store import state as state_store
from chocofactory.store.database import Database
from chocofactory.store.plans import KeptPlan
from chocofactory.store.state import StateStore

AT = datetime(2030, 10, 27, 0, 59, 59, 123456, tzinfo=UTC)
START, END = datetime(2030, 10, 27, 1, tzinfo=UTC), datetime(2030, 11, 2, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def state(tmp_path):
    store = StateStore(tmp_path / "state.db")
    yield store
    store.close()


def added(state, **other):
    plan = {
        "created_at": AT,
        "requested_by": "web",
        "first_day": date(2030, 10, 27),
        "last_day": date(2030, 11, 2),
        "start": START,
        "end": END,
        "holds_from": START,
        "status": "optimal",
        "summary": {"cost_eur": 123.45, "batches": 14, "shortfall": None},
        "inputs": {"model": "ensemble", "forecast_issued_at": "2030-10-27T00:00:00Z"},
        "record": '{"batches": []}',
    }
    return state.plans.add(**plan | other)


def test_before_the_first_plan_there_is_nothing(state):
    assert state.plans.newest() == []
    assert (state.plans.latest(), state.plans.followed(START), state.plans.created_before(END)) == (None, None, None)


def test_a_plan_is_kept_as_it_was_made(state):
    east = timezone(timedelta(hours=2))
    record = json.dumps({"product": "café ñ €", "numbers": [1, None, 0.1]}, ensure_ascii=False)
    plan_id = added(state, created_at=AT.astimezone(east), start=START.astimezone(east), record=record)
    kept = state.plans.get(plan_id)
    assert kept == KeptPlan(
        plan_id,
        AT,
        "web",
        date(2030, 10, 27),
        date(2030, 11, 2),
        START,
        END,
        START,
        "optimal",
        {"cost_eur": 123.45, "batches": 14, "shortfall": None},
        {"model": "ensemble", "forecast_issued_at": "2030-10-27T00:00:00Z"},
    )
    assert state.plans.record(plan_id) == record
    assert re.fullmatch(r"p-20301027T0059-[0-9a-f]{4}", plan_id)


def test_a_plan_that_nobody_made_is_not_found(state):
    added(state)
    for ask in (state.plans.get, state.plans.record):
        with pytest.raises(NotFound, match="There is no plan p-none"):
            ask("p-none")


def test_plans_come_newest_first_whatever_the_clock_said(state):
    ids = [added(state, created_at=AT - timedelta(days=day)) for day in range(4)]
    assert [plan.id for plan in state.plans.newest()] == ids[::-1]
    assert [plan.id for plan in state.plans.newest(limit=2)] == ids[:1:-1]
    assert state.plans.latest() == ids[3]


def test_the_latest_plan_is_one_that_can_be_followed(state):
    added(state, status="infeasible", holds_from=None)
    assert state.plans.latest() is None
    good = added(state, status="feasible")
    added(state, status="infeasible", holds_from=None)
    assert state.plans.latest() == good


def test_a_newer_plan_replaces_an_older_one_for_all_time_from_where_it_begins(state):
    whole = added(state)
    begin, end = START + 5 * HOUR, START + 9 * HOUR
    later = added(state, start=begin, holds_from=begin, end=end)
    added(state, holds_from=None)
    moments = (START - HOUR, START, begin - timedelta(microseconds=1), begin, end, end + timedelta(microseconds=1), END)
    found = [state.plans.followed(at) for at in moments]
    assert [plan and plan.id for plan in found] == [None, whole, whole, later, later, None, None]


def test_a_plan_made_at_a_moment_was_not_made_before_it(state):
    first = added(state)
    second = added(state, created_at=AT + HOUR)
    assert state.plans.created_before(AT) is None
    assert state.plans.created_before(AT + timedelta(microseconds=1)).id == first
    assert state.plans.created_before(AT + HOUR).id == first
    assert state.plans.created_before(AT + 2 * HOUR).id == second


def test_a_huge_record_comes_back_whole(state):
    record = json.dumps([random.Random(5).random() for _ in range(260_000)])  # noqa: S311
    assert len(record) > 5_000_000
    plan_id = added(state, record=record)
    assert state.plans.record(plan_id) == record
    assert [plan.id for plan in state.plans.newest()] == [plan_id]


def test_a_record_that_is_no_longer_what_was_written_is_called_damaged(state, tmp_path):
    plan_id = added(state)
    connection = sqlite3.connect(tmp_path / "state.db")
    with connection:
        connection.execute("UPDATE plan SET record = x'00ff'")
    connection.close()
    with pytest.raises(StoreDamaged, match=plan_id):
        state.plans.record(plan_id)
    assert state.plans.get(plan_id).status == "optimal"


def test_two_plans_never_share_an_id(state, monkeypatch):
    ends = iter(["0000", "0000", "0000", "0001"])
    monkeypatch.setattr(plan_store.secrets, "token_hex", lambda _: next(ends))
    assert [added(state), added(state)] == ["p-20301027T0059-0000", "p-20301027T0059-0001"]


def test_a_file_from_before_there_were_plans_gets_their_table_and_keeps_its_promotions(tmp_path):
    path = tmp_path / "state.db"
    Database(path, state_store._MIGRATIONS[:2], application_id=state_store._APPLICATION_ID).close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "INSERT INTO model_promotion (version, at, requested_by, message, message_fields)"
            " VALUES ('old', 0, 'web', 'better', '{}')"
        )
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()
    state = StateStore(path)
    plan_id = added(state)
    state.close()
    again = StateStore(path)
    assert again.plans.latest() == plan_id
    assert again.promotions.serving().version == "old"
    again.close()


def test_plans_made_at_once_are_all_kept_and_in_one_order(tmp_path):
    stores = [StateStore(tmp_path / "state.db") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda place: added(stores[place % 4]), range(24)))
    kept = [store.plans.newest() for store in stores]
    assert len(set(ids)) == 24
    assert {plan.id for plan in kept[0]} == set(ids)
    assert kept[1:] == [kept[0]] * 3
    for store in stores:
        store.close()


PROCESS = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from chocofactory.store.state import StateStore
state, at = StateStore(Path(sys.argv[1])), datetime(2030, 10, 27, tzinfo=UTC)
for number in range(10):
    print(state.plans.add(created_at=at, requested_by=sys.argv[2], first_day=date(2030, 10, 27),
        last_day=date(2030, 10, 27), start=at, end=at, holds_from=at, status="optimal", summary={}, inputs={},
        record=str(number)))
"""


def test_two_processes_may_keep_plans_at_once(tmp_path):
    path = tmp_path / "state.db"
    running = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(path), name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    said = [process.communicate(timeout=120)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    state = StateStore(path)
    kept = state.plans.newest()
    for name, ids in zip(("one", "two"), said, strict=True):
        assert [plan.id for plan in reversed(kept) if plan.requested_by == name] == ids
        assert [state.plans.record(plan_id) for plan_id in ids] == [str(number) for number in range(10)]
    state.close()
