import threading
from datetime import date, datetime, timedelta

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock, local_date
from chocofactory.core.config import load_settings
from chocofactory.core.errors import SourceDown, StoreUnavailable
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.domain.prices import DayState
from chocofactory.services.jobs import JobKind, Outcome
from chocofactory.sources.base import IssuedForecast
from chocofactory.tasks import scheduler
from tests.fakes import FakeSource, FakeStation, hourly_weather, wavy_prices
from tests.schedule_kit import catch_up

TODAY = date(2025, 3, 12)
DAYS = 3


def day(offset):
    return TODAY + timedelta(days=offset)


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 12, 10, 30, tzinfo=MADRID))


@pytest.fixture
def source():
    return FakeSource(prices=wavy_prices(day(-10), day(0)))


@pytest.fixture
def factory(tmp_path, clock, source):
    built = bootstrap.build(load_settings(data_dir=tmp_path, catch_up_days=DAYS), clock=clock, sources=[source])
    yield built
    built.close()


def runs(factory):
    return [(run.kind, run.state) for run in factory.jobs.recent()]


def test_what_is_due_is_fetched_and_nothing_else(factory, source):
    factory.ingestion.ingest(PVPC, day(-3), day(-2))
    source.asked.clear()
    catch_up(factory, wait=True)
    assert source.asked == [(PVPC, day(-1), day(0)), (SPOT, day(-3), day(0))]
    assert runs(factory) == [("ingest_prices", "succeeded")]
    assert factory.jobs.recent()[0].requested_by == "scheduler"
    assert factory.prices.span() == (day(-3), day(0))


def test_nothing_is_done_when_all_is_there(factory, source):
    catch_up(factory, wait=True)
    asked = list(source.asked)
    catch_up(factory, wait=True)
    assert source.asked == asked
    assert len(runs(factory)) == 1


def test_tomorrow_is_asked_for_once_it_is_out_market_by_market(factory, source, clock):
    catch_up(factory, wait=True)
    source.asked.clear()
    source.known = wavy_prices(day(-10), day(1))
    clock.at = datetime(2025, 3, 12, 13, 1, tzinfo=MADRID)
    catch_up(factory, wait=True)
    assert source.asked == [(SPOT, day(1), day(1))]
    clock.at = datetime(2025, 3, 12, 20, 16, tzinfo=MADRID)
    catch_up(factory, wait=True)
    assert source.asked[1:] == [(PVPC, day(1), day(1))]
    assert factory.prices.outlook().tomorrow.state is DayState.COMPLETE


def test_without_waiting_it_returns_while_the_run_goes_on(factory, source):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(market, first, last):
        begun.set()
        assert go_on.wait(30)
        return FakeSource.prices(source, market, first, last)

    source.prices = slowly
    catch_up(factory)
    assert begun.wait(30)
    assert runs(factory) == [("ingest_prices", "running")]
    catch_up(factory)  # busy: no second run, no error
    assert runs(factory) == [("ingest_prices", "running")]
    go_on.set()
    factory.jobs._threads.shutdown(wait=True)
    assert runs(factory) == [("ingest_prices", "succeeded")]


def test_a_busy_run_of_prices_does_not_keep_the_others_from_coming(tmp_path, clock):
    factory = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo", demo_days=14), clock=clock)
    go_on = threading.Event()
    factory.jobs.register([JobKind("ingest_prices", lambda params, report: Outcome({"waited": go_on.wait(30)}))])
    factory.jobs.start("ingest_prices", {}, "button")
    catch_up(factory, wait=True)
    go_on.set()
    factory.jobs._threads.shutdown(wait=True)
    kinds = ("ingest_forecast", "ingest_generation", "ingest_prices", "ingest_siar", "ingest_weather")
    assert sorted(runs(factory)) == [(kind, "succeeded") for kind in kinds]
    factory.close()


def test_a_dead_source_is_recorded_and_asked_again_next_time(factory, source):
    source.error = SourceDown("{source} cannot be reached.", source="ree")
    catch_up(factory, wait=True)
    (run,) = factory.jobs.recent()
    assert (run.state, run.error["code"]) == ("failed", "source-down")
    assert factory.health.sources()[0].state == "failing"
    source.error = None
    catch_up(factory, wait=True)
    assert runs(factory)[0] == ("ingest_prices", "succeeded")
    assert factory.health.sources()[0].state == "ok"


def test_a_store_that_does_not_answer_is_no_reason_to_die(factory, source, monkeypatch):
    def away(series, start, end):
        raise StoreUnavailable("The store is locked.")

    monkeypatch.setattr(factory._store, "times", away)
    catch_up(factory, wait=True)
    assert source.asked == []
    assert runs(factory) == []


def test_weather_is_fetched_even_while_the_store_cannot_say_what_is_due(tmp_path, clock, monkeypatch):
    station = FakeStation("aemet", "5279X", "23055")
    hour = clock.now().replace(minute=0)
    station.observed = hourly_weather(hour - timedelta(hours=2), {"temperature_c": [1, 2]})
    station.issued = IssuedForecast(hour, timedelta(hours=1), hourly_weather(hour, {"temperature_c": [3]}))
    factory = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[station])

    def away(*asked, **more):
        raise StoreUnavailable("The store is away.")

    for question in ("times", "latest", "coverage"):
        monkeypatch.setattr(factory._store, question, away)
    catch_up(factory, wait=True)
    assert sorted(runs(factory)) == [("ingest_forecast", "succeeded"), ("ingest_weather", "succeeded")]
    assert station.asked == [(TODAY - timedelta(days=1), TODAY)]  # the last hours of yesterday may be lacking, too
    catch_up(factory, wait=True)
    assert len(runs(factory)) == 2  # not again before its pause is over
    monkeypatch.undo()
    assert factory.weather.current().values["temperature_c"].value == 2
    factory.close()


def test_a_defect_in_a_run_ends_the_run_and_not_the_scheduler(factory):
    def broken(params, report):
        raise ZeroDivisionError

    factory.jobs.register([JobKind("ingest_prices", broken)])
    catch_up(factory, wait=True)
    assert runs(factory) == [("ingest_prices", "failed")]


def test_told_never_the_scheduler_does_not_start(tmp_path, clock, source):
    settings = load_settings(data_dir=tmp_path, catch_up_days=0, train_days=0)
    factory = bootstrap.build(settings, clock=clock, sources=[source])
    assert scheduler.start(factory) is None
    factory.close()
    assert source.asked == []


def test_the_scheduler_catches_up_at_once_and_goes_on_looking(factory):
    done = threading.Event()
    factory.jobs.register([JobKind("ingest_prices", lambda params, report: done.set() or Outcome({}))])
    running = scheduler.start(factory)
    try:
        assert done.wait(30)
        (job,) = running.get_jobs()
        assert job.trigger.interval == timedelta(seconds=scheduler.LOOK_SECONDS)
        assert (job.max_instances, job.coalesce, job.misfire_grace_time) == (1, True, None)
        assert factory.schedule.scheduler().runs
    finally:
        running.shutdown()


def test_of_two_schedulers_on_one_folder_one_looks_and_the_other_takes_over_when_it_ends(factory):
    first, second = scheduler.Watch(factory), scheduler.Watch(factory)
    assert first.look(wait=True)
    assert not second.look(wait=True)
    first.release()
    assert second.look(wait=True)
    assert not first.look(wait=True)
    second.release()


def test_a_state_that_cannot_be_written_does_not_kill_the_scheduler(factory, monkeypatch):
    def away(*_given, **_more):
        raise StoreUnavailable("The state is locked.")

    monkeypatch.setattr(factory.schedule.states, "beat", away)
    watch = scheduler.Watch(factory)
    assert watch.look(wait=True)
    monkeypatch.undo()
    assert watch.look(wait=True)
    assert runs(factory)[0] == ("ingest_prices", "succeeded")
    watch.release()


def test_the_demo_is_full_before_its_first_page(tmp_path, clock):
    settings = load_settings(data_dir=tmp_path, mode="demo", demo_days=14, catch_up_days=0, train_days=0)
    factory = bootstrap.build(settings, clock=clock)
    running = scheduler.start(factory)
    try:
        assert factory.prices.span() == (day(-14), local_date(clock.now()))
        assert factory.gaps.report(day(-14), TODAY) != []
        assert all(entry.gaps == [] for entry in factory.gaps.report(day(-14), TODAY))
        assert set(factory.prices.frame(day(-14), TODAY)["kind"]) == {"simulated"}
        assert set(factory.generation.frame(day(-14), TODAY)["kind"]) == {"simulated"}
        assert factory.generation.days(day(-14), day(-2))["share"].round(9).eq(1).all()
    finally:
        running.shutdown()
        factory.close()
