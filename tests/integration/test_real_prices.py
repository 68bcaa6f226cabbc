"""4.5 years of real prices, from the file that people have into the store, and out of it again.

The file is read a second time here with nothing but the standard library: what the product says is compared with that.
"""

import csv
import gzip
import json
import logging
import math
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import structlog

from chocofactory import bootstrap, cli
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import Settings
from chocofactory.domain.measurements import ENERGY_PRICE, PVPC, price_series
from tests.rest_kit import client_of

pytestmark = pytest.mark.realdata

HOURS, REVISED, WITHOUT_FIRST = 40_201, 128, 72
FIRST, LAST = date(2021, 6, 1), date(2025, 12, 31)
SPRINGS = [date(2022, 3, 27), date(2023, 3, 26), date(2024, 3, 31), date(2025, 3, 30)]
AUTUMNS = [date(2021, 10, 31), date(2022, 10, 30), date(2023, 10, 29), date(2024, 10, 27), date(2025, 10, 26)]


@pytest.fixture(scope="module")
def path(data_dir):
    return data_dir / "prices" / "pvpc_20td_peninsula.csv.gz"


@pytest.fixture(scope="module")
def hours(path):
    """Each hour of the file with its price and its first price, NaN where the file has none."""
    with gzip.open(path, "rt") as lines:
        return {
            datetime.fromisoformat(row["timestamp_utc"]): (
                float(row["price_eur_kwh"]),
                float(row["price_first_published_eur_kwh"] or "nan"),
            )
            for row in csv.DictReader(lines)
        }


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="module")
def factory(data_folder, path):
    clock = StoppedClock(datetime(2025, 12, 31, 12, tzinfo=MADRID))
    built = bootstrap.build(Settings(_env_file=None, data_dir=data_folder), clock=clock, sources=[])
    run = built.jobs.run("import_prices", {"files": [str(path)]}, "test")
    assert run.state == "succeeded", run.error
    (imported,) = run.result["files"]
    assert (imported["new"], imported["changed"], imported["unchanged"]) == (HOURS, 0, 0)
    assert (imported["rejected"], imported["suspect"]) == ([], {})
    yield built
    built.close()


def test_every_hour_of_the_file_is_there_and_none_besides(factory, hours):
    frame = factory.prices.frame(FIRST, LAST)
    assert [stamp.to_pydatetime() for stamp in frame.index] == list(hours)
    assert frame["price_eur_kwh"].tolist() == [price for price, _ in hours.values()]
    assert (
        len(factory._store.read(ENERGY_PRICE, datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)))
        == HOURS
    )


def test_the_first_published_price_stands_beside_the_one_in_force(factory, hours):
    frame = factory.prices.frame(FIRST, LAST)
    kept = frame["first_price_eur_kwh"]
    assert [math.isnan(one) for one in kept] == [math.isnan(first) for _, first in hours.values()]
    assert kept.dropna().tolist() == [first for _, first in hours.values() if not math.isnan(first)]
    assert kept.isna().sum() == WITHOUT_FIRST
    assert (kept.notna() & (kept != frame["price_eur_kwh"])).sum() == REVISED


def test_every_local_day_is_complete_those_of_23_and_25_hours_too(factory):
    table = factory.gaps.coverage(price_series(), FIRST, LAST)
    assert len(table) == (LAST - FIRST).days + 1
    assert (table["present"] == table["expected"]).all()
    assert Counter(table["present"]) == {24: len(table) - 9, 23: len(SPRINGS), 25: len(AUTUMNS)}
    assert [stamp.date() for stamp in table.index[table["present"] == 23]] == SPRINGS
    assert [stamp.date() for stamp in table.index[table["present"] == 25]] == AUTUMNS


def test_there_is_no_gap_from_the_first_hour_to_the_last(factory):
    found = factory.gaps.find(price_series())
    assert (found.start, found.end) == (datetime(2021, 5, 31, 22, tzinfo=UTC), datetime(2025, 12, 31, 23, tzinfo=UTC))
    assert (found.expected, found.present, found.gaps) == (HOURS, HOURS, [])
    assert factory.prices.span() == (FIRST, LAST)


def test_rest_says_the_sum_of_every_local_day_as_the_file_has_it(factory, hours):
    client = client_of(factory)
    told, counts = defaultdict(float), Counter()
    for year in range(FIRST.year, LAST.year + 1):
        first, last = max(FIRST, date(year, 1, 1)), date(year, 12, 31)
        body = client.get(f"/api/v1/ree/prices?start_date={first}&end_date={last}").get_json()
        assert body["total_records"] == body["expected_records"] == len(body["prices"])
        for record in body["prices"]:
            told[record["timestamp"][:10]] += record["price_eur_kwh"]
            counts[record["timestamp"][:10]] += 1
    wanted, lengths = defaultdict(float), Counter()
    for moment, (price, _) in hours.items():
        day = moment.astimezone(ZoneInfo("Europe/Madrid")).date().isoformat()
        wanted[day] += price
        lengths[day] += 1
    assert counts == lengths
    assert told == pytest.approx(wanted, abs=1e-9)


def test_statistics_of_all_the_years_are_those_of_the_file(factory, hours):
    values = sorted(price for price, _ in hours.values())
    numbers = factory.prices.statistics(FIRST, LAST)
    assert numbers.count == HOURS
    assert numbers.mean == pytest.approx(math.fsum(values) / HOURS, abs=1e-12)
    assert (numbers.minimum, numbers.median, numbers.maximum) == (values[0], values[HOURS // 2], values[-1])
    means = factory.prices.daily_means(FIRST, LAST)
    assert means["mean"].notna().all()
    assert (means["mean"] * means["count"]).sum() == pytest.approx(math.fsum(values), abs=1e-8)


def test_importing_the_file_again_from_the_terminal_changes_nothing(factory, path, data_folder, monkeypatch, capsys):
    before = factory._store.revision()
    written = factory.prices.frame(FIRST, LAST)["written_at"].copy()
    monkeypatch.setenv("CHOCO_DATA_DIR", str(data_folder))
    monkeypatch.setenv("CHOCO_LOG_LEVEL", "ERROR")
    monkeypatch.setattr(sys, "argv", ["chocofactory", "import", "prices", str(path), "--json"])
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        logging.getLogger().handlers[:] = []
        structlog.reset_defaults()
    assert not ended.value.code
    (imported,) = json.loads(capsys.readouterr().out)["result"]["files"]
    assert (imported["new"], imported["changed"], imported["unchanged"]) == (0, 0, HOURS)
    assert factory._store.revision() == before
    pd.testing.assert_series_equal(factory.prices.frame(FIRST, LAST)["written_at"], written)


def test_a_store_that_lost_an_hour_of_them_says_which(data_folder, factory, hours):
    gone = datetime(2024, 10, 27, 1, tzinfo=UTC)  # 02:00 the second time
    price, first = hours[gone]
    factory._store.delete(ENERGY_PRICE, gone, gone + timedelta(hours=1), market=PVPC)
    (gap,) = factory.gaps.find(price_series()).gaps
    assert (gap.start, gap.end, gap.count, gap.severity) == (gone, gone + timedelta(hours=1), 1, "minor")
    assert factory.gaps.coverage(price_series(), AUTUMNS[3], AUTUMNS[3])["present"].tolist() == [24]
    lost = pd.DataFrame({"price_eur_kwh": [price], "first_price_eur_kwh": [first]}, index=pd.DatetimeIndex([gone]))
    counts, _ = factory.ingestion.keep(price_series(), lost, "file:again.csv")
    assert counts.new == 1
    assert factory.gaps.find(price_series()).gaps == []
