"""What a plan saves against the usual way of working, how sure its cost is, and how much of what was possible it got.

Only equal work is compared: of each product the batches that both plans finish, those that finish first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.core.messages import Message
from chocofactory.planning.starts import drawn_kwh

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chocofactory.planning.plan import Batch, Plan
    from chocofactory.planning.problem import Numbers, Problem

LEVELS = (0.05, 0.5, 0.95)
"""Quantiles of the cost over price scenarios."""
LEAST_CAPTURED_EUR = 1.0
"""Where less than this was possible, the share of it that a plan got says nothing."""


@dataclass(frozen=True)
class Savings:
    """Costs [EUR] of the batches that both plans finish, and what the plan saves; below zero it costs more.

    ``share`` is the saving as a share of the usual cost, None where that is not above zero. ``compared`` counts the
    batches by product, ``beyond`` those that only the plan finishes and ``lacking`` those that only the usual way does.
    """

    usual_eur: float
    plan_eur: float
    compared: Mapping[str, int]
    beyond: Mapping[str, int]
    lacking: Mapping[str, int]

    @property
    def saved_eur(self) -> float:
        """What the plan costs less than the usual way."""
        return self.usual_eur - self.plan_eur

    @property
    def share(self) -> float | None:
        """The saving as a share of the usual cost."""
        return self.saved_eur / self.usual_eur if self.usual_eur > 0 else None


def savings(plan: Plan, usual: Plan, prices: Numbers | None = None) -> Savings:
    """Compare a plan with the usual way of working, at the plan's own prices or at others along its grid [EUR/kWh]."""
    ours, theirs = _finished(plan), _finished(usual)
    both = {product: min(len(ours[product]), len(theirs[product])) for product in ours}
    price = plan.problem.price_eur_kwh if prices is None else prices

    def cost(problem: Problem, batches: Mapping[str, Sequence[Batch]]) -> float:
        return sum(float(energy(problem, batches[product][:count]) @ price) for product, count in both.items())

    return Savings(
        usual_eur=cost(usual.problem, theirs),
        plan_eur=cost(plan.problem, ours),
        compared=both,
        beyond={product: len(ours[product]) - count for product, count in both.items()},
        lacking={product: len(theirs[product]) - count for product, count in both.items()},
    )


def captured(usual_eur: float, plan_eur: float, perfect_eur: float) -> float | None:
    """The share of the possible saving that a plan got, all three at real prices and for equal work.

    None where less than ``LEAST_CAPTURED_EUR`` was possible.
    """
    possible = usual_eur - perfect_eur
    return (usual_eur - plan_eur) / possible if possible >= LEAST_CAPTURED_EUR else None


def energy(problem: Problem, batches: Sequence[Batch]) -> Numbers:
    """What batches draw in each quarter-hour of the grid [kWh], cooling included."""
    blocks = {block.name: block for block in problem.plant.blocks}
    total = np.zeros(len(problem.grid))
    for batch in batches:
        for run in batch.runs:
            total += sum(drawn_kwh(problem, blocks[run.block], batch.product, run.start))
    return total


def cost_quantiles(plan: Plan, paths: Numbers, levels: Sequence[float] = LEVELS) -> Numbers:
    """Quantiles of the plan's cost [EUR] over price scenarios.

    ``paths`` [EUR/kWh] has the shape (scenarios, quarter-hours): each is the forecast plus the errors of one whole past
    week, so that dear hours come together as they do; hours whose price is out are the same in all.
    """
    costs = paths @ energy(plan.problem, plan.batches)
    return np.asarray(np.quantile(costs, levels))


def cost_per_kg(plan: Plan) -> dict[str, float | None]:
    """What a kilogram costs, part by part and in ``total`` [EUR/kg].

    Energy is that of the batches that the plan both begins and finishes, since only of these all is in it; None without
    any. The other parts are the plant's.
    """
    plant, start = plan.problem.plant, plan.problem.start
    weights = {product.name: product.batch_kg for product in plant.products}
    done = [batch for batch in plan.batches if len(batch.runs) == len(plant.blocks) and batch.start >= start]
    weight = sum(weights[batch.product] for batch in done)
    energy = sum(batch.cost_eur for batch in done) / weight if weight else None
    parts: dict[str, float | None] = {
        "materials": plant.costs.materials,
        "packaging": plant.costs.packaging,
        "labour": plant.costs.labour,
        "overhead": plant.costs.overhead,
        "energy": energy,
    }
    known = [part for part in parts.values() if part is not None]
    return {**parts, "total": sum(known) if energy is not None else None}


def uncounted(plan: Plan) -> Message | None:
    """Which batches were given up as a plan began: what they drew is in none of its figures. None where none was."""
    if not plan.problem.lost:
        return None
    return Message(
        "Given up as lost, and owed again: {batches}. "
        "The energy spent on that until then is in no figure of this plan.",
        batches=", ".join(plan.problem.lost),
    )


def _finished(plan: Plan) -> dict[str, list[Batch]]:
    """Whole batches by product, those that finish first first."""
    blocks = len(plan.problem.plant.blocks)
    out: dict[str, list[Batch]] = {product: [] for product in plan.problem.plant.product_names}
    for batch in sorted(plan.batches, key=lambda batch: batch.end):
        if len(batch.runs) == blocks:
            out[batch.product].append(batch)
    return out
