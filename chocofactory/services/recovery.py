"""What can still be had of what is missing: of each series from which source, which days, and why not the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import HOUR, day_start, local_date, local_days
from chocofactory.core.messages import Message
from chocofactory.domain import gaps as rules
from chocofactory.domain.measurements import (
    ENERGY_PRICE,
    GENERATION,
    HOURLY,
    SIAR_DAILY,
    WEATHER_DAILY,
    WEATHER_OBSERVATION,
    Series,
    price_series,
)
from chocofactory.services.gaps import stands_for_all
from chocofactory.services.ingestion import EARLIEST

if TYPE_CHECKING:
    import numpy.typing as npt

    from chocofactory.core.clock import Clock
    from chocofactory.domain.measurements import Measurement
    from chocofactory.services.gaps import Gaps, SeriesGaps
    from chocofactory.services.generation import GenerationIngestion
    from chocofactory.services.ingestion import PriceIngestion
    from chocofactory.services.siar import SiarHistory
    from chocofactory.services.weather_ingestion import WeatherIngestion

KINDS: dict[Measurement, str] = {
    ENERGY_PRICE: "ingest_prices",
    WEATHER_OBSERVATION: "ingest_weather",
    WEATHER_DAILY: "ingest_climatology",
    GENERATION: "ingest_generation",
    SIAR_DAILY: "ingest_siar",
}
"""The kind of run that fetches each measurement day by day; the others come in files alone."""

_NO_SOURCE = Message("No source that is set up delivers this series.")
_ONLY_FILES = Message("It comes in files alone: import them.")
_OTHER_LENGTH = Message("The prices of these days are kept in intervals of another length.")
_WHOLE_WITHOUT = Message("The generation of these days is whole without it.")


@dataclass(frozen=True)
class Lost:
    """Intervals (their starts, UTC) that no source can be asked for, and why; ``covered`` where nothing is lacking."""

    times: pd.DatetimeIndex
    reason: Message
    covered: bool = False


@dataclass(frozen=True)
class Recovery:
    """What can be done about one series.

    ``found`` is what is missing, None for a series that holds nothing while no range was given. ``times`` are the
    starts (UTC) of intervals that can be had by runs of ``kind`` from ``sources``, asked in this order; ``again`` says
    which of them are there already.
    """

    series: Series
    found: SeriesGaps | None
    kind: str | None
    sources: tuple[str, ...]
    times: pd.DatetimeIndex
    lost: tuple[Lost, ...] = ()
    again: npt.NDArray[np.bool_] | bool = False

    @property
    def days(self) -> list[date]:
        """Local days to be asked for."""
        return days_of(self.times)

    @property
    def lacking(self) -> pd.DatetimeIndex:
        """Every interval that is missing, whether it can be had or not."""
        lost = [each.times for each in self.lost if not each.covered]
        times = self.times[~np.broadcast_to(self.again, len(self.times))]
        return pd.DatetimeIndex(times.append(lost)).sort_values() if lost else times


class Recoveries:
    """Knows, by what the ingestion services say of their sources, what of the gaps can be had."""

    def __init__(
        self,
        gaps: Gaps,
        prices: PriceIngestion,
        weather: WeatherIngestion,
        generation: GenerationIngestion,
        history: SiarHistory,
        clock: Clock,
    ) -> None:
        self._gaps = gaps
        self._prices = prices
        self._weather = weather
        self._generation = generation
        self._history = history
        self._clock = clock

    def series(self) -> list[Series]:
        """Series that can have gaps: those that hold anything, and those that a source delivers."""
        delivered = [price_series(market) for market in self._prices.markets]
        delivered += [*self._weather.reaches(), *self._weather.checked(), *self._history.series()]
        known = self._gaps.series()
        return [*known, *(one for one in delivered if one not in known)]

    def sources(self, series: Series) -> tuple[str, ...]:
        """Names of the sources that deliver a series, in the order in which they are asked."""
        measurement = series.measurement
        if measurement is ENERGY_PRICE and series.keys == price_series(series.keys["market"]).keys:
            return tuple(self._prices.sources_of(series.keys["market"]))
        if measurement is GENERATION and stands_for_all(series):
            return tuple(self._generation.sources)
        if series in self._weather.reaches() or series in self._weather.checked():
            return (series.keys["provider"],)
        own = self._history.series()
        return (own[series],) if series in own else ()

    def all(self, first: date | None = None, last: date | None = None, *, force: bool = False) -> list[Recovery]:
        """The same as ``of``, for every series."""
        return [self.of(series, first, last, force=force) for series in self.series()]

    def of(
        self, series: Series, first: date | None = None, last: date | None = None, *, force: bool = False
    ) -> Recovery:
        """What can be had of the gaps of a series, in a range of local days or from its first row on.

        With ``force`` the intervals that are there count as well, where a source may say otherwise by now: not of hours
        of weather, which nobody revises.

        Raises
        ------
        InvalidInput
            The range is none (see ``ranges.check_days``).
        StoreError
            The store cannot say what is there.

        """
        found = self._gaps.find(series, first, last)
        sources = self.sources(series)
        kind = KINDS.get(series.measurement) if sources else None
        if found is None:
            return Recovery(series, None, kind, sources, rules.missing_times((), series.resolution))
        if force and series.measurement is not WEATHER_OBSERVATION:
            wanted = rules.expected_grid(found.start, found.end, series.resolution)
        else:
            wanted = rules.missing_times(found.gaps, series.resolution)
        if not sources:
            files = series.measurement not in KINDS or series.measurement in {SIAR_DAILY, GENERATION}
            times, lost = wanted[:0], [Lost(wanted, _ONLY_FILES if files else _NO_SOURCE)]
        elif series.measurement is ENERGY_PRICE:
            times, lost = self._of_prices(series, wanted, force=force)
        elif series.measurement is GENERATION:
            times, lost = self._of_generation(found, wanted, force=force)
        elif series.measurement is WEATHER_OBSERVATION:
            times, lost = self._of_hours(series, wanted)
        else:
            times, lost = wanted, []
        again = times.isin(self._gaps.times(series)) & force
        return Recovery(series, found, kind, sources, times, tuple(each for each in lost if len(each.times)), again)

    def _of_prices(
        self, series: Series, wanted: pd.DatetimeIndex, *, force: bool
    ) -> tuple[pd.DatetimeIndex, list[Lost]]:
        """Any published day since the market's first one, by the series of the market that holds the days before it."""
        market = series.keys["market"]
        earliest = EARLIEST[market]
        early = wanted < pd.Timestamp(day_start(earliest))
        late = wanted[~early]
        before = Message("{market} begins on {earliest}.", market=market, earliest=earliest)
        if not len(late):
            return late, [Lost(wanted, before)]
        ours = self._is_in_force(series, late)
        if not force:
            days = days_of(late)
            ours &= _on(late, self._prices.missing_days(market, days[0], days[-1]))
        return late[ours], [Lost(wanted[early], before), Lost(late[~ours], _OTHER_LENGTH, covered=True)]

    def _is_in_force(self, series: Series, times: pd.DatetimeIndex) -> npt.NDArray[Any]:
        """Whether, of the series of a market, this one held the newest price before each time; hours where none did."""
        rivals = [
            one
            for one in self._gaps.series()
            if one.keys == series.keys and one.measurement is ENERGY_PRICE and one != series
        ]
        mine = self._newest_before(series, times)
        out = np.ones(len(times), dtype=bool)
        for rival in rivals:
            theirs = self._newest_before(rival, times)
            out &= (mine > theirs) | ((mine == theirs) & (series.resolution == HOURLY))
        return out

    def _newest_before(self, series: Series, times: pd.DatetimeIndex) -> npt.NDArray[Any]:
        """Local day of the newest row before the day of each time, as a number; -1 where there is none."""
        there = local_days(self._gaps.times(series)).as_unit("us").asi8
        if not len(there):
            return np.full(len(times), -1)
        place = np.searchsorted(there, local_days(times).as_unit("us").asi8) - 1
        return np.where(place < 0, -1, there[place])

    def _of_generation(
        self, found: SeriesGaps, wanted: pd.DatetimeIndex, *, force: bool
    ) -> tuple[pd.DatetimeIndex, list[Lost]]:
        """Any published day that is not whole, be it that the series which stands for all has its value."""
        if force or found.end <= found.start:
            return wanted, []
        last = local_date(found.end - timedelta(microseconds=1))
        days = self._generation.missing_days(local_date(found.start), last)
        times = rules.missing_times((), found.series.resolution)
        if days:
            grid = rules.expected_grid(found.start, found.end, found.series.resolution)
            times = grid[_on(grid, days)]
        return times, [Lost(wanted.difference(times), _WHOLE_WITHOUT, covered=True)]

    def _of_hours(self, series: Series, wanted: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, list[Lost]]:
        """The hours that the source still has: of one that tells the present alone, none."""
        reach = self._weather.reaches()[series]
        source = series.keys["provider"]
        if not reach:
            return wanted[:0], [
                Lost(
                    wanted, Message("{source} tells the hour under way alone, and nothing of the past.", source=source)
                )
            ]
        hour = self._clock.now().replace(minute=0, second=0, microsecond=0)
        there = wanted >= pd.Timestamp(hour - reach)
        why = Message("{source} has the last {hours} hours alone.", source=source, hours=reach // HOUR)
        return wanted[there], [Lost(wanted[~there], why)]


def days_of(times: pd.DatetimeIndex) -> list[date]:
    """The local days in which times (UTC) fall, in order."""
    return [stamp.date() for stamp in local_days(times).unique().sort_values()] if len(times) else []


def _on(times: pd.DatetimeIndex, days: list[date]) -> npt.NDArray[Any]:
    """Say of each time whether it falls on one of the local days."""
    held = local_days(times)
    return np.asarray(held.isin(pd.DatetimeIndex(days, dtype=held.dtype)))
