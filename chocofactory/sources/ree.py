"""REE apidatos: PVPC and day-ahead spot prices, and generation by technology, without a key.

``GET /es/datos/mercados/precios-mercados-tiempo-real`` answers with a block for each market. What it does that one
would not expect:

- blocks are known by their ``id``: their ``type`` changes with language and year;
- ``end_date`` is inclusive: asking to midnight brings the first hour of the next day as well;
- "no data yet" is HTTP 502 with ``There are no data for the selected filters.``: no outage, and no reason to retry;
- it blocks addresses that ask too much, with HTTP 403 and a page for people;
- nothing in an answer says which zone it is for: the question must.

Both are asked through one client, so that the source is left in peace as a whole. How generation is answered stands in
``ree_generation``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack

from chocofactory.core.errors import MalformedAnswer
from chocofactory.domain.generation import NATIONAL
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.sources import ree_generation
from chocofactory.sources.base import check_length, check_request, no_generation, nothing_published, price_frame
from chocofactory.sources.http import HttpClient, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

    from chocofactory.core.config import Settings
    from chocofactory.core.errors import NotPublished
    from chocofactory.sources.answer import Answer

_PATH = "es/datos/mercados/precios-mercados-tiempo-real"
_BLOCKS = {PVPC: "1001", SPOT: "600"}
_NO_DATA = "no data"
_FIRST_ERROR = 400


class Ree:
    """Prices of the Peninsula by the hour, and generation of the whole country by the day, from REE apidatos."""

    name = "ree"
    markets = frozenset(_BLOCKS)
    system = NATIONAL
    longest_request = timedelta(days=31)

    def __init__(self, settings: Settings, **timing: Unpack[Timing]) -> None:
        self._http = HttpClient(
            self.name,
            settings.ree_url,
            settings,
            headers={"Accept": "application/json"},
            **timing,
        )

    def prices(self, market: str, first: date, last: date) -> pd.DataFrame:
        """Published prices of the local days ``first`` ... ``last``: see ``PriceSource.prices``."""
        check_request(self, market, first, last)
        params = {
            "start_date": f"{first}T00:00",
            "end_date": f"{last}T23:59",
            "time_trunc": "hour",
            "geo_limit": "peninsular",
            "geo_ids": "8741",
        }
        answer = self._ask(_PATH, params, nothing_published(self.name, market, first, last))
        return parse_prices(answer.json(), market, first, last, source=self.name)

    def generation(self, first: date, last: date) -> dict[str, pd.DataFrame]:
        """Generation of the local days ``first`` ... ``last``: see ``GenerationSource.generation``."""
        check_length(self, first, last)
        params = {"start_date": f"{first}T00:00", "end_date": f"{last}T23:59", "time_trunc": "day"}
        nothing = no_generation(self.name, first, last)
        answer = self._ask(ree_generation.PATH, params, nothing)
        return ree_generation.parse_generation(answer.json(), first, last, source=self.name)

    def _ask(self, path: str, params: Mapping[str, str], nothing: NotPublished) -> Answer:
        return self._http.get(path, params, refine=lambda answer: nothing if _says_no_data(answer) else None)


def parse_prices(payload: Any, market: str, first: date, last: date, *, source: str = Ree.name) -> pd.DataFrame:
    """Prices of one market out of an answer of apidatos; see ``price_frame`` for what is returned and raised."""
    try:
        blocks = {str(block["id"]): block["attributes"]["values"] for block in payload["included"]}
        rows = [(row["datetime"], row["value"]) for row in blocks.get(_BLOCKS[market]) or ()]
    except (KeyError, TypeError, AttributeError):
        rows = None
    if rows is None:
        raise MalformedAnswer("{source} answered in a form that is not known.", source=source)
    if not rows:
        raise nothing_published(source, market, first, last)
    return price_frame(rows, source=source, market=market, first=first, last=last)


def _says_no_data(answer: Answer) -> bool:
    if answer.status < _FIRST_ERROR:
        return False
    try:
        faults = answer.json()["errors"]
        return any(_NO_DATA in fault["detail"].casefold() for fault in faults)
    except (MalformedAnswer, KeyError, TypeError, AttributeError):
        return False
