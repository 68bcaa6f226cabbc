"""A client of a scripted server on loopback, for tests."""

from __future__ import annotations

from contextlib import contextmanager

from chocofactory.core.config import load_settings
from chocofactory.sources.http import HttpClient
from tests.loopback import Loopback, Reply, Waits

OK = Reply.of_json({"fine": True})
DOWN = Reply.of_html("<h1>Service Unavailable</h1>", 503)
KEY = "k3y-that-nobody-may-see"  # pragma: allowlist secret


@contextmanager
def client_of(answer, waits=None, *, clock=None, headers=None, params=None, **settings):
    waits = waits or Waits()
    patient = {"http_pause_s": 0, "http_backoff_s": 1, "http_read_timeout_s": 5, **settings}
    with Loopback(answer) as server:
        yield (
            HttpClient(
                "somebody",
                server.url,
                load_settings(**patient),
                headers=headers,
                params=params,
                sleep=waits.sleep,
                monotonic=waits.monotonic,
                clock=clock,
            ),
            server,
        )
