"""Bringing in the daily history of the SIAR network from the files that its site gives."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import local_date
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.measurements import DAILY, SIAR_DAILY, Series
from chocofactory.services.imports import each_file, printable
from chocofactory.services.jobs import JobKind, Outcome, tell_waiting
from chocofactory.sources.siar import read_siar
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from chocofactory.core.clock import Clock
    from chocofactory.services.jobs import Report
    from chocofactory.sources.base import HistorySource
    from chocofactory.store.base import SeriesStore

ETL = "etl_siar"
HISTORY_YEARS = 24
"""Whole years of history before the present one, where no file is needed."""

_ENDING = ".csv"
_COUNTS = ("rows", "kept", "blank", "repeated", "new", "changed", "unchanged", "queued")


def etl_siar_job(store: SeriesStore, clock: Clock) -> JobKind:
    """The kind ``etl_siar``: params ``files`` (paths) and ``remove`` (delete each file afterwards, for uploads).

    Each file is written as a whole; one that cannot be read does not keep the others out. Writing is idempotent. The
    result has a line for each file and their sums in ``totals``.
    """

    def work(params: Mapping[str, Any], report: Report) -> Outcome:
        outcome = each_file(params, report, lambda path: _keep(store, clock, path))
        files = outcome.result["files"]
        totals = {name: sum(file[name] for file in files) for name in _COUNTS}
        totals["rejected"] = sum(len(file["rejected"]) for file in files)
        if outcome.error is None:
            report(100, "Done: {new} new, {changed} changed days.", new=totals["new"], changed=totals["changed"])
            tell_waiting(report, totals["queued"])
        return Outcome({**outcome.result, "totals": totals}, outcome.complete, outcome.error)

    return JobKind(ETL, work, heavy=True)


class SiarHistory:
    """Keeps the history of sources that need no file: the demonstration's, which simulates a station of the network."""

    def __init__(self, store: SeriesStore, sources: Sequence[HistorySource], clock: Clock) -> None:
        self._store = store
        self._sources = sources
        self._clock = clock

    @property
    def has_source(self) -> bool:
        """Whether there is a source that can be asked."""
        return bool(self._sources)

    def due(self) -> list[date]:
        """Local days of the last ``HISTORY_YEARS`` years that are over and not kept."""
        last = local_date(self._clock.now()) - timedelta(days=1)
        first = date(last.year - HISTORY_YEARS, 1, 1)
        lacking: set[date] = set()
        for source in self._sources:
            coverage = self._store.coverage(_of(source), first, last)
            lacking.update(stamp.date() for stamp in coverage.index[coverage["present"] < coverage["expected"]])
        return sorted(lacking)

    def series(self) -> dict[Series, str]:
        """The series that need no file, each with the name of its source."""
        return {_of(source): source.name for source in self._sources}

    def ingest(self, first: date, last: date) -> WriteCounts:
        """Bring in the local days ``first`` ... ``last``, both included, as far as they are over."""
        counts = WriteCounts()
        for source in self._sources:
            frame = source.siar_days(first, last)
            counts += self._store.write(_of(source), frame, source=source.name, written_at=self._clock.now())
        return counts

    def job(self) -> JobKind:
        """The kind ``ingest_siar``: params ``first`` and ``last`` (ISO dates)."""

        def work(params: Mapping[str, Any], report: Report) -> Outcome:
            counts = self.ingest(date.fromisoformat(params["first"]), date.fromisoformat(params["last"]))
            report(100, "Done: {new} new, {changed} changed days.", new=counts.new, changed=counts.changed)
            return Outcome(counts.as_dict())

        return JobKind("ingest_siar", work)


def siar_files(paths: Iterable[Path]) -> list[Path]:
    """The files that ``paths`` stand for, each once: of a folder its ``*.csv`` by name, none of the folders in it.

    Raises
    ------
    InvalidInput
        A folder holds no such file, or cannot be read.

    """
    try:
        listed = [file for path in paths for file in (_csv_of(path, path) if path.is_dir() else [path])]
    except OSError as error:
        raise InvalidInput("{path} cannot be read ({reason}).", path=error.filename, reason=error.strerror) from error
    return list(dict.fromkeys(listed))


def files_within(root: Path, folder: str) -> list[Path]:
    """The files of a ``folder`` below ``root``, given relative to it, links followed.

    Raises
    ------
    InvalidInput
        It is no folder below ``root``, holds no ``*.csv``, or one that leads out of ``root``.

    """
    inside = root.resolve()
    try:
        place = (inside / folder).resolve()
        is_folder = place.is_relative_to(inside) and place.is_dir()
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name too long, a zero byte
        is_folder = False
    if not is_folder:
        raise InvalidInput("{folder} is not a folder within the data folder.", folder=repr(folder))
    files = [file.resolve() for file in _csv_of(place, repr(folder))]
    for file in files:
        if not file.is_relative_to(inside):
            raise InvalidInput("{folder} holds a link that leads out of the data folder.", folder=repr(folder))
    return files


def _csv_of(folder: Path, told: object) -> list[Path]:
    """The ``*.csv`` of a folder, which people know as ``told``."""
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix.lower() == _ENDING and not file.is_dir())
    except OSError as error:
        raise InvalidInput("{path} cannot be read ({reason}).", path=told, reason=error.strerror) from error
    if not found:
        raise InvalidInput("There is no CSV file in the folder {path}.", path=told)
    return found


def _keep(store: SeriesStore, clock: Clock, path: Path) -> dict[str, Any]:
    """Read a file, write its days, and tell what came of it."""
    name = printable(path.name)
    now = clock.now()
    parsed = read_siar(path, name, last=local_date(now) - timedelta(days=1))
    counts = WriteCounts()
    stations: list[dict[str, Any]] = []
    for (province, station), frame in parsed.stations.items():
        series = Series(SIAR_DAILY, {"province": province, "station": station}, DAILY)
        counts += store.write(series, frame, source=f"file:{name}", written_at=now)
        first, last = (local_date(frame.index[place]).isoformat() for place in (0, -1))
        stations.append({"station": f"{province}/{station}", "days": len(frame), "first": first, "last": last})
    return {
        "file": name,
        "rows": parsed.rows,
        "kept": parsed.kept,
        "blank": parsed.blank,
        "repeated": parsed.repeated,
        "rejected": parsed.rejected,
        **counts.as_dict(),
        "first": min((station["first"] for station in stations), default=None),
        "last": max((station["last"] for station in stations), default=None),
        "stations": stations,
    }


def _of(source: HistorySource) -> Series:
    return Series(SIAR_DAILY, {"province": source.province, "station": source.siar_station}, DAILY)
