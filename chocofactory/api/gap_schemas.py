"""What REST takes and gives about gaps: pydantic models with examples and units."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chocofactory.api.schemas import LocalDate

_AT = "2025-05-05T13:00:00+02:00"
_SERIES = "energy_price{market=pvpc_20td, zone=peninsula}@1h"
What = Literal["prices", "weather", "checked_days", "generation", "siar"]


class GapRecord(BaseModel):
    """A run of missing intervals of one series."""

    series: str = Field(examples=[_SERIES])
    measurement: str = Field(examples=["energy_price"])
    start_time: datetime = Field(examples=[_AT])
    end_time: datetime = Field(description="Excluded", examples=["2025-05-05T14:00:00+02:00"])
    duration_hours: float = Field(examples=[1.0])
    missing_records: int = Field(description="Intervals", examples=[1])
    severity: Literal["minor", "moderate", "critical"] = Field(
        description="Up to 2 h, up to 12 h, more", examples=["minor"]
    )


class LongestGap(BaseModel):
    """The longest gap of a series."""

    start_time: datetime = Field(examples=[_AT])
    end_time: datetime = Field(description="Excluded", examples=["2025-05-05T14:00:00+02:00"])
    duration_hours: float = Field(examples=[1.0])
    missing_records: int = Field(examples=[1])
    severity: Literal["minor", "moderate", "critical"]


class Severities(BaseModel):
    """Gaps by severity: up to 2 h, up to 12 h, more."""

    minor: int = Field(examples=[1])
    moderate: int = Field(examples=[0])
    critical: int = Field(examples=[0])


class Unavailable(BaseModel):
    """Why some intervals cannot be had."""

    intervals: int = Field(examples=[23])
    reason: str = Field(examples=["aemet has the last 24 hours alone."])


class SeriesSummary(BaseModel):
    """What is missing of one series, from its first row to what must be there by now."""

    series: str = Field(examples=[_SERIES])
    measurement: str = Field(examples=["energy_price"])
    keys: dict[str, str] = Field(examples=[{"market": "pvpc_20td", "zone": "peninsula"}])
    status: Literal["complete", "gaps", "empty"]
    start: datetime | None
    end: datetime | None = Field(description="Excluded")
    expected: int = Field(description="Intervals", examples=[8760])
    present: int = Field(examples=[8759])
    missing: int = Field(description="Intervals that are lacking; a day that is there in part counts", examples=[1])
    total_gaps: int = Field(examples=[1])
    severities: Severities
    longest: LongestGap | None
    recoverable: int = Field(description="Missing intervals that some source can still deliver", examples=[1])
    recoverable_days: int = Field(description="Local days to be asked for", examples=[1])
    sources: list[str] = Field(description="Who delivers this series, in the order asked", examples=[["ree"]])
    not_available: int = Field(description="Missing intervals that nobody can be asked for", examples=[0])
    reasons: list[Unavailable]


class Freshness(BaseModel):
    """How far a kind of data reaches."""

    status: Literal["up_to_date", "late", "empty"]
    latest_data: datetime | None = Field(description="Start of the newest interval", examples=[_AT])
    gap_hours: float | None = Field(description="Hours that ought to be there since", examples=[0.0])


class Recommendations(BaseModel):
    """What to do."""

    action_needed: bool = Field(description="Something is missing that can be had")
    suggested_endpoint: str | None = Field(examples=["/api/v1/gaps/backfill"])


class GapsSummary(BaseModel):
    """What is missing, of all series. While the store cannot say, the answer is a 503 and never this."""

    timestamp: datetime
    status: Literal["complete", "gaps", "empty"]
    series: list[SeriesSummary]
    total_gaps: int
    severities: Severities
    missing: int
    recoverable: int
    not_available: int
    ree_prices: Freshness
    weather_data: Freshness
    recommendations: Recommendations


class DetectBody(BaseModel):
    """Which days to look at; by default each series from its first row on."""

    model_config = ConfigDict(extra="forbid")

    start: LocalDate | None = Field(None, description="First local day", json_schema_extra={"example": "2025-05-01"})
    end: LocalDate | None = Field(None, description="Last local day, included")

    @model_validator(mode="before")
    @classmethod
    def _or_nothing(cls, given: object) -> object:
        return {} if given is None else given


class DetectSummary(BaseModel):
    """How many gaps of each kind."""

    total_gaps: int = Field(examples=[1])
    ree_gaps: int = Field(description="Of prices", examples=[1])
    weather_gaps: int = Field(description="Of observed hours", examples=[0])
    other_gaps: int = Field(examples=[0])


class DetectAnswer(BaseModel):
    """The gaps now."""

    timestamp: datetime
    analysis_period: dict[str, LocalDate | None] = Field(examples=[{"start": "2025-05-01", "end": "2025-05-31"}])
    summary: DetectSummary
    gaps: list[GapRecord]
    empty_series: list[str] = Field(description="Series that hold nothing, of which no gap can be told", examples=[[]])


class BackfillQuery(BaseModel):
    """How far back to fill; by default all of the past."""

    model_config = ConfigDict(extra="forbid")

    days_back: int | None = Field(None, ge=1, le=3660, description="Only the last so many local days, and today")


class RangeBody(BaseModel):
    """Which days to fill."""

    model_config = ConfigDict(extra="forbid")

    start_date: LocalDate = Field(description="First local day", json_schema_extra={"example": "2025-05-01"})
    end_date: LocalDate = Field(description="Last local day, included", json_schema_extra={"example": "2025-05-31"})
    source: str | None = Field(None, max_length=64, description="Ask this source alone", examples=["ree"])
    what: What | None = Field(None, description="Fill this alone")
    data_source: Literal["both", "ree", "weather"] = Field("both", description="As the original system had it")
    force: bool = Field(False, description="Fetch again what is there, to learn of revisions")


class NothingToDo(BaseModel):
    """No run was started, and why."""

    status: Literal["no_action_needed"]
    detail: str = Field(examples=["Nothing is missing."])
    missing: int = Field(description="Intervals that are missing all the same", examples=[0])
    recoverable: int = Field(examples=[0])
