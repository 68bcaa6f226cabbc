"""How long from typing ``chocofactory run`` to the first complete page, with years of real prices in the store.

``pytest tests/bench/bench_start.py -o python_files="bench_*.py" -o addopts="" -s``: wall time until the document is
there, until the first page's callbacks have all answered, and the CPU time (user + system) of all processes until then.
Modules are compiled once before, as an installer does.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.dash_client import UPDATE, page_asks

pytestmark = pytest.mark.realdata

ROUNDS = 5
PATIENCE_S = 60
PROGRAM = str(Path(sys.executable).parent / "chocofactory")


@pytest.fixture(scope="module")
def environment(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    nowhere = "http://127.0.0.1:9"
    out = {
        **os.environ,
        "CHOCO_DATA_DIR": str(folder / "var"),
        "CHOCO_CLOCK_START": "2025-12-30T12:00+01:00",
        "CHOCO_REE_URL": nowhere,
        "CHOCO_ESIOS_URL": nowhere,
        "CHOCO_HTTP_ATTEMPTS": "1",
        "CHOCO_LOG_LEVEL": "ERROR",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    out.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in ("pvpc_20td_peninsula", "spot_es"):
        path = data_dir / "prices" / f"{name}.csv.gz"
        subprocess.run([PROGRAM, "import", "prices", str(path)], env=out, check=True, capture_output=True, cwd=folder)
    _first_page(out, folder)  # compiles what is imported
    return out, folder


def test_first_page(benchmark, environment):
    told = []
    benchmark.pedantic(lambda: told.append(_first_page(*environment)), rounds=ROUNDS)
    for document, page, cpu in told:
        load = os.getloadavg()[0]
        print(f"document {document:.2f} s, first page {page:.2f} s, CPU {cpu:.2f} s, load {load:.1f}")  # noqa: T201


@pytest.mark.parametrize("arguments", [("--version",), ("config", "--json"), ("status", "--json")], ids=" ".join)
def test_command(benchmark, environment, arguments):
    env, folder = environment
    benchmark.pedantic(
        lambda: subprocess.run([PROGRAM, *arguments], env=env, check=False, capture_output=True, cwd=folder),
        rounds=ROUNDS,
        warmup_rounds=1,
    )


def _first_page(environment: dict[str, str], folder: Path) -> tuple[float, float, float]:
    """Seconds until the document and until the whole page, and CPU seconds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    begin = time.perf_counter()
    program = subprocess.Popen(
        [PROGRAM, "run", "--port", str(port)], env=environment, cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        with requests.Session() as browser, ThreadPoolExecutor(6) as connections:
            _until_listening(port, program)
            browser.get(url, timeout=PATIENCE_S).raise_for_status()
            document = time.perf_counter() - begin
            asks = page_asks(
                "/",
                lambda path: browser.get(url + path, timeout=PATIENCE_S).json(),
                lambda path, payload: browser.post(url + path, json=payload, timeout=PATIENCE_S).json(),
            )
            answers = connections.map(
                lambda ask: requests.post(url + UPDATE, json=ask.payload, timeout=PATIENCE_S).status_code,
                [ask for ask in asks[1:] if ask.at_first],
            )
            assert set(answers) == {200}
        page = time.perf_counter() - begin
        processes = [psutil.Process(program.pid), *psutil.Process(program.pid).children(recursive=True)]
        spent = [each.cpu_times() for each in processes]
        return document, page, sum(one.user + one.system for one in spent)
    finally:
        program.terminate()
        program.wait(PATIENCE_S)


def _until_listening(port: int, program: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert program.poll() is None, "the program ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    pytest.fail("nobody listens")
