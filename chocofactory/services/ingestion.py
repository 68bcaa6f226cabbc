"""Bringing prices in: what is missing, from the best source that has it, truthfully reported."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.clock import day_bounds, day_start, local, local_date, local_days
from chocofactory.core.errors import InvalidInput, NotPublished, SourceError, StoreUnavailable
from chocofactory.core.logs import get_logger
from chocofactory.domain import prices
from chocofactory.domain.measurements import HOURLY, PVPC, SPOT, price_series
from chocofactory.services.jobs import JobKind, Outcome, describe, quiet, share, tell_waiting
from chocofactory.services.ranges import check_days
from chocofactory.services.sources import SourceLog, in_runs, most_telling
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from chocofactory.core.clock import Clock
    from chocofactory.domain.measurements import Series
    from chocofactory.services.jobs import Report
    from chocofactory.sources.base import PriceSource
    from chocofactory.store.base import SeriesStore

log = get_logger(__name__)

EARLIEST = prices.FIRST_DAY
"""First local day of each market."""


@dataclass
class DayReport:
    """What an ingestion came to for one local day of one market."""

    day: date
    state: str
    present: int
    expected: int
    sources: list[str] = field(default_factory=list)
    suspect: str | None = None


@dataclass
class DaysReport:
    """What an ingestion came to: counts of rows, a line for each day that was asked for, and what went wrong.

    Each line has the ``day`` and its ``state``.
    """

    first: date
    last: date
    counts: WriteCounts = field(default_factory=WriteCounts)
    days: list[Any] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every day asked for is there, whole, but for those that are not published yet."""
        return all(day.state in {prices.DayState.COMPLETE, prices.DayState.NOT_YET} for day in self.days)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with days as ISO dates."""
        out = asdict(self)
        out["complete"] = self.complete
        out["first"], out["last"] = self.first.isoformat(), self.last.isoformat()
        for line in out["days"]:
            line["day"] = line["day"].isoformat()
        return out


@dataclass
class IngestReport(DaysReport):
    """The same of one market's prices; each line is a ``DayReport``."""

    market: str = PVPC


class PriceIngestion:
    """Fetches prices that are missing (or all, when forced) and keeps them.

    Sources are asked in their order of preference; a later one fills what an earlier one could not deliver. Writing is
    idempotent, so a run that was interrupted is simply run again.
    """

    def __init__(self, store: SeriesStore, log: SourceLog, sources: Sequence[PriceSource], clock: Clock) -> None:
        self._store = store
        self._log = log
        self._sources = sources
        self._clock = clock

    @property
    def markets(self) -> list[str]:
        """Markets that some source delivers, PVPC first."""
        return sorted(set().union(*(source.markets for source in self._sources)), key=[PVPC, SPOT].index)

    def sources_of(self, market: str) -> list[str]:
        """Names of the sources that deliver a market, in the order in which they are asked."""
        return [source.name for source in self._sources if market in source.markets]

    @property
    def until(self) -> datetime:
        """The end of tomorrow (exclusive, UTC), beyond which no price is known."""
        return day_start(local_date(self._clock.now()) + timedelta(days=2))

    def check_range(self, market: str, first: date, last: date) -> None:
        """Refuse what cannot be asked for.

        Raises
        ------
        InvalidInput
            An unknown market, an end before its start, a day before the market's first one, or after tomorrow.

        """
        if market not in EARLIEST:
            raise InvalidInput("There is no market {market}.", market=market)
        check_days(first, last)
        if first < EARLIEST[market]:
            raise InvalidInput("{market} begins on {earliest}.", market=market, earliest=EARLIEST[market])
        tomorrow = local_date(self._clock.now()) + timedelta(days=1)
        if last > tomorrow:
            raise InvalidInput("{last} lies in the future: prices reach to {tomorrow}.", last=last, tomorrow=tomorrow)

    def missing_days(self, market: str, first: date, last: date) -> list[date]:
        """Local days of the range that are published by now and not complete in the store."""
        coverage = self._coverage(market, first, last)
        days = [stamp.date() for stamp in coverage.index[coverage["present"] < coverage["expected"]]]
        return [day for day in days if prices.published_at(market, day) <= self._clock.now()]

    def due(self, days_back: int) -> dict[str, list[date]]:
        """For each market the published days of the last ``days_back`` days, and tomorrow, that are missing."""
        today = local_date(self._clock.now())
        out = {}
        for market in self.markets:
            first = max(today - timedelta(days=days_back), EARLIEST[market])
            if days := self.missing_days(market, first, today + timedelta(days=1)):
                out[market] = days
        return out

    def ingest(
        self,
        market: str,
        first: date,
        last: date,
        *,
        force: bool = False,
        report: Report = quiet,
        only: str | None = None,
    ) -> IngestReport:
        """Bring in the local days ``first`` ... ``last``: only what is missing, unless forced.

        A day that is not published yet is never asked for. Partial days are completed; revisions are recorded beside
        the first value; a day that looks like a stale answer is kept, flagged and reported. ``only`` names the one
        source to ask.

        Raises
        ------
        InvalidInput
            As ``check_range``.
        NotPublished
            No day of the range is published yet.
        SourceError
            No source delivered anything, and nothing of the range was there before.

        """
        self.check_range(market, first, last)
        now = self._clock.now()
        published = [day.date() for day in pd.date_range(first, last) if prices.published_at(market, day.date()) <= now]
        if not published:
            raise NotPublished(
                "{market} of {first} is not published yet: it comes out at about {moment}.",
                source=self._sources[0].name,
                market=market,
                first=first,
                moment=f"{local(prices.published_at(market, first)):%Y-%m-%d %H:%M}",
            )
        wanted = published if force else self.missing_days(market, first, last)
        outcome = IngestReport(first, last, market=market)
        lines = {day: DayReport(day, "", 0, 0) for day in wanted}
        failures: list[SourceError] = []
        for source in self._sources:
            if wanted and market in source.markets and only in {None, source.name}:
                failures += self._from_source(source, market, wanted, lines, outcome, report)
                done = {day for day in wanted if force and lines[day].sources}
                wanted = [day for day in self.missing_days(market, first, last) if day in lines and day not in done]
        self._close_report(outcome, lines, first, last)
        outcome.errors = [describe(failure) for failure in failures]
        if failures and not any(day.present for day in outcome.days):
            raise most_telling(failures)
        return outcome

    def keep(self, series: Series, frame: pd.DataFrame, source: str) -> tuple[WriteCounts, dict[date, str]]:
        """Write prices with their suspicion flag; returns the counts and the suspect days with the reason.

        ``frame`` has ``price_eur_kwh`` [EUR/kWh] by UTC time, and ``first_price_eur_kwh`` where it is known.
        """
        suspects = self._suspects(series, frame["price_eur_kwh"])
        days = local_days(pd.DatetimeIndex(frame.index))
        flagged = frame.assign(suspect=days.isin(pd.DatetimeIndex(list(suspects), dtype=days.dtype)))
        counts = self._store.write(series, flagged, source=source, written_at=self._clock.now())
        return counts, suspects

    def _suspects(self, series: Series, fresh: pd.Series) -> dict[date, str]:
        """Days of ``fresh`` that look like a stale answer; while the store is away, as far as they alone can tell."""
        first_fresh = local_date(fresh.index[0])
        start, _ = day_bounds(first_fresh - timedelta(days=1))
        keys: dict[str, Any] = dict(series.keys)
        try:
            before = self._store.read(series.measurement, start, fresh.index[0], resolution=series.resolution, **keys)
            fresh = pd.concat([before["price_eur_kwh"], fresh])
        except StoreUnavailable as error:
            log.warning("days before cannot be compared", series=str(series), reason=str(error))
        found = prices.suspect_days(fresh, series.resolution)
        return {day: reason for day, reason in found.items() if day >= first_fresh}

    def _from_source(
        self,
        source: PriceSource,
        market: str,
        wanted: list[date],
        lines: Mapping[date, DayReport],
        outcome: IngestReport,
        report: Report,
    ) -> list[SourceError]:
        failures: list[SourceError] = []

        def ask(percent: float, first: date, last: date) -> pd.DataFrame:
            words = {"source": source.name, "market": market, "first": first, "last": last}
            report(percent, "{source}: {market}, {first} to {last}", **words)
            return source.prices(market, first, last)

        def fail(error: SourceError) -> None:
            self._log.failed(source.name, error)
            failures.append(error)

        for frame in in_runs(source, wanted, ask, fail):
            self._log.answered(source.name)
            resolution = frame.attrs.get("resolution", HOURLY)
            series = price_series(market, resolution=resolution)
            counts, suspects = self.keep(series, frame, source.name)
            outcome.counts += counts
            for stamp in local_days(pd.DatetimeIndex(frame.index)).unique():
                line = lines.get(stamp.date())
                if line is not None:
                    line.sources.append(source.name)
                    line.suspect = suspects.get(stamp.date())
                    if line.suspect:
                        log.warning("suspect day", market=market, day=stamp.date().isoformat(), reason=line.suspect)
        return failures

    def _coverage(self, market: str, first: date, last: date) -> pd.DataFrame:
        """Coverage of a market by its finest series of each day: hours, or quarter-hours where those are kept."""
        known = [s for s in self._store.series(price_series().measurement) if s.keys["market"] == market]
        tables = [self._store.coverage(s, first, last) for s in known or [price_series(market)]]
        best = tables[0]
        for table in tables[1:]:
            better = table["present"] / table["expected"] > best["present"] / best["expected"]
            best = best.where(~better, table)
        return best

    def _close_report(self, outcome: IngestReport, lines: Mapping[date, DayReport], first: date, last: date) -> None:
        coverage = self._coverage(outcome.market, first, last)
        now = self._clock.now()
        for stamp, expected, present in zip(
            pd.DatetimeIndex(coverage.index), coverage["expected"], coverage["present"], strict=True
        ):
            day = stamp.date()
            line = lines.get(day) or DayReport(day, "", 0, 0)
            line.present, line.expected = int(present), int(expected)
            line.state = prices.day_state(outcome.market, day, line.present, line.expected, now).value
            outcome.days.append(line)


def ingest_job(ingestion: PriceIngestion) -> JobKind:
    """The kind ``ingest_prices``: params ``first`` and ``last`` (ISO dates), ``force``, ``markets`` (by default all).

    A market that begins within the range is asked for from its own beginning on, unless it was named.
    """

    def work(params: Mapping[str, Any], report: Report) -> Outcome:
        first, last = date.fromisoformat(params["first"]), date.fromisoformat(params["last"])
        starts = dict.fromkeys(params.get("markets") or (), first)
        if not starts:
            ingestion.check_range(ingestion.markets[-1], max(first, EARLIEST[ingestion.markets[-1]]), last)
            starts = {market: max(first, EARLIEST[market]) for market in ingestion.markets if EARLIEST[market] <= last}
        outcomes: list[IngestReport] = []
        failures: list[SourceError] = []
        for number, (market, begin) in enumerate(starts.items()):
            part = share(report, number, len(starts))
            try:
                outcomes.append(ingestion.ingest(market, begin, last, force=bool(params.get("force")), report=part))
            except SourceError as error:
                failures.append(error)
        counts = sum((outcome.counts for outcome in outcomes), WriteCounts())
        report(100, "Done: {new} new, {changed} changed hours.", new=counts.new, changed=counts.changed)
        tell_waiting(report, counts.queued)
        result = {"markets": [outcome.as_dict() for outcome in outcomes], "errors": [describe(f) for f in failures]}
        complete = not failures and all(outcome.complete for outcome in outcomes)
        return Outcome(result, complete, error=None if outcomes else most_telling(failures))

    return JobKind("ingest_prices", work)
