"""Several real processes at one store: what they see of each other, and what is left when one is killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import sqlite3

import pytest
import store_work as work

from chocofactory.domain.measurements import ENERGY_PRICE, price_series
from chocofactory.store.sqlite import SqliteSeriesStore
from chocofactory.store.state import StateStore

KILLS = 25


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "pandas", "chocofactory.store.sqlite"])  # each process then starts fast
    return context


def started(context, target, *args):
    process = context.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def ended_well(running):
    for process in running:
        process.join(60)
    return [process.exitcode for process in running] == [0] * len(running)


def test_readers_see_whole_batches_only_while_another_process_writes(processes, tmp_path):
    path, batches = tmp_path / "series.db", 25
    SqliteSeriesStore(path, "real").close()
    barrier, answers = processes.Barrier(3), processes.Queue()
    running = [started(processes, work.read_until, path, batches - 1, barrier, answers) for _ in range(2)]
    running.append(started(processes, work.write_some, path, batches, barrier))
    seen = set()
    for _ in range(2):
        faults, numbers, revisions = answers.get(timeout=60)
        assert faults == []
        assert numbers == sorted(numbers)  # nobody reads backwards in time
        assert revisions == sorted(revisions)
        seen |= set(numbers)
    assert ended_well(running)
    assert len(seen) > 2  # they did read in between


def test_a_writer_killed_at_any_moment_leaves_whole_batches_and_all_that_it_reported(processes, tmp_path):
    path, chance = tmp_path / "series.db", random.Random(7)  # noqa: S311
    in_the_middle = 0
    for _ in range(KILLS):
        receiver, sender = processes.Pipe(duplex=False)
        writer = started(processes, work.write_for_ever, path, sender)
        sender.close()
        begun = receiver.recv()  # from here on it is writing
        writer.join(chance.uniform(0, 0.03))
        writer.kill()
        writer.join(60)
        said = [begun]
        with contextlib.suppress(EOFError):
            while True:
                said.append(receiver.recv())
        receiver.close()
        word, number = said[-1]
        in_the_middle += word == "begun"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        store = SqliteSeriesStore(path, "real")
        faults, last = work.faults(work.read_all(store))
        store.close()
        assert faults == []
        # Nothing reported is lost, and the batch under way is there whole or not at all.
        assert last in ({number - 1, number} if word == "begun" else {number})
    assert in_the_middle > KILLS // 2


def test_processes_that_create_one_store_at_once_all_succeed(processes, tmp_path):
    for attempt in range(5):
        path = tmp_path / str(attempt) / "series.db"
        barrier, answers = processes.Barrier(3), processes.Queue()
        running = [started(processes, work.open_and_write, path, f"m{n}", barrier, answers) for n in range(3)]
        assert [answers.get(timeout=60) for _ in running] == [None] * 3
        assert ended_well(running)
        store = SqliteSeriesStore(path, "real")
        assert [series.keys["market"] for series in store.series()] == ["m0", "m1", "m2"]
        assert len(work.read_all(store)) == 3 * len(work.batch(0))
        store.close()


def test_of_processes_that_ask_for_a_run_at_once_one_gets_it(processes, tmp_path):
    path = tmp_path / "state.db"
    barrier, answers = processes.Barrier(3), processes.Queue()
    running = [started(processes, work.ask_for_run, path, barrier, answers) for _ in range(3)]
    words = sorted(answers.get(timeout=60) for _ in running)
    assert ended_well(running)
    assert [word for word, _ in words] == ["busy", "busy", "mine"]
    store = StateStore(path)
    assert {run_id for _, run_id in words} == {run.id for run in store.runs()}
    store.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_store_that_was_open_before_a_fork_works_on_both_sides(tmp_path):
    forking = multiprocessing.get_context("fork")
    store, answers = SqliteSeriesStore(tmp_path / "series.db", "real"), forking.Queue()
    store.write(price_series("parent"), work.batch(0), source="ree", written_at=work.START)
    inherited = list(store._database._idle)
    child = started(forking, work.use_after_fork, store, answers)
    rows = len(work.batch(0))
    assert answers.get(timeout=60) == (rows, 2 * rows, 1, 0)  # it had one connection of its parent, and used it not
    child.join(60)
    assert store._database._idle == inherited
    store.write(price_series("parent"), work.batch(1), source="ree", written_at=work.START)
    assert len(store.read(ENERGY_PRICE, work.START, work.START.replace(year=2030), market="child")) == rows
    store.close()
