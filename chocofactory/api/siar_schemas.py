"""What REST takes and gives about SIAR's daily history and the climate that it shows."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from chocofactory.api.schemas import LocalDate
from chocofactory.domain.climate import HOT_C, Limits
from chocofactory.domain.measurements import SIAR_DAILY

_USUAL = Limits()


class EtlBody(BaseModel):
    """Which folder of the server to bring in."""

    model_config = ConfigDict(extra="forbid")

    folder: str = Field(
        min_length=1,
        max_length=1000,
        description="Folder with CSV files, relative to the data folder and within it",
        examples=["siar"],
    )


class RangeQuery(BaseModel):
    """Which days."""

    model_config = ConfigDict(extra="forbid")

    start_date: LocalDate | None = Field(
        None,
        description="First local day; by default the first that is kept",
        json_schema_extra={"example": "2024-01-01"},
    )
    end_date: LocalDate | None = Field(
        None, description="Last local day, included; by default the last", json_schema_extra={"example": "2024-12-31"}
    )


class HistoryQuery(RangeQuery):
    """Which days of which station, and which part of the list."""

    station: str | None = Field(
        None, description="Province and number of a station; by default all", json_schema_extra={"example": "23/17"}
    )
    limit: int = Field(366, ge=1, le=2000, description="Most days of one answer; CSV holds all")
    offset: int = Field(0, ge=0, le=10_000_000, description="Days to leave out at the beginning")


class ClimateQuery(RangeQuery):
    """What an analysis is about."""

    station: str | None = Field(
        None,
        description="Province and number of a station; by default the one with the newest days",
        json_schema_extra={"example": "23/17"},
    )
    pooled: bool = Field(False, description="All stations together, though each has a climate of its own")


class SeasonsQuery(ClimateQuery):
    """What is favourable (means within limits, ends included), and what is hot."""

    temperature_from_c: float = Field(_USUAL.temperature_c[0], ge=-50, le=60, allow_inf_nan=False)
    temperature_to_c: float = Field(_USUAL.temperature_c[1], ge=-50, le=60, allow_inf_nan=False)
    humidity_from_pct: float = Field(_USUAL.humidity_pct[0], ge=0, le=100, allow_inf_nan=False)
    humidity_to_pct: float = Field(_USUAL.humidity_pct[1], ge=0, le=100, allow_inf_nan=False)
    hot_above_c: float = Field(
        HOT_C, ge=-50, le=60, allow_inf_nan=False, description="A day is critical when its MAXIMUM is above"
    )

    @model_validator(mode="after")
    def _in_order(self) -> SeasonsQuery:
        if self.temperature_from_c > self.temperature_to_c or self.humidity_from_pct > self.humidity_to_pct:
            msg = "the end of a limit lies below its beginning"
            raise ValueError(msg)
        return self

    @property
    def limits(self) -> Limits:
        """The limits that were asked for."""
        return Limits((self.temperature_from_c, self.temperature_to_c), (self.humidity_from_pct, self.humidity_to_pct))


class _DayKeys(BaseModel):
    """One day of one station: what its file said in its 24 columns, null where that said nothing."""

    province: str = Field(examples=["23"])
    station: str = Field(description="Number of the station within its province", examples=["17"])
    date: date
    year: int
    day_of_year: int


class _DayOrigin(BaseModel):
    kind: Literal["observed", "simulated"]
    source: str = Field(description="The file that it comes from", examples=["file:J17_Linares_2024.csv"])


_VALUES: dict[str, Any] = {
    field.name: (
        (str if field.kind == "text" else float) | None,
        Field(description=f"{field.description} [{field.unit}]" if field.unit else field.description),
    )
    for field in SIAR_DAILY.fields
}
SiarDay = create_model("SiarDay", __base__=(_DayOrigin, _DayKeys), __doc__=_DayKeys.__doc__, **_VALUES)


class StationAnswer(BaseModel):
    """The days of a station that an answer rests on."""

    station: str = Field(description="Province and number", examples=["23/17"])
    first_day: date
    last_day: date
    days: int = Field(description="Days that are there", examples=[2642])
    missing_days: int = Field(description="Days between the first and the last that are not", examples=[54])
    kind: Literal["observed", "simulated"]


class HistoryAnswer(BaseModel):
    """Days by date and station; a day that is missing is absent. ``Accept: text/csv`` gives all of them as a table."""

    model_config = ConfigDict(openapi_extra={"content": {"text/csv": {"schema": {"type": "string"}}}})  # type: ignore[typeddict-unknown-key]

    days: list[SiarDay]
    total_records: int = Field(description="Days of the whole range", examples=[8931])
    limit: int
    offset: int
    next: str | None = Field(description="Address of the next part; null at the end")
    stations: list[StationAnswer] = Field(description="Every station that is kept")
    reason: str | None = Field(description="Why there is no day; null when there is one")


class AnalysisPeriod(BaseModel):
    """First and last local day that an answer rests on."""

    start: date
    end: date


class BasisAnswer(BaseModel):
    """What an answer rests on."""

    data_source: Literal["siar", "demo"] | None = Field(description="`demo`: simulated; null without any day")
    kind: Literal["observed", "simulated"] | None
    total_records: int = Field(description="Days", examples=[2642])
    analysis_period: AnalysisPeriod | None
    pooled: bool = Field(description="Whether several stations were put together")
    stations: list[StationAnswer]
    reason: str | None = Field(description="Why values are null; null when none is for want of days")


class MonthScore(BaseModel):
    """How favourable a month of the year is, over all its years."""

    month: int = Field(ge=1, le=12)
    name: str = Field(examples=["September"])
    efficiency_score: float = Field(description="Share of favourable days [%]", examples=[48.2])
    avg_temp: float | None = Field(description="Mean temperature [degC]", examples=[23.1])
    optimal_days: int = Field(description="Favourable days", examples=[368])
    critical_days: int = Field(description="Days whose maximum is above the limit", examples=[103])


class MonthAnswer(BaseModel):
    """One month of the year, over all its years."""

    month: int = Field(ge=1, le=12)
    name: str = Field(examples=["September"])
    efficiency: float | None = Field(description="Share of favourable days among `days` [%]", examples=[48.2])
    temp: float | None = Field(description="Mean temperature [degC]")
    humidity: float | None = Field(description="Mean relative humidity [%]")
    optimal_days: int = Field(description="Favourable days")
    critical_days: int = Field(description="Days whose maximum is above the limit, among `days_with_maximum`")
    days: int = Field(description="Days of which both means are known")
    days_with_maximum: int
    unknown_days: int = Field(description="Days of which a mean is missing")
    reason: str | None = Field(description="Why the share is null")


class LimitsAnswer(BaseModel):
    """What counted as favourable and as critical."""

    temperature_c: tuple[float, float] = Field(
        description="Mean temperature of the day, from and to", examples=[[15, 25]]
    )
    humidity_pct: tuple[float, float] = Field(description="Mean humidity of the day, from and to", examples=[[40, 70]])
    hot_above_c: float = Field(description="Maximum of the day", examples=[35])


class SeasonsAnswer(BasisAnswer):
    """How favourable the months of the year are."""

    limits: LimitsAnswer
    best_month: MonthScore | None
    worst_month: MonthScore | None
    all_months: list[MonthAnswer]


class Percentiles(BaseModel):
    """Values that 90, 95 and 99 % of the days do not exceed."""

    p90: float | None
    p95: float | None
    p99: float | None


class ThresholdAnswer(BaseModel):
    """A percentile of one variable, and how often it was exceeded."""

    variable: str = Field(description="Field of the daily history", examples=["temperature_max_c"])
    percentile: float = Field(examples=[95])
    threshold_value: float | None
    unit: str = Field(examples=["degC"])
    occurrences: int = Field(description="Days above it")
    days: int = Field(description="Days of which the variable is known")
    description: str


class SeasonalInsights(BaseModel):
    """The months at both ends."""

    best_month: MonthScore | None
    worst_month: MonthScore | None


class ThresholdsSummary(BaseModel):
    """Percentiles by variable."""

    temperature: Percentiles = Field(description="Of the days' mean temperature [degC]")
    temperature_max: Percentiles = Field(description="Of the days' highest temperature [degC]")
    humidity: Percentiles = Field(description="Of the days' mean humidity [%]")


class ThresholdsAnswer(ThresholdsSummary, BasisAnswer):
    """Percentiles of what harms chocolate."""

    thresholds: list[ThresholdAnswer]


class HotDays(BaseModel):
    """Days whose maximum is above a limit."""

    above_c: float = Field(examples=[35])
    days: int | None = Field(description="Null while no maximum is known")
    of: int = Field(description="Days of which the maximum is known")


class SummaryAnswer(BasisAnswer):
    """The climate in short."""

    status: Literal["ok", "empty"]
    seasonal_insights: SeasonalInsights
    critical_thresholds: ThresholdsSummary
    hot_days: HotDays
