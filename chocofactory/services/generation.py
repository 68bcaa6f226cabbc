"""Generated electricity by technology: bringing it in day by day, and answering questions about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.clock import day_bounds, local_date, local_days
from chocofactory.core.errors import InvalidInput, NotPublished, SourceError
from chocofactory.domain import generation, prices
from chocofactory.domain.measurements import DAILY, GENERATION
from chocofactory.services.ingestion import DaysReport
from chocofactory.services.jobs import JobKind, Outcome, describe, quiet, tell_waiting
from chocofactory.services.memo import Memo
from chocofactory.services.ranges import check_days
from chocofactory.services.sources import in_runs, most_telling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chocofactory.core.clock import Clock
    from chocofactory.services.jobs import Report
    from chocofactory.services.sources import SourceLog
    from chocofactory.sources.base import GenerationSource
    from chocofactory.store.base import SeriesStore


class Generation:
    """Reads the country's generation by day and answers questions about it; changes nothing."""

    def __init__(self, store: SeriesStore) -> None:
        self._store = store
        self._memo = Memo(store)

    def frame(self, first: date, last: date, technology: str | None = None) -> pd.DataFrame:
        """Generation of the local days ``first`` ... ``last``, both included, of one technology or of all.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, local midnight at which the day begins), sorted, then by technology; columns
            ``technology``, ``energy_mwh`` [MWh], ``share`` [0 to 1], ``source``, ``kind`` (``published`` or
            ``simulated``), ``written_at`` (UTC). What is missing is an absent row.

        Raises
        ------
        InvalidInput
            The end lies before the start, or a day outside 2000 to 2099.

        """
        check_days(first, last)
        return self._memo.get(("frame", first, last, technology), lambda: self._load(first, last, technology))

    def technologies(self) -> list[str]:
        """Technologies of which any day is kept, in alphabetical order."""
        return [
            series.keys["technology"]
            for series in self._store.series(GENERATION)
            if series.keys["system"] == generation.NATIONAL and series.resolution == DAILY
        ]

    def mix(self, day: date) -> pd.Series:
        """Shares [0 to 1] of a local day by technology, the largest first; empty where nothing of it is there."""
        frame = self.frame(day, day)
        shares = frame.set_index("technology")["share"].dropna()
        return shares.sort_values(ascending=False, kind="stable")

    def days(self, first: date, last: date) -> pd.DataFrame:
        """How whole the local days ``first`` ... ``last`` are.

        Returns
        -------
        DataFrame
            Index ``day`` (midnights without zone), every day of the range; ``technologies`` (how many are there) and
            ``share`` (what they make up together, 0 to 1).

        """
        frame = self.frame(first, last)
        groups = frame.groupby(local_days(pd.DatetimeIndex(frame.index)).rename("day"))
        table = groups.agg(technologies=("technology", "size"), share=("share", "sum"))
        whole = table.reindex(pd.date_range(first, last, name="day", unit="us"))
        return whole.fillna({"technologies": 0, "share": 0.0}).astype({"technologies": "int64"})

    def _load(self, first: date, last: date, technology: str | None) -> pd.DataFrame:
        keys: dict[str, Any] = {"system": generation.NATIONAL} | ({"technology": technology} if technology else {})
        raw = self._store.read(GENERATION, *day_bounds(first, last), resolution=DAILY, **keys)
        frame = raw[["technology", "energy_mwh", "share", "source", "written_at"]].astype(
            {"technology": "str", "source": "str"}
        )
        frame.insert(4, "kind", frame["source"].map(prices.kind).astype("str"))
        return frame


@dataclass
class GenerationDay:
    """What an ingestion came to for one local day: how many technologies are there, and what they make up together."""

    day: date
    state: str
    technologies: int
    share: float
    sources: list[str] = field(default_factory=list)


class GenerationIngestion:
    """Fetches days of generation that are missing (or all, when forced) and keeps them, a series a technology.

    A day counts as there when the shares of its technologies add up to nearly all: not when one of them has come from a
    file, nor when a run was interrupted between two.
    """

    def __init__(self, store: SeriesStore, log: SourceLog, sources: Sequence[GenerationSource], clock: Clock) -> None:
        self._store = store
        self._log = log
        self._sources = sources
        self._clock = clock
        self._kept = Generation(store)

    def missing_days(self, first: date, last: date) -> list[date]:
        """Local days of the range that are published by now and not whole in the store."""
        last = min(last, generation.last_published(self._clock.now()))
        if last < first:
            return []
        table = self._kept.days(first, last)
        return [day.date() for day in table.index[table["share"] < generation.WHOLE_SHARE]]

    @property
    def kinds(self) -> list[str]:
        """The kinds of runs for which there is a source."""
        return ["ingest_generation"] if self._sources else []

    @property
    def sources(self) -> list[str]:
        """Names of the sources, in the order in which they are asked."""
        return [source.name for source in self._sources]

    def due(self, days_back: int) -> list[date]:
        """Published days of the last ``days_back`` that are missing; none where no source delivers generation."""
        today = local_date(self._clock.now())
        return self.missing_days(today - timedelta(days=days_back), today) if self._sources else []

    def ingest(
        self, first: date, last: date, *, force: bool = False, report: Report = quiet, only: str | None = None
    ) -> DaysReport:
        """Bring in the local days ``first`` ... ``last``: only what is missing, unless forced.

        A day that is not published yet is never asked for. ``only`` names the one source to ask.

        Raises
        ------
        InvalidInput
            The end lies before the start or in the future, or no source delivers generation.
        NotPublished
            No day of the range is published yet.
        SourceError
            No source delivered anything, and nothing of the range was there before.

        """
        self._check_range(first, last)
        known = min(last, generation.last_published(self._clock.now()))
        if known < first:
            raise NotPublished(
                "The generation of {first} is not published yet: it comes out at about {moment}.",
                source=self._sources[0].name,
                first=first,
                moment=generation.published_at(first).isoformat(),
            )
        wanted = [day.date() for day in pd.date_range(first, known)] if force else self.missing_days(first, known)
        outcome = DaysReport(first, last)
        by_day: dict[date, list[str]] = {}
        failures: list[SourceError] = []
        for source in (one for one in self._sources if only in {None, one.name}):
            failures += self._from_source(source, wanted, by_day, outcome, report)
            done = {day for day in wanted if force and day in by_day}
            wanted = [day for day in self.missing_days(first, known) if day in wanted and day not in done]
        self._close_report(outcome, by_day)
        outcome.errors = [describe(failure) for failure in failures]
        if failures and not any(day.technologies for day in outcome.days):
            raise most_telling(failures)
        return outcome

    def _check_range(self, first: date, last: date) -> None:
        check_days(first, last)
        if not self._sources:
            raise InvalidInput("No source delivers generation.")
        today = local_date(self._clock.now())
        if last > today:
            raise InvalidInput("{last} lies in the future: generation reaches to {today}.", last=last, today=today)

    def _from_source(
        self,
        source: GenerationSource,
        wanted: list[date],
        by_day: dict[date, list[str]],
        outcome: DaysReport,
        report: Report,
    ) -> list[SourceError]:
        failures: list[SourceError] = []

        def ask(percent: float, first: date, last: date) -> dict[str, pd.DataFrame]:
            report(percent, "{source}: generation, {first} to {last}", source=source.name, first=first, last=last)
            return source.generation(first, last)

        def fail(error: SourceError) -> None:
            self._log.failed(source.name, error)
            failures.append(error)

        for frames in in_runs(source, wanted, ask, fail):
            self._log.answered(source.name)
            for technology, frame in frames.items():
                series = generation.daily_series(technology, source.system)
                outcome.counts += self._store.write(series, frame, source=source.name, written_at=self._clock.now())
            for stamp in local_days(pd.DatetimeIndex(pd.concat(frames.values()).index.unique())):
                by_day.setdefault(stamp.date(), []).append(source.name)
        return failures

    def _close_report(self, outcome: DaysReport, by_day: Mapping[date, list[str]]) -> None:
        now = self._clock.now()
        table = self._kept.days(outcome.first, outcome.last)
        for stamp, technologies, share in zip(
            pd.DatetimeIndex(table.index), table["technologies"], table["share"], strict=True
        ):
            day = stamp.date()
            state = generation.day_state(day, int(technologies), float(share), now).value
            sources = by_day.get(day, [])
            outcome.days.append(GenerationDay(day, state, int(technologies), round(float(share), 4), sources))


def ingest_generation_job(ingestion: GenerationIngestion) -> JobKind:
    """The kind ``ingest_generation``: params ``first`` and ``last`` (ISO dates), ``force``."""

    def work(params: Mapping[str, Any], report: Report) -> Outcome:
        first, last = date.fromisoformat(params["first"]), date.fromisoformat(params["last"])
        outcome = ingestion.ingest(first, last, force=bool(params.get("force")), report=report)
        counts = outcome.counts
        report(100, "Done: {new} new, {changed} changed values.", new=counts.new, changed=counts.changed)
        tell_waiting(report, counts.queued)
        return Outcome(outcome.as_dict(), outcome.complete)

    return JobKind("ingest_generation", work)
