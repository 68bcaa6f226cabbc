"""A scripted InfluxDB on loopback, for tests that need its answers and not its memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from chocofactory.core.clock import Clock, SystemClock
from chocofactory.store.base import Nature
from chocofactory.store.influx import InfluxSeriesStore
from chocofactory.store.influx_server import InfluxServer
from chocofactory.store.outbox import Outbox
from tests.loopback import Reply, Request, Waits

TOKEN = "t0ken-that-nobody-may-see"  # pragma: allowlist secret
AWAY = Reply.of_json({"code": "unavailable", "message": "not now"}, 503)
WRITTEN = Reply(204)
REFUSED = Reply.of_json({"code": "unprocessable entity", "message": "field type conflict"}, 422)
FORBIDDEN = Reply.of_json({"code": "unauthorized", "message": "unauthorized access"}, 401)


def csv(*rows: str) -> Reply:
    """A table as InfluxDB answers it: a heading and rows, without their leading columns."""
    lines = [f",{'result,table' if number == 0 else '_result,0'},{row}" for number, row in enumerate(rows)]
    return Reply(200, "\r\n".join([*lines, "", ""]).encode(), {"Content-Type": "text/csv; charset=utf-8"})


@dataclass
class Player:
    """Has a bucket that forgets after ``retention_s`` (None: no bucket), keeps what is written, and knows no row.

    ``queries`` has answers by the measurement that is asked for; ``writes`` are given for one write after the other,
    then the last one for ever; ``away`` is what everything is answered with while it is set.
    """

    retention_s: int | None = 0
    queries: dict[str, Reply] = field(default_factory=dict)
    writes: list[Reply] = field(default_factory=lambda: [WRITTEN])
    away: Reply | None = None
    written: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        known = {
            ("GET", "/api/v2/buckets"): self._bucket,
            ("POST", "/api/v2/buckets"): self._make_bucket,
            ("GET", "/api/v2/orgs"): lambda _: Reply.of_json({"orgs": [{"id": "0123456789abcdef", "name": "o"}]}),
            ("POST", "/api/v2/query"): lambda asked: self.queries.get(parameters(asked)["measurement"], Reply(200)),
            ("POST", "/api/v2/write"): self._write,
        }
        return self.away or known[request.method, request.path](request)

    def rows(self) -> list[str]:
        """What was written, without the points that the store keeps for itself."""
        return [line for line in self.written if not line.startswith("meta_")]

    def _bucket(self, request: Request) -> Reply:
        name = request.query["name"]
        if self.retention_s is None:
            return Reply.of_json({"code": "not found", "message": f'bucket "{name}" not found'}, 404)
        rules = [{"type": "expire", "everySeconds": self.retention_s}]
        return Reply.of_json({"buckets": [{"id": "1", "name": name, "retentionRules": rules}]})

    def _make_bucket(self, request: Request) -> Reply:
        self.retention_s = 0
        return Reply.of_json({"id": "1", "name": json.loads(request.body)["name"], "retentionRules": []}, 201)

    def _write(self, request: Request) -> Reply:
        reply = self.writes.pop(0) if len(self.writes) > 1 else self.writes[0]
        if reply.status == WRITTEN.status:
            self.written += request.body.decode().splitlines()
        return reply


def parameters(request: Request) -> dict[str, str]:
    """The parameters of a query, by name."""
    found = json.loads(request.body)["extern"]["body"]
    return {each["assignment"]["id"]["name"]: each["assignment"]["init"]["value"] for each in found}


def server_at(url: str, waits: Waits | None = None, *, at_leisure: bool = False) -> InfluxServer:
    time = waits or Waits()
    return InfluxServer(url, TOKEN, "o", "bucket", at_leisure=at_leisure, sleep=time.sleep, monotonic=time.monotonic)


def store_at(
    url: str,
    folder: Path,
    waits: Waits | None = None,
    *,
    clock: Clock | None = None,
    limit_mb: int = 1,
    nature: Nature = "real",
) -> InfluxSeriesStore:
    clock = clock or SystemClock()
    outbox = Outbox(folder / "outbox.db", limit_mb, clock)
    return InfluxSeriesStore(server_at(url, waits), outbox, nature, clock)
