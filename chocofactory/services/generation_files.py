"""Bringing in the files of generation and demand that people have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chocofactory.services.imports import each_file, printable
from chocofactory.services.jobs import JobKind, Outcome, tell_waiting
from chocofactory.sources.generation_files import read_generation
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from chocofactory.core.clock import Clock
    from chocofactory.services.jobs import Report
    from chocofactory.store.base import SeriesStore


def import_generation_job(store: SeriesStore, clock: Clock) -> JobKind:
    """The kind ``import_generation``: params ``files`` (paths) and ``remove`` (delete each file afterwards).

    Of each file the result tells what it holds, series by series. Where files overlap and disagree, the later one is
    kept, and its values count as changed.
    """

    def work(params: Mapping[str, Any], report: Report) -> Outcome:
        outcome = each_file(params, report, lambda path: _keep(store, clock, path))
        new, changed = (sum(file[name] for file in outcome.result["files"]) for name in ("new", "changed"))
        if outcome.error is None:
            report(100, "Done: {new} new, {changed} changed values.", new=new, changed=changed)
            tell_waiting(report, sum(file["queued"] for file in outcome.result["files"]))
        return outcome

    return JobKind("import_generation", work, heavy=True)


def _keep(store: SeriesStore, clock: Clock, path: Path) -> dict[str, Any]:
    name, now = printable(path.name), clock.now()
    parsed = read_generation(path, now=now)
    counts = [store.write(part.series, part.frame, source=f"file:{name}", written_at=now) for part in parsed.parts]
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
    return {"rows": counts.total, **counts.as_dict()}
