"""Files of generation and demand that people have.

    by day      ``date,datetime,gas_gen_mwh,gas_gen_percentage``: combined cycle in the whole country, MWh and share
                (0 to 1) of a local day, which begins at ``datetime``
    by hour     ``timestamp_utc`` and any of ``demand_scheduled_545_mw``, ``demand_forecast_544_mw``, ``ccgt_550_mw``,
                ``wind_551_mw``, ``hydro_546_mw``, ``nuclear_549_mw``: mean power on the Peninsula, by ESIOS's number

Encodings, line ends, delimiters and what happens to rows that cannot be used are those of ``text_files``. Holes and
blank cells are absent; zero is a value, as in the hours after the blackout of 2025-04-28, and hydro less pumping may be
negative. A row that tells what nobody knows yet cannot be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_start, local_date, local_days
from chocofactory.core.errors import MalformedFile
from chocofactory.domain.gaps import on_grid
from chocofactory.domain.generation import COMBINED_CYCLE, daily_series
from chocofactory.domain.measurements import DAILY, DEMAND, GENERATION, HOURLY, PENINSULA, Series
from chocofactory.sources.tables import TableReader
from chocofactory.sources.text_files import name_of, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    Marks = npt.NDArray[np.bool_]

END_OF_TIMES = datetime(2100, 1, 1, tzinfo=UTC)
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

_DAY, _ENERGY, _SHARE = "datetime", "gas_gen_mwh", "gas_gen_percentage"
_TIME = "timestamp_utc"


def _demand(kind: str) -> Series:
    return Series(DEMAND, {"kind": kind, "system": PENINSULA})


def _generation(technology: str) -> Series:
    return Series(GENERATION, {"technology": technology, "system": PENINSULA})


BY_HOUR: Mapping[str, Series] = {
    "demand_scheduled_545_mw": _demand("scheduled"),
    "demand_forecast_544_mw": _demand("forecast_latest"),
    "ccgt_550_mw": _generation(COMBINED_CYCLE),
    "wind_551_mw": _generation("wind"),
    "hydro_546_mw": _generation("hydro"),
    "nuclear_549_mw": _generation("nuclear"),
}
"""The series of each column of the hourly form: mean power of an hour in MW is its energy in MWh."""


@dataclass(frozen=True)
class Part:
    """What a file holds of one series: the measurement's fields by UTC ``time`` (start of interval, sorted, unique)."""

    series: Series
    frame: pd.DataFrame


@dataclass(frozen=True)
class GenerationFile:
    """What a file of generation holds.

    Of its ``rows`` (without the header), ``blank`` had no value at all, ``repeated`` said again what another row says,
    and ``rejected`` could not be used: for each its ``line``, and why, as a translatable ``message`` with ``fields``.
    """

    parts: list[Part]
    rows: int
    blank: int
    repeated: int
    rejected: list[dict[str, Any]]


def read_generation(
    source: Path | str | BinaryIO, name: str | None = None, *, now: datetime = END_OF_TIMES
) -> GenerationFile:
    """Read a file of generation; ``name`` stands for a stream in what people are told.

    Generation of intervals that are not over by ``now`` is rejected, and demand beyond the end of tomorrow.

    Raises
    ------
    InvalidInput
        There is no such file, or it cannot be read.
    MalformedFile
        It is empty, too large, damaged, of no known form, holds a column that is not known, two values for one
        interval, no value at all, or too many rows that cannot be used.

    """
    name = name_of(source, name)
    return _Reader(name, now).read(read_text(source, name))


class _Reader(TableReader):
    """Reads one file of generation."""

    def __init__(self, name: str, now: datetime) -> None:
        super().__init__(name)
        self._now = now

    def read(self, text: str) -> GenerationFile:
        """Everything from the text to the frames."""
        table = self.table(text)
        rows = len(table) + len(self._rejected)
        columns = set(table.columns)
        if {_DAY, _ENERGY} <= columns:
            times, values = self._by_day(table)
        elif _TIME in columns and len(columns) > 1 and columns <= {_TIME, *BY_HOUR}:
            times, values = self._by_hour(table)
        else:
            raise self._unknown_form()
        empty = values.isna().all(axis=1)
        good = (times.notna() & ~empty & ~values.index.isin(list(self._rejected))).to_numpy(dtype=bool)
        index = pd.DatetimeIndex(times[good]).as_unit("us").rename("time")
        kept = values[good].assign(line=values.index[good]).set_axis(index)
        once = self.once(kept)
        if once.empty:
            raise self._rejected.first() or MalformedFile("{name} holds no value.", name=self._name)
        self._rejected.check(rows)
        blank = int((empty & ~values.index.isin(list(self._rejected))).sum())
        return GenerationFile(_parts(once), rows, blank, len(kept) - len(once), self._rejected.told())

    def _by_day(self, table: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
        """Midnights, and energy and share."""
        times = self.times(table[_DAY], zone_needed=True)
        self._reject_crooked(table[_DAY], times, DAILY)
        values = pd.DataFrame({_ENERGY: self.numbers(table[_ENERGY])}, index=table.index)
        if _SHARE in table:
            values[_SHARE] = self.numbers(table[_SHARE])
            self._reject_shares(table[_SHARE], values[_SHARE].to_numpy())
        not_over = np.asarray(local_days(times) >= pd.Timestamp(local_date(self._now)))
        self._reject_unknowable(table[_DAY], times, not_over & values[_ENERGY].notna().to_numpy())
        return pd.Series(times, index=table.index), values.where(values[_ENERGY].notna())

    def _by_hour(self, table: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
        """Hours, and the power of each column."""
        times = self.times(table[_TIME], zone_needed=False)
        self._reject_crooked(table[_TIME], times, HOURLY)
        columns = [column for column in table.columns if column != _TIME]
        values = pd.DataFrame({column: self.numbers(table[column]) for column in columns}, index=table.index)
        generated = [column for column in columns if BY_HOUR[column].measurement is GENERATION]
        not_over = np.asarray(times + HOURLY > pd.Timestamp(self._now))
        after_tomorrow = np.asarray(times >= pd.Timestamp(_end_of_tomorrow(self._now)))
        unknowable = (not_over & values[generated].notna().any(axis=1).to_numpy()) | after_tomorrow
        self._reject_unknowable(table[_TIME], times, unknowable)
        return pd.Series(times, index=table.index), values

    def _reject_crooked(self, column: pd.Series, times: pd.DatetimeIndex, resolution: timedelta) -> None:
        for line in column.index[times.notna() & ~on_grid(times, resolution)]:
            self._rejected.add(line, self._crooked(line, column[line], resolution))

    def _crooked(self, line: int, value: str, resolution: timedelta) -> MalformedFile:
        if resolution == DAILY:
            return MalformedFile(
                "{name}, line {line}: {value} is not the midnight at which a day begins.",
                name=self._name,
                line=line,
                value=repr(value),
            )
        return MalformedFile(
            "{name}, line {line}: {value} is not the start of an hour.", name=self._name, line=line, value=repr(value)
        )

    def _reject_shares(self, column: pd.Series, shares: npt.NDArray[np.float64]) -> None:
        for line in column.index[np.abs(shares) > 1]:
            self._rejected.add(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} is no share between 0 and 1.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                ),
            )

    def _reject_unknowable(self, column: pd.Series, times: pd.DatetimeIndex, unknowable: Marks) -> None:
        """Reject rows of before the first moment, and those of which nobody knows the values yet."""
        for line in column.index[times < pd.Timestamp(FIRST_MOMENT)]:
            self._rejected.add(
                line,
                MalformedFile(
                    "{name}, line {line}: {value} lies before {first}.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                    first=FIRST_MOMENT.date().isoformat(),
                ),
            )
        for line in column.index[unknowable]:
            self._rejected.add(
                line,
                MalformedFile(
                    "{name}, line {line}: what {value} brings is not known yet.",
                    name=self._name,
                    line=line,
                    value=repr(column[line]),
                ),
            )

    def _unknown_form(self) -> MalformedFile:
        return MalformedFile(
            "{name} has none of the headers that are known: {daily}; {hourly} with any of {columns}.",
            name=self._name,
            daily=f"date,{_DAY},{_ENERGY},{_SHARE}",
            hourly=_TIME,
            columns=", ".join(BY_HOUR),
        )


def _parts(values: pd.DataFrame) -> list[Part]:
    """The series of a file's columns, each with the times at which it has a value."""
    if _ENERGY in values:
        return [Part(daily_series(COMBINED_CYCLE), values.rename(columns={_ENERGY: "energy_mwh", _SHARE: "share"}))]
    columns = {column: values[column].dropna() for column in values.columns}
    return [
        Part(BY_HOUR[name], energy.rename("energy_mwh").to_frame()) for name, energy in columns.items() if len(energy)
    ]


def _end_of_tomorrow(now: datetime) -> datetime:
    return day_start(local_date(now) + timedelta(days=2))
