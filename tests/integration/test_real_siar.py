"""25 years of real SIAR days, from the files that people have into the store, and out of it again.

The files are read a second time here with nothing but the standard library, and compared with the clean table beside
them: what the product says is compared with that.
"""

import csv
import math
import os
import random
import statistics as plain
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import Settings
from chocofactory.domain.measurements import SIAR_DAILY
from chocofactory.services.climate import Scope
from chocofactory.services.siar import ETL, siar_files
from chocofactory.sources.siar import COLUMNS
from tests.rest_kit import client_of

pytestmark = pytest.mark.realdata

NOW = StoppedClock(datetime(2025, 12, 31, 12, tzinfo=MADRID))
EVER = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
POOLED = Scope(pooled=True)
ROWS = [130, 364, 365, 365, 366, 354, 361, 361, 366, 365, 365, 336, 366, 365, 365, 365, 366, 365]
ROWS += [202, 365, 366, 360, 360, 365, 366, 259, 30]
BLANK = {"J09_2003": 1, "J17_2018": 1, "J17_2021": 5, "J17_2022": 25}
CLEAN = {
    "temp_mean_c": "temperature_mean_c",
    "temp_max_c": "temperature_max_c",
    "temp_max_time": "temperature_max_time",
    "temp_min_c": "temperature_min_c",
    "temp_min_time": "temperature_min_time",
    "rh_mean_pct": "humidity_mean_pct",
    "rh_max_pct": "humidity_max_pct",
    "rh_min_pct": "humidity_min_pct",
    "wind_ms": "wind_ms",
    "radiation_mj_m2": "radiation_mj_m2",
    "precip_mm": "precipitation_mm",
    "et0_mm": "et0_mm",
}


@pytest.fixture(scope="module")
def folder(data_dir):
    return data_dir / "weather" / "siar_linares"


@pytest.fixture(scope="module")
def clean(data_dir):
    """The clean table, by station and day."""
    with (data_dir / "weather" / "siar_linares_daily_clean.csv").open(newline="") as lines:
        return {(row["province_id"], row["station_id"], row["date"]): row for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def days(folder):
    """Each row of the 27 files that has a value, as text, by station and day; read with the standard library alone."""
    out = {}
    for path in folder.glob("*.csv"):
        lines = path.read_bytes().decode("utf-16-le").split("\r\n")
        for cells in (line.split(";") for line in lines[1:] if line):
            if any(cells[5:]):
                out[cells[0], cells[1], datetime.strptime(cells[2], "%d/%m/%Y").replace(tzinfo=UTC).date()] = cells
    return out


def number(text):
    return float(text.replace(",", ".")) if text else math.nan


def column(days, name):
    """The known values of one of our fields with their days, from the text of the files."""
    place = [column.name for column in COLUMNS].index(name)
    return {key: number(cells[place]) for key, cells in days.items() if cells[place]}


def made(folder):
    return bootstrap.build(Settings(_env_file=None, data_dir=folder), clock=NOW, sources=[])


def bring_in(factory, paths):
    return factory.jobs.run(ETL, {"files": [str(path) for path in siar_files(paths)]}, "test")


@pytest.fixture(scope="module")
def built(folder, tmp_path_factory):
    factory = made(tmp_path_factory.mktemp("siar"))
    run = bring_in(factory, [folder])
    assert run.state == "succeeded", run.error
    yield factory, run.result
    factory.close()


@pytest.fixture(scope="module")
def climate(built):
    return built[0].climate


def test_each_file_gives_its_rows_and_nothing_is_rejected(built):
    files = built[1]["files"]
    assert [file["rows"] for file in files] == ROWS
    blank = {f"{file['file'][:3]}_{file['file'][-8:-4]}": file["blank"] for file in files if file["blank"]}
    assert blank == BLANK
    assert built[1]["totals"] == {
        "rows": 8963,
        "kept": 8931,
        "blank": 32,
        "repeated": 0,
        "rejected": 0,
        "new": 8931,
        "changed": 0,
        "unchanged": 0,
        "queued": 0,
    }
    assert [file["kept"] + file["blank"] for file in files] == ROWS
    assert (files[0]["first"], files[-1]["last"]) == ("2000-08-24", "2025-10-30")


def test_a_second_run_changes_nothing(built, folder):
    before = built[0]._store.revision()
    run = bring_in(built[0], [folder])
    totals = run.result["totals"]
    assert (run.state, totals["new"], totals["changed"], totals["unchanged"]) == ("succeeded", 0, 0, 8931)
    assert built[0]._store.revision() == before


def test_the_days_are_those_of_the_clean_table_in_all_its_columns(climate, clean):
    frame = climate.days()
    blank = {key for key, row in clean.items() if not any(row[name] for name in CLEAN)}
    assert len(blank) == 32
    told = {}
    for moment, row in zip(frame.index, frame.to_dict("records"), strict=True):
        told[row["province"], row["station"], moment.astimezone(MADRID).date().isoformat()] = row
    assert told.keys() == clean.keys() - blank
    for key, row in told.items():
        for theirs, ours in CLEAN.items():
            said, value = clean[key][theirs], row[ours]
            assert value == (said if theirs.endswith("_time") else float(said)) if said else value != value  # noqa: PLR0124


def test_all_24_columns_can_be_given_back_as_they_were(climate, days):
    frame = climate.days()
    names = [column.name for column in COLUMNS[5:]]
    kinds = {field.name: field.kind for field in SIAR_DAILY.fields}
    seen = 0
    for moment, row in zip(frame.index, frame.to_dict("records"), strict=True):
        day = moment.astimezone(MADRID).date()
        back = [row["province"], row["station"], f"{day:%d/%m/%Y}", str(day.year), str(day.timetuple().tm_yday)]
        for name in names:
            value = row[name]
            if value is None or value != value:  # noqa: PLR0124
                back.append("")
            else:
                back.append(value if kinds[name] == "text" else f"{value:.15g}".replace(".", ","))
        assert back == days[row["province"], row["station"], day]
        seen += 1
    assert seen == len(days) == 8931


def test_the_two_stations_are_kept_apart(climate):
    assert [(one.name, one.first, one.last, one.days) for one in climate.stations()] == [
        ("23/17", date(2018, 6, 14), date(2025, 10, 30), 2642),
        ("23/9", date(2000, 8, 24), date(2017, 12, 31), 6289),
    ]
    assert len(climate.basis(Scope()).frame) == 2642
    assert len(climate.basis(POOLED).frame) == 8931


def test_1518_days_were_above_35_degrees_by_their_maximum_and_3_by_their_mean(climate, days):
    maxima, means = column(days, "temperature_max_c"), column(days, "temperature_mean_c")
    hot = climate.hot_days(POOLED)
    assert hot["hot"].sum() == sum(value > 35 for value in maxima.values()) == 1518
    assert sum(value > 35 for value in means.values()) == 3
    by_month = Counter((key[2].year, key[2].month) for key, value in maxima.items() if value > 35)
    assert {index: count for index, count in hot["hot"].items() if count} == by_month
    by_station = Counter(key[1] for key, value in maxima.items() if value > 35)
    assert [climate.hot_days(Scope(name))["hot"].sum() for name in ("9", "17")] == [by_station["9"], by_station["17"]]


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("temperature_mean_c", [28.8, 30.4, 32.2]),
        ("humidity_mean_pct", [84.7, 88.7, 95.7]),
        ("temperature_max_c", None),
    ],
)
def test_percentiles_are_those_of_plain_python(climate, days, field, known):
    values = list(column(days, field).values())
    hundredths = plain.quantiles(values, n=100, method="inclusive")
    table = climate.thresholds(POOLED).set_index(["variable", "percentile"]).loc[field]
    assert table["threshold"].tolist() == pytest.approx([hundredths[level - 1] for level in (90, 95, 99)])
    assert table["occurrences"].tolist() == [sum(v > hundredths[level - 1] for v in values) for level in (90, 95, 99)]
    if known:
        assert table["threshold"].round(1).tolist() == known


def test_september_is_best_and_january_has_no_favourable_day(climate, days):
    means, humid = column(days, "temperature_mean_c"), column(days, "humidity_mean_pct")
    both = {key: (means[key], humid[key]) for key in means.keys() & humid.keys()}
    seasons = climate.seasons(POOLED)
    for month in range(1, 13):
        inside = [pair for key, pair in both.items() if key[2].month == month]
        good = sum(15 <= warm <= 25 and 40 <= wet <= 70 for warm, wet in inside)
        assert seasons.months.loc[month, "share_pct"] == pytest.approx(100 * good / len(inside))
    assert (seasons.best, seasons.worst) == (9, 1)
    shares = seasons.months["share_pct"].round(1)
    assert (shares[9], shares[1], shares[10], shares[5]) == (48.2, 0.0, 46.3, 45.2)


def test_summers_and_winters_are_where_they_should_be(climate):
    usual = climate.day_of_year(POOLED)
    assert usual["temperature_max_c"].idxmax() in range(195, 225)
    assert usual["temperature_min_c"].idxmin() in range(1, 32)
    assert usual.notna().all().all()
    rain = climate.month_matrix(POOLED, "precipitation_mm")
    assert rain.figures.loc[2024, 3] == pytest.approx(174.7)
    assert math.isnan(rain.figures.loc[2025, 9])
    assert (rain.known.loc[2025, 9], rain.expected.loc[2025, 9]) == (16, 30)


def test_a_leap_year_is_whole(climate):
    assert len(climate.days(Scope("17", first=date(2024, 1, 1), last=date(2024, 12, 31)))) == 366


def test_rest_tells_the_same(built):
    client = client_of(built[0])
    body = client.get("/api/v1/analysis/siar-summary?pooled=true").get_json()
    assert (body["total_records"], body["hot_days"]["days"]) == (8931, 1518)
    assert body["seasonal_insights"]["best_month"]["name"] == "September"
    assert body["seasonal_insights"]["best_month"]["efficiency_score"] == 48.2
    table = client.get("/siar/historical", headers={"Accept": "text/csv"}).text
    assert table.count("\n") == 8932


ENCODINGS = ("utf-16-le", "utf-16-be", "utf-16", "utf-8", "utf-8-sig", "latin-1")


@pytest.fixture(scope="module")
def lines(folder):
    """All rows of four files of both stations, blank ones among them, under their common header."""
    names = ("J09_Linares_01_01_2000", "J17_Linares_01_01_2018", "J17_Linares_01_01_2022", "J17_Linares_01_10_2025")
    texts = [path.read_bytes().decode("utf-16-le") for name in names for path in folder.glob(f"{name}*")]
    (header,) = {text.split("\r\n")[0] for text in texts}
    return header, [line for text in texts for line in text.split("\r\n")[1:] if line]


def contents(factory):
    """What is kept, but for where it came from and when."""
    frame = factory._store.read(SIAR_DAILY, *EVER).drop(columns=["source", "written_at"])
    return frame.astype({"province": "str", "station": "str"})


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 2**32),
    st.integers(1, 9),
    st.lists(st.sampled_from(ENCODINGS), min_size=9, max_size=9),
    st.booleans(),
)
def test_any_mix_of_files_gives_the_same_store(lines, reference, tmp_path_factory, seed, parts, encodings, overlap):
    """Rows dealt out at random to files of any encoding, some of them twice, brought in in any order."""
    header, rows = lines
    deal = random.Random(seed)  # noqa: S311
    folder = tmp_path_factory.mktemp("mix")
    shuffled = deal.sample(rows, len(rows))
    for part in range(parts):
        held = shuffled[part::parts] + (deal.sample(rows, 50) if overlap else [])
        text = "\r\n".join([header, *held, ""])
        (folder / f"{deal.random()}.csv").write_bytes(text.encode(encodings[part]))
    factory = made(folder / "var")
    run = bring_in(factory, [folder])
    assert run.state == "succeeded", run.error
    assert contents(factory).equals(reference)
    factory.close()


@pytest.fixture(scope="module")
def reference(lines, tmp_path_factory):
    """The store that one file with all rows in their order gives."""
    header, rows = lines
    folder = tmp_path_factory.mktemp("whole")
    (folder / "all.csv").write_bytes("\r\n".join([header, *rows, ""]).encode("utf-16-le"))
    factory = made(folder / "var")
    assert bring_in(factory, [folder]).state == "succeeded"
    out = contents(factory)
    factory.close()
    return out


def test_a_started_run_is_done_by_a_process_of_its_own(folder, tmp_path):
    script = (
        "import sys\n"
        "from chocofactory import bootstrap\n"
        "from chocofactory.core.config import load_settings\n"
        "factory = bootstrap.build(load_settings())\n"
        "run = factory.jobs.start('etl_siar', {'files': sys.argv[1:]}, 'test')\n"
        "factory.jobs._threads.shutdown(wait=True)\n"
        "done = factory.jobs.state.run(run.id)\n"
        "print(done.state, done.owner != run.owner, done.result['totals']['new'])\n"
        "factory.close()\n"
    )
    environment = {**os.environ, "CHOCO_DATA_DIR": str(tmp_path / "var"), "CHOCO_LOG_LEVEL": "ERROR"}
    files = sorted(str(path) for path in Path(folder).glob("J17*"))
    done = subprocess.run(
        [sys.executable, "-c", script, *files],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["succeeded", "True", "2642"]
