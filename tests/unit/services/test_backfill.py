"""Holes are healed from REE and AEMET as they are played over HTTP, and what cannot be had is told with its reason."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock, day_bounds, day_grid
from chocofactory.core.config import Settings, load_settings
from chocofactory.core.errors import InvalidInput, StoreUnavailable
from chocofactory.domain.measurements import (
    DAILY,
    ENERGY_PRICE,
    GENERATION,
    PVPC,
    SIAR_DAILY,
    SPOT,
    WEATHER_OBSERVATION,
    Series,
    price_series,
)
from tests.fakes import FakeSource, hourly_weather, wavy_generation, wavy_prices
from tests.loopback import Loopback, ReePlayer
from tests.weather_player import WeatherPlayer, temperature_c

FIRST, TODAY = date(2025, 2, 1), date(2026, 1, 20)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def published():
    return {PVPC: wavy_prices(FIRST, TODAY), SPOT: wavy_prices(FIRST, TODAY, level=0.05)}


@pytest.fixture
def clock():
    return StoppedClock(datetime(2026, 1, 20, 10, 30, tzinfo=MADRID))


@pytest.fixture
def ree(published):
    return ReePlayer(published[PVPC], published[SPOT], generation=wavy_generation(FIRST, TODAY - DAY))


@pytest.fixture
def factory(tmp_path, clock, ree):
    weather = WeatherPlayer(clock)
    with Loopback(ree) as prices, Loopback(weather) as sky:
        chosen = Settings(
            _env_file=None,
            data_dir=tmp_path,
            ree_url=prices.url,
            esios_url=prices.url,
            aemet_url=f"{sky.url}/opendata/api",
            openweather_url=sky.url,
            aemet_key="played",
            openweather_key="played",
            http_attempts=1,
            http_pause_s=0,
            http_backoff_s=0,
            http_read_timeout_s=5,
        )
        built = bootstrap.build(chosen, clock=clock)
        yield built
        built.close()


def fill(factory, **params):
    run = factory.jobs.run("backfill", params, "test")
    return run, {line["series"]: line for line in (run.result or {}).get("backfill", ())}


def keep(factory, prices, market=PVPC):
    frame = prices.rename("price_eur_kwh").to_frame()
    factory.ingestion.keep(price_series(market), frame, "ree")


def kept(factory, market=PVPC):
    return factory._store.read(ENERGY_PRICE, *day_bounds(FIRST, TODAY + DAY), market=market)["price_eur_kwh"]


def at(*moment):
    return pd.Timestamp(datetime(*moment, tzinfo=MADRID))


HOLES = {
    "one hour": (at(2025, 5, 5, 13), at(2025, 5, 5, 14), 1),
    "30 hours": (at(2025, 5, 5, 13), at(2025, 5, 6, 19), 30),
    "20 days": (at(2025, 6, 1), at(2025, 6, 21), 480),
    "the day of 23 hours": (at(2025, 3, 29, 20), at(2025, 3, 31, 5), 4 + 23 + 5),
    "the day of 25 hours": (at(2025, 10, 25, 20), at(2025, 10, 27, 5), 4 + 25 + 5),
    "the end of the year": (at(2025, 12, 31, 22), at(2026, 1, 1, 3), 5),
    "a partial day": (at(2025, 5, 5, 7), at(2025, 5, 6), 17),
}


@pytest.mark.parametrize("name", HOLES)
def test_a_hole_is_healed_and_nothing_else_is_asked_for(factory, published, name):
    start, end, hours = HOLES[name]
    whole = published[PVPC]
    keep(factory, whole[(whole.index < start) | (whole.index >= end)])
    run, lines = fill(factory, what="prices", series=str(price_series()))
    line = lines[str(price_series())]
    assert (run.state, line["missing"], line["asked"], line["got"]) == ("succeeded", hours, hours, hours)
    assert line["not_available"] == []
    pd.testing.assert_series_equal(kept(factory), whole, check_names=False, check_freq=False)
    assert set(lines) == {str(price_series())}
    again, lines = fill(factory, what="prices")
    assert (again.state, lines[str(price_series())]["asked"]) == ("succeeded", 0)


def test_the_sources_are_asked_for_the_days_that_are_missing_alone(tmp_path, clock, published):
    source = FakeSource(prices=published[PVPC], markets=frozenset({PVPC}))
    factory = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[source])
    whole = published[PVPC]
    holes = (whole.index.normalize() == pd.Timestamp("2025-05-05", tz="UTC")) | (
        (whole.index >= at(2025, 8, 1)) & (whole.index < at(2025, 8, 3))
    )
    keep(factory, whole[~holes])
    fill(factory)
    assert source.asked == [
        (PVPC, date(2025, 5, 5), date(2025, 5, 6)),  # a day of UTC lies in two local ones
        (PVPC, date(2025, 8, 1), date(2025, 8, 2)),
    ]
    factory.close()


def test_a_revised_day_is_fetched_again_only_when_that_is_asked_for(factory, ree, published):
    keep(factory, published[PVPC])
    day = date(2025, 5, 5)
    ree.revise(day, 7)
    run, _ = fill(factory, first="2025-05-05", last="2025-05-05", source="ree", what="prices")
    start, end = day_bounds(day)
    was = published[PVPC][(published[PVPC].index >= start) & (published[PVPC].index < end)]
    assert kept(factory)[start : end - HOUR].tolist() == was.tolist()
    run, lines = fill(factory, first="2025-05-05", last="2025-05-05", what="prices", force=True)
    line = lines[str(price_series())]
    assert (run.state, line["missing"], line["asked"], line["got"]) == ("succeeded", 0, 24, 24)
    assert line["counts"]["changed"] == 24
    assert kept(factory)[start : end - HOUR].tolist() == pytest.approx((was + 0.007).tolist())
    others = kept(factory).drop(was.index)
    assert others.tolist() == published[PVPC].drop(was.index).tolist()


def test_what_is_there_does_not_count_as_fetched_again_while_the_source_is_down(factory, ree, published):
    keep(factory, published[PVPC])
    ree.outage = True
    run, lines = fill(factory, first="2025-05-05", last="2025-05-05", what="prices", force=True)
    line = lines[str(price_series())]
    assert (run.state, line["asked"], line["got"]) == ("failed", 24, 0)
    assert line["not_available"][0]["intervals"] == 24


def test_generation_is_healed_by_the_day_partial_days_included(factory):
    factory.generation_ingestion.ingest(date(2025, 10, 20), TODAY)
    whole = factory._store.read(GENERATION, *day_bounds(FIRST, TODAY))
    gas = Series(GENERATION, {"technology": "combined_cycle", "system": "national"}, DAILY)
    factory._store.delete(GENERATION, *day_bounds(date(2025, 11, 3)), technology="wind")  # a day that is there in part
    factory._store.delete(GENERATION, *day_bounds(date(2025, 10, 25), date(2025, 10, 27)))
    run, lines = fill(factory, what="generation")
    line = lines[str(gas)]
    assert (run.state, line["asked"], line["got"]) == ("succeeded", 4, 4)
    now = factory._store.read(GENERATION, *day_bounds(FIRST, TODAY))
    order = ["technology"]
    left, right = (
        frame.drop(columns="written_at").reset_index().sort_values(["time", *order]).reset_index(drop=True)
        for frame in (whole, now)
    )
    pd.testing.assert_frame_equal(left, right)


def test_hours_of_weather_that_are_too_old_are_told_with_the_reason(factory, clock):
    aemet = Series(WEATHER_OBSERVATION, {"provider": "aemet", "station": "5279X"})
    (openweather,) = (one for one in factory.weather_ingestion.reaches() if one.keys["provider"] == "openweather")
    hour = clock.now().replace(minute=0)
    for series in (aemet, openweather):
        frame = hourly_weather(hour - 48 * HOUR, {"temperature_c": [5.0]})
        factory._store.write(series, frame, source=series.keys["provider"], written_at=clock.now())
    run, lines = fill(factory, what="weather")
    line = lines[str(aemet)]
    assert (line["missing"], line["asked"], line["got"]) == (47, 24, 12)  # the service gives twelve hours
    reasons = {each["message"]: each["intervals"] for each in line["not_available"]}
    assert reasons == {"{source} has the last {hours} hours alone.": 23, "{source} answered without these.": 12}
    line = lines[str(openweather)]
    assert (line["missing"], line["asked"], line["got"]) == (47, 0, 0)
    (lost,) = line["not_available"]
    assert (lost["intervals"], lost["fields"]) == (47, {"source": "openweather"})
    assert "nothing of the past" in lost["message"]
    assert run.state == "partial"
    there = factory._store.read(WEATHER_OBSERVATION, hour - 12 * HOUR, hour, provider="aemet")["temperature_c"]
    assert there.tolist() == [temperature_c(moment) for moment in there.index.to_pydatetime()]


def test_checked_days_are_asked_for_once_they_are_out(factory):
    run, lines = fill(factory, first="2025-12-01", last="2026-01-20", what="checked_days")
    (line,) = lines.values()
    assert (run.state, line["asked"], line["got"]) == ("succeeded", 47, 47)  # to 16 January, four days ago
    assert line["in_vain"] == []


def test_a_store_that_is_down_is_an_error_and_never_no_gaps(factory, monkeypatch):
    def away(*_):
        raise StoreUnavailable("The store is away.")

    monkeypatch.setattr(factory._store, "times", away)
    run, _ = fill(factory)
    assert (run.state, run.error["code"], run.result) == ("failed", "store-unavailable", None)
    with pytest.raises(StoreUnavailable):
        factory.backfill.due(7)


def test_an_empty_store_is_told_as_empty_and_a_range_fills_it(factory, published):
    run, lines = fill(factory)
    assert all(line["empty"] for line in lines.values())
    assert "ask for a range" in run.message
    run, lines = fill(factory, first="2025-05-05", last="2025-05-06", source="ree")
    got = {line["measurement"]: line["got"] for line in lines.values()}
    assert (run.state, got) == ("succeeded", {"energy_price": 48})
    assert len(kept(factory)) == 48


def test_a_source_that_is_down_fails_the_run_only_when_nothing_came(factory, ree, published):
    keep(factory, published[PVPC].drop(day_grid(date(2025, 5, 5))))
    ree.outage = True
    run, lines = fill(factory, what="prices")
    line = lines[str(price_series())]
    assert (run.state, run.error["code"], line["asked"], line["got"]) == ("failed", "source-down", 24, 0)
    assert line["not_available"][0]["fields"]["source"] in {"ree", "esios_archive"}
    run, _ = fill(factory, first="2026-01-19", last="2026-01-20")
    assert run.state == "partial"  # the weather came


def test_days_of_a_file_are_never_asked_for(factory, clock):
    series = Series(SIAR_DAILY, {"province": "23", "station": "17"}, DAILY)
    days = day_grid(date(2025, 5, 1), date(2025, 5, 3), DAY)[[0, 2]]
    frame = pd.DataFrame({"temperature_mean_c": [1.0, 2.0]}, index=days)
    factory._store.write(series, frame, source="file:x.csv", written_at=clock.now())
    run, lines = fill(factory)
    line = lines[str(series)]
    assert (line["missing"], line["asked"]) == (1, 0)
    assert "import" in line["not_available"][0]["message"]
    assert run.state == "succeeded"


def test_prices_before_the_market_began_are_told_and_not_asked_for(factory):
    _run, lines = fill(factory, first="2021-05-31", last="2021-05-31", what="prices", source="ree")
    line = lines[str(price_series())]
    assert (line["missing"], line["asked"]) == (24, 0)
    assert line["not_available"][0]["fields"] == {"market": PVPC, "earliest": "2021-06-01"}


def test_an_old_hole_is_due_until_it_was_asked_for_in_vain(factory, ree, published, clock):
    whole = published[PVPC]
    keep(factory, whole)
    keep(factory, published[SPOT], SPOT)
    factory.generation_ingestion.ingest(TODAY - 20 * DAY, TODAY)
    assert factory.backfill.due(7) is None
    factory._store.delete(ENERGY_PRICE, *day_bounds(date(2026, 1, 17)), market=PVPC)
    assert factory.backfill.due(7) is None  # the task of prices looks back so far
    assert factory.backfill.due() == {}
    factory._store.delete(ENERGY_PRICE, *day_bounds(date(2025, 5, 5)), market=PVPC)
    assert factory.backfill.due(7) == {}
    ree.outage = True
    fill(factory, source="esios_archive")
    assert factory.backfill.due(7) == {}  # another source may have it
    run, _ = fill(factory)
    assert run.state == "failed"
    assert factory.backfill.due(7) is None
    clock.at += 6 * HOUR + timedelta(minutes=1)
    ree.outage = False
    assert factory.backfill.due(7) == {}
    run, _ = fill(factory)
    assert run.result["got"] >= 48
    assert factory.backfill.due(7) is None


def test_the_scheduler_fills_an_old_hole_by_itself(factory, published, clock):
    keep(factory, published[PVPC].drop(day_grid(date(2025, 5, 5))))
    task = factory.schedule.tasks["gaps"]
    assert (task.kind, task.cadence, task.pause) == ("backfill", "50 * * * *", 6 * HOUR)
    assert task.due() == {}
    factory.jobs.run(task.kind, task.due(), "scheduler")
    assert task.due() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": date(2025, 5, 6), "last": date(2025, 5, 5)},
        {"first": date(2026, 3, 1)},
        {"force": True},
        {"source": "nobody"},
        {"what": "milk"},
    ],
)
def test_what_cannot_be_asked_for_is_refused(factory, wrong):
    with pytest.raises(InvalidInput):
        factory.backfill.params(**wrong)


def test_a_new_length_of_intervals_leaves_no_false_holes_to_be_fetched(tmp_path, clock):
    hours = wavy_prices(date(2025, 9, 1), date(2025, 9, 30))
    grid = day_grid(date(2025, 10, 1), date(2025, 10, 10), timedelta(minutes=15))
    quarters = pd.Series(0.05, index=grid) + (grid.as_unit("s").asi8 % 86400) / 1e7
    source = FakeSource(prices=quarters, markets=frozenset({SPOT}))
    clock.at = datetime(2025, 10, 10, 10, tzinfo=MADRID)
    factory = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[source])
    keep(factory, hours, SPOT)
    fine = price_series(SPOT, resolution=timedelta(minutes=15))
    lacking = quarters.drop(day_grid(date(2025, 10, 5), resolution=timedelta(minutes=15)))
    factory.ingestion.keep(fine, lacking.rename("price_eur_kwh").to_frame(), "ree")
    run, lines = fill(factory)
    assert run.state == "succeeded"
    assert (lines[str(fine)]["asked"], lines[str(fine)]["got"]) == (96, 96)
    assert (lines[str(price_series(SPOT))]["missing"], lines[str(price_series(SPOT))]["asked"]) == (0, 0)
    assert source.asked == [(SPOT, date(2025, 10, 5), date(2025, 10, 5))]
    factory.close()


SPAN = day_grid(date(2025, 10, 20), date(2025, 11, 2))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holes=st.lists(st.tuples(st.integers(1, len(SPAN) - 2), st.integers(1, 60)), min_size=1, max_size=5))
def test_after_a_backfill_from_a_complete_source_nothing_that_can_be_had_is_missing(tmp_path_factory, holes):
    whole = wavy_prices(date(2025, 10, 20), date(2025, 11, 2))
    clock = StoppedClock(datetime(2025, 11, 2, 10, tzinfo=MADRID))
    gone = {place + n for place, length in holes for n in range(length) if place + n < len(SPAN) - 1}
    left = whole.drop(SPAN[sorted(gone)])
    source = FakeSource(prices=whole, markets=frozenset({PVPC}))
    folder = tmp_path_factory.mktemp("filled")
    factory = bootstrap.build(load_settings(data_dir=folder), clock=clock, sources=[source])
    keep(factory, left)
    before = factory._store.read(ENERGY_PRICE, *day_bounds(date(2025, 10, 20), date(2025, 11, 2)))
    run, _ = fill(factory)
    assert (run.state, run.result["asked"], run.result["got"]) == ("succeeded", len(gone), len(gone))
    assert all(not len(one.times) for one in factory.recoveries.all())
    after = factory._store.read(ENERGY_PRICE, *day_bounds(date(2025, 10, 20), date(2025, 11, 2)))
    pd.testing.assert_frame_equal(after.loc[before.index], before)
    assert after["price_eur_kwh"].tolist() == whole.tolist()
    factory.close()


def test_the_demonstration_fills_its_history_as_well(tmp_path, clock):
    factory = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo"), clock=clock)
    factory.history.ingest(date(2025, 10, 1), date(2025, 10, 31))
    whole = factory._store.read(SIAR_DAILY, *day_bounds(date(2025, 10, 1), date(2025, 10, 31)))
    factory._store.delete(SIAR_DAILY, *day_bounds(date(2025, 10, 25), date(2025, 10, 27)))
    run, lines = fill(factory, what="siar")
    (line,) = lines.values()
    assert (run.state, line["sources"], line["asked"], line["got"]) == ("succeeded", ["demo"], 3, 3)
    now = factory._store.read(SIAR_DAILY, *day_bounds(date(2025, 10, 1), date(2025, 10, 31)))
    pd.testing.assert_frame_equal(now.drop(columns="written_at"), whole.drop(columns="written_at"))
    factory.close()
