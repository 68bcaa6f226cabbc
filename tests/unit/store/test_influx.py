"""The store before a server that comes and goes: what it takes, what it says, what it sends when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chocofactory.core.errors import (
    ConfigurationError,
    MixedProvenance,
    StoreError,
    StoreForbidden,
    StoreRefused,
    StoreTooNew,
    StoreUnavailable,
)
from chocofactory.core.locks import ProcessLock
from chocofactory.domain.measurements import ENERGY_PRICE, price_series
from chocofactory.store.base import WriteCounts
from chocofactory.store.database import to_microseconds
from tests.contract_kit import EVER, LATER, NOW, PRICES, START, everything, hours, write
from tests.influx_kit import AWAY, FORBIDDEN, REFUSED, WRITTEN, csv, store_at
from tests.loopback import Reply


def prices(player):
    """Prices that the server took, in order."""
    return [float(line.split("price_eur_kwh=")[1].split(",")[0]) for line in player.rows()]


# --- while the server is away


def test_a_write_is_queued_and_sent_before_the_next_one(store, player, comes_back):
    comes_back(AWAY)
    assert write(store, hours([1, 2])) == WriteCounts(queued=2)
    assert write(store, hours([3])).total == 1
    assert player.rows() == []
    comes_back()
    assert write(store, hours([4, 5])) == WriteCounts(new=2)
    assert prices(player) == [1, 2, 3, 4, 5]
    assert store.outbox().entries == 0


def test_what_waits_keeps_its_own_source_and_time_of_writing(store, player, comes_back):
    comes_back(AWAY)
    write(store, hours([1]), source="file:a b.csv", at=LATER)
    comes_back()
    assert store.replay() == 1
    assert ',source="file:a%20b.csv",written_at=' in player.rows()[0]
    assert f"written_at={int(LATER.timestamp() * 1_000_000)}i " in player.rows()[0]


def test_reading_says_unavailable_and_never_no_data(store, comes_back):
    comes_back(AWAY)
    asked = [
        lambda: everything(store),
        lambda: store.latest(ENERGY_PRICE),
        store.series,
        lambda: store.times(PRICES, *EVER),
        lambda: store.extent(PRICES),
        store.revision,
        store.check,
        lambda: store.delete(ENERGY_PRICE, *EVER),
    ]
    for ask in asked:
        with pytest.raises(StoreUnavailable, match="out of order: not now"):
            ask()


def test_how_much_waits_and_since_when_is_seen(store, clock, comes_back):
    assert store.outbox().since is None
    comes_back(AWAY)
    write(store, hours([1, 2]))
    clock.at = LATER
    write(store, hours([3]))
    state = store.outbox()
    assert (state.entries, state.rows, state.since) == (2, 3, NOW)
    assert 0 < state.bytes < state.limit_bytes


def test_a_refused_token_loses_nothing(store, player, comes_back):
    comes_back(FORBIDDEN)
    assert write(store, hours([1])) == WriteCounts(queued=1)
    with pytest.raises(StoreForbidden):
        store.replay()
    comes_back()
    assert store.replay() == 1
    assert prices(player) == [1]


def test_after_a_restart_what_waited_is_sent(store, player, loopback, tmp_path, waits, comes_back):
    comes_back(AWAY)
    write(store, hours([1, 2]))
    comes_back()
    again = store_at(loopback.url, tmp_path, waits)
    assert again.replay() == 2
    assert prices(player) == [1, 2]
    assert store.replay() == 0
    again.close()


def test_while_somebody_else_sends_a_write_only_queues(store, player, tmp_path, monkeypatch):
    monkeypatch.setattr("chocofactory.store.outbox.Outbox.turn.__wrapped__.__defaults__", (0,))
    elsewhere = ProcessLock(tmp_path / "outbox.lock")
    elsewhere.acquire()
    assert write(store, hours([1])) == WriteCounts(queued=1)
    assert store.replay() == 0
    with pytest.raises(StoreUnavailable, match="Others are writing to bucket"):
        store.delete(ENERGY_PRICE, *EVER)
    elsewhere.release()
    assert store.replay() == 1
    assert prices(player) == [1]


def test_a_write_whose_acknowledgement_was_lost_is_sent_again_the_same(store, player, comes_back):
    player.writes = [Reply(way="reset")] * 4 + [WRITTEN]
    assert write(store, hours([1, 2])) == WriteCounts(queued=2)
    comes_back()
    assert store.replay() == 2
    assert prices(player) == [1, 2]


def test_what_is_sent_again_counts_as_a_change_even_if_all_of_it_is_there(store, player, comes_back):
    comes_back(AWAY)
    write(store, hours([1]))
    comes_back()
    player.queries["energy_price"] = csv(
        "_time,market,resolution,zone,first_price_eur_kwh,price_eur_kwh,source,written_at",
        "2025-03-01T00:00:00Z,pvpc_20td,3600s,peninsula,1,1,ree,1740907800123456",
    )
    assert store.replay() == 1
    assert player.rows() == []
    assert [line for line in player.written if line.startswith("meta_revision")] == [player.written[-1]]
    assert player.written[-1].endswith(f" changes={to_microseconds(NOW)}i 0")


def test_changes_are_counted_up_to_the_present_moment_and_always_on(store, player, clock):
    for number, counted in ((5, to_microseconds(NOW)), (to_microseconds(LATER), to_microseconds(LATER) + 1)):
        player.queries["meta_revision"] = csv("_time,writer,changes", f"1970-01-01T00:00:00Z,w,{number}")
        write(store, hours([1]))
        assert player.written[-1].endswith(f" changes={counted}i 0")


def stored_later(price, first):
    """A row as the server has it, written at ``LATER``."""
    at = int(LATER.timestamp()) * 1_000_000 + LATER.microsecond
    return csv(
        "_time,market,resolution,zone,first_price_eur_kwh,price_eur_kwh,source,written_at",
        f"2025-03-01T00:00:00Z,pvpc_20td,3600s,peninsula,{first},{price},esios,{at}",
    )


@pytest.mark.parametrize(
    ("first", "written"),
    [
        (0.2, "price_eur_kwh=0.2,first_price_eur_kwh=0.1"),  # written once: what comes late came first
        (0.15, None),  # revised: nobody can tell which came first
        ("", None),  # not known
    ],
)
def test_what_comes_late_takes_nothing_from_what_was_written_since(store, player, comes_back, first, written):
    comes_back(AWAY)
    write(store, hours([0.1, 0.3]))
    comes_back()
    player.queries["energy_price"] = stored_later(0.2, first)
    assert store.replay() == 2
    new, *late = player.rows()
    assert "price_eur_kwh=0.3,first_price_eur_kwh=0.3,source=" in new
    assert [line.split(" ")[1] for line in late] == ([written] if written else [])  # no source, no time of writing


def test_what_comes_late_fills_in_what_is_not_there(store, player, comes_back):
    comes_back(AWAY)
    write(store, hours([0.1], suspect=[True]))
    comes_back()
    player.queries["energy_price"] = stored_later(0.2, 0.15)
    store.replay()
    (late,) = player.rows()
    assert late.split(" ")[1] == "price_eur_kwh=0.2,first_price_eur_kwh=0.15,suspect=t"


# --- what the server will never take


def test_a_write_that_is_refused_is_an_error_and_does_not_wait(store, player):
    player.writes = [REFUSED, WRITTEN]
    with pytest.raises(StoreRefused, match="field type conflict"):
        write(store, hours([1]))
    assert (store.outbox().entries, store.outbox().aside_entries) == (0, 0)
    assert write(store, hours([2])).new == 1


def test_what_was_taken_and_is_refused_later_is_set_aside_and_holds_nobody_up(store, player, comes_back):
    comes_back(AWAY)
    write(store, hours([1, 2]))
    write(store, hours([3]))
    comes_back()
    player.writes = [REFUSED, WRITTEN]
    assert store.replay() == 1
    state = store.outbox()
    assert (state.entries, state.aside_entries, state.aside_rows) == (0, 1, 2)
    assert "field type conflict" in state.aside_reason
    assert store.replay() == 0
    assert store.replay(refused=True) == 2
    assert prices(player) == [3, 1, 2]
    assert store.outbox().aside_entries == 0


# --- first contact


def test_it_opens_while_the_server_is_away_and_makes_its_bucket_later(loopback, player, tmp_path, waits, comes_back):
    player.retention_s = None
    comes_back(AWAY)
    store = store_at(loopback.url, tmp_path, waits)
    assert write(store, hours([1])).queued == 1
    comes_back()
    assert store.replay() == 1
    assert player.retention_s == 0
    assert player.written[0] == 'meta_store nature="real",schema=1i 0'
    store.close()


NO_ORG = Reply.of_json({"code": "not found", "message": 'organization name "o" not found'}, 404)


@pytest.mark.parametrize(
    ("reply", "name"), [(FORBIDDEN, "CHOCO_INFLUX_TOKEN"), (NO_ORG, "CHOCO_INFLUX_ORG")], ids=["token", "org"]
)
def test_a_wrong_setting_stops_the_start_and_is_named_and_loses_nothing_later(
    loopback, player, tmp_path, store, comes_back, reply, name
):
    comes_back(reply)
    with pytest.raises(ConfigurationError, match=name):
        store_at(loopback.url, tmp_path / "other")
    assert write(store, hours([1])) == WriteCounts(queued=1)
    assert store.outbox().entries == 1
    with pytest.raises(StoreForbidden, match=name):
        store.replay()
    comes_back()
    assert store.replay() == 1


def _kept(nature, schema):
    return csv("_time,nature,schema", f"1970-01-01T00:00:00Z,{nature},{schema}")


@pytest.mark.parametrize(
    ("kept", "retention_s", "error", "says"),
    [
        (_kept("simulated", 1), 0, MixedProvenance, "bucket holds simulated data"),
        (_kept("real", 2), 0, StoreTooNew, "schema 2, this one knows 1"),
        (Reply(200), 30 * 86400, StoreError, "forgets what is older than 30 days"),
    ],
)
def test_a_bucket_that_cannot_be_ours_is_refused_at_once(loopback, player, tmp_path, kept, retention_s, error, says):
    player.queries["meta_store"], player.retention_s = kept, retention_s
    with pytest.raises(error, match=says):
        store_at(loopback.url, tmp_path)
    assert player.written == []


def test_a_bucket_that_turns_out_not_to_be_ours_takes_nothing_that_waited(
    loopback, player, tmp_path, waits, comes_back
):
    comes_back(AWAY)
    store = store_at(loopback.url, tmp_path, waits)
    write(store, hours([1]))
    comes_back()
    player.queries["meta_store"] = _kept("simulated", 1)
    for ask in (store.replay, lambda: write(store, hours([2])), lambda: everything(store)):
        with pytest.raises(MixedProvenance):
            ask()
    assert player.written == []
    assert store.outbox().rows == 1  # what was told so is not kept, what was taken is
    store.close()


def test_after_the_server_was_away_the_bucket_is_met_again(store, player, comes_back):
    write(store, hours([1]))
    comes_back(AWAY)
    write(store, hours([2]))
    comes_back()
    player.retention_s = None  # somebody threw it away
    player.written.clear()
    assert store.replay() == 1
    assert player.written[0].startswith("meta_store ")
    assert any(line.startswith("meta_series,") for line in player.written)


def test_a_series_is_made_known_once(store, player):
    for value in (1, 2):
        write(store, hours([value], start=START + value * timedelta(hours=1)))
    write(store, hours([3]), price_series("other"))
    known = [line for line in player.written if line.startswith("meta_series,")]
    assert len(known) == 2
    assert "measurement=energy_price" in known[0]
