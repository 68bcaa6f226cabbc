"""The plan of one day in the words of the original system, where those have a meaning."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import local
from chocofactory.services.plan_orders import MOST_BATCHES
from chocofactory.services.plan_views import plan_record, quarter_records
from chocofactory.services.plan_words import sentence, warnings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

    from chocofactory.domain.plant import Plant
    from chocofactory.planning.plan import Batch, Plan
    from chocofactory.services.stored_plans import StoredPlan

BASELINE = (
    "The same batches as usual: released on the working day before, finished as early as possible, whatever the price."
)
NO_BASELINE = "No usual way of working keeps the limits on these days, so there is nothing to compare with."
_KWH, _EUR = 3, 4


def batches_for(plant: Plant, day: date, kg: float | None) -> dict[str, int]:
    """Batches by product that make up so many kilograms [kg], rounded up; None: what is due on the local day.

    Products are mixed as that day's targets are; on a day without any, as the week's.
    """
    due = plant.targets_due(day, day)[day]
    if kg is None:
        return dict(due)
    week: Counter[str] = Counter()
    for each in plant.targets.values():
        week.update(each)
    mix = due if any(due.values()) else week
    weights = {product.name: product.batch_kg for product in plant.products}
    counts = dict.fromkeys(plant.product_names, 0)
    if not any(mix.values()):
        mix = dict.fromkeys(counts, 1)
    while weight_of(plant, counts) < kg and max(counts.values()) <= MOST_BATCHES:  # more of them are refused anyway
        # Sainte-Laguë: of each product as near to its share as whole batches allow.
        chosen = max(weights, key=lambda name: mix.get(name, 0) / (2 * counts[name] + 1))
        counts[chosen] += 1
    return counts


def weight_of(plant: Plant, counts: Mapping[str, int]) -> float:
    """What so many batches by product weigh [kg]."""
    return math.fsum(product.batch_kg * counts.get(product.name, 0) for product in plant.products)


def daily_record(stored: StoredPlan, day: date, kg: float | None, asked: Mapping[str, int]) -> dict[str, Any]:
    """The plan of a local day for which ``kg`` [kg], as the batches ``asked``, were ordered."""
    plan, told = stored.plan, plan_record(stored)
    planned = Counter(batch.product for batch in plan.batches)
    saved = told["savings"]
    return {
        "target_date": day.isoformat(),
        "target_kg": kg,
        "num_batches": sum(asked.values()),
        "asked": _amount(plan, asked),
        "planned": _amount(plan, planned),
        "stock_before": told["inputs"]["stock"],
        "plan": {
            "batches": [_batch(stored, batch) for batch in plan.batches],
            "total_energy_kwh": told["total_energy_kwh"],
            "total_cost_eur": told["total_cost_eur"],
            "avg_price_eur_kwh": _price(plan.cost_eur, plan.energy_kwh),
        },
        "hourly_timeline": hours_of(stored),
        "baseline": {
            "description": BASELINE if saved else NO_BASELINE,
            "total_energy_kwh": _usual_kwh(stored),
            "total_cost": saved and saved["baseline_cost_eur"],
        },
        "savings": saved and {name: saved[name] for name in ("absolute_eur", "percent", "compared_batches")},
        "unscheduled": told["shortfalls"],
        "recommendations": [str(each) for each in (sentence(stored), *warnings(stored))],
    }


def hours_of(stored: StoredPlan) -> list[dict[str, Any]]:
    """The hours of a plan in local time, 23 to 25 of a whole day: price, weather outside, and what runs in them."""
    blocks = stored.plan.problem.plant.blocks
    stages = [
        (batch.name, stage.name, stage.start, stage.end)
        for batch in stored.plan.batches
        for run in batch.runs
        for stage in run.stages
    ]
    weather = stored.inputs.weather
    rows = []
    # An hour is told from the one that the clock repeats by its offset.
    quarters = enumerate(quarter_records(stored))
    for _key, group in groupby(quarters, lambda each: (each[1]["timestamp"][:13], each[1]["timestamp"][19:])):
        place, first = next(group)
        begin = datetime.fromisoformat(first["timestamp"])
        end = begin.replace(minute=0) + timedelta(hours=1)  # wall clocks change on the hour
        running = sorted((start, name, stage) for name, stage, start, until in stages if start < end and until > begin)
        rows.append(
            {
                "hour": begin.hour,
                "time": begin.isoformat(),
                "price_eur_kwh": first["price_eur_kwh"],
                "price_kind": first["price_kind"],
                "tariff_period": first["tariff_period"],
                "temperature": _value(weather["temperature_c"].iloc[place]),
                "humidity": _value(weather["humidity_pct"].iloc[place]),
                "weather_kind": first["weather_kind"],
                "climate_status": _climate(stored.plan, first, [block.room_max_c for block in blocks]),
                "active_batch": _joined(name for _, name, _ in running),
                "active_process": _joined(stage for _, _, stage in running),
                "is_production_hour": bool(running),
            }
        )
    return rows


def _batch(stored: StoredPlan, batch: Batch) -> dict[str, Any]:
    start, end = local(batch.start), local(batch.end)
    weather = stored.inputs.weather
    here = weather[(weather.index >= batch.start) & (weather.index < batch.end)]
    return {
        "batch_id": batch.name,
        "quality_type": batch.product,
        "start_hour": start.hour,
        "start_time": start.isoformat(),
        "end_hour": end.hour,
        "end_time": end.isoformat(),
        "processes": [
            {
                "name": stage.name,
                "machine": stage.machine,
                "start_time": local(stage.start).isoformat(),
                "start_minute": int((stage.start - batch.start) / timedelta(minutes=1)),
                "end_minute": int((stage.end - batch.start) / timedelta(minutes=1)),
                "duration_minutes": int((stage.end - stage.start) / timedelta(minutes=1)),
                "energy_kwh": round(stage.energy_kwh, _KWH),
                "avg_price_eur_kwh": _price(stage.cost_eur, stage.energy_kwh),
                "cost_eur": round(stage.cost_eur, _EUR),
            }
            for run in batch.runs
            for stage in run.stages
        ],
        "total_duration_hours": round((batch.end - batch.start) / timedelta(hours=1), 2),
        "total_energy_kwh": round(batch.energy_kwh, _KWH),
        "total_cost_eur": round(batch.cost_eur, _EUR),
        "avg_price_eur_kwh": _price(batch.cost_eur, batch.energy_kwh),
        "weather_conditions": {
            "avg_temperature": _mean(here["temperature_c"]),
            "avg_humidity": _mean(here["humidity_pct"]),
        },
    }


def _amount(plan: Plan, counts: Mapping[str, int]) -> dict[str, Any]:
    plant = plan.problem.plant
    return {
        "batches": sum(counts.values()),
        "kg": round(weight_of(plant, counts), 3),
        "by_product": {name: counts.get(name, 0) for name in plant.product_names},
    }


def _usual_kwh(stored: StoredPlan) -> float | None:
    """What the batches that are compared draw when worked as usual, those that finish first."""
    if stored.savings is None or stored.usual is None:
        return None
    left, total = Counter(stored.savings.compared), 0.0
    whole = len(stored.plan.problem.plant.blocks)
    for batch in sorted(stored.usual.batches, key=lambda each: each.end):
        if len(batch.runs) == whole and left[batch.product] > 0:
            left[batch.product] -= 1
            total += batch.energy_kwh
    return round(total, _KWH)


def _climate(plan: Plan, quarter: Mapping[str, Any], limits: list[float | None]) -> str:
    """``closed``: nothing may start or no block may run; ``limited``: some block must not; ``good``; ``unknown``."""
    heat, damp = quarter["room_c"], quarter["room_pct"]
    if heat is None or damp is None:
        return "unknown"
    hot = [limit is not None and heat > limit for limit in limits]
    if all(hot) or damp > plan.problem.plant.room.start_humidity_max_pct:
        return "closed"
    return "limited" if any(hot) else "good"


def _joined(names: Any) -> str | None:
    return ", ".join(dict.fromkeys(names)) or None


def _price(cost: float, kwh: float) -> float | None:
    """The mean price of energy, each kilowatt-hour at its own."""
    return round(cost / kwh, 6) if kwh > 0 else None


def _mean(values: pd.Series) -> float | None:
    return _value(values.mean())


def _value(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 2)
