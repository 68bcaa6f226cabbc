"""Why no plan keeps all limits: which ones the plan that breaks them least breaks, when, and what would relax them."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from chocofactory.core.messages import Message
from chocofactory.planning.model import window_after
from chocofactory.planning.plan import Conflict
from chocofactory.planning.problem import QUARTER
from chocofactory.planning.starts import HUMIDITY, POWER, STAFF, TEMPERATURE, UNITS, WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chocofactory.planning.model import Model
    from chocofactory.planning.problem import Numbers

_LEAST = 1e-4


def conflicts(model: Model, values: Numbers) -> tuple[Conflict, ...]:
    """The limits that a solution of an elastic model breaks, each stretch of time once."""
    return tuple(sorted([*_overdue(model), *_broken(model, values)], key=lambda each: (each.start, each.limit)))


def _broken(model: Model, values: Numbers) -> Iterator[Conflict]:
    problem = model.problem
    found = sorted(
        (limit, place, quarter, values[column])
        for column, (limit, place, quarter) in model.slack.items()
        if values[column] > _LEAST
    )
    for (limit, place), group in groupby(found, key=lambda each: each[:2]):
        block = problem.plant.blocks[place] if place >= 0 else None
        for first, last, most in _stretches([(quarter, value) for _, _, quarter, value in group]):
            start, end = problem.start + first * QUARTER, problem.start + (last + 1) * QUARTER
            if block is not None and limit in {STAFF, TEMPERATURE, HUMIDITY}:
                end += timedelta(minutes=max(block.minutes(product) for product in problem.plant.product_names))
            yield Conflict(limit, start, end, _said(limit, block.name if block else "", most))


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
            "{batch} has waited longer than {minutes} min after {block}: decide whether it is still good.",
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
    return Message("A batch waits longer after {block} than it may: decide whether it is still good.", block=block)
