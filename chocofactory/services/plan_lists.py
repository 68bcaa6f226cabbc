"""Plans in short, and what is wrong with one, as programs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import local

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chocofactory.planning.checking import Violation
    from chocofactory.store.plans import KeptPlan


def kept_record(kept: KeptPlan) -> dict[str, Any]:
    """A plan in short, as lists show it."""
    return {
        "plan_id": kept.id,
        "created_at": local(kept.created_at).isoformat(),
        "requested_by": kept.requested_by,
        "first_day": kept.first_day.isoformat(),
        "last_day": kept.last_day.isoformat(),
        "start": local(kept.start).isoformat(),
        "end": local(kept.end).isoformat(),
        "status": kept.status,
        "trial": False,
        **kept.summary,
    }


def check_record(plan_id: str, found: Sequence[Violation]) -> dict[str, Any]:
    """What the independent check found in a plan."""
    return {
        "plan_id": plan_id,
        "clean": not found,
        "violations": [
            {
                "rule": each.rule,
                "detail": str(each.message),
                "batch": each.batch,
                "start": local(each.start).isoformat(),
                "end": local(each.end).isoformat(),
            }
            for each in found
        ],
    }
