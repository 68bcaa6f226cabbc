"""Files that people bring: unpacked, decoded, cut into rows, and the rows of one that cannot be used.

UTF-8 with or without a mark, UTF-16 with or without one, or Latin-1; any line ends; commas or semicolons; gzip is known
by its first bytes, not by the file's name. A row that cannot be used is left out and told; a file with more than
``MOST_REJECTED`` of them, or more of them than of others, is not what it seems, and refused.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from chocofactory.core.errors import InvalidInput, MalformedFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = tuple[int, list[str]]

LARGEST_FILE_BYTES = 64_000_000
LONGEST_LINE_CHARS = 4_000
MOST_REJECTED = 100

_GZIP = b"\x1f\x8b"
_MARKED = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_LOOKED_AT_BYTES = 2_000


def name_of(source: Path | str | BinaryIO, name: str | None = None) -> str:
    """What people are told a file is called: ``name``, or else the last part of its path."""
    return name or (Path(source).name if isinstance(source, (str, Path)) else "-")


def read_text(source: Path | str | BinaryIO, name: str) -> str:
    """Everything in a file, as text.

    Raises
    ------
    InvalidInput
        There is no such file, or it cannot be read.
    MalformedFile
        It is too large, damaged, or no text.

    """
    return _decoded(_content(source, name), name)


def split_rows(text: str, name: str) -> tuple[list[str], list[Row]]:
    """The header, and each row below it with the number of its last line; fields stripped, empty lines left out.

    Raises
    ------
    MalformedFile
        There is nothing in it, a line is too long, or quotes make no sense.

    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_LINE_CHARS:
            raise MalformedFile("{name}, line {line}: too long to be a row.", name=name, line=number)
    head = next((line for line in lines if line.strip()), None)
    if head is None:
        raise MalformedFile("{name} is empty.", name=name)
    reader = csv.reader(lines, delimiter=";" if ";" in head else ",", skipinitialspace=True)
    try:
        rows = [(reader.line_num, [field.strip() for field in row]) for row in reader if row]
    except csv.Error as error:
        raise MalformedFile("{name}: a quotation mark is never closed.", name=name) from error
    return rows[0][1], rows[1:]


class Rejected:
    """The rows of one file that cannot be used: for each line the first fault that was found."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._faults: dict[int, MalformedFile] = {}

    def __len__(self) -> int:
        return len(self._faults)

    def __iter__(self) -> Iterator[int]:
        return iter(self._faults)

    def add(self, line: int, fault: MalformedFile) -> None:
        """Reject a row.

        Raises
        ------
        MalformedFile
            That makes too many.

        """
        self._faults.setdefault(line, fault)
        if len(self._faults) > MOST_REJECTED:
            raise self._too_many()

    def whole(self, rows: list[Row], width: int) -> list[Row]:
        """The rows that have ``width`` fields; the others are rejected."""
        for line, fields in rows:
            if len(fields) != width:
                self.add(
                    line,
                    MalformedFile(
                        "{name}, line {line}: {fields} fields instead of {wanted}.",
                        name=self._name,
                        line=line,
                        fields=len(fields),
                        wanted=width,
                    ),
                )
        return [row for row in rows if len(row[1]) == width]

    def check(self, rows: int) -> None:
        """Refuse a file of which more than half of the ``rows`` are rejected.

        Raises
        ------
        MalformedFile
            They are.

        """
        if 2 * len(self._faults) > rows:
            raise self._too_many()

    def first(self) -> MalformedFile | None:
        """The fault that was found first, if there is any."""
        return next(iter(self._faults.values()), None)

    def told(self) -> list[dict[str, Any]]:
        """JSON-able, by line: ``line``, and why as a translatable ``message`` with its ``fields``."""
        return [
            {"line": line, "message": fault.message, "fields": dict(fault.fields)}
            for line, fault in sorted(self._faults.items())
        ]

    def _too_many(self) -> MalformedFile:
        first = min(self._faults)
        return MalformedFile(
            "{name}: more than half of the rows, or more than {most}, cannot be used. The first: {fault}",
            name=self._name,
            most=MOST_REJECTED,
            fault=self._faults[first],
        )


def _content(source: Path | str | BinaryIO, name: str) -> bytes:
    try:
        if not isinstance(source, (str, Path)):
            return _unpacked(source.read(LARGEST_FILE_BYTES + 1), name)
        with Path(source).open("rb") as file:
            return _unpacked(file.read(LARGEST_FILE_BYTES + 1), name)
    except FileNotFoundError as error:
        raise InvalidInput("There is no file {path}.", path=name) from error
    except OSError as error:
        raise InvalidInput("{path} cannot be read ({reason}).", path=name, reason=error.strerror) from error


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


def _decoded(content: bytes, name: str) -> str:
    encoding = _encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise MalformedFile("{name} is not a text file.", name=name)
    return text


def _encoding(content: bytes) -> str:
    """By the file's mark; without one, every second byte of a western text in UTF-16 is zero, and of no other text."""
    for mark, encoding in _MARKED.items():
        if content.startswith(mark):
            return encoding
    looked_at = content[:_LOOKED_AT_BYTES]
    most = 0.8 * len(looked_at) / 2
    if looked_at[1::2].count(0) > most and looked_at[0::2].count(0) == 0:
        return "utf-16-le"
    if looked_at[0::2].count(0) > most and looked_at[1::2].count(0) == 0:
        return "utf-16-be"
    return "utf-8"
