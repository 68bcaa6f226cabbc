"""What every weather source checks before it hands values on: numbers, times, and what no thermometer can show."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.clock import day_bounds
from chocofactory.core.errors import MalformedAnswer, NotPublished
from chocofactory.core.logs import get_logger
from chocofactory.domain.gaps import on_grid
from chocofactory.sources.base import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    Rows = Iterable[tuple[datetime, Mapping[str, Any]]]

log = get_logger(__name__)

_LIMITS = {
    "c": (-60.0, 60.0),
    "pct": (0.0, 100.0),
    "hpa": (500.0, 1100.0),
    "ms": (0.0, 120.0),
    "deg": (0.0, 360.0),
    "mm": (0.0, 1500.0),
    "h": (0.0, 24.0),
}
"""By unit, the last part of a field's name, what can be. Temperatures in kelvin and pressures in Pa fall outside.

Records: -32.0 and 47.6 degC on Spanish soil, 113 m/s (gust, Barrow Island 1996), 817 mm (a day, Oliva 1987); 500 hPa is
the air at 5,500 m.
"""

_SATURATED_PCT = 105.0
_MOST_IMPOSSIBLE = 0.25
_FULL_TURN = 360.0
_YEARS = range(1900, 2200)
_WRITTEN = re.compile(r"-?\d+([.,]\d+)?")


def weather_frame(rows: Rows, resolution: timedelta, *, source: str) -> pd.DataFrame:
    """A frame out of pairs of time (aware, START of interval) and values by field; None and NaN are missing.

    Several rows may tell of one time, as long as none contradicts another. Rows without a value are left out. North is
    0 and never 360 degrees; humidity a little above 100 %, as sensors show it in fog, is 100 %. A value that cannot be
    is missing, as long as such values are few: a broken sensor must not cost other hours, which cannot be had later.

    Raises
    ------
    MalformedAnswer
        A time off the grid of ``resolution``, two values for one, or a field of which a quarter cannot be.

    """
    merged: dict[datetime, dict[str, Any]] = {}
    tally = _Tally(source)
    for time, values in rows:
        row = merged.setdefault(time.astimezone(UTC), {})
        for name, value in values.items():
            fresh = tally.plausible(name, value)
            if row.setdefault(name, fresh) is None:
                row[name] = fresh
            elif fresh is not None and fresh != row[name]:
                raise MalformedAnswer(
                    "{source} answered with two values of {field} for {time}.",
                    source=source,
                    field=name,
                    time=time.isoformat(),
                )
    tally.settle()
    index = pd.DatetimeIndex(list(merged), tz=UTC, name="time").as_unit("us")
    if (off_grid := ~on_grid(index, resolution)).any():
        raise MalformedAnswer(
            "{source} answered with {time}, where no interval starts.",
            source=source,
            time=index[off_grid][0].isoformat(),
        )
    return pd.DataFrame(list(merged.values()), index=index).sort_index().dropna(how="all")


def inside(frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """The rows of the local days ``first`` ... ``last``, both included."""
    start, end = day_bounds(first, last)
    return frame[(frame.index >= start) & (frame.index < end)]


def written_number(text: Any, source: str) -> float:
    """A number written as text, with a decimal comma or point; a blank is NaN, and so is what is not there.

    Raises
    ------
    MalformedAnswer
        It is something else.

    """
    if not isinstance(text, str):
        return number(text, source)
    if not text.strip():
        return math.nan
    if not _WRITTEN.fullmatch(text.strip()):
        raise MalformedAnswer("{source} answered with {value} where a number belongs.", source=source, value=repr(text))
    return float(text.strip().replace(",", "."))


def moment(stamp: Any, source: str) -> datetime:
    """The time that a stamp in ISO 8601 tells, with a zone or without.

    Raises
    ------
    MalformedAnswer
        It tells none, or one outside 1900 to 2199.

    """
    try:
        told = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        told = None
    if told is None or told.year not in _YEARS:
        raise MalformedAnswer("{source} answered with {value} where a time belongs.", source=source, value=repr(stamp))
    return told


def unknown_form(source: str) -> MalformedAnswer:
    """The error that says that an answer does not look like any that this program knows."""
    return MalformedAnswer("{source} answered in a form that is not known.", source=source)


def elsewhere(answered: object, station: str, source: str) -> MalformedAnswer:
    """The error that says that an answer tells of another place than the one asked for."""
    return MalformedAnswer(
        "{source} answered for {answered}, not for {station}.", source=source, answered=answered, station=station
    )


def no_weather(source: str, first: date, last: date) -> NotPublished:
    """The error that says that a source has no weather of these days."""
    return NotPublished("{source} has no weather for {first} to {last}.", source=source, first=first, last=last)


class _Tally:
    """Which values of an answer cannot be, field by field."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._given: Counter[str] = Counter()
        self._impossible: dict[str, list[float]] = {}

    def plausible(self, name: str, value: Any) -> Any:
        """The value as it is kept; None where it is missing or cannot be."""
        if not isinstance(value, float) or math.isnan(value):
            return None if isinstance(value, float) else value
        self._given[name] += 1
        least, most = _LIMITS[name.rsplit("_", 1)[-1]]
        if name.startswith("humidity") and most < value <= _SATURATED_PCT:
            return most
        if not least <= value <= most:
            self._impossible.setdefault(name, []).append(value)
            return None
        return value % _FULL_TURN if name.endswith("_deg") else value

    def settle(self) -> None:
        """Refuse an answer of which too much cannot be; note the little that was left out."""
        for name, values in self._impossible.items():
            if len(values) >= _MOST_IMPOSSIBLE * self._given[name]:
                raise MalformedAnswer(
                    "{source} answered with {value} as {field}, which cannot be.",
                    source=self._source,
                    value=values[0],
                    field=name,
                )
            log.warning("impossible values left out", source=self._source, field=name, values=values)
