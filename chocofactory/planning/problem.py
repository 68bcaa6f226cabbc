"""What a plan is asked for: the plant, the days, prices and weather, and what is running, locked, out of order or owed.

All arrays run along ``grid``: the quarter-hours (UTC) from the start of planning to the end of the last local day. A
quarter-hour is what power is metered by; batches start on slots of 15 or 30 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_bounds, local_date
from chocofactory.domain.plant import days

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    import numpy.typing as npt

    from chocofactory.domain.plant import Plant

    Numbers = npt.NDArray[np.float64]

QUARTER = timedelta(minutes=15)
QUARTER_MIN = 15
SLOTS_MIN = (15, 30)
LONGEST_DAYS = 7


@dataclass(frozen=True)
class Commitment:
    """A batch of which the first blocks stand: one that is running, or one that somebody locked.

    ``starts`` are when its first blocks begin or began (UTC, in their order, at least one); the blocks after those are
    planned. ``name`` is how the batch is called; ``units`` say on which unit (from 1) each of these blocks is, as far
    as that is known.
    """

    name: str
    product: str
    starts: tuple[datetime, ...]
    units: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outage:
    """So many units of a machine cannot be used from ``start`` to ``end`` (UTC, exclusive), nor the block it is in."""

    machine: str
    units: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Problem:
    """All that a plan depends on.

    ``start`` (UTC) is a quarter-hour's on the grid of slots; nothing planned begins before it. ``first`` ... ``last``
    are local days, ``start`` lies in the first. ``price_eur_kwh``, ``outside_c`` and ``outside_pct`` (humidity) have a
    value for each entry of ``grid``; a price is never missing, weather that is unknown is NaN and limits nothing.
    ``targets`` are batches due at the end of each local day by product; ``stock`` finished batches at the start by
    product, below zero where batches are owed from before. ``closed`` are stretches (UTC) in which nobody is there.
    ``lost`` names batches that were given up at the start: only their names are left, which no other batch gets.
    """

    plant: Plant
    start: datetime
    last: date
    slot_min: int
    price_eur_kwh: Numbers = field(repr=False)
    outside_c: Numbers = field(repr=False)
    outside_pct: Numbers = field(repr=False)
    targets: Mapping[date, Mapping[str, int]] = field(repr=False)
    stock: Mapping[str, int] = field(default_factory=dict)
    commitments: tuple[Commitment, ...] = ()
    outages: tuple[Outage, ...] = ()
    closed: tuple[tuple[datetime, datetime], ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def first(self) -> date:
        """The local day in which planning starts."""
        return local_date(self.start)

    @property
    def end(self) -> datetime:
        """The end of the last local day (UTC, exclusive)."""
        return day_bounds(self.last)[1]

    @property
    def days(self) -> list[date]:
        """The local days of the plan."""
        return days(self.first, self.last)

    @cached_property
    def grid(self) -> pd.DatetimeIndex:
        """The quarter-hours of the plan (UTC), named ``time``."""
        return pd.date_range(self.start, self.end, freq="15min", inclusive="left", unit="us", name="time")

    @property
    def slot(self) -> timedelta:
        """The length of a slot."""
        return timedelta(minutes=self.slot_min)

    @cached_property
    def cooling_kw(self) -> Numbers:
        """What a block with extra cooling draws more in each quarter-hour while it runs."""
        return self.plant.room.cooling_kw(self.outside_c)

    @cached_property
    def auxiliary_kw(self) -> Numbers:
        """What auxiliaries draw in each quarter-hour."""
        return np.array([self.plant.auxiliary_kw(moment) for moment in self.grid.to_pydatetime()], dtype=float)

    def due(self, day: date, product: str) -> int:
        """Batches of a product that must be finished from the start to the end of a local day, less the stock."""
        asked = sum(self.targets.get(each, {}).get(product, 0) for each in days(self.first, day))
        return asked - self.stock.get(product, 0)
