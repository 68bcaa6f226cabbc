"""AEMET OpenData: hourly observations, daily climatology and the hourly forecast of a municipality, with a free key.

Every question takes two steps: the first answer holds the address (``datos``) at which the second has the data. What it
does that one would not expect:

- its own status, ``estado``, stands inside answers with HTTP 200; 404 means "no data for these criteria";
- without a key it answers HTTP 200 and nothing at all;
- the address is good for some minutes only; it is asked only if it is on the base address's host: the key goes along;
- data are encoded in ISO-8859-15;
- observations carry the END of their hour (``fint``), in UTC, without saying so until some time in 2025;
- a sensor that a station does not have is a field that is not there;
- daily climatology is text for people: decimal commas, ``Ip`` for a trace of rain, ``Acum`` where it was measured with
  the next day's, ``Varias`` for a time that was several.

Pressure is the station's; sea-level pressure is a field of its own.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

from chocofactory.core.clock import HOUR, day_start
from chocofactory.core.errors import KeyRefused, MalformedAnswer, NotPublished, SourceError
from chocofactory.domain.measurements import DAILY, HOURLY
from chocofactory.sources.aemet_forecast import parse_forecast
from chocofactory.sources.base import check_length, number
from chocofactory.sources.http import HttpClient, Timing
from chocofactory.sources.weather import (
    elsewhere,
    inside,
    moment,
    no_weather,
    unknown_form,
    weather_frame,
    written_number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from chocofactory.core.config import Settings
    from chocofactory.sources.answer import Answer
    from chocofactory.sources.base import IssuedForecast

_ENCODING = "iso-8859-15"
_NOTHING_THERE = 404
_FIRST_ERROR = 400

_SENSORS = {
    "temperature_c": "ta",
    "humidity_pct": "hr",
    "pressure_hpa": "pres",
    "sea_level_pressure_hpa": "pres_nmar",
    "wind_ms": "vv",
    "wind_direction_deg": "dv",
    "precipitation_mm": "prec",
}
_DAILY_NUMBERS = {
    "temperature_mean_c": "tmed",
    "temperature_max_c": "tmax",
    "temperature_min_c": "tmin",
    "humidity_mean_pct": "hrMedia",
    "humidity_max_pct": "hrMax",
    "humidity_min_pct": "hrMin",
    "pressure_max_hpa": "presMax",
    "pressure_min_hpa": "presMin",
    "wind_ms": "velmedia",
    "gust_ms": "racha",
    "sunshine_h": "sol",
}
_DAILY_TIMES = {"temperature_max_time": "horatmax", "temperature_min_time": "horatmin"}
_SEVERAL_TIMES = "Varias"
_TRACE, _WITH_THE_NEXT_DAY = "Ip", "Acum"
_VARIABLE, _UNKNOWN = 99, 88
_DEGREES = 10


class Aemet:
    """Weather from AEMET OpenData for one station and one municipality; ``settings.aemet_key`` is needed."""

    name = "aemet"
    reach = timedelta(hours=24)
    longest_request = timedelta(days=31)

    def __init__(self, settings: Settings, **timing: Unpack[Timing]) -> None:
        self.station = settings.aemet_station
        self.place = settings.aemet_municipality
        key = {"api_key": settings.aemet_key} if settings.aemet_key else {}
        self._http = HttpClient(
            self.name,
            settings.aemet_url,
            settings,
            headers={"Accept": "application/json", **key},
            **timing,
        )

    def observations(self, first: date, last: date) -> pd.DataFrame:
        """Observations of the local days ``first`` ... ``last``, 12 to 24 hours back: see ``ObservationSource``."""
        nothing = no_weather(self.name, first, last)
        payload = self._fetch(f"observacion/convencional/datos/estacion/{self.station}", nothing)
        return parse_observations(payload, self.station, first, last, source=self.name)

    def daily(self, first: date, last: date) -> pd.DataFrame:
        """Climatology of the local days ``first`` ... ``last``, about four days late: see ``DailySource.daily``."""
        check_length(self, first, last)
        days = f"fechaini/{first}T00:00:00UTC/fechafin/{last}T23:59:59UTC"
        nothing = no_weather(self.name, first, last)
        payload = self._fetch(f"valores/climatologicos/diarios/datos/{days}/estacion/{self.station}", nothing)
        return parse_daily(payload, self.station, first, last, source=self.name)

    def forecast(self) -> IssuedForecast:
        """The forecast in force, hour by hour for about 48 h: see ``ForecastSource.forecast``."""
        nothing = NotPublished("{source} has no forecast for {place}.", source=self.name, place=self.place)
        payload = self._fetch(f"prediccion/especifica/municipio/horaria/{self.place}", nothing)
        return parse_forecast(payload, self.place, source=self.name)

    def _fetch(self, path: str, nothing: NotPublished) -> Any:
        """The data of a question, in both steps; ``nothing`` is raised where there are none."""

        def first_step(answer: Answer) -> SourceError | int | None:
            if answer.status < _FIRST_ERROR and not answer.body.strip():
                return KeyRefused("{source} answered with nothing, as it does without a key.", source=self.name)
            status = _status_inside(answer)
            return nothing if status == _NOTHING_THERE else status

        def second_step(answer: Answer) -> SourceError | int | None:
            status = _status_inside(answer)
            if _NOTHING_THERE in (status, answer.status):
                return MalformedAnswer("{source} gave an address at which there is nothing.", source=self.name)
            return status

        step = self._http.get(path, refine=first_step).json(_ENCODING)
        address = step.get("datos") if isinstance(step, dict) else None
        if not isinstance(address, str):
            raise unknown_form(self.name)
        return self._http.get(address, refine=second_step).json(_ENCODING)


def parse_observations(
    payload: Any, station: str, first: date, last: date, *, source: str = Aemet.name
) -> pd.DataFrame:
    """Hourly observations of one station out of the data; see ``weather_frame`` for what else is raised.

    Returns
    -------
    DataFrame
        As ``ObservationSource.observations`` says, with all fields of ``weather_observation``.

    Raises
    ------
    NotPublished
        There is nothing of these days: AEMET answers with the latest hours, whatever the day.
    MalformedAnswer
        An unknown form, or other stations only.

    """
    rows = _of_station(payload, "idema", station, source)
    timed = (
        (_hour(row, source), {name: number(row.get(sensor), source) for name, sensor in _SENSORS.items()})
        for row in rows
    )
    frame = inside(weather_frame(timed, HOURLY, source=source), first, last)
    if frame.empty:
        raise no_weather(source, first, last)
    return frame.reindex(columns=list(_SENSORS)).astype(float)


def parse_daily(payload: Any, station: str, first: date, last: date, *, source: str = Aemet.name) -> pd.DataFrame:
    """Daily climatology of one station out of the data; see ``weather_frame`` for what else is raised.

    Returns
    -------
    DataFrame
        As ``DailySource.daily`` says, with all fields of ``weather_daily``.

    Raises
    ------
    NotPublished
        There is no day, or no value in any.
    MalformedAnswer
        An unknown form, other stations only, or only days that were not asked for.

    """
    rows = _of_station(payload, "indicativo", station, source)
    timed = [(day_start(_day(row, source)), _daily_values(row, source)) for row in rows]
    frame = weather_frame(timed, DAILY, source=source)
    if frame.empty:
        raise no_weather(source, first, last)
    asked = inside(frame, first, last)
    if asked.empty:
        raise MalformedAnswer(
            "{source} answered for {answered} when it was asked for {first} to {last}.",
            source=source,
            answered=frame.index[0].isoformat(),
            first=first,
            last=last,
        )
    kinds = dict.fromkeys(asked.columns, "float64")
    kinds |= dict.fromkeys(_DAILY_TIMES, "str") | {"precipitation_trace": "boolean"}
    return asked.astype(kinds)


def _status_inside(answer: Answer) -> int | None:
    try:
        payload = answer.json(_ENCODING)
    except MalformedAnswer:
        return None
    status = payload.get("estado") if isinstance(payload, dict) else None
    return status if isinstance(status, int) else None


def _of_station(payload: Any, key: str, station: str, source: str) -> list[Mapping[str, Any]]:
    """The rows of one station; others may stand beside it, but not instead of it."""
    if not isinstance(payload, list) or not all(isinstance(row, dict) and key in row for row in payload):
        raise unknown_form(source)
    rows = [row for row in payload if row[key] == station]
    if payload and not rows:
        raise elsewhere(payload[0][key], station, source)
    return rows


def _hour(row: Mapping[str, Any], source: str) -> datetime:
    """The START of the hour that ends at ``fint``."""
    end = moment(row.get("fint"), source)
    return (end.replace(tzinfo=UTC) if end.tzinfo is None else end) - HOUR


def _day(row: Mapping[str, Any], source: str) -> date:
    return moment(row.get("fecha"), source).date()


def _daily_values(row: Mapping[str, Any], source: str) -> dict[str, Any]:
    numbers = {name: written_number(row.get(key), source) for name, key in _DAILY_NUMBERS.items()}
    times = {name: _time(row.get(key), source) for name, key in _DAILY_TIMES.items()}
    rain = row.get("prec")
    fallen = _fallen(rain, source)
    direction = written_number(row.get("dir"), source)
    return {
        **numbers,
        **times,
        "gust_direction_deg": math.nan if direction in (_VARIABLE, _UNKNOWN) else direction * _DEGREES,
        "precipitation_mm": fallen,
        "precipitation_trace": None if math.isnan(fallen) else rain == _TRACE,
    }


def _fallen(rain: Any, source: str) -> float:
    if rain == _WITH_THE_NEXT_DAY:
        return math.nan
    return 0.0 if rain == _TRACE else written_number(rain, source)


def _time(text: Any, source: str) -> str | None:
    if text is None or text in ("", _SEVERAL_TIMES):
        return None
    if not isinstance(text, str):
        raise unknown_form(source)
    return text
