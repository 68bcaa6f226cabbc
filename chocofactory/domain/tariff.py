"""Access tariffs: which period an hour belongs to, by the wall clock of Madrid.

Source: CNMC Circular 3/2020, hourly periods of the Peninsula. Holidays follow from a rule, so no year is ever
missing: national holidays of fixed date and 6 January. Good Friday, regional and local holidays, and the Monday to
which a holiday is moved, are working days for the tariff.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, local
from chocofactory.core.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import date, datetime

    import numpy.typing as npt

HOLIDAYS = frozenset({(1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)})
"""Month and day of the holidays on which every hour belongs to the cheapest period."""

_SATURDAY = 5


def is_rest_day(day: date) -> bool:
    """Whether all hours of a local day belong to the cheapest period: Saturday, Sunday or a fixed-date holiday."""
    return day.weekday() >= _SATURDAY or (day.month, day.day) in HOLIDAYS


def rest_days(wall: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    """Which entries of an index of wall-clock times fall on a rest day, as ``is_rest_day`` has it."""
    holidays = [100 * month + day for month, day in HOLIDAYS]
    rest: npt.NDArray[np.bool_] = (wall.day_of_week >= _SATURDAY) | np.isin(100 * wall.month + wall.day, holidays)
    return rest


@dataclass(frozen=True)
class Tariff:
    """An access tariff: a period for every hour of the wall clock.

    ``name`` as the regulation has it; ``periods`` from the dearest to the cheapest (``"P1"`` ...), the last of which
    holds all of a rest day; ``table`` (12 months x 24 hours) the place in ``periods`` of each hour of working days.
    """

    name: str
    periods: tuple[str, ...]
    table: npt.NDArray[np.int8] = field(repr=False, compare=False)

    def period(self, moment: datetime) -> str:
        """The period in which an aware moment falls.

        Raises
        ------
        ValueError
            The moment carries no zone.

        """
        if moment.tzinfo is None:
            msg = f"a moment must carry its zone: {moment!r}"
            raise ValueError(msg)
        wall = local(moment)
        if is_rest_day(wall.date()):
            return self.periods[-1]
        return self.periods[int(self.table[wall.month - 1, wall.hour])]

    def label(self, index: pd.DatetimeIndex) -> pd.Series:
        """The period of each time of an aware index.

        Returns
        -------
        Series
            Named ``period``, on the same index; categorical, all periods of the tariff as categories in their order.

        """
        wall = index.tz_convert(MADRID)
        codes = np.where(rest_days(wall), np.int8(len(self.periods) - 1), self.table[wall.month - 1, wall.hour])
        labels = pd.Categorical.from_codes(codes, pd.Index(self.periods))
        return pd.Series(labels, index=index, name="period")

    def by_hour(self, days: pd.DatetimeIndex) -> npt.NDArray[np.int8]:
        """The place in ``periods`` of each hour of the wall clock, for local days given as midnights without zone.

        Returns
        -------
        ndarray
            Shape (days, 24).

        """
        return np.where(rest_days(days)[:, None], np.int8(len(self.periods) - 1), self.table[days.month - 1])


def tariff(name: str) -> Tariff:
    """The tariff of this name: ``2.0TD`` or ``3.0TD``.

    Raises
    ------
    InvalidInput
        There is no such tariff.

    """
    if name not in _TARIFFS:
        raise InvalidInput("There is no tariff {name}: known are {known}.", name=name, known=", ".join(_TARIFFS))
    return _TARIFFS[name]


def _two_periods_and_valley() -> Tariff:
    """2.0TD: peak 10-14 and 18-22, valley 0-8, flat between, in every month alike."""
    peak, flat, valley = 0, 1, 2
    hours = [valley] * 8 + [flat] * 2 + [peak] * 4 + [flat] * 4 + [peak] * 4 + [flat] * 2
    return Tariff("2.0TD", ("P1", "P2", "P3"), np.tile(np.array(hours, dtype=np.int8), (12, 1)))


def _six_periods() -> Tariff:
    """3.0TD: the season gives the period of 9-14 and 18-22; 8-9, 14-18 and 22-24 are one lower; 0-8 is P6."""
    #         Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec: high 0, mid-high 1, mid 2, low 3
    season = [0, 0, 1, 3, 3, 2, 0, 2, 2, 3, 1, 0]
    lower = [0] * 8 + [1] + [0] * 5 + [1] * 4 + [0] * 4 + [1] * 2
    table = np.add.outer(np.array(season, dtype=np.int8), np.array(lower, dtype=np.int8))
    table[:, :8] = 5
    return Tariff("3.0TD", ("P1", "P2", "P3", "P4", "P5", "P6"), table)


_TARIFFS = {made.name: made for made in (_two_periods_and_valley(), _six_periods())}
