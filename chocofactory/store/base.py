"""The interface that every series store keeps, and what all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from chocofactory.core.clock import day_bounds
from chocofactory.core.errors import InvalidInput
from chocofactory.domain import gaps

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from chocofactory.domain.measurements import Measurement, Series

Nature = Literal["real", "simulated"]


@dataclass(frozen=True)
class WriteCounts:
    """What one write did, in rows: there for the first time, with another value than before, the same as before."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def total(self) -> int:
        """Rows that were given."""
        return self.new + self.changed + self.unchanged

    def __add__(self, other: WriteCounts) -> WriteCounts:
        """Both together."""
        return WriteCounts(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


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
            fields. NaN in a column says "not given" and leaves what is stored; a row of nothing but NaN is refused.
        source
            Where the rows come from, kept with each new or changed row.
        written_at
            The moment of writing, aware; kept with each new or changed row.
        issued_at
            For measurements that are issued, and only for them: the time of issue, aware.

        Returns
        -------
        WriteCounts
            Rows new, changed (any given field differs from the stored one) and unchanged.

        Raises
        ------
        InvalidInput
            Duplicate or off-grid times, a naive index, unknown columns, an infinite value, a row without any value.

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
            Index ``time`` (UTC), sorted by time and then by key. Columns: the keys, ``resolution`` (Timedelta),
            ``issued_at`` for issued measurements, the fields, ``source`` and ``written_at`` (UTC). One series gives a
            unique index; no row gives an empty frame with the same columns and dtypes.

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
        """The last row (with ``time < before``, if given) of the matching series, named by its time; or None."""

    @abstractmethod
    def series(self, measurement: Measurement | None = None) -> list[Series]:
        """Every series that the store knows, by measurement and keys."""

    @abstractmethod
    def times(self, series: Series, start: datetime, end: datetime) -> pd.DatetimeIndex:
        """The interval starts that are present in ``[start, end)``, UTC, sorted; for forecasts those of any issue."""

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
    def close(self) -> None:
        """Let go of files and connections; a closed store is not used again."""

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
        The same rows sorted by time, index in UTC and named ``time``.

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
    if not out.index.is_unique:
        doubled = out.index[out.index.duplicated()][0]
        raise InvalidInput("Two rows of {series} carry the time {time}.", series=str(series), time=doubled.isoformat())
    off_grid = ~gaps.on_grid(out.index, series.resolution)
    if off_grid.any():
        raise InvalidInput(
            "{time} is not the start of an interval of {series}.",
            series=str(series),
            time=out.index[off_grid][0].isoformat(),
        )
    numbers = out.select_dtypes("number")
    if ((numbers == float("inf")) | (numbers == float("-inf"))).to_numpy().any():
        raise InvalidInput("A value of {series} is infinite.", series=str(series))
    empty = out.isna().all(axis=1)
    if len(out) and empty.any():
        raise InvalidInput(
            "The row of {series} at {time} holds no value.", series=str(series), time=out.index[empty][0].isoformat()
        )
    return out
