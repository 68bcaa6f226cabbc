"""What a series store refuses, keeps apart and survives; the other half of its contract."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_bounds, day_grid
from chocofactory.core.errors import InvalidInput, MixedProvenance, StoreError
from chocofactory.domain.measurements import (
    ENERGY_PRICE,
    PRICE_FORECAST,
    PVPC,
    QUARTER_HOURLY,
    SPOT,
    Series,
    price_series,
)
from chocofactory.store.base import WriteCounts
from tests.contract_kit import EVER, HOUR, LATER, NOW, PRICES, START, everything, hours, write

# --- refusals


def _frame_with(**change):
    frame = hours([1, 2])
    return frame.assign(**change)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (hours([1, 2]).iloc[[0, 0]], "carry the time"),
        (hours([1, 2], start=START + timedelta(minutes=15)), "not the start of an interval"),
        (hours([1, 2]).tz_localize(None), "times with a zone"),
        (hours([1, 2]).reset_index(drop=True), "times with a zone"),
        (_frame_with(colour=1.0), "no field colour"),
        (hours([1, math.inf]), "infinite"),
        (hours([1, -math.inf]).astype(object), "infinite"),
        (hours([1, math.nan]), "holds no value"),
        (_frame_with(price_eur_kwh=["0,1", "0,2"]), "kind number, not string"),
        (_frame_with(price_eur_kwh=[True, False]), "kind number, not boolean"),
        (_frame_with(suspect=["no", "no"]), "kind flag, not string"),
        (pd.concat([hours([1, 2])] * 2, axis=1), "twice"),
    ],
)
def test_rows_that_cannot_be_right_are_refused_with_a_reason_and_nothing_is_written(store, frame, says):
    with pytest.raises(InvalidInput, match=says):
        write(store, frame)
    assert everything(store).empty


def test_a_time_of_issue_belongs_to_forecasts_and_only_to_them(store):
    forecast = Series(PRICE_FORECAST, {"market": PVPC, "zone": "peninsula"})
    frame = hours([0.1]).rename(columns={"price_eur_kwh": "p50_eur_kwh"})
    with pytest.raises(InvalidInput, match="time of issue"):
        write(store, frame, forecast)
    with pytest.raises(InvalidInput, match="time of issue"):
        write(store, hours([0.1]), issued_at=NOW)
    with pytest.raises(InvalidInput, match="time of issue"):
        store.read(ENERGY_PRICE, *EVER, issued_at=NOW)


def test_a_misspelt_key_is_refused_rather_than_matching_everything(store):
    write(store, hours([1]))
    for ask in (store.read, store.delete):
        with pytest.raises(InvalidInput, match="no key markt"):
            ask(ENERGY_PRICE, *EVER, markt=PVPC)
    with pytest.raises(InvalidInput, match="no key markt"):
        store.latest(ENERGY_PRICE, markt=PVPC)
    assert len(everything(store)) == 1


def test_simulated_and_real_data_never_share_a_store(backend):
    real, simulated = backend.open(backend.place(), "real"), backend.open(backend.place(), "simulated")
    with pytest.raises(MixedProvenance):
        write(real, hours([1]), source="demo")
    with pytest.raises(MixedProvenance):
        write(simulated, hours([1]), source="file:prices.csv")
    assert write(simulated, hours([1]), source="demo").new == 1
    assert everything(real).empty


def test_a_store_remembers_its_nature(backend):
    place = backend.place()
    backend.open(place, "simulated").close()
    with pytest.raises(MixedProvenance, match=str(place)):
        backend.open(place, "real")
    backend.open(place, "simulated")


def test_a_closed_store_says_so_instead_of_answering_empty(backend):
    store = backend.open(backend.place())
    store.close()
    with pytest.raises(StoreError):
        store.read(ENERGY_PRICE, *EVER)


# --- series, keys, resolutions, issues


def test_quarter_hours_live_beside_hours_of_the_same_market(store):
    quarters = price_series(SPOT, resolution=QUARTER_HOURLY)
    write(store, hours([1, 2]), price_series(SPOT))
    write(store, hours([10, 11, 12, 13], step=QUARTER_HOURLY), quarters)
    both = everything(store, market=SPOT)
    assert both["price_eur_kwh"].tolist() == [10, 1, 11, 12, 13, 2]  # the finer one first at the same time
    fine = store.read(ENERGY_PRICE, *EVER, market=SPOT, resolution=QUARTER_HOURLY)
    assert fine["price_eur_kwh"].tolist() == [10, 11, 12, 13]
    assert fine.index.is_unique
    assert len(store.times(quarters, *EVER)) == 4
    assert len(store.times(price_series(SPOT), *EVER)) == 2
    assert store.series() == [quarters, price_series(SPOT)]


def test_reading_several_series_sorts_by_time_and_then_by_key(store):
    for market in ("b", "c", "a"):
        write(store, hours([1, 2]), price_series(market), source=f"file:{market}")
    frame = everything(store)
    assert frame["market"].tolist() == ["a", "b", "c"] * 2
    assert frame["source"].tolist() == ["file:a", "file:b", "file:c"] * 2
    assert everything(store, market="b")["market"].tolist() == ["b", "b"]
    assert everything(store, market="b")["market"].cat.categories.tolist() == ["b"]
    assert everything(store, market="nowhere").empty


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE series; --",
        '", "zone": "x',
        "%",
        "_vpc_20td",
        "pvpc\\",
        "a,b=c d",
        "\n\t\x00",
        "España €🍫",
        "",
        "*",
        "\udc80",
    ],
)
def test_any_text_is_safe_as_a_key_and_matches_itself_alone(store, text):
    write(store, hours([1]))
    write(store, hours([2, 3]), price_series(text))
    assert everything(store, market=text)["price_eur_kwh"].tolist() == [2, 3]
    assert set(store.series()) == {PRICES, price_series(text)}
    assert store.delete(ENERGY_PRICE, *EVER, market=text) == 2
    assert everything(store)["price_eur_kwh"].tolist() == [1]


def test_the_extent_is_that_of_the_one_series_and_follows_what_is_written_and_deleted(store):
    assert store.extent(PRICES) is None
    write(store, hours([1, 2, 3]))
    write(store, hours([4], START - 9 * HOUR), price_series(SPOT))
    write(store, hours([5], START + 9 * HOUR, QUARTER_HOURLY), price_series(resolution=QUARTER_HOURLY))
    assert store.extent(PRICES) == (START, START + 2 * HOUR)
    assert store.extent(price_series(SPOT)) == (START - 9 * HOUR, START - 9 * HOUR)
    assert store.extent(PRICES)[0].utcoffset() == timedelta(0)
    store.delete(ENERGY_PRICE, START, START + HOUR, market=PVPC)
    assert store.extent(PRICES) == (START + HOUR, START + 2 * HOUR)
    store.delete(ENERGY_PRICE, *EVER)
    assert store.extent(PRICES) is None  # a series that is known and empty


def test_the_extent_of_forecasts_is_that_of_all_issues(store):
    forecast = Series(PRICE_FORECAST, {"market": PVPC, "zone": "peninsula"})
    for start, issued in ((START + 5 * HOUR, NOW), (START, LATER)):
        frame = hours([0.1, 0.2], start).rename(columns={"price_eur_kwh": "p50_eur_kwh"})
        write(store, frame, forecast, issued_at=issued)
    assert store.extent(forecast) == (START, START + 6 * HOUR)


def test_no_later_forecast_overwrites_an_earlier_one(store):
    forecast = Series(PRICE_FORECAST, {"market": PVPC, "zone": "peninsula"})
    frame = hours([0.1, 0.2, 0.3]).rename(columns={"price_eur_kwh": "p50_eur_kwh"})
    assert write(store, frame, forecast, issued_at=LATER).new == 3
    assert write(store, frame + 1, forecast, issued_at=NOW).new == 3
    assert write(store, frame, forecast, issued_at=LATER).unchanged == 3
    first = store.read(PRICE_FORECAST, *EVER, issued_at=NOW)
    assert first["p50_eur_kwh"].tolist() == [1.1, 1.2, 1.3]
    assert set(first["issued_at"]) == {pd.Timestamp(NOW)}
    both = store.read(PRICE_FORECAST, *EVER)
    assert both["p50_eur_kwh"].tolist() == [1.1, 0.1, 1.2, 0.2, 1.3, 0.3]  # by time, then by issue
    assert len(store.times(forecast, *EVER)) == 3
    assert store.latest(PRICE_FORECAST)["p50_eur_kwh"] == 0.3
    assert store.latest(PRICE_FORECAST)["issued_at"] == pd.Timestamp(LATER)
    assert store.delete(PRICE_FORECAST, START, START + HOUR) == 2


def test_latest_is_the_last_row_as_reading_gives_it(store):
    assert store.latest(ENERGY_PRICE) is None
    write(store, hours([1, 2, 3], suspect=pd.array([None, True, False], dtype="boolean")))
    write(store, hours([4]), price_series(SPOT))
    for before, expected in ((None, 2), (START + 2 * HOUR, 1), (START + HOUR, 0)):
        row = store.latest(ENERGY_PRICE, market=PVPC, before=before)
        same = everything(store, market=PVPC).iloc[expected]
        assert row.name == same.name
        assert row.index.tolist() == same.index.tolist()
        assert [str(value) for value in row] == [str(value) for value in same]
        assert {type(row["written_at"]), type(row["resolution"])} == {pd.Timestamp, pd.Timedelta}
    assert store.latest(ENERGY_PRICE, before=START) is None
    assert store.latest(ENERGY_PRICE)["price_eur_kwh"] == 3
    assert store.latest(ENERGY_PRICE, market=SPOT)["price_eur_kwh"] == 4
    assert store.latest(ENERGY_PRICE, resolution=QUARTER_HOURLY) is None


def test_delete_removes_the_matching_rows_of_the_range_alone(store):
    write(store, hours([1, 2, 3, 4]))
    write(store, hours([1, 2, 3, 4]), price_series(SPOT))
    assert store.delete(ENERGY_PRICE, START + HOUR, START + 3 * HOUR, market=PVPC) == 2
    assert everything(store, market=PVPC)["price_eur_kwh"].tolist() == [1, 4]
    assert len(everything(store, market=SPOT)) == 4
    revision = store.revision()
    assert store.delete(ENERGY_PRICE, START + HOUR, START + 3 * HOUR, market=PVPC) == 0
    assert store.revision() == revision


def test_the_revision_is_seen_by_others_who_share_the_store(backend):
    place = backend.place()
    one, other = backend.open(place), backend.open(place)
    before = other.revision()
    write(one, hours([1]))
    assert other.revision() > before
    assert other.series() == [PRICES]
    assert other.latest(ENERGY_PRICE)["price_eur_kwh"] == 1


def test_everything_is_there_after_opening_again(backend):
    place = backend.place()
    store = backend.open(place)
    write(store, hours([1, 2]))
    kept, revision = everything(store), store.revision()
    store.close()
    again = backend.open(place)
    pd.testing.assert_frame_equal(everything(again), kept)
    assert again.revision() == revision


# --- days


@pytest.mark.parametrize(
    ("day", "length"),
    [
        (date(2026, 10, 25), 25),
        (date(2027, 3, 28), 23),
        (date(2030, 3, 31), 23),
        (date(2030, 10, 27), 25),
        (date(2030, 7, 1), 24),
    ],
)
def test_a_day_of_23_or_25_hours_keeps_each_of_them_once(store, day, length):
    grid = day_grid(day)
    values = np.arange(float(len(grid)))
    write(store, pd.DataFrame({"price_eur_kwh": values}, index=grid.tz_convert("Europe/Madrid")))
    frame = store.read(ENERGY_PRICE, *day_bounds(day))
    assert len(frame) == length
    assert frame["price_eur_kwh"].tolist() == values.tolist()
    coverage = store.coverage(PRICES, day - timedelta(days=1), day)
    assert coverage["present"].tolist() == [0, length]
    assert coverage["expected"].tolist() == [24, length]


def test_a_missing_hour_shows_in_the_coverage_of_its_day_alone(store):
    grid = day_grid(date(2025, 6, 1), date(2025, 6, 3))
    frame = pd.DataFrame({"price_eur_kwh": 0.1}, index=grid).drop(grid[30])
    write(store, frame)
    assert store.coverage(PRICES, date(2025, 6, 1), date(2025, 6, 3))["present"].tolist() == [24, 23, 24]


# --- many hands


def test_threads_write_and_read_one_store_without_losing_a_row(store):
    def work(number):
        series = price_series(f"m{number}")
        for day in range(5):
            write(store, hours(range(24), start=START + timedelta(days=day)), series)
            assert len(store.read(ENERGY_PRICE, *EVER, market=f"m{number}")) == 24 * (day + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(everything(store)) == 8 * 5 * 24


@pytest.mark.realdata
def test_years_of_real_prices_come_back_exactly_and_are_written_once(store, data_dir):
    raw = pd.read_csv(data_dir / "prices" / "pvpc_20td_peninsula.csv.gz")
    columns = {"price_eur_kwh": "price_eur_kwh", "price_first_published_eur_kwh": "first_price_eur_kwh"}
    frame = raw.rename(columns=columns)[[*columns.values()]]
    frame.index = pd.DatetimeIndex(pd.to_datetime(raw["timestamp_utc"], utc=True))
    assert write(store, frame) == WriteCounts(new=len(frame))
    assert write(store, frame, source="esios") == WriteCounts(unchanged=len(frame))
    back = everything(store)
    pd.testing.assert_frame_equal(back[frame.columns], frame, check_names=False, check_freq=False, check_exact=True)
    assert (back["price_eur_kwh"] != back["first_price_eur_kwh"]).any()  # revisions are in it
