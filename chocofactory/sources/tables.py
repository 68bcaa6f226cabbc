"""Tables with a header in files that people bring: columns of moments and of numbers, bad rows named by their line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.errors import MalformedFile
from chocofactory.sources.text_files import Rejected, split_rows

if TYPE_CHECKING:
    import numpy.typing as npt

_CLOCK = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_OFFSET = r"(?:Z|[+-]\d\d:?\d\d)"
_SPANISH_NUMBER = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


class TableReader:
    """Reads one file's table; collects the rows that it has to reject."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rejected = Rejected(name)

    def table(self, text: str) -> pd.DataFrame:
        """All whole rows as text, by line number; columns as the header names them, in lower case.

        Raises
        ------
        MalformedFile
            As ``split_rows`` says, or a column is named twice.

        """
        head, rows = split_rows(text, self._name)
        header = [column.lower() for column in head]
        if len(set(header)) != len(header):
            raise MalformedFile("{name} names a column twice.", name=self._name)
        whole = self._rejected.whole(rows, len(header))
        columns = zip(*(fields for _, fields in whole), strict=True) if whole else [()] * len(header)
        content = {name: pd.Series(column, dtype="str") for name, column in zip(header, columns, strict=True)}
        return pd.DataFrame(content).set_axis([line for line, _ in whole])

    def times(self, column: pd.Series, *, zone_needed: bool) -> pd.DatetimeIndex:
        """Moments in UTC; NaT for the rows that are rejected for theirs."""
        form = f"{_CLOCK}{_OFFSET}" if zone_needed else f"{_CLOCK}{_OFFSET}?"
        times = pd.to_datetime(column.where(column.str.fullmatch(form)), utc=True, format="ISO8601", errors="coerce")
        index = pd.DatetimeIndex(times)
        for line in column.index[index.isna()]:
            self._rejected.add(
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
            self._rejected.add(
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
