"""What is missing in the store, for every series that ought to grow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.clock import day_bounds, local_date
from chocofactory.domain import gaps, generation, prices
from chocofactory.domain.generation import COMBINED_CYCLE
from chocofactory.domain.measurements import (
    DEMAND,
    ENERGY_PRICE,
    GENERATION,
    HOURLY,
    PVPC,
    SIAR_DAILY,
    WEATHER_DAILY,
    WEATHER_OBSERVATION,
    Series,
    price_series,
)
from chocofactory.domain.weather import CHECKED_AFTER
from chocofactory.services.memo import Memo
from chocofactory.services.ranges import FIRST_DAY, LAST_DAY, check_days

if TYPE_CHECKING:
    from chocofactory.core.clock import Clock
    from chocofactory.store.base import SeriesStore


@dataclass(frozen=True)
class SeriesGaps:
    """What is missing of one series between two moments (UTC, end exclusive)."""

    series: Series
    start: datetime
    end: datetime
    expected: int
    present: int
    gaps: list[gaps.Gap]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "series": str(self.series),
            "measurement": self.series.measurement.name,
            **self.series.keys,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "expected": self.expected,
            "present": self.present,
            "gaps": [
                {
                    "start": gap.start.isoformat(),
                    "end": gap.end.isoformat(),
                    "count": gap.count,
                    "severity": str(gap.severity),
                }
                for gap in self.gaps
            ],
        }


class Gaps:
    """Compares what is kept with what ought to be there by now. An empty store has no gaps to show but says so."""

    def __init__(self, store: SeriesStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._memo = Memo(store)

    def series(self) -> list[Series]:
        """Series that can have gaps: prices, PVPC even while it is empty, weather by hour and by day, generation.

        Of generation combined cycle stands for all technologies: they come together, and it runs on every day, whereas
        others may not, begin or end.
        """
        whole = (ENERGY_PRICE, WEATHER_OBSERVATION, WEATHER_DAILY, SIAR_DAILY)
        known = [series for measurement in whole for series in self._store.series(measurement)]
        known += [one for one in self._store.series(GENERATION) if stands_for_all(one) or one.resolution == HOURLY]
        known += self._store.series(DEMAND)
        first = price_series(PVPC)
        return [first, *(series for series in known if series != first)]

    def coverage(self, series: Series, first: date, last: date) -> pd.DataFrame:
        """Counts by local day: see ``SeriesStore.coverage``; what cannot be there by now is not expected."""
        table = self._memo.get(
            ("coverage", str(series), first, last),
            lambda: gaps.daily_coverage(self.times(series), series.resolution, first, last),
        ).copy()
        horizon = self._horizon(series)
        end = local_date(horizon - timedelta(microseconds=1))
        table.loc[table.index > pd.Timestamp(end), "expected"] = 0
        if first <= end <= last:
            by_now = gaps.expected_grid(day_bounds(end)[0], horizon, series.resolution)
            table.loc[pd.Timestamp(end), "expected"] = len(by_now)
        return table

    def find(self, series: Series, first: date | None = None, last: date | None = None) -> SeriesGaps | None:
        """The gaps of a series in a range of local days; by default from its first row to what is published by now.

        ``None`` when the series holds nothing at all and no range was given.

        Raises
        ------
        InvalidInput
            The range is none (see ``ranges.check_days``).

        """
        check_days(first or FIRST_DAY, last or LAST_DAY)
        horizon = self._horizon(series)
        times = self.times(series)
        if first is None and not len(times):
            return None
        begin = times[0].to_pydatetime() if len(times) else day_bounds(FIRST_DAY)[0]
        start = day_bounds(first or local_date(begin))[0]
        if first is None and series.measurement is WEATHER_OBSERVATION:
            start = begin  # nobody could have had the hours before the first one
        end = min(horizon, day_bounds(last)[1]) if last else horizon
        if end <= start:
            return SeriesGaps(series, start, start, 0, 0, [])
        inside = times[slice(*times.searchsorted([pd.Timestamp(start), pd.Timestamp(end)]))]
        expected = len(gaps.expected_grid(start, end, series.resolution))
        return SeriesGaps(
            series, start, end, expected, len(inside), gaps.find_gaps(inside, start, end, series.resolution)
        )

    def report(self, first: date | None = None, last: date | None = None) -> list[SeriesGaps]:
        """The gaps of every series that holds anything (or of all, in a given range)."""
        found = (self.find(series, first, last) for series in self.series())
        return [entry for entry in found if entry is not None]

    def times(self, series: Series) -> pd.DatetimeIndex:
        """Every interval start (UTC) of a series that is present, sorted."""
        return self._memo.get(
            ("times", str(series)), lambda: self._store.times(series, *day_bounds(FIRST_DAY, LAST_DAY))
        )

    def _horizon(self, series: Series) -> datetime:
        """The end (UTC, exclusive) of what must be there by now.

        Observations: the hours that are over. Checked days: four days ago. What comes in files (SIAR's days, hours of
        generation and demand): the last one that came. Generation: the last day that is published. Prices: today, and
        tomorrow once it is published.
        """
        now = self._clock.now()
        if series.measurement in {SIAR_DAILY, DEMAND} or (
            series.measurement is GENERATION and not stands_for_all(series)
        ):
            times = self.times(series)
            if not len(times):
                return day_bounds(FIRST_DAY)[0]
            last = times[-1].to_pydatetime()
            return day_bounds(local_date(last))[1] if series.measurement is SIAR_DAILY else last + series.resolution
        if series.measurement is WEATHER_DAILY:
            return day_bounds(local_date(now - CHECKED_AFTER))[1]
        if series.measurement is WEATHER_OBSERVATION:
            return now.replace(minute=0, second=0, microsecond=0)
        if series.measurement is GENERATION:
            return day_bounds(generation.last_published(now))[1]
        today = local_date(now)
        tomorrow = today + timedelta(days=1)
        out = prices.published_at(series.keys["market"], tomorrow) <= now
        return day_bounds(tomorrow if out else today)[1]


def stands_for_all(series: Series) -> bool:
    """Whether a series of generation is the one that tells which days are there."""
    return series == generation.daily_series(COMBINED_CYCLE)
