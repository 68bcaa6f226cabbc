"""What the processes of ``test_store_processes`` do: it must be importable by a fresh interpreter."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from chocofactory.core.errors import JobBusy
from chocofactory.domain.measurements import ENERGY_PRICE, price_series
from chocofactory.store.sqlite import SqliteSeriesStore
from chocofactory.store.state import JobRun, StateStore, new_run_id

START = datetime(2025, 1, 1, tzinfo=UTC)
REVISED, ADDED = 300, 100
"""Rows that each batch writes anew, and rows that it adds behind them."""


def batch(number):
    """Rows that carry the number of their batch: ``REVISED`` hours again and ``ADDED`` hours for the first time."""
    again = pd.date_range(START, periods=REVISED, freq="h")
    more = pd.date_range(START + (REVISED + ADDED * number) * timedelta(hours=1), periods=ADDED, freq="h")
    return pd.DataFrame({"price_eur_kwh": float(number)}, index=again.append(more))


def faults(frame):
    """Why rows cannot be whole batches 0 ... n; empty when they are. The second value is n (-1 when there is none)."""
    if frame.empty:
        return [], -1
    revised, added = frame.iloc[:REVISED]["price_eur_kwh"], frame.iloc[REVISED:]["price_eur_kwh"]
    last = int(revised.iloc[0])
    out = [] if (revised == last).all() else [f"revised rows of {sorted(set(revised))}"]
    if added.tolist() != [float(number) for number in range(last + 1) for _ in range(ADDED)]:
        out.append(f"added rows end at {added.iloc[-1]} ({len(added)}), not at {last}")
    return out, last


def read_all(store):
    return store.read(ENERGY_PRICE, START, START + timedelta(days=3000))


def write_for_ever(path, pipe):
    """Write batch after batch, saying before each which one it will be, and after each that it is done."""
    store = SqliteSeriesStore(Path(path), "real")
    number = faults(read_all(store))[1] + 1
    while True:
        pipe.send(("begun", number))
        store.write(price_series(), batch(number), source="ree", written_at=START)
        pipe.send(("done", number))
        number += 1


def write_some(path, count, barrier):
    store = SqliteSeriesStore(Path(path), "real")
    barrier.wait(60)
    for number in range(count):
        store.write(price_series(), batch(number), source="ree", written_at=START)
    store.close()


def read_until(path, last, barrier, answers):
    """Read without pause until batch ``last`` is seen; answers faults, and which batches and revisions were seen."""
    store = SqliteSeriesStore(Path(path), "real")
    barrier.wait(60)
    found, seen, revisions = [], [], []
    while not seen or seen[-1] < last:
        revisions.append(store.revision())
        wrong, number = faults(read_all(store))
        found += wrong
        seen.append(number)
    store.close()
    answers.put((found, seen, revisions))


def open_and_write(path, market, barrier, answers):
    """Open a store that others open at the same moment, and write a series of one's own."""
    barrier.wait(60)
    try:
        store = SqliteSeriesStore(Path(path), "real")
        store.write(price_series(market), batch(0), source="ree", written_at=START)
        store.close()
        answers.put(None)
    except Exception as error:  # noqa: BLE001
        answers.put(repr(error))


def ask_for_run(path, barrier, answers):
    barrier.wait(60)
    store = StateStore(Path(path))
    run = JobRun(id=new_run_id(START), kind="train", requested_by=str(os.getpid()), params={}, created_at=START)
    try:
        store.create_run(run)
        answers.put(("mine", run.id))
    except JobBusy as busy:
        answers.put(("busy", busy.run_id))
    store.close()


def use_after_fork(store, answers):
    """Use a store object that the parent process has opened and used before the fork."""
    inherited = list(store._database._idle)
    counts = store.write(price_series("child"), batch(0), source="ree", written_at=START)
    shared = [connection for connection in store._database._idle if connection in inherited]
    answers.put((counts.new, len(read_all(store)), len(inherited), len(shared)))
    answers.close()
    answers.join_thread()
    os.kill(os.getpid(), signal.SIGKILL)  # leave without tidying up, as a killed worker does
