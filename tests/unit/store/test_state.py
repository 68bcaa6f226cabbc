"""Job runs and source states: kept, ordered, and never two runs of a kind at once."""

from __future__ import annotations

import re
import sqlite3
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest

from chocofactory.core.errors import Conflict, JobBusy, NotFound, StoreError
from chocofactory.store import state as state_store
from chocofactory.store.state import JobRun, SourceState, StateStore, new_run_id

AT = datetime(2030, 10, 27, 0, 59, 59, 123456, tzinfo=UTC)
SOON = AT + timedelta(minutes=5)
ERROR = {"code": "source-down", "message": "{source} is away.", "fields": {"source": "ree"}}


@pytest.fixture
def state(tmp_path):
    store = StateStore(tmp_path / "state.db")
    yield store
    store.close()


def asked(kind="ingest_prices", at=AT, **more):
    return JobRun(
        id=new_run_id(at), kind=kind, requested_by="cli", params={"first": "2030-10-27"}, created_at=at, **more
    )


def created(state, **more):
    run = asked(**more)
    state.create_run(run)
    return run


def ended(state, outcome="succeeded", **more):
    run = created(state, **more)
    state.finish_run(run.id, outcome, SOON)
    return run


# --- the life of a run


def test_a_new_run_is_kept_as_it_was_asked_for(state):
    run = created(state, owner="lock-1")
    assert state.run(run.id) == run
    assert (run.state, run.progress, run.result, run.error) == ("queued", 0.0, None, None)
    assert state.active_runs() == [run]


def test_a_run_goes_from_queued_over_running_to_succeeded(state):
    run = created(state)
    state.start_run(run.id, "lock-2", AT)
    state.report(run.id, 40, "{source}: from {first}", {"source": "ree", "first": date(2030, 10, 27)})
    running = state.run(run.id)
    assert (running.state, running.owner, running.started_at, running.progress) == ("running", "lock-2", AT, 40.0)
    assert running.message.format(**running.message_fields) == "ree: from 2030-10-27"
    assert running.finished_at is None
    state.finish_run(run.id, "succeeded", SOON, result={"rows": [1, {"a": None}]})
    done = state.run(run.id)
    assert (done.state, done.finished_at, done.result) == ("succeeded", SOON, {"rows": [1, {"a": None}]})
    assert done.progress == 100.0
    assert state.active_runs() == []


def test_a_run_that_fails_keeps_its_error_and_how_far_it_came(state):
    run = created(state)
    state.start_run(run.id, "lock", AT)
    state.report(run.id, 40, "half way")
    state.finish_run(run.id, "failed", SOON, error=ERROR)
    failed = state.run(run.id)
    assert (failed.state, failed.error, failed.progress, failed.message) == ("failed", ERROR, 40.0, "half way")


def test_progress_stays_between_nothing_and_all(state):
    run = created(state)
    state.report(run.id, 120, "much")
    assert state.run(run.id).progress == 100.0
    state.report(run.id, -5, "little")
    assert state.run(run.id).progress == 0.0


def test_a_run_that_has_ended_takes_no_further_word(state):
    run = ended(state)
    for say in (
        lambda: state.start_run(run.id, "x", SOON),
        lambda: state.report(run.id, 50, "again"),
        lambda: state.finish_run(run.id, "failed", SOON),
    ):
        with pytest.raises(Conflict, match="it is succeeded"):
            say()
    state.interrupt(run.id, SOON)
    assert state.run(run.id).state == "succeeded"


def test_a_run_is_begun_once_only(state):
    run = created(state)
    state.start_run(run.id, "first", AT)
    with pytest.raises(Conflict, match="it is running"):
        state.start_run(run.id, "second", AT)
    assert state.run(run.id).owner == "first"


def test_an_interrupted_run_ends_then_and_frees_its_kind(state):
    run = created(state)
    state.start_run(run.id, "lock", AT)
    state.interrupt(run.id, SOON)
    assert (state.run(run.id).state, state.run(run.id).finished_at) == ("interrupted", SOON)
    created(state)
    with pytest.raises(Conflict):
        state.start_run(run.id, "lock", AT)


def test_a_run_that_was_given_up_too_early_has_the_last_word(state):
    run = created(state)
    state.start_run(run.id, "lock", AT)
    state.interrupt(run.id, SOON)
    state.report(run.id, 90, "still here")
    state.finish_run(run.id, "partial", SOON, result={"rows": 1})
    assert (state.run(run.id).state, state.run(run.id).result) == ("partial", {"rows": 1})


def test_a_run_that_nobody_asked_for_is_not_found(state):
    for say in (
        lambda: state.run("none"),
        lambda: state.start_run("none", "x", AT),
        lambda: state.report("none", 1, ""),
        lambda: state.finish_run("none", "failed", AT),
        lambda: state.interrupt("none", AT),
        lambda: state.run("' OR 1=1 --"),
    ):
        with pytest.raises(NotFound, match="There is no run"):
            say()


# --- one of a kind


def test_a_second_run_of_a_kind_is_refused_and_told_which_one_is_under_way(state):
    first = created(state)
    with pytest.raises(JobBusy, match=first.id) as caught:
        created(state)
    assert caught.value.run_id == first.id
    state.start_run(first.id, "lock", AT)
    with pytest.raises(JobBusy):
        created(state)
    created(state, kind="import_prices")
    state.finish_run(first.id, "failed", SOON)
    created(state)


def test_of_many_who_ask_at_once_one_gets_the_run(tmp_path):
    stores = [StateStore(tmp_path / "state.db") for _ in range(4)]

    def ask(store):
        try:
            return created(store).id
        except JobBusy as busy:
            return busy.run_id

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, stores * 5))
    assert len(set(answers)) == 1
    assert len(stores[0].runs()) == 1
    for store in stores:
        store.close()


def test_the_file_itself_refuses_two_active_runs_of_a_kind(state, tmp_path):
    created(state)
    columns = "kind, requested_by, params, created_at, progress, message, message_fields"
    connection = sqlite3.connect(tmp_path / "state.db")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            f"INSERT INTO job_run (id, state, {columns}) SELECT 'other', 'running', {columns} FROM job_run"  # noqa: S608
        )
    connection.close()


# --- lists


def test_runs_come_newest_first_whatever_the_clock_said(state):
    later = ended(state, at=AT + timedelta(days=9))
    earlier = ended(state, at=AT)
    other = ended(state, kind="import_prices", outcome="failed")
    assert [run.id for run in state.runs()] == [other.id, earlier.id, later.id]
    assert [run.id for run in state.runs(limit=1)] == [other.id]
    assert [run.id for run in state.runs(kind="ingest_prices")] == [earlier.id, later.id]
    assert [run.id for run in state.runs(state="failed")] == [other.id]
    assert state.runs(kind="import_prices", state="succeeded") == []


def test_a_new_run_makes_the_oldest_ended_ones_be_forgotten_and_no_active_one(state, monkeypatch):
    monkeypatch.setattr(state_store, "_KEPT_RUNS", 2)
    active = created(state, kind="train")
    old = [ended(state).id for _ in range(5)]
    new = created(state)
    assert [run.id for run in state.runs()] == [new.id, old[4], old[3], active.id]


def test_everything_is_there_after_opening_again(tmp_path):
    store = StateStore(tmp_path / "state.db")
    run = created(store)
    store.source_failed("ree", AT, ERROR)
    store.close()
    again = StateStore(tmp_path / "state.db")
    assert again.runs() == [run]
    assert again.source_states()[0].last_error == ERROR
    again.close()


def test_the_state_is_not_taken_for_a_series_store(tmp_path):
    from chocofactory.store.sqlite import SqliteSeriesStore

    StateStore(tmp_path / "x.db").close()
    with pytest.raises(StoreError, match="something else"):
        SqliteSeriesStore(tmp_path / "x.db", "real")


# --- sources


def test_failures_count_in_a_row_and_a_success_ends_them_but_the_last_error_stays(state):
    assert state.source_states() == []
    for minute in range(3):
        state.source_failed("ree", AT + timedelta(minutes=minute), {**ERROR, "fields": {"minute": minute}})
    found = state.source_states()
    assert found == [
        SourceState(
            "ree",
            last_attempt_at=AT + timedelta(minutes=2),
            last_success_at=None,
            last_error_at=AT + timedelta(minutes=2),
            last_error={**ERROR, "fields": {"minute": 2}},
            failures=3,
        )
    ]
    state.source_succeeded("ree", SOON)
    (found,) = state.source_states()
    assert (found.failures, found.last_success_at, found.last_attempt_at) == (0, SOON, SOON)
    assert found.last_error_at == AT + timedelta(minutes=2)
    state.source_failed("ree", SOON + timedelta(minutes=1), ERROR)
    (found,) = state.source_states()
    assert (found.failures, found.last_success_at) == (1, SOON)


def test_sources_are_told_apart_and_listed_by_name(state):
    state.source_succeeded("ree", AT)
    state.source_failed("esios", AT, ERROR)
    assert [(source.name, source.failures) for source in state.source_states()] == [("esios", 1), ("ree", 0)]
    assert state.source_states()[1].last_error is None


# --- ids


def test_ids_sort_by_time_and_are_uuids_of_version_7_that_need_no_quoting_in_urls():
    moments = [
        AT + step for step in (timedelta(0), timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(9999))
    ]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(ids)
    parsed = uuid.UUID(ids[0])
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(AT.timestamp() * 1000)
    assert quote(ids[0], safe="") == ids[0]
    assert re.fullmatch(r"[0-9a-f-]{36}", ids[0])
    assert len({new_run_id(AT) for _ in range(1000)}) == 1000
