"""The outbox at its limit, with the server there and away."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from chocofactory.core.errors import StoreFull
from chocofactory.store.base import WriteCounts
from tests.contract_kit import START, hours, write
from tests.influx_kit import AWAY, WRITTEN, store_at


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A megabyte of ten thousand bytes."""
    monkeypatch.setattr("chocofactory.store.outbox._MEGABYTE", 10_000)


def test_a_full_outbox_stops_loudly_and_keeps_what_it_has(loopback, tmp_path, waits, comes_back):
    store = store_at(loopback.url, tmp_path, waits, limit_mb=0)
    comes_back(AWAY)
    with pytest.raises(StoreFull, match="no more is taken"):
        write(store, hours([1]))
    assert store.outbox().entries == 0
    store.close()


def big(rows=2_000):
    """So many rows, all different, that they take more than the outbox may."""
    return hours(np.random.default_rng(7).random(rows), start=START - timedelta(days=3650))


def test_a_write_larger_than_the_outbox_goes_through_when_the_server_is_there(store, player, comes_back):
    assert store.outbox().limit_bytes == 10_000
    assert write(store, big()) == WriteCounts(new=2_000)
    assert len(player.rows()) == 2_000
    comes_back(AWAY)
    with pytest.raises(StoreFull, match=r"A write of \d\.\d MB does not fit into the outbox .* of 1 MB"):
        write(store, big())
    assert store.outbox().entries == 0
    comes_back()
    assert write(store, hours([1])).new == 1


def test_a_full_outbox_is_emptied_first_when_the_server_is_back(store, player, comes_back):
    comes_back(AWAY)
    write(store, big(700))
    with pytest.raises(StoreFull, match="no more is taken"):
        write(store, big(700))
    comes_back()
    assert write(store, big(700)).total == 700
    assert len(player.rows()) == 1_400
    assert store.outbox().entries == 0


def test_a_write_larger_than_the_outbox_waits_when_the_server_goes_in_the_middle_of_it(store, player, comes_back):
    player.writes = [*[AWAY] * 4, WRITTEN]  # it answers questions until then
    assert write(store, big()) == WriteCounts(queued=2_000)
    assert store.outbox().bytes > store.outbox().limit_bytes
    comes_back()
    assert store.replay() == 2_000
