"""What people call things: markets, sources, series and jobs, in their language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import FactoryError
from chocofactory.domain.measurements import (
    DAILY,
    DEMAND,
    ENERGY_PRICE,
    GENERATION,
    HOURLY,
    PVPC,
    QUARTER_HOURLY,
    SIAR_DAILY,
    SPOT,
    WEATHER_DAILY,
    WEATHER_OBSERVATION,
)
from components import text
from components.plan_words import called
from components.text import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chocofactory.domain.measurements import Measurement, Series

MARKETS: Mapping[str, str] = {PVPC: N_("PVPC 2.0TD"), SPOT: N_("Day-ahead market")}
_SOURCES: Mapping[str, str] = {
    "ree": N_("REE"),
    "esios": N_("ESIOS"),
    "esios_archive": N_("ESIOS, public archive"),
    "aemet": N_("AEMET"),
    "openweather": N_("OpenWeatherMap"),
    "siar": N_("SIAR"),
    "demo": N_("simulation"),
}
_TECHNOLOGIES: Mapping[str, str] = {
    "combined_cycle": N_("combined cycle"),
    "wind": N_("wind"),
    "hydro": N_("hydropower"),
    "nuclear": N_("nuclear"),
}
_DEMANDS: Mapping[str, str] = {"scheduled": N_("scheduled"), "forecast_latest": N_("latest forecast")}
_SYSTEMS: Mapping[str, str] = {"national": N_("Spain"), "peninsula": N_("Peninsula")}
_FIELDS: Mapping[str, tuple[str, str, int]] = {
    "temperature_c": (N_("Temperature"), "°C", 1),
    "humidity_pct": (N_("Relative humidity"), "%", 0),
    "pressure_hpa": (N_("Pressure at the station"), "hPa", 0),
    "sea_level_pressure_hpa": (N_("Pressure at sea level"), "hPa", 0),
    "wind_direction_deg": (N_("Wind direction"), "°", 0),
    "precipitation_probability_pct": (N_("Chance of precipitation"), "%", 0),
    "temperature_mean_c": (N_("Mean temperature"), "°C", 1),
    "temperature_max_c": (N_("Maximum temperature"), "°C", 1),
    "temperature_min_c": (N_("Minimum temperature"), "°C", 1),
    "humidity_mean_pct": (N_("Mean relative humidity"), "%", 0),
    "humidity_max_pct": (N_("Maximum relative humidity"), "%", 0),
    "humidity_min_pct": (N_("Minimum relative humidity"), "%", 0),
    "wind_ms": (N_("Wind"), "m/s", 1),
    "wind_max_ms": (N_("Strongest wind"), "m/s", 1),
    "radiation_mj_m2": (N_("Solar radiation"), "MJ/m²", 1),
    "precipitation_mm": (N_("Precipitation"), "mm", 0),
    "effective_precipitation_mm": (N_("Effective precipitation"), "mm", 0),
    "et0_mm": (N_("Reference evapotranspiration"), "mm", 0),
}
_JOBS: Mapping[str, str] = {
    "ingest_prices": N_("Fetch prices"),
    "import_prices": N_("Import prices"),
    "ingest_weather": N_("Fetch weather"),
    "ingest_forecast": N_("Fetch the weather forecast"),
    "ingest_climatology": N_("Fetch checked days"),
    "etl_siar": N_("Bring in SIAR days"),
    "ingest_siar": N_("Simulate SIAR days"),
    "ingest_generation": N_("Fetch generation"),
    "import_generation": N_("Import generation"),
    "backfill": N_("Fill gaps"),
    "issue_forecast": N_("Issue a forecast"),
    "plan_production": N_("Plan production"),
    "train_models": N_("Train the price models"),
    "backtest": N_("Try the price models on the past"),
}
MODELS: Mapping[str, str] = {
    "ensemble": N_("ensemble of all"),
    "lear": N_("linear model"),
    "boosting": N_("boosted trees"),
    "kernel": N_("similar weeks"),
    "prophet": N_("Prophet"),
    "naive": N_("same hour last week"),
}
"""What can be asked for a forecast, the best first."""
_ASKERS: Mapping[str, str] = {
    "dashboard": N_("dashboard"),
    "scheduler": N_("scheduler"),
    "cli": N_("command line"),
    "api": N_("API"),
    "training": N_("training"),
}
FROM_SPOT = "from_spot"
"""The model of hours that were told from their day-ahead prices."""
_FILE = "file:"
_VERBATIM = frozenset({"file", "kind", "name", "path", "run_id", "text", "value"})
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SYSTEM_CODE = re.compile(r"\[Errno -?\d+\] ?")
_DECIMALS = re.compile(r"\.(\d)f")
_MOST_DIGITS = 5


def market(name: str) -> str:
    """A market."""
    return _(MARKETS[name])


def source(name: str) -> str:
    """A source, or the file that a value came from."""
    if name.startswith(_FILE):
        return _("file {name}", name=name.removeprefix(_FILE))
    return _(_SOURCES.get(name, name))


def weather_field(name: str) -> str:
    """A field of the weather."""
    return _(_FIELDS[name][0])


def field_unit(name: str) -> str:
    """The unit in which people read a field of the weather."""
    return _FIELDS[name][1]


def field_digits(name: str) -> int:
    """How many decimals of a field of the weather mean something."""
    return _FIELDS[name][2]


def job(kind: str) -> str:
    """A kind of job."""
    return _(_JOBS.get(kind, kind))


def model(name: str) -> str:
    """A model of prices."""
    return _("spot price") if name == FROM_SPOT else _(MODELS.get(name, name))


def asker(name: str) -> str:
    """Who asked for a run."""
    return _(_ASKERS.get(name, name))


def series(one: Series) -> str:
    """A series by what it holds, where, and its interval; those without a name of their own by their keys."""
    if one.measurement not in _SERIES:
        return str(one)
    length = _(_LENGTHS.get(one.resolution, "")) if one.resolution in _LENGTHS else str(one.resolution)
    keys = {key: _NAMED[key](value) if key in _NAMED else value for key, value in one.keys.items()}
    return _("{series}, {length}", series=_(_SERIES[one.measurement], **keys), length=length)


def station(province: str, number: str) -> str:
    """A station of the SIAR network; the demonstration's has the number 0."""
    if number == "0":
        return _("Simulated station")
    return _("Station {province}/{number}", province=province, number=number)


def explain(error: Mapping[str, Any]) -> str:
    """An error as a run or a source keeps it (``message`` and ``fields``), in words for people."""
    return told(error["message"], error["fields"])


def told(message: str, fields: Mapping[str, Any]) -> str:
    """A message in the language spoken, its fields as people write them: names, numbers and days; texts stay."""
    return _(message, **{name: _shown(name, value) for name, value in fields.items()})


@dataclass(frozen=True)
class _Number:
    """A number that fills a field as the language writes it, with the decimals that the template wants or its own."""

    value: float

    def __format__(self, spec: str) -> str:
        asked = _DECIMALS.fullmatch(spec)
        own = len(f"{self.value:.{_MOST_DIGITS}f}".rstrip("0").partition(".")[2])
        return text.number(self.value, int(asked[1]) if asked else min(own, _MOST_DIGITS))


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, FactoryError):
        value = {"message": value.message, "fields": value.fields}
    if isinstance(value, dict):
        return explain(value)
    if name in _NAMED or name in _VERBATIM or isinstance(value, bool):
        return _NAMED[name](str(value)) if name in _NAMED else value
    if isinstance(value, (int, float)):
        return _Number(value)
    if isinstance(value, str) and _DAY.fullmatch(value):
        value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return text.date_range(value, value)
    return value


_LENGTHS: Mapping[timedelta, str] = {
    DAILY: N_("by day"),
    HOURLY: N_("by hour"),
    QUARTER_HOURLY: N_("by quarter of an hour"),
}
_SERIES: Mapping[Measurement, str] = {
    ENERGY_PRICE: "{market}",
    WEATHER_OBSERVATION: N_("Weather observed, {provider} {station}"),
    WEATHER_DAILY: N_("Checked days, {provider} {station}"),
    SIAR_DAILY: N_("SIAR station {province}/{station}"),
    GENERATION: N_("Generation, {technology}, {system}"),
    DEMAND: N_("Demand, {kind}, {system}"),
}
_NAMED: Mapping[str, Callable[[str], str]] = {
    "source": source,
    "provider": source,
    "kind": lambda name: _(_DEMANDS[name]) if name in _DEMANDS else name,
    "technology": lambda name: _(_TECHNOLOGIES[name]) if name in _TECHNOLOGIES else name,
    "system": lambda name: _(_SYSTEMS[name]) if name in _SYSTEMS else name,
    "market": lambda name: market(name) if name in MARKETS else name,
    "model": model,
    "block": called,
    "machine": called,
    "product": called,
    "reason": lambda words: _SYSTEM_CODE.sub("", words),
}
