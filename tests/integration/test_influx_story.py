"""A plant that keeps its series in a real InfluxDB: copying there and back, odd text, weak tokens, the command line."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import requests

from chocofactory.core.clock import SystemClock
from chocofactory.core.errors import StoreError, StoreForbidden
from chocofactory.domain.measurements import (
    ENERGY_PRICE,
    MEASUREMENTS,
    PRICE_FORECAST,
    PVPC,
    SIAR_DAILY,
    Series,
    price_series,
)
from chocofactory.services.memo import Memo
from chocofactory.store.base import WriteCounts
from chocofactory.store.influx_server import SHARD, InfluxServer
from chocofactory.store.sqlite import SqliteSeriesStore
from tests import influxd
from tests.contract_kit import EVER, LATER, NOW, PRICES, START, everything, hours, write

NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens: the port is kept for discarding."""

EVIL = (
    '") |> drop(columns: ["_value"]) //',
    'x" or r.market != "',
    "a,market=b c=1 0\nenergy_price,market=pvpc_20td price_eur_kwh=666 0",
    'source="x",price_eur_kwh=666',
    "${bucket}",
    "\\",
    'ends in "\\',
    "%20%",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with influxd.running(tmp_path_factory.mktemp("influxd")) as found:
        if found is None:
            pytest.skip(influxd.WHY_NOT)
        yield found


@pytest.fixture
def bucket():
    return f"story-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def store(server, bucket, tmp_path):
    with contextlib.closing(server.open(bucket, tmp_path / "story")) as opened:
        yield opened


@pytest.fixture
def choco(server, bucket, tmp_path):
    """The command line as a process of its own, with its series in InfluxDB."""
    settings = {"INFLUX_URL": server.url, "INFLUX_TOKEN": server.token, "INFLUX_ORG": server.org}
    settings |= {"INFLUX_BUCKET": bucket, "DATA_DIR": str(tmp_path / "var"), "LOG_LEVEL": "ERROR"}

    def run(*arguments, expect=0, **more):
        environment = {**os.environ, **{f"CHOCO_{name}": value for name, value in (settings | more).items()}}
        command = [sys.executable, "-m", "chocofactory", *arguments]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stderr + done.stdout
        assert server.token not in done.stderr + done.stdout
        return done

    return run


def fill(store):
    """Revised prices, unknown first values, text, and more than one issue of a forecast."""
    values = np.random.default_rng(7).normal(0.12, 0.06, 3000)
    write(store, hours(values))
    write(store, hours(values[:100] + 0.01), source="esios", at=LATER)
    write(store, hours([1, 2], START + timedelta(days=400), first_price_eur_kwh=[np.nan, 0.5]), source="file:a b.csv")
    station = Series(SIAR_DAILY, {"province": "23", "station": "9"}, timedelta(days=1))
    index = pd.DatetimeIndex(["2025-04-30T22:00Z", "2025-05-01T22:00Z"])
    write(store, pd.DataFrame({"temperature_max_time": ["13:40", ""], "et0_mm": [np.nan, 1]}, index), station, "siar")
    forecast = Series(PRICE_FORECAST, {"market": PVPC, "zone": "peninsula"})
    frame = hours(values[:48]).rename(columns={"price_eur_kwh": "p50_eur_kwh"})
    for issue in (NOW, LATER):
        write(store, frame, forecast, "naive", issued_at=issue)


def opened_at(folder):
    return contextlib.closing(SqliteSeriesStore(folder / "live" / "series.db", "real"))


def test_everything_goes_to_influx_and_back_and_is_proven_equal(choco, tmp_path, store):
    with opened_at(tmp_path / "var") as original:
        fill(original)
        there = json.loads(choco("store", "copy", "--from", "sqlite", "--to", "influx", "--json").stdout)
        assert there["equal"]
        assert sum(line["new"] for line in there["series"]) == 3000 + 2 + 2 + 2 * 48
        elsewhere = {"DATA_DIR": str(tmp_path / "second")}
        assert (
            "Both stores hold the same"
            in choco("store", "copy", "--from", "influx", "--to", "sqlite", **elsewhere).stdout
        )
        with opened_at(tmp_path / "second") as back:
            assert back.series() == original.series() == store.series()
            for measurement in MEASUREMENTS.values():
                pd.testing.assert_frame_equal(original.read(measurement, *EVER), back.read(measurement, *EVER))
                pd.testing.assert_frame_equal(original.read(measurement, *EVER), store.read(measurement, *EVER))
        write(store, hours([9]), source="esios")
        told = choco("store", "copy", "--from", "sqlite", "--to", "influx", "--compare", "--json", expect=3)
    (line,) = json.loads(told.stdout)["differences"]
    assert (line["series"], line["changed"], line["missing"]) == (str(PRICES), 1, 0)
    assert "same: influx" in choco("store", "copy", "--from", "influx", "--to", "influx", expect=2).stderr


def test_a_copy_from_a_mistyped_folder_is_refused_and_makes_nothing(choco, tmp_path):
    elsewhere = {"DATA_DIR": str(tmp_path / "mistyped")}
    told = choco("store", "copy", "--from", "sqlite", "--to", "influx", expect=3, **elsewhere)
    assert "There is no store at" in told.stderr
    assert "CHOCO_DATA_DIR" in told.stderr
    assert not (tmp_path / "mistyped" / "live" / "series.db").exists()


def test_a_copy_tells_of_rows_that_were_set_aside(choco, bucket, server, tmp_path):
    store = server.open(bucket, tmp_path / "var" / "live")
    away = influxd.Influxd(NOWHERE, server.token, server.org).open(bucket, tmp_path / "var" / "live")
    write(away, hours([1, 2]))
    away.close()
    with store._outbox._database.write() as connection:
        connection.execute("UPDATE entry SET refused = 'field type conflict'")
    store.close()
    for only in ([], ["--compare"]):
        told = choco("store", "copy", "--from", "influx", "--to", "sqlite", *only, expect=3)
        assert "2 rows were set aside" in told.stderr
        assert "Both stores hold the same" not in told.stdout


def test_no_text_is_ever_read_as_flux_or_as_line_protocol(store):
    write(store, hours([1, 2]))
    station = Series(SIAR_DAILY, {"province": EVIL[0], "station": EVIL[1]}, timedelta(days=1))
    index = pd.date_range("2025-01-31T23:00Z", periods=len(EVIL), freq="24h")
    write(store, pd.DataFrame({"temperature_max_time": EVIL}, index), station, source=EVIL[2])
    for number, text in enumerate(EVIL):
        assert write(store, hours([number]), price_series(text, zone=text), source=text) == WriteCounts(new=1)
    assert everything(store, market=PVPC)["price_eur_kwh"].tolist() == [1, 2]
    for number, text in enumerate(EVIL):
        frame = everything(store, market=text)
        assert (frame["price_eur_kwh"].tolist(), frame["source"].tolist()) == ([number], [text])
    back = everything(store, SIAR_DAILY, station=EVIL[1])
    assert (back["temperature_max_time"].tolist(), set(back["source"])) == ([*EVIL], {EVIL[2]})
    assert len(store.series()) == 2 + len(EVIL)
    for text in EVIL:
        assert store.delete(ENERGY_PRICE, *EVER, market=text, zone=text) == 1
    assert everything(store)["price_eur_kwh"].tolist() == [1, 2]


def test_the_bucket_keeps_everything_for_ever(server, bucket, store):
    ask = {"name": bucket, "org": server.org}
    answer = requests.get(
        f"{server.url}/api/v2/buckets", params=ask, headers={"Authorization": f"Token {server.token}"}, timeout=30
    ).json()
    (rule,) = answer["buckets"][0]["retentionRules"]
    assert (rule["everySeconds"], rule["shardGroupDurationSeconds"]) == (0, SHARD.total_seconds())


def test_what_comes_late_from_another_folder_comes_to_the_same_as_in_order(server, bucket, store, tmp_path):
    def away():
        return contextlib.closing(influxd.Influxd(NOWHERE, server.token, server.org).open(bucket, tmp_path / "late"))

    early, later = hours([0.1, 0.1], suspect=[True, True]), hours([0.2])
    with away() as folder:
        assert write(folder, early).queued == 2
    write(store, later, source="esios", at=LATER)
    with contextlib.closing(server.open(bucket, tmp_path / "late")) as folder:
        assert folder.replay() == 2
    with contextlib.closing(SqliteSeriesStore(tmp_path / "in_order.db", "real")) as in_order:
        write(in_order, early)
        write(in_order, later, source="esios", at=LATER)
        expected = everything(in_order)
    pd.testing.assert_frame_equal(everything(store), expected)
    assert expected[["price_eur_kwh", "first_price_eur_kwh"]].iloc[0].tolist() == [0.2, 0.1]
    with away() as folder:
        write(folder, early)
    with contextlib.closing(server.open(bucket, tmp_path / "late")) as folder:
        folder.replay()  # once more changes nothing
    pd.testing.assert_frame_equal(everything(store), expected)


def test_no_revision_comes_back_in_a_bucket_that_was_made_anew(server, bucket, store, tmp_path):
    memo, seen = Memo(store), []

    def prices():
        return everything(store)["price_eur_kwh"].tolist()

    for value in (1, 2, 3):
        write(store, hours([value]))
        seen.append(store.revision())
        assert memo.get("prices", prices) == [value]
        headers, ask = {"Authorization": f"Token {server.token}"}, {"name": bucket, "org": server.org}
        found = requests.get(f"{server.url}/api/v2/buckets", params=ask, headers=headers, timeout=30).json()
        address = f"{server.url}/api/v2/buckets/{found['buckets'][0]['id']}"
        requests.delete(address, headers=headers, timeout=30).raise_for_status()
        with contextlib.suppress(StoreError):
            store.revision()  # it has to find out
    assert len(set(seen)) == 3


def test_who_is_killed_right_after_a_delete_has_counted_it(store, server, bucket, tmp_path, monkeypatch):
    write(store, hours([1]))
    before, delete = store.revision(), InfluxServer.delete

    def deadly(*asked):
        delete(*asked)
        raise SystemExit

    monkeypatch.setattr(InfluxServer, "delete", deadly)
    with pytest.raises(SystemExit):
        store.delete(ENERGY_PRICE, *EVER)
    with contextlib.closing(server.open(bucket, tmp_path / "other")) as other:
        assert everything(other).empty
        assert other.revision() > before


def test_a_token_that_may_only_read_reads_and_loses_no_write(server, bucket, store, tmp_path):
    write(store, hours([1]))
    headers = {"Authorization": f"Token {server.token}"}
    ask = {"name": bucket, "org": server.org}
    (found,) = requests.get(f"{server.url}/api/v2/buckets", params=ask, headers=headers, timeout=30).json()["buckets"]
    allowed = [{"action": "read", "resource": {"type": "buckets", "orgID": found["orgID"], "id": found["id"]}}]
    order = {"orgID": found["orgID"], "permissions": allowed}
    made = requests.post(f"{server.url}/api/v2/authorizations", json=order, headers=headers, timeout=30).json()
    weak = influxd.Influxd(server.url, made["token"], server.org).open(bucket, tmp_path / "weak")
    assert everything(weak)["price_eur_kwh"].tolist() == [1]
    assert write(weak, hours([1, 2])) == WriteCounts(queued=2)
    with pytest.raises(StoreForbidden, match="refuses CHOCO_INFLUX_TOKEN"):
        weak.check()
    weak.close()
    again = server.open(bucket, tmp_path / "weak")  # with a better token
    assert again.replay() == 2
    assert everything(again)["price_eur_kwh"].tolist() == [1, 2]
    again.close()


def test_a_token_that_does_not_exist_is_told_at_the_start(choco):
    told = choco("status", expect=2, INFLUX_TOKEN="made-up").stderr  # pragma: allowlist secret
    assert "refuses CHOCO_INFLUX_TOKEN" in told
    assert "made-up" not in told
    assert "Traceback" not in told


def test_an_organisation_that_does_not_exist_is_told_at_the_start(choco):
    told = choco("status", expect=2, INFLUX_ORG="made-up").stderr
    assert 'does not know CHOCO_INFLUX_ORG: organization name "made-up" not found' in told


def test_the_command_line_tells_what_waits_and_sends_it(choco, bucket, server, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
    folder = tmp_path / "var" / "live"
    away = influxd.Influxd(nowhere, server.token, server.org).open(bucket, folder)
    write(away, hours([1, 2]), at=SystemClock().now())
    away.close()
    told = choco("status", expect=6, INFLUX_URL=nowhere).stderr
    assert "Waiting for InfluxDB: 2 rows, the oldest for" in told
    assert "does not answer" in told
    assert "does not answer" in choco("store", "replay", expect=6, INFLUX_URL=nowhere).stderr
    assert "2 rows sent, 0 wait" in choco("store", "replay").stdout
    report = json.loads(choco("status", "--json", expect=3).stdout)
    assert report["outbox"]["entries"] == 0
    assert report["markets"][0]["latest"] == "2025-03-01T01:00:00+00:00"
    shutil.rmtree(folder)
