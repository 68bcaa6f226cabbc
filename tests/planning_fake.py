"""A stand-in for the service of plans: keeps plans set by hand, and answers as the service does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd

from chocofactory.core.clock import Clock
from chocofactory.core.errors import FactoryError, NotFound
from chocofactory.domain.tariff import tariff
from chocofactory.planning.plan import Plan
from chocofactory.planning.reasons import reasons
from chocofactory.planning.savings import Savings
from chocofactory.services.stored_plans import Inputs, StoredPlan
from tests.hand_plan import START

ISSUED = START - timedelta(hours=4)


def inputs_of(plan: Plan, known: float = 24.0) -> Inputs:
    """What a plan rests on: its own prices, those of the first ``known`` hours published, and weather by forecast."""
    grid = plan.problem.grid
    price = plan.problem.price_eur_kwh
    kind = np.where(np.arange(len(grid)) < 4 * known, "published", "forecast")
    prices = pd.DataFrame({"p05": price - 0.02, "price_eur_kwh": price, "p95": price + 0.03, "kind": kind}, index=grid)
    prices["period"] = tariff("2.0TD").label(grid).astype(str).to_numpy()
    fields = {"temperature_c": plan.problem.outside_c, "humidity_pct": plan.problem.outside_pct, "kind": "forecast"}
    return Inputs(prices, pd.DataFrame(fields, index=grid), ISSUED, "ensemble", "v7")


def stored_plan(plan: Plan, plan_id: str = "p-1", **more) -> StoredPlan:
    """A plan as the service hands it out."""
    usual = {"usual": None, "savings": Savings(64.0, 57.0, {"standard": 2}, {}, {}), "cost_band_eur": (50, 57, 70)}
    rest = {"inputs": inputs_of(plan), "violations": (), **usual, **more}
    return StoredPlan(plan_id, ISSUED, "dashboard", plan, **rest)


@dataclass
class FakePlanning:
    """Answers from the plans that were ``kept``, the newest last; with an ``error``, with that alone."""

    clock: Clock
    kept: list[StoredPlan] = field(default_factory=list)
    error: FactoryError | None = None

    def keep(self, plan: Plan, **more) -> StoredPlan:
        """Add a plan, under the next number."""
        self.kept.append(stored_plan(plan, f"p-{len(self.kept) + 1}", **more))
        return self.kept[-1]

    def get(self, plan_id: str) -> StoredPlan:
        found = [stored for stored in self._all() if stored.id == plan_id]
        if not found:
            raise NotFound("There is no plan {plan_id}.", plan_id=plan_id)
        return found[0]

    def latest(self) -> StoredPlan | None:
        return next((each for each in reversed(self._all()) if each.plan.proof.status != "infeasible"), None)

    def in_force(self, moment: datetime | None = None) -> StoredPlan | None:
        at = moment or self.clock.now()
        able = [each for each in reversed(self._all()) if each.plan.proof.status != "infeasible"]
        return next((each for each in able if each.start <= at < each.end), None)

    def set_aside(self) -> StoredPlan | None:
        newest = next(reversed(self._all()), None)
        return newest if newest and newest.plan.proof.status == "infeasible" else None

    def newest(self, limit: int = 20) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(id=each.id, created_at=each.created_at, first_day=each.plan.problem.first)
            for each in list(reversed(self._all()))[:limit]
        ]

    def reasons(self, plan_id: str, batch: str):
        return reasons(self.get(plan_id).plan, batch, tariff("2.0TD"))

    def _all(self) -> list[StoredPlan]:
        if self.error is not None:
            raise self.error
        return self.kept


def infeasible(plan: Plan) -> Plan:
    """The same plan, as one that no limits allow."""
    return replace(plan, proof=replace(plan.proof, status="infeasible"))
