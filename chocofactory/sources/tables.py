"""Tables in files that people have: from bytes to columns of moments and numbers, bad rows named by their line.

UTF-8 with or without a mark, or Latin-1; any line ends; commas or semicolons; gzip is known by its first bytes, not by
the file's name. A file with more than ``MOST_REJECTED`` rows that cannot be used, or more of them than of others, is
not what it seems, and refused.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd

from chocofactory.core.errors import InvalidInput, MalformedFile

if TYPE_CHECKING:
    import numpy.typing as npt

LARGEST_FILE_BYTES = 64_000_000
LONGEST_LINE_CHARS = 4_000
MOST_REJECTED = 100

_GZIP = b"\x1f\x8b"
_CLOCK = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_OFFSET = r"(?:Z|[+-]\d\d:?\d\d)"
_SPANISH_NUMBER = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def name_of(source: Path | str | BinaryIO, name: str | None = None) -> str:
    """What people are told a file is called: the given name, or else that of its path."""
    return name or (Path(source).name if isinstance(source, (str, Path)) else "-")


def content_of(source: Path | str | BinaryIO, name: str) -> bytes:
    """The content of a file or stream, unpacked if it is gzip.

    Raises
    ------
    InvalidInput
        There is no such file, or it cannot be read.
    MalformedFile
        It is a damaged gzip file, or larger than ``LARGEST_FILE_BYTES``.

    """
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


def text_of(content: bytes, name: str) -> str:
    """The text in UTF-8, or else Latin-1.

    Raises
    ------
    MalformedFile
        It is no text.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise MalformedFile("{name} is not a text file.", name=name)
    return text


class TableReader:
    """Reads one file's table; collects the rows that it has to reject."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rejected: dict[int, MalformedFile] = {}

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """Rows that cannot be used: for each its ``line``, and why, as a translatable ``message`` with ``fields``."""
        return [
            {"line": line, "message": fault.message, "fields": dict(fault.fields)}
            for line, fault in sorted(self._rejected.items())
        ]

    def table(self, text: str) -> pd.DataFrame:
        """All whole rows as text, by line number; columns as the header names them, in lower case.

        Raises
        ------
        MalformedFile
            It is empty, a line is too long, or a column is named twice.

        """
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for number, line in enumerate(lines, start=1):
            if len(line) > LONGEST_LINE_CHARS:
                raise MalformedFile("{name}, line {line}: too long.", name=self._name, line=number)
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
                self.reject(
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

    def times(self, column: pd.Series, *, zone_needed: bool) -> pd.DatetimeIndex:
        """Moments in UTC; NaT for the rows that are rejected for theirs."""
        form = f"{_CLOCK}{_OFFSET}" if zone_needed else f"{_CLOCK}{_OFFSET}?"
        times = pd.to_datetime(column.where(column.str.fullmatch(form)), utc=True, format="ISO8601", errors="coerce")
        index = pd.DatetimeIndex(times)
        for line in column.index[index.isna()]:
            self.reject(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} is not a time with its offset.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                ),
            )
        return index

    def numbers(self, column: pd.Series) -> npt.NDArray[np.float64]:
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
            self.reject(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} is not a number.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                ),
            )
        return numbers

    def once(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Sorted by time, each time once: rows that agree count once, rows that do not are a fault of the file."""
        values = list(frame.columns.drop("line"))
        ordered = frame.sort_index(kind="stable")
        once = ordered[~ordered.reset_index().duplicated(["time", *values]).to_numpy()]
        again = once[once.index.duplicated()]
        if len(again):
            raise MalformedFile(
                "{name}, line {line}: another value for {time} than a line before.",
                name=self._name,
                line=int(again["line"].iloc[0]),
                time=again.index[0].isoformat(),
            )
        return once.loc[:, values]

    def reject(self, line: int, fault: MalformedFile) -> None:
        """Leave a row out, for its first fault."""
        self._rejected.setdefault(line, fault)
        if len(self._rejected) > MOST_REJECTED:
            raise self._mostly_rejected()

    def settle(self, rows: int) -> None:
        """Refuse the file when more than half of its rows had to be rejected."""
        if 2 * len(self._rejected) > rows:
            raise self._mostly_rejected()

    def _mostly_rejected(self) -> MalformedFile:
        return MalformedFile(
            "{name}: more than half of the rows, or more than {most}, cannot be used; the first is line {line}.",
            name=self._name,
            most=MOST_REJECTED,
            line=min(self._rejected),
        )
