"""What REST takes and gives about price forecasts, the models behind them, and how right they were."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chocofactory.api.schemas import Period

LONGEST_HORIZON_H = 168
LONGEST_MOMENT = 40


class PriceForecastBody(BaseModel):
    """What to forecast; `{}` is a week from now on, by the model that serves."""

    model_config = ConfigDict(extra="forbid")

    horizon: int = Field(
        LONGEST_HORIZON_H,
        ge=1,
        le=LONGEST_HORIZON_H,
        strict=True,
        description="Hours, counted from the one that `at` falls in",
        examples=[24],
    )
    model: str | None = Field(
        None,
        max_length=40,
        description="`ensemble`, one of its members as `GET /api/v1/models` names them, or `naive`; by default the one "
        "that serves",
        examples=["ensemble"],
    )
    at: str | None = Field(
        None,
        max_length=LONGEST_MOMENT,
        description="Moment to forecast at, with its offset; by default now. Nothing that became known later is used.",
        examples=["2025-12-30T08:00:00+01:00"],
        json_schema_extra={"format": "date-time"},
    )


class HourlyQuery(BaseModel):
    """How far."""

    model_config = ConfigDict(extra="forbid")

    hours: int = Field(
        24, ge=1, le=LONGEST_HORIZON_H, description="Hours from the present one on", json_schema_extra={"example": 48}
    )


class PriceForecastHour(BaseModel):
    """The price of one hour: published and known, or forecast with its quantiles."""

    timestamp: datetime = Field(description="Start of the hour", examples=["2025-12-30T08:00:00+01:00"])
    kind: Literal["published", "forecast", "simulated"] = Field(
        description="`published`: the price itself, not a forecast; `simulated`: the demo's price",
        examples=["forecast"],
    )
    price_eur_kwh: float = Field(description="EUR/kWh; of a forecast its median, `p50_eur_kwh`", examples=[0.1142])
    price_kwh: float = Field(description="The same value, for clients of the original system", examples=[0.1142])
    p05_eur_kwh: float = Field(description="EUR/kWh; with p95 the band that holds 90 % of the prices")
    p25_eur_kwh: float = Field(description="EUR/kWh; with p75 the band that holds 50 % of the prices")
    p50_eur_kwh: float = Field(description="EUR/kWh; the median")
    p75_eur_kwh: float = Field(description="EUR/kWh")
    p95_eur_kwh: float = Field(description="EUR/kWh. Of a published price all quantiles are that price")
    lead_day: int = Field(ge=0, description="Days ahead: 1 is the day of the origin, 0 is published", examples=[1])
    model: str | None = Field(description="Model of this hour; null for a published price", examples=["ensemble"])
    version: str | None = Field(description="Its version; null for a published price, and while none serves")
    tariff_period: str = Field(examples=["P2"])
    source: str = Field(
        description="Where the price is from; `chocofactory` for a forecast, `demo` in the demo", examples=["ree"]
    )


class PriceForecastAnswer(BaseModel):
    """A forecast, hour by hour: published prices as they are, and the model's from the first hour without one."""

    issued_at: datetime = Field(description="When it was made")
    origin: datetime = Field(description="The first hour without a published price: where the model begins")
    model: str = Field(description="The model that forecasts", examples=["ensemble"])
    version: str | None = Field(description="Its version; null while none serves, and so the naive model does")
    from_spot: bool = Field(description="Whether tomorrow was told from the day-ahead prices, out since 13:30")
    reasons: list[str] = Field(description="Why this model forecasts, and what is missing")
    predictions: list[PriceForecastHour]
    total_records: int = Field(description="Hours that are told", examples=[168])
    expected_records: int = Field(description="Hours that were asked for", examples=[168])


class OriginalHour(PriceForecastHour):
    """The same with the original system's names beside."""

    predicted_price: float = Field(description="`price_eur_kwh`, for clients of the original system")
    confidence_lower: float = Field(description="`p05_eur_kwh`: 5 % of the prices are lower")
    confidence_upper: float = Field(description="`p95_eur_kwh`: 5 % of the prices are higher")


class ModelMetrics(BaseModel):
    """What the version proved on days that it had not seen."""

    mae: float | None = Field(description="Mean absolute error of the medians, all lead days together [EUR/kWh]")
    rmse: float | None = Field(description="Root of the mean squared error [EUR/kWh]")
    relative_mae: float | None = Field(description="`mae` divided by that of copying last week", examples=[0.78])
    coverage_90_pct: float | None = Field(description="Share of the prices within p05 to p95", examples=[90.3])
    first_day: date
    last_day: date


class OriginalForecastAnswer(PriceForecastAnswer):
    """The same with the original system's names beside. ``Accept: text/csv`` gives the hours as a table."""

    model_config = ConfigDict(openapi_extra={"content": {"text/csv": {"schema": {"type": "string"}}}})  # type: ignore[typeddict-unknown-key]

    predictions: list[OriginalHour]  # type: ignore[assignment]
    predictions_count: int = Field(description="`total_records`")
    forecast_horizon: int = Field(description="`expected_records`")
    model_type: str = Field(description="`model`")
    model_metrics: ModelMetrics | None = Field(description="Null while no version serves")
    last_training: datetime | None = Field(description="When the version was trained")
    timestamp: datetime = Field(description="`issued_at`")


class ModelPath(BaseModel):
    """Which version."""

    name: str = Field(max_length=64, description="Id of the version, as `GET /api/v1/models` tells it")


class ServingAnswer(BaseModel):
    """The model that serves, and why."""

    model: str = Field(examples=["ensemble"])
    version: str | None = Field(description="Null where the naive model serves")
    since: datetime | None = Field(description="Null where nothing was ever promoted")
    reasons: list[str]


class ModelScore(BaseModel):
    """Scores of one model over one group of hours."""

    model: str
    group: Literal["all", "lead_day", "hour", "month"] = Field(description="What `key` is of", examples=["lead_day"])
    key: int | str = Field(description="Which lead day, hour (of the wall clock) or month; `all`", examples=[1])
    hours: int
    mae_eur_kwh: float | None
    rmse_eur_kwh: float | None
    bias_eur_kwh: float | None = Field(description="Mean of forecast less price")
    pinball_eur_kwh: float | None = Field(description="Mean loss of the five quantiles")
    width_50_eur_kwh: float | None
    width_90_eur_kwh: float | None
    relative_mae: float | None = Field(description="`mae_eur_kwh` divided by the naive model's on the same hours")
    coverage_50_pct: float | None
    coverage_90_pct: float | None


class ModelComparison(BaseModel):
    """Two models on the same hours; a negative difference is for the first. Null with too few origins."""

    model: str
    versus: str = Field(examples=["naive"])
    origins: int | None = Field(description="Forecasts of each that are compared", examples=[60])
    difference_eur_kwh: float | None = Field(description="Mean absolute error of `model` less that of `versus`")
    low: float | None = Field(description="Lower end of the difference's 95 % interval [EUR/kWh]")
    high: float | None = Field(description="Upper end [EUR/kWh]")
    relative: float | None = Field(description="The difference divided by the error of `versus`", examples=[-0.24])
    relative_low: float | None = Field(description="Lower end of its 95 % interval")
    relative_high: float | None
    statistic: float | None = Field(description="Of the test of Diebold and Mariano")
    p_value: float | None


class Proof(BaseModel):
    """A backtest: forecasts of seven days from one midnight after the other, each from what was known then."""

    first_day: date = Field(description="The day that begins at the first of these midnights")
    last_day: date = Field(description="That of the last; hours whose price was not out then do not count")
    origins: int = Field(description="Forecasts made", examples=[60])
    refit_days: int
    scores: list[ModelScore]
    comparisons: list[ModelComparison]
    comparisons_day_1: list[ModelComparison] = Field(description="The same of the first lead day alone")


class ModelAnswer(BaseModel):
    """One version: what one training made."""

    name: str = Field(description="Its id; they sort by time")
    serving: bool
    created_at: datetime
    first_day: date | None = Field(description="First local day that it was trained on")
    last_day: date | None
    hours: int = Field(description="Prices that it was trained on")
    data_hash: str = Field(description="SHA-256 of these prices")
    members: list[str] = Field(examples=[["naive", "lear", "kernel", "boosting"]])
    duration_s: float = Field(description="That its training took")
    size_bytes: int
    damage: str | None = Field(
        description="What is wrong with its files: it cannot serve then, and only its id, members and size are known"
    )
    promoted: bool = Field(description="Whether it was good enough to serve after its training")
    verdict: str | None = Field(description="Why it was promoted, or not")
    proof: Proof | None = Field(description="Scores over all hours")


class ModelDetails(ModelAnswer):
    """One version in full; its proof by lead day, hour and month, too."""

    parameters: dict[str, Any]
    libraries: dict[str, str] = Field(description="Versions of what trained it")


class PromotionAnswer(BaseModel):
    """One change of the version that serves."""

    at: datetime
    version: str | None = Field(description="Null: the naive model")
    requested_by: str = Field(examples=["cli"])
    reason: str


class ModelsAnswer(BaseModel):
    """All versions, newest first, and which one serves."""

    serving: ServingAnswer
    models: list[ModelAnswer]
    total_records: int = Field(description="Versions", examples=[3])
    promotions: list[PromotionAnswer] = Field(description="What served before, newest first")
    reason: str | None = Field(description="Why there is no version")


class FilesCheck(BaseModel):
    """Whether the files of a version are what was written."""

    name: str
    ok: bool
    message: str | None = Field(description="What is wrong; null when nothing is")


class AlarmAnswer(BaseModel):
    """That the forecast became worse than it says, or than it used to be."""

    code: Literal["drift-mae", "drift-coverage"]
    message: str


class DriftAnswer(BaseModel):
    """Recent accuracy of the issued forecasts against the usual; null where unknown."""

    drifting: bool | None = Field(
        description="Null while fewer than 28 of the last 90 days have realised errors, or fewer than 7 of the last 14"
    )
    mae_14d_eur_kwh: float | None = Field(description="Mean absolute error of the last 14 days")
    usual_mae_eur_kwh: float | None = Field(description="Median of such means over 90 days")
    coverage_14d_pct: float | None = Field(description="Share of the last 14 days' prices within the 90 % band")
    alarms: list[AlarmAnswer]


class ValidationAnswer(BaseModel):
    """Whether the models can be trusted. Null means unknown, which is not good."""

    files_ok: bool | None = Field(description="Whether all files are what was written; null without a version")
    files: list[FilesCheck]
    serving: ServingAnswer
    better_than_naive: bool | None = Field(
        description="Whether the serving version's proof shows a smaller error than copying last week; "
        "null without a proof"
    )
    significant: bool | None = Field(description="Whether the whole 95 % interval of that difference is on one side")
    proof: Proof | None = Field(description="Of the serving version, over all hours")
    drift: DriftAnswer


class DeviationQuery(BaseModel):
    """How far back."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(90, ge=1, le=366, description="Local days, today included", json_schema_extra={"example": 30})


class DayDeviation(BaseModel):
    """Errors of the forecasts that fell due on one local day, all lead days together."""

    day: date
    hours: int = Field(description="Forecast hours compared: up to seven, one a lead day, for each hour of the day")
    mae_eur_kwh: float | None
    naive_mae_eur_kwh: float | None = Field(description="Of copying the week before")
    bias_eur_kwh: float | None = Field(description="Mean of forecast less price")
    coverage_50_pct: float | None
    coverage_90_pct: float | None
    mae_14d_eur_kwh: float | None = Field(description="Mean of the 14 days that end here")
    naive_mae_14d_eur_kwh: float | None


class DeviationScores(BaseModel):
    """Errors of a part of the forecast hours."""

    hours: int
    mae_eur_kwh: float | None
    naive_mae_eur_kwh: float | None
    relative_mae: float | None = Field(
        description="Mean error divided by `naive_mae_eur_kwh`, both over the hours that have a price a week before"
    )
    bias_eur_kwh: float | None
    coverage_90_pct: float | None


class LeadDeviation(DeviationScores):
    """Errors of one lead day."""

    lead_day: int = Field(ge=1, le=7)


class DeviationMetrics(BaseModel):
    """Errors of the whole range."""

    mae_eur_kwh: float | None
    naive_mae_eur_kwh: float | None
    bias_eur_kwh: float | None
    coverage_50_pct: float | None
    coverage_90_pct: float | None
    samples_test: int = Field(description="Forecast hours compared")


class DeviationAnswer(BaseModel):
    """How right the issued forecasts were, from the archive; days without any comparison are absent."""

    model_info: ServingAnswer
    validation_metrics: DeviationMetrics
    daily: list[DayDeviation]
    by_lead_day: list[LeadDeviation] = Field(description="Of forecasts that did not know day-ahead prices")
    from_spot: DeviationScores = Field(description="Of the first day as told from its day-ahead prices, counted apart")
    drift: DriftAnswer
    period: Period
    since: date | None = Field(description="First day that an archived forecast speaks of")
    total_records: int = Field(description="Days with realised errors")
    expected_records: int = Field(description="Days of the range")
    reason: str | None = Field(description="Why there is nothing; null when there is something")
