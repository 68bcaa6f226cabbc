"""What a plan comes to, in sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chocofactory.core.clock import local
from chocofactory.core.messages import Message
from chocofactory.planning.savings import uncounted

if TYPE_CHECKING:
    from chocofactory.services.stored_plans import StoredPlan


def sentence(stored: StoredPlan) -> Message:
    """A plan in one sentence: batches, first start, cost of energy, and how that compares with working as usual."""
    plan = stored.plan
    starts = [run.start for batch in plan.batches for run in batch.runs if run.planned]
    if not starts:
        return Message("Nothing is planned.")
    told = {"batches": len(plan.batches), "start": f"{local(min(starts)):%Y-%m-%d %H:%M}", "cost": plan.cost_eur}
    share = stored.savings.share if stored.savings else None
    if share is None:
        return Message("Batches: {batches}, the next start at {start}; energy costs {cost:.2f} EUR.", **told)
    if share < 0:
        return Message(
            "Batches: {batches}, the next start at {start}; energy costs {cost:.2f} EUR, {percent:.1f} % above usual.",
            percent=-100 * share,
            **told,
        )
    return Message(
        "Batches: {batches}, the next start at {start}; energy costs {cost:.2f} EUR, {percent:.1f} % below usual.",
        percent=100 * share,
        **told,
    )


def warnings(stored: StoredPlan) -> list[Message]:
    """What somebody must know who follows a plan: limits that it breaks, batches that fall short, how sure it is."""
    plan = stored.plan
    lost = uncounted(plan)
    told = [*([lost] if lost else []), *stored.violations, *(conflict.message for conflict in plan.conflicts)]
    for short in plan.shortfalls:
        named = {"batches": short.batches, "product": short.product, "day": short.day.isoformat()}
        told.append(Message("{product}: {batches} batches short at the end of {day}.", **named))
        told += short.limits
    if plan.proof.status == "feasible":
        told.append(
            Message(
                "The time ran out: a cheaper plan may exist, by {gap:.2f} % at most. Allow more seconds to find out.",
                gap=100 * plan.proof.gap,
            )
        )
    return _once(told)


def _once(messages: list[Message]) -> list[Message]:
    """The same messages, each sentence once."""
    return list({str(message): message for message in messages}.values())
