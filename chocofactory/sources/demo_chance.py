"""The seeded chance of the simulation: draws for each local day, and quantities that remember the days before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chocofactory.sources import demo_tables as tables

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Numbers = npt.NDArray[np.float64]

MEMORY_DAYS = 120
SLOTS = 25
LEVEL, SLOW, SIZE, ADJUSTMENT, SPIKE, SPIKE_SIZE, WARMTH = 0, 1, 2, 3, 4, 5, slice(6, 11)
RAIN, RAIN_AMOUNT, RAIN_HOUR, WIND_FARMS, RESERVOIRS = 11, 12, 13, 14, 15
SPOT_NOISE, PVPC_NOISE = slice(16, 16 + SLOTS), slice(16 + SLOTS, 16 + 2 * SLOTS)
OUTAGES, DEMAND = 16 + 2 * SLOTS, 17 + 2 * SLOTS
"""What each draw of a day is for."""
_DRAWS = 18 + 2 * SLOTS


def innovations(seed: int, days: pd.DatetimeIndex) -> Numbers:
    """Standard normal draws: a row for each day, and before them for the days that they remember."""
    start = days[0].toordinal() - MEMORY_DAYS
    return np.array(
        [
            np.random.default_rng([seed, ordinal]).standard_normal(_DRAWS)
            for ordinal in range(start, days[-1].toordinal() + 1)
        ]
    )


def remembered(drawn: Numbers, memory: float) -> Numbers:
    """Unit-variance AR(1) with this memory from one day to the next, by column, without the leading memory days."""
    weights = memory ** np.arange(MEMORY_DAYS + 1)
    weights /= np.sqrt((weights**2).sum())
    return np.column_stack([np.convolve(column, weights, mode="valid") for column in drawn.T])


def mood(drawn: Numbers) -> Numbers:
    """How scarce power is, day by day: unit variance, with a fast memory and a slow one."""
    fast, slow = (remembered(drawn[:, [n]], p)[:, 0] for n, p in ((LEVEL, tables.FAST), (SLOW, tables.SLOW)))
    out: Numbers = np.sqrt(1 - tables.SLOW_SHARE) * fast + np.sqrt(tables.SLOW_SHARE) * slow
    return out


def within_day(drawn: Numbers, memory: float) -> Numbers:
    """Unit-variance AR(1) from one hour to the next, for each row from its first hour on."""
    out = np.empty_like(drawn)
    out[:, 0] = drawn[:, 0]
    for slot in range(1, drawn.shape[1]):
        out[:, slot] = memory * out[:, slot - 1] + np.sqrt(1 - memory**2) * drawn[:, slot]
    return out


def by_season(monthly: tuple[float, ...], days: pd.DatetimeIndex) -> Numbers:
    """Monthly values, each standing for the middle of its month, joined by straight lines."""
    middles = (np.arange(12) + 0.5) * tables.YEAR_DAYS / 12
    day = np.asarray(days.day_of_year, dtype=float)
    return np.asarray(np.interp(day, middles, monthly, period=tables.YEAR_DAYS))
