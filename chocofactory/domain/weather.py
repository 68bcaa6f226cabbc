"""One weather out of several providers': forecasts brought to hours, each value from the first provider that has it.

Frames have the fields of ``weather_observation`` or ``weather_forecast`` as columns, by UTC time (START of interval,
sorted, unique). Missing is NaN or an absent row. Nothing here makes up a value: what lies between two issued ones is
marked as interpolated, and what no provider has stays NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.domain.measurements import HOURLY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

CHECKED_AFTER = timedelta(days=4)
"""How long after a day its checked values can be expected from AEMET."""

_SUMS = frozenset({"precipitation_mm"})
_HELD = frozenset({"precipitation_probability_pct"})
_ANGLES = frozenset({"wind_direction_deg"})
_HALF_TURN = 180.0


def hourly(frame: pd.DataFrame, resolution: timedelta) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bring a forecast in steps of ``resolution`` (whole hours, the frame on their grid) to hours.

    Between a value and the one a step later lies a straight line; wind direction turns the shorter way, and is NaN
    between opposite directions, where no way is shorter. Precipitation is shared out evenly over the hours of its step,
    and its probability counts for each of them. Nothing is carried beyond the last step or across a missing one.

    Returns
    -------
    tuple
        The hours that hold a value, and a frame of the same shape that is True where a value was not issued for that
        very hour: it lies between two, or was issued for the whole step.

    """
    steps = resolution // HOURLY
    if steps < 1 or resolution % HOURLY:
        msg = f"steps must be whole hours, not {resolution}"
        raise ValueError(msg)
    index = pd.DatetimeIndex(frame.index)
    following = frame.reindex(index + resolution)
    times = index.repeat(steps) + pd.to_timedelta(np.tile(np.arange(steps), len(index)), unit="h").as_unit("us")
    times = times.rename("time")
    values, marks = {}, {}
    for name in frame.columns:
        here, there = frame[name].to_numpy(dtype=float), following[name].to_numpy(dtype=float)
        spread = _spread(str(name), here, there, steps)
        mark = np.full(spread.shape, fill_value=True)
        mark[:, 0] = steps > 1 and name in _SUMS | _HELD
        values[name], marks[name] = spread.ravel(), (mark & ~np.isnan(spread)).ravel()
    whole = pd.DataFrame(values, index=times, columns=frame.columns, dtype=float)
    holds = whole.notna().any(axis=1)
    return whole[holds], pd.DataFrame(marks, index=times, columns=frame.columns, dtype=bool)[holds]


@dataclass(frozen=True)
class Part:
    """What one provider has: its ``frame``, and which of its values are ``interpolated`` (none, where it is not said).

    A forecast carries its time of issue, observations carry none.
    """

    provider: str
    frame: pd.DataFrame
    interpolated: pd.DataFrame | None = None
    issued_at: datetime | None = None


@dataclass(frozen=True)
class Blend:
    """Weather of several providers with the provenance of every value; the three frames have one shape.

    ``frame`` holds the values, ``origin`` the names of their providers (missing where there is no value), and
    ``interpolated`` is True where a value was not issued for that very hour. ``issued_at`` tells of forecasts when each
    provider issued its own; of observations it is empty.
    """

    frame: pd.DataFrame
    origin: pd.DataFrame
    interpolated: pd.DataFrame
    issued_at: Mapping[str, datetime] = field(default_factory=dict)


def blend(parts: Sequence[Part], grid: pd.DatetimeIndex | None = None) -> Blend:
    """Take every value from the first of ``parts`` that has it.

    ``parts`` stand in order of preference: AEMET before OpenWeatherMap. ``grid`` are the hours that are wanted, with a
    row each, be there a value or not; without it, all that any part has a row for.
    """
    names = [part.provider for part in parts]
    if len(set(names)) < len(names):
        msg = f"each provider counts once: {names}"
        raise ValueError(msg)
    if len({part.issued_at is None for part in parts}) > 1:
        msg = "observations and forecasts are never mixed"
        raise ValueError(msg)
    columns = list(dict.fromkeys(column for part in parts for column in part.frame.columns))
    index = _all_times(parts) if grid is None else grid
    values = np.full((len(index), len(columns)), np.nan)
    origin = np.full(values.shape, None, dtype=object)
    interpolated = np.zeros(values.shape, dtype=bool)
    for part in parts:
        own = part.frame.reindex(index=index, columns=columns).to_numpy(dtype=float)
        fresh = np.isnan(values) & ~np.isnan(own)
        values[fresh], origin[fresh] = own[fresh], part.provider
        if part.interpolated is not None:
            marks = part.interpolated.reindex(index=index, columns=columns, fill_value=False).to_numpy(dtype=bool)
            interpolated[fresh] = marks[fresh]
    return Blend(
        pd.DataFrame(values, index=index, columns=columns),
        pd.DataFrame(origin, index=index, columns=columns, dtype="str"),
        pd.DataFrame(interpolated, index=index, columns=columns),
        {part.provider: part.issued_at for part in parts if part.issued_at is not None},
    )


def _all_times(parts: Sequence[Part]) -> pd.DatetimeIndex:
    times = pd.DatetimeIndex([], tz="UTC", name="time").as_unit("us")
    for part in parts:
        times = times.union(pd.DatetimeIndex(part.frame.index))
    return times.rename("time")


def _spread(name: str, here: Numbers, there: Numbers, steps: int) -> Numbers:
    """For each step (a row) its hours: from the value ``here`` towards the one ``there``, a step later."""
    if name in _SUMS | _HELD:
        each = here / steps if name in _SUMS else here
        return np.repeat(each[:, None], steps, axis=1)
    share = np.arange(steps) / steps
    way = there - here
    if name in _ANGLES:
        way = (way + _HALF_TURN) % (2 * _HALF_TURN) - _HALF_TURN
        way[way == -_HALF_TURN] = np.nan
    between = here[:, None] + way[:, None] * share
    if name in _ANGLES:
        between %= 2 * _HALF_TURN
    between[:, 0] = here
    return between
