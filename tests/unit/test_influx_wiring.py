"""A program whose series are in InfluxDB: it starts, says how things are, and empties its outbox by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.core.errors import ConfigurationError, MixedProvenance
from chocofactory.services.health import Outbox
from chocofactory.store.influx import InfluxSeriesStore
from tests.contract_kit import hours, write
from tests.fakes import FakeSource
from tests.influx_kit import AWAY, REFUSED, TOKEN, WRITTEN, Player, csv
from tests.loopback import Loopback
from tests.rest_kit import client_of


@pytest.fixture
def player():
    return Player()


@pytest.fixture
def settings(player, tmp_path):
    with Loopback(player) as loopback:
        yield load_settings(data_dir=tmp_path, influx_url=loopback.url, influx_token=TOKEN)


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 12, 10, 30, tzinfo=MADRID))


@pytest.fixture
def away(player, monkeypatch):
    """The server is away from the start, and nobody waits for it."""
    monkeypatch.setattr("chocofactory.store.influx_server.ATTEMPTS", 1)
    monkeypatch.setattr("chocofactory.store.outage.FIRST_PAUSE_S", 0)
    player.away = AWAY


@pytest.fixture
def factory(settings, clock):
    built = bootstrap.build(settings, clock=clock, sources=[FakeSource()])
    yield built
    built.close()


def test_the_settings_choose_the_store(factory, player):
    assert isinstance(factory._store, InfluxSeriesStore)
    assert player.written == ['meta_store nature="real",schema=1i 0']
    assert not (factory.settings.mode_dir / "series.db").exists()


def test_the_demo_has_a_bucket_of_its_own(settings, player, clock):
    asked = []

    def answer(request):
        asked.append(request.query.get("name"))
        return player(request)

    with Loopback(answer) as loopback:
        demo = settings.model_copy(update={"mode": "demo", "influx_url": loopback.url})
        bootstrap.series_store(demo, clock).close()
    assert asked[0] == "chocofactory-demo"
    assert player.written == ['meta_store nature="simulated",schema=1i 0']


def test_a_missing_token_or_address_stops_the_start_and_is_named(settings, clock):
    with pytest.raises(ConfigurationError, match="CHOCO_INFLUX_TOKEN must be set"):
        bootstrap.build(settings.model_copy(update={"influx_token": None}), clock=clock)
    with pytest.raises(ConfigurationError, match="CHOCO_INFLUX_URL must be set"):
        bootstrap.series_store(settings.model_copy(update={"influx_url": None}), clock, "influx")


def test_a_bucket_of_the_other_kind_of_data_stops_the_start(settings, clock, player):
    player.queries["meta_store"] = csv("_time,nature,schema", "1970-01-01T00:00:00Z,simulated,1")
    with pytest.raises(MixedProvenance):
        bootstrap.build(settings, clock=clock)


def test_with_the_server_away_it_starts_and_says_so_everywhere(away, factory, player, clock):
    write(factory._store, hours([1, 2]))
    clock.at += timedelta(minutes=5)
    outbox = factory.health.outbox()
    assert (outbox.entries, outbox.rows, outbox.age_s) == (1, 2, 300)
    client = client_of(factory)
    answer = client.get("/ready")
    body = answer.get_json()
    assert answer.status_code == 503
    assert [part["name"] for part in body["parts"] if not part["ok"]] == ["series_store"]
    assert body["outbox"]["rows"] == 2
    assert body["outbox"]["age_s"] == 300
    prices = client.get("/api/v1/ree/prices?start_date=2025-03-10")
    assert (prices.status_code, prices.get_json()["type"]) == (503, "urn:chocofactory:problem:store-unavailable")
    assert factory.health.light("pvpc_20td").level == "down"
    assert TOKEN not in answer.text + prices.text
    player.away = None
    assert client.get("/ready").status_code == 200


def test_what_waits_is_sent_every_minute_and_a_failure_is_no_reason_to_stop(away, factory, player):
    write(factory._store, hours([1, 2]))
    factory.schedule.look("outbox")
    assert factory.health.outbox().entries == 1
    player.away = None
    factory.schedule.look("outbox")
    assert factory.health.outbox() == Outbox(0, 0, 0, 256_000_000, None, 0, 0, None)
    assert len(player.rows()) == 2


def test_what_cannot_be_read_in_the_outbox_keeps_nothing_from_being_sent(away, factory, player):
    write(factory._store, hours([1, 2]))
    write(factory._store, hours([3]))
    with factory._store._outbox._database.write() as connection:
        connection.execute("UPDATE entry SET batch = ? WHERE rows = 2", (b"garbage",))
    player.away = None
    factory.schedule.look("outbox")
    outbox = factory.health.outbox()
    assert (outbox.entries, outbox.aside_rows, len(player.rows())) == (0, 2, 1)
    assert write(factory._store, hours([4])).new == 1


def test_the_scheduler_delivers_even_when_it_is_told_never_to_catch_up(settings, clock):
    idle = bootstrap.build(
        settings.model_copy(update={"catch_up_days": 0, "train_days": 0}), clock=clock, sources=[FakeSource()]
    )
    assert list(idle.schedule.tasks) == ["outbox"]
    write(idle._store, hours([1]))
    assert idle.schedule.look("outbox") in {"nothing", "done"}
    idle.close()


def test_what_was_refused_is_seen_and_can_be_tried_again(away, factory, player):
    write(factory._store, hours([1, 2]))
    player.away, player.writes = None, [REFUSED]
    factory.schedule.look("outbox")
    outbox = factory.health.outbox()
    assert (outbox.entries, outbox.aside_entries, outbox.aside_rows) == (0, 1, 2)
    assert "field type conflict" in outbox.aside_reason
    player.writes = [WRITTEN]
    assert factory.delivery.deliver() == 0
    assert factory.delivery.deliver(refused=True) == 2


def test_a_store_in_the_data_folder_has_no_outbox(tmp_path, clock):
    plain = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[FakeSource()])
    assert plain.health.outbox() is None
    assert not plain.delivery.needed
    assert plain.delivery.deliver() == 0
    assert client_of(plain).get("/ready").get_json()["outbox"] is None
    plain.close()
