"""The weather that a plan reckons with: observed, forecast or what the climate lets expect, and which of them it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, local_date, local_days
from chocofactory.domain.climate import calendar_days
from chocofactory.domain.day_curve import hour_of, hourly_curve, usual_hours
from chocofactory.domain.gaps import expected_grid
from chocofactory.domain.measurements import HOURLY
from chocofactory.services.climate import Scope
from chocofactory.services.weather import kind_of

if TYPE_CHECKING:
    from datetime import datetime

    from chocofactory.core.clock import Clock
    from chocofactory.domain.weather import Blend
    from chocofactory.services.climate import Climate
    from chocofactory.services.weather import Weather

COLUMNS = ("temperature_c", "humidity_pct")
_AROUND = timedelta(days=2)
"""Days on both sides of what is asked for: the curve of a day runs on from the one before to the one after."""


class Extreme(NamedTuple):
    """One side of a day: the fields of ``siar_daily`` with its value and its time, and its hour where none is known."""

    value: str
    time: str
    usual_hour: int


_EXTREMES = {
    "temperature_c": {
        "low": Extreme("temperature_min_c", "temperature_min_time", 5),
        "high": Extreme("temperature_max_c", "temperature_max_time", 15),
    },
    "humidity_pct": {
        "low": Extreme("humidity_min_pct", "humidity_min_time", 15),
        "high": Extreme("humidity_max_pct", "humidity_max_time", 5),
    },
}


class ExpectedWeather:
    """Tells the hours' weather outside for plans; changes nothing.

    ``margin_c`` [degC] is added to the climate's temperature where nothing better is known: a plan made for the usual
    day fails on every warmer one.
    """

    def __init__(self, weather: Weather, climate: Climate, clock: Clock, margin_c: float) -> None:
        self._weather = weather
        self._climate = climate
        self._clock = clock
        self._margin_c = margin_c

    def hours(self, start: datetime, end: datetime) -> pd.DataFrame:
        """The hours of a plan from ``start`` to before ``end``.

        Hours that are over are as they were observed, else as SIAR's days let simulate them; those under way and to
        come as they are forecast; and where there is neither, as the climate has that day of the year, with the margin.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC), every hour that the time asked for touches; ``temperature_c`` and ``humidity_pct``
            (outside), NaN where nobody knows them; ``kind``: ``observed``, ``forecast``, ``simulated``,
            ``climatology`` or ``unavailable``; ``source``: the providers, missing where there is none. Where the two
            values are of different kinds, the kind is the less certain one's.

        Raises
        ------
        InvalidInput
            The hours lie outside 2000 to 2099.

        """
        grid = _grid(start, end)
        days = self._days(grid)
        layers = [
            *self._told(grid),
            _layer(self._recorded(days, grid[grid < self._hour()]), "simulated", self._recorder()),
        ]
        usual = self._usual(days, grid)
        usual["temperature_c"] += self._margin_c
        return _first_of([*layers, _layer(usual, "climatology", "climatology")], grid)

    def simulated(self, start: datetime, end: datetime) -> pd.DataFrame:
        """The hours of past days from SIAR's daily extremes, days that are missing from the climate without a margin.

        There is no archive of hourly forecasts: a plan for the past and what became of it both see this weather.

        Returns
        -------
        DataFrame
            As ``hours``; ``kind`` is ``simulated`` throughout, or ``unavailable``, and ``source`` tells ``siar`` (for
            days of the demonstration ``demo``) from ``climatology``.

        """
        grid = _grid(start, end)
        days = self._days(grid)
        layers = [
            _layer(self._recorded(days, grid), "simulated", self._recorder()),
            _layer(self._usual(days, grid), "simulated", "climatology"),
        ]
        return _first_of(layers, grid)

    def _recorder(self) -> str:
        """Whose the kept days are: a station's, or the demonstration's."""
        return "demo" if self._climate.basis(Scope()).kind == "simulated" else "siar"

    def _hour(self) -> pd.Timestamp:
        return pd.Timestamp(self._clock.now()).floor("h")

    def _told(self, grid: pd.DatetimeIndex) -> list[_Layer]:
        """What providers observed of the hours that are over, and what they forecast for the others."""
        hour, layers = self._hour(), []
        over, coming = grid[grid < hour], grid[grid >= hour]
        if len(over):
            blend = self._weather.observed(local_date(over[0]), local_date(over[-1]))
            layers.append(_of_blend(blend, over, "observed"))
        if len(coming):
            layers.append(_of_blend(self._weather.forecast(), coming, "forecast"))
        return layers

    def _days(self, grid: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """The days (see ``domain.day_curve``) around the hours asked for."""
        if grid.empty:
            return pd.DatetimeIndex([])
        ends = grid[[0, -1]].tz_localize(None).normalize()
        return pd.date_range(ends[0] - _AROUND, ends[1] + _AROUND, freq="D", unit="us")

    def _recorded(self, days: pd.DatetimeIndex, grid: pd.DatetimeIndex) -> pd.DataFrame:
        """The hours of the days that SIAR has; NaN on the others."""
        return _curves(self._extremes(days, usual=False), grid)

    def _usual(self, days: pd.DatetimeIndex, grid: pd.DatetimeIndex) -> pd.DataFrame:
        """The hours of days as the climate has them."""
        return _curves(self._extremes(days, usual=True), grid)

    def _extremes(self, days: pd.DatetimeIndex, *, usual: bool) -> dict[str, pd.DataFrame]:
        """For each column the days' extremes and their hours: those recorded, or the ``usual`` ones."""
        basis = self._climate.basis(Scope()).frame
        kept = basis.set_axis(local_days(pd.DatetimeIndex(basis.index)))
        table = self._climate.day_of_year(Scope())
        places = calendar_days(days.tz_localize(MADRID).tz_convert("UTC"))
        found = {}
        for column, sides in _EXTREMES.items():
            frame = pd.DataFrame(index=days)
            for side, extreme in sides.items():
                hours = hour_of(kept[extreme.time])
                expected = usual_hours(hours, extreme.usual_hour).reindex(days.month).to_numpy()
                if usual:
                    frame[side] = table[extreme.value].reindex(places).to_numpy()
                    frame[f"time_{side}"] = expected
                else:
                    frame[side] = kept[extreme.value].reindex(days)
                    frame[f"time_{side}"] = hours.reindex(days).fillna(pd.Series(expected, index=days))
            found[column] = frame
        return found


class _Layer(NamedTuple):
    """Values, and for each its kind and its source; the three frames have one shape."""

    values: pd.DataFrame
    kinds: pd.DataFrame
    sources: pd.DataFrame


def _grid(start: datetime, end: datetime) -> pd.DatetimeIndex:
    return expected_grid(pd.Timestamp(start).floor("h").to_pydatetime(), max(start, end), HOURLY)


def _curves(extremes: dict[str, pd.DataFrame], grid: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({column: hourly_curve(days, grid) for column, days in extremes.items()}, index=grid)


def _layer(values: pd.DataFrame, kind: str, source: str) -> _Layer:
    kinds, sources = (pd.DataFrame(text, values.index, values.columns, dtype=object) for text in (kind, source))
    return _Layer(values, kinds, sources)


def _of_blend(blend: Blend, grid: pd.DatetimeIndex, kind: str) -> _Layer:
    columns = list(COLUMNS)
    sources = blend.origin.reindex(index=grid, columns=columns).astype(object)
    kinds = sources.map(lambda provider: kind_of(None if pd.isna(provider) else provider, kind))
    return _Layer(blend.frame.reindex(index=grid, columns=columns), kinds, sources)


def _first_of(layers: list[_Layer], grid: pd.DatetimeIndex) -> pd.DataFrame:
    """Each value from the first layer that has it; the kind is that of the later layer, the less certain one."""
    values = np.full((len(grid), len(COLUMNS)), np.nan)
    kind = np.full(len(grid), "unavailable", dtype=object)
    sources = np.full(values.shape, None, dtype=object)
    for layer in layers:
        given, kinds, names = (frame.reindex(index=grid, columns=list(COLUMNS)).to_numpy() for frame in layer)
        fresh = np.isnan(values) & ~np.isnan(given.astype(float))
        values[fresh], sources[fresh] = given[fresh], names[fresh]
        for column in range(len(COLUMNS)):
            kind[fresh[:, column]] = kinds[fresh[:, column], column]
    told = [", ".join(dict.fromkeys(name for name in row if name is not None)) or None for row in sources]
    frame = pd.DataFrame(values, index=grid, columns=list(COLUMNS))
    return frame.assign(kind=pd.Series(kind, grid, dtype="str"), source=pd.Series(told, grid, dtype="str"))
