"""A plan as programs and calendars read it: JSON, rows for CSV, iCalendar; local times with offset, kWh, EUR."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from icalendar import Calendar, Event

from chocofactory.core.clock import MADRID, local, local_date
from chocofactory.planning.power import power_kw
from chocofactory.planning.reasons import quarters
from chocofactory.planning.savings import cost_per_kg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chocofactory.core.messages import Message
    from chocofactory.planning.plan import Batch, BlockRun, Plan
    from chocofactory.planning.reasons import Reasons
    from chocofactory.planning.savings import Savings
    from chocofactory.services.planning import Realised
    from chocofactory.services.stored_plans import StoredPlan

CSV_COLUMNS = (
    *("batch", "product", "due", "block", "unit", "stage", "machine", "start", "end", "start_utc"),
    *("energy_kwh", "cost_eur", "planned"),
)
"""The columns of ``csv_rows``."""
_MONEY, _ENERGY = 4, 3


def plan_record(stored: StoredPlan, realised: Realised | None = None) -> dict[str, Any]:
    """A whole plan: batches with their stages, shortfalls, proof, savings, costs and what it rests on."""
    plan = stored.plan
    return {
        **plan_summary(stored),
        "batches": [batch_record(batch) for batch in plan.batches],
        "targets": _targets(plan),
        "shortfalls": [
            {
                "date": short.day.isoformat(),
                "product": short.product,
                "batches": short.batches,
                "limits": [_text(limit) for limit in short.limits],
            }
            for short in plan.shortfalls
        ],
        "conflicts": [
            {
                "limit": each.limit,
                "start": local(each.start).isoformat(),
                "end": local(each.end).isoformat(),
                "detail": _text(each.message),
            }
            for each in plan.conflicts
        ],
        "violations": [_text(each) for each in stored.violations],
        "realised": _realised(realised),
        "inputs": {
            "prices": _kinds(stored.inputs.prices["kind"]),
            "weather": _kinds(stored.inputs.weather["kind"]),
            "forecast_issued_at": local(stored.inputs.issued_at).isoformat(),
            "model": stored.inputs.model,
            "version": stored.inputs.version,
            "stock": dict(plan.problem.stock),
            "running": [each.name for each in plan.problem.commitments],
            "lost": list(plan.problem.lost),
        },
    }


def plan_summary(stored: StoredPlan) -> dict[str, Any]:
    """What a plan is, and what it comes to."""
    plan, proof = stored.plan, stored.plan.proof
    problem = plan.problem
    low, median, high = stored.cost_band_eur
    return {
        "plan_id": stored.id,
        "created_at": local(stored.created_at).isoformat(),
        "requested_by": stored.requested_by,
        "start": local(problem.start).isoformat(),
        "end": local(problem.end).isoformat(),
        "days": len(problem.days),
        "slot_minutes": problem.slot_min,
        "status": proof.status,
        "total_batches": len(plan.batches),
        "total_energy_kwh": round(plan.energy_kwh, _ENERGY),
        "total_cost_eur": round(plan.cost_eur, _MONEY),
        "auxiliary_energy_kwh": round(float(problem.auxiliary_kw.sum()) / 4, _ENERGY),
        "cost_p05_eur": round(low, _MONEY),
        "cost_p50_eur": round(median, _MONEY),
        "cost_p95_eur": round(high, _MONEY),
        "savings": _savings(stored.savings),
        "cost_per_kg_eur": cost_per_kg(plan),
        "solver": {
            "name": proof.solver,
            "status": proof.status,
            "bound_eur": round(proof.bound_eur, _MONEY) if np.isfinite(proof.bound_eur) else None,
            "gap": round(proof.gap, 8) if np.isfinite(proof.gap) else None,
            "shortfall_proven": proof.shortfall_proven,
            "earliest_proven": proof.early_proven,
            "seconds": round(proof.seconds, 2),
        },
    }


def batch_record(batch: Batch) -> dict[str, Any]:
    """A batch with its blocks and stages."""
    return {
        "batch_id": batch.name,
        "quality_type": batch.product,
        "due": batch.due and batch.due.isoformat(),
        "start": local(batch.start).isoformat(),
        "end": local(batch.end).isoformat(),
        "total_energy_kwh": round(batch.energy_kwh, _ENERGY),
        "total_cost_eur": round(batch.cost_eur, _MONEY),
        "blocks": [_block(run) for run in batch.runs],
    }


def reasons_record(found: Reasons) -> dict[str, Any]:
    """Why a batch starts when it does."""
    return {
        "batch_id": found.batch,
        "start": local(found.start).isoformat(),
        "cost_eur": round(found.cost_eur, _MONEY),
        "mean_price_eur_kwh": round(found.price_eur_kwh, 6),
        "price_rank": found.rank,
        "ranked_starts": found.ranked,
        "energy_share_by_period": {period: round(share, 4) for period, share in found.periods.items()},
        "cheaper_starts_closed": [
            {
                "limit": each.limit,
                "block": each.block,
                "starts": each.starts,
                "cheapest_eur": round(each.cost_eur, _MONEY),
            }
            for each in found.closed
        ],
        "later": [
            {
                "minutes": int(each.later / timedelta(minutes=1)),
                "more_eur": None if each.more_eur is None else round(each.more_eur, _MONEY),
                "limit": each.limit or None,
                "block": each.block or None,
            }
            for each in found.moves
        ],
        "curve": [
            {
                "start": time.isoformat(),
                "cost_eur": None if np.isnan(cost) else round(float(cost), _MONEY),
                "limit": limit or None,
                "block": block or None,
            }
            for time, cost, limit, block in zip(
                pd.DatetimeIndex(found.curve.index).tz_convert(MADRID),
                found.curve["cost_eur"],
                found.curve["limit"],
                found.curve["block"],
                strict=True,
            )
        ],
    }


def quarter_records(stored: StoredPlan) -> list[dict[str, Any]]:
    """Each quarter-hour of a plan: what runs, power, price, climate, and what keeps each block from starting."""
    plan = stored.plan
    table, power = quarters(plan), power_kw(plan)
    local_times = pd.DatetimeIndex(table.index).tz_convert(MADRID)
    blocks = [block.name for block in plan.problem.plant.blocks]
    rows = []
    for place, time in enumerate(local_times):
        row = table.iloc[place]
        rows.append(
            {
                "timestamp": time.isoformat(),
                "price_eur_kwh": round(float(row["price_eur_kwh"]), 8),
                "price_kind": stored.inputs.prices["kind"].iloc[place],
                "tariff_period": stored.inputs.prices["period"].iloc[place],
                "power_kw": round(float(power["total_kw"].iloc[place]), _ENERGY),
                "outside_c": _number(row["outside_c"]),
                "room_c": _number(row["room_c"]),
                "room_pct": _number(row["room_pct"]),
                "weather_kind": stored.inputs.weather["kind"].iloc[place],
                "running": [f"{batch} {block}" for batch, block in row["running"]],
                "blocked": {block: list(row[block]) for block in blocks if row[block]},
            }
        )
    return rows


def csv_rows(plan: Plan) -> list[dict[str, object]]:
    """The stages of all batches in the order of their start, one a row."""
    rows: list[dict[str, object]] = [
        {
            "batch": batch.name,
            "product": batch.product,
            "due": batch.due.isoformat() if batch.due else "",
            "block": run.block,
            "unit": run.unit,
            "stage": stage.name,
            "machine": stage.machine,
            "start": local(stage.start).isoformat(),
            "end": local(stage.end).isoformat(),
            "start_utc": stage.start.astimezone(UTC).isoformat(),
            "energy_kwh": round(stage.energy_kwh, _ENERGY),
            "cost_eur": round(stage.cost_eur, _MONEY),
            "planned": run.planned,
        }
        for batch in plan.batches
        for run in batch.runs
        for stage in run.stages
    ]
    return sorted(rows, key=lambda row: (str(row["start_utc"]), str(row["batch"])))


def icalendar(stored: StoredPlan, titles: Mapping[str, str] | None = None) -> str:
    """The blocks of all batches as events of an iCalendar (RFC 5545); ``titles`` name blocks for people."""
    names = titles or {}
    calendar = Calendar.new(prodid="-//ChocoFactory//Production plan//EN", uid=stored.id)
    for batch in stored.plan.batches:
        for run in batch.runs:
            event = Event.new(
                uid=f"{batch.name}-{run.block}-{stored.id}@chocofactory",
                stamp=stored.created_at,
                start=run.start.astimezone(UTC),
                end=run.end.astimezone(UTC),
                summary=f"{batch.name} {names.get(run.block, run.block)} {run.unit}",
                description=f"{batch.product}, {run.energy_kwh:.1f} kWh, {run.cost_eur:.2f} EUR",
            )
            calendar.add_component(event)
    return str(calendar.to_ical().decode())


def _block(run: BlockRun) -> dict[str, Any]:
    return {
        "block": run.block,
        "unit": run.unit,
        "start": local(run.start).isoformat(),
        "end": local(run.end).isoformat(),
        "planned": run.planned,
        "energy_kwh": round(run.energy_kwh, _ENERGY),
        "cooling_kwh": round(run.cooling_kwh, _ENERGY),
        "cost_eur": round(run.cost_eur, _MONEY),
        "room_c": run.room_c,
        "room_pct": run.room_pct,
        "processes": [
            {
                "name": stage.name,
                "machine": stage.machine,
                "start": local(stage.start).isoformat(),
                "end": local(stage.end).isoformat(),
                "energy_kwh": round(stage.energy_kwh, _ENERGY),
                "cost_eur": round(stage.cost_eur, _MONEY),
            }
            for stage in run.stages
        ],
    }


def _targets(plan: Plan) -> list[dict[str, Any]]:
    problem = plan.problem
    short = {(each.day, each.product): each.batches for each in plan.shortfalls}
    done = [batch for batch in plan.batches if len(batch.runs) == len(problem.plant.blocks)]
    return [
        {
            "date": day.isoformat(),
            "product": product,
            "target": problem.targets.get(day, {}).get(product, 0),
            "finished": sum(batch.product == product and local_date(batch.end) == day for batch in done),
            "short": short.get((day, product), 0),
        }
        for day in problem.days
        for product in problem.plant.product_names
    ]


def _savings(found: Savings | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "absolute_eur": round(found.saved_eur, _MONEY),
        "percent": None if found.share is None else round(100 * found.share, 2),
        "baseline_cost_eur": round(found.usual_eur, _MONEY),
        "plan_cost_eur": round(found.plan_eur, _MONEY),
        "compared_batches": dict(found.compared),
        "only_in_plan": dict(found.beyond),
        "only_in_baseline": dict(found.lacking),
    }


def _realised(found: Realised | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "savings": _savings(found.savings),
        "perfect_cost_eur": None if found.perfect_eur is None else round(found.perfect_eur, _MONEY),
        "captured": None if found.captured is None else round(found.captured, 4),
    }


def _kinds(kinds: pd.Series) -> dict[str, float]:
    """Hours of each kind."""
    return {str(kind): float(count) / 4 for kind, count in kinds.value_counts().items()}


def _text(message: Message) -> str:
    return str(message)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 2)
