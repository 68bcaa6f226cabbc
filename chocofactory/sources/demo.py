"""Simulated prices, weather and generation that look like Spain's: for trying the product out, offline, without keys.

Every value follows from the seed and its own time alone, whatever range is asked for: each local day has innovations
of its own, drawn from (seed, day), and memory is a sum over the innovations of the days before, long enough for what it
leaves out not to count (``demo_chance``). A forecast follows from the seed and the moment of its issue.

Spot price of a day: a level with season, week and memory, plus a shape by season, kind of day and hour
whose size varies from day to day, plus noise within the day. What falls towards zero flattens there, as surplus does on
the real market; one evening in sixty spikes. PVPC is tolls by hour, a share of the spot price, and a day's adjustment.
Weather stands in ``demo_weather``, generation in ``demo_generation``, the numbers in ``demo_tables``, with where they
come from.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import HOUR, MADRID, day_grid, local_date, local_days
from chocofactory.core.errors import NotPublished
from chocofactory.domain.generation import NATIONAL, last_published
from chocofactory.domain.measurements import HOURLY, PVPC, SPOT
from chocofactory.domain.prices import published_at
from chocofactory.domain.tariff import is_rest_day
from chocofactory.sources import demo_chance as chance
from chocofactory.sources import demo_generation, demo_weather
from chocofactory.sources import demo_tables as tables
from chocofactory.sources.base import (
    IssuedForecast,
    check_length,
    check_request,
    eur_kwh,
    no_generation,
    nothing_published,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from chocofactory.core.clock import Clock

    Numbers = npt.NDArray[np.float64]

ISSUE_HOURS = 6
"""A forecast is issued at every full six hours, UTC, as weather services do."""


class Demo:
    """A source of simulated prices, of weather for Linares, observed and forecast, and of the country's generation."""

    name = "demo"
    station = place = "linares"
    province, siar_station = "23", "0"  # of the province of Jaén; the network counts its stations from 1
    system = NATIONAL
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
            station), ``wind_ms``, ``precipitation_mm``.

        Raises
        ------
        NotPublished
            No hour of these days is over.

        """
        grid = day_grid(first, last)
        grid = grid[grid + HOUR <= pd.Timestamp(self._clock.now())]
        if grid.empty:
            raise NotPublished("{source} has no weather for {day} yet.", source=self.name, day=first)
        return demo_weather.hourly(self._seed, grid)

    def forecast(self) -> IssuedForecast:
        """The forecast of the last full six hours: hour by hour for five days, with errors that grow by the hour."""
        now = self._clock.now()
        issued_at = now.replace(hour=now.hour // ISSUE_HOURS * ISSUE_HOURS, minute=0, second=0, microsecond=0)
        return IssuedForecast(issued_at, HOURLY, demo_weather.forecast(self._seed, issued_at))

    def siar_days(self, first: date, last: date) -> pd.DataFrame:
        """Simulated days ``first`` ... ``last`` of a SIAR station, as far as they are over: what the hours add up to.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, local midnight at which the day begins); of the fields of ``siar_daily`` those of
            temperature, humidity (with times in UTC, as the network has them), wind, radiation and precipitation.

        Raises
        ------
        NotPublished
            None of these days is over.

        """
        last = min(last, local_date(self._clock.now()) - timedelta(days=1))
        if last < first:
            raise NotPublished("{source} has no weather for {day} yet.", source=self.name, day=first)
        return demo_weather.siar(self._seed, first, last)

    def generation(self, first: date, last: date) -> dict[str, pd.DataFrame]:
        """Simulated generation of the local days ``first`` ... ``last`` that would be out by now.

        Returns
        -------
        dict
            As ``GenerationSource.generation`` says; every technology on every day.

        Raises
        ------
        InvalidInput
            As ``GenerationSource.generation`` says.
        NotPublished
            None of these days is out.

        """
        check_length(self, first, last)
        out = min(last, last_published(self._clock.now()))
        if out < first:
            raise no_generation(self.name, first, last)
        return demo_generation.by_technology(self._seed, first, out)

    def _market(self, grid: pd.DatetimeIndex, first: date, last: date) -> tuple[Numbers, Numbers]:
        """Spot and PVPC in EUR/MWh for every hour of the grid."""
        days = pd.date_range(first, last, unit="us")
        drawn = chance.innovations(self._seed, days)
        now = drawn[chance.MEMORY_DAYS :]
        size = np.clip(
            1 + tables.SIZE_SD * chance.remembered(drawn[:, [chance.SIZE]], tables.SIZE_MEMORY)[:, 0], 0.1, 3
        )
        adjusted = chance.remembered(drawn[:, [chance.ADJUSTMENT]], tables.ADJUSTMENT_MEMORY)[:, 0]
        rest = np.array([is_rest_day(day.date()) for day in days], dtype=int)
        kind = np.where(days.day_of_week == 6, 2, rest)  # noqa: PLR2004 (Sunday)
        usual = chance.by_season(tables.LEVEL, days) * np.asarray(tables.WEEK)[kind]
        level = usual + chance.by_season(tables.LEVEL_SD, days) * chance.mood(drawn)

        row = days.get_indexer(local_days(grid))
        wall = grid.tz_convert(MADRID)
        hour = np.asarray(wall.hour)
        slot = (grid.as_unit("s").asi8 - days.tz_localize(MADRID).as_unit("s").asi8[row]) // 3600
        season = (np.asarray(days.month)[row] - 1) // 2
        shape = np.asarray(tables.SHAPE, dtype=float)[season, rest[row], hour]
        noise = chance.within_day(now[:, chance.SPOT_NOISE], tables.NOISE_MEMORY) * tables.NOISE_SD
        raw = level[row] + size[row] * shape + noise[row, slot]
        evening = (now[:, chance.SPIKE] > tables.SPIKE_ABOVE)[row] & np.isin(hour, tables.SPIKE_HOURS)
        spot = _flattened(raw) * np.where(evening, 1.5 + 0.3 * np.abs(now[row, chance.SPIKE_SIZE]), 1)
        around = chance.within_day(now[:, chance.PVPC_NOISE], tables.NOISE_MEMORY) * tables.PVPC_NOISE_SD
        tolls = np.asarray(tables.TOLLS, dtype=float)[rest[row], hour]
        return spot, tolls + tables.SPOT_SHARE * spot + tables.ADJUSTMENT_SD * adjusted[row] + around[row, slot]


def _flattened(raw: Numbers) -> Numbers:
    """Prices as they are above a knee; below it they run out just under zero, however large the surplus."""
    knee, least = tables.KNEE, tables.LEAST
    return np.where(raw > knee, raw, least + (knee - least) * np.exp(np.minimum(raw - knee, 0) / (knee - least)))
