"""The outbox: nothing that was taken is lost, reordered or forgotten."""

from __future__ import annotations

import contextlib
import json
import threading
import zlib
from datetime import timedelta

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from chocofactory.core.clock import StoppedClock
from chocofactory.core.errors import StoreFull
from chocofactory.core.locks import ProcessLock
from chocofactory.domain.measurements import PRICE_FORECAST, SIAR_DAILY, Series, price_series
from chocofactory.store.base import OutboxState, checked
from chocofactory.store.outbox import Batch, Outbox
from tests.contract_kit import LATER, NOW, PRICES, hours


@pytest.fixture
def clock():
    return StoppedClock(NOW)


@pytest.fixture
def outbox(tmp_path, clock):
    with contextlib.closing(Outbox(tmp_path / "outbox.db", 1, clock)) as opened:
        yield opened


def batch(*values, series=PRICES, source="ree", at=NOW, **more):
    return Batch(series, checked(series, hours(values, **more), None), source, at)


def same(one, other):
    pd.testing.assert_frame_equal(one.rows, other.rows, check_exact=True, check_freq=False)
    rest = [(b.series, b.source, b.written_at, b.issued_at) for b in (one, other)]
    return rest[0] == rest[1]


def taken(outbox):
    """Everything that waits, in the order in which it would be sent."""
    out = []
    while (found := outbox.first()) is not None:
        out.append(found[1])
        outbox.remove(found[0])
    return out


# --- batches


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5),
    flags=st.lists(st.sampled_from([True, False, None]), min_size=5, max_size=5),
    source=st.text(st.characters(codec=None, categories=None)),
)
def test_a_batch_comes_back_to_the_last_bit(values, flags, source):
    one = batch(*values, source=source, suspect=pd.array(flags[: len(values)], dtype="boolean"))
    assert same(Batch.unpacked(one.packed()), one)


def test_text_missing_values_keys_and_issues_come_back_too():
    station = Series(SIAR_DAILY, {"province": "23\udc80", "station": ""}, timedelta(days=1))
    texts = ["13:40", None, "ñ'\x00€"]
    frame = pd.DataFrame(
        {"temperature_mean_c": [np.nan, 1.5, np.nan], "temperature_max_time": texts},
        index=pd.date_range("2025-01-31T23:00Z", periods=3, freq="24h"),
    )
    one = Batch(station, checked(station, frame, None), "siar", NOW)
    assert same(Batch.unpacked(one.packed()), one)
    forecast = Series(PRICE_FORECAST, {"market": "m", "zone": "z"})
    frame = hours([0.1]).rename(columns={"price_eur_kwh": "p50_eur_kwh"})
    one = Batch(forecast, checked(forecast, frame, NOW), "naive", LATER, NOW)
    assert same(Batch.unpacked(one.packed()), one)


# --- order, limits, restarts


def test_batches_wait_in_the_order_they_came_and_survive_a_restart(tmp_path, clock):
    first = Outbox(tmp_path / "outbox.db", 1, clock)
    writer = first.writer
    came = [batch(1), batch(2, series=price_series("other")), batch(3, source="esios", at=LATER)]
    for each in came:
        first.append(each)
    again = Outbox(tmp_path / "outbox.db", 1, clock)  # the first one was never closed, as when it was killed
    assert again.writer == writer
    assert all(same(a, b) for a, b in zip(taken(again), came, strict=True))
    assert again.append(batch(4)) > 3  # numbers are never given twice: they are the order
    first.close()
    again.close()


def test_only_what_came_before_a_number_is_looked_for(outbox):
    numbers = [outbox.append(batch(value)) for value in (1, 2)]
    assert outbox.first(before=numbers[0]) is None
    assert outbox.first(before=numbers[1])[0] == numbers[0]


def test_beyond_its_limit_it_takes_nothing_and_loses_nothing(outbox):
    noise = np.random.default_rng(7)
    one = len(batch(*noise.random(5000)).packed())
    room = 1_000_000 // (one + 1000)
    for _ in range(room):
        outbox.append(batch(*noise.random(5000)))
    with pytest.raises(StoreFull, match=r"outbox\.db is full: writes of 1 MB wait"):
        outbox.append(batch(*noise.random(10_000)))
    state = outbox.state()
    assert (state.entries, state.rows) == (room, 5000 * room)
    assert 900_000 < state.bytes <= state.limit_bytes == 1_000_000
    outbox.remove(outbox.first()[0])
    outbox.append(batch(*noise.random(5000)))


def test_what_was_set_aside_is_counted_apart_and_up_to_the_limit_too(outbox, monkeypatch):
    monkeypatch.setattr("chocofactory.store.outbox._MEGABYTE", 10_000)
    noise = np.random.default_rng(7)
    size = len(batch(*noise.random(500)).packed())
    for _ in range(10_000 // size + 1):
        outbox.set_aside(outbox.append(batch(*noise.random(500))), "wrong type")
        assert outbox.state().bytes == 0
    with pytest.raises(StoreFull, match=r"Writes of 1 MB were set aside in the outbox .*outbox\.db"):
        outbox.append(batch(2))
    assert outbox.append(batch(2), limited=False)


def test_a_batch_that_alone_is_too_large_is_told_so(outbox, monkeypatch):
    monkeypatch.setattr("chocofactory.store.outbox._MEGABYTE", 10_000)
    noise = np.random.default_rng(7)
    with pytest.raises(StoreFull, match=r"A write of \d\.\d MB does not fit into the outbox .* of 1 MB"):
        outbox.append(batch(*noise.random(2000)))


def test_its_state_tells_what_waits_since_when_and_what_was_set_aside(outbox, clock):
    assert outbox.state() == OutboxState(0, 0, 0, 1_000_000)
    first = outbox.append(batch(1, 2, 3))
    clock.at = LATER
    second = outbox.append(batch(4))
    state = outbox.state()
    assert (state.entries, state.rows, state.since, state.aside_entries) == (2, 4, NOW, 0)
    outbox.set_aside(first, "wrong type")
    state = outbox.state()
    assert (state.entries, state.rows, state.since) == (1, 1, LATER)
    assert (state.aside_entries, state.aside_rows, state.aside_reason) == (1, 3, "wrong type")
    assert outbox.first()[0] == second
    assert outbox.bring_back() == 1
    assert outbox.first()[0] == first
    assert outbox.state().aside_reason is None


def changed(one, **content):
    """The bytes of a batch with some of its content replaced."""
    return zlib.compress(json.dumps(json.loads(zlib.decompress(one.packed())) | content).encode())


def damage(outbox, number, packed):
    with outbox._database.write() as connection:
        connection.execute("UPDATE entry SET batch = ? WHERE number = ?", (packed, number))


UNREADABLE = {
    "garbage": b"garbage",
    "cut off": batch(1).packed()[:-9],
    "nothing": b"",
    "text": "text",
    "no JSON": zlib.compress(b"\xff"),
    "another JSON": zlib.compress(b"[1]"),
    "unknown measurement": changed(batch(1), measurement="of_a_later_version"),
    "unknown field": changed(batch(1), columns={"of_a_later_version": [1]}),
    "unknown key": changed(batch(1), keys={"what": "pvpc"}),
    "too few values": changed(batch(1, 2), columns={"price_eur_kwh": [1]}),
    "text for a number": changed(batch(1), columns={"price_eur_kwh": ["cheap"]}),
    "no row": changed(batch(1), time=[], columns={"price_eur_kwh": []}),
    "no time": changed(batch(1), time=[None]),
    "far in the future": changed(batch(1), written_at=10**19),
}


@pytest.mark.parametrize("packed", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_set_aside_with_the_reason_and_holds_up_nobody(outbox, packed):
    broken, sound = outbox.append(batch(1)), outbox.append(batch(2))
    damage(outbox, broken, packed)
    assert outbox.first(before=sound) is None
    assert outbox.first()[0] == sound
    state = outbox.state()
    assert (state.entries, state.aside_entries) == (1, 1)
    assert state.aside_reason.startswith("A write in the outbox cannot be read: ")
    damage(outbox, broken, batch(1).packed())  # as the version that wrote it reads it
    outbox.bring_back()
    assert outbox.first()[0] == broken


# --- turns


def test_one_at_a_time_has_the_turn_of_all_threads_and_processes(tmp_path, outbox, clock):
    other = Outbox(tmp_path / "outbox.db", 1, clock)  # as another process has it
    with outbox.turn() as mine:
        assert mine
        with other.turn(wait_s=0) as theirs, outbox.turn(wait_s=0) as twice:
            assert (theirs, twice) == (False, False)
    with other.turn(wait_s=0) as theirs:
        assert theirs
    other.close()


def test_the_turn_is_waited_for(tmp_path, outbox):
    elsewhere = ProcessLock(tmp_path / "outbox.lock")
    elsewhere.acquire()
    threading.Timer(0.05, elsewhere.release).start()
    with outbox.turn(wait_s=30) as mine:
        assert mine


def test_a_turn_ends_when_its_block_raises(outbox):
    with pytest.raises(ZeroDivisionError), outbox.turn():
        raise ZeroDivisionError
    with outbox.turn(wait_s=0) as mine:
        assert mine
