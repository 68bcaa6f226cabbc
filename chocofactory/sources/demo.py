"""Simulated prices and weather that look like Spain's: for trying the product out, offline and without any key.

Every value follows from the seed and its own time alone, whatever range is asked for: each local day has innovations
of its own, drawn from (seed, day), and memory is a sum over the innovations of the days before, long enough for what it
leaves out not to count.

Spot price of a day: a level with season, week and memory, plus a shape by season, kind of day and hour
whose size varies from day to day, plus noise within the day. What falls towards zero flattens there, as surplus does on
the real market; one evening in sixty spikes. PVPC is tolls by hour, a share of the spot price, and a day's adjustment.
The numbers stand in ``demo_tables``, with where they come from.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import HOUR, MADRID, day_grid, local_days
from chocofactory.core.errors import NotPublished
from chocofactory.domain.measurements import HOURLY, PVPC, SPOT
from chocofactory.domain.prices import published_at
from chocofactory.domain.tariff import is_rest_day
from chocofactory.sources import demo_tables as tables
from chocofactory.sources.base import check_request, eur_kwh, nothing_published

if TYPE_CHECKING:
    import numpy.typing as npt

    from chocofactory.core.clock import Clock

    Numbers = npt.NDArray[np.float64]

_MEMORY_DAYS = 120
_SLOTS = 25
_LEVEL, _SLOW, _SIZE, _ADJUSTMENT, _SPIKE, _SPIKE_SIZE, _WARMTH = 0, 1, 2, 3, 4, 5, slice(6, 11)
_SPOT_NOISE, _PVPC_NOISE = slice(16, 16 + _SLOTS), slice(16 + _SLOTS, 16 + 2 * _SLOTS)
_DRAWS = 16 + 2 * _SLOTS


class Demo:
    """A price source of simulated values, and hourly weather for Linares with them."""

    name = "demo"
    station = "linares"
    reach = timedelta(days=3660)
    markets = frozenset({PVPC, SPOT})
    longest_request = timedelta(days=366)

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock

    def prices(self, market: str, first: date, last: date) -> pd.DataFrame:
        """Simulated prices of the local days ``first`` ... ``last`` that would be out by now.

        Returns
        -------
        DataFrame
            As ``PriceSource.prices`` says; every day whole.

        Raises
        ------
        InvalidInput
            As ``PriceSource.prices`` says.
        NotPublished
            By the market's time of publication none of these days is out.

        """
        check_request(self, market, first, last)
        now = self._clock.now()
        while last >= first and published_at(market, last) > now:
            last -= timedelta(days=1)
        if last < first:
            raise nothing_published(self.name, market, first, first)
        grid = day_grid(first, last)
        spot, pvpc = self._market(grid, first, last)
        frame = pd.DataFrame({"price_eur_kwh": eur_kwh((pvpc if market == PVPC else spot).round(2))}, index=grid)
        frame.attrs["resolution"] = HOURLY
        return frame

    def observations(self, first: date, last: date) -> pd.DataFrame:
        """Simulated hourly weather of the local days ``first`` ... ``last``, as far as it would be observed by now.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, start of the hour); ``temperature_c``, ``humidity_pct``, ``pressure_hpa`` (at the
            station), ``wind_ms``.

        Raises
        ------
        NotPublished
            No hour of these days is over.

        """
        grid = day_grid(first, last)
        grid = grid[grid + HOUR <= pd.Timestamp(self._clock.now())]
        if grid.empty:
            raise NotPublished("{source} has no weather for {day} yet.", source=self.name, day=first)
        around = pd.date_range(first - timedelta(days=1), last + timedelta(days=1), unit="us")
        warmth = _remembered(self._innovations(around)[:, _WARMTH], tables.WEATHER_MEMORY)
        low, high, dry, damp, wind, turning = _daily_weather(around, warmth)
        noon = around.tz_localize("UTC").as_unit("s").asi8
        knots = np.column_stack([noon + turning * 3600, noon + tables.WARMEST_HOUR * 3600]).ravel()
        hours = grid.as_unit("s").asi8.astype(float)
        share = _eased(hours, knots)
        row = around.get_indexer(local_days(grid))
        wall = np.asarray(grid.hour, dtype=float)
        breeze = 1 + tables.WIND_DAILY_SHARE * np.cos(2 * np.pi * (wall - tables.WARMEST_HOUR) / 24)
        pressure = tables.PRESSURE_HPA + tables.PRESSURE_SD_HPA * np.interp(hours, noon + 43_200.0, warmth[:, 4])
        return pd.DataFrame(
            {
                "temperature_c": _between(share, low, high).round(1),
                "humidity_pct": _between(share, damp, dry).round(0),
                "pressure_hpa": pressure.round(1),
                "wind_ms": (wind[row] * breeze).round(1),
            },
            index=grid,
        )

    def _market(self, grid: pd.DatetimeIndex, first: date, last: date) -> tuple[Numbers, Numbers]:
        """Spot and PVPC in EUR/MWh for every hour of the grid."""
        days = pd.date_range(first, last, unit="us")
        drawn = self._innovations(days)
        now = drawn[_MEMORY_DAYS:]
        fast, slow = (_remembered(drawn[:, [n]], p)[:, 0] for n, p in ((_LEVEL, tables.FAST), (_SLOW, tables.SLOW)))
        mood = np.sqrt(1 - tables.SLOW_SHARE) * fast + np.sqrt(tables.SLOW_SHARE) * slow
        size = np.clip(1 + tables.SIZE_SD * _remembered(drawn[:, [_SIZE]], tables.SIZE_MEMORY)[:, 0], 0.1, 3)
        adjustment = tables.ADJUSTMENT_SD * _remembered(drawn[:, [_ADJUSTMENT]], tables.ADJUSTMENT_MEMORY)[:, 0]
        rest = np.array([is_rest_day(day.date()) for day in days], dtype=int)
        kind = np.where(days.day_of_week == 6, 2, rest)  # noqa: PLR2004 (Sunday)
        level = (
            _by_season(tables.LEVEL, days) * np.asarray(tables.WEEK)[kind] + _by_season(tables.LEVEL_SD, days) * mood
        )

        row = days.get_indexer(local_days(grid))
        wall = grid.tz_convert(MADRID)
        hour = np.asarray(wall.hour)
        slot = (grid.as_unit("s").asi8 - days.tz_localize(MADRID).as_unit("s").asi8[row]) // 3600
        season = (np.asarray(days.month)[row] - 1) // 2
        shape = np.asarray(tables.SHAPE, dtype=float)[season, rest[row], hour]
        noise = _within_day(now[:, _SPOT_NOISE], tables.NOISE_MEMORY) * tables.NOISE_SD
        raw = level[row] + size[row] * shape + noise[row, slot]
        evening = (now[:, _SPIKE] > tables.SPIKE_ABOVE)[row] & np.isin(hour, tables.SPIKE_HOURS)
        spot = _flattened(raw) * np.where(evening, 1.5 + 0.3 * np.abs(now[row, _SPIKE_SIZE]), 1)
        around = _within_day(now[:, _PVPC_NOISE], tables.NOISE_MEMORY) * tables.PVPC_NOISE_SD
        tolls = np.asarray(tables.TOLLS, dtype=float)[rest[row], hour]
        return spot, tolls + tables.SPOT_SHARE * spot + adjustment[row] + around[row, slot]

    def _innovations(self, days: pd.DatetimeIndex) -> Numbers:
        """Standard normal draws: a row for each day, and before them for the days that they remember."""
        start = days[0].toordinal() - _MEMORY_DAYS
        return np.array(
            [
                np.random.default_rng([self._seed, ordinal]).standard_normal(_DRAWS)
                for ordinal in range(start, days[-1].toordinal() + 1)
            ]
        )


def _remembered(drawn: Numbers, memory: float) -> Numbers:
    """Unit-variance AR(1) with this memory from one day to the next, by column, without the leading memory days."""
    weights = memory ** np.arange(_MEMORY_DAYS + 1)
    weights /= np.sqrt((weights**2).sum())
    return np.column_stack([np.convolve(column, weights, mode="valid") for column in drawn.T])


def _within_day(drawn: Numbers, memory: float) -> Numbers:
    """Unit-variance AR(1) from one hour to the next, for each row from its first hour on."""
    out = np.empty_like(drawn)
    out[:, 0] = drawn[:, 0]
    for slot in range(1, drawn.shape[1]):
        out[:, slot] = memory * out[:, slot - 1] + np.sqrt(1 - memory**2) * drawn[:, slot]
    return out


def _by_season(monthly: tuple[float, ...], days: pd.DatetimeIndex) -> Numbers:
    """Monthly values, each standing for the middle of its month, joined by straight lines."""
    middles = (np.arange(12) + 0.5) * tables.YEAR_DAYS / 12
    day = np.asarray(days.day_of_year, dtype=float)
    return np.asarray(np.interp(day, middles, monthly, period=tables.YEAR_DAYS))


def _flattened(raw: Numbers) -> Numbers:
    """Prices as they are above a knee; below it they run out just under zero, however large the surplus."""
    knee, least = tables.KNEE, tables.LEAST
    return np.where(raw > knee, raw, least + (knee - least) * np.exp(np.minimum(raw - knee, 0) / (knee - least)))


def _harmonic(coefficients: tuple[float, ...], days: pd.DatetimeIndex) -> Numbers:
    """Mean, and two waves a year (cosine and sine of each), for each day."""
    angle = 2 * np.pi * np.asarray(days.day_of_year, dtype=float) / tables.YEAR_DAYS
    waves = [np.ones_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    return np.asarray(np.asarray(coefficients) @ np.vstack(waves))


def _daily_weather(days: pd.DatetimeIndex, warmth: Numbers) -> tuple[Numbers, ...]:
    """For each day lowest and highest temperature, lowest and highest humidity, wind, and the hour of the lowest."""
    warm, night, air, dew, _ = warmth.T
    high = _harmonic(tables.WARMEST_C, days) + tables.WARMEST_SD_C * warm
    low = _harmonic(tables.COLDEST_C, days) + tables.COLDEST_SD_C * (0.35 * warm + 0.94 * night)
    dry = _harmonic(tables.DRIEST_PCT, days) + tables.DRIEST_SD_PCT * (-0.64 * warm + 0.77 * air)
    damp = _harmonic(tables.DAMPEST_PCT, days) + tables.DAMPEST_SD_PCT * (-0.36 * warm + 0.35 * air + 0.86 * dew)
    dry = np.clip(dry, 4, 95)
    wind = _harmonic(tables.WIND_MS, days) * np.exp(tables.WIND_LOG_SD * dew - tables.WIND_LOG_SD**2 / 2)
    return np.minimum(low, high - 2), high, dry, np.clip(damp, dry + 4, 100), wind, _harmonic(tables.COLDEST_HOUR, days)


def _eased(moments: Numbers, knots: Numbers) -> tuple[npt.NDArray[np.intp], Numbers]:
    """For each moment the knot before it, and how far it is to the next, 0 to 1 along half a cosine."""
    before = np.searchsorted(knots, moments, side="right") - 1
    linear = (moments - knots[before]) / (knots[before + 1] - knots[before])
    return before, (1 - np.cos(np.pi * linear)) / 2


def _between(share: tuple[npt.NDArray[np.intp], Numbers], at_dawn: Numbers, at_warmest: Numbers) -> Numbers:
    before, far = share
    values = np.column_stack([at_dawn, at_warmest]).ravel()
    return values[before] * (1 - far) + values[before + 1] * far
