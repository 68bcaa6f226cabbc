"""The bucket as this program keeps it: met once, recognised, and asked for whole answers.

Beside the measurements it holds three points or kinds of points of its own, all at the time 0: ``meta_store``, whether
the data are real and the version of this schema; ``meta_series``, one for each series that is known; ``meta_revision``,
a count of changes for each data folder that writes (one counter for all would lose changes that happen at once). It
counts in steps up to the present moment [us since 1970], so that no number comes back in a bucket that was made anew or
restored from a backup: somebody may remember what the number stood for before.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from chocofactory.core.errors import MixedProvenance, StoreError, StoreTooNew
from chocofactory.core.logs import get_logger
from chocofactory.domain.measurements import MEASUREMENTS, Series
from chocofactory.store.database import from_microseconds, to_microseconds
from chocofactory.store.flux import EARLIEST, LATEST, question
from chocofactory.store.lines import decoded, encoded, kinds_of, line, parts_of, resolution_of, tags_of, times_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from chocofactory.core.clock import Clock
    from chocofactory.domain.measurements import Measurement
    from chocofactory.store.base import Nature
    from chocofactory.store.flux import Shape
    from chocofactory.store.influx_server import InfluxServer
    from chocofactory.store.rows import Batches, Rows

log = get_logger(__name__)

MICROSECOND = timedelta(microseconds=1)
_SCHEMA = 1
_STORE, _SERIES, _REVISION = "meta_store", "meta_series", "meta_revision"
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)


class InfluxBucket:
    """The bucket of a server, for data of one ``nature``, written to by ``writer`` (a name for this data folder).

    Every method meets it first: the bucket is made if there is none, and otherwise must be ours. After a failure it is
    met again, for the server may come back as another one.

    Raises
    ------
    MixedProvenance
        By every method: the bucket holds data of the other nature.
    StoreTooNew
        It was written by a later version of this program.
    StoreError
        It forgets points after a while, or it has been closed, or what ``InfluxServer`` raises.

    """

    def __init__(self, server: InfluxServer, nature: Nature, writer: str, clock: Clock) -> None:
        self.name = server.bucket
        self._server = server
        self._nature = nature
        self._writer = {"writer": writer}
        self._clock = clock
        self._guard = threading.Lock()
        self._closed = False
        self._met = False
        self._known: set[Series] = set()

    def meet(self) -> None:
        """Make the bucket, or see that it is ours; nothing when that was done."""
        self.check_open()
        if self._met:
            return
        self._server.check_expected()  # rather than behind the one who tries it
        with self._guard:
            if not self._met:
                self._make_or_recognise()
                self._known.clear()
                self._met = True

    def check_open(self) -> None:
        """Refuse to go on after ``close``."""
        if self._closed:
            raise StoreError("{path} has been closed.", path=self.name)

    def check(self) -> None:
        """Try whether it can be read and written now; changes nothing."""
        self.meet()
        self.write([self._introduction()], at_leisure=False)  # the same point again

    def close(self) -> None:
        """Let go of connections."""
        self._closed = True
        self._server.close()

    def ask(
        self,
        shape: Shape,
        measurement: str,
        start: datetime,
        end: datetime,
        tags: Mapping[str, str],
        kinds: Mapping[str, str] | None = None,
        *,
        at_leisure: bool = False,
    ) -> pd.DataFrame | None:
        """What ``flux.question`` asks for, as a table; None when there is nothing."""
        begin = max(from_microseconds(to_microseconds(start)), EARLIEST)
        until = min(from_microseconds(to_microseconds(end)), LATEST)
        try:
            self.meet()
            if begin >= until:  # which Flux takes for an error
                return None
            asked = question(shape, measurement, begin, until, tags)
            found = self._server.ask(asked, kinds or {}, at_leisure=at_leisure)
        except StoreError:
            self._met = False
            raise
        return None if found.empty else found

    def rows(
        self,
        measurement: Measurement,
        start: datetime,
        end: datetime,
        tags: Mapping[str, str],
        *,
        at_leisure: bool = False,
    ) -> tuple[list[tuple[Series, Rows]], Batches]:
        """Rows with ``start <= time < end`` of the series with these tags, and where they come from."""
        found = self.ask("rows", measurement.name, start, end, tags, kinds_of(measurement), at_leisure=at_leisure)
        return ([], {}) if found is None else parts_of(measurement, found)

    def outermost(
        self, shape: Shape, measurement: Measurement, start: datetime, end: datetime, tags: Mapping[str, str]
    ) -> datetime | None:
        """The ``first`` or the ``last`` time with ``start <= time < end``."""
        found = self.ask(shape, measurement.name, start, end, tags)
        return None if found is None else from_microseconds(int(times_of(found["_time"])[0]))

    def write(self, lines: Sequence[str], *, at_leisure: bool = True) -> None:
        """Write points."""
        try:
            self.meet()
            self._server.write(lines, at_leisure=at_leisure)
        except StoreError:
            self._met = False
            raise

    def write_rows(self, series: Series, lines: Sequence[str]) -> None:
        """Write points of a series, make it known, and count a change once they can be read."""
        self.meet()
        self.write([*self._entry(series), *lines])
        self._known.add(series)
        self.count_revision()

    def delete(self, measurement: Measurement, start: datetime, end: datetime, tags: Mapping[str, str]) -> None:
        """Remove points with ``start <= time < end`` of the series with these tags, and count a change.

        One is counted before, too: whoever is killed in between has deleted without counting.
        """
        self.meet()
        self.count_revision()
        self._server.delete(max(start, EARLIEST), min(end, LATEST), measurement.name, tags)
        self.count_revision()

    def series(self, measurement: Measurement | None) -> list[Series]:
        """The series that are known; those of an unknown measurement belong to a newer program beside this one."""
        tags = {} if measurement is None else {"measurement": encoded(measurement.name)}
        found = self._own(_SERIES, tags)
        return [
            Series(MEASUREMENTS[name], json.loads(decoded(keys)), resolution_of(resolution))
            for name, keys, resolution in (
                [] if found is None else found[["measurement", "keys", "resolution"]].itertuples(index=False)
            )
            if name in MEASUREMENTS
        ]

    def revision(self) -> int:
        """The counts of all data folders together."""
        return self._changes({})

    def count_revision(self) -> None:
        """One more change by this data folder; only one of its threads and processes may do so at a time."""
        changes = self._changes(self._writer)
        now = to_microseconds(self._clock.now())
        self.write([line(_REVISION, self._writer, {"changes": max(changes + 1, now)})])

    def _changes(self, tags: Mapping[str, str]) -> int:
        found = self._own(_REVISION, tags)
        return 0 if found is None else int(found["changes"].astype("int64").sum())

    def _own(self, measurement: str, tags: Mapping[str, str]) -> pd.DataFrame | None:
        return self.ask("rows", measurement, _ORIGIN, _ORIGIN + MICROSECOND, tags)

    def _entry(self, series: Series) -> Iterator[str]:
        """The point that makes a series known, unless it is."""
        if series not in self._known:
            tags = {
                "measurement": encoded(series.measurement.name),
                "keys": encoded(json.dumps(dict(series.keys), sort_keys=True)),
                **tags_of({}, series.resolution),
            }
            yield line(_SERIES, tags, {"known": 1})

    def _make_or_recognise(self) -> None:
        kept = self._server.retention()
        if kept is None:
            self._server.make_bucket()
            log.info("bucket made", bucket=self.name)
        elif kept:
            raise StoreError(
                "The bucket {bucket} forgets what is older than {days} days: let it keep points for ever.",
                bucket=self.name,
                days=kept.days,
            )
        found = self._server.ask(question("rows", _STORE, _ORIGIN, _ORIGIN + MICROSECOND, {}), {})
        if found.empty:
            self._server.write([self._introduction()], at_leisure=False)
        else:
            self._recognise(found["nature"].iloc[0], int(found["schema"].iloc[0]))

    def _introduction(self) -> str:
        return line(_STORE, {}, {"nature": self._nature, "schema": _SCHEMA})

    def _recognise(self, nature: str, schema: int) -> None:
        if schema > _SCHEMA:
            raise StoreTooNew(
                "{path} was written by a later version of this program (schema {found}, this one knows {known}).",
                path=self.name,
                found=schema,
                known=_SCHEMA,
            )
        if nature != self._nature:
            raise MixedProvenance(
                "{path} holds {kept} data and is not opened for {asked} data.",
                path=self.name,
                kept=nature,
                asked=self._nature,
            )
