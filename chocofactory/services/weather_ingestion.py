"""Bringing weather in: observations of hours that are over, forecasts as they are issued, and checked days.

Each provider's data is a series of its own, just as it came; what is shown as one weather is blended when it is asked
for (see ``services.weather``), so that no value ever loses its provenance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import day_bounds, local_date, local_days
from chocofactory.core.errors import Conflict, SourceError
from chocofactory.domain import gaps
from chocofactory.domain.measurements import DAILY, WEATHER_DAILY, WEATHER_FORECAST, WEATHER_OBSERVATION, Series
from chocofactory.domain.weather import CHECKED_AFTER
from chocofactory.services.jobs import JobKind, Outcome, describe, quiet, tell_waiting
from chocofactory.services.ranges import check_days
from chocofactory.services.sources import SourceLog, in_runs, most_telling
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from chocofactory.core.clock import Clock
    from chocofactory.services.jobs import Report
    from chocofactory.sources.base import DailySource, ForecastSource, ObservationSource
    from chocofactory.store.base import SeriesStore

FORECAST_FRESH = timedelta(hours=3)
"""A forecast that was issued longer ago is asked for again: providers renew theirs several times a day."""


_LONGEST_STEP = timedelta(hours=3)


@dataclass
class Delivery:
    """What one source delivered: counts of rows, and why it did not, where it did not."""

    source: str
    counts: WriteCounts = field(default_factory=WriteCounts)
    error: SourceError | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"source": self.source, **self.counts.as_dict(), "error": describe(self.error) if self.error else None}


class WeatherIngestion:
    """Fetches weather and keeps it, one series a provider and place. No failing source keeps others from delivering.

    ``observers``, ``forecasters`` and ``stations`` are the sources of hourly observations, of forecasts, and of checked
    days; each of them may be empty, as when no key is set.
    """

    def __init__(
        self,
        store: SeriesStore,
        log: SourceLog,
        clock: Clock,
        *,
        observers: Sequence[ObservationSource] = (),
        forecasters: Sequence[ForecastSource] = (),
        stations: Sequence[DailySource] = (),
    ) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._observers = observers
        self._forecasters = forecasters
        self._stations = stations

    @property
    def kinds(self) -> list[str]:
        """The kinds of runs for which there is a source."""
        able = {
            "ingest_weather": self._observers,
            "ingest_forecast": self._forecasters,
            "ingest_climatology": self._stations,
        }
        return [kind for kind, sources in able.items() if sources]

    def reaches(self) -> dict[Series, timedelta]:
        """The series of hours that some source delivers, and how far back it still has them: see ``reach`` there."""
        return {_observed(source): source.reach for source in self._observers}

    def checked(self) -> list[Series]:
        """The series of checked days that some source delivers."""
        return [_checked(source) for source in self._stations]

    def due(self, days_back: int) -> list[date]:
        """Local days of the last ``days_back``, and today, that lack an hour which some source could still deliver."""
        now = self._clock.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        first = local_date(now) - timedelta(days=days_back)
        lacking: set[date] = set()
        for source in self._observers:
            series = _observed(source)
            start = max(day_bounds(first)[0], hour - source.reach)
            end = hour if source.reach else hour + series.resolution
            there = self._store.times(series, start, end)
            missing = gaps.expected_grid(start, end, series.resolution).difference(there)
            lacking.update(stamp.date() for stamp in local_days(missing).unique())
        return sorted(lacking)

    def forecast_due(self) -> bool:
        """Whether a source's newest forecast here was issued more than ``FORECAST_FRESH`` ago, or there is none."""
        now = self._clock.now()
        oldest = now - FORECAST_FRESH
        return any(
            (issue := issue_in_force(self._store, source.name, source.place, now)) is None or issue < oldest
            for source in self._forecasters
        )

    def climatology_due(self, days_back: int) -> list[date]:
        """Local days of ``days_back`` that lack their checked values and are old enough to have them."""
        last = local_date(self._clock.now() - CHECKED_AFTER)
        first = last - timedelta(days=days_back)
        lacking: set[date] = set()
        for source in self._stations:
            coverage = self._store.coverage(_checked(source), first, last)
            lacking.update(stamp.date() for stamp in coverage.index[coverage["present"] < coverage["expected"]])
        return sorted(lacking)

    def ingest(self, first: date, last: date, report: Report = quiet, *, only: str | None = None) -> list[Delivery]:
        """Bring in what the sources have of the hours of local days ``first`` ... ``last``, both included.

        ``only`` names the one source to ask, here and in the other two.
        """

        def deliver(source: ObservationSource, percent: float) -> WriteCounts:
            report(percent, "{source}: weather, {first} to {last}", source=source.name, first=first, last=last)
            return self._keep(_observed(source), source.observations(first, last), source.name)

        return self._gather(self._observers, only, deliver)

    def ingest_forecast(self, report: Report = quiet, *, only: str | None = None) -> list[Delivery]:
        """Bring in the forecasts in force."""

        def deliver(source: ForecastSource, percent: float) -> WriteCounts:
            report(percent, "{source}: forecast", source=source.name)
            issued = source.forecast()
            series = Series(WEATHER_FORECAST, {"provider": source.name, "place": source.place}, issued.resolution)
            return self._keep(series, issued.frame, source.name, issued_at=issued.issued_at)

        return self._gather(self._forecasters, only, deliver)

    def ingest_climatology(
        self, first: date, last: date, report: Report = quiet, *, only: str | None = None
    ) -> list[Delivery]:
        """Bring in the checked values of local days ``first`` ... ``last``, both included."""

        def deliver(source: DailySource, percent: float) -> WriteCounts:
            report(percent, "{source}: checked days, {first} to {last}", source=source.name, first=first, last=last)
            counts = WriteCounts()
            failures: list[SourceError] = []
            days = (first + timedelta(days=n) for n in range((last - first).days + 1))
            for frame in in_runs(source, days, lambda _percent, begin, end: source.daily(begin, end), failures.append):
                counts += self._keep(_checked(source), frame, source.name)
            if failures and not counts.total:
                raise most_telling(failures)
            for failure in failures:
                self._log.failed(source.name, failure)
            return counts

        return self._gather(self._stations, only, deliver)

    def _keep(self, series: Series, frame: Any, source: str, issued_at: datetime | None = None) -> WriteCounts:
        return self._store.write(series, frame, source=source, written_at=self._clock.now(), issued_at=issued_at)

    def _gather(
        self, sources: Sequence[Any], only: str | None, deliver: Callable[[Any, float], WriteCounts]
    ) -> list[Delivery]:
        """Let each source ``deliver``, told how far the run is [%]; note how each of them fared."""
        asked = [source for source in sources if only in {None, source.name}]
        deliveries = []
        for number, source in enumerate(asked):
            delivery = Delivery(source.name)
            try:
                delivery.counts = deliver(source, 100 * number / len(asked))
                self._log.answered(source.name)
            except SourceError as error:
                self._log.failed(source.name, error)
                delivery.error = error
            deliveries.append(delivery)
        return deliveries


def weather_jobs(ingestion: WeatherIngestion) -> list[JobKind]:
    """The kinds ``ingest_weather`` and ``ingest_climatology`` (params ``first``, ``last``) and ``ingest_forecast``.

    ``source`` among the params of each names the one source to ask.
    """

    def observations(params: Mapping[str, Any], report: Report) -> Outcome:
        return _outcome(ingestion.ingest(*_days(params), report, only=params.get("source")), report)

    def forecast(params: Mapping[str, Any], report: Report) -> Outcome:
        return _outcome(ingestion.ingest_forecast(report, only=params.get("source")), report)

    def climatology(params: Mapping[str, Any], report: Report) -> Outcome:
        return _outcome(ingestion.ingest_climatology(*_days(params), report, only=params.get("source")), report)

    return [
        JobKind("ingest_weather", observations),
        JobKind("ingest_forecast", forecast),
        JobKind("ingest_climatology", climatology),
    ]


def issue_in_force(store: SeriesStore, provider: str, place: str, now: datetime) -> datetime | None:
    """When this provider last issued a forecast for this place that holds the hours around now; None without one."""
    around = store.read(WEATHER_FORECAST, now - _LONGEST_STEP, now + _LONGEST_STEP, provider=provider, place=place)
    return None if around.empty else around["issued_at"].max().to_pydatetime()


def _days(params: Mapping[str, Any]) -> tuple[date, date]:
    first, last = date.fromisoformat(params["first"]), date.fromisoformat(params["last"])
    check_days(first, last)
    return first, last


def _outcome(deliveries: list[Delivery], report: Report) -> Outcome:
    """What a run came to: failed when no source delivered, partial when one did not."""
    if not deliveries:
        raise Conflict("No weather source is set up: set CHOCO_AEMET_KEY or CHOCO_OPENWEATHER_KEY.")
    counts = sum((delivery.counts for delivery in deliveries), WriteCounts())
    report(100, "Done: {new} new, {changed} changed rows.", new=counts.new, changed=counts.changed)
    tell_waiting(report, counts.queued)
    failures = [delivery.error for delivery in deliveries if delivery.error]
    result = {**counts.as_dict(), "sources": [delivery.as_dict() for delivery in deliveries]}
    nothing = len(failures) == len(deliveries)
    return Outcome(result, complete=not failures, error=most_telling(failures) if nothing else None)


def _observed(source: ObservationSource) -> Series:
    return Series(WEATHER_OBSERVATION, {"provider": source.name, "station": source.station})


def _checked(source: DailySource) -> Series:
    return Series(WEATHER_DAILY, {"provider": source.name, "station": source.station}, DAILY)
