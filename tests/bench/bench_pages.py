"""Server time of every callback of each page: 4.5 years of PVPC, 11 of spot prices, 25 of SIAR days in the store.

``pytest tests/bench/bench_pages.py -o python_files="bench_*.py" -o addopts="" -s``: each line is one callback, posted
as a browser posts it; ``cold`` right after a write, so that nothing is remembered, ``warm`` when asked again. Times are
in ms, wall and CPU (user + system), as median and 95 % quantile. ``at once`` is a whole page: all its callbacks posted
together to the server's threads, until the last answer.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import numpy as np
import pandas as pd
import pytest

from app import create_app
from chocofactory.bootstrap import EXTENSION
from chocofactory.core.config import Settings
from chocofactory.domain.measurements import price_series
from chocofactory.serving import THREADS
from tests.dash_client import UPDATE, name, page_asks, pressed

pytestmark = pytest.mark.realdata

ROUNDS = 10
PAGES = {
    "overview": "/",
    "prices, 30 days": "/prices",
    "prices, 4.5 years": "/prices?first=2021-06-01&last=2025-12-31",
    "spot, 11 years": "/prices?first=2015-01-01&last=2025-12-31&market=spot_es",
    "production": "/production",
    "forecast": "/forecast?ago=3",
    "models": "/model-health",
    "climate": "/climate",
    "data": "/data",
    "jobs": "/jobs",
}
PRESSED = {
    "prices-download": "prices-export.n_clicks",
    "data-run": "data-fetch.n_clicks",
    "production-download": "production-csv.n_clicks",
    "forecast-download": "forecast-export.n_clicks",
    "models-download": "models-export-realised.n_clicks",
    "climate-download": "climate-export.n_clicks",
}
"""What a reader presses to start the callbacks that a page does not call by itself."""


@pytest.fixture(scope="module")
def server(data_dir, tmp_path_factory):
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("bench"),
        clock_start="2025-12-30T12:00+01:00",
        ree_url="http://127.0.0.1:9",
        esios_url="http://127.0.0.1:9",
        http_attempts=1,
        catch_up_days=0,
        log_level="ERROR",
    )
    application = create_app(settings).server
    factory = application.extensions[EXTENSION]
    files = [str(data_dir / "prices" / f"{each}.csv.gz") for each in ("pvpc_20td_peninsula", "spot_es")]
    assert factory.jobs.run("import_prices", {"files": files}, "bench").state == "succeeded"
    days = [str(file) for file in sorted((data_dir / "weather" / "siar_linares").glob("*.csv"))]
    assert factory.jobs.run("etl_siar", {"files": days}, "bench").state == "succeeded"
    yield application
    factory.close()


@pytest.fixture(scope="module")
def forget(server):
    """Write one price, another one each time: nothing that was remembered counts any longer."""
    factory, numbers = server.extensions[EXTENSION], count()
    index = pd.DatetimeIndex([datetime(2021, 6, 1, tzinfo=UTC)])

    def write():
        frame = pd.DataFrame({"price_eur_kwh": [0.1 + next(numbers) / 1e6]}, index=index)
        assert factory.ingestion.keep(price_series(), frame, "bench")[0].changed == 1

    return write


@pytest.mark.parametrize("state", ["cold", "warm"])
@pytest.mark.parametrize("page", PAGES)
def test_callbacks(benchmark, server, forget, page, state):
    client = server.test_client()
    asks = _asks(client, PAGES[page])
    walls, cpus = {each: [] for each in asks}, {each: [] for each in asks}
    turns = iter(sorted([*asks] * (ROUNDS + 1), key=[*asks].index))

    def prepare():
        output = next(turns)
        if state == "cold":
            forget()
        return (output,), {}

    def post(output):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = client.post(UPDATE, json=asks[output])
        walls[output].append(1000 * (time.perf_counter() - wall))
        cpus[output].append(1000 * (time.process_time() - cpu))
        assert answer.status_code in {200, 204}

    benchmark.pedantic(post, setup=prepare, rounds=len(asks) * (ROUNDS + 1))
    for output in asks:  # the first of each warms up
        _tell(page, state, name(output), walls[output][1:], cpus[output][1:])
    _tell(page, state, "ALL", np.concatenate([one[1:] for one in walls.values()]), np.concatenate([*cpus.values()]))


@pytest.mark.parametrize("page", PAGES)
def test_whole_page_at_once(benchmark, server, forget, page):
    asks = _asks(server.test_client(), PAGES[page])
    together = [ask for output, ask in asks.items() if not ask["changedPropIds"]]
    walls, cpus = [], []

    def post(payload):
        return server.test_client().post(UPDATE, json=payload).status_code

    with ThreadPoolExecutor(THREADS) as threads:

        def load():
            wall, cpu = time.perf_counter(), time.process_time()
            assert set(threads.map(post, together)) <= {200, 204}
            walls.append(1000 * (time.perf_counter() - wall))
            cpus.append(1000 * (time.process_time() - cpu))

        benchmark.pedantic(load, setup=forget, rounds=ROUNDS)
    _tell(page, "cold", f"at once ({len(together)})", walls, cpus)


def _asks(client, address):
    """Each callback's payload: its page's own and those that wait for a press."""
    asks = page_asks(
        address, lambda path: client.get(path).get_json(), lambda *post: client.post(post[0], json=post[1]).get_json()
    )
    out = {}
    for ask in asks:
        trigger = PRESSED.get(name(ask.output).rsplit(".", 1)[0])
        if ask.at_first:
            out[ask.output] = ask.payload
        elif trigger:
            out[ask.output] = pressed(ask, trigger)
    return out


def _tell(page, state, what, wall, cpu):
    (p50, p95), (cpu50, cpu95) = np.quantile(wall, [0.5, 0.95]), np.quantile(cpu, [0.5, 0.95])
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{page:18} {state:5} {what:28} wall {p50:6.0f} {p95:6.0f}   cpu {cpu50:6.0f} {cpu95:6.0f}   {load}")  # noqa: T201
