"""The series store on an InfluxDB 2.x server, with a durable outbox before it.

How rows lie there is told in ``lines``, and what else does in ``influx_bucket``.

Every write goes into the outbox first, then to the server, and out of the outbox once the server has acknowledged it.
A batch that the server took in part, or whose acknowledgement was lost, is sent again: it is laid over what is stored,
and comes to the same rows. One that comes after a later write of the same rows is laid beneath them. Who sends has the
turn, of all threads and processes of a data folder, and sends what is older before; so rows are compared and written
without another writer in between. Several data folders on one bucket are not kept from that: where two revise the same
hour at the same moment the last one wins, and the first value that is remembered may be of either.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.errors import (
    ConfigurationError,
    MixedProvenance,
    StoreError,
    StoreForbidden,
    StoreFull,
    StoreRefused,
    StoreTooNew,
    StoreUnavailable,
)
from chocofactory.core.logs import get_logger
from chocofactory.store.base import SeriesStore, WriteCounts, check_keys, check_source, checked, order
from chocofactory.store.database import to_microseconds
from chocofactory.store.flux import EARLIEST, LATEST
from chocofactory.store.influx_bucket import MICROSECOND, InfluxBucket
from chocofactory.store.lines import lines, tags_of, times_of
from chocofactory.store.outbox import Batch
from chocofactory.store.rows import Rows, merge, to_frame, to_row, to_times, underlay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy.typing as npt

    from chocofactory.core.clock import Clock
    from chocofactory.domain.measurements import Measurement, Series
    from chocofactory.store.base import Nature, OutboxState
    from chocofactory.store.influx_server import InfluxServer
    from chocofactory.store.outbox import Outbox
    from chocofactory.store.rows import Batches

log = get_logger(__name__)

_NEAR = timedelta(days=30)
"""Around the present, forecasts are looked for first: each issue is a series, and to look at the last row of each of a
year's 8760 takes half a second."""


class InfluxSeriesStore(SeriesStore):
    """A series store of data of one ``nature`` in the bucket of a server, made on first use.

    It opens whether the server is there or not; what is wrong with the bucket is raised at the first contact.

    Raises
    ------
    ConfigurationError
        The server is there, and does not know the token or the organisation.
    MixedProvenance
        The bucket holds data of the other nature.
    StoreError
        It cannot be used (see ``InfluxBucket``), or the outbox cannot be opened.

    """

    def __init__(self, server: InfluxServer, outbox: Outbox, nature: Nature, clock: Clock) -> None:
        self._outbox = outbox
        self._nature = nature
        self._clock = clock
        self._bucket = InfluxBucket(server, nature, outbox.writer, clock)
        try:
            self._bucket.meet()
        except (StoreUnavailable, StoreFull) as error:
            log.warning("server not met yet", bucket=server.bucket, reason=str(error), code=error.code)
        except StoreForbidden as error:
            self.close()
            raise ConfigurationError(error.message, **error.fields) from error
        except BaseException:
            self.close()
            raise

    def write(
        self,
        series: Series,
        frame: pd.DataFrame,
        *,
        source: str,
        written_at: datetime,
        issued_at: datetime | None = None,
    ) -> WriteCounts:
        """Insert or update rows by time, or queue them while the server is away: see ``SeriesStore.write``."""
        rows = checked(series, frame, issued_at)
        check_source(self._nature, source)
        self._bucket.check_open()
        if rows.empty:
            return WriteCounts()
        batch = Batch(series, rows, source, written_at, issued_at)
        queued = WriteCounts(queued=len(rows))
        with self._outbox.turn() as mine:
            number = self._keep(batch, mine)
            if not mine:
                return queued
            try:
                self._send_waiting(before=number)
                counts = self._apply(batch)
            except (StoreRefused, MixedProvenance, StoreTooNew):
                self._outbox.remove(number)  # whoever wrote it is told so
                raise
            except StoreError as error:
                log.warning("write queued", series=str(series), rows=len(rows), reason=str(error), code=error.code)
                return queued
            self._outbox.remove(number)
        return counts

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
        """Rows with ``start <= time < end`` of all matching series: see ``SeriesStore.read``."""
        check_keys(measurement, keys, issued_at)
        return to_frame(measurement, *self._bucket.rows(measurement, start, end, tags_of(keys, resolution, issued_at)))

    def latest(
        self,
        measurement: Measurement,
        *,
        before: datetime | None = None,
        resolution: timedelta | None = None,
        **keys: str,
    ) -> pd.Series | None:
        """The last row of the matching series: see ``SeriesStore.latest``."""
        check_keys(measurement, keys)
        tags = tags_of(keys, resolution)
        last = self._last(measurement, tags, LATEST if before is None else before)
        if last is None:
            return None
        parts, batches = self._bucket.rows(measurement, last, last + MICROSECOND, tags)
        series, rows = parts[0]
        return to_row(measurement, series, rows.last(), batches)

    def series(self, measurement: Measurement | None = None) -> list[Series]:
        """Every series that the store knows: see ``SeriesStore.series``."""
        return sorted(self._bucket.series(measurement), key=order)

    def times(self, series: Series, start: datetime, end: datetime) -> pd.DatetimeIndex:
        """The interval starts that are present in ``[start, end)``: see ``SeriesStore.times``."""
        found = self._bucket.ask("times", series.measurement.name, start, end, tags_of(series.keys, series.resolution))
        times = np.empty(0, np.int64) if found is None else np.unique(times_of(found["_time"]))
        return to_times(times).rename("time")

    def extent(self, series: Series) -> tuple[datetime, datetime] | None:
        """First and last interval start that are present: see ``SeriesStore.extent``."""
        tags = tags_of(series.keys, series.resolution)
        first = self._bucket.outermost("first", series.measurement, EARLIEST, LATEST, tags)
        last = None if first is None else self._last(series.measurement, tags, LATEST)
        return None if first is None or last is None else (first, last)

    def delete(
        self,
        measurement: Measurement,
        start: datetime,
        end: datetime,
        *,
        resolution: timedelta | None = None,
        **keys: str,
    ) -> int:
        """Remove rows of the matching series, once everything that waits is written: see ``SeriesStore.delete``."""
        check_keys(measurement, keys)
        tags = tags_of(keys, resolution)
        with self._outbox.turn() as mine:
            if not mine:
                raise StoreUnavailable(
                    "Others are writing to {bucket}; try again in a moment.", bucket=self._bucket.name
                )
            self._send_waiting()
            counted = self._bucket.ask("count", measurement.name, start, end, tags)
            if counted is None:
                return 0
            self._bucket.delete(measurement, start, end, tags)
            return int(counted["_value"].iloc[0])

    def revision(self) -> int:
        """A number that grows with every change, by any process: see ``SeriesStore.revision``."""
        return self._bucket.revision()

    def check(self) -> None:
        """Try whether the server can be read and written now, and the outbox too; changes nothing."""
        self._outbox.check()
        self._bucket.check()

    def close(self) -> None:
        """Let go of files and connections."""
        self._bucket.close()
        self._outbox.close()

    def outbox(self) -> OutboxState:
        """What was taken and waits for the server."""
        return self._outbox.state()

    def replay(self, *, refused: bool = False) -> int:
        """Send now what waits, unless somebody else is at it; the number of rows that went."""
        with self._outbox.turn(wait_s=0) as mine:
            if not mine:
                return 0
            if refused:
                self._outbox.bring_back()
            return self._send_waiting()

    def _last(self, measurement: Measurement, tags: Mapping[str, str], before: datetime) -> datetime | None:
        """The last time before a moment; that of forecasts, each issue a series, is looked for around now first."""
        bounds = [LATEST, EARLIEST]
        if measurement.issued:
            now = self._clock.now()
            bounds = [LATEST, now + _NEAR, now - _NEAR, EARLIEST]
        for start, end in zip(bounds[1:], bounds, strict=False):
            found = self._bucket.outermost("last", measurement, start, min(end, before), tags)
            if found is not None:
                return found
        return None

    def _keep(self, batch: Batch, mine: bool) -> int:
        """Put a batch into the outbox; into a full one if the server is there and takes first what waits."""
        try:
            return self._outbox.append(batch)
        except StoreFull as full:
            if not mine:
                raise
            try:
                self._bucket.revision()  # whether it is there, also where nothing waits
                self._send_waiting()
            except StoreError as error:
                raise full from error
            return self._outbox.append(batch, limited=False)

    def _send_waiting(self, before: int | None = None) -> int:
        """Send what waits (before a number), oldest first; whose turn it is may do so. The number of rows that went."""
        sent = 0
        while (found := self._outbox.first(before)) is not None:
            number, batch = found
            try:
                self._apply(batch, again=True)
            except StoreRefused as error:
                log.error("write set aside", series=str(batch.series), rows=len(batch.rows), reason=str(error))  # noqa: TRY400
                self._outbox.set_aside(number, str(error))
                continue
            self._outbox.remove(number)
            sent += len(batch.rows)
        if sent:
            log.info("outbox sent", rows=sent)
        return sent

    def _apply(self, batch: Batch, *, again: bool = False) -> WriteCounts:
        """Lay a batch over what is stored and write what that changes.

        One that comes ``again`` may have been written in part, or without being counted as a change: it is counted.
        It may also come late: where a row was written since, by another data folder or after this batch was set aside,
        the later values stay.
        """
        measurement = batch.series.measurement
        tags = tags_of(batch.series.keys, batch.series.resolution, batch.issued_at)
        times = pd.DatetimeIndex(batch.rows.index)
        end = times[-1] + MICROSECOND
        parts, origins = self._bucket.rows(measurement, times[0], end, tags, at_leisure=True)
        stored = parts[0][1] if parts else Rows.none(measurement)
        late = _written_since(batch, stored, origins) if again else np.zeros(len(times), dtype=np.bool_)
        values, is_new, differs = merge(measurement, batch.rows[~late], stored)
        touched = is_new | differs
        origin: dict[str, str | int] = {"source": batch.source, "written_at": to_microseconds(batch.written_at)}
        chosen = [column[touched] for column in values]
        out = lines(measurement, tags, times.asi8[~late][touched], chosen, origin)
        filled = 0
        if late.any():
            values, differs = underlay(measurement, batch.rows[late], stored)
            filled = int(differs.sum())
            chosen = [column[differs] for column in values]
            out += lines(measurement, tags, times.asi8[late][differs], chosen, {})  # whence they come stays, too
            log.info("late write laid beneath later ones", series=str(batch.series), rows=int(late.sum()))
        if out or again:
            self._bucket.write_rows(batch.series, out)
        new = int(is_new.sum())
        return WriteCounts(new, int(touched.sum()) - new + filled, len(times) - int(touched.sum()) - filled)


def _written_since(batch: Batch, stored: Rows, origins: Batches) -> npt.NDArray[np.bool_]:
    """For each row of a batch whether one is stored at its time that was written later."""
    ours = to_microseconds(batch.written_at)
    written = np.array([at for _, at in origins.values()], dtype=np.int64)  # numbered from zero
    since = stored.time[written[stored.batch] > ours]
    return np.isin(pd.DatetimeIndex(batch.rows.index).asi8, since)
