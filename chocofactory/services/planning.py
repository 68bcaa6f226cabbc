"""The production plan as a use case: make it, prove it, keep it, say what it is worth and what it came to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_bounds, local, local_date
from chocofactory.core.errors import Conflict, NotFound
from chocofactory.planning.baseline import usual as usual_plan
from chocofactory.planning.checking import check
from chocofactory.planning.planner import NoPlan
from chocofactory.planning.planner import plan as best_plan
from chocofactory.planning.problem import LONGEST_DAYS
from chocofactory.planning.reasons import reasons
from chocofactory.planning.savings import captured, cost_quantiles, savings
from chocofactory.services.jobs import JobKind, Outcome, quiet
from chocofactory.services.memo import Memo
from chocofactory.services.plan_orders import Order, from_json, to_json
from chocofactory.services.plan_problems import Problems
from chocofactory.services.stored_plans import StoredPlan, from_record, to_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from chocofactory.core.clock import Clock
    from chocofactory.domain.plant import Plant
    from chocofactory.domain.tariff import Tariff
    from chocofactory.planning.checking import Violation
    from chocofactory.planning.plan import Plan
    from chocofactory.planning.reasons import Reasons
    from chocofactory.planning.savings import Savings
    from chocofactory.services.expected_weather import ExpectedWeather
    from chocofactory.services.forecasts import Forecasts
    from chocofactory.services.jobs import Report
    from chocofactory.services.prices import Prices
    from chocofactory.store.base import SeriesStore
    from chocofactory.store.plans import KeptPlan, Plans

KIND = "plan_production"
LATE = time(10)
"""Local time until which the plan of the day waits for prices of today that are missing."""
FARTHER_DAYS = 2
"""A plan is made anew when it would reach so many days farther than the newest, whatever else is known."""


@dataclass(frozen=True)
class Realised:
    """What a plan came to at the prices that were published in the end.

    It is about this one plan from its start to its end, as if none had replaced it. ``savings`` compares it with the
    usual way at those prices, ``perfect_eur`` is what the same work would have cost had they been known, None where
    that is not the same work; ``captured`` is the share of the possible saving that the plan got, None as well where
    hardly any was possible.
    """

    savings: Savings
    perfect_eur: float | None
    captured: float | None


class Planning:
    """Makes plans, keeps them, and answers questions about them."""

    def __init__(
        self,
        plans: Plans,
        store: SeriesStore,
        clock: Clock,
        plant: Plant,
        plant_text: str,
        prices: Prices,
        forecasts: Forecasts,
        weather: ExpectedWeather,
    ) -> None:
        self._plans = plans
        self._clock = clock
        self._text = plant_text
        self.plant = plant
        self._prices = prices
        self.problems = Problems(self.plant, forecasts, weather)
        self._memo = Memo(store, size=16)

    def make(self, order: Order, requested_by: str, report: Report = quiet) -> StoredPlan:
        """Make a plan, check it, compare it with the usual way, and keep it.

        Raises
        ------
        InvalidInput, NotFound
            As ``Problems.pose``.
        Conflict
            No plan was found in the time that was given.

        """
        now = self._clock.now()
        report(1, "Reading prices and weather")
        posed = self.problems.pose(order, now, self._followed(order, now))
        try:
            plan = best_plan(posed.problem, order.seconds, lambda percent, message: report(percent * 0.8, message))
        except NoPlan as none:
            raise Conflict("No plan was found within {seconds} seconds; allow more.", seconds=order.seconds) from none
        report(85, "Checking every minute of the plan")
        violations = check(plan)
        report(90, "Planning the usual way, to compare")
        usual = _usual(plan, order.seconds)
        low, median, high = (float(each) for each in cost_quantiles(plan, posed.paths))
        stored = StoredPlan(
            id="",
            created_at=now,
            requested_by=requested_by,
            plan=plan,
            usual=usual,
            savings=savings(plan, usual) if usual else None,
            cost_band_eur=(low, median, high),
            inputs=posed.inputs,
            violations=tuple(each.message for each in violations),
        )
        return replace(stored, id=self._keep(stored, order))

    def get(self, plan_id: str) -> StoredPlan:
        """The plan of this number; raises NotFound."""
        return self._memo.get(("plan", plan_id), lambda: self._read(plan_id))

    def latest(self) -> StoredPlan | None:
        """The newest plan that comes into force; None before the first one."""
        found = self._plans.latest()
        return self.get(found) if found else None

    def in_force(self, moment: datetime | None = None) -> StoredPlan | None:
        """The plan that holds at a moment (by default now); None where none does."""
        at = moment or self._clock.now()
        found = self._plans.followed(at)
        return self.get(found.id) if found and at < found.end else None

    def set_aside(self) -> StoredPlan | None:
        """The newest plan, where it was made to be followed and cannot be: the one before it holds on.

        None where the newest one that is no trial can be followed, or its time is over.
        """
        found = self._plans.set_aside()
        return self.get(found.id) if found and self._clock.now() < found.end else None

    def newest(self, limit: int = 20) -> list[KeptPlan]:
        """The newest plans, newest first, in short."""
        return self._plans.newest(limit)

    def check(self, plan_id: str) -> list[Violation]:
        """What the independent checker finds in a plan now; raises NotFound."""
        found: list[Violation] = check(self.get(plan_id).plan)
        return found

    def reasons(self, plan_id: str, batch: str, tariff: Tariff | None = None) -> Reasons:
        """Why a batch of a plan starts when it does; raises NotFound."""
        stored = self.get(plan_id)
        rules = tariff or self._prices.tariff
        return self._memo.get(("reasons", plan_id, batch), lambda: reasons(stored.plan, batch, rules))

    def realised(self, plan_id: str) -> Realised | None:
        """What a plan came to at real prices; None until all of them are out, or without a usual way to compare.

        Raises
        ------
        NotFound
            There is no such plan.

        """
        stored = self.get(plan_id)
        return self._memo.get(("realised", plan_id), lambda: self._realised(stored))

    def due(self) -> bool:
        """Whether there is no plan, one would reach farther, or tomorrow's prices are out and it did not know them."""
        tomorrow = local_date(self._clock.now()) + timedelta(days=1)
        try:
            reach = min(self.problems.forecasts.reach(), tomorrow + timedelta(days=LONGEST_DAYS - 1))
        except NotFound:
            return False
        newest = self.latest()
        if newest is None or (reach - newest.plan.problem.last).days >= FARTHER_DAYS:
            return reach >= tomorrow
        known = newest.inputs.published_until
        return self._is_whole(tomorrow) and (known is None or known < day_bounds(tomorrow)[1])

    def next_order(self, *, from_yesterday: bool = False) -> dict[str, Any]:
        """The parameters of the plan that comes next by itself: from the next midnight, for as long as prices reach.

        Where there is none yet, it may begin ``from_yesterday``, so that today has what began the evening before.
        """
        today = local_date(self._clock.now())
        first = from_yesterday and self._plans.latest() is None
        day = today - timedelta(days=1) if first else today + timedelta(days=1)
        return to_json(Order(day=day, as_made_then=first))

    def due_of_the_day(self) -> bool:
        """Whether the plan that holds now knows less of today than there is to know.

        It does when it was made before today, or without prices of today that are whole now. While they are not, it
        holds until ``LATE``; nor is a plan due where one that was made today cannot be carried out.
        """
        found, now = self.in_force(), self._clock.now()
        today = local_date(now)
        if found is None:
            return False
        failed = self._plans.set_aside()
        if failed is not None and local_date(failed.created_at) == today:
            return False
        if not self._is_whole(today):
            return local_date(found.created_at) < today and local(now).time() >= LATE
        known = found.inputs.published_until
        return local_date(found.created_at) < today or known is None or known < day_bounds(today)[1]

    def order_of_the_day(self) -> dict[str, Any]:
        """The parameters of a plan from now on, with all that goes on from the one that holds."""
        return to_json(Order())

    def job(self) -> JobKind:
        """The kind of run that makes a plan."""
        return JobKind(KIND, self._job)

    def _job(self, params: Mapping[str, Any], report: Report) -> Outcome:
        stored = self.make(from_json(params), str(params.get("requested_by", "job")), report)
        result = {
            "plan_id": stored.id,
            "status": stored.plan.proof.status,
            "batches": len(stored.plan.batches),
            "cost_eur": round(stored.plan.cost_eur, 2),
        }
        return Outcome(result, complete=not stored.plan.shortfalls and not stored.plan.conflicts)

    def _is_whole(self, day: date) -> bool:
        """Whether all prices of a local day are there."""
        return len(self._prices.frame(day, day)) >= self._prices.expected_hours(day, day)

    def _followed(self, order: Order, now: datetime) -> Plan | None:
        """The plan that is taken as followed until the start of the new one; None for what is past."""
        start = self.problems.start(order, now, followed=True)
        found = self._plans.followed(max(start, now)) if start >= now else None
        return self.get(found.id).plan if found else None

    def _read(self, plan_id: str) -> StoredPlan:
        head, record = self._plans.get(plan_id), self._plans.record(plan_id)
        return from_record(json.loads(record), head.id, head.created_at, head.requested_by)

    def _keep(self, stored: StoredPlan, order: Order) -> str:
        plan, inputs = stored.plan, stored.inputs
        published = inputs.published_until
        return self._plans.add(
            created_at=stored.created_at,
            requested_by=stored.requested_by,
            first_day=plan.problem.first,
            last_day=plan.problem.last,
            start=stored.start,
            end=stored.end,
            holds_from=_holds_from(stored, order),
            status=plan.proof.status,
            summary={
                "batches": len(plan.batches),
                "cost_eur": plan.cost_eur,
                "energy_kwh": plan.energy_kwh,
                "saved_eur": stored.savings.saved_eur if stored.savings else None,
                "short": sum(short.batches for short in plan.shortfalls if short.day == plan.problem.last),
                "violations": len(stored.violations),
                "gap": plan.proof.gap if np.isfinite(plan.proof.gap) else None,
                "trial": order.trial,
            },
            inputs={
                "forecast_issued_at": inputs.issued_at.isoformat(),
                "model": inputs.model,
                "version": inputs.version,
                "published_until": published and published.isoformat(),
                "weather": sorted(set(inputs.weather["kind"])),
                "plant_sha256": hashlib.sha256(self._text.encode()).hexdigest(),
            },
            record=json.dumps(to_record(stored, self._text)),
        )

    def _realised(self, stored: StoredPlan) -> Realised | None:
        problem = stored.plan.problem
        frame = self._prices.frame(problem.first, problem.last)
        prices = frame["price_eur_kwh"].reindex(pd.DatetimeIndex(problem.grid).floor("h")).to_numpy(dtype=float)
        if np.isnan(prices).any() or stored.usual is None:
            return None
        real = replace(problem, price_eur_kwh=prices)
        try:
            perfect = best_plan(real)
        except NoPlan:
            return None
        ours = savings(stored.plan, stored.usual, prices)
        theirs = savings(perfect, stored.usual, prices)
        alike = ours.compared == theirs.compared
        share = captured(ours.usual_eur, ours.plan_eur, theirs.plan_eur) if alike else None
        return Realised(ours, theirs.plan_eur if alike else None, share)


def _holds_from(stored: StoredPlan, order: Order) -> datetime | None:
    """When a plan comes into force: at once where it begins with the next slot; never, if nobody should follow it."""
    if order.trial or stored.violations or stored.plan.proof.status == "infeasible":
        return None
    if stored.start < stored.created_at:
        return stored.start if order.as_made_then else None
    soon = stored.start - stored.created_at <= timedelta(minutes=order.slot_min)
    return stored.created_at if soon else stored.start


def _usual(plan: Plan, seconds: float) -> Plan | None:
    """The usual way of working; None where none keeps the limits in the time that is given."""
    try:
        return usual_plan(plan.problem, seconds)
    except NoPlan:
        return None
