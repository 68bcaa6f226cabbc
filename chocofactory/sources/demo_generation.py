"""Simulated generation of the country by technology and local day, in step with the simulated prices and weather.

Where power is scarce, and so dear, the wind is weak and reservoirs give more; clouds take from the sun; combined cycle
makes up for what the others leave of the demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_grid
from chocofactory.domain.generation import COMBINED_CYCLE
from chocofactory.domain.measurements import DAILY
from chocofactory.sources import demo_chance as chance
from chocofactory.sources import demo_tables as tables
from chocofactory.sources.demo_weather import sunshine

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_MWH_PER_GWH = 1000


def by_technology(seed: int, first: date, last: date) -> dict[str, pd.DataFrame]:
    """Generation of the local days ``first`` ... ``last``: see ``GenerationSource.generation``."""
    energy = {name: (values * _MWH_PER_GWH).round(3) for name, values in _energy(seed, first, last).items()}
    total = sum(energy.values())
    times = day_grid(first, last, DAILY)
    return {
        name: pd.DataFrame({"energy_mwh": values, "share": values / total}, index=times)
        for name, values in energy.items()
    }


def _energy(seed: int, first: date, last: date) -> dict[str, Numbers]:
    """GWh by technology and day."""
    days = pd.date_range(first, last, unit="us")
    drawn = chance.innovations(seed, days)
    scarce = chance.mood(drawn)

    def own(draw: int, memory: float) -> Numbers:
        return chance.remembered(drawn[:, [draw]], memory)[:, 0]

    def spread(monthly: tuple[float, ...], log_sd: float, latent: Numbers) -> Numbers:
        return np.asarray(chance.by_season(monthly, days) * np.exp(log_sd * latent - log_sd**2 / 2))

    week = np.asarray(tables.GENERATION_WEEK)[np.asarray(days.day_of_week)]
    wanted = week * (1 + tables.GENERATION_SD * own(chance.DEMAND, tables.GENERATION_MEMORY))
    wind = -0.7 * scarce + 0.71 * own(chance.WIND_FARMS, tables.WIND_FARMS_MEMORY)
    hydro = 0.6 * scarce + 0.8 * own(chance.RESERVOIRS, tables.HYDRO_MEMORY)
    running = 1 + tables.NUCLEAR_SD * own(chance.OUTAGES, tables.NUCLEAR_MEMORY)
    sun = sunshine(seed, first, last) / tables.USUAL_SUN
    out = {
        "nuclear": np.minimum(chance.by_season(tables.NUCLEAR, days) * running, tables.NUCLEAR_MOST),
        "wind": spread(tables.WIND_FARMS, tables.WIND_FARMS_LOG_SD, wind),
        "hydro": spread(tables.HYDRO, tables.HYDRO_LOG_SD, hydro),
        "solar_photovoltaic": chance.by_season(tables.SUN_CELLS, days) * (0.6 + 0.4 * sun),
        "solar_thermal": chance.by_season(tables.SUN_HEAT, days) * sun,
        **{name: usual * wanted for name, usual in tables.OTHERS.items()},
    }
    demand = chance.by_season(tables.GENERATION, days) * wanted
    out[COMBINED_CYCLE] = _never_off(demand - sum(out.values()))
    return out


def _never_off(wanted: Numbers) -> Numbers:
    """What combined cycle gives when so much is wanted of it: nearly that, but never less than runs anyway."""
    least, ease = tables.GAS_LEAST, tables.GAS_EASE
    return np.asarray(least + ease * np.logaddexp(0, (wanted - least) / ease))
