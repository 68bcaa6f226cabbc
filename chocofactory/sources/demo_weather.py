"""Simulated weather of Linares: by the hour, as SIAR would sum its days up, and as it would be forecast.

A day has a lowest and a highest temperature and humidity, which follow the season and remember the days before; the
hours between ease from one to the other. It rains on days whose air is damp enough for the season, around one hour of
them, and the damper the air the less the sun shines through.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_grid, local_date, local_days
from chocofactory.domain.measurements import DAILY, HOURLY
from chocofactory.sources import demo_chance as chance
from chocofactory.sources import demo_tables as tables

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Places = npt.NDArray[np.intp]

FORECAST_HOURS = 120
_SHIFT_MOST_H = 24
_OF_FORECASTS = 1
"""Keeps their draws apart from those of days."""


@dataclass(frozen=True)
class _Days:
    """Quantities of consecutive local days, an entry each; ``rain`` [mm] by day and hour since its midnight.

    ``turning`` is the hour (UTC) of the lowest temperature, ``sun`` the share of its clear-sky radiation.
    """

    days: pd.DatetimeIndex
    low: Numbers
    high: Numbers
    dry: Numbers
    damp: Numbers
    wind: Numbers
    turning: Numbers
    pressure: Numbers
    rain: Numbers
    sun: Numbers


def hourly(seed: int, grid: pd.DatetimeIndex) -> pd.DataFrame:
    """Weather of the hours of a UTC grid.

    Returns
    -------
    DataFrame
        Index ``time`` (the grid); ``temperature_c``, ``humidity_pct``, ``pressure_hpa`` (at the station), ``wind_ms``,
        ``precipitation_mm``.

    """
    first, last = local_date(grid[0].to_pydatetime()), local_date(grid[-1].to_pydatetime())
    return _hours(_days(seed, first - timedelta(days=1), last + timedelta(days=1)), grid)


def siar(seed: int, first: date, last: date) -> pd.DataFrame:
    """Days ``first`` ... ``last`` as a station of SIAR has them: see ``Demo.siar_days``."""
    around = _days(seed, first - timedelta(days=1), last + timedelta(days=1))
    grid = day_grid(first, last)
    hours = _hours(around, grid)
    times = day_grid(first, last, DAILY)
    starts = grid.searchsorted(times)
    counts = np.diff(np.append(starts, len(grid)))
    out: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.str_]] = {}
    for name, field in (("temperature", "c"), ("humidity", "pct")):
        values = hours[f"{name}_{field}"].to_numpy()
        out[f"{name}_mean_{field}"] = (np.add.reduceat(values, starts) / counts).round(2)
        for word, extreme in (("max", np.maximum), ("min", np.minimum)):
            found = extreme.reduceat(values, starts)
            out[f"{name}_{word}_{field}"] = found
            out[f"{name}_{word}_time"] = _clock_of_first(values == np.repeat(found, counts), starts, counts, grid)
    out["wind_ms"] = (np.add.reduceat(hours["wind_ms"].to_numpy(), starts) / counts).round(2)
    inside = slice(1, -1)
    out["radiation_mj_m2"] = (around.sun * _clear_sky(around.days))[inside].round(2)
    out["precipitation_mm"] = np.add.reduceat(hours["precipitation_mm"].to_numpy(), starts).round(1)
    return pd.DataFrame(out, index=times)


def forecast(seed: int, issued_at: datetime) -> pd.DataFrame:
    """Weather of the hours from ``issued_at`` on as it would have been forecast then.

    The weather to come, with errors that remember the hour before and grow with the lead; rain comes too early or too
    late, and its chance is how much it rains around that hour.

    Returns
    -------
    DataFrame
        Index ``time`` (UTC, start of the hour, 120 of them); what ``hourly`` has, and
        ``precipitation_probability_pct``.

    """
    start = pd.Timestamp(issued_at)
    margin = pd.Timedelta(hours=2 * _SHIFT_MOST_H)
    grid = pd.date_range(start - margin, start + FORECAST_HOURS * HOURLY + margin, freq="h", name="time", unit="us")
    truth = hourly(seed, grid)
    place = np.arange(FORECAST_HOURS) + 2 * _SHIFT_MOST_H
    lead = np.arange(1, FORECAST_HOURS + 1) / FORECAST_HOURS
    drawn = np.random.default_rng([seed, int(issued_at.timestamp()), _OF_FORECASTS]).standard_normal(
        (6, FORECAST_HOURS)
    )
    error = chance.within_day(drawn[:4], tables.FORECAST_MEMORY) * (
        np.array(tables.FORECAST_SD)[:, [0]] + np.diff(tables.FORECAST_SD) * np.sqrt(lead)
    )
    late = np.clip(drawn[4, 0] * (1 + tables.RAIN_LATE_H * lead), -_SHIFT_MOST_H, _SHIFT_MOST_H).round().astype(int)
    rain = truth["precipitation_mm"].to_numpy()
    chance_of_rain = _share_around(rain > 0, place - late, (2 + tables.RAIN_WIDTH_H * lead).astype(int))
    there = truth.iloc[place]
    return pd.DataFrame(
        {
            "temperature_c": (there["temperature_c"] + error[0]).round(1),
            "humidity_pct": (there["humidity_pct"] + error[1]).clip(2, 100).round(0),
            "pressure_hpa": (there["pressure_hpa"] + error[2]).round(1),
            "wind_ms": (there["wind_ms"] * np.exp(error[3])).round(1),
            "precipitation_mm": (rain[place - late] * np.exp(0.3 * drawn[5, 0])).round(1),
            "precipitation_probability_pct": 5 * (20 * chance_of_rain).round(0),
        },
        index=there.index,
    )


def sunshine(seed: int, first: date, last: date) -> Numbers:
    """Share of its clear-sky radiation that each local day ``first`` ... ``last`` gets, 0 to 1."""
    return _days(seed, first, last).sun


def _days(seed: int, first: date, last: date) -> _Days:
    days = pd.date_range(first, last, unit="us")
    drawn = chance.innovations(seed, days)
    warmth = chance.remembered(drawn[:, chance.WARMTH], tables.WEATHER_MEMORY)
    warm, night, air, dew, weight = warmth.T
    high = _harmonic(tables.WARMEST_C, days) + tables.WARMEST_SD_C * warm
    low = _harmonic(tables.COLDEST_C, days) + tables.COLDEST_SD_C * (0.35 * warm + 0.94 * night)
    dryness = -0.64 * warm + 0.77 * air
    dry = _harmonic(tables.DRIEST_PCT, days) + tables.DRIEST_SD_PCT * dryness
    damp = _harmonic(tables.DAMPEST_PCT, days) + tables.DAMPEST_SD_PCT * (-0.36 * warm + 0.35 * air + 0.86 * dew)
    dry = np.clip(dry, 4, 95)
    wind = _harmonic(tables.WIND_MS, days) * np.exp(tables.WIND_LOG_SD * dew - tables.WIND_LOG_SD**2 / 2)
    own = chance.remembered(drawn[:, [chance.RAIN]], tables.RAIN_MEMORY)[:, 0]
    wet = 0.75 * dryness + 0.66 * own - chance.by_season(tables.RAIN_ABOVE, days)
    now = drawn[chance.MEMORY_DAYS :]
    return _Days(
        days=days,
        low=np.minimum(low, high - 2),
        high=high,
        dry=dry,
        damp=np.clip(damp, dry + 4, 100),
        wind=wind,
        turning=_harmonic(tables.COLDEST_HOUR, days),
        pressure=tables.PRESSURE_HPA + tables.PRESSURE_SD_HPA * weight,
        rain=_rain(wet, now[:, chance.RAIN_AMOUNT], now[:, chance.RAIN_HOUR]),
        sun=1 - tables.CLOUD / (1 + np.exp(-tables.CLOUD_STEEP * (wet - tables.CLOUD_FROM))),
    )


def _hours(of: _Days, grid: pd.DatetimeIndex) -> pd.DataFrame:
    """Weather of a grid that lies between the first and the last of the days."""
    noon = of.days.tz_localize("UTC").as_unit("s").asi8
    knots = np.column_stack([noon + of.turning * 3600, noon + tables.WARMEST_HOUR * 3600]).ravel()
    hours = grid.as_unit("s").asi8.astype(float)
    share = _eased(hours, knots)
    row = of.days.get_indexer(local_days(grid))
    slot = (grid.as_unit("s").asi8 - of.days.tz_localize(MADRID).as_unit("s").asi8[row]) // 3600
    hour = np.asarray(grid.hour, dtype=float)
    breeze = 1 + tables.WIND_DAILY_SHARE * np.cos(2 * np.pi * (hour - tables.WARMEST_HOUR) / 24)
    return pd.DataFrame(
        {
            "temperature_c": _between(share, of.low, of.high).round(1),
            "humidity_pct": _between(share, of.damp, of.dry).round(0),
            "pressure_hpa": np.interp(hours, noon + 43_200.0, of.pressure).round(1),
            "wind_ms": (of.wind[row] * breeze).round(1),
            "precipitation_mm": of.rain[row, slot],
        },
        index=grid,
    )


def _rain(wet: Numbers, amount: Numbers, hour: Numbers) -> Numbers:
    """Rain [mm] by day and hour since midnight: around one hour, the longer the more there is; none on dry days."""
    total = np.where(wet > 0, np.exp(tables.RAIN_LOG_MM + tables.RAIN_LOG_SD * amount), 0)
    total = np.minimum(total, tables.RAIN_MOST_MM)
    around = np.clip(12 + tables.RAIN_HOUR_SD * hour, 2, 21)
    half = 1.5 + np.log1p(total)
    weights = np.clip(1 - np.abs(np.arange(chance.SLOTS) - around[:, None]) / half[:, None], 0, None)
    weights[:, 23:] = 0  # where a day of clock changes may end
    return np.asarray((total[:, None] * weights / weights.sum(axis=1, keepdims=True)).round(1))


def _clear_sky(days: pd.DatetimeIndex) -> Numbers:
    """Radiation of cloudless days [MJ/m2]: what reaches the atmosphere (FAO 56, equation 21), less the air's part."""
    angle = 2 * np.pi * np.asarray(days.day_of_year, dtype=float) / 365
    latitude = np.radians(tables.LATITUDE_DEG)
    distance = 1 + 0.033 * np.cos(angle)
    declination = 0.409 * np.sin(angle - 1.39)
    sunset = np.arccos(-np.tan(latitude) * np.tan(declination))
    path = sunset * np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    return np.asarray(24 * 60 / np.pi * 0.0820 * distance * path * chance.by_season(tables.CLEAR_AIR, days))


def _clock_of_first(
    marks: npt.NDArray[np.bool_], starts: Places, counts: Places, grid: pd.DatetimeIndex
) -> npt.NDArray[np.str_]:
    """The hour of each day's first mark, as ``05:00`` in UTC."""
    marked = np.flatnonzero(marks)
    _, firsts = np.unique(np.repeat(np.arange(len(starts)), counts)[marked], return_index=True)
    hours = np.array([f"{hour:02}:00" for hour in range(24)])
    return np.asarray(hours[np.asarray(grid.hour)[marked[firsts]]])


def _share_around(marks: npt.NDArray[np.bool_], places: Places, widths: Places) -> Numbers:
    """The share of marks within a width of each place."""
    summed = np.append(0, np.cumsum(marks))
    return np.asarray((summed[places + widths + 1] - summed[places - widths]) / (2 * widths + 1))


def _harmonic(coefficients: tuple[float, ...], days: pd.DatetimeIndex) -> Numbers:
    """Mean, and two waves a year (cosine and sine of each), for each day."""
    angle = 2 * np.pi * np.asarray(days.day_of_year, dtype=float) / tables.YEAR_DAYS
    waves = [np.ones_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    return np.asarray(np.asarray(coefficients) @ np.vstack(waves))


def _eased(moments: Numbers, knots: Numbers) -> tuple[npt.NDArray[np.intp], Numbers]:
    """For each moment the knot before it, and how far it is to the next, 0 to 1 along half a cosine."""
    before = np.searchsorted(knots, moments, side="right") - 1
    linear = (moments - knots[before]) / (knots[before + 1] - knots[before])
    return before, (1 - np.cos(np.pi * linear)) / 2


def _between(share: tuple[npt.NDArray[np.intp], Numbers], at_dawn: Numbers, at_warmest: Numbers) -> Numbers:
    before, far = share
    values = np.column_stack([at_dawn, at_warmest]).ravel()
    return values[before] * (1 - far) + values[before + 1] * far
