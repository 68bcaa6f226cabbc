from datetime import date, datetime

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.domain.measurements import PVPC
from tests.fakes import FakeSource, wavy_prices
from tests.rest_kit import client_of


@pytest.fixture
def source():
    return FakeSource(prices=wavy_prices(date(2025, 3, 10), date(2025, 3, 12)))


@pytest.fixture
def factory(tmp_path, source):
    clock = StoppedClock(datetime(2025, 3, 12, 10, 30, tzinfo=MADRID))
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[source])
    built.ingestion.ingest(PVPC, date(2025, 3, 10), date(2025, 3, 12))
    yield built
    built.close()


@pytest.fixture
def client(factory):
    """Behind a catch-all that answers pages, as Dash has it."""
    return client_of(factory, pages=True)
