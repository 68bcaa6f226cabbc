"""Bringing in the files that people have: history of prices and of generation as CSV."""

from __future__ import annotations

import contextlib
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import FactoryError, InvalidInput, StoreError
from chocofactory.domain.measurements import price_series
from chocofactory.services.jobs import JobKind, Outcome, describe
from chocofactory.sources.files import read_prices
from chocofactory.sources.generation_files import read_generation
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from chocofactory.services.generation import GenerationIngestion
    from chocofactory.services.ingestion import PriceIngestion
    from chocofactory.services.jobs import Jobs, Report
    from chocofactory.store.state import JobRun

LARGEST_UPLOAD_BYTES = 20_000_000
_ODD = re.compile(r"[^\w.-]+")
_LEFT_OVER = timedelta(days=1)


def import_prices_job(ingestion: PriceIngestion) -> JobKind:
    """The kind ``import_prices``: see ``import_job``; of each file its market, and the days that are suspect."""
    return import_job("import_prices", lambda path, name: _import_prices(ingestion, path, name))


def import_generation_job(ingestion: GenerationIngestion) -> JobKind:
    """The kind ``import_generation``: see ``import_job``; of each file what it holds, series by series."""
    return import_job("import_generation", lambda path, name: _import_generation(ingestion, path, name))


def import_job(kind: str, import_one: Callable[[Path, str], dict[str, Any]]) -> JobKind:
    """A kind of run that brings in files: params ``files`` (paths) and ``remove`` (delete each file afterwards).

    ``import_one`` takes a path and the name to call it by, and returns what the file came to: ``file``, ``first`` and
    ``last`` (times), ``rows``, ``new``, ``changed``, ``unchanged``, ``blank``, ``repeated``, ``rejected``, ``suspect``.
    A file that cannot be read does not keep the others from being imported; its error stands in the result. Rejected
    lines make the run a partial one.
    """

    def work(params: Mapping[str, Any], report: Report) -> Outcome:
        paths = [Path(name) for name in params["files"]]
        if not paths:
            raise InvalidInput("No file was given.")
        results: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        last: FactoryError | None = None
        for number, path in enumerate(paths):
            name = _printable(path.name)
            report(100 * number / len(paths), "Reading {name}", name=name)
            try:
                results.append(import_one(path, name))
            except FactoryError as error:
                failures.append({"file": name, **describe(error)})
                last = error
            finally:
                if params.get("remove"):
                    _remove(path)
        if last is not None and not results:
            raise last
        new = sum(result["new"] for result in results)
        changed = sum(result["changed"] for result in results)
        report(100, "Done: {new} new, {changed} changed values.", new=new, changed=changed)
        complete = not failures and not any(result["rejected"] for result in results)
        return Outcome({"files": results, "errors": failures}, complete)

    return JobKind(kind, work, heavy=True)


def import_uploads(
    jobs: Jobs, folder: Path, files: Sequence[tuple[str, bytes]], requested_by: str, kind: str = "import_prices"
) -> JobRun:
    """Start a run that imports uploaded files, given by name and content; nothing is left of them when it cannot start.

    Raises
    ------
    JobBusy, InvalidInput, StoreError
        As ``Jobs.start`` and ``save_upload`` say.

    """
    paths: list[Path] = []
    try:
        paths.extend(save_upload(folder, name, content) for name, content in files)
        return jobs.start(kind, {"files": [str(path) for path in paths], "remove": True}, requested_by)
    except FactoryError:
        for path in paths:
            _remove(path)
        raise


def sweep_uploads(folder: Path, now: datetime) -> None:
    """Remove uploads that were left behind, as by a machine that was switched off: those older than a day."""
    for path in folder.glob("*/*"):
        if now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > _LEFT_OVER:
            _remove(path)


def save_upload(folder: Path, name: str, content: bytes) -> Path:
    """Keep an uploaded file in a folder of its own below ``folder`` until it is imported, under a harmless name.

    Raises
    ------
    InvalidInput
        The file is empty or larger than ``LARGEST_UPLOAD_BYTES``.
    StoreError
        It cannot be written.

    """
    if not content:
        raise InvalidInput("{name} is empty.", name=name)
    if len(content) > LARGEST_UPLOAD_BYTES:
        raise InvalidInput("{name} is larger than {most} MB.", name=name, most=LARGEST_UPLOAD_BYTES // 1_000_000)
    harmless = _ODD.sub("_", _printable(name).replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".")[-80:] or "upload.csv"
    path = folder / uuid.uuid4().hex / harmless
    try:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    except OSError as error:
        raise StoreError("{path} cannot be written ({reason}).", path=path, reason=error.strerror) from error
    return path


def _printable(name: str) -> str:
    """A file's name without what no database or log can hold: bytes that were no text."""
    return name.encode("utf-8", "replace").decode()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _import_prices(ingestion: PriceIngestion, path: Path, name: str) -> dict[str, Any]:
    parsed = read_prices(path, until=ingestion.until)
    series = price_series(parsed.market, resolution=parsed.resolution)
    counts, suspects = ingestion.keep(series, parsed.frame, f"file:{name}")
    return {
        "file": name,
        "market": parsed.market,
        **_extent([parsed.frame]),
        **_counted(counts),
        "blank": parsed.blank,
        "elsewhere": parsed.elsewhere,
        "repeated": parsed.repeated,
        "rejected": parsed.rejected,
        "suspect": {day.isoformat(): reason for day, reason in suspects.items()},
    }


def _import_generation(ingestion: GenerationIngestion, path: Path, name: str) -> dict[str, Any]:
    parsed = read_generation(path, now=ingestion.clock.now())
    counts = [ingestion.keep(part.series, part.frame, f"file:{name}") for part in parsed.parts]
    return {
        "file": name,
        "series": [
            {
                "series": str(part.series),
                "measurement": part.series.measurement.name,
                **part.series.keys,
                **_extent([part.frame]),
                **_counted(kept),
            }
            for part, kept in zip(parsed.parts, counts, strict=True)
        ],
        **_extent([part.frame for part in parsed.parts]),
        **_counted(sum(counts, WriteCounts())),
        "blank": parsed.blank,
        "repeated": parsed.repeated,
        "rejected": parsed.rejected,
        "suspect": {},
    }


def _extent(frames: Sequence[pd.DataFrame]) -> dict[str, str]:
    return {
        "first": min(frame.index[0] for frame in frames).isoformat(),
        "last": max(frame.index[-1] for frame in frames).isoformat(),
    }


def _counted(counts: WriteCounts) -> dict[str, int]:
    return {"rows": counts.total, "new": counts.new, "changed": counts.changed, "unchanged": counts.unchanged}
