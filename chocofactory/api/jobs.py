"""Job runs: how far something long is, and what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_openapi3 import Tag

from chocofactory.api.scheduler_schemas import RunsAnswer, RunsQuery
from chocofactory.api.schemas import Problem, RunAnswer, RunError, RunPath
from chocofactory.bootstrap import factory
from chocofactory.services.jobs import recall, told_params, told_result

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

    from chocofactory.store.state import JobRun

NAME = "jobs"
_TAG = Tag(name="Jobs", description="Runs of everything that takes long")


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get(
        "/jobs/runs",
        tags=[_TAG],
        summary="The newest job runs",
        responses={"200": RunsAnswer, "422": Problem, "503": Problem},
    )
    def runs(query: RunsQuery) -> dict[str, Any]:
        """Of all kinds or of one, the newest first; of each kind the last 200 are remembered."""
        found = [answer(run) for run in factory().jobs.recent(query.kind, query.limit, query.state)]
        return {"runs": found, "total_records": len(found)}

    @blueprint.get(
        "/jobs/runs/<string:run_id>",
        tags=[_TAG],
        summary="One job run",
        responses={"200": RunAnswer, "404": Problem},
    )
    def run(path: RunPath) -> dict[str, Any]:
        return answer(factory().jobs.get(path.run_id))


def answer(run: JobRun) -> dict[str, Any]:
    """A run as REST shows it."""
    return RunAnswer(
        id=run.id,
        kind=run.kind,
        requested_by=run.requested_by,
        params=told_params(run),
        state=run.state,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        progress=run.progress,
        message=run.message.format(**run.message_fields),
        result=told_result(run),
        error=told(run.error) if run.error else None,
    ).model_dump(mode="json")


def accepted(run: JobRun) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer to a request that has started a run: 202, the run, and where to watch it."""
    return answer(run), 202, {"Location": url_for(f"{NAME}.run", run_id=run.id)}


def told(error: dict[str, Any]) -> RunError:
    """An error as a run or a task keeps it, with its sentence."""
    return RunError(detail=str(recall(error)), **error)
