"""What REST takes and gives about cheap and dear hours to come."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class WindowsQuery(BaseModel):
    """How far."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(
        7, ge=1, le=7, description="Times 24 hours from the present one on", json_schema_extra={"example": 3}
    )


class Window(BaseModel):
    """A stretch of hours."""

    datetime: dt.datetime = Field(description="Start", examples=["2025-12-30T01:00:00+01:00"])
    end: dt.datetime = Field(description="Exclusive", examples=["2025-12-30T06:00:00+01:00"])
    hours: str = Field(description="The same on the wall clock", examples=["01-06h"])
    duration_hours: int = Field(examples=[5])
    avg_price_eur_kwh: float = Field(description="EUR/kWh; of forecast hours the median", examples=[0.08])
    tariff_period: str = Field(description="Those that it touches", examples=["P3"])


class GoodWindow(Window):
    """A cheap one."""

    p05_eur_kwh: float = Field(description="EUR/kWh; with p95 the band that holds 90 % of what its mean may become")
    p95_eur_kwh: float = Field(description="EUR/kWh")
    probability: float = Field(ge=0, le=1, description="That it is among the cheapest tenth of all such stretches")
    kind: Literal["published", "forecast", "simulated"]
    recommended_process: str = Field(description="The block that draws most", examples=["conching"])
    estimated_savings_eur: float = Field(
        description="EUR for one batch in that block, against the mean price of all hours asked for", examples=[9.6]
    )


class BadWindow(Window):
    """A dear one."""

    avg_price: float = Field(description="`avg_price_eur_kwh`", examples=[0.21])


class WindowsSummary(BaseModel):
    """All hours asked for, and what the windows are for."""

    total_optimal_hours: int
    total_avoid_hours: int
    best_price: float = Field(description="Of one hour, EUR/kWh")
    worst_price: float = Field(description="Of one hour, EUR/kWh")
    avg_price_eur_kwh: float = Field(description="Of all hours, EUR/kWh")
    product: str = Field(examples=["standard"])
    process: str = Field(examples=["conching"])
    duration_hours: int = Field(examples=[5])
    energy_kwh: float = Field(description="Of one batch in that block", examples=[240.0])


class WindowsAnswer(BaseModel):
    """Cheap windows, cheapest first, and dear ones, dearest first; none overlap, and there may be none."""

    optimal_windows: list[GoodWindow] = Field(max_length=5)
    avoid_windows: list[BadWindow] = Field(max_length=3)
    summary: WindowsSummary
    issued_at: dt.datetime
    model: str = Field(examples=["ensemble"])
    version: str | None
