"""The prices that models learn from and forecast with: what is known now, or was at a moment of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from chocofactory.core.clock import day_bounds, local_date
from chocofactory.core.errors import NotFound
from chocofactory.domain.gaps import daily_coverage
from chocofactory.domain.measurements import HOURLY, PVPC, SPOT
from chocofactory.domain.prices import published_at
from chocofactory.forecasting.history import LONGEST_HOLE_DAYS, History, day_row

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from chocofactory.services.prices import Prices

_MOST_UNKNOWN_HOURS = 2
"""Of a day of spot prices that is still good enough to tell PVPC from."""


@dataclass(frozen=True)
class Known:
    """Prices that are known at a moment: ``pvpc`` as ``Prices.frame`` has them, ``spot`` [EUR/kWh] by UTC time.

    ``origin`` is the first local day of which PVPC is not known as a whole, and all days after it neither.
    """

    pvpc: pd.DataFrame
    spot: pd.Series
    origin: date

    def history(self) -> History:
        """What models get: all before the origin.

        Raises
        ------
        NotFound
            There are no prices of the last 14 days.

        """
        return History.of(self.pvpc["price_eur_kwh"], self.spot, self.origin)

    def spot_ahead(self) -> npt.NDArray[np.float64] | None:
        """Day-ahead prices of the origin's day by hour of the wall clock, shape (24,); None where they are not out."""
        row = day_row(self.spot, self.origin)
        return row if pd.isna(row).sum() <= _MOST_UNKNOWN_HOURS else None


def known(prices: Prices, moment: datetime, days: int | None = None) -> Known:
    """Prices of the last ``days`` (by default of all) and of those to come, as far as they were out at a moment.

    A day counts once the hour of its publication is past, whatever is known since: so that a moment of the past is seen
    as it was.

    Raises
    ------
    NotFound
        There are no prices in the 14 days before.

    """
    today, span = local_date(moment), prices.span()
    if span is None:
        raise NotFound("There are no prices of the {days} days before {day}.", days=LONGEST_HOLE_DAYS, day=today)
    first = span[0] if days is None else max(span[0], today - timedelta(days=days))
    last = today + timedelta(days=1)
    if first > last:
        raise NotFound("There are no prices of the {days} days before {day}.", days=LONGEST_HOLE_DAYS, day=today)
    pvpc = _published(prices.frame(first, last, PVPC), PVPC, moment)
    spot_span = prices.span(SPOT)
    start = first if days is not None or spot_span is None else min(first, spot_span[0])
    spot = _published(prices.frame(start, last, SPOT), SPOT, moment)["price_eur_kwh"]
    return Known(pvpc, spot, _origin(pd.DatetimeIndex(pvpc.index), today))


def _published(frame: pd.DataFrame, market: str, moment: datetime) -> pd.DataFrame:
    newest = local_date(moment) + timedelta(days=1)
    if published_at(market, newest) > moment:
        newest -= timedelta(days=1)
    return frame[frame.index < day_bounds(newest)[1]]


def _origin(times: pd.DatetimeIndex, today: date) -> date:
    """The day after the last whole one, at most the day after tomorrow."""
    newest = today + timedelta(days=1)
    coverage = daily_coverage(times, HOURLY, newest - timedelta(days=LONGEST_HOLE_DAYS + 1), newest)
    whole = coverage.index[coverage["present"] >= coverage["expected"]]
    if whole.empty:
        raise NotFound("There are no prices of the {days} days before {day}.", days=LONGEST_HOLE_DAYS, day=today)
    return (pd.Timestamp(whole[-1]) + timedelta(days=1)).date()
