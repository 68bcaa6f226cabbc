"""A plan: which batch is in which block on which unit when, what it draws and costs, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date, datetime

    from chocofactory.core.messages import Message
    from chocofactory.planning.problem import Problem

Status = Literal["optimal", "feasible", "infeasible"]
"""Proven best; the best found until the time ran out, with its gap; or no plan keeps all limits."""


@dataclass(frozen=True)
class StageRun:
    """A stage at its real minutes (UTC, ``end`` exclusive), with its energy [kWh] and what that costs [EUR]."""

    name: str
    machine: str
    start: datetime
    end: datetime
    energy_kwh: float
    cost_eur: float


@dataclass(frozen=True)
class BlockRun:
    """A batch in a block: real ``start`` and ``end`` (UTC), on which ``unit`` (from 1), occupied until ``until``.

    ``energy_kwh`` and ``cost_eur`` hold the stages and ``cooling_kwh``. ``room_c`` and ``room_pct`` are the room's
    highest temperature and its humidity at the start; None where the weather is unknown. ``planned`` is False for what
    was running or locked.
    """

    block: str
    unit: int
    start: datetime
    end: datetime
    until: datetime
    stages: tuple[StageRun, ...]
    cooling_kwh: float
    energy_kwh: float
    cost_eur: float
    room_c: float | None
    room_pct: float | None
    planned: bool = True


@dataclass(frozen=True)
class Batch:
    """A batch and its blocks in their order; ``due`` is the local day whose target it serves, None for stock."""

    name: str
    product: str
    due: date | None
    runs: tuple[BlockRun, ...]

    @property
    def start(self) -> datetime:
        """When its first block begins."""
        return self.runs[0].start

    @property
    def end(self) -> datetime:
        """When it is finished."""
        return self.runs[-1].end

    @property
    def energy_kwh(self) -> float:
        """What all its blocks draw, cooling included, from the start of the plan on or before."""
        return sum(run.energy_kwh for run in self.runs)

    @property
    def cost_eur(self) -> float:
        """What that costs."""
        return sum(run.cost_eur for run in self.runs)


@dataclass(frozen=True)
class Shortfall:
    """Batches of a product that should be finished by the end of a local day and are not, and which limits bind.

    ``limits`` are sentences, each naming one limit that, were it wider, would let more be finished.
    """

    day: date
    product: str
    batches: int
    limits: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Proof:
    """How good the plan is proven to be.

    ``cost_eur`` is the plan's cost, which may lie 0.05 EUR above the cheapest that was found so that it finishes
    earlier; ``bound_eur`` is what no plan can be below, and ``gap`` the relative distance of that cheapest one to it.
    ``shortfall_proven`` says that no plan is less short, ``early_proven`` that none as cheap finishes earlier (both
    within the solver's tolerance). ``seconds`` is the time of all solving.
    """

    status: Status
    cost_eur: float
    bound_eur: float
    gap: float
    shortfall_proven: bool
    early_proven: bool
    seconds: float
    solver: str


@dataclass(frozen=True)
class Conflict:
    """A limit that is broken whatever is planned: which one, when, and what would relax it."""

    limit: str
    start: datetime
    end: datetime
    message: Message


@dataclass(frozen=True)
class Plan:
    """What was decided for a problem.

    ``shortfalls`` has an entry for each day and product that falls short. ``conflicts`` are limits that running or
    locked blocks break by themselves, and, when the status is ``infeasible``, those that must be broken whatever is
    planned: the plan then is the one that breaks the limits least.
    """

    problem: Problem = field(repr=False)
    batches: tuple[Batch, ...]
    shortfalls: tuple[Shortfall, ...]
    proof: Proof
    conflicts: tuple[Conflict, ...] = ()

    @property
    def cost_eur(self) -> float:
        """What the energy of all batches costs from the start of the plan on; auxiliaries are not in it."""
        return sum(batch.cost_eur for batch in self.batches)

    @property
    def energy_kwh(self) -> float:
        """The energy of all batches from the start of the plan on, cooling included."""
        return sum(batch.energy_kwh for batch in self.batches)
