"""An independent check of production plans: every rule and every figure reckoned again, minute by minute."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.core.clock import day_bounds
from chocofactory.core.messages import Message
from chocofactory.planning.minutes import MINUTE, Minutes, stages_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from chocofactory.domain.plant import Block
    from chocofactory.planning.plan import Batch, BlockRun, Plan

_CENT = 0.01
"""How far costs may lie apart [EUR]."""
_SLIGHT = 1e-6
"""How far other figures may lie apart: what floating point loses."""
_QUARTER_MIN = 15

SENTENCES = {
    "product-unknown": Message("The plant does not make {found}."),
    "block-order": Message("The blocks are {found}, the plant's are {expected}."),
    "on-grid": Message("{found} does not start on a slot."),
    "before-start": Message("{found} is planned before the plan starts."),
    "stage-times": Message("{found} does not run at its real minutes."),
    "occupied-until": Message("{found} must occupy its unit until {expected}."),
    "wait-short": Message("{found} starts before the block before is free."),
    "wait-long": Message("{found} starts later than the batch may wait."),
    "unattended": Message("{found} runs when nobody is there."),
    "room-too-hot": Message("The room is at {value:.1f} °C while {found} runs, at most {limit:.1f} °C are allowed."),
    "too-humid": Message(
        "The room is at {value:.0f} % humidity when {found} starts, at most {limit:.0f} % are allowed."
    ),
    "units": Message("{found} has more batches than units, or two on one."),
    "power": Message("A quarter-hour draws {value:.1f} kW, at most {limit:.1f} kW are contracted."),
    "overproduction": Message("{value} batches of {found} are made, {limit} are wanted."),
    "commitment": Message("{found} is not as it was running or locked."),
    "beyond-horizon": Message("{found} ends after the plan."),
    "shortfall": Message("{found} falls short by {limit} batches on {day}, the plan says {value}."),
    "energy": Message("{found} draws {limit:.3f} kWh, the plan says {value:.3f} kWh."),
    "cost": Message("{found} costs {limit:.4f} EUR, the plan says {value:.4f} EUR."),
    "cooling": Message("{found} needs {limit:.3f} kWh of extra cooling, the plan says {value:.3f} kWh."),
    "due": Message("{found} serves {expected}, the plan says {value}."),
    "names-unique": Message("Two batches are called {found}."),
    "room": Message("The room is not as the plan says while {found} runs."),
}
"""What each rule's code says, with the fields that it may name."""


@dataclass(frozen=True)
class Violation:
    """A ``rule`` that a plan breaks, where and when (UTC, ``end`` exclusive); ``batch`` is None where several do."""

    rule: str
    message: Message
    batch: str | None
    start: datetime
    end: datetime


def check(plan: Plan) -> list[Violation]:
    """All that is wrong with a plan: limits broken, and figures that are not what the minutes say.

    Returns
    -------
    list
        Violations in order of time, those that conflicts explain included; empty for a plan that is right.

    """
    return sorted(_Check(plan).all(), key=lambda each: (each.start, each.rule))


def unexplained(plan: Plan) -> list[Violation]:
    """Violations that no conflict of the plan names by its ``limit`` (the rule's code) and a time that overlaps."""
    return [
        found
        for found in check(plan)
        if not any(
            conflict.limit == found.rule and conflict.start < found.end and found.start < conflict.end
            for conflict in plan.conflicts
        )
    ]


@dataclass
class _Check:
    """A plan under check."""

    plan: Plan
    minutes: Minutes = field(init=False)

    def __post_init__(self) -> None:
        self.problem = self.plan.problem
        self.plant = self.problem.plant
        self.minutes = Minutes(self.problem)
        self.blocks = {block.name: block for block in self.plant.blocks}
        self.known = [batch for batch in self.plan.batches if batch.product in self.plant.product_names]
        self.whole = [batch for batch in self.known if not self._is_left(batch)]
        self.runs = [
            (batch, run, self.blocks[run.block])
            for batch in self.known
            for run in batch.runs
            if run.block in self.blocks
        ]

    def all(self) -> Iterator[Violation]:
        yield from self._batches()
        for batch, run, block in self.runs:
            yield from self._times(batch, run, block)
            yield from self._limits(batch, run, block)
            yield from self._figures(batch, run, block)
        yield from self._waits()
        yield from self._units()
        yield from self._power()
        yield from self._commitments()
        yield from self._targets()
        yield from self._dues()
        yield from self._totals()

    def _say(self, rule: str, batch: Batch | None, start: datetime, end: datetime, **fields: object) -> Violation:
        return Violation(rule, Message(SENTENCES[rule].template, **fields), batch.name if batch else None, start, end)

    def _whole(self, rule: str, **fields: object) -> Violation:
        return self._say(rule, None, self.problem.start, self.problem.end, **fields)

    def _batches(self) -> Iterator[Violation]:
        for name, times in Counter(batch.name for batch in self.plan.batches).items():
            if times > 1:
                yield self._whole("names-unique", found=name)
        expected = [block.name for block in self.plant.blocks]
        for batch in self.plan.batches:
            blocks = [run.block for run in batch.runs]
            if batch.product not in self.plant.product_names:
                yield self._whole("product-unknown", found=batch.product)
            if blocks != expected and not self._is_left(batch):
                yield self._whole("block-order", found=", ".join(blocks), expected=", ".join(expected))

    def _is_left(self, batch: Batch) -> bool:
        """Whether a batch that is running or locked may stay unfinished: no time is left, or it may wait on."""
        expected = [block.name for block in self.plant.blocks[: len(batch.runs)]]
        whole = len(batch.runs) in {0, len(self.plant.blocks)}
        if whole or [run.block for run in batch.runs] != expected or any(run.planned for run in batch.runs):
            return False
        last, ends = batch.runs[-1], self.problem.end
        rest = self.plant.blocks[len(batch.runs) :]
        free = self.problem.start + max(0, math.ceil((last.until - self.problem.start) / self.problem.slot)) * (
            self.problem.slot
        )
        for block in rest[:-1]:
            free += math.ceil(block.minutes(batch.product) * MINUTE / self.problem.slot) * self.problem.slot
        waits = self.blocks[last.block].max_wait_min
        return last.end + waits * MINUTE >= ends or free + rest[-1].minutes(batch.product) * MINUTE > ends

    def _times(self, batch: Batch, run: BlockRun, block: Block) -> Iterator[Violation]:
        steps = stages_of(block, batch.product, run.start)
        wanted = [(stage.name, stage.machine, start, end) for stage, start, end in steps]
        if (
            wanted != [(each.name, each.machine, each.start, each.end) for each in run.stages]
            or run.end != steps[-1][2]
        ):
            yield self._say("stage-times", batch, run.start, run.end, found=block.name)
        slots = math.ceil((steps[-1][2] - run.start) / self.problem.slot)
        until = run.start + slots * self.problem.slot
        if run.until != until:
            yield self._say("occupied-until", batch, run.start, run.until, found=block.name, expected=until)
        if run.planned and (run.start - self.problem.start) % self.problem.slot:
            yield self._say("on-grid", batch, run.start, run.end, found=block.name)
        if run.planned and run.start < self.problem.start:
            yield self._say("before-start", batch, run.start, run.end, found=block.name)
        if run.planned and run.end > self.problem.end:
            yield self._say("beyond-horizon", batch, run.start, run.end, found=block.name)

    def _limits(self, batch: Batch, run: BlockRun, block: Block) -> Iterator[Violation]:
        span, room = self.minutes.span(run.start, run.end), self.plant.room
        if block.attended and not self.minutes.staffed[span].all():
            yield self._say("unattended", batch, run.start, run.end, found=block.name)
        hot, humid = self._climate(run)
        if block.room_max_c is not None and hot is not None and hot > block.room_max_c:
            limit = block.room_max_c
            yield self._say("room-too-hot", batch, run.start, run.end, found=block.name, value=hot, limit=limit)
        if humid is not None and humid > room.start_humidity_max_pct:
            limit = room.start_humidity_max_pct
            yield self._say("too-humid", batch, run.start, run.end, found=block.name, value=humid, limit=limit)
        if not _same(hot, run.room_c) or not _same(humid, run.room_pct):
            yield self._say("room", batch, run.start, run.end, found=block.name)

    def _climate(self, run: BlockRun) -> tuple[float | None, float | None]:
        """The room's highest temperature in a block, and its humidity at the start; None where nobody knows."""
        temperatures = [
            value for value in self.minutes.room_c[self.minutes.span(run.start, run.end)] if not math.isnan(value)
        ]
        at = self.minutes.room_pct[self.minutes.span(run.start, run.start + MINUTE)]
        humid = float(at[0]) if len(at) and not math.isnan(at[0]) else None
        return float(max(temperatures)) if temperatures else None, humid

    def _figures(self, batch: Batch, run: BlockRun, block: Block) -> Iterator[Violation]:
        energy = cost = 0.0
        claims = dict(zip((stage.name for stage in block.stages), run.stages, strict=False))
        for stage, start, end in stages_of(block, batch.product, run.start):
            price = self.minutes.price[self.minutes.span(start, end)]
            kwh, eur = stage.power_kw / 60 * len(price), stage.power_kw / 60 * float(price.sum())
            claim = claims.get(stage.name)
            if claim is not None:
                yield from self._compare(batch, run, stage.name, (kwh, claim.energy_kwh), (eur, claim.cost_eur))
            energy, cost = energy + kwh, cost + eur
        span = self.minutes.span(run.start, run.start + block.minutes(batch.product) * MINUTE)
        cold = self.minutes.cooling[span] / 60 if block.extra_cooling else np.zeros(1)
        cooling = float(cold.sum())
        if abs(cooling - run.cooling_kwh) > _SLIGHT:
            values = {"limit": cooling, "value": run.cooling_kwh}
            yield self._say("cooling", batch, run.start, run.end, found=block.name, **values)
        if block.extra_cooling:
            cost += float((cold * self.minutes.price[span]).sum())
        yield from self._compare(batch, run, block.name, (energy + cooling, run.energy_kwh), (cost, run.cost_eur))

    def _compare(
        self, batch: Batch, run: BlockRun, name: str, energy: tuple[float, float], cost: tuple[float, float]
    ) -> Iterator[Violation]:
        for rule, (own, claimed) in (("energy", energy), ("cost", cost)):
            if not abs(own - claimed) <= _SLIGHT:  # NaN is not right either
                yield self._say(rule, batch, run.start, run.end, found=name, limit=own, value=claimed)

    def _waits(self) -> Iterator[Violation]:
        for batch in self.known:
            for run, after in zip(batch.runs, batch.runs[1:], strict=False):
                block = self.blocks.get(run.block)
                if block is None or after.start < self.problem.start:
                    continue
                length = block.minutes(batch.product)
                free = run.start + math.ceil(length * MINUTE / self.problem.slot) * self.problem.slot
                latest = run.start + (length + block.max_wait_min) * MINUTE
                if after.start < free:
                    yield self._say("wait-short", batch, after.start, free, found=after.block)
                if after.start > latest:
                    yield self._say("wait-long", batch, latest, after.start, found=after.block)

    def _units(self) -> Iterator[Violation]:
        for block in self.plant.blocks:
            busy = np.zeros((block.units + 1, len(self.minutes.price)), dtype=int)  # row 0: all units together
            for batch, run, which in self.runs:
                if which is not block:
                    continue
                span = self.minutes.span(run.start, run.until)
                busy[0, span] += 1
                if 1 <= run.unit <= block.units:
                    busy[run.unit, span] += 1
                else:
                    yield self._say("units", batch, run.start, run.until, found=block.name)
            wrong = (busy[1:] > 1).any(axis=0) | ((busy[0] > 0) & (busy[0] > block.units - self._missing(block)))
            for start, end in self._stretches(wrong):
                yield self._say("units", None, start, end, found=block.name)

    def _missing(self, block: Block) -> np.ndarray[tuple[int, ...], np.dtype[np.int_]]:
        """Units of a block that are out of order in each minute: in a whole slot where in any minute of it."""
        missing, start, slot = np.zeros(len(self.minutes.price), dtype=int), self.problem.start, self.problem.slot
        for outage in self.problem.outages:
            if any(stage.machine == outage.machine for stage in block.stages):
                first = start + math.floor((outage.start - start) / slot) * slot
                last = start + math.ceil((outage.end - start) / slot) * slot
                missing[self.minutes.span(first, last)] += outage.units
        return missing

    def _stretches(self, wrong: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Iterator[tuple[datetime, datetime]]:
        begun: datetime | None = None
        for place, flag in enumerate([*wrong, False]):
            if flag and begun is None:
                begun = self.minutes.moment(place)
            elif not flag and begun is not None:
                yield begun, self.minutes.moment(place)
                begun = None

    def _power(self) -> Iterator[Violation]:
        drawn = self.minutes.auxiliary.copy()
        for batch, run, block in self.runs:
            for stage, start, end in stages_of(block, batch.product, run.start):
                span = self.minutes.span(start, end)
                drawn[span] += stage.power_kw + (self.minutes.cooling[span] if block.extra_cooling else 0)
        quarter: timedelta = _QUARTER_MIN * MINUTE
        for place, mean in enumerate(drawn.reshape(-1, _QUARTER_MIN).mean(axis=1)):
            if mean > self.plant.contracted_kw + _SLIGHT:
                start = self.problem.start + place * quarter
                limit = self.plant.contracted_kw
                yield self._say("power", None, start, start + quarter, value=float(mean), limit=limit)

    def _commitments(self) -> Iterator[Violation]:
        promised = {each.name: each for each in self.problem.commitments}
        for name in promised.keys() - {batch.name for batch in self.plan.batches}:
            yield self._whole("commitment", found=name)
        for batch in self.plan.batches:
            fixed = [(place, run.start) for place, run in enumerate(batch.runs) if not run.planned]
            each = promised.get(batch.name)
            kept = (not fixed) if each is None else fixed == list(enumerate(each.starts))
            if not kept or (each is not None and each.product != batch.product):
                yield self._say("commitment", batch, batch.start, batch.end, found=batch.name)

    def _wanted(self, product: str) -> list[int]:
        """Batches of a product wanted by the end of each day, those from the start of the plan on."""
        total, found = -self.problem.stock.get(product, 0), []
        for day in self.problem.days:
            total += self.problem.targets.get(day, {}).get(product, 0)
            found.append(total)
        return found

    def _targets(self) -> Iterator[Violation]:
        said = Counter((each.day, each.product) for each in self.plan.shortfalls)
        claims = {(each.day, each.product): each.batches for each in self.plan.shortfalls}
        own = {}
        for product in self.plant.product_names:
            made = [batch.end for batch in self.whole if batch.product == product]
            wanted = self._wanted(product)
            for day, asked in zip(self.problem.days, wanted, strict=True):
                own[day, product] = max(asked - sum(end <= day_bounds(day)[1] for end in made), 0)
            running = sum(each.product == product for each in self.problem.commitments)
            most = max(*wanted, running, 0)
            begun = sum(batch.product == product for batch in self.known)
            if begun > most:
                yield self._whole("overproduction", found=product, value=begun, limit=most)
        for key in {**own, **claims}:
            if said[key] > 1 or own.get(key, 0) != claims.get(key, 0) or (key in claims and not claims[key]):
                start, end = day_bounds(key[0])
                fields = {"found": key[1], "day": key[0], "limit": own.get(key, 0), "value": claims.get(key, 0)}
                yield self._say("shortfall", None, start, end, **fields)

    def _dues(self) -> Iterator[Violation]:
        """The first batch that is finished serves the first target."""
        for product in self.plant.product_names:
            made = sorted((each for each in self.whole if each.product == product), key=_finished)
            for number, batch in enumerate(made, start=1):
                served = zip(self.problem.days, self._wanted(product), strict=True)
                due = next((day for day, asked in served if asked >= number), None)
                if batch.due != due:
                    yield self._say(
                        "due", batch, batch.start, batch.end, found=batch.name, expected=due, value=batch.due
                    )

    def _totals(self) -> Iterator[Violation]:
        cost = sum(run.cost_eur for batch in self.plan.batches for run in batch.runs)  # each is checked by itself
        if not abs(cost - self.plan.proof.cost_eur) <= _CENT:
            yield self._whole("cost", found="plan", limit=cost, value=self.plan.proof.cost_eur)


def _finished(batch: Batch) -> tuple[datetime, bool, str]:
    """In which order batches serve targets: those finished at once as their days say, stock last."""
    return batch.end, batch.due is None, str(batch.due)


def _same(own: float | None, claimed: float | None) -> bool:
    if own is None or claimed is None:
        return own is claimed
    return abs(own - claimed) <= _SLIGHT
