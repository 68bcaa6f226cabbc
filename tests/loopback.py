"""A scripted HTTP server on 127.0.0.1, and one that plays the services of REE and ESIOS.

By hand: ``python -m tests.loopback --pvpc FILE.csv.gz --spot FILE.csv.gz --recorded FOLDER --until 2025-12-01`` serves
the prices of such files at http://127.0.0.1:8099, and with ``--generation FILE.csv`` daily generation. Set
``CHOCO_REE_URL`` and ``CHOCO_ESIOS_URL`` to that address, then switch while it runs:

    curl 'http://127.0.0.1:8099/_play?outage=on'                an outage begins; off: it ends
    curl 'http://127.0.0.1:8099/_play?until=2025-12-02'         the prices of one more day are published
    curl 'http://127.0.0.1:8099/_play?revise=2025-12-01&by=5'   a day is revised by 5 EUR/MWh
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

import pandas as pd

from chocofactory.core.clock import MADRID, day_bounds, local_days
from chocofactory.domain.measurements import PVPC, SPOT

LONGEST_HANG_S = 10.0


class Waits:
    """Time in which nobody waits: ``sleep`` notes the seconds and moves ``monotonic`` on by them."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)


@dataclass(frozen=True)
class Reply:
    """What the server does with one request.

    ``hang`` answers nothing, ``reset`` cuts the connection, ``half`` announces the whole body and sends half of it,
    ``drip`` sends it byte by byte.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    way: Literal["whole", "hang", "reset", "half", "drip"] = "whole"

    @classmethod
    def of_json(cls, payload: Any, status: int = 200, **headers: str) -> Reply:
        body = json.dumps(payload, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json; charset=utf-8", **headers})

    @classmethod
    def of_html(cls, text: str, status: int = 200) -> Reply:
        return cls(status, text.encode(), {"Content-Type": "text/html"})


@dataclass(frozen=True)
class Request:
    """What the server was asked: the path, its query, headers with names in lower case, the method and the body."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""


class Loopback:
    """An HTTP server on a free port of 127.0.0.1; ``requests`` keeps what it was asked.

    ``answer`` decides on the reply: a function of the request, or replies given one after the other, the last one for
    ever.
    """

    def __init__(self, answer: Callable[[Request], Reply] | Iterable[Reply] | Reply, port: int = 0) -> None:
        if not callable(answer):
            answer = _in_turn([answer] if isinstance(answer, Reply) else answer)
        self._server = _Server(answer, port)
        self.requests = self._server.requests
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Serve until the thread is interrupted."""
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[Request], Reply], port: int) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, *_: object) -> None:
        """A client that went away, or a connection that we cut ourselves, is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(parts.path, dict(parse_qsl(parts.query)), headers, self.command, body)
        self.server.requests.append(request)
        reply = self.server.answer(request)
        self.close_connection = reply.way != "whole"
        if reply.way == "hang":
            self.server.closing.wait(LONGEST_HANG_S)
        elif reply.way == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self._send(reply)

    def do_POST(self) -> None:
        self.do_GET()

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.way == "drip":
            for place in range(len(reply.body)):
                self.wfile.write(reply.body[place : place + 1])
                if self.server.closing.wait(0.02):
                    break
        else:
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.way == "half" else reply.body)

    def log_message(self, *_: object) -> None:
        pass


def _in_turn(replies: Iterable[Reply]) -> Callable[[Request], Reply]:
    left = list(replies)
    lock = threading.Lock()

    def answer(_: Request) -> Reply:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return answer


class ReePlayer:
    """Answers as REE apidatos and ESIOS do, from series of prices [EUR/kWh by UTC time].

    ``outage`` makes every answer a 503; days after ``until`` are not published yet. ``generation`` has MWh by UTC local
    midnight, a column for each technology by its Spanish name, NaN for a day on which it does not appear.
    """

    def __init__(
        self,
        pvpc: pd.Series,
        spot: pd.Series | None = None,
        *,
        until: date | None = None,
        generation: pd.DataFrame | None = None,
    ) -> None:
        self._prices = {PVPC: pvpc, SPOT: spot if spot is not None else pvpc.iloc[:0]}
        self.generation = generation if generation is not None else pd.DataFrame(index=pvpc.index[:0])
        self.until = until
        self.outage = False

    def revise(self, day: date, by_eur_mwh: float, market: str = PVPC) -> None:
        """Move all prices of a local day."""
        prices = self._prices[market].copy()
        start, end = day_bounds(day)
        prices[(prices.index >= start) & (prices.index < end)] += by_eur_mwh / 1000
        self._prices[market] = prices

    def __call__(self, request: Request) -> Reply:
        if request.path == "/_play":
            return self._play(request.query)
        if self.outage:
            return Reply.of_html("<html><body>Service Unavailable</body></html>", 503)
        if request.path.startswith("/es/datos/"):
            return self._apidatos(request.path.removeprefix("/es/datos/"), request.query)
        if match := re.fullmatch(r"/indicators/(1001|600)", request.path):
            return self._indicator(int(match[1]), request)
        if request.path == "/archives/70/download_json":
            return self._archive(date.fromisoformat(request.query["date"]))
        return _not_found()

    def _play(self, query: dict[str, str]) -> Reply:
        if "outage" in query:
            self.outage = query["outage"] == "on"
        if "until" in query:
            self.until = date.fromisoformat(query["until"]) if query["until"] else None
        if "revise" in query:
            self.revise(date.fromisoformat(query["revise"]), float(query["by"]), query.get("market", PVPC))
        return Reply.of_json({"outage": self.outage, "until": str(self.until or "")})

    def _between(self, market: str, query: dict[str, str]) -> pd.Series:
        """EUR/MWh on the wall clock; ``end_date`` is inclusive, as it is there."""
        first, last = (pd.Timestamp(query[name], tz=MADRID) for name in ("start_date", "end_date"))
        prices = self._prices[market]
        prices = prices[(prices.index >= first) & (prices.index <= last)]
        if self.until is not None:
            prices = prices[local_days(pd.DatetimeIndex(prices.index)) <= pd.Timestamp(self.until)]
        return (prices * 1000).round(5).tz_convert(MADRID)

    def _apidatos(self, path: str, query: dict[str, str]) -> Reply:
        answers = {
            "mercados/precios-mercados-tiempo-real": self._real_time_prices,
            "generacion/estructura-generacion": self._structure,
        }
        return answers[path](query) if path in answers else _not_found()

    def _real_time_prices(self, query: dict[str, str]) -> Reply:
        blocks = [("1001", "PVPC (€/MWh)", PVPC), ("600", "Precio mercado spot (€/MWh)", SPOT)]
        included = [
            {"type": title, "id": number, "groupId": None, "attributes": _attributes(title, values)}
            for number, title, market in blocks
            if len(values := self._between(market, query))
        ]
        if not included:
            return _no_data()
        title = "Precios mercado peninsular en tiempo real"
        data = {"type": title, "id": "mer13", "attributes": {"title": title, "description": None}}
        return Reply.of_json({"data": data, "included": included})

    def _structure(self, query: dict[str, str]) -> Reply:
        """Generation by day, in the form that was described, not recorded; by hour it answers 500, as it does there."""
        if query["time_trunc"] != "day":
            return Reply.of_json({"errors": [{"code": 500, "status": "500", "title": "Internal server error"}]}, 500)
        first, last = (pd.Timestamp(query[name], tz=MADRID) for name in ("start_date", "end_date"))
        energy = self.generation[(self.generation.index >= first) & (self.generation.index <= last)].tz_convert(MADRID)
        if energy.empty:
            return _no_data()
        total = energy.sum(axis=1)
        included = [
            {"type": name, "id": str(number), "groupId": "1", "attributes": _by_day(name, values.dropna(), total)}
            for number, (name, values) in enumerate([*energy.items(), ("Generación total", total)], start=1)
        ]
        title = "Estructura de la generación por tecnologías"
        return Reply.of_json({"data": {"type": title, "id": "gen1"}, "included": included})

    def _indicator(self, number: int, request: Request) -> Reply:
        if not request.headers.get("x-api-key"):
            return Reply(401, b"HTTP Token: Access denied.\n", {"Content-Type": "text/plain"})
        market, place, name = (PVPC, 8741, "Península") if number == 1001 else (SPOT, 3, "España")
        values = [
            {
                "value": float(value),
                "datetime": at.isoformat(timespec="milliseconds"),
                "datetime_utc": _utc_as_esios_has_it(at),
                "geo_id": place,
                "geo_name": name,
            }
            for at, value in self._between(market, request.query).items()
        ]
        return Reply.of_json({"indicator": {"id": number, "geos": [], "values": values}})

    def _archive(self, day: date) -> Reply:
        values = self._between(PVPC, {"start_date": f"{day}T00:00", "end_date": f"{day}T23:59"})
        if values.empty:
            return Reply.of_json({"message": "No values for specified archive"})
        labels = [hour for hour in range(25) if len(values) != 23 or hour != 2][: len(values)]
        rows = [
            {"Dia": f"{day:%d/%m/%Y}", "Hora": f"{hour:02}-{hour + 1:02}", "PCB": f"{value:.2f}".replace(".", ",")}
            for hour, value in zip(labels, values, strict=True)
        ]
        return Reply.of_json({"PVPC": rows})


def _utc_as_esios_has_it(at: pd.Timestamp) -> str:
    """Both runs of the hour that a day repeats get the UTC of the first, as recorded on 2021-10-31."""
    first_run = at.tz_localize(None).tz_localize(MADRID, ambiguous=True)
    return f"{first_run.tz_convert('UTC'):%Y-%m-%dT%H:%M:%SZ}"


def _not_found() -> Reply:
    return Reply.of_json({"errors": [{"code": 404, "status": "404", "title": "Not found"}]}, 404)


def _no_data() -> Reply:
    fault = {"code": 502, "status": "502", "title": "Bad response from ESIOS"}
    return Reply.of_json({"errors": [{**fault, "detail": "There are no data for the selected filters."}]}, 502)


def _by_day(name: str, values: pd.Series, total: pd.Series) -> dict[str, Any]:
    rows = [
        {"value": float(value), "percentage": value / total[at], "datetime": at.isoformat(timespec="milliseconds")}
        for at, value in values.items()
    ]
    kind = "total" if values.equals(total) else "No-Renovable"
    return {"title": name, "type": kind, "magnitude": None, "composite": False, "values": rows}


def _attributes(title: str, values: pd.Series) -> dict[str, Any]:
    rows = [
        {"value": float(value), "percentage": 1, "datetime": at.isoformat(timespec="milliseconds")}
        for at, value in values.items()
    ]
    return {"title": title, "description": None, "magnitude": "price", "composite": False, "values": rows}


def recorded_prices(folder: Path, block: str) -> pd.Series:
    """Prices [EUR/kWh by UTC time] of one block in all recorded answers of apidatos in a folder."""
    rows = {}
    for path in sorted(folder.glob("*.json")):
        for found in json.loads(path.read_text(encoding="utf-8")).get("included", []):
            if found["id"] == block:
                rows |= {pd.Timestamp(v["datetime"]): v["value"] / 1000 for v in found["attributes"]["values"]}
    return pd.Series(list(rows.values()), pd.to_datetime(list(rows), utc=True), dtype=float).sort_index()


def _generation(path: Path) -> pd.DataFrame:
    """Combined cycle of a file, and all the rest by its share, as technologies to play [MWh by UTC local midnight]."""
    from chocofactory.sources.generation_files import read_generation

    (part,) = read_generation(path).parts
    energy, share = part.frame["energy_mwh"], part.frame["share"]
    return pd.DataFrame({"Ciclo combinado": energy, "Resto sin desglosar": energy / share - energy})


def main() -> None:
    from chocofactory.sources.files import read_prices

    parser = argparse.ArgumentParser(description="Plays the services of REE and ESIOS on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--pvpc", type=Path, help="price file of PVPC")
    parser.add_argument("--spot", type=Path, help="price file of the spot market")
    parser.add_argument("--recorded", type=Path, help="folder of recorded answers of apidatos, played over the files")
    parser.add_argument("--generation", type=Path, help="file of combined cycle by day; the rest is played as one")
    parser.add_argument("--until", type=date.fromisoformat, help="last local day that is published")
    given = parser.parse_args()
    played = []
    for path, block in ((given.pvpc, "1001"), (given.spot, "600")):
        prices = read_prices(path).frame["price_eur_kwh"] if path else pd.Series(index=pd.to_datetime([], utc=True))
        recorded = recorded_prices(given.recorded, block) if given.recorded else prices.iloc[:0]
        played.append(recorded.combine_first(prices).sort_index())
    generation = _generation(given.generation) if given.generation else None
    with Loopback(ReePlayer(*played, until=given.until, generation=generation), given.port) as server:
        print(f"{server.url} plays {len(played[0])} hours of PVPC and {len(played[1])} of spot; Ctrl-C ends it.")  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()


if __name__ == "__main__":
    main()
