"""What runs by itself: its tasks, and letting them rest, go on, or run now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_openapi3 import Tag

from chocofactory.api.jobs import accepted, told
from chocofactory.api.scheduler_schemas import DoneAnswer, LastRun, PauseBody, SchedulerAnswer, TaskAnswer, TaskPath
from chocofactory.api.schemas import Problem, RunAnswer
from chocofactory.bootstrap import factory

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

    from chocofactory.services.schedule import Entry
    from chocofactory.store.state import JobRun

NAME = "scheduler"
_TAG = Tag(name="Scheduler", description="What runs by itself")


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get(
        "/scheduler/jobs",
        tags=[_TAG],
        summary="What runs by itself, and when",
        responses={"200": SchedulerAnswer, "503": Problem},
    )
    def tasks() -> dict[str, Any]:
        return _schedule()

    @blueprint.post(
        "/scheduler/pause",
        tags=[_TAG],
        summary="Let a task rest, or all of them",
        responses={"200": SchedulerAnswer, "404": Problem, "422": Problem, "503": Problem},
    )
    def pause(body: PauseBody) -> dict[str, Any]:
        """It stays so until it is resumed, restarts included. What is under way goes on; running by hand works."""
        factory().schedule.pause(body.task, "api")
        return _schedule()

    @blueprint.post(
        "/scheduler/resume",
        tags=[_TAG],
        summary="Let a task go on, or all of them",
        responses={"200": SchedulerAnswer, "404": Problem, "422": Problem, "503": Problem},
    )
    def resume(body: PauseBody) -> dict[str, Any]:
        """What became due meanwhile is looked at within seconds. Tasks that rest by themselves are resumed by name."""
        factory().schedule.resume(body.task)
        return _schedule()

    @blueprint.post(
        "/scheduler/jobs/<string:name>/run",
        tags=[_TAG],
        summary="Run a task now",
        responses={"200": DoneAnswer, "202": RunAnswer, "404": Problem, "409": Problem, "503": Problem},
    )
    def run(path: TaskPath) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Whether it is due or not. `Location` tells where to watch the run."""
        started = factory().schedule.run(path.name, "api")
        return accepted(started) if started else (DoneAnswer().model_dump(), 200, {})


def _schedule() -> dict[str, Any]:
    scheduler, entries = factory().schedule.scheduler(), factory().schedule.entries()
    return SchedulerAnswer(
        running=scheduler.runs,
        looked_at=scheduler.beat_at,
        process=scheduler.process,
        paused_at=scheduler.paused_at,
        paused_by=scheduler.paused_by,
        jobs=[_task(entry) for entry in entries],
        total_jobs=len(entries),
    ).model_dump(mode="json")


def _task(entry: Entry) -> TaskAnswer:
    state = entry.state
    return TaskAnswer(
        name=entry.task.name,
        kind=entry.task.kind,
        cadence=entry.cadence,
        next_at=None if state.paused_at else entry.next_at,
        looked_at=state.looked_at,
        outcome=state.outcome,
        error=told(state.error) if state.error else None,
        paused_at=state.paused_at,
        paused_by=state.paused_by,
        last_run=_run(entry.run) if entry.run else None,
        last_success_at=entry.last_success.finished_at if entry.last_success else None,
    )


def _run(run: JobRun) -> LastRun:
    return LastRun(
        id=run.id,
        state=run.state,
        requested_by=run.requested_by,
        created_at=run.created_at,
        finished_at=run.finished_at,
        duration_s=run.duration_s,
    )
