"""How favourable the coming hours are for production, from the prices and the weather that are expected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from chocofactory.core.clock import HOUR, day_bounds, local, local_date
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.scoring import Recommendation, score, scores
from chocofactory.services.forecasts import LONGEST_HORIZON

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from chocofactory.core.clock import Clock
    from chocofactory.domain.plant import Plant
    from chocofactory.services.forecasts import Forecast

RULE = "100 x (weighted sum of price, room temperature and room humidity), and the plant's hard limits; see plant.toml"
"""What gives a score, for programs."""
UNAVAILABLE = "unavailable"
"""The kind of a price or of weather that nobody knows."""
_DIGITS = {"price_eur_kwh": 8, "score": 1, "price_points": 2, "temperature_points": 2, "humidity_points": 2}


class Prices(Protocol):
    """What tells prices to come: ``services.forecasts.Forecasts``."""

    def forecast(self, at: datetime | None = None, horizon: int = ..., model: str | None = None) -> Forecast:
        """Prices of the ``horizon`` hours that begin with the present one."""


class Outside(Protocol):
    """What tells the weather to come: ``services.expected_weather.ExpectedWeather``."""

    def hours(self, start: datetime, end: datetime) -> pd.DataFrame:
        """Index ``time`` (UTC, hourly); ``temperature_c``, ``humidity_pct``, ``kind``, ``source``."""


class Recommendations:
    """Scores hours by the rule of a plant."""

    def __init__(self, forecasts: Prices, expected_weather: Outside, plant: Plant, clock: Clock) -> None:
        self._forecasts = forecasts
        self._weather = expected_weather
        self._plant = plant
        self._clock = clock

    def score(self, price_eur_kwh: float, outside_c: float, outside_pct: float) -> Recommendation:
        """How favourable an hour is at a price [EUR/kWh] and weather outside [degC, %]."""
        return score(self._plant, price_eur_kwh, outside_c, outside_pct)

    def hourly(self, hours: int = LONGEST_HORIZON) -> pd.DataFrame:
        """How favourable the present hour is and those that follow, ``hours`` in all.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, hourly, none left out). ``price_eur_kwh`` (the median of a forecast), ``price_kind``
            (``published``, ``simulated``, ``forecast``, ``unavailable``), ``period``; ``outside_c``, ``outside_pct``,
            ``weather_kind`` and ``weather_source`` as the weather's service tells them; and what ``domain.scoring``
            says: ``score``, ``level``, ``room_c``, ``room_pct``, the points of each part, ``reasons``.

        Raises
        ------
        InvalidInput
            ``hours`` is not 1 ... 168.
        NotFound, StoreError
            There are no prices to start a forecast from; the store.

        """
        told = self._forecasts.forecast(horizon=hours)
        grid = pd.date_range(told.start, periods=hours, freq="h", unit="us", name="time")
        prices = told.frame.reindex(grid)
        weather = self._weather.hours(told.start, told.start + hours * HOUR).reindex(grid)
        given = {
            "price_eur_kwh": prices["p50"].to_numpy(dtype=float),
            "outside_c": weather["temperature_c"].to_numpy(dtype=float),
            "outside_pct": weather["humidity_pct"].to_numpy(dtype=float),
        }
        said = scores(self._plant, *given.values()).set_axis(grid)
        frame = pd.DataFrame(given, index=grid)
        frame["price_kind"] = prices["kind"].astype(object).where(prices["p50"].notna(), UNAVAILABLE)
        frame["period"] = prices["period"].astype(object)
        frame["weather_kind"] = weather["kind"].astype(object).where(weather["kind"].notna(), UNAVAILABLE)
        frame["weather_source"] = weather["source"].astype(object).where(weather["source"].notna(), "")
        return frame.join(said)

    def for_date(self, day: date) -> pd.DataFrame:
        """The hours of a local day that are not over, as ``hourly`` tells them; fewer where the forecast ends before.

        Raises
        ------
        InvalidInput
            No hour of the day lies ahead within 168 hours.
        NotFound, StoreError
            As ``hourly``.

        """
        start, end = day_bounds(day)
        self._check(max(start, _hour(self._clock.now())), min(end, self._end()) - HOUR, day.isoformat())
        told = self.hourly()
        return told[(told.index >= start) & (told.index < end)]

    def for_hours(self, moments: Sequence[datetime]) -> pd.DataFrame:
        """The hours that aware moments fall in, each once and in their order, as ``hourly`` tells them.

        Raises
        ------
        InvalidInput
            One of them is over, or lies more than 168 hours ahead.
        NotFound, StoreError
            As ``hourly``.

        """
        wanted = sorted({_hour(moment) for moment in moments})
        for hour in wanted:
            self._check(hour, hour, local(hour).isoformat())
        told = self.hourly()
        return told[told.index.isin(wanted)]

    def _check(self, first: datetime, last: datetime, asked: str) -> None:
        now = _hour(self._clock.now())
        if not now <= first <= last < self._end():
            raise InvalidInput(
                "{asked} cannot be told: recommendations reach from {first} to {last}.",
                asked=asked,
                first=local_date(now).isoformat(),
                last=local_date(self._end() - HOUR).isoformat(),
            )

    def _end(self) -> datetime:
        return _hour(self._clock.now()) + LONGEST_HORIZON * HOUR


def hourly_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Hours as programs read them: local time with offset, units in the names, null where something is unknown."""
    return [_hour_record(row) for row in frame.itertuples()]


def score_record(found: Recommendation) -> dict[str, Any]:
    """What is said of one hour, as programs read it."""
    return {
        "score": _number("score", found.score),
        "class": found.level,
        "reasons": [str(reason) for reason in found.reasons],
        "parts": _parts(found),
        "room_temperature_c": _number("room_c", found.room_c),
        "room_humidity_pct": _number("room_pct", found.room_pct),
    }


def _hour_record(row: Any) -> dict[str, Any]:
    return {
        "timestamp": local(row.Index.to_pydatetime()).isoformat(),
        "price_eur_kwh": _number("price_eur_kwh", row.price_eur_kwh),
        "price_kind": row.price_kind,
        "tariff_period": None if pd.isna(row.period) else row.period,
        "temperature_c": _number("outside_c", row.outside_c),
        "humidity_pct": _number("outside_pct", row.outside_pct),
        "weather_kind": row.weather_kind,
        "weather_source": row.weather_source or None,
        **score_record(row),
    }


def _parts(row: Any) -> dict[str, float | None]:
    return {
        name: _number(f"{name}_points", getattr(row, f"{name}_points")) for name in ("price", "temperature", "humidity")
    }


def _number(name: str, value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), _DIGITS.get(name, 2))


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
