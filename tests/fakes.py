"""Stand-ins for the ports of the services, written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pandas as pd

from chocofactory.core.clock import day_bounds, day_grid
from chocofactory.core.errors import NotPublished, SourceError
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.sources.base import IssuedForecast


def wavy_prices(first: date, last: date, *, level: float = 0.12) -> pd.Series:
    """Hourly prices [EUR/kWh] in which no two days are alike."""
    grid = day_grid(first, last)
    hours = (grid.as_unit("s").asi8 // 3600).astype(float)
    values = level + 0.05 * ((hours * 7919) % 101) / 101 + 0.01 * ((hours // 24) % 7)
    return pd.Series(values.round(5), index=grid, name="price_eur_kwh")


def wavy_generation(first: date, last: date) -> pd.DataFrame:
    """Daily generation [MWh by UTC local midnight] of some technologies by REE's names, in which no two days are alike.

    Fuel + Gas runs on every fifth day alone.
    """
    grid = day_grid(first, last, timedelta(days=1))
    days = (grid.as_unit("s").asi8 // 86400).astype(float)
    wave = ((days * 7919) % 101) / 101
    energy = {"Ciclo combinado": 150e3 - 80e3 * wave, "Eólica": 90e3 + 100e3 * wave, "Nuclear": 165e3 + 0 * wave}
    frame = pd.DataFrame(energy, index=grid).round(3)
    frame["Fuel + Gas"] = pd.Series(0.001, index=grid).where(days % 5 == 0)
    return frame


class FakeSource:
    """A price source that delivers what it was given, and raises what it was told to."""

    def __init__(self, name: str = "ree", prices: pd.Series | None = None, *, markets=frozenset({PVPC, SPOT})) -> None:
        self.name = name
        self.markets = markets
        self.longest_request = timedelta(days=31)
        self.known = prices if prices is not None else pd.Series(dtype=float)
        self.error: SourceError | None = None
        self.asked: list[tuple[str, date, date]] = []

    def prices(self, market: str, first: date, last: date) -> pd.DataFrame:
        self.asked.append((market, first, last))
        if self.error is not None:
            raise self.error
        start, end = day_bounds(first, last)
        inside = self.known[(self.known.index >= start) & (self.known.index < end)] if len(self.known) else self.known
        if not len(inside):
            raise NotPublished("{source} has nothing for {first}.", source=self.name, first=first)
        frame = inside.rename("price_eur_kwh").to_frame()
        frame.attrs["resolution"] = pd.Timedelta(frame.index[1] - frame.index[0]).to_pytimedelta()
        return frame


class FakeStation:
    """A weather source that delivers what it was given, and raises what it was told to."""

    longest_request = timedelta(days=31)

    def __init__(self, name: str, station: str, place: str, reach: timedelta = timedelta(hours=24)) -> None:
        self.name, self.station, self.place, self.reach = name, station, place, reach
        self.observed = pd.DataFrame()
        self.issued: IssuedForecast | None = None
        self.checked = pd.DataFrame()
        self.error: SourceError | None = None
        self.asked: list[tuple[date, date]] = []

    def observations(self, first: date, last: date) -> pd.DataFrame:
        return self._cut(self.observed, first, last)

    def daily(self, first: date, last: date) -> pd.DataFrame:
        return self._cut(self.checked, first, last)

    def forecast(self) -> IssuedForecast:
        if self.error is not None:
            raise self.error
        if self.issued is None:
            raise NotPublished("{source} has no forecast.", source=self.name)
        return self.issued

    def _cut(self, frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
        self.asked.append((first, last))
        if self.error is not None:
            raise self.error
        start, end = day_bounds(first, last)
        inside = frame[(frame.index >= start) & (frame.index < end)] if len(frame) else frame
        if not len(inside):
            raise NotPublished("{source} has nothing for {first}.", source=self.name, first=first)
        return inside


def hourly_weather(start: datetime, values: Mapping[str, Sequence[float]], step: str = "h") -> pd.DataFrame:
    """Weather in steps from ``start`` on, a column for each field."""
    length = len(next(iter(values.values())))
    index = pd.date_range(start, periods=length, freq=step, tz="UTC", unit="us", name="time")
    return pd.DataFrame({name: list(map(float, each)) for name, each in values.items()}, index=index)
