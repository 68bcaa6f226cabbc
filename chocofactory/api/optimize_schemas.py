"""What REST takes and gives about production plans."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chocofactory.api.forecast_schemas import LONGEST_MOMENT
from chocofactory.api.schemas import LocalDate

MOST_DAYS = 7
MOST_ENTRIES = 100
MOST_KG = 100_000
Text = Annotated[str, Field(min_length=1, max_length=60)]
BatchName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$", examples=["S26-1"])]
Moment = Annotated[
    str, Field(max_length=LONGEST_MOMENT, description="ISO 8601 with offset", examples=["2025-12-30T08:00:00+01:00"])
]
Due = Annotated[int, Field(ge=0, le=1000, strict=True, description="Batches", examples=[4])]
There = Annotated[int, Field(ge=-1000, le=1000, strict=True, description="Batches", examples=[2])]
Status = Literal["optimal", "feasible", "infeasible"]
Kind = Literal["published", "forecast", "simulated"]


class RunningBatch(BaseModel):
    """A batch that is under way, or that must stay as it is."""

    model_config = ConfigDict(extra="forbid")

    name: BatchName
    product: Text = Field(examples=["standard"])
    starts: list[Moment] = Field(
        min_length=1, max_length=20, description="When its first blocks began or begin, in their order"
    )


class OutageBody(BaseModel):
    """Units of a machine that cannot be used."""

    model_config = ConfigDict(extra="forbid")

    machine: Text = Field(examples=["conche"])
    units: int = Field(1, ge=1, le=1000, strict=True, description="How many of them")
    start: Moment
    end: Moment = Field(description="Exclusive")


class Stretch(BaseModel):
    """A time in which nobody is there."""

    model_config = ConfigDict(extra="forbid")

    start: Moment
    end: Moment = Field(description="Exclusive")


class PlanBody(BaseModel):
    """The plan that is wanted; `{}` is one for as many days as prices reach, seven at most."""

    model_config = ConfigDict(extra="forbid")

    date: LocalDate | None = Field(
        None,
        description="First local day: today from now on, a later one from its midnight, a past one as it could have "
        "been planned then. By default from now on where a plan is in force, else from the next midnight",
        examples=["2025-12-30"],
    )
    days: int | None = Field(
        None, ge=1, le=MOST_DAYS, strict=True, description="Local days; 1 is answered at once", examples=[1]
    )
    slot_minutes: Literal[15, 30] = Field(15, description="Batches start every so many minutes")
    targets: dict[LocalDate, dict[Text, Due]] | None = Field(
        None,
        max_length=MOST_DAYS,
        description="Batches due at the end of a local day by product, in place of the plant's on that day",
        examples=[{"2025-12-30": {"standard": 4, "premium": 0}}],
    )
    stock: dict[Text, There] | None = Field(
        None,
        description="Finished batches at the start by product, below zero where owed; by default as the plan in force "
        "leaves it",
        examples=[{"standard": 2}],
    )
    running: list[RunningBatch] | None = Field(
        None, max_length=MOST_ENTRIES, description="By default those of the plan in force; `[]`: none"
    )
    locks: list[BatchName] | None = Field(
        None,
        max_length=MOST_ENTRIES,
        description="Batches of the plan in force that stay as they are",
        examples=[["S26-1"]],
    )
    lost: list[BatchName] | None = Field(
        None,
        max_length=MOST_ENTRIES,
        description="Batches of the plan in force that run or are locked when the new one begins, and are given up "
        "then: they hold no machine, are no stock, and are owed again",
        json_schema_extra={"example": ["S25-4"]},
    )
    outages: list[OutageBody] | None = Field(None, max_length=MOST_ENTRIES)
    closed: list[Stretch] | None = Field(
        None, max_length=MOST_ENTRIES, description="When nobody is there, though a shift is"
    )
    time_limit_s: float = Field(
        30.0, gt=0, le=120, strict=True, allow_inf_nan=False, description="Seconds of solving", examples=[30]
    )
    trial: bool = Field(
        default=False, strict=True, description="Kept to be looked at, but never in force: nothing goes on from it"
    )


class DailyQuery(BaseModel):
    """Which day, and how much."""

    model_config = ConfigDict(extra="forbid")

    target_date: LocalDate | None = Field(
        None, description="Local day; by default tomorrow", json_schema_extra={"example": "2025-12-30"}
    )
    target_kg: float | None = Field(
        None,
        ge=0,
        le=MOST_KG,
        allow_inf_nan=False,
        description="kg, as whole batches of the day's mix of products, rounded up; by default what is due that day",
        json_schema_extra={"example": 200},
    )


class LimitQuery(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=200, description="Newest plans", json_schema_extra={"example": 5})


class PlanPath(BaseModel):
    """Which plan."""

    plan_id: str = Field(min_length=9, max_length=40, description="Id of a plan")


class BatchPath(PlanPath):
    """Which batch of which plan."""

    name: str = Field(min_length=1, max_length=60, description="Name of the batch")


class Saving(BaseModel):
    """What the plan saves against working as usual; only batches that both finish are compared."""

    absolute_eur: float = Field(description="EUR; below zero the plan costs more", examples=[15.2])
    percent: float | None = Field(description="Of the usual cost; null where that is not above zero", examples=[10.7])
    baseline_cost_eur: float = Field(description="EUR")
    plan_cost_eur: float = Field(description="EUR")
    compared_batches: dict[str, int]
    only_in_plan: dict[str, int]
    only_in_baseline: dict[str, int]


class SolverResult(BaseModel):
    """What was proven."""

    name: str = Field(examples=["HiGHS 1.15.1"])
    status: Status
    bound_eur: float | None = Field(description="EUR; no plan can cost less")
    gap: float | None = Field(description="How far cost and bound lie apart, as a share", examples=[0.0])
    shortfall_proven: bool = Field(description="No plan falls less short")
    earliest_proven: bool = Field(description="No plan as cheap finishes earlier")
    seconds: float


class PlanAnswer(BaseModel):
    """A production plan. Costs are of the batches' energy; auxiliaries, the same in every plan, are not in it."""

    plan_id: str = Field(examples=["p-20261125T0915-ab12"])
    created_at: datetime
    requested_by: str = Field(examples=["api"])
    start: datetime
    end: datetime
    days: int
    slot_minutes: int
    status: Status
    total_batches: int
    total_energy_kwh: float = Field(description="kWh, extra cooling included")
    total_cost_eur: float = Field(description="EUR")
    auxiliary_energy_kwh: float = Field(description="kWh, whatever is planned")
    cost_p05_eur: float = Field(description="EUR; with p95 the band that holds 90 % of price scenarios")
    cost_p50_eur: float = Field(description="EUR")
    cost_p95_eur: float = Field(description="EUR")
    savings: Saving | None = Field(description="null where no usual way of working keeps the limits")
    cost_per_kg_eur: dict[str, float | None] = Field(description="EUR/kg by part, and their total")
    solver: SolverResult
    batches: list[dict[str, Any]] = Field(description="With their blocks, and these with their `processes`")
    targets: list[dict[str, Any]] = Field(description="By day and product: `target`, `finished`, `short`")
    shortfalls: list[dict[str, Any]] = Field(
        description="What falls short by day and product, and the limits that bind"
    )
    conflicts: list[dict[str, Any]] = Field(description="Limits that cannot be kept, when `infeasible`")
    violations: list[str] = Field(description="What the independent check found; empty for a sound plan")
    realised: dict[str, Any] | None = Field(description="At the prices that came out; null until all are out")
    inputs: dict[str, Any] = Field(
        description="What it rests on: hours of prices and weather by kind, model, stock, what runs, and what was lost"
    )


class PlanInShort(BaseModel):
    """A plan in a list."""

    plan_id: str
    created_at: datetime
    requested_by: str
    first_day: date
    last_day: date
    start: datetime
    end: datetime
    status: Status
    batches: int
    cost_eur: float = Field(description="EUR")
    energy_kwh: float = Field(description="kWh")
    saved_eur: float | None = Field(description="EUR against working as usual")
    short: int = Field(description="Batches that fall short at the end")
    violations: int
    gap: float | None
    trial: bool = Field(description="Never in force, as it was asked for")


class PlansAnswer(BaseModel):
    """The newest plans, newest first."""

    plans: list[PlanInShort]
    total_records: int


class QuarterAnswer(BaseModel):
    """A quarter-hour of a plan."""

    timestamp: datetime
    price_eur_kwh: float = Field(description="EUR/kWh; of a forecast its median")
    price_kind: Kind
    tariff_period: str
    power_kw: float = Field(description="kW, the mean of the quarter-hour; auxiliaries and cooling included")
    outside_c: float | None = Field(description="degC")
    room_c: float | None = Field(description="degC")
    room_pct: float | None = Field(description="Relative humidity in %")
    weather_kind: str
    running: list[str] = Field(description="Batch and block", examples=[["S26-1 conching"]])
    blocked: dict[str, list[str]] = Field(description="By block, the limits that keep it from starting")


class QuartersAnswer(BaseModel):
    """Every quarter-hour of a plan."""

    plan_id: str
    quarters: list[QuarterAnswer]
    total_records: int


class ReasonsAnswer(BaseModel):
    """Why a batch starts when it does, all others fixed."""

    plan_id: str
    batch_id: str
    start: datetime
    cost_eur: float = Field(description="EUR")
    mean_price_eur_kwh: float = Field(description="EUR/kWh of its energy")
    price_rank: int = Field(description="Place of its start by cost if no limit were there; 1 is the cheapest")
    ranked_starts: int
    energy_share_by_period: dict[str, float]
    cheaper_starts_closed: list[dict[str, Any]] = Field(description="Limits that close cheaper starts")
    later: list[dict[str, Any]] = Field(description="What starting later costs more [EUR], or which limit closes it")
    curve: list[dict[str, Any]] = Field(description="Cost by start [EUR]; null with the limit where it is closed")


class CheckAnswer(BaseModel):
    """What the independent check finds in a plan now."""

    plan_id: str
    clean: bool
    violations: list[dict[str, Any]] = Field(description="`rule`, `detail`, `batch`, `start`, `end`")


class Amount(BaseModel):
    """Batches and their weight."""

    batches: int
    kg: float
    by_product: dict[str, int]


class HourAnswer(BaseModel):
    """An hour of the plan of a day."""

    hour: int = Field(ge=0, le=23)
    time: datetime
    price_eur_kwh: float = Field(description="EUR/kWh")
    price_kind: Kind
    tariff_period: str
    temperature: float | None = Field(description="Outside, degC")
    humidity: float | None = Field(description="Outside, %")
    weather_kind: str
    climate_status: Literal["good", "limited", "closed", "unknown"] = Field(
        description="`limited`: the room is too hot for some block; `closed`: for all, or too damp to start any"
    )
    active_batch: str | None = Field(description="All that run in the hour", examples=["S26-1, S26-2"])
    active_process: str | None = Field(description="All stages that run", examples=["mixing, rolling, conching"])
    is_production_hour: bool


class Optimization(BaseModel):
    """The plan of a day, by the original system's names."""

    target_date: date
    target_kg: float | None
    num_batches: int = Field(description="Batches asked for")
    asked: Amount
    planned: Amount
    stock_before: dict[str, int] = Field(description="Finished batches that were there, below zero owed")
    plan: dict[str, Any] = Field(description="`batches` with `processes`, `total_energy_kwh`, `total_cost_eur`, ...")
    hourly_timeline: list[HourAnswer] = Field(description="23, 24 or 25 rows; of today from now on")
    baseline: dict[str, Any] = Field(description="`description`, `total_energy_kwh`, `total_cost` [EUR]")
    savings: dict[str, Any] | None
    unscheduled: list[dict[str, Any]] = Field(description="What falls short, and the limits that bind")
    recommendations: list[str]


class DailyAnswer(BaseModel):
    """A plan of one day."""

    timestamp: datetime
    plan_id: str
    optimization: Optimization


class SummaryAnswer(BaseModel):
    """How plans are made, and of which plant."""

    algorithm: str
    objectives: list[str]
    solver: dict[str, Any] = Field(description="`name`, `gap` at which a plan counts as optimal, seconds allowed")
    optimization_horizon: dict[str, Any]
    production_capacity: dict[str, Any] = Field(description="Bounds by block; a plan may reach less")
    constraints: dict[str, Any]
    plant: dict[str, Any]
