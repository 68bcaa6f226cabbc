"""The same problem with one limit wider: to find out which of them stands in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.core.messages import Message

if TYPE_CHECKING:
    from chocofactory.domain.plant import Block
    from chocofactory.planning.problem import Problem


def relaxations(problem: Problem) -> list[tuple[Message, Problem]]:
    """What binds, said for people, and the problem without it: each limit in turn."""
    plant = problem.plant
    out = [
        (
            Message("Units of {block}: one more would help.", block=block.name),
            _with_block(problem, place, replace(block, units=block.units + 1)),
        )
        for place, block in enumerate(plant.blocks)
    ]
    out += [
        (
            Message("Staffed hours: {block} must be attended.", block=block.name),
            _with_block(problem, place, replace(block, attended=False)),
        )
        for place, block in enumerate(plant.blocks)
        if block.attended
    ]
    boundless = replace(plant, contracted_kw=np.inf)
    out.append(
        (Message("Contracted power of {power} kW.", power=plant.contracted_kw), replace(problem, plant=boundless))
    )
    unlimited = tuple(replace(block, room_max_c=None) for block in plant.blocks)
    mild = replace(plant, blocks=unlimited, room=replace(plant.room, start_humidity_max_pct=np.inf))
    out.append((Message("Heat or humidity of the room."), replace(problem, plant=mild)))
    if problem.outages:
        out.append((Message("Machines that are out of order."), replace(problem, outages=())))
    if problem.closed:
        out.append((Message("Hours in which the plant is closed."), replace(problem, closed=())))
    return out


def unlimited(problem: Problem) -> Problem:
    """The same problem with all limits that ``relaxations`` names far wider at once."""
    plant = problem.plant
    blocks = tuple(replace(block, units=99, attended=False, room_max_c=None) for block in plant.blocks)
    room = replace(plant.room, start_humidity_max_pct=np.inf)
    boundless = replace(plant, blocks=blocks, room=room, contracted_kw=np.inf)
    return replace(problem, plant=boundless, outages=(), closed=())


def _with_block(problem: Problem, place: int, block: Block) -> Problem:
    blocks = (*problem.plant.blocks[:place], block, *problem.plant.blocks[place + 1 :])
    return replace(problem, plant=replace(problem.plant, blocks=blocks))
