"""What people and programs ask about the weather: now, the hours that are over, and the hours to come.

Providers' series are blended when they are asked for: each value comes from the first provider that has it, and says
so. Observations and forecasts are never mixed. What nobody has is missing, with the reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.clock import MADRID, day_bounds
from chocofactory.domain import weather
from chocofactory.domain.gaps import expected_grid
from chocofactory.domain.measurements import HOURLY, WEATHER_FORECAST, WEATHER_OBSERVATION
from chocofactory.services.ranges import check_days
from chocofactory.services.weather_ingestion import issue_in_force

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from chocofactory.core.clock import Clock
    from chocofactory.domain.measurements import Field, Measurement
    from chocofactory.store.base import SeriesStore

HORIZON = timedelta(hours=120)
"""How far a forecast is asked for: what OpenWeatherMap's free plan holds."""
RECENT = timedelta(hours=24)
STALE = timedelta(hours=3)
"""An observation older than this no longer tells what the weather is now; it is shown with its age and called stale."""
OLD_ISSUE = timedelta(hours=12)
"""Forecasts are renewed several times a day: one that is older than this knows less than another's new one."""
_LONGEST_STEP = timedelta(hours=3)
_DECIMALS = 3


@dataclass(frozen=True)
class Place:
    """Where one provider's series stand: its station of observations, and the place that its forecasts are for."""

    provider: str
    station: str
    place: str


@dataclass(frozen=True)
class Value:
    """One value: with its provider and kind where it is there, else with the reason why it is not.

    ``kind`` is ``observed``, ``forecast``, ``simulated`` or ``unavailable``; ``time`` (UTC) is the start of its hour.
    """

    field: Field
    value: float | None
    provider: str | None
    kind: str
    reason: str | None = None
    time: datetime | None = None


@dataclass(frozen=True)
class Reading:
    """The newest observed hour: its start and end (UTC), and a value for each field of ``weather_observation``."""

    time: datetime
    end: datetime
    values: Mapping[str, Value]
    stale: bool

    @property
    def providers(self) -> list[str]:
        """Providers of the values that are there, each once, in order of the fields."""
        return list(dict.fromkeys(value.provider for value in self.values.values() if value.provider))


@dataclass(frozen=True)
class Outlook:
    """The weather around the present moment: the newest reading, the hours before it and the forecast."""

    now: datetime
    reading: Reading | None
    observed: weather.Blend
    forecast: weather.Blend


class Weather:
    """Reads weather and answers questions about it; changes nothing.

    ``places`` name the series that count, in order of preference.
    """

    def __init__(self, store: SeriesStore, clock: Clock, places: Sequence[Place]) -> None:
        self._store = store
        self._clock = clock
        self._places = places

    def observed(self, first: date, last: date, provider: str | None = None) -> weather.Blend:
        """Hourly observations of local days ``first`` ... ``last``, both included: a row for each hour that is over.

        An hour under way has one too where it was observed already. ``provider`` asks for one provider's alone.

        Raises
        ------
        InvalidInput
            The range is none (see ``ranges.check_days``).

        """
        check_days(first, last)
        start, end = day_bounds(first, last)
        parts = self._observations(start, end, provider)
        over = expected_grid(start, max(start, min(end, self._hour())), HOURLY)
        grid = pd.DatetimeIndex(over.append([part.frame.index for part in parts]).unique(), name="time").sort_values()
        return _whole(weather.blend(parts, grid), WEATHER_OBSERVATION)

    def current(self) -> Reading | None:
        """The newest observed hour of the last day; None where nothing was observed.

        What it lacks is taken from the hours before it, three at most, and says of which hour it is.
        """
        now = self._clock.now()
        recent = self._recent(now, RECENT)
        if recent.frame.empty:
            return None
        time = recent.frame.index[-1].to_pydatetime()
        fresh = recent.frame.index >= pd.Timestamp(time - STALE)
        reporters = [str(name) for name in pd.unique(recent.origin[fresh].to_numpy().ravel()) if not pd.isna(name)]
        values = {
            field.name: _value(field, recent.frame.loc[fresh, field.name], recent.origin[field.name], reporters)
            for field in WEATHER_OBSERVATION.fields
        }
        return Reading(time, time + HOURLY, values, now - (time + HOURLY) > STALE)

    def forecast(self, hours: int = int(HORIZON / HOURLY)) -> weather.Blend:
        """The forecast for the present hour and those that follow, a row for each of ``hours``.

        Of each provider the newest issue counts that holds the present, and no older one. One that is older than
        ``OLD_ISSUE`` stands behind those of the others.
        """
        start = self._hour()
        grid = expected_grid(start, start + hours * HOURLY, HOURLY)
        issues = (self._issue(place, start, start + hours * HOURLY) for place in self._places)
        parts = [part for part in issues if part is not None]
        parts.sort(key=lambda part: part.issued_at is None or start - part.issued_at > OLD_ISSUE)  # keeps their order
        return _whole(weather.blend(parts, grid), WEATHER_FORECAST)

    def outlook(self, before: timedelta = RECENT, ahead: timedelta = timedelta(hours=48)) -> Outlook:
        """What the Overview shows: the newest reading, the hours ``before`` and the forecast ``ahead``."""
        now = self._clock.now()
        return Outlook(now, self.current(), self._recent(now, before), self.forecast(int(ahead / HOURLY)))

    def _hour(self) -> datetime:
        return self._clock.now().replace(minute=0, second=0, microsecond=0)

    def _recent(self, now: datetime, length: timedelta) -> weather.Blend:
        return _whole(weather.blend(self._observations(now - length, now)), WEATHER_OBSERVATION)

    def _observations(self, start: datetime, end: datetime, provider: str | None = None) -> list[weather.Part]:
        columns = list(WEATHER_OBSERVATION.field_names)
        return [
            weather.Part(
                place.provider,
                self._store.read(
                    WEATHER_OBSERVATION, start, end, resolution=HOURLY, provider=place.provider, station=place.station
                )[columns],
            )
            for place in self._places
            if provider in {None, place.provider}
        ]

    def _issue(self, place: Place, start: datetime, end: datetime) -> weather.Part | None:
        """A provider's issue in force by the hour, as far as it concerns ``start`` to ``end``; None without one."""
        issue = issue_in_force(self._store, place.provider, place.place, start)
        if issue is None:
            return None
        frame = self._store.read(
            WEATHER_FORECAST,
            start - _LONGEST_STEP,
            end + _LONGEST_STEP,
            issued_at=issue,
            provider=place.provider,
            place=place.place,
        )
        if frame.empty:
            return None
        resolution = frame["resolution"].iloc[0].to_pytimedelta()
        values, interpolated = weather.hourly(frame[list(WEATHER_FORECAST.field_names)], resolution)
        return weather.Part(place.provider, values, interpolated, issue)


def kind_of(provider: str | None, otherwise: str) -> str:
    """What a value is by its provider: the demonstration's are simulated, the others what they were kept as."""
    if provider is None:
        return "unavailable"
    return "simulated" if provider == "demo" else otherwise


def records(blend: weather.Blend, otherwise: str) -> list[dict[str, Any]]:
    """Rows of a blend as REST shows them: every field, null where it is missing, and where each value is from.

    ``otherwise`` is the kind of values that are not simulated: ``observed`` or ``forecast``.
    """
    local = pd.DatetimeIndex(blend.frame.index).tz_convert(MADRID)
    names = [str(name) for name in blend.frame.columns]
    values, origins, marks = (
        frame.to_numpy() for frame in (blend.frame.round(_DECIMALS), blend.origin, blend.interpolated)
    )
    out = []
    for time, row, providers, between in zip(local, values, origins, marks, strict=True):
        known = [place for place, value in enumerate(row) if not math.isnan(value)]
        out.append(
            {
                "timestamp": time.isoformat(),
                **{name: None if math.isnan(value) else float(value) for name, value in zip(names, row, strict=True)},
                "kind": kind_of(providers[known[0]] if known else None, otherwise),
                "providers": {names[place]: providers[place] for place in known},
                "interpolated": [names[place] for place in known if between[place]],
            }
        )
    return out


def _value(field: Field, column: pd.Series, origin: pd.Series, reporters: list[str]) -> Value:
    """The newest value of a field, with its provider and hour."""
    known = column.dropna()
    if known.empty:
        return Value(field, None, None, "unavailable", f"Not reported by {', '.join(reporters)} in these hours.")
    time = known.index[-1]
    provider = str(origin[time])
    return Value(field, float(known.iloc[-1]), provider, kind_of(provider, "observed"), time=time.to_pydatetime())


def _whole(blend: weather.Blend, measurement: Measurement) -> weather.Blend:
    """The same blend with a column for each field of the measurement."""
    names = list(measurement.field_names)
    return weather.Blend(
        blend.frame.reindex(columns=names),
        blend.origin.reindex(columns=names),
        blend.interpolated.reindex(columns=names, fill_value=False).astype(bool),
        blend.issued_at,
    )
