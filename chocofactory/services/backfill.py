"""Filling gaps: asking each source for exactly what is missing and can still be had, and telling the truth about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.clock import local_date, local_days
from chocofactory.core.errors import FactoryError, InvalidInput, MalformedAnswer, NotPublished, SourceError
from chocofactory.core.messages import Message
from chocofactory.domain import gaps as rules
from chocofactory.domain.measurements import ENERGY_PRICE
from chocofactory.services.jobs import JobKind, Outcome, describe, recall, share, tell_waiting
from chocofactory.services.ranges import check_days
from chocofactory.services.recovery import KINDS, days_of
from chocofactory.services.sources import most_telling
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chocofactory.core.clock import Clock
    from chocofactory.services.generation import GenerationIngestion
    from chocofactory.services.ingestion import DaysReport, PriceIngestion
    from chocofactory.services.jobs import Jobs, Report
    from chocofactory.services.recovery import Recoveries, Recovery
    from chocofactory.services.siar import SiarHistory
    from chocofactory.services.weather_ingestion import Delivery, WeatherIngestion

KIND = "backfill"
IN_VAIN = timedelta(hours=6)
"""Days that were asked for in vain are not due again sooner."""
WHATS = {
    "prices": "ingest_prices",
    "weather": "ingest_weather",
    "checked_days": "ingest_climatology",
    "generation": "ingest_generation",
    "siar": "ingest_siar",
}
"""What a backfill can be limited to, by the kind of run that fetches it."""

_WAITING = Message("They were taken, and wait for the store's server.")
_HOLDS_NOTHING = Message("This series holds nothing yet: ask for a range of days.")
_LONGEST_RUN = timedelta(days=366)
_MOST_RUNS_LOOKED_AT = 20


@dataclass
class _Asked:
    """What came of asking for some days: rows, why not where it did not, and days delivered whatever was there."""

    counts: WriteCounts = field(default_factory=WriteCounts)
    failures: list[SourceError] = field(default_factory=list)
    delivered: set[date] = field(default_factory=set)


class Backfill:
    """Fills what is missing through the ingestion services, one after the other."""

    def __init__(
        self,
        recoveries: Recoveries,
        prices: PriceIngestion,
        weather: WeatherIngestion,
        generation: GenerationIngestion,
        history: SiarHistory,
        jobs: Jobs,
        clock: Clock,
    ) -> None:
        self._recoveries = recoveries
        self._prices = prices
        self._weather = weather
        self._generation = generation
        self._history = history
        self._jobs = jobs
        self._clock = clock

    def params(
        self,
        first: date | None = None,
        last: date | None = None,
        *,
        source: str | None = None,
        what: str | None = None,
        force: bool = False,
    ) -> dict[str, Any]:
        """Parameters of a run: a range of local days or all of the past, of one ``source`` or one of ``WHATS``.

        Raises
        ------
        InvalidInput
            The range is none or lies in the future, ``force`` comes without one, or there is no such source.

        """
        if force and (first is None or last is None):
            raise InvalidInput("To fetch again what is there, give the first and the last day.")
        if first and last:
            check_days(first, last)
        tomorrow = local_date(self._clock.now()) + timedelta(days=1)
        for day in (first, last):
            if day and day > tomorrow:
                raise InvalidInput("{day} lies in the future: nothing can be missing then.", day=day)
        names = sorted({name for one in self._recoveries.series() for name in self._recoveries.sources(one)})
        if source is not None and source not in names:
            raise InvalidInput("There is no source {source}; there are {names}.", source=source, names=", ".join(names))
        if what is not None and what not in WHATS:
            raise InvalidInput("There is no {what} to fill; there are {names}.", what=what, names=", ".join(WHATS))
        days = {"first": first.isoformat() if first else None, "last": last.isoformat() if last else None}
        given = {**days, "source": source, "what": what, "force": force}
        return {name: value for name, value in given.items() if value}

    def due(self, days_back: int | None = None) -> dict[str, Any] | None:
        """Parameters of the run that is needed, None when none is.

        It is when some source can deliver what is missing of the days before the last ``days_back`` (which other tasks
        look after; by default every day counts), and it was not asked for in vain within ``IN_VAIN``.

        Raises
        ------
        StoreError
            The store cannot say what is missing.

        """
        before = date.max if days_back is None else local_date(self._clock.now()) - timedelta(days=days_back)
        in_vain = self._in_vain()
        for recovery in self._recoveries.all():
            tried = in_vain.get(str(recovery.series), set())
            if any(day < before and day not in tried for day in recovery.days):
                return {}
        return None

    def job(self) -> JobKind:
        """The kind ``backfill``: params as ``params`` makes them, and ``series`` (by its text) for a single one.

        The result has a line for each series: intervals ``missing``, ``asked`` for, ``got``, and ``not_available`` with
        the reason of each part. The run is partial when something that could be had did not come, and failed when
        nothing came because sources failed.
        """
        return JobKind(KIND, self._work)

    def _work(self, params: Mapping[str, Any], report: Report) -> Outcome:
        first, last = (date.fromisoformat(params[name]) if params.get(name) else None for name in ("first", "last"))
        force, only = bool(params.get("force")), params.get("source")
        report(0, "Looking for gaps")
        wanted = [one for one in self._recoveries.all(first, last, force=force) if _is_wanted(one, params)]
        groups: dict[str, list[Recovery]] = {}
        for one in wanted:
            if len(one.times):
                groups.setdefault(_group(one), []).append(one)
        asked = {
            name: self._ask(members, share(report, number, len(groups)), only=only, force=force)
            for number, (name, members) in enumerate(groups.items())
        }
        lines = [self._line(one, first, last, asked.get(_group(one)), only) for one in wanted]
        return _outcome(params, lines, list(asked.values()), report)

    def _ask(self, members: Sequence[Recovery], report: Report, *, only: str | None, force: bool) -> _Asked:
        """Ask for the days of series that come together."""
        kind, series = members[0].kind, members[0].series
        days = sorted({day for one in members for day in one.days})
        try:
            if kind == "ingest_prices":
                market = series.keys["market"]
                return _days_asked(
                    self._prices.ingest(market, days[0], days[-1], force=force, report=report, only=only)
                )
            if kind == "ingest_generation":
                return _days_asked(self._generation.ingest(days[0], days[-1], force=force, report=report, only=only))
            return self._ask_in_runs(kind or "", series.keys.get("provider"), days, report)
        except SourceError as error:
            return _Asked(failures=[error])

    def _ask_in_runs(self, kind: str, provider: str | None, days: Iterable[date], report: Report) -> _Asked:
        """Ask for runs of days, of services that fetch whole ranges; not on where the source is itself the trouble."""
        out = _Asked()
        runs = rules.day_runs(days, _LONGEST_RUN)
        for number, (first, last) in enumerate(runs):
            part = share(report, number, len(runs))
            deliveries: list[Delivery] = []
            if kind == "ingest_weather":
                deliveries = self._weather.ingest(first, last, part, only=provider)
            elif kind == "ingest_climatology":
                deliveries = self._weather.ingest_climatology(first, last, part, only=provider)
            else:
                out.counts += self._history.ingest(first, last)
            failures = [delivery.error for delivery in deliveries if delivery.error]
            out.counts += sum((delivery.counts for delivery in deliveries), WriteCounts())
            out.failures += failures
            if not failures:
                out.delivered |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
            elif any(not isinstance(failure, (NotPublished, MalformedAnswer)) for failure in failures):
                break
        return out

    def _line(
        self, wanted: Recovery, first: date | None, last: date | None, asked: _Asked | None, only: str | None
    ) -> dict[str, Any]:
        """What came of one series, by what the store holds now."""
        still = wanted.times[:0]
        if asked:
            # Of what is asked for again though it is there, the store cannot tell whether it came: the answers can.
            heard = local_days(wanted.times).isin(pd.DatetimeIndex(sorted(asked.delivered), dtype="datetime64[us]"))
            lacking = self._recoveries.of(wanted.series, first, last).lacking
            still = wanted.times[wanted.times.isin(lacking) | (wanted.again & ~heard)]
        parts = [(each.times, each.reason) for each in wanted.lost]
        parts += [(still, _why(wanted, asked, only))] if asked else []
        parts = [part for part in parts if len(part[0])]
        parts += [(still, _HOLDS_NOTHING)] if wanted.found is None else []
        return {
            "series": str(wanted.series),
            "measurement": wanted.series.measurement.name,
            "keys": dict(wanted.series.keys),
            "resolution_s": int(wanted.series.resolution.total_seconds()),
            "kind": wanted.kind,
            "sources": [name for name in wanted.sources if only in {None, name}],
            "empty": wanted.found is None,
            "missing": len(wanted.lacking),
            "asked": len(wanted.times),
            "got": len(wanted.times) - len(still),
            "counts": (asked or _Asked()).counts.as_dict(),
            "not_available": [_told(times, reason) for times, reason in parts],
            "in_vain": [[day.isoformat() for day in run] for run in rules.day_runs(days_of(still), _LONGEST_RUN)],
        }

    def _in_vain(self) -> dict[str, set[date]]:
        """Days of each series, by its text, for which runs of the last hours asked every source in vain."""
        since = self._clock.now() - IN_VAIN
        out: dict[str, set[date]] = {}
        for run in self._jobs.recent(kind=KIND, limit=_MOST_RUNS_LOOKED_AT):
            if run.created_at <= since or run.params.get("source"):
                continue
            for line in (run.result or {}).get("backfill", ()):
                for first, last in line["in_vain"]:
                    begin, end = date.fromisoformat(first), date.fromisoformat(last)
                    days = {begin + timedelta(days=n) for n in range((end - begin).days + 1)}
                    out.setdefault(line["series"], set()).update(days)
        return out


def _is_wanted(one: Recovery, params: Mapping[str, Any]) -> bool:
    """Whether a run with these params is about a series."""
    what, source, series = (params.get(name) for name in ("what", "source", "series"))
    return (
        (not what or KINDS.get(one.series.measurement) == WHATS[what])
        and (not source or source in one.sources)
        and (not series or str(one.series) == series)
    )


def _group(one: Recovery) -> str:
    """The name of what is asked for together: a market in all its lengths, else a series."""
    return one.series.keys["market"] if one.series.measurement is ENERGY_PRICE else str(one.series)


def _days_asked(report: DaysReport) -> _Asked:
    failures = [error for each in report.errors if isinstance(error := recall(each), SourceError)]
    return _Asked(report.counts, failures, {line.day for line in report.days if line.sources})


def _why(before: Recovery, asked: _Asked, only: str | None) -> Message:
    """Why something that was asked for did not come."""
    if asked.counts.queued:
        return _WAITING
    if asked.failures:
        error = most_telling(asked.failures)
        return Message(error.message, **error.fields)
    return Message("{source} answered without these.", source=only or ", ".join(before.sources))


def _told(times: pd.DatetimeIndex, reason: Message) -> dict[str, Any]:
    span = {"first": times[0].isoformat(), "last": times[-1].isoformat()} if len(times) else {}
    kept = describe(FactoryError(reason.template, **reason.fields))
    return {"intervals": len(times), **span, "message": kept["message"], "fields": kept["fields"]}


def _outcome(
    params: Mapping[str, Any], lines: list[dict[str, Any]], asked: Sequence[_Asked], report: Report
) -> Outcome:
    """What the run came to: failed only where sources failed and nothing came."""
    totals = {name: sum(line[name] for line in lines) for name in ("missing", "asked", "got")}
    counts = sum((each.counts for each in asked), WriteCounts())
    failures = [failure for each in asked for failure in each.failures]
    if not lines:
        raise InvalidInput("No source that is set up delivers this series.")
    if all(line["empty"] for line in lines):
        report(100, "No series holds anything yet: ask for a range of days.")
    elif not totals["missing"] and not totals["asked"]:
        report(100, "Nothing is missing.")
    else:
        beyond = sum(sum(part["intervals"] for part in line["not_available"]) for line in lines)
        words = {"got": totals["got"], "asked": totals["asked"], "rest": beyond - (totals["asked"] - totals["got"])}
        report(100, "Done: {got} of {asked} values came; {rest} more cannot be had.", **words)
    tell_waiting(report, counts.queued)
    result = {**params, **totals, **counts.as_dict(), "backfill": lines, "failures": [describe(f) for f in failures]}
    broken = [failure for failure in failures if not isinstance(failure, NotPublished)]
    error = most_telling(broken) if broken and not totals["got"] and not counts.total else None
    return Outcome(result, complete=totals["got"] == totals["asked"], error=error)
