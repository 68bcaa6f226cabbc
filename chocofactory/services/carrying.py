"""What goes on from a plan that was followed until a new one begins: batches, stock, and what somebody had changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chocofactory.core.clock import local_date
from chocofactory.planning.problem import Commitment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from chocofactory.planning.plan import Batch, BlockRun, Plan
    from chocofactory.planning.problem import Outage


def carried(
    plan: Plan, start: datetime, locks: tuple[str, ...] = (), lost: tuple[str, ...] = ()
) -> tuple[tuple[Commitment, ...], dict[str, int]]:
    """Batches that run or are locked at ``start`` and are not ``lost``, and the stock.

    A batch that somebody locked before stays locked; one that is not through all blocks goes on, however long it has
    waited. The stock is what was finished less what was due before the local day of ``start``; below zero it is owed.
    """
    problem = plan.problem
    running = []
    for batch in plan.batches:
        if batch.name not in lost and not done(plan, batch, start):
            stands = _standing(batch, start, locked=batch.name in locks)
            if stands:
                starts, units = zip(*((run.start, run.unit) for run in stands), strict=True)
                running.append(Commitment(batch.name, batch.product, starts, units))
    first = local_date(start)
    before = [day for day in problem.days if day < first]
    stock = {
        product: problem.stock.get(product, 0)
        + sum(batch.product == product and done(plan, batch, start) for batch in plan.batches)
        - sum(problem.targets.get(day, {}).get(product, 0) for day in before)
        for product in problem.plant.product_names
    }
    return tuple(running), stock


def standing(plan: Plan, start: datetime) -> tuple[Batch, ...]:
    """The batches that run at ``start``, or that somebody locked before: those that can be lost then."""
    return tuple(
        batch for batch in plan.batches if not done(plan, batch, start) and _standing(batch, start, locked=False)
    )


def done(plan: Plan, batch: Batch, start: datetime) -> bool:
    """Whether a batch is finished at ``start``."""
    return len(batch.runs) == len(plan.problem.plant.blocks) and batch.end <= start


def outages_ahead(plan: Plan | None, start: datetime) -> tuple[Outage, ...]:
    """The outages that last beyond ``start``."""
    return tuple(outage for outage in plan.problem.outages if outage.end > start) if plan else ()


def closed_ahead(plan: Plan | None, start: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The closed hours that last beyond ``start``."""
    return tuple(each for each in plan.problem.closed if each[1] > start) if plan else ()


def changed_targets(plan: Plan) -> dict[date, Mapping[str, int]]:
    """The targets of whole days that somebody had changed, as they are now."""
    problem = plan.problem
    usual = problem.plant.targets_due(problem.first, problem.last)
    return {day: counts for day, counts in problem.targets.items() if dict(counts) != usual.get(day)}


def _standing(batch: Batch, start: datetime, *, locked: bool) -> list[BlockRun]:
    """The first blocks of a batch that have begun, or that are locked."""
    found: list[BlockRun] = []
    for run in batch.runs:
        if not (locked or run.start < start or not run.planned):
            break
        found.append(run)
    return found
