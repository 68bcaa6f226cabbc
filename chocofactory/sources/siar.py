"""Daily files of the SIAR network (Spain's agro-climatic stations), as its site gives them.

24 columns parted by semicolons, a row a day and station, decimal commas, days as DD/MM/YYYY; UTF-16 without a mark, and
whatever else ``text_files`` reads. Columns are known by their place; their names, whose accents vary, are only checked
to be alike. A row without any value is blank. A row that contradicts itself, that cannot be read, or that no weather in
Spain can have been, is rejected.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import pandas as pd

from chocofactory.core.clock import MADRID
from chocofactory.core.errors import MalformedFile
from chocofactory.domain.measurements import SIAR_DAILY
from chocofactory.sources.text_files import Rejected, name_of, read_text, split_rows

if TYPE_CHECKING:
    from pathlib import Path

    Station = tuple[str, str]
    Values = tuple[float | str | None, ...]

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
"""The network is younger; later days nobody knows."""


class Column(NamedTuple):
    """One column: its name in the files, what a name must look like without units, accents and spaces, and our name.

    ``least`` and ``most`` bound what weather in Spain can be, records included with room to spare; None for what is not
    a measured number.
    """

    header: str
    alike: str
    name: str
    least: float | None = None
    most: float | None = None


COLUMNS = (
    Column("IdProvincia", "idprov.*", "province"),
    Column("IdEstacion", "idest.*", "station"),
    Column("Fecha", "fecha", "date"),
    Column("Año", "a.{0,2}o", "year"),
    Column("Dia", "d.{0,2}a", "day_of_year"),
    Column("Temp Media (ºC)", "temp.*med.*", "temperature_mean_c", -40, 50),
    Column("Temp Max (ºC)", "temp.*max.*", "temperature_max_c", -40, 55),
    Column("Hora Temp Max", "hora.*temp.*max.*", "temperature_max_time"),
    Column("Temp Mínima (ºC)", "temp.*m.{0,2}n.*", "temperature_min_c", -45, 45),
    Column("Hora Temp Min", "hora.*temp.*m.{0,2}n.*", "temperature_min_time"),
    Column("Humedad Media (%)", "hum.*med.*", "humidity_mean_pct", 0, 100),
    Column("Humedad Max (%)", "hum.*max.*", "humidity_max_pct", 0, 100),
    Column("Hora Hum Max", "hora.*hum.*max.*", "humidity_max_time"),
    Column("Humedad Min (%)", "hum.*m.{0,2}n.*", "humidity_min_pct", 0, 100),
    Column("Hora Hum Mín", "hora.*hum.*m.{0,2}n.*", "humidity_min_time"),
    Column("Velviento (m/s)", "vel.*viento", "wind_ms", 0, 50),
    Column("DirViento (º)", "dir.*viento", "wind_direction_deg", 0, 360),
    Column("VelVientoMax (m/s)", "vel.*max.*", "wind_max_ms", 0, 80),
    Column("Hora VelMax", "hora.*vel.*max.*", "wind_max_time"),
    Column("Dir viento Vel Max (º)", "dir.*max.*", "wind_max_direction_deg", 0, 360),
    Column("Radiación (MJ/m2)", "rad.*", "radiation_mj_m2", 0, 45),
    Column("Precipitación (mm)", "prec.*", "precipitation_mm", 0, 900),
    Column("PePMon", "pe.*", "effective_precipitation_mm", 0, 900),
    Column("EtPMon", "et.*", "et0_mm", -1, 25),
)
"""All columns of a file, in its order; from the sixth on, their names are the fields of ``siar_daily``."""

_KEYS = 5
_VALUES = COLUMNS[_KEYS:]
_PLACES = {column.name: place for place, column in enumerate(_VALUES)}
_ORDERED = tuple(
    tuple(_PLACES[f"{what}_{figure}"] for figure in figures)
    for what, figures in (
        ("temperature", ("min_c", "mean_c", "max_c")),
        ("humidity", ("min_pct", "mean_pct", "max_pct")),
        ("wind", ("ms", "max_ms")),
    )
)
_KINDS = {field.name: field.kind for field in SIAR_DAILY.fields}
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:[.,]\d{1,9})?")
_ID = re.compile(r"\d{1,5}")
_DAY = re.compile(r"\d\d?/\d\d?/\d{4}")
_TIME = re.compile(r"(?:(?:[01]?\d|2[0-3]):[0-5]\d|24:00)(?::00)?")
_UNITS = re.compile(r"\(.*")
_NOT_LETTERS = re.compile(r"[^a-z0-9?]")


@dataclass(frozen=True)
class SiarFile:
    """What a file of daily SIAR data holds.

    ``stations`` has, for each (province, station), the fields of ``siar_daily`` by UTC ``time`` (local midnight at
    which the day begins, sorted, unique); no row is all missing. Of the file's ``rows`` (without the header), ``blank``
    had no value, ``repeated`` said again what another row says, and ``rejected`` could not be used: for each its
    ``line``, and why, as a translatable ``message`` with ``fields``.
    """

    stations: dict[Station, pd.DataFrame]
    rows: int
    blank: int
    repeated: int
    rejected: list[dict[str, Any]]

    @property
    def kept(self) -> int:
        """Days that the file gives, over all stations."""
        return sum(len(frame) for frame in self.stations.values())


def read_siar(source: Path | str | BinaryIO, name: str | None = None, *, last: date = LAST_DAY) -> SiarFile:
    """Read a file of daily SIAR data; ``name`` stands for a stream in what people are told.

    Rows of days after ``last`` are rejected.

    Raises
    ------
    InvalidInput
        There is no such file, or it cannot be read.
    MalformedFile
        It is empty, too large, damaged, no text, another table, or has too many rows that cannot be used.

    """
    name = name_of(source, name)
    return _Reader(name, last).read(read_text(source, name))


class _Reader:
    """Reads one file; collects the rows that it has to reject."""

    def __init__(self, name: str, last: date) -> None:
        self._name = name
        self._last = last
        self._rejected = Rejected(name)

    def read(self, text: str) -> SiarFile:
        """Everything from the text to the frames."""
        header, rows = split_rows(text, self._name)
        self._check_header(header)
        if not rows:
            raise MalformedFile("{name} holds no day.", name=self._name)
        whole = self._rejected.whole(rows, len(COLUMNS))
        given = [(line, fields) for line, fields in whole if any(fields[_KEYS:])]
        days: dict[tuple[Station, date], dict[int, Values]] = defaultdict(dict)
        for line, fields in given:
            try:
                day = self._day(line, fields)
                days[(self._id(line, fields[0]), self._id(line, fields[1])), day][line] = self._values(line, fields)
            except MalformedFile as fault:
                self._rejected.add(line, fault)
        kept = self._unique(days)
        self._rejected.check(len(rows))
        repeated = sum(len(said) - 1 for key, said in days.items() if key in kept)
        return SiarFile(_frames(kept), len(rows), len(whole) - len(given), repeated, self._rejected.told())

    def _check_header(self, header: list[str]) -> None:
        if len(header) != len(COLUMNS):
            raise MalformedFile(
                "{name} is no table of daily SIAR data: it has {found} columns instead of {wanted}.",
                name=self._name,
                found=len(header),
                wanted=len(COLUMNS),
            )
        for number, (found, column) in enumerate(zip(header, COLUMNS, strict=True), start=1):
            if not re.fullmatch(column.alike, _plain(found)):
                raise MalformedFile(
                    "{name} is no table of daily SIAR data: column {number} is called {value}, not {wanted}.",
                    name=self._name,
                    number=number,
                    value=repr(found),
                    wanted=column.header,
                )

    def _id(self, line: int, text: str) -> str:
        if not _ID.fullmatch(text):
            raise MalformedFile(
                "{name}, line {line}: {value} is not the number of a province or a station.",
                name=self._name,
                line=line,
                value=repr(text),
            )
        return str(int(text))

    def _day(self, line: int, fields: list[str]) -> date:
        text, year, number = fields[2:_KEYS]
        try:
            day = datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=UTC).date() if _DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None:
            raise MalformedFile(
                "{name}, line {line}: {value} is not a day, DD/MM/YYYY.", name=self._name, line=line, value=repr(text)
            )
        if not FIRST_DAY <= day <= self._last:
            raise MalformedFile(
                "{name}, line {line}: {value} lies outside the days that can be known, {first} to {last}.",
                name=self._name,
                line=line,
                value=repr(text),
                first=FIRST_DAY.isoformat(),
                last=self._last.isoformat(),
            )
        if [year, number] != [str(day.year), str(day.timetuple().tm_yday)]:
            raise MalformedFile(
                "{name}, line {line}: year {year} and day {number} of the year are not those of {value}.",
                name=self._name,
                line=line,
                year=repr(year),
                number=repr(number),
                value=repr(text),
            )
        return day

    def _values(self, line: int, fields: list[str]) -> Values:
        values = tuple(self._value(line, column, text) for column, text in zip(_VALUES, fields[_KEYS:], strict=True))
        for places in _ORDERED:
            figures = [value for place in places if isinstance(value := values[place], float)]
            if figures != sorted(figures):
                raise MalformedFile(
                    "{name}, line {line}: {column} and the mean or the other extreme contradict each other.",
                    name=self._name,
                    line=line,
                    column=_VALUES[places[-1]].header,
                )
        return values

    def _value(self, line: int, column: Column, text: str) -> float | str | None:
        if not text:
            return None
        if column.least is None or column.most is None:
            if not _TIME.fullmatch(text):
                raise MalformedFile(
                    "{name}, line {line}: {value} is not a time of day ({column}).",
                    name=self._name,
                    line=line,
                    value=repr(text),
                    column=column.header,
                )
            return text
        if not _NUMBER.fullmatch(text):
            raise MalformedFile(
                "{name}, line {line}: {value} is not a number ({column}).",
                name=self._name,
                line=line,
                value=repr(text),
                column=column.header,
            )
        number = float(text.replace(",", "."))
        if not column.least <= number <= column.most:
            raise MalformedFile(
                "{name}, line {line}: {value} cannot be, only {least} to {most} ({column}).",
                name=self._name,
                line=line,
                value=text,
                least=column.least,
                most=column.most,
                column=column.header,
            )
        return number

    def _unique(self, days: dict[tuple[Station, date], dict[int, Values]]) -> dict[tuple[Station, date], Values]:
        """Each day once; of days that are said twice and differently nobody knows which is right: all are rejected."""
        kept = {}
        for key, said in days.items():
            if len(set(said.values())) == 1:
                kept[key] = next(iter(said.values()))
                continue
            for line in said:
                self._rejected.add(
                    line,
                    MalformedFile(
                        "{name}, line {line}: line {other} has other values for the same station and day.",
                        name=self._name,
                        line=line,
                        other=next(other for other in said if other != line),
                    ),
                )
        return kept


def _plain(header: str) -> str:
    """A column's name without its unit, in lower-case letters without accents; ``?`` stands for a damaged letter."""
    letters = unicodedata.normalize("NFKD", _UNITS.sub("", header).lower())
    return _NOT_LETTERS.sub("", letters)


def _frames(kept: dict[tuple[Station, date], Values]) -> dict[Station, pd.DataFrame]:
    by_station: dict[Station, dict[date, Values]] = defaultdict(dict)
    for (station, day), values in sorted(kept.items(), key=lambda item: item[0]):
        by_station[station][day] = values
    return {station: _frame(days) for station, days in by_station.items()}


def _frame(days: dict[date, Values]) -> pd.DataFrame:
    midnights = pd.DatetimeIndex(list(days)).as_unit("us").tz_localize(MADRID)
    columns = dict(zip((column.name for column in _VALUES), zip(*days.values(), strict=True), strict=True))
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype="float64" if _KINDS[name] == "number" else "str")
            for name, values in columns.items()
        }
    ).set_axis(midnights.tz_convert("UTC").rename("time"))
