"""Price files that people have: the plain form of a UTC time and a price, and the export of ESIOS.

    plain, PVPC   ``timestamp_utc,price_eur_kwh[,price_first_published_eur_kwh]``
    plain, spot   ``timestamp_utc,price_es_eur_mwh``
    ESIOS export  ``id;name;geoid;geoname;value;datetime``, EUR/MWh, indicator 1001 (PVPC) or 600 (spot)

Encodings, line ends, delimiters and what happens to rows that cannot be used are those of ``text_files``. Holes and
blank prices are absent rows. A row that lies before its market's first day, or after what can be known, cannot be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_start, local
from chocofactory.core.errors import MalformedFile
from chocofactory.domain.gaps import on_grid
from chocofactory.domain.measurements import PVPC, QUARTER_HOURLY, SPOT
from chocofactory.domain.prices import FIRST_DAY
from chocofactory.sources.base import eur_kwh, resolution_of
from chocofactory.sources.esios import INDICATORS
from chocofactory.sources.tables import TableReader
from chocofactory.sources.text_files import name_of, read_text

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

END_OF_TIMES = datetime(2100, 1, 1, tzinfo=UTC)

_PLAIN = {PVPC: ("timestamp_utc", "price_eur_kwh"), SPOT: ("timestamp_utc", "price_es_eur_mwh")}
_FIRST = "price_first_published_eur_kwh"
_EXPORT = ("id", "geoid", "value", "datetime")
_MARKETS = {str(indicator): (market, str(place)) for market, (indicator, place) in INDICATORS.items()}


@dataclass(frozen=True)
class PriceFile:
    """What a price file holds.

    ``frame`` has ``price_eur_kwh`` [EUR/kWh] by UTC ``time`` (start of interval, sorted, unique) and, where the file
    has it, ``first_price_eur_kwh`` (NaN where that is blank). Of the file's ``rows`` (without the header), ``blank``
    had no price, ``elsewhere`` belong to another zone, ``repeated`` said again what another row says, and ``rejected``
    could not be used: for each its ``line``, and why, as a translatable ``message`` with ``fields``.
    """

    market: str
    resolution: timedelta
    frame: pd.DataFrame
    rows: int
    blank: int
    elsewhere: int
    repeated: int
    rejected: list[dict[str, Any]]


def read_prices(source: Path | str | BinaryIO, name: str | None = None, *, until: datetime = END_OF_TIMES) -> PriceFile:
    """Read a price file; ``name`` stands for a stream in what people are told.

    Rows at or after ``until`` are rejected, as are those before the market's first day.

    Raises
    ------
    InvalidInput
        There is no such file, or it cannot be read.
    MalformedFile
        It is empty, too large, damaged, of no known form, holds more than one market, hours and quarter-hours, two
        prices for one interval, no price at all, or too many rows that cannot be used.

    """
    name = name_of(source, name)
    return _Reader(name, until).read(read_text(source, name))


class _Reader(TableReader):
    """Reads one price file."""

    def __init__(self, name: str, until: datetime) -> None:
        super().__init__(name)
        self._until = until

    def read(self, text: str) -> PriceFile:
        """Everything from the text to the frame."""
        table = self.table(text)
        whole = len(table)
        rows = whole + len(self._rejected)
        if set(_EXPORT) <= set(table.columns):
            market, table = self._of_market(table)
            prices, resolution, blank, repeated = self._prices(market, table, "datetime", "value")
        else:
            market = self._plain_market(table)
            prices, resolution, blank, repeated = self._prices(market, table, *_PLAIN[market])
        self._rejected.check(rows)
        return PriceFile(
            market=market,
            resolution=resolution,
            frame=prices,
            rows=rows,
            blank=blank,
            elsewhere=whole - len(table),
            repeated=repeated,
            rejected=self._rejected.told(),
        )

    def _plain_market(self, table: pd.DataFrame) -> str:
        for market, columns in _PLAIN.items():
            if set(columns) <= set(table.columns):
                return market
        raise MalformedFile(
            "{name} has none of the headers that are known: {plain}; {spot}; {export}.",
            name=self._name,
            plain=",".join(_PLAIN[PVPC]),
            spot=",".join(_PLAIN[SPOT]),
            export="id;name;geoid;geoname;value;datetime",
        )

    def _of_market(self, table: pd.DataFrame) -> tuple[str, pd.DataFrame]:
        """The rows of an export that count, and their market."""
        found = sorted(set(table["id"]))
        if len(found) != 1 or found[0] not in _MARKETS:
            raise MalformedFile(
                "{name} holds the indicators {found}: one is wanted, 1001 (PVPC) or 600 (spot).",
                name=self._name,
                found=", ".join(found[:5]) or "-",
            )
        market, place = _MARKETS[found[0]]
        kept = table[table["geoid"] == place]
        if kept.empty:
            raise MalformedFile("{name} has no row of the geography {place}.", name=self._name, place=place)
        return market, kept

    def _prices(
        self, market: str, table: pd.DataFrame, time: str, value: str
    ) -> tuple[pd.DataFrame, timedelta, int, int]:
        """Frame and resolution, and how many rows were blank or repeated."""
        given = table[table[value] != ""]
        times = self._times(given[time], zone_needed=time != "timestamp_utc")
        self._check_range(market, times, given[time])
        numbers = {"price_eur_kwh": self.numbers(given[value])}
        if value != "price_eur_kwh":
            numbers["price_eur_kwh"] = eur_kwh(numbers["price_eur_kwh"])
        elif _FIRST in given:
            numbers["first_price_eur_kwh"] = self.numbers(given[_FIRST])
        good = times.notna() & ~np.isnan(numbers["price_eur_kwh"]) & ~given.index.isin(list(self._rejected))
        index = pd.DatetimeIndex(times[good]).as_unit("us").rename("time")
        frame = pd.DataFrame({name: column[good] for name, column in numbers.items()}, index=index)
        unique = self.once(frame.assign(line=given.index[good]))
        if unique.empty:
            raise self._rejected.first() or MalformedFile("{name} holds no price.", name=self._name)
        resolution = resolution_of(pd.DatetimeIndex(unique.index))
        if resolution is None:
            raise MalformedFile(
                "{name} mixes hours and quarter-hours: bring each in a file of its own.", name=self._name
            )
        return unique, resolution, len(table) - len(given), len(frame) - len(unique)

    def _times(self, column: pd.Series, *, zone_needed: bool) -> pd.DatetimeIndex:
        """Moments in UTC; NaT where there is none. Those off the grid of quarter-hours are rejected."""
        index = self.times(column, zone_needed=zone_needed)
        for line in column.index[index.notna() & ~on_grid(index, QUARTER_HOURLY)]:
            self._rejected.add(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} is not the start of an hour or a quarter of one.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                ),
            )
        return index

    def _check_range(self, market: str, times: pd.DatetimeIndex, column: pd.Series) -> None:
        """Reject rows before the market's first day, and those that nobody can know yet."""
        first = FIRST_DAY[market]
        for line in column.index[times < pd.Timestamp(day_start(first))]:
            self._rejected.add(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} lies before {market} begins, on {first}.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                    market=market,
                    first=first.isoformat(),
                ),
            )
        for line in column.index[times >= pd.Timestamp(self._until)]:
            self._rejected.add(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} lies in the future: prices end before {until}.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                    until=local(self._until).date().isoformat(),
                ),
            )
