"""Recorded answers are parsed to known values or refused by their right name; all sources keep the same promises."""

import json
from contextlib import contextmanager
from datetime import date, timedelta

import pandas as pd
import pytest

from chocofactory.core.clock import StoppedClock, day_bounds, day_grid, day_start
from chocofactory.core.config import load_settings
from chocofactory.core.errors import KeyRefused, MalformedAnswer, NotPublished, SourceDown
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.sources.demo import Demo
from chocofactory.sources.esios import Esios, EsiosArchive
from chocofactory.sources.files import read_prices
from chocofactory.sources.ree import Ree
from tests.fakes import wavy_prices
from tests.loopback import Loopback, ReePlayer, Reply, Waits

# For each recorded answer and market: the day, and count, first, last and sum [EUR/MWh] as the file has them; or the
# error that it must raise.
JUNE, OCTOBER, AUTUMN = date(2021, 6, 1), date(2021, 10, 30), date(2021, 10, 31)
REE = {
    ("aiopvpc_PRICES_APIDATOS_2021_06_01.json", PVPC): (JUNE, (24, 116.33, 156.5, 4002.51)),
    ("aiopvpc_PRICES_APIDATOS_2021_06_01.json", SPOT): (JUNE, (24, 89.5, 91.52, 2077.55)),
    # Asked for Ceuta and Melilla: nothing in it says so, which is why the question always names the Peninsula.
    ("aiopvpc_PRICES_APIDATOS_2021_06_01_CYM.json", PVPC): (JUNE, (24, 116.33, 156.5, 4002.68)),
    ("aiopvpc_PRICES_APIDATOS_2021_06_01_CYM.json", SPOT): (JUNE, NotPublished),
    ("aiopvpc_PRICES_APIDATOS_2021_10_30.json", PVPC): (OCTOBER, (24, 131.04, 168.7, 3786.18)),
    ("aiopvpc_PRICES_APIDATOS_2021_10_30.json", SPOT): (OCTOBER, (24, 100.0, 132.66, 2988.63)),
    ("aiopvpc_PRICES_APIDATOS_2021_10_31.json", PVPC): (AUTUMN, (25, 171.48, 146.12, 2758.49)),
    ("aiopvpc_PRICES_APIDATOS_2021_10_31.json", SPOT): (AUTUMN, (25, 134.48, 112.9, 1974.89)),
    ("daithihearn_precios_tiempo_real_2023_03_25_temp.json", PVPC): (
        date(2023, 3, 25),
        (24, 87.31, 76.93, 1757.64),
    ),
    ("daithihearn_precios_tiempo_real_2023_03_25_temp.json", SPOT): (date(2023, 3, 25), (24, 49.71, 48.92, 936.92)),
    ("daithihearn_precios_tiempo_real_2023_04_08.json", PVPC): (date(2023, 4, 8), (24, 175.23, 172.44, 3162.32)),
    ("daithihearn_precios_tiempo_real_2023_04_08.json", SPOT): (date(2023, 4, 8), (24, 126.24, 126.98, 2078.82)),
    ("tairosonloa_precios_tiempo_real_2023_09_08.json", PVPC): (date(2023, 9, 8), (24, 150.95, 174.08, 4041.68)),
    ("tairosonloa_precios_tiempo_real_2023_09_08.json", SPOT): (date(2023, 9, 8), NotPublished),
    ("error_502_no_data.json", PVPC): (JUNE, NotPublished),
    ("error_403_incapsula.html", PVPC): (JUNE, KeyRefused),
}
OTHER_INDICATORS = {
    "10211": ("2021_10_30", "2021_10_31", "2023_01_06", "2024_03_09"),
    "1739": ("2021_10_30", "2021_10_31", "2023_01_06", "2024_03_09"),
    "1900": ("2023_01_06", "2024_03_09"),
    "2108": ("2024_03_09",),
}
INDICATORS = {
    ("aiopvpc_PRICES_ESIOS_1001_2021_06_01.json", PVPC): (JUNE, (24, 116.33, 156.5, 4002.51)),
    ("aiopvpc_PRICES_ESIOS_PVPC_2021_06_01.json", PVPC): (JUNE, (24, 116.33, 156.5, 4002.51)),
    ("aiopvpc_PRICES_ESIOS_1001_2021_10_30.json", PVPC): (OCTOBER, (24, 131.04, 168.7, 3786.18)),
    ("aiopvpc_PRICES_ESIOS_1001_2021_10_31.json", PVPC): (AUTUMN, (25, 171.48, 146.12, 2758.49)),
    ("aiopvpc_PRICES_ESIOS_1001_2023_01_06.json", PVPC): (date(2023, 1, 6), (24, 159.69, 129.35, 3662.69)),
    ("aiopvpc_PRICES_ESIOS_1001_2024_03_09.json", PVPC): (date(2024, 3, 9), (24, 44.98, 41.94, 1066.7)),
    ("aiopvpc_PRICES_ESIOS_1001_2024_03_09.json", SPOT): (date(2024, 3, 9), MalformedAnswer),
    ("tairosonloa_ESIOS_1001_2023.json", PVPC): (date(2023, 9, 8), MalformedAnswer),
    ("aishieo_ESIOS_1002_info.json", PVPC): (date(2025, 10, 29), MalformedAnswer),
} | {
    (f"aiopvpc_PRICES_ESIOS_{number}_{day}.json", market): (date.fromisoformat(day.replace("_", "-")), MalformedAnswer)
    for number, days in OTHER_INDICATORS.items()
    for day in days
    for market in (PVPC, SPOT)
}
ARCHIVE = {
    ("aiopvpc_PVPC_CURV_DD_2019_03_31.json", PVPC): (date(2019, 3, 31), MalformedAnswer),
    ("aiopvpc_PVPC_CURV_DD_2019_10_26.json", PVPC): (date(2019, 10, 26), MalformedAnswer),
    ("aiopvpc_PVPC_CURV_DD_2019_10_27.json", PVPC): (date(2019, 10, 27), MalformedAnswer),
    ("aiopvpc_PVPC_CURV_DD_2021_06_01.json", PVPC): (JUNE, (24, 116.33, 156.5, 4002.51)),
    ("aiopvpc_PVPC_CURV_DD_2021_10_30.json", PVPC): (OCTOBER, (24, 131.04, 168.7, 3786.18)),
    ("aiopvpc_PVPC_CURV_DD_2021_10_31.json", PVPC): (AUTUMN, (25, 171.48, 146.12, 2758.49)),
    # Its prices are those of the autumn day above, made up by whoever recorded it; its form is that of 23 hours.
    ("aiopvpc_PVPC_CURV_DD_2022_03_27.json", PVPC): (date(2022, 3, 27), (23, 171.48, 152.39, 2502.82)),
}
FOLDERS = {
    "ree_apidatos": (Ree, REE),
    "esios_indicators": (Esios, INDICATORS),
    "esios_archive70_pvpc": (EsiosArchive, ARCHIVE),
}
CASES = [
    pytest.param(folder, name, market, day, expected, id=f"{folder}-{name}-{market}")
    for folder, (_, table) in FOLDERS.items()
    for (name, market), (day, expected) in table.items()
]
STATUS = {"error_502_no_data.json": 502, "error_403_incapsula.html": 403}


@contextmanager
def source_at(kind, answer):
    waits = Waits()
    with Loopback(answer) as server:
        urls = {"ree_url": server.url, "esios_url": server.url, "esios_token": "token"}
        settings = load_settings(http_pause_s=0, http_attempts=2, **urls)
        yield kind(settings, sleep=waits.sleep, monotonic=waits.monotonic)


def recorded(data_dir, folder, name):
    return Reply(STATUS.get(name, 200), (data_dir / "api_samples" / folder / name).read_bytes())


@pytest.fixture(scope="module")
def published_pvpc(data_dir):
    return read_prices(data_dir / "prices" / "pvpc_20td_peninsula.csv.gz").frame["price_eur_kwh"]


@pytest.mark.realdata
@pytest.mark.parametrize(("folder", "name", "market", "day", "expected"), CASES)
def test_a_recorded_answer_means_what_it_says(data_dir, folder, name, market, day, expected):
    kind = FOLDERS[folder][0]
    with source_at(kind, recorded(data_dir, folder, name)) as source:
        if not isinstance(expected, tuple):
            with pytest.raises(expected) as caught:
                source.prices(market, day, day)
            assert type(caught.value) is expected
            return
        frame = source.prices(market, day, day)
    prices = frame["price_eur_kwh"]
    count, first, last, total = expected
    assert frame.index.equals(day_grid(day))
    assert len(prices) == count
    assert prices.iloc[0] == float(f"{first}e-3")
    assert prices.iloc[-1] == float(f"{last}e-3")
    assert round(prices.sum(), 8) == float(f"{total}e-3")


@pytest.mark.realdata
@pytest.mark.parametrize("folder", FOLDERS)
def test_no_recorded_answer_is_left_out(data_dir, folder):
    assert {name for name, _ in FOLDERS[folder][1]} == {
        path.name for path in (data_dir / "api_samples" / folder).iterdir()
    }


@pytest.mark.realdata
@pytest.mark.parametrize(("folder", "name", "market", "day", "expected"), CASES)
def test_a_recorded_answer_for_another_day_is_never_stored(data_dir, folder, name, market, day, expected):
    with (
        source_at(FOLDERS[folder][0], recorded(data_dir, folder, name)) as source,
        pytest.raises((MalformedAnswer, NotPublished, KeyRefused)),
    ):
        source.prices(market, day + timedelta(days=2), day + timedelta(days=2))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (folder, name)
        for folder, (_, table) in FOLDERS.items()
        for (name, market), (_, expected) in table.items()
        if market == PVPC and isinstance(expected, tuple) and "CYM" not in name and "2022_03_27" not in name
    ],
)
def test_recorded_pvpc_agrees_with_the_price_file(data_dir, published_pvpc, folder, name):
    kind, table = FOLDERS[folder]
    day = table[name, PVPC][0]
    with source_at(kind, recorded(data_dir, folder, name)) as source:
        prices = source.prices(PVPC, day, day)["price_eur_kwh"]
    assert prices.tolist() == published_pvpc.reindex(prices.index).tolist()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "market", "column", "unit", "count"),
    [
        ("pvpc_20td_peninsula.csv.gz", PVPC, "price_eur_kwh", 1, 40_201),
        ("spot_es.csv.gz", SPOT, "price_es_eur_mwh", 1000, 95_128),
    ],
)
def test_the_real_price_files_are_read_whole(data_dir, file, market, column, unit, count):
    found = read_prices(data_dir / "prices" / file)
    table = pd.read_csv(data_dir / "prices" / file)
    assert (found.market, found.rows, found.resolution) == (market, count, timedelta(hours=1))
    assert (found.blank, found.elsewhere, found.repeated, found.rejected) == (0, 0, 0, [])
    assert [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in found.frame.index] == table["timestamp_utc"].tolist()
    assert found.frame["price_eur_kwh"].tolist() == [round(value / unit, 8) for value in table[column]]
    if market == PVPC:
        firsts = found.frame["first_price_eur_kwh"]
        assert int(firsts.isna().sum()) == 72
        assert int((firsts.notna() & (firsts != found.frame["price_eur_kwh"])).sum()) == 128
        assert found.frame["price_eur_kwh"].max() == 0.95401


TRUTH = wavy_prices(date(2025, 3, 1), date(2025, 12, 31))
LAST_OUT = date(2025, 11, 30)
KINDS = [(Ree, PVPC), (Ree, SPOT), (Esios, PVPC), (Esios, SPOT), (EsiosArchive, PVPC), (Demo, PVPC), (Demo, SPOT)]


@contextmanager
def keeping_promises(kind):
    """Each source with prices up to ``LAST_OUT``."""
    if kind is Demo:
        yield Demo(7, StoppedClock(day_start(LAST_OUT) + timedelta(hours=1)))
    else:
        cents = TRUTH.round(5)
        with source_at(kind, ReePlayer(cents, cents, until=LAST_OUT)) as source:
            yield source


@pytest.mark.parametrize(("kind", "market"), KINDS)
@pytest.mark.parametrize(("day", "count"), [(date(2025, 3, 30), 23), (date(2025, 7, 1), 24), (date(2025, 10, 26), 25)])
def test_a_published_day_is_whole_and_in_the_promised_form(kind, market, day, count):
    with keeping_promises(kind) as source:
        frame = source.prices(market, day, day)
    assert frame.index.equals(day_grid(day))
    assert len(frame) == count
    assert (str(frame.index.tz), frame.index.name, frame.index.unit) == ("UTC", "time", "us")
    assert list(frame.columns) == ["price_eur_kwh"]
    assert frame["price_eur_kwh"].dtype == float
    assert frame["price_eur_kwh"].notna().all()
    assert frame.attrs["resolution"] == timedelta(hours=1)


@pytest.mark.parametrize(("kind", "market"), KINDS)
def test_an_unpublished_day_is_said_to_be_that(kind, market):
    day = LAST_OUT + timedelta(days=2)
    with keeping_promises(kind) as source, pytest.raises(NotPublished) as caught:
        source.prices(market, day, day)
    assert caught.value.source == source.name


@pytest.mark.parametrize(("kind", "market"), [pair for pair in KINDS if pair[0] is not EsiosArchive])
def test_a_range_ends_with_what_is_published(kind, market):
    first = LAST_OUT - timedelta(days=2)
    with keeping_promises(kind) as source:
        frame = source.prices(market, first, first + timedelta(days=9))
    assert frame.index.equals(day_grid(first, LAST_OUT))


@pytest.mark.parametrize(("kind", "market"), [pair for pair in KINDS if pair[0] is not Demo])
def test_values_arrive_as_they_were_published(kind, market):
    day = date(2025, 10, 26)
    start, end = day_bounds(day)
    with keeping_promises(kind) as source:
        prices = source.prices(market, day, day)["price_eur_kwh"]
    assert prices.tolist() == TRUTH[(TRUTH.index >= start) & (TRUTH.index < end)].tolist()


@pytest.mark.parametrize("kind", [Ree, Esios, EsiosArchive])
def test_an_outage_begins_and_ends(kind):
    player = ReePlayer(TRUTH)
    day = date(2025, 7, 1)
    with source_at(kind, player) as source:
        player.outage = True
        with pytest.raises(SourceDown):
            source.prices(PVPC, day, day)
        player.outage = False
        assert len(source.prices(PVPC, day, day)) == 24


def test_a_revision_is_seen_by_the_next_question():
    player = ReePlayer(TRUTH)
    day = date(2025, 7, 1)
    with source_at(Ree, player) as source:
        before = source.prices(PVPC, day, day)["price_eur_kwh"]
        player.revise(day, 5)
        after = source.prices(PVPC, day, day)["price_eur_kwh"]
    assert (after - before).round(8).unique().tolist() == [0.005]


@pytest.mark.realdata
def test_the_player_answers_in_the_recorded_form(data_dir):
    """What the other tests are played with has the keys and the kinds of values of the real thing."""
    path = data_dir / "api_samples" / "ree_apidatos" / "aiopvpc_PRICES_APIDATOS_2021_10_31.json"
    real = json.loads(path.read_text(encoding="utf-8"))
    asked = []
    player = ReePlayer(wavy_prices(AUTUMN, AUTUMN), wavy_prices(AUTUMN, AUTUMN))

    def overheard(request):
        asked.append(player(request))
        return asked[-1]

    with source_at(Ree, overheard) as source:
        source.prices(PVPC, AUTUMN, AUTUMN)
    played = json.loads(asked[0].body)
    assert set(played) == set(real)
    assert [block["id"] for block in played["included"]] == [block["id"] for block in real["included"]]
    for ours, theirs in zip(played["included"], real["included"], strict=True):
        assert set(ours) == set(theirs)
        assert ours["type"] == theirs["type"]
        assert set(ours["attributes"]) <= set(theirs["attributes"])
        rows = zip(ours["attributes"]["values"], theirs["attributes"]["values"], strict=True)
        for row, real_row in rows:
            assert set(row) == set(real_row)
            assert row["datetime"] == real_row["datetime"]
    no_data = json.loads((path.parent / "error_502_no_data.json").read_bytes())
    with source_at(Ree, overheard) as source, pytest.raises(NotPublished):
        source.prices(PVPC, JUNE, JUNE)
    assert (asked[-1].status, json.loads(asked[-1].body)) == (502, no_data)
