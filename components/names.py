"""What people call things: markets, sources, series and jobs, in their language."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chocofactory.domain.measurements import ENERGY_PRICE, PVPC, SPOT, WEATHER_OBSERVATION
from components.text import N_, _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chocofactory.domain.measurements import Series

MARKETS: Mapping[str, str] = {PVPC: N_("PVPC 2.0TD"), SPOT: N_("Day-ahead market")}
_SOURCES: Mapping[str, str] = {
    "ree": N_("REE"),
    "esios": N_("ESIOS"),
    "esios_archive": N_("ESIOS, public archive"),
    "demo": N_("simulation"),
}
_JOBS: Mapping[str, str] = {
    "ingest_prices": N_("Fetching prices"),
    "import_prices": N_("Importing prices"),
    "ingest_weather": N_("Fetching weather"),
}
_ASKERS: Mapping[str, str] = {
    "dashboard": N_("dashboard"),
    "scheduler": N_("scheduler"),
    "cli": N_("command line"),
    "api": N_("API"),
}
_FILE = "file:"


def market(name: str) -> str:
    """A market."""
    return _(MARKETS[name])


def source(name: str) -> str:
    """A source, or the file that a value came from."""
    if name.startswith(_FILE):
        return _("file {name}", name=name.removeprefix(_FILE))
    return _(_SOURCES.get(name, name))


def job(kind: str) -> str:
    """A kind of job."""
    return _(_JOBS.get(kind, kind))


def asker(name: str) -> str:
    """Who asked for a run."""
    return _(_ASKERS.get(name, name))


def series(one: Series) -> str:
    """A series by what it holds, where, and its interval; those without a name of their own by their keys."""
    length = _("by hour") if one.resolution == timedelta(hours=1) else _("by quarter of an hour")
    if one.measurement is WEATHER_OBSERVATION:
        where = one.keys["station"].capitalize()
        return _("Weather in {place}, {length}", place=where, length=length)
    if one.measurement is ENERGY_PRICE:
        return _("{market}, {length}", market=market(one.keys["market"]), length=length)
    return str(one)
