"""A real InfluxDB that is killed, and writers that are killed: hours in are hours out."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import shutil
import uuid

import influx_work as work
import numpy as np
import pandas as pd
import pytest
from store_work import ADDED, REVISED, faults, read_all

from chocofactory.core.errors import StoreUnavailable
from chocofactory.domain.measurements import ENERGY_PRICE, price_series
from chocofactory.store.base import WriteCounts
from chocofactory.store.influx_server import InfluxServer
from tests import influxd
from tests.contract_kit import EVER

KILLS = 6

pytestmark = pytest.mark.skipif(not shutil.which("influxd"), reason=influxd.WHY_NOT)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with influxd.own(tmp_path_factory.mktemp("influxd")) as made:
        yield made


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "pandas", "chocofactory.store.influx_server"])
    return context


@pytest.fixture
def place(server, tmp_path):
    return server.url, server.token, f"faults-{uuid.uuid4().hex[:12]}", tmp_path / "outbox"


def started(context, target, *args):
    process = context.Process(target=target, args=args, daemon=True)
    process.start()
    return process


@contextlib.contextmanager
def opened(place):
    with contextlib.closing(work.store_of(*place)) as store:
        yield store


@pytest.mark.parametrize("when", ["before", "after", "out"])
def test_a_batch_whose_writer_was_killed_on_the_way_is_written_once(processes, place, when):
    with opened(place) as other:
        before = other.revision()
        writer = started(processes, work.write_and_die, place, when)
        writer.join(60)
        assert writer.exitcode == -9
        assert (other.outbox().entries, other.outbox().rows) == (1, REVISED + ADDED)
        assert other.replay() == REVISED + ADDED
        assert faults(read_all(other)) == ([], 0)
        assert other.revision() > before  # whoever remembered what was there in between must ask again
        assert other.outbox().entries == 0
        assert work.write(other, 0) == WriteCounts(unchanged=REVISED + ADDED)


def test_a_writer_killed_at_any_moment_loses_nothing_that_it_reported(processes, place):
    chance = random.Random(7)  # noqa: S311
    in_the_middle = 0
    for _ in range(KILLS):
        receiver, sender = processes.Pipe(duplex=False)
        writer = started(processes, work.write_until_killed, place, sender)
        sender.close()
        said = [receiver.recv()]
        writer.join(chance.uniform(0, 0.2))
        writer.kill()
        writer.join(60)
        with contextlib.suppress(EOFError):
            while True:
                said.append(receiver.recv())
        receiver.close()
        word, number = said[-1]
        with opened(place) as store:
            in_the_middle += store.outbox().entries
            store.replay()
            wrong, last = faults(read_all(store))
            assert store.outbox().entries == 0
        assert wrong == []
        assert last in ({number - 1, number} if word == "begun" else {number})
    assert in_the_middle > 0


def test_a_server_killed_in_the_middle_of_batches_and_restarted_has_every_hour(processes, place, server):
    count, receiver_sender = 25, processes.Pipe(duplex=False)
    receiver, sender = receiver_sender
    with opened(place):
        pass  # the bucket is there
    writer = started(processes, work.write_on, place, count, sender)
    sender.close()
    while receiver.recv() != 5:
        pass
    server.kill()
    while receiver.recv() != 10:
        pass
    with opened(place) as store:
        with pytest.raises(StoreUnavailable):
            read_all(store)
        assert store.outbox().entries > 0
        assert store.outbox().since is not None
    server.start()
    said = receiver.recv()
    while isinstance(said, int):
        said = receiver.recv()
    writer.join(60)
    written, queued = said
    assert queued > 0
    assert written + queued == count * (REVISED + ADDED)
    with opened(place) as store:
        store.replay()
        assert store.outbox().entries == 0
        assert faults(read_all(store)) == ([], count - 1)
        frame = store.read(ENERGY_PRICE, *EVER)
        assert len(frame) == REVISED + ADDED * count
        assert set(frame["first_price_eur_kwh"].iloc[:REVISED]) == {
            0.0
        }  # revised by each batch, remembered from the first


def test_a_server_killed_in_the_middle_of_one_write_has_it_whole_in_the_end(place, server, monkeypatch):
    rows = 45_000
    values = np.random.default_rng(7).normal(0.12, 0.06, rows).round(5)
    index = pd.date_range("2021-01-01", periods=rows, freq="h", tz="UTC", unit="us", name="time")
    frame = pd.DataFrame({"price_eur_kwh": values}, index=index)
    send, requests = InfluxServer._write, []

    def send_until_the_third(self, client, body):
        requests.append(len(body))
        if len(requests) == 3:
            server.kill()
        return send(self, client, body)

    with opened(place) as store:
        monkeypatch.setattr(InfluxServer, "_write", send_until_the_third)
        assert store.write(price_series(), frame, source="ree", written_at=EVER[0]) == WriteCounts(queued=rows)
        monkeypatch.undo()
        assert len(requests) > 3
        server.start()
        store._bucket._server._outage.over()  # as some seconds later
        assert 0 < len(store.times(price_series(), *EVER)) < rows  # it took a part
        assert store.replay() == rows
        back = store.read(ENERGY_PRICE, *EVER)
    for name in ("price_eur_kwh", "first_price_eur_kwh"):
        pd.testing.assert_series_equal(
            back[name], frame["price_eur_kwh"], check_names=False, check_freq=False, check_exact=True
        )


def test_processes_that_write_at_once_lose_no_row(processes, place):
    barrier, names = processes.Barrier(3), ("m0", "m1", "m2")
    running = [started(processes, work.write_some, place, name, 5, barrier) for name in names]
    for process in running:
        process.join(120)
    assert [process.exitcode for process in running] == [0, 0, 0]
    with opened(place) as store:
        store.replay()
        for name in names:
            assert len(store.read(ENERGY_PRICE, *EVER, market=name)) == REVISED + 5 * ADDED
        assert [series.keys["market"] for series in store.series()] == [*names]
        assert store.revision() >= 15
