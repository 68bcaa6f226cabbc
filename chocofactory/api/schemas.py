"""What REST takes and gives: pydantic models with examples and units."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _iso_date(value: object) -> object:
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        msg = "a date is written YYYY-MM-DD"
        raise ValueError(msg)
    return value


LocalDate = Annotated[date, BeforeValidator(_iso_date)]


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(examples=["urn:chocofactory:problem:invalid-input"])
    title: str = Field(examples=["Invalid input"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The end 2025-01-01 lies before the start 2025-01-02."])
    instance: str = Field(examples=["/api/v1/ree/prices"])
    reference: str = Field(description="Id under which the log tells more", examples=["4f1c2a"])
    errors: list[dict[str, str]] | None = Field(None, description="One entry a wrong field")


class PricesQuery(BaseModel):
    """Which prices."""

    model_config = ConfigDict(extra="forbid")

    start_date: LocalDate = Field(description="First local day", json_schema_extra={"example": "2025-12-30"})
    end_date: LocalDate | None = Field(
        None,
        description="Last local day, included; by default the first one",
        json_schema_extra={"example": "2025-12-31"},
    )
    tariff_period: Literal["P1", "P2", "P3", "P4", "P5", "P6"] | None = Field(
        None, description="Only hours of this tariff period", json_schema_extra={"example": "P3"}
    )
    market: Literal["pvpc_20td", "spot_es"] = Field(
        "pvpc_20td", description="`pvpc_20td`: regulated hourly price; `spot_es`: day-ahead market"
    )


class PriceRecord(BaseModel):
    """The price of one hour."""

    timestamp: datetime = Field(description="Start of the hour", examples=["2025-12-30T00:00:00+01:00"])
    price_eur_kwh: float = Field(description="EUR/kWh", examples=[0.1142])
    price_kwh: float = Field(description="The same value, for clients of the original system", examples=[0.1142])
    tariff_period: str = Field(examples=["P3"])
    kind: Literal["published", "simulated"] = Field(examples=["published"])
    source: str = Field(examples=["ree"])


class Period(BaseModel):
    """First and last local day, both included."""

    start: date = Field(examples=["2025-12-30"])
    end: date = Field(examples=["2025-12-31"])


class PricesAnswer(BaseModel):
    """Prices of a range; hours that are missing are absent, and ``expected_records`` says how many there should be."""

    prices: list[PriceRecord]
    total_records: int = Field(examples=[48])
    expected_records: int = Field(description="Hours that the range has, published or not", examples=[48])
    average_price: float | None = Field(description="EUR/kWh; null when there is no price", examples=[0.1201])
    min_price: float | None = Field(description="EUR/kWh; null when there is no price", examples=[0.0713])
    max_price: float | None = Field(description="EUR/kWh; null when there is no price", examples=[0.2011])
    period: Period


class RunPath(BaseModel):
    """Which job run."""

    run_id: str = Field(min_length=1, max_length=64, description="Id of the run")


class RunError(BaseModel):
    """Why a run failed."""

    code: str = Field(examples=["source-down"])
    detail: str = Field(examples=["ree cannot be reached."])
    message: str = Field(
        description="`detail` before its fields were filled in", examples=["{source} cannot be reached."]
    )
    fields: dict[str, Any] = Field(examples=[{"source": "ree"}])


class RunAnswer(BaseModel):
    """A job run."""

    id: str
    kind: str = Field(examples=["ingest_prices"])
    requested_by: str = Field(examples=["cli"])
    params: dict[str, Any] = Field(description="What was asked for; files by their names alone")
    state: Literal["queued", "running", "succeeded", "partial", "failed", "interrupted"]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: float = Field(ge=0, le=100, description="Percent")
    message: str
    result: dict[str, Any] | None
    error: RunError | None


class HealthAnswer(BaseModel):
    """The process answers; nothing more is claimed."""

    status: Literal["alive"] = "alive"
    timestamp: datetime
    version: str = Field(examples=["0.1.0"])


class PartAnswer(BaseModel):
    """One needed part."""

    name: str = Field(examples=["series_store"])
    ok: bool
    detail: str = Field(description="What it says when it does not work")
    duration_ms: float


class SourceAnswer(BaseModel):
    """An outside source, as its last calls left it. A source that is down does not make the program unready."""

    name: str = Field(examples=["ree"])
    state: Literal["ok", "failing", "unknown"]
    last_success_at: datetime | None
    last_error_at: datetime | None
    last_error: str | None


class OutboxAnswer(BaseModel):
    """Writes that were taken while the series store's server was away, and wait on disk."""

    entries: int = Field(description="Writes that wait", examples=[3])
    rows: int = Field(examples=[72])
    bytes: int = Field(description="In use by the writes that wait", examples=[2048])
    limit_bytes: int = Field(description="No write is taken beyond it while the server is away", examples=[256_000_000])
    age_s: float | None = Field(description="Seconds that the oldest has waited; null when none waits", examples=[61.5])
    aside_entries: int = Field(description="Writes that the server refused for good, kept apart", examples=[0])
    aside_rows: int = Field(examples=[0])
    aside_reason: str | None


class ReadyAnswer(BaseModel):
    """Whether all needed parts work: 200 when ready, 503 when not."""

    ready: bool
    timestamp: datetime
    parts: list[PartAnswer]
    sources: list[SourceAnswer]
    outbox: OutboxAnswer | None = Field(description="Null where series are kept in the data folder: nothing can wait")


class VersionAnswer(BaseModel):
    """What is running."""

    version: str = Field(examples=["0.1.0"])
    mode: Literal["live", "demo"]
    python_version: str = Field(examples=["3.11.7"])


class WeatherValue(BaseModel):
    """One observed value, or why there is none."""

    value: float | None = Field(examples=[21.4])
    unit: str = Field(examples=["degC"])
    provider: str | None = Field(examples=["aemet"])
    kind: Literal["observed", "simulated", "unavailable"]
    reason: str | None = Field(description="Why the value is null", examples=[None])
    timestamp: datetime | None = Field(
        description="Start of the hour that the value is of", examples=["2025-12-01T09:00:00+01:00"]
    )


class CurrentWeather(BaseModel):
    """The newest observed hour. Every missing value is null, and `reason` (or that of the value) says why."""

    timestamp: datetime | None = Field(description="Start of the hour", examples=["2025-12-01T09:00:00+01:00"])
    age_s: int | None = Field(description="Seconds since the end of the hour; 0 while it is under way", examples=[1200])
    stale: bool | None = Field(description="More than 3 h old: no longer the weather of now")
    source: str = Field(description="Providers, the first one first; `none` without any", examples=["aemet"])
    kind: Literal["observed", "simulated", "unavailable"]
    temperature: float | None = Field(description="degC", examples=[21.4])
    humidity: float | None = Field(description="%", examples=[55])
    pressure: float | None = Field(description="hPa, at the station", examples=[958.2])
    wind_speed: float | None = Field(description="m/s", examples=[2.1])
    values: dict[str, WeatherValue] = Field(description="Every field, with its unit and provenance")
    reason: str | None = Field(description="Why there is nothing at all", examples=[None])


class WeatherHour(BaseModel):
    """One hour; a value that nobody has is null."""

    timestamp: datetime = Field(description="Start of the hour", examples=["2025-12-01T09:00:00+01:00"])
    temperature_c: float | None = Field(examples=[21.4])
    humidity_pct: float | None = Field(examples=[55])
    pressure_hpa: float | None = Field(description="At the station", examples=[958.2])
    sea_level_pressure_hpa: float | None = Field(examples=[1017.3])
    wind_ms: float | None = Field(examples=[2.1])
    wind_direction_deg: float | None = Field(examples=[225])
    precipitation_mm: float | None = Field(examples=[0.0])
    kind: Literal["observed", "forecast", "simulated", "unavailable"]
    providers: dict[str, str] = Field(description="Where each value is from", examples=[{"temperature_c": "aemet"}])
    interpolated: list[str] = Field(description="Fields whose value was not issued for that very hour", examples=[[]])


class ForecastHour(WeatherHour):
    """One hour of a forecast."""

    precipitation_probability_pct: float | None = Field(examples=[10])


class ForecastQuery(BaseModel):
    """How far."""

    model_config = ConfigDict(extra="forbid")

    hours: int = Field(
        120, ge=1, le=120, description="Hours from the present one on", json_schema_extra={"example": 48}
    )


class ForecastAnswer(BaseModel):
    """The blended forecast: a row an hour, each value from the first provider that has it."""

    forecast: list[ForecastHour]
    total_records: int = Field(description="Hours that hold a temperature", examples=[120])
    expected_records: int = Field(examples=[120])
    issued: dict[str, datetime] = Field(description="When each provider issued its forecast in force")
    reason: str | None = Field(description="Why there is nothing", examples=[None])


class ObservedQuery(BaseModel):
    """Which observations."""

    model_config = ConfigDict(extra="forbid")

    start_date: LocalDate = Field(description="First local day", json_schema_extra={"example": "2025-12-01"})
    end_date: LocalDate | None = Field(None, description="Last local day, included; by default the first one")


class ObservedAnswer(BaseModel):
    """Hourly observations of one provider, a row for each hour that is over."""

    weather: list[WeatherHour]
    total_records: int = Field(description="Hours that hold any value", examples=[24])
    expected_records: int = Field(examples=[24])
    period: Period
    reason: str | None = Field(description="Why there is nothing", examples=[None])


class WeatherIngestBody(BaseModel):
    """Which days to ask for; sources have the last day or so."""

    model_config = ConfigDict(extra="forbid")

    start_date: LocalDate | None = Field(None, description="First local day; by default yesterday")
    end_date: LocalDate | None = Field(None, description="Last local day, included; by default today")


class Delivered(BaseModel):
    """What one source delivered."""

    source: str = Field(examples=["aemet"])
    success: bool
    records_written: int = Field(description="Rows new or changed", examples=[12])
    new: int
    changed: int
    unchanged: int
    queued: int = Field(description="Rows that wait for the store's server", examples=[0])
    error: str | None = Field(examples=[None])


class WeatherIngestAnswer(BaseModel):
    """What an ingestion of weather came to; the runs tell more."""

    timestamp: datetime
    complete: bool = Field(description="Every source delivered")
    observations: list[Delivered]
    forecast: list[Delivered]
    runs: list[str] = Field(description="Addresses of the job runs")
