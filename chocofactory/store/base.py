"""The interface that every series store keeps, and what all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_bounds
from chocofactory.core.errors import InvalidInput, MixedProvenance
from chocofactory.domain import gaps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, timedelta

    from chocofactory.domain.measurements import Field, FieldKind, Measurement, Series

Nature = Literal["real", "simulated"]

SIMULATION = "demo"
"""The one source whose data are simulated; every other one is real."""

_MAY_HOLD: dict[FieldKind, set[str]] = {
    "number": {"floating", "integer", "mixed-integer-float", "empty"},
    "text": {"string", "empty"},
    "flag": {"boolean", "empty"},
}


@dataclass(frozen=True)
class WriteCounts:
    """What one write did, in rows: there for the first time, with another value than before, the same as before.

    ``queued`` are rows that were taken for good and wait for a server that is away: what they change is not known yet.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    queued: int = 0

    @property
    def total(self) -> int:
        """Rows that were given."""
        return self.new + self.changed + self.unchanged + self.queued

    def as_dict(self) -> dict[str, int]:
        """JSON-able, by name."""
        return asdict(self)

    def __add__(self, other: WriteCounts) -> WriteCounts:
        """Both together."""
        return WriteCounts(
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.queued + other.queued,
        )


@dataclass(frozen=True)
class OutboxState:
    """Writes that were taken and wait for the store's server.

    ``entries`` writes of ``rows`` rows wait, the oldest ``since`` (UTC; None where none waits). ``bytes`` of at most
    ``limit_bytes`` are in use for those. ``aside_entries`` writes of ``aside_rows`` rows were set aside for
    ``aside_reason``: the server refused them, or they cannot be read.
    """

    entries: int
    rows: int
    bytes: int
    limit_bytes: int
    since: datetime | None = None
    aside_entries: int = 0
    aside_rows: int = 0
    aside_reason: str | None = None


class SeriesStore(ABC):
    """Keeps series of measurements. Safe to share between threads; several processes may use one store.

    A store holds data of one ``nature``, real or simulated, and refuses the other with ``MixedProvenance``.

    Times go in and come out as aware UTC and mark the START of their interval; ``end`` is exclusive everywhere. All
    methods raise ``StoreError`` (or a subclass) when the store cannot do its work: never an empty answer instead.
    """

    @abstractmethod
    def write(
        self,
        series: Series,
        frame: pd.DataFrame,
        *,
        source: str,
        written_at: datetime,
        issued_at: datetime | None = None,
    ) -> WriteCounts:
        """Insert or update rows by time, all or none; writing the same rows again changes nothing.

        Parameters
        ----------
        series
            The series that the rows belong to; it is made on its first write.
        frame
            UTC ``DatetimeIndex`` (on the grid of ``series.resolution``, unique), columns among the measurement's
            fields: numbers, text or booleans as the field's kind says. NaN (or None, or NA) says "not given" and leaves
            what is stored; a row of nothing but NaN is refused. A frame without rows writes nothing.
        source
            Where the rows come from, kept with each new or changed row.
        written_at
            The moment of writing, aware; kept with each new or changed row.
        issued_at
            For measurements that are issued, and only for them: the time of issue, aware.

        Returns
        -------
        WriteCounts
            Rows new, changed (any given field differs from the stored one) and unchanged. Another source or time of
            writing alone changes nothing; and nothing that is given differs from a first value once that is known.
            A store with a server may instead take all rows as queued, durably, while the server is away; they are
            written as if now, in order, once it is back. Those that somebody has written later meanwhile keep the
            later values.

        Raises
        ------
        InvalidInput
            Duplicate or off-grid times, a naive index, unknown columns, values of the wrong kind, an infinite value, a
            row without any value, a time of issue too many or too few.
        MixedProvenance
            The source is simulated and the store real, or the other way round.

        """

    @abstractmethod
    def read(
        self,
        measurement: Measurement,
        start: datetime,
        end: datetime,
        *,
        resolution: timedelta | None = None,
        issued_at: datetime | None = None,
        **keys: str,
    ) -> pd.DataFrame:
        """Rows with ``start <= time < end`` of all series of a measurement that match the given keys.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, microseconds), sorted by time, then by keys, resolution and time of issue. Columns:
            the keys (categorical), ``resolution`` (timedelta64), ``issued_at`` (UTC) for issued measurements, the
            fields (numbers ``float64``, text ``str``, flags ``boolean``, i.e. True, False or NA), ``source``
            (categorical) and ``written_at`` (UTC). Categories are those that occur, sorted. One series that is not
            issued gives a unique index; no row gives an empty frame with the same columns and kinds of dtype.

        Raises
        ------
        InvalidInput
            The measurement has no such key, or no time of issue.

        """

    @abstractmethod
    def latest(
        self,
        measurement: Measurement,
        *,
        before: datetime | None = None,
        resolution: timedelta | None = None,
        **keys: str,
    ) -> pd.Series | None:
        """The last row (with ``time < before``, if given) of the matching series, named by its time; or None.

        The row has what ``read`` has. Of several with that time the first by keys and resolution wins, and of a
        forecast the newest issue.
        """

    @abstractmethod
    def series(self, measurement: Measurement | None = None) -> list[Series]:
        """Every series that the store knows, sorted by name of measurement, keys and resolution."""

    @abstractmethod
    def times(self, series: Series, start: datetime, end: datetime) -> pd.DatetimeIndex:
        """The interval starts that are present in ``[start, end)``, UTC, sorted; for forecasts those of any issue."""

    @abstractmethod
    def extent(self, series: Series) -> tuple[datetime, datetime] | None:
        """First and last interval start that are present, UTC, at the cost of two look-ups; None where nothing is."""

    @abstractmethod
    def delete(
        self,
        measurement: Measurement,
        start: datetime,
        end: datetime,
        *,
        resolution: timedelta | None = None,
        **keys: str,
    ) -> int:
        """Remove rows with ``start <= time < end`` of the matching series; the number of rows removed."""

    @abstractmethod
    def revision(self) -> int:
        """A number that grows with every write or delete that changed something, from any process: a key for caches."""

    @abstractmethod
    def check(self) -> None:
        """Try whether the store can be read and written now; changes nothing."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; a closed store is not used again."""

    def outbox(self) -> OutboxState | None:
        """What was taken and waits for the store's server; None for a store that has no server."""
        return None

    def replay(self, *, refused: bool = False) -> int:  # noqa: ARG002
        """Send now what waits, and what was set aside when ``refused``; the number of rows that went."""
        return 0

    def coverage(self, series: Series, first: date, last: date) -> pd.DataFrame:
        """Count, for each local day ``first`` ... ``last`` (both included), what is there against what must be.

        Returns
        -------
        DataFrame
            Index ``day`` (dates without zone); integer columns ``expected`` (23, 24, 25 for hours ...) and
            ``present``.

        """
        start, end = day_bounds(first, last)
        return gaps.daily_coverage(self.times(series, start, end), series.resolution, first, last)


def checked(series: Series, frame: pd.DataFrame, issued_at: datetime | None) -> pd.DataFrame:
    """Check rows before they are written, so that every store refuses the same ones with the same words.

    Returns
    -------
    DataFrame
        The same rows sorted by time, index in UTC (microseconds) and named ``time``, columns of the dtypes that
        ``SeriesStore.read`` gives.

    Raises
    ------
    InvalidInput
        As ``SeriesStore.write`` says.

    """
    measurement = series.measurement
    unknown = [str(column) for column in frame.columns if column not in measurement.field_names]
    if unknown:
        raise InvalidInput(
            "{measurement} has no field {fields}.", measurement=measurement.name, fields=", ".join(unknown)
        )
    if (issued_at is not None) != measurement.issued:
        raise InvalidInput(
            "{measurement} must be written with a time of issue if it is a forecast, and only then.",
            measurement=measurement.name,
        )
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise InvalidInput("Rows of {measurement} must carry times with a zone.", measurement=measurement.name)
    out = frame.set_axis(index.tz_convert("UTC").as_unit("us").rename("time")).sort_index()
    times = pd.DatetimeIndex(out.index)
    if not times.is_unique:
        doubled = times[times.duplicated()][0]
        raise InvalidInput("Two rows of {series} carry the time {time}.", series=str(series), time=doubled.isoformat())
    off_grid = ~gaps.on_grid(times, series.resolution)
    if off_grid.any():
        raise InvalidInput(
            "{time} is not the start of an interval of {series}.",
            series=str(series),
            time=times[off_grid][0].isoformat(),
        )
    if not out.columns.is_unique:
        raise InvalidInput("Rows of {series} carry a field twice.", series=str(series))
    kinds = {field.name: field for field in measurement.fields}
    out = out.assign(**{str(name): _canonical(series, kinds[str(name)], out[name]) for name in out.columns})
    if np.isinf(out.select_dtypes("float64").to_numpy()).any():
        raise InvalidInput("A value of {series} is infinite.", series=str(series))
    empty = out.isna().all(axis=1)
    if len(out) and empty.any():
        raise InvalidInput(
            "The row of {series} at {time} holds no value.", series=str(series), time=times[empty][0].isoformat()
        )
    return out


def _canonical(series: Series, field: Field, column: pd.Series) -> pd.Series:
    found = "empty" if column.isna().all() else pd.api.types.infer_dtype(column, skipna=True)
    if found not in _MAY_HOLD[field.kind]:
        raise InvalidInput(
            "The field {field} of {series} takes values of the kind {kind}, not {found}.",
            field=field.name,
            series=str(series),
            kind=field.kind,
            found=found,
        )
    if field.kind == "number":
        return pd.Series(column.to_numpy(dtype="float64", na_value=np.nan), index=column.index)
    return column.astype("str" if field.kind == "text" else "boolean")


def check_source(nature: Nature, source: str) -> None:
    """Refuse simulated data in a real store and real data in a simulated one.

    Raises
    ------
    MixedProvenance
        The source does not go with the store.

    """
    if (source == SIMULATION) != (nature == "simulated"):
        raise MixedProvenance(
            "Data of {source} cannot be kept in a store of {nature} data.", source=source, nature=nature
        )


def check_keys(measurement: Measurement, keys: Iterable[str], issued_at: datetime | None = None) -> None:
    """Refuse to look for what the measurement does not have: a misspelt key would match everything, or nothing.

    Raises
    ------
    InvalidInput
        The measurement has no such key, or no time of issue.

    """
    if issued_at is not None and not measurement.issued:
        raise InvalidInput("{measurement} has no time of issue.", measurement=measurement.name)
    unknown = [key for key in keys if key not in measurement.keys]
    if unknown:
        raise InvalidInput("{measurement} has no key {keys}.", measurement=measurement.name, keys=", ".join(unknown))


def order(series: Series) -> tuple[str, tuple[str, ...], timedelta]:
    """By name of measurement, keys and resolution: how series are sorted everywhere."""
    return series.measurement.name, tuple(series.keys.values()), series.resolution
