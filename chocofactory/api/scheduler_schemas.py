"""What REST takes and gives about what runs by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from chocofactory.api.schemas import RunAnswer, RunError

State = Literal["queued", "running", "succeeded", "partial", "failed", "interrupted"]


class TaskPath(BaseModel):
    """Which task."""

    name: str = Field(min_length=1, max_length=64, description="Name of the task, as `GET /scheduler/jobs` tells it")


class PauseBody(BaseModel):
    """Which tasks: one, or all of them."""

    model_config = ConfigDict(extra="forbid")

    task: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Name of a task; without it the whole scheduler",
        examples=["weather"],
    )


class LastRun(BaseModel):
    """A run in short."""

    id: str
    state: State
    requested_by: str = Field(examples=["scheduler"])
    created_at: datetime
    finished_at: datetime | None
    duration_s: float | None = Field(description="Seconds; null before its end", examples=[1.8])


class TaskAnswer(BaseModel):
    """A task: what it starts, when it is looked at, and what came of that."""

    name: str = Field(examples=["prices_today"])
    kind: str | None = Field(
        description="Kind of run that it starts; null: its work leaves no run", examples=["ingest_prices"]
    )
    cadence: str = Field(
        description="Minute, hour, day, month, weekday in local time; `off`: never", examples=["*/10 * * * *"]
    )
    next_at: datetime | None = Field(description="When it is looked at next; null: never by itself, or it is paused")
    looked_at: datetime | None = Field(description="When it was last looked at")
    outcome: Literal["started", "done", "nothing", "busy", "resting", "failed"] | None = Field(
        description="What came of that: a run began, its work was done at once, nothing was due, a run of the kind was "
        "under way, it rests after its last run, or it could not be told what is due",
        examples=["nothing"],
    )
    error: RunError | None
    paused_at: datetime | None
    paused_by: str | None
    last_run: LastRun | None = Field(description="The last run that it started")
    last_success_at: datetime | None = Field(description="When the newest successful run of its kind ended")


class SchedulerAnswer(BaseModel):
    """What runs by itself."""

    running: bool = Field(description="Whether some process looked around within the last two minutes")
    looked_at: datetime | None
    process: str | None = Field(examples=["plant:4711"])
    paused_at: datetime | None
    paused_by: str | None
    jobs: list[TaskAnswer]
    total_jobs: int = Field(examples=[11])


class DoneAnswer(BaseModel):
    """The work of the task was done at once; it leaves no run."""

    done: bool = True


class RunsQuery(BaseModel):
    """Which runs."""

    model_config = ConfigDict(extra="forbid")

    kind: str | None = Field(None, max_length=64, json_schema_extra={"example": "ingest_prices"})
    state: State | None = None
    limit: int = Field(50, ge=1, le=500)


class RunsAnswer(BaseModel):
    """Runs, the newest first."""

    runs: list[RunAnswer]
    total_records: int = Field(description="Runs in this answer", examples=[12])
