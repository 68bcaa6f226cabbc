"""Every measurement that is kept: name, keys, fields, units. Defined once, for every store.

A **measurement** is a kind of series (``energy_price``). A **series** is one of its instances: a value for each key
(``market=pvpc_20td, zone=peninsula``) and a resolution. The resolution belongs to the series: the day-ahead market went
from hours to quarter-hours on 2025-10-01, and both must fit side by side.

A frame of a series has a UTC ``DatetimeIndex`` named ``time`` (START of the interval, sorted, unique) and the
measurement's fields as columns; missing is NaN (``None`` in text fields) or an absent row, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FieldKind = Literal["number", "text", "flag"]

HOURLY = timedelta(hours=1)
QUARTER_HOURLY = timedelta(minutes=15)
DAILY = timedelta(days=1)


@dataclass(frozen=True)
class Field:
    """One value of a measurement. ``unit`` as people write it; empty for text and flags.

    ``first_of`` names the field whose first value this one remembers: written once with the row (as given, or else as a
    copy of that field) and never overwritten afterwards.
    """

    name: str
    unit: str
    description: str
    kind: FieldKind = "number"
    first_of: str | None = None


@dataclass(frozen=True)
class Measurement:
    """A kind of series.

    ``issued`` marks forecasts: they carry the time at which they were issued as a second time axis, the column
    ``issued_at``, so that no later forecast overwrites an earlier one.
    """

    name: str
    description: str
    keys: tuple[str, ...]
    fields: tuple[Field, ...]
    issued: bool = False

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of all fields, in order."""
        return tuple(f.name for f in self.fields)


@dataclass(frozen=True)
class Series:
    """One series: a measurement, a value for each of its keys, and the length of its intervals."""

    measurement: Measurement
    keys: Mapping[str, str] = field(hash=False)
    resolution: timedelta = HOURLY

    def __post_init__(self) -> None:
        if set(self.keys) != set(self.measurement.keys):
            msg = f"{self.measurement.name} wants the keys {self.measurement.keys}, not {tuple(self.keys)}"
            raise ValueError(msg)
        ordered = {key: str(self.keys[key]) for key in self.measurement.keys}
        object.__setattr__(self, "keys", MappingProxyType(ordered))

    def __str__(self) -> str:
        """For people and logs: ``energy_price{market=pvpc_20td, zone=peninsula}@1h``."""
        inside = ", ".join(f"{key}={value}" for key, value in self.keys.items())
        seconds = int(self.resolution.total_seconds())
        length = f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds // 60}min"
        return f"{self.measurement.name}{{{inside}}}@{length}"


ENERGY_PRICE = Measurement(
    "energy_price",
    "Published electricity prices; each source and market revises some of them days later.",
    keys=("market", "zone"),
    fields=(
        Field("price_eur_kwh", "EUR/kWh", "The value in force"),
        Field(
            "first_price_eur_kwh",
            "EUR/kWh",
            "The value first published, as far as this store saw it or was told",
            first_of="price_eur_kwh",
        ),
        Field("suspect", "", "The day repeats the day before, as a stale answer does", kind="flag"),
    ),
)

_WEATHER_FIELDS = (
    Field("temperature_c", "degC", "Air temperature at 2 m"),
    Field("humidity_pct", "%", "Relative humidity"),
    Field("pressure_hpa", "hPa", "Air pressure at the station"),
    Field("sea_level_pressure_hpa", "hPa", "Air pressure reduced to sea level"),
    Field("wind_ms", "m/s", "Mean wind speed"),
    Field("wind_direction_deg", "deg", "Where the wind comes from, clockwise from north"),
    Field("precipitation_mm", "mm", "Precipitation in the interval"),
)

WEATHER_OBSERVATION = Measurement(
    "weather_observation",
    "Weather as stations measured it.",
    keys=("provider", "station"),
    fields=_WEATHER_FIELDS,
)

WEATHER_FORECAST = Measurement(
    "weather_forecast",
    "Weather as it was forecast, kept apart from observations and by the time of issue.",
    keys=("provider", "place"),
    fields=(
        *_WEATHER_FIELDS,
        Field("precipitation_probability_pct", "%", "Chance of precipitation in the interval"),
    ),
    issued=True,
)

WEATHER_DAILY = Measurement(
    "weather_daily",
    "Daily climatology of a provider's stations, one row a local day, checked by the provider some days later.",
    keys=("provider", "station"),
    fields=(
        Field("temperature_mean_c", "degC", "Mean of the day's extremes, as the provider has it"),
        Field("temperature_max_c", "degC", "Highest air temperature"),
        Field("temperature_max_time", "", "Time of the highest temperature as the provider has it (UTC)", kind="text"),
        Field("temperature_min_c", "degC", "Lowest air temperature"),
        Field("temperature_min_time", "", "Time of the lowest temperature as the provider has it (UTC)", kind="text"),
        Field("humidity_mean_pct", "%", "Mean relative humidity"),
        Field("humidity_max_pct", "%", "Highest relative humidity"),
        Field("humidity_min_pct", "%", "Lowest relative humidity"),
        Field("pressure_max_hpa", "hPa", "Highest air pressure at the station"),
        Field("pressure_min_hpa", "hPa", "Lowest air pressure at the station"),
        Field("wind_ms", "m/s", "Mean wind speed"),
        Field("gust_ms", "m/s", "Strongest gust"),
        Field("gust_direction_deg", "deg", "Where the strongest gust came from, clockwise from north"),
        Field("precipitation_mm", "mm", "Precipitation; a trace counts 0 and is flagged"),
        Field(
            "precipitation_trace", "", "Less than 0.1 mm fell: it rained, but nothing could be measured", kind="flag"
        ),
        Field("sunshine_h", "h", "Sunshine"),
    ),
)

SIAR_DAILY = Measurement(
    "siar_daily",
    "Daily weather of the SIAR network, one row a local day. Numbers of stations are unique within their province.",
    keys=("province", "station"),
    fields=(
        Field("temperature_mean_c", "degC", "Mean air temperature"),
        Field("temperature_max_c", "degC", "Highest air temperature"),
        Field("temperature_max_time", "", "Time of the highest temperature, as the network has it", kind="text"),
        Field("temperature_min_c", "degC", "Lowest air temperature"),
        Field("temperature_min_time", "", "Time of the lowest temperature, as the network has it", kind="text"),
        Field("humidity_mean_pct", "%", "Mean relative humidity"),
        Field("humidity_max_pct", "%", "Highest relative humidity"),
        Field("humidity_max_time", "", "Time of the highest humidity, as the network has it", kind="text"),
        Field("humidity_min_pct", "%", "Lowest relative humidity"),
        Field("humidity_min_time", "", "Time of the lowest humidity, as the network has it", kind="text"),
        Field("wind_ms", "m/s", "Mean wind speed"),
        Field("wind_direction_deg", "deg", "Where the wind came from, clockwise from north"),
        Field("wind_max_ms", "m/s", "Highest wind speed"),
        Field("wind_max_time", "", "Time of the highest wind speed, as the network has it", kind="text"),
        Field("wind_max_direction_deg", "deg", "Where the strongest wind came from, clockwise from north"),
        Field("radiation_mj_m2", "MJ/m2", "Global solar radiation"),
        Field("precipitation_mm", "mm", "Precipitation"),
        Field("effective_precipitation_mm", "mm", "Precipitation of use to plants (PePMon)"),
        Field("et0_mm", "mm", "Reference evapotranspiration, Penman-Monteith (EtPMon)"),
    ),
)

GENERATION = Measurement(
    "generation",
    "Electricity generated, by technology.",
    keys=("technology", "system"),
    fields=(
        Field("energy_mwh", "MWh", "Energy generated in the interval"),
        Field("share", "1", "Share of all generation, 0 to 1"),
    ),
)

DEMAND = Measurement(
    "demand",
    "Electricity demand as it was scheduled, or as the operator's latest forecast has it (never proven day-ahead).",
    keys=("kind", "system"),
    fields=(Field("energy_mwh", "MWh", "Energy in the interval"),),
)

PRICE_FORECAST = Measurement(
    "price_forecast",
    "Price forecasts as they were issued to people and programs, by time of issue; published hours are none.",
    keys=("market", "zone"),
    fields=(
        Field("p05_eur_kwh", "EUR/kWh", "5 % quantile"),
        Field("p25_eur_kwh", "EUR/kWh", "25 % quantile"),
        Field("p50_eur_kwh", "EUR/kWh", "Median"),
        Field("p75_eur_kwh", "EUR/kWh", "75 % quantile"),
        Field("p95_eur_kwh", "EUR/kWh", "95 % quantile"),
        Field("lead_day", "1", "Which day after the last one that was known, from 1"),
        Field("model", "", "The model that said it", kind="text"),
        Field("version", "", "The trained version of that model", kind="text"),
    ),
    issued=True,
)

MEASUREMENTS: Mapping[str, Measurement] = MappingProxyType(
    {
        measurement.name: measurement
        for measurement in (
            ENERGY_PRICE,
            WEATHER_OBSERVATION,
            WEATHER_FORECAST,
            WEATHER_DAILY,
            SIAR_DAILY,
            GENERATION,
            DEMAND,
            PRICE_FORECAST,
        )
    }
)

PVPC = "pvpc_20td"
SPOT = "spot_es"
PENINSULA = "peninsula"


def price_series(market: str = PVPC, zone: str = PENINSULA, resolution: timedelta = HOURLY) -> Series:
    """The series of one market's prices."""
    return Series(ENERGY_PRICE, {"market": market, "zone": zone}, resolution)
