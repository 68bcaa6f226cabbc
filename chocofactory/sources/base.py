"""What the services expect of a price source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date, timedelta

    import pandas as pd


class PriceSource(Protocol):
    """Delivers published prices.

    ``name`` is kept with every row (``ree``, ``esios``, ``esios_archive``, ``demo``), ``markets`` are those that it
    has, ``longest_request`` is the most days that one request may span.
    """

    name: str
    markets: frozenset[str]
    longest_request: timedelta

    def prices(self, market: str, first: date, last: date) -> pd.DataFrame:
        """Published prices of the local days ``first`` ... ``last``, both included, as far as they are out.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, start of interval, sorted, unique, inside the days asked for); column
            ``price_eur_kwh`` [EUR/kWh]. ``attrs["resolution"]`` is the interval length (``timedelta``). A day may be
            partial; a frame is never empty.

        Raises
        ------
        NotPublished
            The source answered that it has nothing for these days.
        KeyRefused, RateLimited, SourceDown, SourceTimeout, MalformedAnswer
            As their names say.

        """
