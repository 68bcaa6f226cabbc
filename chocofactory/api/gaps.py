"""Gaps: what is missing, what can be had of it, and filling it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import request
from flask_openapi3 import Tag

from chocofactory.api.gap_schemas import (
    BackfillQuery,
    DetectAnswer,
    DetectBody,
    GapsSummary,
    NothingToDo,
    RangeBody,
)
from chocofactory.api.jobs import accepted
from chocofactory.api.schemas import Problem, RunAnswer
from chocofactory.bootstrap import factory
from chocofactory.core.clock import local, local_date
from chocofactory.core.errors import InvalidInput
from chocofactory.services.backfill import KIND
from chocofactory.services.gap_summary import gap_list, gap_summary

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

NAME = "gaps"
_TAG = Tag(name="Gaps", description="What is missing, and filling it")
_RESPONSES: Any = {"202": RunAnswer} | dict.fromkeys(("409", "422", "503"), Problem)
_FILL = "/api/v1/gaps/backfill"


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get(
        "/gaps/summary",
        tags=[_TAG],
        summary="What is missing of every series",
        responses={"200": GapsSummary, "503": Problem},
    )
    def summary() -> dict[str, Any]:
        """Counts by series, and what can be had from where; 503 while the store cannot say."""
        found = gap_summary(factory().recoveries)
        needed = bool(found["recoverable"])
        return GapsSummary(
            timestamp=local(factory().clock.now()),
            recommendations={"action_needed": needed, "suggested_endpoint": _FILL if needed else None},
            **found,
        ).model_dump(mode="json")

    @blueprint.post(
        "/gaps/detect",
        tags=[_TAG],
        summary="The list of gaps",
        responses={"200": DetectAnswer, "422": Problem, "503": Problem},
    )
    def detect(body: DetectBody) -> dict[str, Any]:
        """Of a range of local days, or of each series from its first row on."""
        if request.get_data() and request.get_json(silent=True) is None:
            raise InvalidInput("The body is not JSON.")
        found = factory().recoveries.all(body.start, body.end)
        listed = gap_list(found)
        kinds = [gap["measurement"] for gap in listed]
        prices, weather = kinds.count("energy_price"), kinds.count("weather_observation")
        counts = {"ree_gaps": prices, "weather_gaps": weather, "other_gaps": len(kinds) - prices - weather}
        return DetectAnswer(
            timestamp=local(factory().clock.now()),
            analysis_period={"start": body.start, "end": body.end},
            summary={"total_gaps": len(listed), **counts},
            gaps=listed,
            empty_series=[str(one.series) for one in found if one.found is None],
        ).model_dump(mode="json")

    @blueprint.post("/gaps/backfill", tags=[_TAG], summary="Fill all gaps", responses=_RESPONSES)
    def backfill(query: BackfillQuery) -> Any:
        """Whatever some source can still deliver; the run tells what came and what cannot be had."""
        today = local_date(factory().clock.now())
        days = (today - timedelta(days=query.days_back), today) if query.days_back else (None, None)
        return accepted(factory().jobs.start(KIND, factory().backfill.params(*days), "api"))

    @blueprint.post(
        "/gaps/backfill/auto",
        tags=[_TAG],
        summary="Fill gaps if that helps",
        responses={**_RESPONSES, "200": NothingToDo},
    )
    def auto() -> Any:
        """200 and no run where nothing that can be had is missing, or where it was just asked for in vain."""
        params = factory().backfill.due()
        return _nothing() if params is None else accepted(factory().jobs.start(KIND, params, "api"))

    @blueprint.post("/gaps/backfill/range", tags=[_TAG], summary="Fill a range of days", responses=_RESPONSES)
    def fill_range(body: RangeBody) -> Any:
        """Of all series, of one source, or of one kind of data; with ``force`` also what is there."""
        params = factory().backfill.params(
            body.start_date,
            body.end_date,
            source=body.source or ("ree" if body.data_source == "ree" else None),
            what=body.what or ("weather" if body.data_source == "weather" else None),
            force=body.force,
        )
        return accepted(factory().jobs.start(KIND, params, "api"))


def _nothing() -> dict[str, Any]:
    """Why no run is started: nothing is missing, nothing of it can be had, or it was asked for in vain."""
    found = gap_summary(factory().recoveries)
    if found["status"] == "empty":
        detail = "No series holds anything yet: fill a range of days."
    elif not found["missing"]:
        detail = "Nothing is missing."
    elif not found["recoverable"]:
        detail = "Nothing of what is missing can be had from any source that is set up."
    else:
        detail = "What is missing was asked for in vain within the last 6 hours."
    counts = {name: found[name] for name in ("missing", "recoverable")}
    return NothingToDo(status="no_action_needed", detail=detail, **counts).model_dump(mode="json")
