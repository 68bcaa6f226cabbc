"""A plan as it is kept: the decisions and all that they rest on, so that it can be checked and shown again.

What follows from them (stages, energies, costs) is computed anew whenever a plan is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.messages import Message
from chocofactory.domain.plant_file import parse_plant
from chocofactory.planning.batches import block_run
from chocofactory.planning.plan import Batch, Conflict, Plan, Proof, Shortfall
from chocofactory.planning.problem import Problem
from chocofactory.planning.savings import savings
from chocofactory.services.plan_orders import (
    commitment_from_json,
    commitment_to_json,
    moment,
    outage_from_json,
    outage_to_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chocofactory.planning.problem import Numbers
    from chocofactory.planning.savings import Savings


@dataclass(frozen=True)
class Inputs:
    """What a plan's prices and weather were: along its grid.

    ``prices`` has the columns ``p05``, ``price_eur_kwh`` (the median), ``p95``, ``kind`` and ``period``; ``weather``
    ``temperature_c``, ``humidity_pct`` and ``kind``. ``issued_at`` is when the forecast was made, by ``model`` in its
    ``version`` (None: untrained).
    """

    prices: pd.DataFrame
    weather: pd.DataFrame
    issued_at: datetime
    model: str
    version: str | None

    @property
    def published_until(self) -> datetime | None:
        """The end of the hours whose price was out (UTC); None where none was."""
        out = self.prices.index[self.prices["kind"] != "forecast"]
        return (out[-1] + pd.Timedelta(minutes=15)).to_pydatetime() if len(out) else None


@dataclass(frozen=True)
class StoredPlan:
    """A plan with its number, who asked for it when, what it rests on, and what it is worth.

    ``usual`` is the way of working that it is compared with, None where there is none that keeps the limits;
    ``cost_band_eur`` are the 5, 50 and 95 % quantiles of its cost over price scenarios. ``violations`` is what the
    independent checker found: it is empty, or the plan is shown with a warning.
    """

    id: str
    created_at: datetime
    requested_by: str
    plan: Plan
    usual: Plan | None
    savings: Savings | None
    cost_band_eur: tuple[float, float, float]
    inputs: Inputs
    violations: tuple[Message, ...]

    @property
    def start(self) -> datetime:
        """When it begins (UTC)."""
        return self.plan.problem.start

    @property
    def end(self) -> datetime:
        """When it ends (UTC, exclusive)."""
        return self.plan.problem.end


def to_record(stored: StoredPlan, plant_text: str) -> dict[str, Any]:
    """All of a plan that cannot be computed anew, as JSON."""
    problem = stored.plan.problem
    return {
        "plant": plant_text,
        "problem": {
            "start": problem.start.isoformat(),
            "last": problem.last.isoformat(),
            "slot_minutes": problem.slot_min,
            "targets": {day.isoformat(): dict(counts) for day, counts in problem.targets.items()},
            "stock": dict(problem.stock),
            "commitments": [commitment_to_json(each) for each in problem.commitments],
            "outages": [outage_to_json(each) for each in problem.outages],
            "closed": [[start.isoformat(), end.isoformat()] for start, end in problem.closed],
            "lost": list(problem.lost),
        },
        "inputs": {
            "prices": _columns(stored.inputs.prices),
            "weather": _columns(stored.inputs.weather),
            "issued_at": stored.inputs.issued_at.isoformat(),
            "model": stored.inputs.model,
            "version": stored.inputs.version,
        },
        "plan": _decided(stored.plan),
        "usual": _decided(stored.usual) if stored.usual else None,
        "cost_band_eur": list(stored.cost_band_eur),
        "violations": [_message(each) for each in stored.violations],
    }


def from_record(record: Mapping[str, Any], plan_id: str, created_at: datetime, requested_by: str) -> StoredPlan:
    """The plan of such a record."""
    given, inputs = record["problem"], _inputs(record["inputs"], moment(record["problem"]["start"]))
    problem = Problem(
        plant=parse_plant(record["plant"], "plant"),
        start=moment(given["start"]),
        last=date.fromisoformat(given["last"]),
        slot_min=given["slot_minutes"],
        price_eur_kwh=_numbers(inputs.prices["price_eur_kwh"]),
        outside_c=_numbers(inputs.weather["temperature_c"]),
        outside_pct=_numbers(inputs.weather["humidity_pct"]),
        targets={date.fromisoformat(day): counts for day, counts in given["targets"].items()},
        stock=given["stock"],
        commitments=tuple(commitment_from_json(each) for each in given["commitments"]),
        outages=tuple(outage_from_json(each) for each in given["outages"]),
        closed=tuple((moment(start), moment(end)) for start, end in given["closed"]),
        lost=tuple(given.get("lost", ())),
    )
    plan = _plan(problem, record["plan"])
    usual = _plan(problem, record["usual"]) if record["usual"] else None
    low, median, high = record["cost_band_eur"]
    return StoredPlan(
        id=plan_id,
        created_at=created_at,
        requested_by=requested_by,
        plan=plan,
        usual=usual,
        savings=savings(plan, usual) if usual else None,
        cost_band_eur=(low, median, high),
        inputs=inputs,
        violations=tuple(_from_message(each) for each in record["violations"]),
    )


def _decided(plan: Plan) -> dict[str, Any]:
    proof = plan.proof
    return {
        "batches": [
            {
                "name": batch.name,
                "product": batch.product,
                "due": batch.due and batch.due.isoformat(),
                "runs": [[run.start.isoformat(), run.unit, run.planned] for run in batch.runs],
            }
            for batch in plan.batches
        ],
        "shortfalls": [
            [short.day.isoformat(), short.product, short.batches, [_message(each) for each in short.limits]]
            for short in plan.shortfalls
        ],
        "conflicts": [
            [each.limit, each.start.isoformat(), each.end.isoformat(), _message(each.message)]
            for each in plan.conflicts
        ],
        "proof": {name: value if value != -np.inf else None for name, value in vars(proof).items()},
    }


def _plan(problem: Problem, given: Mapping[str, Any]) -> Plan:
    blocks = problem.plant.blocks
    proof = dict(given["proof"])
    proof["bound_eur"] = -np.inf if proof["bound_eur"] is None else proof["bound_eur"]
    return Plan(
        problem=problem,
        batches=tuple(
            Batch(
                batch["name"],
                batch["product"],
                date.fromisoformat(batch["due"]) if batch["due"] else None,
                tuple(
                    block_run(problem, block, batch["product"], moment(start), unit, planned=planned)
                    for block, (start, unit, planned) in zip(blocks, batch["runs"], strict=False)
                ),
            )
            for batch in given["batches"]
        ),
        shortfalls=tuple(
            Shortfall(date.fromisoformat(day), product, count, tuple(_from_message(each) for each in limits))
            for day, product, count, limits in given["shortfalls"]
        ),
        proof=Proof(**proof),
        conflicts=tuple(
            Conflict(limit, moment(start), moment(end), _from_message(message))
            for limit, start, end, message in given["conflicts"]
        ),
    )


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {
        str(name): [None if pd.isna(value) else value for value in column.tolist()] for name, column in frame.items()
    }


def _inputs(given: Mapping[str, Any], start: datetime) -> Inputs:
    return Inputs(
        prices=_frame(given["prices"], start),
        weather=_frame(given["weather"], start),
        issued_at=moment(given["issued_at"]),
        model=given["model"],
        version=given["version"],
    )


def _frame(columns: Mapping[str, list[Any]], start: datetime) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    index = pd.date_range(start, periods=size, freq="15min", unit="us", name="time")
    texts = {"kind", "period", "source"}
    return pd.DataFrame(
        {
            name: pd.Series(values, index=index, dtype="str" if name in texts else float)
            for name, values in columns.items()
        }
    )


def _numbers(column: pd.Series) -> Numbers:
    return np.asarray(column.to_numpy(), dtype=float)


def _message(message: Message) -> list[Any]:
    return [message.template, {name: _kept(value) for name, value in message.fields.items()}]


def _kept(value: object) -> object:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return value if isinstance(value, (int, float, str)) else str(value)


def _from_message(given: list[Any]) -> Message:
    template, fields = given
    return Message(template, **{name: _recalled(value) for name, value in fields.items()})


def _recalled(value: Any) -> object:
    return moment(value["moment"]) if isinstance(value, dict) else value
