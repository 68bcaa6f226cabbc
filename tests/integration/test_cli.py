"""The command line as scripts meet it: its output and its exit code."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from chocofactory.core.clock import StoppedClock, day_grid
from chocofactory.core.locks import ProcessLock
from tests.fakes import wavy_generation, wavy_prices
from tests.loopback import Loopback, ReePlayer
from tests.siar_files import as_siar, row
from tests.weather_player import WeatherPlayer


@pytest.fixture
def price_file(tmp_path):
    prices = wavy_prices(date(2025, 3, 1), date(2025, 4, 30))
    path = tmp_path / "prices.csv"
    lines = [f"{moment:%Y-%m-%dT%H:%M:%SZ},{price}" for moment, price in prices.items()]
    path.write_text("\n".join(["timestamp_utc,price_eur_kwh", *lines]) + "\n")
    return path


def test_importing_twice_changes_nothing(choco, price_file):
    first = json.loads(choco("import", "prices", price_file, "--json").stdout)
    again = json.loads(choco("import", "prices", price_file, "--json").stdout)
    hours = len(day_grid(date(2025, 3, 1), date(2025, 4, 30)))
    assert [(f["new"], f["unchanged"]) for f in first["result"]["files"]] == [(hours, 0)]
    assert [(f["new"], f["changed"], f["unchanged"]) for f in again["result"]["files"]] == [(0, 0, hours)]


def test_a_bad_file_is_named_and_does_not_stop_the_good_one(choco, price_file, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("this is not a price file\n1;2;3\n")
    done = choco("import", "prices", bad, price_file, "--json", expect=3)
    result = json.loads(done.stdout)
    assert result["state"] == "partial"
    assert [entry["file"] for entry in result["result"]["errors"]] == ["bad.csv"]
    assert result["result"]["files"][0]["new"] > 0
    only = choco("import", "prices", bad, expect=2)
    assert "bad.csv" in only.stderr


def test_generation_is_imported_once_and_told_series_by_series(choco, tmp_path):
    path = tmp_path / "mw.csv"
    path.write_text("timestamp_utc,demand_forecast_544_mw,wind_551_mw\n2025-03-10T00:00:00Z,7,8\n")
    first, again = (json.loads(choco("import", "generation", path, "--json").stdout)["result"] for _ in range(2))
    assert [(file["new"], file["unchanged"]) for file in (*first["files"], *again["files"])] == [(2, 0), (0, 2)]
    with path.open("a") as file:
        file.write("2025-03-10T01:00:00Z,abc,8\n")
    told = choco("import", "generation", path, expect=3).stdout
    assert "generation{technology=wind, system=peninsula}@1h" in told
    assert "'abc' is not a number" in told
    assert "bad.csv" in choco("import", "generation", tmp_path / "bad.csv", expect=2).stderr


def test_gaps_are_filled_and_what_came_is_told(choco):
    first, last = date(2025, 3, 29), date(2025, 3, 31)
    player = ReePlayer(wavy_prices(first, last))
    with Loopback(player) as server:
        settings = {"CHOCO_REE_URL": server.url, "CHOCO_ESIOS_URL": server.url}
        settings |= {"CHOCO_HTTP_PAUSE_S": "0", "CHOCO_HTTP_ATTEMPTS": "1", "CHOCO_HTTP_BACKOFF_S": "0"}
        asked = ("backfill", "--start", first, "--end", last, "--what", "prices", "--source", "ree")
        player.outage = True
        assert "503" in choco(*asked, expect=5, **settings).stderr
        player.outage = False
        run = json.loads(choco(*asked, "--json", expect=3, **settings).stdout)  # the day-ahead market stays away
        counts = {line["keys"]["market"]: (line["asked"], line["got"]) for line in run["result"]["backfill"]}
        assert counts == {"pvpc_20td": (71, 71), "spot_es": (71, 0)}
        told = choco(*asked, expect=3, **settings).stdout
    assert "ree has no spot_es prices" in told
    assert "There is no source nobody" in choco("backfill", "--source", "nobody", expect=2).stderr
    assert "first and the last day" in choco("backfill", "--force", expect=2).stderr


def test_generation_is_fetched_by_day(choco):
    first, last = date(2025, 3, 1), date(2025, 3, 5)
    player = ReePlayer(wavy_prices(first, last), generation=wavy_generation(first, last))
    with Loopback(player) as server:
        settings = {"CHOCO_REE_URL": server.url, "CHOCO_HTTP_PAUSE_S": "0", "CHOCO_HTTP_ATTEMPTS": "1"}
        asked = ("ingest", "generation", "--start", first, "--end", last)
        run = json.loads(choco(*asked, "--json", **settings).stdout)
        assert [day["state"] for day in run["result"]["days"]] == ["complete"] * 5
        told = choco(*asked, "--force", **settings).stdout
        assert len(server.requests) == 2
        nothing = choco("ingest", "generation", "--start", "2020-01-01", "--end", "2020-01-01", expect=4, **settings)
    assert "Not complete" in told
    assert "no generation" in nothing.stderr
    assert "future" in choco("ingest", "generation", "--end", "2098-01-02", expect=2).stderr


@pytest.mark.realdata
def test_a_folder_of_siar_files_is_told_file_by_file(choco, data_dir):
    folder = data_dir / "weather" / "siar_linares"
    told = choco("etl", "siar", folder).stdout
    assert "J17_Linares_01_01_2022_31_12_2022.csv" in told
    (sums,) = (line.split() for line in told.splitlines() if "All" in line)
    assert [word for word in sums if word.isdigit()] == ["8963", "8931", "32", "8931", "0", "0", "0", "0"]
    again = json.loads(choco("etl", "siar", folder, "--json").stdout)
    assert (again["state"], again["result"]["totals"]["unchanged"]) == ("succeeded", 8931)


def test_siar_files_with_faults_are_brought_in_as_far_as_they_can_be(choco, tmp_path):
    folder = tmp_path / "siar"
    folder.mkdir()
    assert "There is no CSV file in the folder" in choco("etl", "siar", folder, expect=2).stderr
    (folder / "good.csv").write_bytes(as_siar(row(date(2024, 7, 1)), row(date(2024, 7, 2)), row(date(2024, 7, 3))))
    assert choco("etl", "siar", folder).stdout.count("23/9") == 1
    (folder / "bad.csv").write_bytes(b"no table")
    done = choco("etl", "siar", folder, tmp_path / "nowhere.csv", expect=3)
    assert "bad.csv is no table of daily SIAR data" in done.stdout
    assert "There is no file" in done.stdout
    (folder / "bad.csv").write_bytes(as_siar(row(date(2024, 7, 4)), row(date(2024, 7, 5), TempMax="hot")))
    assert "'hot' is not a number (Temp Max (ºC))" in choco("etl", "siar", folder, expect=3).stdout
    circle = tmp_path / "circle.csv"
    circle.symlink_to(circle)
    for path in (tmp_path / "nowhere.csv", circle):
        assert path.name in choco("etl", "siar", path, expect=2).stderr
        assert path.name in choco("import", "prices", path, expect=2).stderr


def test_gaps_are_listed_and_told_by_the_exit_code(choco, price_file):
    assert "No series" in choco("gaps", expect=3).stdout
    choco("import", "prices", price_file)
    found = json.loads(choco("gaps", "--start", "2025-03-01", "--end", "2025-04-30", "--json").stdout)
    assert found[0]["gaps"] == []
    found = json.loads(choco("gaps", "--start", "2025-02-28", "--end", "2025-03-02", "--json", expect=3).stdout)
    assert [(gap["count"], gap["severity"]) for gap in found[0]["gaps"]] == [(24, "critical")]


def test_status_tells_what_is_missing(choco):
    report = json.loads(choco("status", "--json", expect=3).stdout)
    assert report["level"] == "down"
    assert [market["latest"] for market in report["markets"]] == [None, None]


@pytest.mark.parametrize(
    ("arguments", "settings", "word"),
    [
        (("status",), {"CHOCO_PORT": "0"}, "CHOCO_PORT"),
        (("gaps", "--start", "yesterday"), {}, "yesterday is not a day"),
        (("gaps", "--start", "0001-01-01"), {}, "2000-01-01"),
        (("gaps", "--end", "9999-12-31"), {}, "2099-12-31"),
        (("gaps", "--start", "2024-01-02", "--end", "2024-01-01"), {}, "before the start"),
        (("import", "prices", "/nowhere/x.csv"), {}, "x.csv"),
        (
            ("ingest", "prices", "--start", "2020-01-01", "--end", "2020-01-02", "--market", "pvpc_20td"),
            {},
            "2021-06-01",
        ),
        (("ingest", "prices", "--start", "2098-01-01", "--end", "2098-01-02"), {}, "future"),
    ],
)
def test_wrong_use_is_exit_2_with_one_sentence(choco, arguments, settings, word):
    done = choco(*arguments, expect=2, **settings)
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_that_is_down_is_exit_5(choco):
    settings = {"CHOCO_REE_URL": "http://127.0.0.1:9", "CHOCO_ESIOS_URL": "http://127.0.0.1:9"}
    settings |= {"CHOCO_HTTP_ATTEMPTS": "1", "CHOCO_HTTP_PAUSE_S": "0", "CHOCO_HTTP_BACKOFF_S": "0"}
    done = choco("ingest", "prices", "--start", "2025-03-01", "--end", "2025-03-01", expect=5, **settings)
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_exit_6(choco):
    done = choco("status", expect=6, CHOCO_DATA_DIR="/proc/nothing")
    assert "/proc/nothing" in done.stderr


def test_config_hides_secrets_and_prints_the_reference(choco):
    shown = choco("config", "--json", CHOCO_ESIOS_TOKEN="hush-hush").stdout
    assert json.loads(shown)["CHOCO_PORT"] == 8050
    assert "hush-hush" not in shown
    assert "CHOCO_REE_URL" in choco("config", "--markdown").stdout
    assert "CHOCO_DATA_DIR" in choco("config").stdout


def test_tables_are_for_people(choco, price_file):
    assert "prices.csv" in choco("import", "prices", price_file).stdout
    assert "pvpc_20td" in choco("status", expect=3).stdout
    assert "Severity" in choco("gaps", "--end", "2025-05-02", expect=3).stdout
    assert choco("--version").stdout.strip()


def test_a_run_killed_half_way_is_found_interrupted_and_can_be_repeated(choco, tmp_path, price_file):
    choco("status", expect=3)
    slow = (
        "import sys, time\n"
        "from chocofactory import bootstrap\n"
        "from chocofactory.core.config import load_settings\n"
        "from chocofactory.core.logs import configure_logs\n"
        "from chocofactory.services.jobs import JobKind, Outcome\n"
        "configure_logs(load_settings())\n"  # to standard error: standard output is for the id alone
        "factory = bootstrap.build(load_settings())\n"
        "factory.jobs.register([JobKind('import_prices', lambda params, report: time.sleep(60) or Outcome({}))])\n"
        "run = factory.jobs.start('import_prices', {}, 'test')\n"
        "print(run.id, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", slow], env=choco.environment, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    run_id = process.stdout.readline().strip()
    busy = choco("import", "prices", price_file, expect=7)
    assert run_id in busy.stderr
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    choco("import", "prices", price_file)
    with sqlite3.connect(tmp_path / "var" / "live" / "state.db") as connection:
        (state,) = connection.execute("SELECT state FROM job_run WHERE id = ?", (run_id,)).fetchone()
    connection.close()
    assert state == "interrupted"


def test_a_heavy_run_is_done_by_a_process_of_its_own_and_one_that_dies_is_found_out(choco, tmp_path, price_file):
    script = (
        "import subprocess, sys\n"
        "from chocofactory import bootstrap\n"
        "from chocofactory.core.config import load_settings\n"
        "import chocofactory.services.jobs as jobs\n"
        "factory = bootstrap.build(load_settings())\n"
        "def ended(run):\n"
        "    factory.jobs._threads.shutdown(wait=True)\n"
        "    factory.jobs.__post_init__()\n"
        "    return factory.jobs.get(run.id)\n"
        "run = factory.jobs.start('import_prices', {'files': [sys.argv[1]]}, 'test')\n"
        "mine = factory.jobs.state.run(run.id).owner\n"
        "done = ended(run)\n"
        "print(done.state, done.owner != mine, done.result['files'][0]['new'])\n"
        "jobs.subprocess.run = lambda *a, **k: subprocess.CompletedProcess(a, -9)\n"
        "print(ended(factory.jobs.start('import_prices', {'files': []}, 'test')).state)\n"
        "factory.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(price_file)],
        env=choco.environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    hours = len(day_grid(date(2025, 3, 1), date(2025, 4, 30)))
    lines = [line for line in done.stdout.splitlines() if "worker died" not in line]
    assert lines == [f"succeeded True {hours}", "interrupted"]


def test_a_taken_port_is_one_sentence(choco):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = choco("run", "--port", port, expect=2)
    assert str(port) in done.stderr


def test_a_server_on_an_unusable_folder_says_so_before_it_starts(choco):
    done = choco("run", "--port", 8999, expect=6, CHOCO_DATA_DIR="/proc/nothing")
    assert "/proc/nothing" in done.stderr


def test_a_second_server_on_the_same_folder_is_refused(choco, tmp_path):
    lock = ProcessLock(tmp_path / "var" / "live" / "server.lock")
    assert lock.acquire()
    done = choco("run", "--port", 8999, expect=7)
    assert "Another server" in done.stderr
    lock.release()


def test_credentials_in_an_address_are_not_shown(choco):
    address = "http://user:hunter2@127.0.0.1"  # pragma: allowlist secret
    assert "hunter2" not in choco("config", CHOCO_REE_URL=address).stdout


def test_rejected_lines_make_a_partial_import_and_are_listed(choco, price_file):
    with price_file.open("a") as file:
        file.write("2025-05-01T00:00:00Z,abc\n")
    done = choco("import", "prices", price_file, expect=3)
    assert "line " in done.stdout
    assert "abc" in done.stdout


def test_weather_is_fetched_from_each_source_and_what_one_refuses_is_told(choco):
    clock = StoppedClock(datetime.now(UTC))
    with Loopback(WeatherPlayer(clock)) as server:
        settings = {
            "CHOCO_AEMET_URL": f"{server.url}/opendata/api",
            "CHOCO_OPENWEATHER_URL": server.url,
            "CHOCO_AEMET_KEY": "mine",
            "CHOCO_OPENWEATHER_KEY": "mine",
            "CHOCO_HTTP_PAUSE_S": "0",
        }
        told = json.loads(choco("ingest", "weather", "--json", **settings).stdout)
        assert [(run["kind"], run["state"]) for run in told] == [
            ("ingest_weather", "succeeded"),
            ("ingest_forecast", "succeeded"),
        ]
        assert {source["source"] for run in told for source in run["result"]["sources"]} == {"aemet", "openweather"}
        settings["CHOCO_AEMET_KEY"] = "wrong"
        part = choco("ingest", "weather", "--what", "observed", expect=3, **settings).stdout
        assert "refused our key" in part
        assert "openweather" in part
        nothing = choco("ingest", "weather", "--what", "checked", expect=5, **settings)
        assert "refused our key" in nothing.stdout
    assert "CHOCO_AEMET_KEY" in choco("ingest", "weather", expect=7).stdout
