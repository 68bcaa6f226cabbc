"""ESIOS, the system operator's own service: prices by indicator with a personal token, and PVPC by day without one.

Indicators answer for several geographies at once: PVPC (1001) counts for the Peninsula (8741), spot (600) for Spain
(3). ``datetime``, local with its offset, is used: ``datetime_utc`` says the same time for both runs of the hour that a
day repeats in October, and so hides one of its prices.

The daily archive (70) is a table for people: decimal commas, dates as ``dd/mm/yyyy`` and hours as labels that cannot be
taken at their word, for a day of 25 hours goes on to ``24-25`` and one of 23 leaves ``02-03`` out. Rows are mapped to
hours by their order, and only when there are as many as the day has hours. A day that is not out yet is answered with
HTTP 200, and a ``message`` or a table of nothing but zeros.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack

from chocofactory.core.clock import day_grid
from chocofactory.core.errors import MalformedAnswer
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.sources.base import check_request, nothing_published, price_frame
from chocofactory.sources.http import HttpClient, Timing

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from chocofactory.core.config import Settings

INDICATORS = {PVPC: (1001, 8741), SPOT: (600, 3)}
"""For each market its indicator and the geography that counts."""

_JSON = "application/json; application/vnd.esios-api-v1+json"
_LABEL = re.compile(r"(\d\d)-(\d\d)")
_PRICE = re.compile(r"-?\d+(,\d+)?")


class Esios:
    """Prices from the indicators of ESIOS; ``settings.esios_token`` is needed."""

    name = "esios"
    markets = frozenset(INDICATORS)
    longest_request = timedelta(days=31)

    def __init__(self, settings: Settings, **timing: Unpack[Timing]) -> None:
        token = {"x-api-key": settings.esios_token} if settings.esios_token else {}
        self._http = HttpClient(
            self.name,
            settings.esios_url,
            settings,
            headers={"Accept": _JSON, **token},
            **timing,
        )

    def prices(self, market: str, first: date, last: date) -> pd.DataFrame:
        """Published prices of the local days ``first`` ... ``last``: see ``PriceSource.prices``."""
        check_request(self, market, first, last)
        indicator, _ = INDICATORS[market]
        params = {"start_date": f"{first}T00:00", "end_date": f"{last}T23:59"}
        answer = self._http.get(f"indicators/{indicator}", params)
        return parse_indicator(answer.json(), market, first, last, source=self.name)


class EsiosArchive:
    """PVPC from the public daily archive of ESIOS: no token, one day a request."""

    name = "esios_archive"
    markets = frozenset({PVPC})
    longest_request = timedelta(days=1)

    def __init__(self, settings: Settings, **timing: Unpack[Timing]) -> None:
        self._http = HttpClient(
            self.name,
            settings.esios_url,
            settings,
            headers={"Accept": "application/json"},
            **timing,
        )

    def prices(self, market: str, first: date, last: date) -> pd.DataFrame:
        """Published prices of one local day: see ``PriceSource.prices``."""
        check_request(self, market, first, last)
        answer = self._http.get("archives/70/download_json", {"locale": "es", "date": first.isoformat()})
        return parse_archive(answer.json(), first, source=self.name)


def parse_indicator(payload: Any, market: str, first: date, last: date, *, source: str = Esios.name) -> pd.DataFrame:
    """Prices of one market out of an answer for an indicator; see ``price_frame`` for what is returned and raised.

    Raises
    ------
    MalformedAnswer
        Also for another indicator, or when no value belongs to the market's geography.

    """
    wanted, place = INDICATORS[market]
    try:
        indicator = payload["indicator"]
        answered = indicator["id"]
        values = [(row["geo_id"], row["datetime"], row["value"]) for row in indicator["values"]]
    except (KeyError, TypeError):
        values = None
    if values is None:
        raise MalformedAnswer("{source} answered in a form that is not known.", source=source)
    if answered != wanted:
        raise MalformedAnswer(
            "{source} answered with the indicator {answered} instead of {wanted}.",
            source=source,
            answered=answered,
            wanted=wanted,
        )
    if not values:
        raise nothing_published(source, market, first, last)
    rows = [(stamp, value) for geography, stamp, value in values if geography == place]
    if not rows:
        raise MalformedAnswer("{source} answered without the geography {place}.", source=source, place=place)
    return price_frame(rows, source=source, market=market, first=first, last=last)


def parse_archive(payload: Any, day: date, *, source: str = EsiosArchive.name) -> pd.DataFrame:
    """PVPC of the Peninsula out of a file of the daily archive; see ``price_frame`` for what is returned and raised.

    Raises
    ------
    MalformedAnswer
        Also for another day, another number of rows than the day has hours, rows out of order, or the tariff that
        2.0TD replaced on 2021-06-01 (columns ``GEN``, ``NOC`` and ``VHC`` where ``PCB`` is wanted).

    """
    if isinstance(payload, dict) and "PVPC" not in payload and "message" in payload:
        raise nothing_published(source, PVPC, day, day)
    try:
        table = payload["PVPC"]
        former = bool(table) and all("GEN" in row and "PCB" not in row for row in table)
        rows = [(row["Dia"], _label(row["Hora"]), None if former else _price(row["PCB"])) for row in table]
    except (KeyError, TypeError, ValueError):
        rows = None
    if rows is None:
        raise MalformedAnswer("{source} answered in a form that is not known.", source=source)
    if former:
        raise MalformedAnswer("{source} answered with a tariff from before June 2021.", source=source)
    if not any(price for _, _, price in rows):
        raise nothing_published(source, PVPC, day, day)
    if any(given != f"{day:%d/%m/%Y}" for given, _, _ in rows):
        raise MalformedAnswer(
            "{source} answered for {answered}, not for {day}.", source=source, answered=rows[0][0], day=day
        )
    hours = day_grid(day)
    labels = [label for _, label, _ in rows]
    if len(rows) != len(hours) or labels != sorted(set(labels)):
        raise MalformedAnswer(
            "{source} answered with {rows} rows for a day of {hours} hours, or out of order.",
            source=source,
            rows=len(rows),
            hours=len(hours),
        )
    timed = [(hour.isoformat(), price) for hour, (_, _, price) in zip(hours, rows, strict=True)]
    return price_frame(timed, source=source, market=PVPC, first=day, last=day)


def _label(text: str) -> int:
    """The hour at which a row's label begins: 3 of ``03-04``."""
    match = _LABEL.fullmatch(text)
    if match is None or int(match[2]) != int(match[1]) + 1:
        msg = f"not an hour: {text!r}"
        raise ValueError(msg)
    return int(match[1])


def _price(text: str | None) -> float | None:
    """EUR/MWh as written with a decimal comma; None for a blank."""
    if text is None or not text.strip():
        return None
    if not _PRICE.fullmatch(text.strip()):
        msg = f"not a price: {text!r}"
        raise ValueError(msg)
    return float(text.strip().replace(",", "."))
