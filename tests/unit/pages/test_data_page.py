"""The page of data, asked as a browser asks it: one button fills all gaps, and the page says in words what came."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from app import create_app
from chocofactory.bootstrap import EXTENSION, build
from chocofactory.core.clock import MADRID, StoppedClock, day_grid
from chocofactory.core.config import Settings
from chocofactory.domain.measurements import PVPC, price_series
from tests.dash_client import UPDATE, name, page_asks, pressed
from tests.fakes import FakeSource, wavy_prices

PRICES = wavy_prices(date(2025, 3, 25), date(2025, 4, 2))


@pytest.fixture
def application(tmp_path):
    settings = Settings(_env_file=None, data_dir=tmp_path, log_level="ERROR", locale="en", catch_up_days=0)
    server = create_app(settings).server
    server.extensions[EXTENSION].close()
    source = FakeSource(prices=PRICES, markets=frozenset({PVPC}))
    services = build(settings, clock=StoppedClock(datetime(2025, 4, 2, 10, tzinfo=MADRID)), sources=[source])
    lacking = PRICES.drop(day_grid(date(2025, 3, 30)))
    services.ingestion.keep(price_series(), lacking.rename("price_eur_kwh").to_frame(), "ree")
    server.extensions[EXTENSION] = services
    yield server, services
    services.close()


def test_one_button_fills_all_gaps_and_says_what_came(application):
    server, services = application
    client = server.test_client()

    def asks():
        return {
            name(one.output): one
            for one in page_asks(
                "/data",
                lambda path: client.get(path).get_json(),
                lambda path, payload: client.post(path, json=payload).get_json(),
            )
        }

    answer = client.post(UPDATE, json=pressed(asks()["data-run.data"], "data-fill-all.n_clicks"))
    (run_id,) = answer.get_json()["response"]["data-run"]["data"]
    services.jobs._threads.shutdown(wait=True)
    run = services.jobs.get(run_id)
    assert (run.kind, run.state, run.requested_by, run.result["got"]) == ("backfill", "succeeded", "dashboard", 23)
    watch = asks()["data-progress.children"]
    payload = watch.payload
    for given in payload["inputs"]:
        if given["id"] == "data-run":
            given["value"] = [run_id]
    told = json.dumps(client.post(UPDATE, json=payload).get_json())
    assert "PVPC 2.0TD, by hour: 23 missing, 23 asked for, 23 came" in told
