"""OpenWeatherMap: current weather and the forecast of five days in steps of three hours, with a key of the free plan.

What one would not expect:

- its own status, ``cod``, stands inside the answer, as a number or as text;
- temperatures are in kelvin unless ``units=metric`` is asked for; kelvin are refused for being impossible degrees;
- ``pressure`` is that at sea level, ``grnd_level`` that at the station;
- ``dt`` of a forecast is the moment of its temperature and wind, while its rain, its snow and their probability are of
  the three hours BEFORE: they belong to the interval that starts three hours earlier;
- where ``rain`` and ``snow`` are not there, none is forecast ("these weather phenomena are just not happened");
- current ``rain`` is that of the last sixty minutes, which are no hour of the clock: it is left out.

There are no past data, and no time of issue: a forecast counts as issued when it was asked for.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

from chocofactory.core.clock import SystemClock, local_date
from chocofactory.core.errors import MalformedAnswer, NotPublished, SourceError
from chocofactory.domain.measurements import HOURLY
from chocofactory.sources.base import IssuedForecast, number
from chocofactory.sources.http import HttpClient, Timing
from chocofactory.sources.weather import inside, no_weather, unknown_form, weather_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from chocofactory.core.config import Settings
    from chocofactory.sources.answer import Answer

STEP = timedelta(hours=3)
"""Length of a forecast's intervals."""

_NOTHING_THERE = 404
_PERCENT = 100
_DECIMALS = 6
_LATEST_S = 4_102_444_800
_STATES = (
    "temperature_c",
    "humidity_pct",
    "pressure_hpa",
    "sea_level_pressure_hpa",
    "wind_ms",
    "wind_direction_deg",
)
_SUMS = ("precipitation_mm", "precipitation_probability_pct")


def site(settings: Settings) -> str:
    """The name of the plant's place among OpenWeatherMap's series: its coordinates, to some ten metres."""
    return f"{settings.latitude:.4f},{settings.longitude:.4f}"


class OpenWeather:
    """Weather from OpenWeatherMap for the plant's coordinates; ``settings.openweather_key`` is needed."""

    name = "openweather"
    reach = timedelta()

    def __init__(self, settings: Settings, **timing: Unpack[Timing]) -> None:
        self.station = self.place = site(settings)
        self._clock = timing.get("clock") or SystemClock()
        key = {"appid": settings.openweather_key} if settings.openweather_key else {}
        where = {"lat": str(settings.latitude), "lon": str(settings.longitude), "units": "metric"}
        self._http = HttpClient(
            self.name,
            settings.openweather_url,
            settings,
            headers={"Accept": "application/json"},
            params={**where, **key},
            **timing,
        )

    def observations(self, first: date, last: date) -> pd.DataFrame:
        """The present hour, if it is of the local days ``first`` ... ``last``: see ``ObservationSource``.

        Nothing is asked when today is not among them.
        """
        nothing = no_weather(self.name, first, last)
        if not first <= local_date(self._clock.now()) <= last:
            raise nothing
        answer = self._http.get("data/2.5/weather", refine=self._refine(nothing))
        return parse_current(answer.json(), first, last, source=self.name)

    def forecast(self) -> IssuedForecast:
        """The forecast in force, in steps of three hours as issued: see ``ForecastSource.forecast``."""
        asked_at = self._clock.now()
        nothing = NotPublished("{source} has no forecast for {place}.", source=self.name, place=self.place)
        answer = self._http.get("data/2.5/forecast", refine=self._refine(nothing))
        frame = parse_forecast(answer.json(), source=self.name)
        if frame.empty:
            raise nothing
        return IssuedForecast(asked_at, STEP, frame)

    @staticmethod
    def _refine(nothing: NotPublished) -> Callable[[Answer], SourceError | int | None]:
        def refine(answer: Answer) -> SourceError | int | None:
            status = _status_inside(answer)
            return nothing if status == _NOTHING_THERE else status

        return refine


def parse_current(payload: Any, first: date, last: date, *, source: str = OpenWeather.name) -> pd.DataFrame:
    """Current weather as the observation of the hour that holds it; see ``weather_frame`` for what else is raised.

    Returns
    -------
    DataFrame
        As ``ObservationSource.observations`` says: one row, without precipitation.

    Raises
    ------
    NotPublished
        The hour is not of these days.
    MalformedAnswer
        An unknown form.

    """
    if not isinstance(payload, dict):
        raise unknown_form(source)
    at = _moment(payload, source).replace(minute=0, second=0)
    frame = inside(weather_frame([(at, _states(payload, source))], HOURLY, source=source), first, last)
    if frame.empty:
        raise no_weather(source, first, last)
    return frame.reindex(columns=list(_STATES)).astype(float)


def parse_forecast(payload: Any, *, source: str = OpenWeather.name) -> pd.DataFrame:
    """The steps of a forecast as issued; see ``weather_frame`` for what else is raised.

    Returns
    -------
    DataFrame
        As ``IssuedForecast`` says, in steps of three hours. The first holds precipitation alone, the last has none.
        Empty when there are no steps.

    Raises
    ------
    MalformedAnswer
        An unknown form.

    """
    steps = payload.get("list") if isinstance(payload, dict) else None
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise unknown_form(source)
    rows: list[tuple[datetime, dict[str, float]]] = []
    for step in steps:
        at = _moment(step, source)
        rows += [(at - STEP, _sums(step, source)), (at, _states(step, source))]
    frame = weather_frame(rows, STEP, source=source)
    return frame.reindex(columns=[*_STATES, *_SUMS]).astype(float)


def _status_inside(answer: Answer) -> int | None:
    try:
        payload = answer.json()
    except MalformedAnswer:
        return None
    status = str(payload.get("cod", "")) if isinstance(payload, dict) else ""
    return int(status) if status.isdecimal() else None


def _moment(row: Mapping[str, Any], source: str) -> datetime:
    stamp = row.get("dt")
    if isinstance(stamp, bool) or not isinstance(stamp, int) or not 0 < stamp < _LATEST_S:
        raise unknown_form(source)
    return datetime.fromtimestamp(stamp, UTC)


def _states(row: Mapping[str, Any], source: str) -> dict[str, float]:
    """What counts for a moment; only the temperature is always there."""
    air, wind = row.get("main"), row.get("wind", {})
    if not isinstance(air, dict) or "temp" not in air or not isinstance(wind, dict):
        raise unknown_form(source)
    found = (
        air["temp"],
        air.get("humidity"),
        air.get("grnd_level"),
        air.get("sea_level", air.get("pressure")),
        wind.get("speed"),
        wind.get("deg"),
    )
    return {name: number(value, source) for name, value in zip(_STATES, found, strict=True)}


def _sums(row: Mapping[str, Any], source: str) -> dict[str, float]:
    """What counts for the three hours before."""
    rain, snow = row.get("rain", {}), row.get("snow", {})
    if not isinstance(rain, dict) or not isinstance(snow, dict):
        raise unknown_form(source)
    fallen = number(rain.get("3h", 0), source) + number(snow.get("3h", 0), source)
    return {
        "precipitation_mm": round(fallen, _DECIMALS),
        "precipitation_probability_pct": round(number(row.get("pop"), source) * _PERCENT, _DECIMALS),
    }
