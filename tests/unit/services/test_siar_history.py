from datetime import date, datetime, timedelta

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import load_settings
from tests.schedule_kit import catch_up

TODAY = date(2025, 3, 12)


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 12, 10, 30, tzinfo=MADRID))


@pytest.fixture
def factory(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo", demo_days=14), clock=clock)
    yield built
    built.close()


def test_the_demo_simulates_a_station_of_25_years_and_a_day_each_day(factory, clock):
    due = factory.history.due()
    assert (due[0], due[-1]) == (date(2001, 1, 1), TODAY - timedelta(days=1))
    catch_up(factory, wait=True)
    assert factory.history.due() == []
    (station,) = factory.climate.stations()
    assert (station.name, station.first, station.last) == ("23/0", due[0], due[-1])
    assert (station.days, station.missing, station.kind) == (len(due), 0, "simulated")
    clock.at += timedelta(days=1)
    assert factory.history.due() == [TODAY]


def test_live_history_comes_from_files_alone(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    assert built.history.due() == []
    built.close()
