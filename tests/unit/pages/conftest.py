"""The page of the production plan, with stand-ins for plans and runs."""

from __future__ import annotations

from datetime import date

import pytest

from app import create_app
from chocofactory.bootstrap import EXTENSION
from chocofactory.core.config import Settings
from chocofactory.domain.measurements import price_series
from tests.fakes import wavy_prices
from tests.production_site import Site

KNOWN = wavy_prices(date(2025, 11, 10), date(2025, 12, 1))


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    server = create_app(Settings(_env_file=None, data_dir=folder, log_level="ERROR", locale="en")).server
    services = server.extensions[EXTENSION]
    services.ingestion.keep(price_series(), KNOWN.to_frame(), "ree")
    yield server, services
    services.close()


@pytest.fixture
def site(application):
    return Site(*application)
