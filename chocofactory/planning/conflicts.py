"""Why no plan keeps all limits: which ones the plan that breaks them least breaks, when, and what would relax them."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from chocofactory.core.messages import Message
from chocofactory.planning.model import window_after
from chocofactory.planning.plan import Conflict
from chocofactory.planning.problem import QUARTER
from chocofactory.planning.starts import (
    HUMIDITY,
    POWER,
    STAFF,
    TEMPERATURE,
    UNITS,
    WAIT,
    minutes_run,
    room_climate,
    staffed_minutes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from chocofactory.domain.plant import Block
    from chocofactory.planning.model import Model
    from chocofactory.planning.problem import Numbers, Problem

_LEAST = 1e-4


def conflicts(model: Model, values: Numbers) -> tuple[Conflict, ...]:
    """The limits that a solution of an elastic model breaks, each stretch of time once."""
    found = [*standing(model.problem), *_overdue(model), *_broken(model, values)]
    return tuple(sorted(found, key=lambda each: (each.start, each.limit)))


def standing(problem: Problem) -> list[Conflict]:
    """The limits that blocks which run or are locked break by themselves: staff, heat and humidity."""
    found = []
    for commitment in problem.commitments:
        for block, start in zip(problem.plant.blocks, commitment.starts, strict=False):
            end = start + timedelta(minutes=block.minutes(commitment.product))
            found += [
                Conflict(limit, max(start, problem.start), end, _said(limit, block.name, 1))
                for limit in _broken_alone(problem, block, start, end)
            ]
    return found


def _broken_alone(problem: Problem, block: Block, start: datetime, end: datetime) -> Iterator[str]:
    runs = minutes_run(problem, start, end) > 0
    room = room_climate(problem)
    minute = timedelta(minutes=1)
    first, last = (int(max(each - problem.start, timedelta()) / minute) for each in (start, end))
    if block.attended and not staffed_minutes(problem)[first:last].all():
        yield STAFF
    if block.room_max_c is not None and (room["room_c"].to_numpy()[runs] > block.room_max_c).any():
        yield TEMPERATURE
    humid = room["room_pct"].to_numpy() > problem.plant.room.start_humidity_max_pct
    if problem.start <= start < problem.end and humid[(start - problem.start) // QUARTER]:
        yield HUMIDITY


def _broken(model: Model, values: Numbers) -> Iterator[Conflict]:
    problem = model.problem
    found = sorted(
        (limit, place, quarter, values[column])
        for column, broken in model.slack.items()
        for limit, place, quarter in broken
        if values[column] > _LEAST
    )
    for (limit, place), group in groupby(found, key=lambda each: each[:2]):
        block = problem.plant.blocks[place] if place >= 0 else None
        for first, last, most in _stretches([(quarter, value) for _, _, quarter, value in group]):
            start, end = problem.start + first * QUARTER, problem.start + (last + 1) * QUARTER
            if block is not None and limit in {STAFF, TEMPERATURE, HUMIDITY}:
                end += timedelta(minutes=max(block.minutes(product) for product in problem.plant.product_names))
            said = _out_of_order(problem, limit, place, start, end) or _said(limit, block.name if block else "", most)
            yield Conflict(limit, start, end, said)


def _overdue(model: Model) -> Iterator[Conflict]:
    """Running batches that have waited too long already."""
    problem = model.problem
    for commitment in problem.commitments:
        blocks = problem.plant.blocks
        window = window_after(problem, commitment) if len(commitment.starts) < len(blocks) else None
        if window is None or window[1] >= window[0]:
            continue
        block = blocks[len(commitment.starts) - 1]
        ended = commitment.starts[-1] + timedelta(minutes=block.minutes(commitment.product))
        message = Message(
            "{batch} has waited longer than {minutes} min after {block}: tell it lost unless it is still good.",
            batch=commitment.name,
            minutes=block.max_wait_min,
            block=block.name,
        )
        yield Conflict(WAIT, ended, problem.start + window[0] * QUARTER, message)


def _stretches(found: list[tuple[int, float]]) -> Iterator[tuple[int, int, float]]:
    """Runs of quarter-hours that follow each other: first, last and the greatest value."""
    for _, group in groupby(enumerate(found), key=lambda each: each[1][0] - each[0]):
        run = [each for _, each in group]
        yield run[0][0], run[-1][0], max(value for _, value in run)


def _out_of_order(problem: Problem, limit: str, place: int, start: datetime, end: datetime) -> Message | None:
    """What a machine that is out of order makes of batches that are in its block or must come to it; None: nothing."""
    into = place if limit == UNITS else place + 1
    if limit not in {UNITS, WAIT} or into >= len(problem.plant.blocks):
        return None
    block = problem.plant.blocks[into]
    machines = [
        outage.machine
        for outage in problem.outages
        if outage.start < end and outage.end > start and outage.machine in {stage.machine for stage in block.stages}
    ]
    held = [
        each.name
        for each in problem.commitments
        if len(each.starts) <= into or each.starts[into] + timedelta(minutes=block.minutes(each.product)) > start
    ]
    if not machines or not held:
        return None
    return Message(
        "Out of order: {machine}, which {block} needs for {batches}. Tell a spoilt batch lost, unlock one, or say that "
        "the machine is back earlier.",
        machine=machines[0],
        block=block.name,
        batches=", ".join(held),
    )


def _said(limit: str, block: str, most: float) -> Message:
    """What is broken, and what would relax it."""
    fields = {"block": block, "most": round(most, 1)}
    if limit == POWER:
        return Message("{most} kW above the contract: unlock a batch, or contract more.", most=fields["most"])
    if limit == UNITS:
        return Message("{block} lacks units ({most}): unlock a batch.", **fields)
    if limit == STAFF:
        return Message("{block} would run while nobody is there: somebody must stay.", block=block)
    if limit == TEMPERATURE:
        return Message("{block} would run in a room that is too hot: cool it, or unlock a batch.", block=block)
    if limit == HUMIDITY:
        return Message("{block} would start in air that is too humid: dry it, or unlock a batch.", block=block)
    return Message("A batch waits longer after {block} than it may: tell it lost unless it is still good.", block=block)
