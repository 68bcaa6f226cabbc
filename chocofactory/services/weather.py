"""Bringing observed weather in: every hour that is over and not there yet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import day_bounds, local_date, local_days
from chocofactory.domain import gaps
from chocofactory.domain.measurements import WEATHER_OBSERVATION, Series
from chocofactory.services.jobs import JobKind, Outcome, quiet
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from chocofactory.core.clock import Clock
    from chocofactory.services.jobs import Report
    from chocofactory.sources.base import ObservationSource
    from chocofactory.store.base import SeriesStore


class WeatherIngestion:
    """Fetches hourly observations that are missing and keeps them, one series a station."""

    def __init__(self, store: SeriesStore, sources: Sequence[ObservationSource], clock: Clock) -> None:
        self._store = store
        self._sources = sources
        self._clock = clock

    def due(self, days_back: int) -> list[date]:
        """Local days of the last ``days_back``, and today, that lack an hour which is over."""
        now = self._clock.now()
        first = local_date(now) - timedelta(days=days_back)
        lacking: set[date] = set()
        for source in self._sources:
            start, end = day_bounds(first)[0], _hours_over(now)
            there = self._store.times(_series(source), start, end)
            missing = gaps.expected_grid(start, end, _series(source).resolution).difference(there)
            lacking.update(stamp.date() for stamp in local_days(missing).unique())
        return sorted(lacking)

    def ingest(self, first: date, last: date, report: Report = quiet) -> WriteCounts:
        """Bring in what the sources have of the local days ``first`` ... ``last``, both included.

        Raises
        ------
        SourceError
            A source did not deliver.

        """
        counts = WriteCounts()
        for number, source in enumerate(self._sources):
            report(
                100 * number / len(self._sources),
                "{source}: weather, {first} to {last}",
                source=source.name,
                first=first,
                last=last,
            )
            frame = source.observations(first, last)
            counts += self._store.write(_series(source), frame, source=source.name, written_at=self._clock.now())
        report(100, "Done: {new} new, {changed} changed hours.", new=counts.new, changed=counts.changed)
        return counts


def ingest_weather_job(ingestion: WeatherIngestion) -> JobKind:
    """The kind ``ingest_weather``: params ``first`` and ``last`` (ISO dates)."""

    def work(params: Mapping[str, Any], report: Report) -> Outcome:
        counts = ingestion.ingest(date.fromisoformat(params["first"]), date.fromisoformat(params["last"]), report)
        return Outcome({"new": counts.new, "changed": counts.changed, "unchanged": counts.unchanged})

    return JobKind("ingest_weather", work)


def _series(source: ObservationSource) -> Series:
    return Series(WEATHER_OBSERVATION, {"provider": source.name, "station": source.station})


def _hours_over(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
