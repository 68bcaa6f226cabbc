"""Price files that people have: the plain form of a UTC time and a price, and the export of ESIOS.

    plain, PVPC   ``timestamp_utc,price_eur_kwh[,price_first_published_eur_kwh]``
    plain, spot   ``timestamp_utc,price_es_eur_mwh``
    ESIOS export  ``id;name;geoid;geoname;value;datetime``, EUR/MWh, indicator 1001 (PVPC) or 600 (spot)

UTF-8 with or without a mark, or Latin-1; any line ends; commas or semicolons; gzip is known by its first bytes, not by
the file's name. Holes and blank prices are absent rows. A row that cannot be used (it cannot be read, or lies before
its market's first day or after what can be known) is left out and reported; a file with more than ``MOST_REJECTED`` of
them, or more of them than of others, is not what it seems, and refused.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_start, local
from chocofactory.core.errors import InvalidInput, MalformedFile
from chocofactory.domain.gaps import on_grid
from chocofactory.domain.measurements import PVPC, QUARTER_HOURLY, SPOT
from chocofactory.domain.prices import FIRST_DAY
from chocofactory.sources.base import eur_kwh, resolution_of
from chocofactory.sources.esios import INDICATORS

if TYPE_CHECKING:
    from datetime import timedelta

    import numpy.typing as npt

LARGEST_FILE_BYTES = 64_000_000
LONGEST_LINE_CHARS = 4_000
MOST_REJECTED = 100
END_OF_TIMES = datetime(2100, 1, 1, tzinfo=UTC)

_GZIP = b"\x1f\x8b"
_PLAIN = {PVPC: ("timestamp_utc", "price_eur_kwh"), SPOT: ("timestamp_utc", "price_es_eur_mwh")}
_FIRST = "price_first_published_eur_kwh"
_EXPORT = ("id", "geoid", "value", "datetime")
_MARKETS = {str(indicator): (market, str(place)) for market, (indicator, place) in INDICATORS.items()}
_CLOCK = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_OFFSET = r"(?:Z|[+-]\d\d:?\d\d)"
_SPANISH_NUMBER = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


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
    name = name or (Path(source).name if isinstance(source, (str, Path)) else "-")
    return _Reader(name, until).read(_text(_content(source, name), name))


def _content(source: Path | str | BinaryIO, name: str) -> bytes:
    try:
        if not isinstance(source, (str, Path)):
            return _unpacked(source.read(LARGEST_FILE_BYTES + 1), name)
        with Path(source).open("rb") as file:
            return _unpacked(file.read(LARGEST_FILE_BYTES + 1), name)
    except FileNotFoundError as error:
        raise InvalidInput("There is no file {path}.", path=source) from error
    except OSError as error:
        raise InvalidInput("{path} cannot be read ({reason}).", path=source, reason=error.strerror) from error


def _unpacked(content: bytes, name: str) -> bytes:
    if content.startswith(_GZIP):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = packed.read(LARGEST_FILE_BYTES + 1)
        except (EOFError, OSError, zlib.error) as error:
            raise MalformedFile("{name} is a damaged gzip file.", name=name) from error
    if len(content) > LARGEST_FILE_BYTES:
        raise MalformedFile("{name} holds more than {most} MB.", name=name, most=LARGEST_FILE_BYTES // 1_000_000)
    return content


def _text(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise MalformedFile("{name} is not a text file.", name=name)
    return text


class _Reader:
    """Reads one file; collects the rows that it has to reject."""

    def __init__(self, name: str, until: datetime) -> None:
        self._name = name
        self._until = until
        self._rejected: dict[int, MalformedFile] = {}

    def read(self, text: str) -> PriceFile:
        """Everything from the text to the frame."""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        table = self._table(lines)
        whole = len(table)
        rows = whole + len(self._rejected)
        if set(_EXPORT) <= set(table.columns):
            market, table = self._of_market(table)
            prices, resolution, blank, repeated = self._prices(market, table, "datetime", "value")
        else:
            market = self._plain_market(table)
            prices, resolution, blank, repeated = self._prices(market, table, *_PLAIN[market])
        if 2 * len(self._rejected) > rows:
            raise self._mostly_rejected()
        rejected = [
            {"line": line, "message": fault.message, "fields": dict(fault.fields)}
            for line, fault in sorted(self._rejected.items())
        ]
        return PriceFile(
            market=market,
            resolution=resolution,
            frame=prices,
            rows=rows,
            blank=blank,
            elsewhere=whole - len(table),
            repeated=repeated,
            rejected=rejected,
        )

    def _table(self, lines: list[str]) -> pd.DataFrame:
        """All rows as text, by line number; columns as the header names them, in lower case."""
        for number, line in enumerate(lines, start=1):
            if len(line) > LONGEST_LINE_CHARS:
                raise MalformedFile("{name}, line {line}: too long to be a price.", name=self._name, line=number)
        head = next((line for line in lines if line.strip()), None)
        if head is None:
            raise MalformedFile("{name} is empty.", name=self._name)
        reader = csv.reader(lines, delimiter=";" if ";" in head else ",", skipinitialspace=True)
        numbered = [(reader.line_num, row) for row in reader if row]
        header = [column.strip().lower() for column in numbered[0][1]]
        if len(set(header)) != len(header):
            raise MalformedFile("{name} names a column twice.", name=self._name)
        whole = [(number, [field.strip() for field in row]) for number, row in numbered[1:] if len(row) == len(header)]
        for number, row in numbered[1:]:
            if len(row) != len(header):
                self._reject(
                    number,
                    MalformedFile(
                        "{name}, line {line}: {fields} fields instead of {wanted}.",
                        name=self._name,
                        line=number,
                        fields=len(row),
                        wanted=len(header),
                    ),
                )
        columns = zip(*(row for _, row in whole), strict=True) if whole else [()] * len(header)
        content = {name: pd.Series(column, dtype="str") for name, column in zip(header, columns, strict=True)}
        return pd.DataFrame(content).set_axis([number for number, _ in whole])

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
        numbers = {"price_eur_kwh": self._numbers(given[value])}
        if value != "price_eur_kwh":
            numbers["price_eur_kwh"] = eur_kwh(numbers["price_eur_kwh"])
        elif _FIRST in given:
            numbers["first_price_eur_kwh"] = self._numbers(given[_FIRST])
        good = times.notna() & ~np.isnan(numbers["price_eur_kwh"]) & ~given.index.isin(list(self._rejected))
        index = pd.DatetimeIndex(times[good]).as_unit("us").rename("time")
        frame = pd.DataFrame({name: column[good] for name, column in numbers.items()}, index=index)
        unique = self._unique(frame.assign(line=given.index[good]))
        if unique.empty:
            raise next(iter(self._rejected.values()), MalformedFile("{name} holds no price.", name=self._name))
        resolution = resolution_of(pd.DatetimeIndex(unique.index))
        if resolution is None:
            raise MalformedFile(
                "{name} mixes hours and quarter-hours: bring each in a file of its own.", name=self._name
            )
        return unique, resolution, len(table) - len(given), len(frame) - len(unique)

    def _times(self, column: pd.Series, *, zone_needed: bool) -> pd.DatetimeIndex:
        """Moments in UTC; NaT for the rows that are rejected for theirs."""
        form = f"{_CLOCK}{_OFFSET}" if zone_needed else f"{_CLOCK}{_OFFSET}?"
        times = pd.to_datetime(column.where(column.str.fullmatch(form)), utc=True, format="ISO8601", errors="coerce")
        index = pd.DatetimeIndex(times)
        for line in column.index[index.isna()]:
            self._reject(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} is not a time with its offset.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                ),
            )
        for line in column.index[index.notna() & ~on_grid(index, QUARTER_HOURLY)]:
            self._reject(
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
            self._reject(
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
            self._reject(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} lies in the future: prices end before {until}.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                    until=local(self._until).date().isoformat(),
                ),
            )

    def _numbers(self, column: pd.Series) -> npt.NDArray[np.float64]:
        """Numbers exactly as written; NaN where there is none, and for the rows that are rejected for theirs.

        One decimal comma makes it a column of Spanish numbers, in which dots part thousands.
        """
        commas = column.str.contains(",", regex=False).any()
        numeric = column.str.fullmatch(_SPANISH_NUMBER if commas else _NUMBER).to_numpy(dtype=bool)
        digits = column[numeric]
        if commas:
            digits = digits.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        numbers = np.full(len(column), np.nan)
        numbers[numeric] = digits.to_numpy(dtype=object).astype(float)
        numbers[np.isinf(numbers)] = np.nan
        for line in column.index[np.isnan(numbers) & (column != "").to_numpy()]:
            self._reject(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} is not a price.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                ),
            )
        return numbers

    def _unique(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Sorted by time, each time once: rows that agree count once, rows that do not are a fault of the file."""
        prices = list(frame.columns.drop("line"))
        ordered = frame.sort_index(kind="stable")
        once = ordered[~ordered.reset_index().duplicated(["time", *prices]).to_numpy()]
        again = once[once.index.duplicated()]
        if len(again):
            raise MalformedFile(
                "{name}, line {line}: another price for {time} than a line before.",
                name=self._name,
                line=int(again["line"].iloc[0]),
                time=again.index[0].isoformat(),
            )
        return once.loc[:, prices]

    def _reject(self, line: int, fault: MalformedFile) -> None:
        self._rejected.setdefault(line, fault)
        if len(self._rejected) > MOST_REJECTED:
            raise self._mostly_rejected()

    def _mostly_rejected(self) -> MalformedFile:
        return MalformedFile(
            "{name}: more than half of the rows, or more than {most}, cannot be used; the first is line {line}.",
            name=self._name,
            most=MOST_REJECTED,
            line=min(self._rejected),
        )
