"""Why a batch runs when it does, what another start would cost, and what each quarter-hour lets begin.

A batch is moved with everything else fixed: its blocks may take any start that its waits and the plant's limits leave,
with the units and the power that the other batches leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_bounds, local_date
from chocofactory.core.errors import NotFound
from chocofactory.planning.model import window_after
from chocofactory.planning.problem import QUARTER, QUARTER_MIN, Commitment
from chocofactory.planning.savings import energy
from chocofactory.planning.starts import (
    HORIZON,
    POWER,
    TOO_SOON,
    UNITS,
    WAIT,
    Starts,
    capacity,
    drawn_kwh,
    occupied,
    room_climate,
    starts_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import numpy.typing as npt

    from chocofactory.domain.tariff import Tariff
    from chocofactory.planning.plan import Batch, Plan
    from chocofactory.planning.problem import Numbers, Problem

    Texts = npt.NDArray[np.object_]

DUE = "due"
"""The limit that closes a start by which the batch would come too late for the day that it is for."""
LATER = (timedelta(minutes=30), timedelta(hours=2), timedelta(days=1))
"""How much later a start is shown beside the one that was chosen."""
_SAME_EUR = 0.005
_SAME_KW = 1e-6


@dataclass(frozen=True)
class Closed:
    """Starts that would have been cheaper and that a limit closes: how many, and the cheapest cost among them [EUR].

    ``block`` is the block that meets the limit.
    """

    limit: str
    block: str
    starts: int
    cost_eur: float


@dataclass(frozen=True)
class Move:
    """Starting later by a time: what it costs more [EUR], or the limit (and its block) that closes it."""

    later: timedelta
    more_eur: float | None
    limit: str = ""
    block: str = ""


@dataclass(frozen=True)
class Reasons:
    """Why a batch starts when it does.

    ``curve`` has the index ``time`` (UTC, starts of slots) and the columns ``cost_eur`` of the batch's planned blocks
    (NaN where the start is closed), ``limit`` and ``block`` that close it (empty where it is open). ``price_eur_kwh``
    is the mean price of its energy; ``rank`` its place among ``ranked`` starts by cost if no limit were there, 1 is the
    cheapest. ``periods`` are shares of its energy by tariff period. ``closed`` are cheaper starts that limits close,
    the cheapest first.
    """

    batch: str
    start: datetime
    cost_eur: float
    price_eur_kwh: float
    rank: int
    ranked: int
    periods: Mapping[str, float]
    closed: tuple[Closed, ...]
    moves: tuple[Move, ...]
    curve: pd.DataFrame


def reasons(plan: Plan, name: str, tariff: Tariff) -> Reasons:
    """Why the batch of this name starts when it does.

    Raises
    ------
    NotFound
        The plan has no such batch, or nothing of it was planned: it was running or locked.

    """
    problem = plan.problem
    batch = next((each for each in plan.batches if each.name == name), None)
    first = next((place for place, run in enumerate(batch.runs) if run.planned), None) if batch else None
    if batch is None or first is None:
        raise NotFound("The plan has no batch {name} whose start was for it to decide.", name=name)
    chain = [starts_of(problem, block, batch.product) for block in problem.plant.blocks[first:]]
    limits = _limits(plan, batch, chain)
    cost, limit, block = _best(chain, limits)
    if first:  # it is the block before that is not done yet, or after which it waits too long
        block = np.where(np.isin(limits[0], (TOO_SOON, WAIT)), problem.plant.blocks[first - 1].name, block)
    ideal = _best(chain, [np.where(starts.closed[HORIZON], HORIZON, "") for starts in chain])[0]
    here = np.arange(0, len(problem.grid), problem.slot_min // QUARTER_MIN)
    here = here[here <= _latest(problem, batch, chain)]
    chosen = (batch.runs[first].start - problem.start) // QUARTER
    spent = sum(run.cost_eur for run in batch.runs[first:])
    drawn = energy(problem, [batch])
    return Reasons(
        batch=name,
        start=batch.runs[first].start,
        cost_eur=spent,
        price_eur_kwh=float(drawn @ problem.price_eur_kwh / drawn.sum()),
        rank=1 + int((ideal[here] < spent - _SAME_EUR).sum()),
        ranked=int(np.isfinite(ideal[here]).sum()),
        periods=_periods(problem, drawn, tariff),
        closed=_cheaper(here, ideal, spent, limit, block),
        moves=tuple(_move(later, chosen, cost, spent, limit, block) for later in LATER),
        curve=pd.DataFrame(
            {"cost_eur": cost[here], "limit": limit[here], "block": block[here]}, index=problem.grid[here]
        ),
    )


def quarters(plan: Plan) -> pd.DataFrame:
    """What each quarter-hour holds, and what it lets begin.

    Returns
    -------
    DataFrame
        Index ``time`` (UTC); ``price_eur_kwh``, ``outside_c``, ``room_c``, ``room_pct``, ``running`` (tuple of batch
        and block), and for each block a column of its name: the limits that keep every product from starting it beside
        all that runs (tuple, empty where one may start).

    """
    problem = plan.problem
    out = room_climate(problem)
    out.insert(0, "price_eur_kwh", problem.price_eur_kwh)
    out.insert(1, "outside_c", problem.outside_c)
    running: list[list[tuple[str, str]]] = [[] for _ in problem.grid]
    for batch in plan.batches:
        for run, block in zip(batch.runs, problem.plant.blocks, strict=False):
            for each in running[occupied(problem, run.start, block, batch.product)]:
                each.append((batch.name, run.block))
    at_work: list[Any] = [tuple(each) for each in running]
    out["running"] = at_work
    for block in problem.plant.blocks:
        found = [_limits_of(plan, None, starts_of(problem, block, product)) for product in problem.plant.product_names]
        closed: list[Any] = [() if "" in each else tuple(dict.fromkeys(each)) for each in zip(*found, strict=True)]
        out[block.name] = closed
    return out


def _limits(plan: Plan, batch: Batch, chain: Sequence[Starts]) -> list[Texts]:
    limits = [_limits_of(plan, batch, starts) for starts in chain]
    standing = tuple(run.start for run in batch.runs if not run.planned)
    if standing:
        limits[0] = _in_time(plan.problem, Commitment(batch.name, batch.product, standing), limits[0])
    if batch.due is not None:
        end = (_deadline(batch, batch.due) - plan.problem.start) // timedelta(minutes=1)
        late = np.arange(len(plan.problem.grid)) * QUARTER_MIN + chain[-1].minutes > end
        limits[-1] = np.where(late & (limits[-1] == ""), DUE, limits[-1])
    return limits


def _in_time(problem: Problem, begun: Commitment, limits: Texts) -> Texts:
    """The same limits, and those of the wait after a block that stands."""
    window = window_after(problem, begun)
    if window is None:
        return limits
    place = np.arange(len(limits))
    outside = np.where(place < window[0], TOO_SOON, np.where(place > window[1], WAIT, ""))
    return np.where(outside != "", outside, limits).astype(object)


def _deadline(batch: Batch, due: date) -> datetime:
    """The end of the day that it is for; of that on which it is finished where that is later: it may not be later."""
    finished = local_date(batch.end - timedelta(microseconds=1))
    return day_bounds(max(due, finished))[1]


def _limits_of(plan: Plan, batch: Batch | None, starts: Starts) -> Texts:
    """For each quarter-hour the first limit that keeps a block from starting beside the others; empty if none does."""
    problem = plan.problem
    others = [each for each in plan.batches if each is not batch]
    size = len(problem.grid)
    free = capacity(problem, starts.block).copy()
    power = problem.plant.contracted_kw - problem.auxiliary_kw
    for other in others:
        for run, block in zip(other.runs, problem.plant.blocks, strict=False):
            if block.name == starts.block.name:
                free[occupied(problem, run.start, block, other.product)] -= 1
            power = power - sum(drawn_kwh(problem, block, other.product, run.start)) * 60 / QUARTER_MIN
    out = np.full(size, "", dtype=object)
    for limit, mask in starts.closed.items():
        out[mask & (out == "")] = limit
    for quarter in np.flatnonzero(out == ""):
        span = slice(quarter, quarter + starts.quarters)
        if (free[span] < 1).any():
            out[quarter] = UNITS
        elif (starts.power_kw(problem, int(quarter))[: len(power[span])] > power[span] + _SAME_KW).any():
            out[quarter] = POWER
    return out


def _best(chain: Sequence[Starts], limits: Sequence[Texts]) -> tuple[Numbers, Texts, Texts]:
    """The least cost of blocks that follow each other, by the start of the first; else the limit, and whose it is."""
    size = len(limits[0])
    cost = np.zeros(size)
    limit, block = np.full(size, "", dtype=object), np.full(size, "", dtype=object)
    for place in range(len(chain) - 1, -1, -1):
        starts, own = chain[place], limits[place]
        if place < len(chain) - 1:
            cost, limit, block = _after(starts, cost, limit, block)
        cost = np.where(own == "", starts.cost_eur + cost, np.nan)
        limit = np.where(own == "", limit, own)
        block = np.where(own == "", block, starts.block.name)
    return cost, limit, block


def _after(starts: Starts, cost: Numbers, limit: Texts, block: Texts) -> tuple[Numbers, Texts, Texts]:
    """The cheapest of the starts of the next block that the wait leaves; else the limit of the first of them."""
    size = len(cost)
    waits = range(starts.earliest, starts.latest + 1, starts.slot_quarters)
    ahead = np.full((len(waits), size), np.nan)
    for row, wait in enumerate(waits):
        ahead[row, : size - wait] = cost[wait:]
    best = np.where(np.isnan(ahead).all(axis=0), np.nan, np.where(np.isnan(ahead), np.inf, ahead).min(axis=0))
    first = np.minimum(np.arange(size) + starts.earliest, size - 1)
    closed = np.isnan(best)
    why = np.where(limit[first] == "", WAIT, limit[first])
    return best, np.where(closed, why, ""), np.where(closed, block[first], "")


def _latest(problem: Problem, batch: Batch, chain: Sequence[Starts]) -> int:
    """The last quarter-hour that is a start worth telling: by which the batch is finished when it is due."""
    end = day_bounds(batch.due)[1] if batch.due is not None else problem.end
    minutes = sum(starts.minutes for starts in chain)
    return max((max(end, batch.end) - problem.start - timedelta(minutes=minutes)) // QUARTER, 0)


def _periods(problem: Problem, drawn: Numbers, tariff: Tariff) -> dict[str, float]:
    shares = pd.Series(drawn / drawn.sum(), index=problem.grid).groupby(tariff.label(problem.grid), observed=True).sum()
    return {str(period): float(share) for period, share in shares.items() if share > 0}


def _cheaper(
    here: npt.NDArray[np.int64], ideal: Numbers, spent: float, limit: Texts, block: Texts
) -> tuple[Closed, ...]:
    found: dict[tuple[str, str], list[float]] = {}
    for quarter in here[(ideal[here] < spent - _SAME_EUR) & (limit[here] != "")]:
        found.setdefault((limit[quarter], block[quarter]), []).append(float(ideal[quarter]))
    closed = [Closed(*key, starts=len(costs), cost_eur=min(costs)) for key, costs in found.items()]
    return tuple(sorted(closed, key=lambda each: each.cost_eur))


def _move(later: timedelta, chosen: int, cost: Numbers, spent: float, limit: Texts, block: Texts) -> Move:
    quarter = chosen + later // QUARTER
    if quarter >= len(cost):
        return Move(later, None, HORIZON)
    if limit[quarter]:
        return Move(later, None, str(limit[quarter]), str(block[quarter]))
    return Move(later, float(cost[quarter]) - spent)
