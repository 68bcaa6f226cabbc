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
    bytes: int = Field(description="In use, those set aside included", examples=[2048])
    limit_bytes: int = Field(description="Beyond this no write is taken", examples=[256_000_000])
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
