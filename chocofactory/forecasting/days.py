"""Days as the trained models see them: what kind the calendar makes them, and prices in units of what is usual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.model import LEAST_DAYS

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from chocofactory.forecasting.history import History

    Numbers = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

USUAL_DAYS = 28
"""The level and spread of prices at an origin are those of so many days before it."""
REST_DAY = 6
"""The kind that Sundays and national holidays share."""
_LEAST_SPREAD = 1e-4
_FRIDAY = 4


@dataclass(frozen=True)
class Calendar:
    """What is special about days in a row; all arrays have one entry a day.

    ``kind`` is the weekday (Monday 0), but ``REST_DAY`` on national holidays; ``bridge`` marks the Monday before a
    holiday and the Friday after one; ``distance`` is the number of days to the nearest holiday before or after.
    """

    weekday: Rows
    kind: Rows
    holiday: npt.NDArray[np.bool_]
    eve: npt.NDArray[np.bool_]
    morrow: npt.NDArray[np.bool_]
    bridge: npt.NDArray[np.bool_]
    distance: Rows
    month: Rows
    day_of_month: Rows
    day_of_year: Rows

    @classmethod
    def of(cls, first: pd.Timestamp, days: int) -> Calendar:
        """The calendar of so many local days from ``first`` on."""
        rows = pd.date_range(first, periods=days, freq="D")
        weekday = rows.day_of_week.to_numpy().astype(np.int64)
        known = national_holidays(first.year - 1, rows[-1].year + 1)
        place = rows.to_numpy().astype("datetime64[D]")
        later = np.searchsorted(known, place)
        ahead = (known[later] - place).astype(np.int64)
        behind = (place - known[later - 1]).astype(np.int64)
        holiday, eve, morrow = ahead == 0, np.isin(place + 1, known), np.isin(place - 1, known)
        return cls(
            weekday=weekday,
            kind=np.where(holiday, REST_DAY, weekday),
            holiday=holiday,
            eve=eve,
            morrow=morrow,
            bridge=((weekday == 0) & eve) | ((weekday == _FRIDAY) & morrow),
            distance=np.minimum(ahead, behind),
            month=rows.month.to_numpy().astype(np.int64),
            day_of_month=rows.day.to_numpy().astype(np.int64),
            day_of_year=rows.day_of_year.to_numpy().astype(np.int64),
        )


def need_days(history: History, model: str) -> None:
    """Refuse a history with which the trained models cannot begin.

    Raises
    ------
    InvalidInput
        It is shorter than 56 days.

    """
    if len(history) < LEAST_DAYS:
        raise InvalidInput(
            "The model {model} needs {least} days of prices; {there} are there.",
            model=model,
            least=LEAST_DAYS,
            there=len(history),
        )


def usual(values: Numbers, origins: Rows) -> tuple[Numbers, Numbers]:
    """Level and spread of the prices of the 28 days before each origin.

    Parameters
    ----------
    values
        Prices [EUR/kWh] by day and hour, shape (days, 24).
    origins
        Rows of the days that begin at the origins; what lies there or later plays no part.

    Returns
    -------
    tuple of ndarray
        Mean and standard deviation [EUR/kWh], each of shape (origins,); the spread is never 0.

    """
    windows = [values[origin - USUAL_DAYS : origin] for origin in origins]
    level = np.array([window.mean() for window in windows])
    return level, np.array([window.std() for window in windows]) + _LEAST_SPREAD


def mean_before(values: Numbers, origins: Rows, days: int) -> Numbers:
    """Means by hour of so many days before each origin, shape (origins, 24)."""
    return np.stack([values[origin - days : origin].mean(axis=0) for origin in origins])


def in_units(values: Numbers, level: Numbers, spread: Numbers) -> Numbers:
    """Prices [EUR/kWh] of each origin (the first axis) in units of the spread there, above the level there."""
    rest = (1,) * (values.ndim - 1)
    return (values - level.reshape(-1, *rest)) / spread.reshape(-1, *rest)


@lru_cache(maxsize=8)
def national_holidays(first_year: int, last_year: int) -> npt.NDArray[np.datetime64]:
    """The holidays of all Spain in these years, in order."""
    import holidays

    known: list[date] = sorted(holidays.country_holidays("ES", years=range(first_year, last_year + 1)))
    return np.array(known, dtype="datetime64[D]")
