"""Plays AEMET OpenData and OpenWeatherMap: weather that follows from the hour alone, in the form of the real ones.

By hand: ``python -m tests.weather_player --now 2025-12-01T09:00+01:00`` serves at http://127.0.0.1:8098, next to the
prices that ``python -m tests.loopback`` serves; without ``--now`` it goes by the machine's clock. Set
``CHOCO_AEMET_URL`` to that address with ``/opendata/api`` behind it, ``CHOCO_OPENWEATHER_URL`` to the address alone,
and both keys to anything but ``wrong``, then switch while it runs:

    curl 'http://127.0.0.1:8098/_weather?outage=on'    an outage begins; off: it ends
    curl 'http://127.0.0.1:8098/_weather?limited=on'   AEMET answers that it was asked too often; off: it serves again
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import HOUR, SystemClock, TravellingClock, local, local_date
from tests.loopback import Loopback, Reply

if TYPE_CHECKING:
    from chocofactory.core.clock import Clock
    from tests.loopback import Request

DAY = timedelta(days=1)
WRONG = "wrong"
OBSERVED_HOURS, FORECAST_HOURS, STEPS = 12, 48, 40
DAILY_DELAY = timedelta(days=4)
SPANS = ((2, 8), (8, 14), (14, 20), (20, 26))
NAMES = ("N", "NE", "E", "SE", "S", "SO", "O", "NO")


def temperature_c(at: datetime) -> float:
    """Warmest at 15 h UTC, no two days alike."""
    days = (at - datetime(2020, 1, 1, tzinfo=UTC)) / DAY
    return round(18 + 4 * math.sin(days) + 8 * math.cos(2 * math.pi * (days - 15 / 24)), 1)


def humidity_pct(at: datetime) -> int:
    return round(90 - 2 * temperature_c(at))


def wind_ms(at: datetime) -> float:
    """A whole number of km/h, as AEMET forecasts it."""
    return round((at.hour + 2) / 3.6, 2)


def wind_deg(at: datetime) -> int:
    return 45 * (at.hour % 8)


def rain_mm(at: datetime) -> float:
    return 0.4 if at.hour % 6 == 5 else 0.0


class WeatherPlayer:
    """Answers as both services do at the time of ``clock``.

    ``outage`` makes every answer a 503, ``limited`` makes AEMET say that the minute's requests are spent.
    """

    def __init__(self, clock: Clock, *, station: str = "5279X", municipality: str = "23055") -> None:
        self.outage = False
        self.limited = False
        self._clock = clock
        self._station = station
        self._municipality = municipality
        self._given: dict[str, Any] = {}
        self._numbers = itertools.count(1)

    def __call__(self, request: Request) -> Reply:
        if request.path == "/_weather":
            return self._play(request.query)
        if self.outage:
            return Reply.of_html("<html><body>Service Unavailable</body></html>", 503)
        if request.path.startswith("/opendata/"):
            return self._aemet(request)
        if request.path.startswith("/data/2.5/"):
            return self._openweather(request)
        return Reply.of_html("<h1>Not Found</h1>", 404)

    def _play(self, query: dict[str, str]) -> Reply:
        self.outage = query.get("outage", "on" if self.outage else "off") == "on"
        self.limited = query.get("limited", "on" if self.limited else "off") == "on"
        return Reply.of_json({"outage": self.outage, "limited": self.limited})

    # AEMET

    def _aemet(self, request: Request) -> Reply:
        if match := re.fullmatch(r"/opendata/sh/(\w+)", request.path):
            return _spanish(self._given.pop(match[1], {"descripcion": "datos expirados", "estado": 404}))
        key = request.headers.get("api_key")
        if not key:
            return Reply(200)
        if key == WRONG:
            return _spanish({"descripcion": "API key invalido", "estado": 401})
        if self.limited:
            text = "Límite de peticiones o caudal por minuto excedido para este usuario. Espere al siguiente minuto."
            return _spanish({"descripcion": text, "estado": 429})
        data = self._data(request.path.removeprefix("/opendata/api/"))
        if not data:
            return _spanish({"descripcion": "No hay datos que satisfagan esos criterios", "estado": 404})
        name = f"{next(self._numbers):08x}"
        self._given[name] = data
        address = f"http://{request.headers['host']}/opendata/sh/{name}"
        return _spanish({"descripcion": "exito", "estado": 200, "datos": address, "metadatos": f"{address}meta"})

    def _data(self, path: str) -> list[dict[str, Any]]:
        if path == f"observacion/convencional/datos/estacion/{self._station}":
            return self._observations()
        if path == f"prediccion/especifica/municipio/horaria/{self._municipality}":
            return self._forecast()
        match = re.fullmatch(
            r"valores/climatologicos/diarios/datos/fechaini/(.{10})T00:00:00UTC/fechafin/(.{10})T23:59:59UTC"
            rf"/estacion/{self._station}",
            path,
        )
        return self._daily(*(date.fromisoformat(day) for day in match.groups())) if match else []

    def _observations(self) -> list[dict[str, Any]]:
        over = _whole_hour(self._clock.now())
        ends = [over - back * HOUR for back in reversed(range(OBSERVED_HOURS))]
        return [
            {
                "idema": self._station,
                "lon": -3.629453,
                "fint": f"{end:%Y-%m-%dT%H:%M:%S%z}",
                "prec": rain_mm(end - HOUR),
                "alt": 436.0,
                "vv": wind_ms(end - HOUR),
                "dv": float(wind_deg(end - HOUR)),
                "lat": 38.151107,
                "ubi": "LINARES (VOR - AUTOMÁTICA)",
                "hr": float(humidity_pct(end - HOUR)),
                "ta": temperature_c(end - HOUR),
            }
            for end in ends
        ]

    def _daily(self, first: date, last: date) -> list[dict[str, Any]]:
        latest = local_date(self._clock.now() - DAILY_DELAY)
        days = [first + n * DAY for n in range((min(last, latest) - first).days + 1)]
        return [self._day(on) for on in days]

    def _day(self, on: date) -> dict[str, Any]:
        noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        values = {
            "tmed": temperature_c(noon - 6 * HOUR),
            "tmax": temperature_c(noon + 3 * HOUR),
            "tmin": temperature_c(noon - 9 * HOUR),
            "velmedia": 2.5,
            "racha": 9.2,
        }
        return {
            "fecha": on.isoformat(),
            "indicativo": self._station,
            "nombre": "LINARES (VOR - AUTOMÁTICA)",
            "provincia": "JAEN",
            "altitud": "436",
            "prec": "Ip" if on.day % 5 == 0 else "0,0",
            "horatmax": "14:20",
            "horatmin": "Varias" if on.day % 7 == 0 else "05:50",
            "dir": "99" if on.day % 9 == 0 else "23",
            **{name: f"{value:.1f}".replace(".", ",") for name, value in values.items()},
        }

    def _forecast(self) -> list[dict[str, Any]]:
        now = self._clock.now()
        hours = [_whole_hour(now) + n * HOUR for n in range(FORECAST_HOURS)]
        days = [self._forecast_day(on, list(group)) for on, group in itertools.groupby(hours, key=local_date)]
        issued = local(now).replace(tzinfo=None, microsecond=0)
        town = {"elaborado": issued.isoformat(), "nombre": "Linares", "provincia": "Jaén", "prediccion": {"dia": days}}
        return [{**town, "id": self._municipality, "version": "1.0"}]

    @staticmethod
    def _forecast_day(on: date, hours: list[datetime]) -> dict[str, Any]:
        labels = [f"{local(at).hour:02}" for at in hours]

        def each(value: Any) -> list[dict[str, str]]:
            return [{"value": str(value(at)), "periodo": label} for at, label in zip(hours, labels, strict=True)]

        wind = [
            entry
            for at, label in zip(hours, labels, strict=True)
            for entry in (
                {
                    "direccion": [NAMES[wind_deg(at) // 45]],
                    "velocidad": [str(round(wind_ms(at) * 3.6))],
                    "periodo": label,
                },
                {"value": str(round(wind_ms(at) * 3.6) + 9), "periodo": label},
            )
        ]
        chances = [
            {
                "value": "35" if any(first <= int(label) < last for label in labels) else "",
                "periodo": f"{first:02}{last % 24:02}",
            }
            for first, last in SPANS
        ]
        return {
            "precipitacion": each(lambda at: "Ip" if at.hour == 7 else f"{rain_mm(at):g}"),
            "probPrecipitacion": chances,
            "temperatura": each(lambda at: round(temperature_c(at))),
            "humedadRelativa": each(humidity_pct),
            "vientoAndRachaMax": wind,
            "fecha": f"{on}T00:00:00",
        }

    # OpenWeatherMap

    def _openweather(self, request: Request) -> Reply:
        if request.query.get("appid", WRONG) == WRONG:
            return Reply.of_json({"cod": 401, "message": "Invalid API key. Please see the FAQ for more info."}, 401)
        if request.query.get("units") != "metric":
            return Reply.of_json({"cod": "400", "message": "the player serves metric units only"}, 400)
        where = {"lat": float(request.query["lat"]), "lon": float(request.query["lon"])}
        now = self._clock.now()
        if request.path == "/data/2.5/weather":
            return Reply.of_json({"coord": where, **_moment(now), "id": 2514392, "name": "Linares", "cod": 200})
        if request.path != "/data/2.5/forecast":
            return Reply.of_json({"cod": "404", "message": "Internal error"}, 404)
        first = _whole_hour(now).replace(hour=now.hour // 3 * 3) + 3 * HOUR
        steps = [_step(first + 3 * n * HOUR) for n in range(STEPS)]
        return Reply.of_json({"cod": "200", "message": 0, "cnt": STEPS, "list": steps, "city": {"coord": where}})


def _moment(at: datetime) -> dict[str, Any]:
    main = {"temp": temperature_c(at), "pressure": 1017, "humidity": humidity_pct(at), "sea_level": 1017}
    wind = {"speed": wind_ms(at), "deg": wind_deg(at)}
    return {"dt": int(at.timestamp()), "main": {**main, "grnd_level": 966}, "wind": wind}


def _step(at: datetime) -> dict[str, Any]:
    rain = round(sum(rain_mm(at - back * HOUR) for back in (1, 2, 3)), 2)
    told = {"rain": {"3h": rain}} if rain else {}
    return {**_moment(at), "pop": 0.5 if rain else 0, **told, "dt_txt": f"{at:%Y-%m-%d %H:%M:%S}"}


def _whole_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _spanish(payload: Any) -> Reply:
    body = json.dumps(payload, ensure_ascii=False, indent=2).encode("iso-8859-15")
    return Reply(200, body, {"Content-Type": "text/plain;charset=ISO-8859-15"})


def main() -> None:
    parser = argparse.ArgumentParser(description="Plays AEMET OpenData and OpenWeatherMap on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8098)
    parser.add_argument("--now", type=datetime.fromisoformat, help="moment at which it starts, with its offset")
    given = parser.parse_args()
    clock = TravellingClock(given.now) if given.now else SystemClock()
    with Loopback(WeatherPlayer(clock), given.port) as server:
        print(f"{server.url} plays the weather of {clock.now():%Y-%m-%d %H:%M} UTC and on; Ctrl-C ends it.")  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()


if __name__ == "__main__":
    main()
