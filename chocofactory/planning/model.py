"""The plan as a mixed-integer linear programme: how many batches of a product start a block in each slot.

Batches of a product are alike, so counting them leaves no symmetry to break. Between two blocks lies a stock of batches
that wait; it may hold no more than what came in during the longest wait, which is exact because the batch that came
first leaves first. See domain facts in ``planning.problem`` and ``planning.starts``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.core.clock import day_bounds
from chocofactory.planning.problem import QUARTER, QUARTER_MIN
from chocofactory.planning.solver import Columns, Rows
from chocofactory.planning.starts import (
    HORIZON,
    HUMIDITY,
    POWER,
    STAFF,
    TEMPERATURE,
    UNITS,
    WAIT,
    capacity,
    claimed_minutes,
    drawn_kwh,
    occupied_until,
    starts_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import numpy.typing as npt

    from chocofactory.planning.problem import Commitment, Numbers, Problem
    from chocofactory.planning.starts import Mask, Starts

    Places = npt.NDArray[np.int64]

Broken = tuple[str, int, int]
"""A limit that is broken: which one, for which block (by place; -1: for none), in which quarter-hour."""
RELAXABLE = (STAFF, TEMPERATURE, HUMIDITY)
"""Limits on a start that the elastic model may break."""
_WEIGHTS = {STAFF: 8.0, TEMPERATURE: 8.0, HUMIDITY: 8.0, UNITS: 4.0, POWER: 0.2, WAIT: 1.0}
"""What breaking a limit costs the elastic model: a start, a unit or a kW too much or a batch waiting a quarter-hour."""


@dataclass(frozen=True)
class Fixed:
    """What running and locked batches claim of a problem, whatever is planned.

    ``units`` by block and quarter-hour; ``power_kw`` by quarter-hour. ``arrivals`` are for each product and block (by
    place) the quarter-hours (earliest, latest) in which a commitment must start it. ``finished`` are ends of
    commitments all of whose blocks stand, by product. ``cost_eur`` is what their standing blocks cost.
    """

    units: npt.NDArray[np.int64]
    power_kw: Numbers
    arrivals: Mapping[tuple[str, int], list[tuple[int, int]]]
    finished: Mapping[str, list[datetime]]
    cost_eur: float


@dataclass
class Model:
    """Columns and rows of a problem; ``elastic`` lets limits be broken, at the costs in ``violation``.

    ``releases`` are, for each product, the quarter-hours before which its first, second ... batch must not begin; None
    lets all begin at once.
    """

    problem: Problem
    elastic: bool = False
    releases: Mapping[str, Sequence[int]] | None = None
    columns: Columns = field(default_factory=Columns)
    rows: Rows = field(default_factory=Rows)

    def __post_init__(self) -> None:
        problem, plant = self.problem, self.problem.plant
        self.fixed = fixed(problem)
        self.slots = np.arange(0, len(problem.grid), problem.slot_min // QUARTER_MIN)
        self.starts: dict[tuple[str, int], Starts] = {
            (product, place): starts_of(problem, block, product)
            for product in plant.product_names
            for place, block in enumerate(plant.blocks)
        }
        self.at: dict[tuple[str, int], Places] = {}
        """For each product and block the column of a start at each quarter-hour; -1 where there is none."""
        self.short: dict[tuple[date, str], int] = {}
        self.slack: dict[int, list[Broken]] = {}
        """In the elastic model: which limits each column breaks."""
        self._start_columns()
        self._flow_rows()
        self._unit_rows()
        self._power_rows()
        self._demand_rows()
        self._release_rows()

    def counts(self, solution: Numbers) -> dict[tuple[str, int], Places]:
        """How many batches of each product start each block in each quarter-hour."""
        out = {}
        for key, at in self.at.items():
            out[key] = np.zeros(len(at), dtype=np.int64)
            here = at >= 0
            out[key][here] = np.rint(solution[at[here]]).astype(np.int64)
        return out

    def cost(self) -> Numbers:
        """What each column costs [EUR]; commitments' standing blocks are not in it."""
        out = np.zeros(len(self.columns))
        for key, at in self.at.items():
            here = at >= 0
            out[at[here]] = self.starts[key].cost_eur[here]
        return out

    def backlog(self) -> Numbers:
        """One for each batch that is short at the end of a day."""
        out = np.zeros(len(self.columns))
        out[list(self.short.values())] = 1.0
        return out

    def finishing(self) -> Numbers:
        """Hours from the start of the plan to the end of each batch."""
        out = np.zeros(len(self.columns))
        last = len(self.problem.plant.blocks) - 1
        for product in self.problem.plant.product_names:
            at, starts = self.at[product, last], self.starts[product, last]
            here = np.flatnonzero(at >= 0)
            out[at[here]] = (here * QUARTER_MIN + starts.minutes) / 60
        return out

    def starting(self) -> Numbers:
        """Hours from the start of the plan to the start of each block."""
        out = np.zeros(len(self.columns))
        for at in self.at.values():
            here = np.flatnonzero(at >= 0)
            out[at[here]] = here * QUARTER_MIN / 60
        return out

    def violation(self) -> Numbers:
        """What each column breaks of the limits, by weight."""
        out = np.zeros(len(self.columns))
        for column, broken in self.slack.items():
            out[column] = sum(_WEIGHTS[limit] for limit, _place, _quarter in broken)
        return out

    def _start_columns(self) -> None:
        plant = self.problem.plant
        for product in plant.product_names:
            masks = self._reachable(product)
            for place, block in enumerate(plant.blocks):
                at = np.full(len(self.problem.grid), -1, dtype=np.int64)
                here = np.flatnonzero(masks[place])
                most = np.inf if self.elastic else block.units
                at[here] = self.columns.add(len(here), upper=most, integer=True)
                self.at[product, place] = at
                if self.elastic:
                    self._note_broken(product, place)

    def _note_broken(self, product: str, place: int) -> None:
        """A start that a limit forbids, or that leaves no time to wait: the column itself is the violation."""
        starts, at = self.starts[product, place], self.at[product, place]
        last = place == len(self.problem.plant.blocks) - 1
        broken = {limit: starts.closed[limit] for limit in RELAXABLE}
        broken[WAIT] = np.full(len(at), not last and starts.latest < starts.earliest)
        for limit, mask in broken.items():
            for quarter in np.flatnonzero(mask & (at >= 0)):
                when = int(quarter) + (starts.earliest - 1 if limit == WAIT else 0)
                self.slack.setdefault(int(at[quarter]), []).append((limit, place, when))

    def _reachable(self, product: str) -> list[Mask]:
        """Where each block may start such that the ones before and after it have a place, too."""
        problem = self.problem
        size, blocks = len(problem.grid), len(problem.plant.blocks)
        on_slot = np.zeros(size, dtype=bool)
        on_slot[self.slots] = True
        masks = []
        for place in range(blocks):
            closed = self.starts[product, place].closed
            hard = [closed[HORIZON]] if self.elastic else list(closed.values())
            masks.append(on_slot & ~np.logical_or.reduce(hard))
        for place in range(blocks - 2, -1, -1):
            starts = self.starts[product, place]
            longest = size - 1 if self.elastic else starts.latest
            after = [_shifted(masks[place + 1], -wait) for wait in range(starts.earliest, longest + 1)]
            masks[place] &= np.logical_or.reduce(after)
        if self.elastic:
            return masks
        for place in range(1, blocks):
            starts = self.starts[product, place - 1]
            before = [_shifted(masks[place - 1], wait) for wait in range(starts.earliest, starts.latest + 1)]
            arrived = np.zeros(size, dtype=bool)
            for earliest, latest in self.fixed.arrivals.get((product, place), ()):
                arrived[earliest : max(latest, 0) + 1] = True
            masks[place] &= np.logical_or.reduce([*before, arrived])
        return masks

    def _flow_rows(self) -> None:
        """What leaves a block enters the next one, no sooner and no later than it may."""
        step = self.problem.slot_min // QUARTER_MIN
        for product in self.problem.plant.product_names:
            for place in range(1, len(self.problem.plant.blocks)):
                self._flow(product, place, step)

    def _flow(self, product: str, place: int, step: int) -> None:
        before, into = self.at[product, place - 1], self.at[product, place]
        starts = self.starts[product, place - 1]
        window = (starts.latest - starts.earliest) // step + 1
        arriving = _shifted(before, starts.earliest, -1)[self.slots]
        leaving = into[self.slots]
        inflow, waiting = self._arrivals(product, place, step)
        stock = -1
        for slot in range(len(self.slots)):
            recent = [int(column) for column in arriving[max(0, slot - window + 2) : slot + 1] if column >= 0]
            can_wait = slot < len(self.slots) - 1 and bool(recent or waiting[slot] or self.elastic)
            left = self.columns.add_one() if can_wait else -1
            balance = [(stock, 1.0), (left, -1.0), (int(arriving[slot]), 1.0), (int(leaving[slot]), -1.0)]
            terms = [(column, sign) for column, sign in balance if column >= 0]
            if terms or inflow[slot]:
                self.rows.add(terms, -inflow[slot], -inflow[slot])
            if can_wait:
                bound = [(left, 1.0), *((column, -1.0) for column in recent)]
                if self.elastic:
                    bound.append((self._violation(WAIT, place - 1, slot * step), -1.0))
                self.rows.add(bound, -np.inf, waiting[slot])
            stock = left

    def _arrivals(self, product: str, place: int, step: int) -> tuple[Numbers, Numbers]:
        """By slot, the commitments that come to a block, and those that may wait on beyond the slot."""
        inflow, waiting = np.zeros(len(self.slots)), np.zeros(len(self.slots))
        for earliest, latest in self.fixed.arrivals.get((product, place), ()):
            inflow[earliest // step] += 1
            waiting[earliest // step : max(latest, 0) // step] += 1
            if latest < earliest and not self.elastic:
                self.rows.add([], 1, np.inf)  # it has waited too long already: nothing can be made of it
        return inflow, waiting

    def _unit_rows(self) -> None:
        """No more batches in a block than it has units that can be used."""
        plant = self.problem.plant
        for place, block in enumerate(plant.blocks):
            free = capacity(self.problem, block) - self.fixed.units[place]
            terms: list[list[tuple[int, float]]] = [[] for _ in self.problem.grid]
            for product in plant.product_names:
                at, quarters = self.at[product, place], self.starts[product, place].quarters
                for quarter in np.flatnonzero(at >= 0):
                    for each in terms[quarter : quarter + quarters]:
                        each.append((int(at[quarter]), 1.0))
            self._limit_rows(terms, free.astype(float), UNITS, place)

    def _power_rows(self) -> None:
        """No quarter-hour's mean power above the contract."""
        problem = self.problem
        free = problem.plant.contracted_kw - problem.auxiliary_kw - self.fixed.power_kw
        terms: list[list[tuple[int, float]]] = [[] for _ in problem.grid]
        for key, at in self.at.items():
            starts = self.starts[key]
            for quarter in np.flatnonzero(at >= 0):
                column = int(at[quarter])
                drawn = starts.power_kw(problem, int(quarter))
                for each, power in zip(terms[quarter : quarter + starts.quarters], drawn, strict=True):
                    each.append((column, float(power)))
        self._limit_rows(terms, free, POWER, -1)

    def _limit_rows(self, terms: list[list[tuple[int, float]]], free: Numbers, limit: str, place: int) -> None:
        for quarter, each in enumerate(terms):
            row = list(each)
            if not row and free[quarter] >= 0:
                continue
            if self.elastic:
                row.append((self._violation(limit, place, quarter), -1.0))
            self.rows.add(row, -np.inf, float(free[quarter]))

    def _violation(self, limit: str, place: int, quarter: int) -> int:
        column = self.columns.add_one()
        self.slack[column] = [(limit, place, quarter)]
        return column

    def _demand_rows(self) -> None:
        """Enough is finished by the end of each day, or counted as short; and no more is begun than is wanted."""
        problem = self.problem
        last = len(problem.plant.blocks) - 1
        for product in problem.plant.product_names:
            at, starts = self.at[product, last], self.starts[product, last]
            committed = sum(commitment.product == product for commitment in problem.commitments)
            wanted = max(0, problem.due(problem.last, product) - committed)
            first = self.at[product, 0]
            self.rows.add([(int(column), 1.0) for column in first[first >= 0]], -np.inf, wanted)
            for day in problem.days:
                end = day_bounds(day)[1]
                ended = sum(finish <= end for finish in self.fixed.finished.get(product, ()))
                needed = problem.due(day, product) - ended
                if needed <= 0:
                    continue
                latest = (end - problem.start - timedelta(minutes=starts.minutes)) // QUARTER
                columns = at[: max(latest + 1, 0)]
                self.short[day, product] = self.columns.add_one()
                terms = [(int(column), 1.0) for column in columns[columns >= 0]]
                self.rows.add([*terms, (self.short[day, product], 1.0)], needed, np.inf)

    def _release_rows(self) -> None:
        """No more begun before a moment than released by then."""
        for product, releases in (self.releases or {}).items():
            first = self.at[product, 0]
            for quarter in sorted({each for each in releases if each > 0}):
                early = first[:quarter]
                released = sum(each < quarter for each in releases)
                self.rows.add([(int(column), 1.0) for column in early[early >= 0]], -np.inf, released)


def fixed(problem: Problem) -> Fixed:
    """What running and locked batches claim of a problem."""
    plant = problem.plant
    by_minute = np.zeros((len(plant.blocks), len(problem.grid) * QUARTER_MIN), dtype=np.int64)
    power = np.zeros(len(problem.grid))
    arrivals: dict[tuple[str, int], list[tuple[int, int]]] = {}
    finished: dict[str, list[datetime]] = {}
    cost = 0.0
    for commitment in problem.commitments:
        for place, start in enumerate(commitment.starts):
            block = plant.blocks[place]
            by_minute[place, claimed_minutes(problem, start, block, commitment.product)] += 1
            drawn = sum(drawn_kwh(problem, block, commitment.product, start))
            power += drawn * 60 / QUARTER_MIN
            cost += float(drawn @ problem.price_eur_kwh)
        if len(commitment.starts) == len(plant.blocks):
            ended = commitment.starts[-1] + timedelta(minutes=plant.blocks[-1].minutes(commitment.product))
            finished.setdefault(commitment.product, []).append(ended)
        elif (next_start := window_after(problem, commitment)) is not None:
            arrivals.setdefault((commitment.product, len(commitment.starts)), []).append(next_start)
    units = by_minute.reshape(len(plant.blocks), -1, QUARTER_MIN).max(axis=2)
    return Fixed(units, power, arrivals, finished, cost)


def window_after(problem: Problem, commitment: Commitment) -> tuple[int, int] | None:
    """The quarter-hours (earliest, latest) in which the next block of a commitment must start.

    None where it may wait beyond the end of the plan, or cannot be finished before that. The earliest is at least the
    plan's first; a latest before that says that the batch has waited too long already.
    """
    block = problem.plant.blocks[len(commitment.starts) - 1]
    start = commitment.starts[-1]
    until = occupied_until(problem, start, block, commitment.product)
    limit = start + timedelta(minutes=block.minutes(commitment.product) + block.max_wait_min)
    step = problem.slot_min // QUARTER_MIN
    earliest = max(0, -(-(until - problem.start) // problem.slot) * step)
    done = problem.start + earliest * QUARTER
    for each in problem.plant.blocks[len(commitment.starts) : -1]:
        done = occupied_until(problem, done, each, commitment.product)
    done += timedelta(minutes=problem.plant.blocks[-1].minutes(commitment.product))
    if limit >= problem.end or done > problem.end:
        return None
    return earliest, (limit - problem.start) // problem.slot * step


def _shifted(values: npt.NDArray[np.generic], by: int, fill: object = False) -> npt.NDArray[np.generic]:
    """The same values ``by`` places later (earlier, where below zero); what comes in from outside is ``fill``."""
    out = np.full_like(values, fill)
    if abs(by) >= len(values):
        return out
    if by >= 0:
        out[by:] = values[: len(values) - by]
    else:
        out[:by] = values[-by:]
    return out
