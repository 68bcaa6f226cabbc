"""Production plans: made, kept, explained, checked, and taken along as CSV and iCalendar."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Response, request, url_for
from flask_openapi3 import Tag

from chocofactory.api.jobs import accepted
from chocofactory.api.optimize_schemas import (
    BatchPath,
    CheckAnswer,
    DailyAnswer,
    DailyQuery,
    LimitQuery,
    OutageBody,
    PlanAnswer,
    PlanBody,
    PlanPath,
    PlansAnswer,
    QuartersAnswer,
    ReasonsAnswer,
    SummaryAnswer,
)
from chocofactory.api.schemas import Problem, RunAnswer
from chocofactory.bootstrap import factory
from chocofactory.core.clock import local, local_date
from chocofactory.core.errors import Conflict, NotFound
from chocofactory.planning.problem import Commitment, Outage
from chocofactory.services.exports import file_name, records_csv
from chocofactory.services.jobs import recall
from chocofactory.services.plan_daily import batches_for, daily_record
from chocofactory.services.plan_lists import check_record, kept_record
from chocofactory.services.plan_orders import Order, to_json
from chocofactory.services.plan_summary import method_record
from chocofactory.services.plan_views import (
    CSV_COLUMNS,
    csv_rows,
    icalendar,
    plan_record,
    quarter_records,
    reasons_record,
)
from chocofactory.services.planning import KIND
from chocofactory.services.ranges import check_days, moment_of

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

    from chocofactory.services.stored_plans import StoredPlan
    from chocofactory.store.state import JobRun

NAME = "optimize"
PATIENCE_S = 30.0
"""How long a request waits for its plan; it is answered with the run's address when that takes longer."""
_TAG = Tag(name="Plans", description="When to run which machine at least cost: proven, checked, explained")
_JSON, _CSV, _CALENDAR = "application/json", "text/csv", "text/calendar"
_MADE: Any = {"202": RunAnswer} | dict.fromkeys(("404", "409", "422", "503"), Problem)
_READ: Any = dict.fromkeys(("404", "503"), Problem)
# Ids are longer than the names of what else stands beside them: so no wrong method takes one for an id.
_PLAN = "/optimize/production/<string(minlength=9):plan_id>"

Answer = dict[str, Any] | Response
Made = tuple[dict[str, Any], int, dict[str, str]]


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""
    _add_making(blueprint)
    _add_reading(blueprint)
    _add_details(blueprint)


def _add_making(blueprint: APIBlueprint) -> None:
    @blueprint.post("/optimize/production", tags=[_TAG], summary="Make a plan", responses={"201": PlanAnswer, **_MADE})
    def make(body: PlanBody) -> Made:
        """One day is answered with the plan, or 202 if it takes longer than 30 s; more days with the run's address."""
        order = _order(body)
        if order.days != 1:
            return accepted(factory().jobs.start(KIND, _params(order), "api"))
        run = factory().jobs.attend(KIND, _params(order), "api", PATIENCE_S)
        stored = _made(run)
        return accepted(run) if stored is None else (_record(stored), 201, _address(stored))

    @blueprint.post(
        "/optimize/production/daily",
        tags=[_TAG],
        summary="Make the plan of a day",
        responses={"201": DailyAnswer, **_MADE},
    )
    def daily(query: DailyQuery) -> Made:
        """The original system's path and names, for a day as a trial: such a plan never comes into force.

        What was asked for, what is planned and what is missing is all told.
        """
        now = factory().clock.now()
        day = query.target_date or local_date(now) + timedelta(days=1)
        check_days(day, day)
        asked = batches_for(factory().plant, day, query.target_kg)
        order = Order(day=day, days=1, targets={day: asked}, trial=True)
        run = factory().jobs.attend(KIND, _params(order), "api", PATIENCE_S)
        stored = _made(run)
        if stored is None:
            return accepted(run)
        told = daily_record(stored, day, query.target_kg, asked)
        body = {"timestamp": local(now).isoformat(), "plan_id": stored.id, "optimization": told}
        return body, 201, _address(stored)


def _add_reading(blueprint: APIBlueprint) -> None:
    @blueprint.get(
        "/optimize/production",
        tags=[_TAG],
        summary="The newest plans",
        responses={"200": PlansAnswer, "422": Problem, "503": Problem},
    )
    def plans(query: LimitQuery) -> dict[str, Any]:
        told = [kept_record(each) for each in factory().planning.newest(query.limit)]
        return {"plans": told, "total_records": len(told)}

    @blueprint.get(
        "/optimize/production/latest",
        tags=[_TAG],
        summary="The newest plan that keeps its limits",
        responses={"200": PlanAnswer, **_READ},
    )
    def latest() -> Answer:
        """`Accept: text/csv` gives its stages as a file, `text/calendar` its blocks as an iCalendar."""
        stored = factory().planning.latest()
        if stored is None:
            raise NotFound("There is no plan yet that keeps its limits.")
        return _told(stored)

    @blueprint.get(
        "/optimize/production/summary",
        tags=[_TAG],
        summary="Method, limits and plant",
        responses={"200": SummaryAnswer},
    )
    def summary() -> dict[str, Any]:
        """How plans are made and what they keep to, as the plant file in force says."""
        return method_record(factory().plant)

    @blueprint.get(_PLAN, tags=[_TAG], summary="One plan", responses={"200": PlanAnswer, **_READ})
    def plan(path: PlanPath) -> Answer:
        """With what it came to once all real prices are out. CSV and iCalendar as the newest one."""
        return _told(factory().planning.get(path.plan_id))


def _add_details(blueprint: APIBlueprint) -> None:
    @blueprint.get(
        f"{_PLAN}/quarters", tags=[_TAG], summary="Its quarter-hours", responses={"200": QuartersAnswer, **_READ}
    )
    def quarters(path: PlanPath) -> dict[str, Any]:
        """What runs, power, price and climate, and what keeps each block from starting."""
        told = quarter_records(factory().planning.get(path.plan_id))
        return {"plan_id": path.plan_id, "quarters": told, "total_records": len(told)}

    @blueprint.get(
        f"{_PLAN}/batches/<string:name>/reasons",
        tags=[_TAG],
        summary="Why a batch starts when it does",
        responses={"200": ReasonsAnswer, **_READ},
    )
    def reasons(path: BatchPath) -> dict[str, Any]:
        """Rank of its price, limits that close cheaper starts, cost of other starts."""
        return {"plan_id": path.plan_id, **reasons_record(factory().planning.reasons(path.plan_id, path.name))}

    @blueprint.get(f"{_PLAN}/check", tags=[_TAG], summary="Check it again", responses={"200": CheckAnswer, **_READ})
    def check(path: PlanPath) -> dict[str, Any]:
        """By a program that shares nothing with the planner: every limit, every kilowatt-hour and every cent."""
        return check_record(path.plan_id, factory().planning.check(path.plan_id))


def _order(body: PlanBody) -> Order:
    """The order of a body; moments as UTC."""
    for day in ([body.date] if body.date else []) + list(body.targets or ()):
        check_days(day, day)
    return Order(
        day=body.date,
        days=body.days,
        slot_min=body.slot_minutes,
        targets=body.targets or {},
        stock=body.stock,
        running=None
        if body.running is None
        else tuple(
            Commitment(each.name, each.product, tuple(moment_of(text) for text in each.starts)) for each in body.running
        ),
        locks=tuple(body.locks or ()),
        lost=tuple(body.lost or ()),
        outages=None if body.outages is None else tuple(_outage(each) for each in body.outages),
        closed=None
        if body.closed is None
        else tuple((moment_of(each.start), moment_of(each.end)) for each in body.closed),
        seconds=body.time_limit_s,
        trial=body.trial,
    )


def _outage(body: OutageBody) -> Outage:
    return Outage(body.machine, body.units, moment_of(body.start), moment_of(body.end))


def _params(order: Order) -> dict[str, Any]:
    return {**to_json(order), "requested_by": "api"}


def _made(run: JobRun) -> StoredPlan | None:
    """The plan that a run has made; None while it goes on. Raises what the run ended with."""
    if run.error:
        raise recall(run.error)
    if run.finished_at is None:
        return None
    if not run.result:
        raise Conflict("The run {run_id} was interrupted.", run_id=run.id)
    return factory().planning.get(run.result["plan_id"])


def _record(stored: StoredPlan) -> dict[str, Any]:
    return plan_record(stored, factory().planning.realised(stored.id))


def _address(stored: StoredPlan) -> dict[str, str]:
    return {"Location": url_for(f"{NAME}.plan", plan_id=stored.id)}


def _told(stored: StoredPlan) -> Answer:
    """A plan in the form that the request wants."""
    wanted = request.accept_mimetypes.best_match([_JSON, _CSV, _CALENDAR], default=_JSON)
    if wanted == _CSV:
        return _file(stored, records_csv(csv_rows(stored.plan), CSV_COLUMNS), _CSV, "csv")
    if wanted == _CALENDAR:
        return _file(stored, icalendar(stored), _CALENDAR, "ics")
    return _record(stored)


def _file(stored: StoredPlan, text: str, kind: str, ending: str) -> Response:
    problem = stored.plan.problem
    name = file_name("plan", problem.first, problem.last, ending)
    return Response(text, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
