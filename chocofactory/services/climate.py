"""What people and programs ask about the climate: days of SIAR stations, and what many years of them say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from chocofactory.core.clock import day_bounds, local_date
from chocofactory.core.errors import InvalidInput, NotFound
from chocofactory.domain import climate
from chocofactory.domain.measurements import SIAR_DAILY
from chocofactory.services.memo import Memo

if TYPE_CHECKING:
    from chocofactory.domain.climate import Kind, Limits, MonthMatrix
    from chocofactory.store.base import SeriesStore

EARLIEST, LATEST = date(1990, 1, 1), date(2099, 12, 31)
"""No day of the network lies outside."""
_STATION = re.compile(r"(?:(\d{1,5})[/-])?(\d{1,5})")


@dataclass(frozen=True)
class Scope:
    """What a question is about: one station (by default that with the newest days) or all ``pooled``, and which days.

    ``station`` is written ``23/17``, province and number, or by its number alone. The ends of the range are local days,
    both included; None leaves an end open.
    """

    station: str | None = None
    pooled: bool = False
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Station:
    """The days of a station that an answer rests on: how many there are, from first to last.

    ``name`` is province and number (``23/17``): numbers alone repeat from province to province.
    """

    name: str
    first: date
    last: date
    days: int
    kind: Kind

    @property
    def missing(self) -> int:
        """Days between the first and the last that are not there."""
        return (self.last - self.first).days + 1 - self.days


@dataclass(frozen=True)
class Basis:
    """The days that an answer rests on: one row a day (see ``domain.climate``), and whose they are.

    ``stations`` are those in it, the one with the newest days first; none when there is no day.
    """

    frame: pd.DataFrame
    stations: list[Station]

    @property
    def kind(self) -> Kind | None:
        """What the days are; a store holds observed days or simulated ones, never both."""
        return self.stations[0].kind if self.stations else None


@dataclass(frozen=True)
class Seasons:
    """How favourable the months of the year are.

    ``months`` has the index ``month`` (1 ... 12) and: ``favourable`` days, their ``share_pct`` among ``days``,
    ``unknown`` days (see ``domain.climate.favourable_days``), the means ``temperature_c`` and ``humidity_pct``, and
    ``hot`` days among ``hot_known``. ``best`` and ``worst`` are the months with the highest and the lowest share, the
    earlier one of equals; None while no month is known.
    """

    months: pd.DataFrame
    best: int | None
    worst: int | None


class Climate:
    """Reads the daily history of SIAR stations and answers questions about it; changes nothing.

    Stations are two climates and kept apart unless a question asks for them pooled.
    """

    def __init__(self, store: SeriesStore) -> None:
        self._store = store
        self._memo = Memo(store)

    def stations(self) -> list[Station]:
        """Every station that holds a day, the one with the newest days first."""
        return self._memo.get("stations", lambda: _stations(self._all()))

    def days(self, scope: Scope | None = None) -> pd.DataFrame:
        """Days of one station, or of all when none is named.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC), by time and station, not unique with several stations; columns ``province`` and
            ``station`` (numbers as text), the fields of ``siar_daily``, ``source``, ``kind`` (``observed`` or
            ``simulated``) and ``written_at`` (UTC).

        Raises
        ------
        InvalidInput
            The end lies before the start, or what is named is no station.
        NotFound
            There is no such station.

        """
        asked = scope or Scope()
        rows = self._all()
        if asked.station is not None:
            rows = rows[_names(rows) == self._named(asked.station)]
        if asked.first and asked.last and asked.last < asked.first:
            raise InvalidInput("The end {last} lies before the start {first}.", first=asked.first, last=asked.last)
        first, last = max(asked.first or EARLIEST, EARLIEST), min(asked.last or LATEST, LATEST)
        if last < first:
            return rows.iloc[:0]
        ends = [pd.Timestamp(moment) for moment in day_bounds(first, last)]
        return rows.iloc[slice(*pd.DatetimeIndex(rows.index).searchsorted(ends))]

    def basis(self, scope: Scope) -> Basis:
        """The days that answers about a scope rest on.

        Raises
        ------
        InvalidInput, NotFound
            As ``days``, or one station is asked for and all of them pooled.

        """
        return self._memo.get(("basis", scope), lambda: self._basis(scope))

    def seasons(self, scope: Scope, limits: Limits | None = None, hot_above_c: float = climate.HOT_C) -> Seasons:
        """How favourable each month of the year is under given limits, and how many of its days are hot."""
        return self._memo.get(
            ("seasons", scope, limits, hot_above_c),
            lambda: _seasons(self.basis(scope).frame, limits or climate.Limits(), hot_above_c),
        )

    def thresholds(self, scope: Scope) -> pd.DataFrame:
        """Percentiles of what harms chocolate, and how often it lay above: ``domain.climate.critical_thresholds``."""
        return self._memo.get(("thresholds", scope), lambda: climate.critical_thresholds(self.basis(scope).frame))

    def monthly_pattern(self, scope: Scope) -> pd.DataFrame:
        """How the days of each month of the year are: ``domain.climate.monthly_pattern``."""
        return self._memo.get(("pattern", scope), lambda: climate.monthly_pattern(self.basis(scope).frame))

    def month_matrix(self, scope: Scope, field: str) -> MonthMatrix:
        """One field by year and month: ``domain.climate.month_matrix``.

        Raises
        ------
        InvalidInput
            The field has no mean and no sum.

        """
        if field not in climate.FIELDS:
            raise InvalidInput("There is no {field} by month.", field=field)
        return self._memo.get(("matrix", scope, field), lambda: climate.month_matrix(self.basis(scope).frame, field))

    def hot_days(self, scope: Scope, above_c: float = climate.HOT_C) -> pd.DataFrame:
        """Days whose maximum is above a limit, by year and month: ``domain.climate.hot_days``."""
        return self._memo.get(("hot", scope, above_c), lambda: climate.hot_days(self.basis(scope).frame, above_c))

    def day_of_year(self, scope: Scope) -> pd.DataFrame:
        """How each day of the year usually is: ``domain.climate.day_of_year_climatology``."""
        return self._memo.get(("day of year", scope), lambda: climate.day_of_year_climatology(self.basis(scope).frame))

    def _all(self) -> pd.DataFrame:
        return self._memo.get("all", self._load)

    def _load(self) -> pd.DataFrame:
        rows = self._store.read(SIAR_DAILY, *day_bounds(EARLIEST, LATEST)).drop(columns="resolution")
        kinds = {name: climate.kind(name) for name in rows["source"].cat.categories}
        return rows.assign(
            kind=rows["source"].map(kinds).astype("str"),
            **{name: rows[name].astype("str") for name in ("province", "station", "source")},
        )

    def _basis(self, scope: Scope) -> Basis:
        if scope.pooled and scope.station is not None:
            raise InvalidInput("Ask for one station, or for all of them pooled, not for both.")
        newest = next((station.name for station in self.stations()), None)
        station = None if scope.pooled else scope.station or newest
        rows = self.days(Scope(station, first=scope.first, last=scope.last))
        return Basis(climate.pooled(rows) if scope.pooled else rows, _stations(rows))

    def _named(self, written: str) -> str:
        """The name of the station that is meant."""
        parts = _STATION.fullmatch(written)
        if parts is None:
            raise InvalidInput("{station} is not a station: write province and number, as in 23/17.", station=written)
        province, number = (part and str(int(part)) for part in parts.groups())
        known = [station.name for station in self.stations()]
        meant = [name for name in known if name.split("/")[1] == number and province in {None, name.split("/")[0]}]
        if len(meant) != 1:
            raise NotFound("{station} is not one of the SIAR stations that are kept.", station=written)
        return meant[0]


def _names(rows: pd.DataFrame) -> pd.Series:
    return rows["province"] + "/" + rows["station"]


def _stations(rows: pd.DataFrame) -> list[Station]:
    found = [
        Station(
            str(name),
            local_date(group.index[0]),
            local_date(group.index[-1]),
            len(group),
            climate.kind(group["source"].iloc[0]),
        )
        for name, group in rows.groupby(_names(rows))
    ]
    return sorted(found, key=lambda station: (station.last, station.days), reverse=True)


def _seasons(frame: pd.DataFrame, limits: Limits, hot_above_c: float) -> Seasons:
    favourable = climate.favourable_days(frame, limits)
    means = climate.monthly_pattern(frame, ("temperature_mean_c", "humidity_mean_pct"))["mean"]
    hot = climate.hot_days(frame, hot_above_c).groupby("month").sum().reindex(favourable.index, fill_value=0)
    months = favourable.assign(
        temperature_c=means["temperature_mean_c"],
        humidity_pct=means["humidity_mean_pct"],
        hot=hot["hot"],
        hot_known=hot["days"],
    )
    shares = months["share_pct"].dropna()
    best, worst = (
        (int(shares.index[int(place)]) for place in (shares.argmax(), shares.argmin())) if len(shares) else (None, None)
    )
    return Seasons(months, best, worst)
