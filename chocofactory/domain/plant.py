"""A chocolate plant: what a batch goes through, on which machines, when somebody is there, and what is due when.

A batch passes **blocks** in their order. A block is a run of **stages** that follow at once, each on a machine of its
own; a block has as many units as can be at work side by side, and an attended one wants staff from its first minute to
its last. All lengths are minutes, all powers kW, all energies kWh; wall-clock times are minutes since local midnight.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import holidays

from chocofactory.core.clock import MADRID
from chocofactory.domain.tariff import HOLIDAYS as FIXED_HOLIDAYS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from chocofactory.domain.room import Room
    from chocofactory.domain.scoring import Scoring

MINUTES_A_DAY = 1440
_DAYS_BACK = 14
"""How far before a day a working day is looked for."""


@dataclass(frozen=True)
class Product:
    """Something that the plant makes, in batches of ``batch_kg``."""

    name: str
    batch_kg: float


@dataclass(frozen=True)
class Stage:
    """A step of a block: which machine it runs on, what that draws, and how long it takes by product [minutes]."""

    name: str
    machine: str
    power_kw: float
    minutes: Mapping[str, int]

    def energy_kwh(self, product: str) -> float:
        """What the stage draws for a batch of a product."""
        return self.power_kw * self.minutes[product] / 60


@dataclass(frozen=True)
class Block:
    """Stages that follow at once, and under which limits they run.

    ``units`` can be at work side by side. ``max_wait_min`` is the longest a batch may wait after this block until the
    next one begins (0 for the last). ``room_max_c`` is the highest temperature of the room at which the block may run;
    None: any. With ``extra_cooling``, the room draws more power while the block runs (see ``Room``).
    """

    name: str
    stages: tuple[Stage, ...]
    units: int
    attended: bool
    max_wait_min: int
    room_max_c: float | None
    extra_cooling: bool

    def minutes(self, product: str) -> int:
        """How long a batch of a product is in the block."""
        return sum(stage.minutes[product] for stage in self.stages)

    def energy_kwh(self, product: str) -> float:
        """What the block draws for a batch of a product, extra cooling left aside."""
        return sum(stage.energy_kwh(product) for stage in self.stages)


@dataclass(frozen=True)
class Auxiliary:
    """What runs whatever is planned: from minute ``start`` to minute ``end`` of each local day."""

    name: str
    power_kw: float
    start: int = 0
    end: int = MINUTES_A_DAY


@dataclass(frozen=True)
class Shift:
    """When somebody is there: weekdays (Monday 0) on which it begins, its minutes; ``end`` may lie after midnight."""

    name: str
    start: int
    end: int
    weekdays: frozenset[int]


@dataclass(frozen=True)
class Calendar:
    """Days on which nobody works: Spain's national holidays, if wanted, and the plant's own."""

    national_holidays: bool
    closed_days: frozenset[date]

    def is_closed(self, day: date) -> bool:
        """Whether the day is one of them; Sundays follow from the shifts."""
        return day in self.closed_days or (self.national_holidays and holiday(day) is not None)


@dataclass(frozen=True)
class Costs:
    """What a kilogram costs beside energy [EUR/kg]."""

    materials: float
    packaging: float
    labour: float
    overhead: float


@dataclass(frozen=True)
class Plant:
    """All that planning knows of a plant.

    ``targets`` has for each weekday (Monday 0) the batches of each product due at the end of it. ``contracted_kw`` is
    what the mean power of a quarter-hour must not exceed, auxiliaries and extra cooling counted. ``release_min`` is the
    minute of the working day before at which a planner without prices releases what is due (see ``planning.baseline``).
    """

    name: str
    products: tuple[Product, ...]
    blocks: tuple[Block, ...]
    shifts: tuple[Shift, ...]
    calendar: Calendar
    targets: Mapping[int, Mapping[str, int]]
    contracted_kw: float
    auxiliaries: tuple[Auxiliary, ...]
    room: Room
    costs: Costs
    scoring: Scoring
    release_min: int

    @property
    def product_names(self) -> tuple[str, ...]:
        """Names of the products, in their order."""
        return tuple(product.name for product in self.products)

    def energy_kwh(self, product: str) -> float:
        """What a batch of a product draws in all its blocks, extra cooling left aside."""
        return sum(block.energy_kwh(product) for block in self.blocks)

    def is_working(self, day: date) -> bool:
        """Whether a shift begins on the local day."""
        return not self.calendar.is_closed(day) and any(day.weekday() in shift.weekdays for shift in self.shifts)

    def shifts_of(self, day: date) -> list[tuple[str, datetime, datetime]]:
        """Name, start and end (UTC, exclusive) of each shift that begins on a local day, in order of their start."""
        if self.calendar.is_closed(day):
            return []
        found = [
            (shift.name, wall(day, shift.start), wall(day, shift.end))
            for shift in self.shifts
            if day.weekday() in shift.weekdays
        ]
        return sorted(found, key=lambda each: each[1])

    def staffed(self, first: date, last: date) -> list[tuple[datetime, datetime]]:
        """When somebody is there on the local days ``first`` ... ``last``, and where a shift of theirs ends later.

        Returns
        -------
        list
            Start and end (UTC, exclusive), sorted; shifts that touch or overlap are one.

        """
        merged: list[tuple[datetime, datetime]] = []
        for day in days(first - timedelta(days=1), last):  # a shift of the day before may end on the first
            for _name, start, end in self.shifts_of(day):
                if merged and start <= merged[-1][1]:
                    merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
                else:
                    merged.append((start, end))
        return [each for each in merged if each[1] > wall(first, 0)]

    def working_day_before(self, day: date) -> date | None:
        """The newest working day before a local day; None where there is none in two weeks."""
        before = (day - timedelta(days=back) for back in range(1, _DAYS_BACK + 1))
        return next((each for each in before if self.is_working(each)), None)

    def targets_due(self, first: date, last: date) -> dict[date, dict[str, int]]:
        """Batches due at the end of each local day ``first`` ... ``last``, by product.

        The target of a weekday on which nobody works moves to the working day before; where that lies before ``first``,
        it is due no more.
        """
        due: dict[date, dict[str, int]] = {day: dict.fromkeys(self.product_names, 0) for day in days(first, last)}
        moved: defaultdict[date, list[Mapping[str, int]]] = defaultdict(list)
        for day in days(first, last + timedelta(days=_DAYS_BACK)):
            target = self.targets.get(day.weekday(), {})
            on = day if self.is_working(day) or not any(target.values()) else self.working_day_before(day)
            if on is not None:
                moved[on].append(target)
        for day, counts in due.items():
            for target in moved[day]:
                for name, batches in target.items():
                    counts[name] += batches
        return due

    def auxiliary_kw(self, moment: datetime) -> float:
        """What auxiliaries draw at an aware moment, by the wall clock."""
        here = moment.astimezone(MADRID)
        minute = here.hour * 60 + here.minute
        return sum(each.power_kw for each in self.auxiliaries if each.start <= minute < each.end)


def holiday(day: date) -> str | None:
    """The name of Spain's national holiday on a local day; None on any other day.

    Those of fixed date count on a Sunday too, where the ``holidays`` library leaves them to the regions.
    """
    found: str | None = _HOLIDAYS.get(day)
    return found or (f"{day:%d/%m}" if (day.month, day.day) in FIXED_HOLIDAYS else None)


def wall(day: date, minute: int) -> datetime:
    """The moment (UTC) at which the wall clock of a local day shows a minute; beyond 1440 it is the next day's."""
    later = day + timedelta(days=minute // MINUTES_A_DAY)
    at = time(minute % MINUTES_A_DAY // 60, minute % 60)
    return datetime.combine(later, at, MADRID).astimezone(UTC)


def days(first: date, last: date) -> list[date]:
    """The local days ``first`` ... ``last``, both included."""
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]


_HOLIDAYS = holidays.country_holidays("ES")
