from datetime import date, datetime

import pytest

from chocofactory import bootstrap
from chocofactory.api import create_server
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.domain.measurements import PVPC
from tests.fakes import FakeSource, wavy_prices


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
def server(factory):
    return create_server(factory)


@pytest.fixture
def client(server):
    """Behind a catch-all that answers pages, as Dash has it."""
    server.add_url_rule("/", "home", lambda: "<html>page</html>")
    server.add_url_rule("/<path:path>", "page", lambda path: "<html>page</html>", methods=["GET", "POST", "PUT"])
    return server.test_client()
