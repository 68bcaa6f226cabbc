"""What people call things: markets, sources, series and jobs, in their language."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.domain.measurements import ENERGY_PRICE, PVPC, SPOT, WEATHER_OBSERVATION
from components import text
from components.text import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chocofactory.domain.measurements import Series

MARKETS: Mapping[str, str] = {PVPC: N_("PVPC 2.0TD"), SPOT: N_("Day-ahead market")}
_SOURCES: Mapping[str, str] = {
    "ree": N_("REE"),
    "esios": N_("ESIOS"),
    "esios_archive": N_("ESIOS, public archive"),
    "demo": N_("simulation"),
}
_JOBS: Mapping[str, str] = {
    "ingest_prices": N_("Fetch prices"),
    "import_prices": N_("Import prices"),
    "ingest_weather": N_("Fetch weather"),
    "etl_siar": N_("Bring in SIAR days"),
}
_ASKERS: Mapping[str, str] = {
    "dashboard": N_("dashboard"),
    "scheduler": N_("scheduler"),
    "cli": N_("command line"),
    "api": N_("API"),
}
_FILE = "file:"
_VERBATIM = frozenset({"file", "kind", "name", "path", "run_id", "text", "value"})
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SYSTEM_CODE = re.compile(r"\[Errno -?\d+\] ?")
_MOST_DIGITS = 5


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


def explain(error: Mapping[str, Any]) -> str:
    """An error as a run or a source keeps it (``message`` and ``fields``), in words for people."""
    return told(error["message"], error["fields"])


def told(message: str, fields: Mapping[str, Any]) -> str:
    """A message in the language spoken, its fields as people write them: names, numbers and days; texts stay."""
    return _(message, **{name: _shown(name, value) for name, value in fields.items()})


def _shown(name: str, value: Any) -> Any:
    if name in _NAMED:
        return _NAMED[name](str(value))
    if name in _VERBATIM or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return text.number(value, min(len(f"{value:.{_MOST_DIGITS}f}".rstrip("0").partition(".")[2]), _MOST_DIGITS))
    if isinstance(value, str) and _DAY.fullmatch(value):
        value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return text.date_range(value, value)
    return value


_NAMED: Mapping[str, Callable[[str], str]] = {
    "source": source,
    "market": lambda name: market(name) if name in MARKETS else name,
    "reason": lambda words: _SYSTEM_CODE.sub("", words),
}
