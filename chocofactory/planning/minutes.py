"""A plant minute by minute: staff, room, prices and auxiliaries, reckoned for the checking of plans and nothing else.

Slow and plain on purpose: it shares no arithmetic with what makes plans, so that an error there is not repeated here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.core.clock import MADRID

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from chocofactory.domain.plant import Block, Stage
    from chocofactory.planning.problem import Problem

    Numbers = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

MINUTE = timedelta(minutes=1)
_QUARTER_MIN = 15


@dataclass
class Minutes:
    """The minutes of a problem from its start to its end; what lies outside them is known to nobody.

    Each array has one entry a minute: ``price`` [EUR/kWh], ``room_c``, ``room_pct`` and ``cooling`` [kW] (of a block
    with extra cooling), ``auxiliary`` [kW], ``staffed``.
    """

    problem: Problem
    price: Numbers = field(init=False, repr=False)
    room_c: Numbers = field(init=False, repr=False)
    room_pct: Numbers = field(init=False, repr=False)
    cooling: Numbers = field(init=False, repr=False)
    auxiliary: Numbers = field(init=False, repr=False)
    staffed: Flags = field(init=False, repr=False)

    def __post_init__(self) -> None:
        problem, room = self.problem, self.problem.plant.room
        self.price = np.repeat(np.asarray(problem.price_eur_kwh, dtype=float), _QUARTER_MIN)
        climates, coolings = [], []
        for outside, humid in zip(problem.outside_c, problem.outside_pct, strict=True):
            climates.append(self._climate(float(outside), float(humid)))
            over = float(outside) - room.cooling_above_c
            coolings.append(room.cooling_kw_per_c * over if over > 0 else 0.0)
        self.room_c = np.repeat([each[0] for each in climates], _QUARTER_MIN)
        self.room_pct = np.repeat([each[1] for each in climates], _QUARTER_MIN)
        self.cooling = np.repeat(coolings, _QUARTER_MIN)
        self.auxiliary = np.array(
            [self._auxiliary(self.moment(place)) for place in range(len(self.price))], dtype=float
        )
        self.staffed = self._staff()

    def moment(self, place: int) -> datetime:
        """When the minute at a place begins (UTC)."""
        return self.problem.start + place * MINUTE

    def span(self, start: datetime, end: datetime) -> slice:
        """The minutes from ``start`` to ``end`` that the problem holds."""
        longest = len(self.price)
        first, last = ((each - self.problem.start) / MINUTE for each in (start, end))
        return slice(min(max(math.floor(first), 0), longest), min(max(math.ceil(last), 0), longest))

    def _climate(self, outside: float, humid: float) -> tuple[float, float]:
        room = self.problem.plant.room
        if math.isnan(outside):
            return math.nan, math.nan
        if outside < room.until_outside_c:
            kept = humid if math.isnan(humid) else min(humid, room.humidity_max_pct)
            return room.setpoint_c, kept
        return outside - room.relief_c, humid

    def _auxiliary(self, moment: datetime) -> float:
        here = moment.astimezone(MADRID)
        minute = 60 * here.hour + here.minute
        return sum(each.power_kw for each in self.problem.plant.auxiliaries if each.start <= minute < each.end)

    def _staff(self) -> Flags:
        plant, there = self.problem.plant, np.zeros(len(self.price), dtype=bool)
        day = self.problem.start.astimezone(MADRID).date() - timedelta(days=1)
        while day <= self.problem.last:
            if not plant.calendar.is_closed(day):
                for shift in plant.shifts:
                    if day.weekday() in shift.weekdays:
                        there[self.span(_clock(day, shift.start), _clock(day, shift.end))] = True
            day += timedelta(days=1)
        for start, end in self.problem.closed:
            there[self.span(start, end)] = False
        return there


def stages_of(block: Block, product: str, start: datetime) -> list[tuple[Stage, datetime, datetime]]:
    """The stages of a block that a batch enters at ``start``, each with its start and end."""
    found = []
    for stage in block.stages:
        end = start + stage.minutes[product] * MINUTE
        found.append((stage, start, end))
        start = end
    return found


def _clock(day: date, minute: int) -> datetime:
    """When the clock on the wall shows a minute of a local day."""
    shown = datetime(day.year, day.month, day.day, tzinfo=MADRID) + timedelta(minutes=minute)  # on the wall
    return shown.astimezone(UTC)
