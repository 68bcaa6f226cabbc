"""The weather sources in front of a server on loopback, for contract tests."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime

from chocofactory.core.clock import StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.sources.aemet import Aemet
from chocofactory.sources.openweather import OpenWeather
from tests.loopback import Loopback, Waits
from tests.weather_player import WeatherPlayer

NOW = datetime(2025, 12, 1, 7, 30, tzinfo=UTC)
TODAY = date(2025, 12, 1)
KEY = "k3y-that-nobody-may-see"  # pragma: allowlist secret


@contextmanager
def weather_at(answer, kind, now=NOW, **settings):
    """A source of ``kind`` that asks a server giving ``answer``; with it the server."""
    waits = Waits()
    with Loopback(answer) as server:
        addresses = {"aemet_url": f"{server.url}/opendata/api", "openweather_url": server.url}
        keys = {"aemet_key": KEY, "openweather_key": KEY}
        quick = {"http_pause_s": 0, "http_attempts": 2, "http_backoff_s": 1, "http_read_timeout_s": 5}
        chosen = load_settings(**{**addresses, **keys, **quick, **settings})
        clock = {"clock": StoppedClock(now)} if kind is OpenWeather else {}
        yield kind(chosen, sleep=waits.sleep, monotonic=waits.monotonic, **clock), server


def player(now=NOW):
    return WeatherPlayer(StoppedClock(now))


def observed(source, first=TODAY, last=TODAY):
    return source.observations(first, last)


def forecast(source):
    return source.forecast()


def daily(source):
    return source.daily(date(2025, 11, 1), date(2025, 11, 30))


QUESTIONS = [
    (Aemet, observed),
    (Aemet, daily),
    (Aemet, forecast),
    (OpenWeather, observed),
    (OpenWeather, forecast),
]
NAMES = [f"{kind.name} {ask.__name__}" for kind, ask in QUESTIONS]
