"""Bringing in the files that people have: uploads of any kind, and price history as CSV."""

from __future__ import annotations

import contextlib
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import FactoryError, InvalidInput, StoreError
from chocofactory.domain.measurements import price_series
from chocofactory.services.jobs import JobKind, Outcome, describe, tell_waiting
from chocofactory.sources.files import read_prices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chocofactory.services.ingestion import PriceIngestion
    from chocofactory.services.jobs import Jobs, Report
    from chocofactory.store.state import JobRun

LARGEST_UPLOAD_BYTES = 20_000_000
_ODD = re.compile(r"[^\w.-]+")
_LEFT_OVER = timedelta(days=1)


def import_prices_job(ingestion: PriceIngestion) -> JobKind:
    """The kind ``import_prices``: params ``files`` (paths) and ``remove`` (delete each file afterwards, for uploads).

    A file that cannot be read does not keep the others from being imported; its error stands in the result. Rejected
    lines make the run a partial one.
    """

    def work(params: Mapping[str, Any], report: Report) -> Outcome:
        outcome = each_file(params, report, lambda path: _import_one(ingestion, path))
        new, changed = (sum(file[name] for file in outcome.result["files"]) for name in ("new", "changed"))
        if outcome.error is None:
            report(100, "Done: {new} new, {changed} changed hours.", new=new, changed=changed)
            tell_waiting(report, sum(file["queued"] for file in outcome.result["files"]))
        return outcome

    return JobKind("import_prices", work, heavy=True)


def each_file(params: Mapping[str, Any], report: Report, bring_in: Callable[[Path], dict[str, Any]]) -> Outcome:
    """Bring in the ``files`` (paths) of a run's params one after the other; uploads (``remove``) are deleted after it.

    The outcome's result has ``files``, what ``bring_in`` made of each (``rejected`` among it), and ``errors``, of those
    that could not be brought in. Errors and rejected lines leave the run incomplete; it fails when no file is left.
    """
    paths = [Path(name) for name in params["files"]]
    if not paths:
        raise InvalidInput("No file was given.")
    results: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    last: FactoryError | None = None
    for number, path in enumerate(paths):
        report(100 * number / len(paths), "Reading {name}", name=printable(path.name))
        try:
            results.append(bring_in(path))
        except FactoryError as error:
            failures.append({"file": printable(path.name), **describe(error)})
            last = error
        finally:
            if params.get("remove"):
                _remove(path)
    complete = not failures and not any(result["rejected"] for result in results)
    return Outcome({"files": results, "errors": failures}, complete, error=None if results else last)


def import_uploads(
    jobs: Jobs, folder: Path, kind: str, files: Sequence[tuple[str, bytes]], requested_by: str
) -> JobRun:
    """Start a run of ``kind`` on uploaded files, given by name and content; nothing is left of them if it cannot start.

    Raises
    ------
    JobBusy, InvalidInput, StoreError
        As ``Jobs.start`` and ``save_upload`` say.

    """
    if not files:
        raise InvalidInput("No file was given.")
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
        with contextlib.suppress(OSError):  # somebody else removed it, or nobody may
            _sweep(path, now)


def _sweep(path: Path, now: datetime) -> None:
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
    harmless = _ODD.sub("_", printable(name).replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".")[-80:] or "upload.csv"
    path = folder / uuid.uuid4().hex / harmless
    try:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    except OSError as error:
        raise StoreError("{path} cannot be written ({reason}).", path=path, reason=error.strerror) from error
    return path


def printable(name: str) -> str:
    """A file's name without what no database or log can hold: bytes that were no text."""
    return name.encode("utf-8", "replace").decode()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _import_one(ingestion: PriceIngestion, path: Path) -> dict[str, Any]:
    parsed = read_prices(path, until=ingestion.until)
    counts, suspects = ingestion.keep(
        price_series(parsed.market, resolution=parsed.resolution), parsed.frame, f"file:{printable(path.name)}"
    )
    return {
        "file": printable(path.name),
        "market": parsed.market,
        "first": parsed.frame.index[0].isoformat(),
        "last": parsed.frame.index[-1].isoformat(),
        "rows": counts.total,
        **counts.as_dict(),
        "blank": parsed.blank,
        "elsewhere": parsed.elsewhere,
        "repeated": parsed.repeated,
        "rejected": parsed.rejected,
        "suspect": {day.isoformat(): reason for day, reason in suspects.items()},
    }
