"""AEMET's hourly forecast of a municipality, as its data have it.

Everything is on the wall clock of Madrid, the time of issue (``elaborado``) too. Values stand by hour (``"10"`` is the
hour that starts at ten), the probability of precipitation by span (``"0814"`` from eight to fourteen, ``"2002"`` into
the next day). On the day with 25 hours the hour that comes twice is told apart by its order: given once, it is the
first. On the day with 23 the one that does not exist is left out. Wind is in km/h and comes from a direction by name;
entries of it without a speed are gusts. What lies beyond the forecast's end is blank.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import HOUR, MADRID, local
from chocofactory.core.errors import MalformedAnswer, NotPublished
from chocofactory.domain.measurements import HOURLY
from chocofactory.sources.base import IssuedForecast
from chocofactory.sources.weather import elsewhere, moment, unknown_form, weather_frame, written_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Row = tuple[datetime, dict[str, float]]

_BY_HOUR = {
    "temperatura": "temperature_c",
    "humedadRelativa": "humidity_pct",
    "precipitacion": "precipitation_mm",
}
_FIELDS = (
    *_BY_HOUR.values(),
    "wind_ms",
    "wind_direction_deg",
    "precipitation_probability_pct",
)
_DIRECTIONS = {name: 45.0 * number for number, name in enumerate(("N", "NE", "E", "SE", "S", "SO", "O", "NO"))}
_CALM, _TRACE = "C", "Ip"
_KMH_PER_MS = 3.6
_ONE_DAY = timedelta(days=1)
_HOUR_OF_DAY = re.compile(r"[01]\d|2[0-3]")
_SPAN = re.compile(r"([01]\d|2[0-4])([01]\d|2[0-4])")


def parse_forecast(payload: Any, place: str, *, source: str) -> IssuedForecast:
    """The hourly forecast of one municipality out of the data; see ``weather_frame`` for what else is raised.

    Raises
    ------
    NotPublished
        There is no value in it.
    MalformedAnswer
        An unknown form, another municipality, or a value that is none.

    """
    nothing = NotPublished("{source} has no forecast for {place}.", source=source, place=place)
    if payload == []:
        raise nothing
    try:
        (town,) = payload
        answered = str(town.get("id", place)).zfill(len(place))
        issued_at = moment(town["elaborado"], source)
        rows = [row for day in town["prediccion"]["dia"] for row in _day(day, source)]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unknown_form(source) from None
    if answered != place:
        raise elsewhere(answered, place, source)
    frame = weather_frame(rows, HOURLY, source=source)
    if frame.empty:
        raise nothing
    issued_at = issued_at.replace(tzinfo=MADRID) if issued_at.tzinfo is None else issued_at
    return IssuedForecast(issued_at.astimezone(UTC), HOURLY, frame.reindex(columns=list(_FIELDS)).astype(float))


def _day(day: Mapping[str, Any], source: str) -> Iterator[Row]:
    """Every value of one day of the forecast."""
    on = moment(day["fecha"], source).date()
    for key, field in _BY_HOUR.items():
        for start, entry in _by_hour(on, day.get(key, ())):
            yield start, {field: _amount(entry["value"], source)}
    wind = [entry for entry in day.get("vientoAndRachaMax", ()) if "velocidad" in entry]
    for start, entry in _by_hour(on, wind):
        (speed,), (direction,) = entry["velocidad"], entry["direccion"]
        wind_ms = round(written_number(speed, source) / _KMH_PER_MS, 3)
        yield start, {"wind_ms": wind_ms, "wind_direction_deg": _degrees(direction, source)}
    for entry in day.get("probPrecipitacion", ()):
        chance = written_number(entry["value"], source)
        for start in _hours_of_span(on, entry["periodo"]):
            yield start, {"precipitation_probability_pct": chance}


def _by_hour(on: date, entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    """The entries with the start of their hour in UTC; the second one of an hour is that of the repeated hour."""
    seen: Counter[str] = Counter()
    for entry in entries:
        label = entry["periodo"]
        if not _HOUR_OF_DAY.fullmatch(label):
            msg = f"not an hour: {label!r}"
            raise ValueError(msg)
        wall = datetime.combine(on, time(int(label), fold=min(seen[label], 1)), MADRID)
        seen[label] += 1
        start = wall.astimezone(UTC)
        if local(start).hour == wall.hour:
            yield start, entry


def _hours_of_span(on: date, label: str) -> Iterator[datetime]:
    """The start of every hour of a span, in UTC."""
    match = _SPAN.fullmatch(label)
    if match is None:
        msg = f"not a span of hours: {label!r}"
        raise ValueError(msg)
    first, last = int(match[1]), int(match[2])
    start, end = _wall(on, first), _wall(on if last > first else on + _ONE_DAY, last)
    while start < end:
        yield start
        start += HOUR


def _wall(on: date, hour: int) -> datetime:
    """An hour of a local day in UTC: the first of one that comes twice, and 24 is the midnight that ends the day."""
    day, of_day = divmod(hour, 24)
    return datetime.combine(on + day * _ONE_DAY, time(of_day), MADRID).astimezone(UTC)


def _amount(text: Any, source: str) -> float:
    return 0.0 if text == _TRACE else written_number(text, source)


def _degrees(name: Any, source: str) -> float:
    if name in ("", _CALM, None):
        return math.nan
    if name not in _DIRECTIONS:
        raise MalformedAnswer(
            "{source} answered with {value} where a wind direction belongs.", source=source, value=repr(name)
        )
    return _DIRECTIONS[name]
