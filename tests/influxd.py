"""A throw-away InfluxDB for tests: its own process, folders, port and token; killed and removed at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests

from chocofactory.core.clock import SystemClock
from chocofactory.store.base import Nature
from chocofactory.store.influx import InfluxSeriesStore
from chocofactory.store.influx_server import InfluxServer
from chocofactory.store.outbox import Outbox

ORG, TOKEN = "tests", "t0ken-of-a-throw-away-server"
WHY_NOT = "no InfluxDB: influxd is not on PATH and CHOCO_TEST_INFLUX_URL (with CHOCO_TEST_INFLUX_TOKEN) is not set"
START_S = 60


@dataclass
class Influxd:
    """A server at ``url``; ``kill`` and ``start`` it as often as a test wants, when it is our own."""

    url: str
    token: str
    org: str
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        assert self.folder is not None
        places = {"bolt": "influxd.bolt", "sqlite": "influxd.sqlite", "engine": "engine"}
        folders = [f"--{name}-path={self.folder / place}" for name, place in places.items()]
        address = f"--http-bind-address={self.url.removeprefix('http://')}"
        quiet = ["--reporting-disabled", "--log-level=error", "--metrics-disabled"]
        command = [shutil.which("influxd") or "influxd", "run", address, *folders, *quiet]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self.folder, start_new_session=True
            )
        until = time.monotonic() + START_S
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, "influxd does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)

    def open(self, bucket: str, folder: Path, nature: Nature = "real", limit_mb: int = 64) -> InfluxSeriesStore:
        clock = SystemClock()
        server = InfluxServer(self.url, self.token, self.org, bucket)
        return InfluxSeriesStore(server, Outbox(folder / "outbox.db", limit_mb, clock), nature, clock)

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/health", timeout=5).ok
        return False


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Influxd | None]:
    """The server that ``CHOCO_TEST_INFLUX_URL`` names, or one of our own, or None where there is none."""
    if url := os.environ.get("CHOCO_TEST_INFLUX_URL"):
        org = os.environ.get("CHOCO_TEST_INFLUX_ORG", ORG)
        yield Influxd(url.rstrip("/"), os.environ.get("CHOCO_TEST_INFLUX_TOKEN", ""), org)
    elif shutil.which("influxd"):
        with own(folder) as made:
            yield made
    else:
        yield None


@contextlib.contextmanager
def own(folder: Path) -> Iterator[Influxd]:
    """A server of our own, set up through its API."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    made = Influxd(f"http://127.0.0.1:{port}", TOKEN, ORG, folder)
    made.start()
    try:
        who = {"username": "tests", "password": "only-for-tests"}  # pragma: allowlist secret
        first = who | {"org": ORG, "bucket": "unused", "token": TOKEN}
        requests.post(f"{made.url}/api/v2/setup", json=first, timeout=30).raise_for_status()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)
