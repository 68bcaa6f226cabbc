"""What REST takes and gives about how favourable hours are for production."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chocofactory.api.forecast_schemas import LONGEST_HORIZON_H, LONGEST_MOMENT
from chocofactory.api.schemas import LocalDate

Class = Literal["optimal", "moderate", "reduced", "halt"]
_UNKNOWN = "null where it is unknown"


class ProductionBody(BaseModel):
    """Which hours: those of a local `date`, or the `hours` that are listed; `{}` is the coming seven days."""

    model_config = ConfigDict(extra="forbid")

    date: LocalDate | None = Field(
        None,
        description="Local day, today up to seven days ahead; its hours that are not over",
        examples=["2025-12-30"],
    )
    hours: list[Annotated[str, Field(max_length=LONGEST_MOMENT)]] | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_HORIZON_H,
        description="Moments with their offset, none of them over; each stands for the hour that it falls in",
        examples=[["2025-12-30T08:00:00+01:00", "2025-12-30T09:00:00+01:00"]],
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.date is not None and self.hours is not None:
            msg = "give date or hours, not both"
            raise ValueError(msg)
        return self


class Parts(BaseModel):
    """What each part adds to the score [points]; their sum is the score."""

    price: float | None = Field(description=_UNKNOWN, examples=[48.0])
    temperature: float | None = Field(description=_UNKNOWN, examples=[25.0])
    humidity: float | None = Field(description=_UNKNOWN, examples=[15.0])


class Judged(BaseModel):
    """How favourable an hour is, and why."""

    score: float | None = Field(ge=0, le=100, description=f"Points; {_UNKNOWN}: nothing is assumed", examples=[88.0])
    class_: Class | None = Field(
        alias="class",
        description="`halt` too where a hard limit of the plant is broken; null where price or weather is unknown",
        examples=["optimal"],
    )
    reasons: list[str] = Field(
        description="What speaks against the hour, the gravest first",
        examples=[["The price of 0.1000 €/kWh costs 12 of 60 points."]],
    )
    parts: Parts
    room_temperature_c: float | None = Field(description=f"degC; {_UNKNOWN}", examples=[22.0])
    room_humidity_pct: float | None = Field(description=f"Relative humidity in %; {_UNKNOWN}", examples=[50.0])


class ProductionHour(Judged):
    """One hour to come, with the price and the weather that its score follows from."""

    timestamp: datetime = Field(description="Start of the hour", examples=["2025-12-30T08:00:00+01:00"])
    price_eur_kwh: float | None = Field(description="EUR/kWh; of a forecast its median", examples=[0.1])
    price_kind: Literal["published", "forecast", "simulated", "unavailable"] = Field(examples=["forecast"])
    tariff_period: str | None = Field(examples=["P2"])
    temperature_c: float | None = Field(description=f"Outside, degC; {_UNKNOWN}", examples=[14.2])
    humidity_pct: float | None = Field(description=f"Outside, %; {_UNKNOWN}", examples=[50.0])
    weather_kind: Literal["observed", "forecast", "climatology", "simulated", "unavailable"] = Field(
        examples=["forecast"]
    )
    weather_source: str | None = Field(description="Who tells the weather", examples=["aemet"])


class ProductionAnswer(BaseModel):
    """Hours to come, each with its score; ``expected_records`` says how many were asked for."""

    timestamp: datetime = Field(description="When it was made")
    rule: str = Field(description="What gives the score: a rule of the plant, nothing that was learnt")
    recommendations: list[ProductionHour]
    total_records: int = Field(description="Hours that are told", examples=[24])
    expected_records: int = Field(description="Hours that the date has, or that were asked for", examples=[24])
    reason: str | None = Field(description="Why some are not told; null when all are")


class ConditionsBody(BaseModel):
    """Price and weather of one hour."""

    model_config = ConfigDict(extra="forbid")

    price_eur_kwh: float = Field(ge=-1, le=10, strict=True, allow_inf_nan=False, description="EUR/kWh", examples=[0.12])
    temperature: float = Field(
        ge=-40, le=60, strict=True, allow_inf_nan=False, description="Outside, degC", examples=[24.0]
    )
    humidity: float = Field(
        ge=0, le=100, strict=True, allow_inf_nan=False, description="Relative, outside, %", examples=[50.0]
    )


class EnergyPrediction(Judged):
    """The same with the original system's names beside."""

    energy_optimization_score: float = Field(ge=0, le=100, description="`score`", examples=[80.8])
    recommendation: str = Field(description="`class`, with a capital", examples=["Optimal"])
    timestamp: datetime = Field(description="When it was asked; the answer does not depend on it")


class ProductionPrediction(Judged):
    """The same with the original system's names beside."""

    production_recommendation: str = Field(description="`class`, with a capital", examples=["Optimal"])
    timestamp: datetime = Field(description="When it was asked; the answer does not depend on it")


class EnergyAnswer(BaseModel):
    """How favourable an hour under these conditions is; ``rule`` says by what."""

    status: Literal["success"] = "success"
    prediction: EnergyPrediction
    rule: str = Field(description="What gives the score: a rule of the plant, nothing that was learnt")


class Analysis(BaseModel):
    """The original system's place of the score."""

    overall_score: float = Field(ge=0, le=100, description="`score`", examples=[80.8])


class ProductionRecommendationAnswer(BaseModel):
    """The same; a rule has no confidence and no probabilities, so none are told."""

    status: Literal["success"] = "success"
    prediction: ProductionPrediction
    analysis: Analysis
    rule: str = Field(description="What gives the score: a rule of the plant, nothing that was learnt")
