"""What the processes of the InfluxDB tests do: it must be importable by a fresh interpreter."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from store_work import START, batch, faults, read_all

from chocofactory.core.clock import SystemClock
from chocofactory.core.errors import StoreError
from chocofactory.domain.measurements import price_series
from chocofactory.store.influx import InfluxSeriesStore
from chocofactory.store.influx_server import InfluxServer
from chocofactory.store.outbox import Outbox


def store_of(url, token, bucket, folder):
    clock = SystemClock()
    server = InfluxServer(url, token, "tests", bucket)
    return InfluxSeriesStore(server, Outbox(Path(folder) / "outbox.db", 64, clock), "real", clock)


def write(store, number):
    return store.write(price_series(), batch(number), source="ree", written_at=START)


def write_until_killed(place, pipe):
    """Write batch after batch, saying before each which one it will be, and after each that it is done."""
    store = store_of(*place)
    number = faults(read_all(store))[1] + 1
    while True:
        pipe.send(("begun", number))
        write(store, number)
        pipe.send(("done", number))
        number += 1


def write_and_die(place, when):
    """Write one batch and be killed on the way: ``before`` the first request with rows, ``after`` it, or just before
    the batch would be taken ``out`` of the outbox."""

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    send = InfluxServer.write

    def deadly(self, lines, **how):
        rows = any(not line.startswith("meta_") for line in lines)
        if rows and when == "before":
            die()
        send(self, lines, **how)
        if rows and when == "after":
            die()

    store = store_of(*place)
    InfluxServer.write = deadly
    if when == "out":
        Outbox.remove = die
    write(store, 0)


def write_some(place, name, count, barrier):
    store = store_of(*place)
    barrier.wait(60)
    for number in range(count):
        store.write(price_series(name), batch(number), source="ree", written_at=START)
    store.close()


def write_on(place, count, pipe):
    """Write ``count`` batches whatever happens to the server; says how many rows were written and how many queued."""
    store = store_of(*place)
    written = queued = 0
    for number in range(count):
        pipe.send(number)
        try:
            counts = write(store, number)
        except StoreError as error:  # nothing is to be refused here
            pipe.send(repr(error))
            return
        written, queued = written + counts.total - counts.queued, queued + counts.queued
    pipe.send((written, queued))
    store.close()
