"""Moving series from one store to another, and proof that both hold the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.errors import StoreUnavailable
from chocofactory.services.jobs import quiet
from chocofactory.store.base import WriteCounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from chocofactory.domain.measurements import Series
    from chocofactory.services.jobs import Report
    from chocofactory.store.base import SeriesStore

_ORIGIN = ["source", "written_at"]


@dataclass(frozen=True)
class Difference:
    """In how many rows two stores differ in a series, and the first time at which they do (ISO 8601, UTC).

    ``missing`` rows are in the source alone, ``extra`` ones in the target alone; of the rest ``changed`` differ in a
    field, ``first_values`` only in a value first published, and ``origin`` have the same values from another source or
    time of writing.
    """

    series: str
    missing: int
    extra: int
    changed: int
    first_values: int
    origin: int
    first: str


@dataclass
class CopyReport:
    """What a copy came to: a line for each series with its counts of rows, and every difference that is left.

    ``aside_rows`` are rows that were written to the source and set aside by its outbox: neither store shows them.
    """

    series: list[dict[str, Any]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    aside_rows: int = 0

    @property
    def equal(self) -> bool:
        """Whether both stores hold the same, and all that was written to the source."""
        return not self.differences and not self.aside_rows

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"equal": self.equal, **asdict(self)}


def copy(source: SeriesStore, target: SeriesStore, report: Report = quiet) -> CopyReport:
    """Copy every row of every series, values first published, sources and times of writing included, and compare.

    Doing it again changes nothing. Rows that the target holds already take the values of the source, but a first value
    that it knows stays, as with every write, and so do source and time of writing where the values are the same; rows
    that only the target has stay too. All of that shows as a difference, which another copy does not mend: copying into
    an empty store does.

    Raises
    ------
    StoreUnavailable
        A store is away, or writes still wait for the source; what was copied until then stays.

    """
    _settle(source)
    outcome = CopyReport(aside_rows=aside(source))
    months = [(series, *month) for series in source.series() for month in _months(series, source)]
    counts: dict[Series, WriteCounts] = {}
    for done, (series, start, end) in enumerate(months):
        report(50 * done / len(months), "Copying {series}, {month}", series=series, month=f"{start:%Y-%m}")
        written = _copy_month(series, start, end, source, target)
        counts[series] = counts.get(series, WriteCounts()) + written
    outcome.series = [
        {"series": str(series), "rows": each.total, **{n: getattr(each, n) for n in ("new", "changed", "unchanged")}}
        for series, each in counts.items()
    ]
    outcome.differences = compare(source, target, report, begin=50)
    return outcome


def compare(source: SeriesStore, target: SeriesStore, report: Report = quiet, *, begin: float = 0) -> list[Difference]:
    """Every difference between two stores, read from both row by row; ``begin`` [%] is where the progress starts.

    Raises
    ------
    StoreError
        A store cannot be read: nothing is proven then.

    """
    found = source.series()
    known = found + [series for series in target.series() if series not in found]
    out = []
    for done, series in enumerate(known):
        report(begin + (100 - begin) * done / len(known), "Comparing {series}", series=series)
        parts = [_differences(series, *month, source, target) for month in _months(series, source, target)]
        if lines := [line for line in parts if line is not None]:
            out.append(_together(lines))
    return out


def aside(store: SeriesStore) -> int:
    """How many rows a store has set aside: they were written to it, and it does not show them."""
    outbox = store.outbox()
    return 0 if outbox is None else outbox.aside_rows


def _settle(store: SeriesStore) -> None:
    """Bring in what was written and waits: it belongs to the store too."""
    store.replay()
    outbox = store.outbox()
    if outbox is not None and outbox.entries:
        raise StoreUnavailable("Writes of {rows} rows still wait for the store to copy from.", rows=outbox.rows)


def _months(series: Series, *stores: SeriesStore) -> Iterator[tuple[datetime, datetime]]:
    """The calendar months (UTC) from the first row that a store has to the last one."""
    extents = [extent for store in stores if (extent := store.extent(series)) is not None]
    if not extents:
        return
    first = pd.Timestamp(min(start for start, _ in extents)).normalize().replace(day=1)
    last = pd.Timestamp(max(end for _, end in extents))
    while first <= last:
        end = first + pd.DateOffset(months=1)
        yield first.to_pydatetime(), end.to_pydatetime()
        first = end


def _read(store: SeriesStore, series: Series, start: datetime, end: datetime) -> pd.DataFrame:
    keys: dict[str, Any] = dict(series.keys)
    return store.read(series.measurement, start, end, resolution=series.resolution, **keys)


def _copy_month(
    series: Series, start: datetime, end: datetime, source: SeriesStore, target: SeriesStore
) -> WriteCounts:
    """Write the rows of a month in the order in which they were first written."""
    rows = _read(source, series, start, end)
    issue = ["issued_at"] if series.measurement.issued else []
    counts = WriteCounts()
    for _, batch in rows.groupby(["written_at", "source", *issue], observed=True):
        first = batch.iloc[0]
        counts += target.write(
            series,
            batch[[*series.measurement.field_names]],
            source=first["source"],
            written_at=first["written_at"].to_pydatetime(),
            issued_at=first["issued_at"].to_pydatetime() if issue else None,
        )
        if counts.queued:
            raise StoreUnavailable(
                "The target is away: {rows} rows of {series} wait for it. Copy again when it is back.",
                rows=counts.queued,
                series=str(series),
            )
    return counts


def _differences(
    series: Series, start: datetime, end: datetime, source: SeriesStore, target: SeriesStore
) -> Difference | None:
    ours, theirs = (_keyed(series, _read(store, series, start, end)) for store in (source, target))
    missing, extra = ours.index.difference(theirs.index), theirs.index.difference(ours.index)
    both = ours.index.intersection(theirs.index)
    ours, theirs = ours.loc[both], theirs.loc[both]
    fields = series.measurement.fields
    changed, firsts, origin = (
        ~_same(ours[names], theirs[names])
        for names in ([f.name for f in fields if not f.first_of], [f.name for f in fields if f.first_of], _ORIGIN)
    )
    apart = [*missing, *extra, *both[(changed | firsts | origin).to_numpy()]]
    if not apart:
        return None
    return Difference(
        str(series),
        missing=len(missing),
        extra=len(extra),
        changed=int(changed.sum()),
        first_values=int((firsts & ~changed).sum()),
        origin=int((origin & ~changed & ~firsts).sum()),
        first=min(place[0] for place in apart).isoformat(),
    )


def _together(lines: list[Difference]) -> Difference:
    return replace(
        lines[0],
        missing=sum(line.missing for line in lines),
        extra=sum(line.extra for line in lines),
        changed=sum(line.changed for line in lines),
        first_values=sum(line.first_values for line in lines),
        origin=sum(line.origin for line in lines),
    )


def _keyed(series: Series, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by time and, for forecasts, by issue; by a constant otherwise."""
    issued = rows["issued_at"] if series.measurement.issued else pd.Series(0, rows.index)
    return rows.astype({"source": "str"}).set_index(pd.MultiIndex.from_arrays([rows.index, issued]))


def _same(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.Series:
    """For each row whether all columns are the same, or missing in both."""
    same = pd.DataFrame(
        {name: (ours[name] == theirs[name]).fillna(False) | (ours[name].isna() & theirs[name].isna()) for name in ours},
        index=ours.index,
    )
    return same.astype("bool").all(axis=1)
