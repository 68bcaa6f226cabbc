"""What is told of each hour of the coming week: what it cost, will cost, or may cost, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import local_date
from chocofactory.domain.measurements import HOURLY
from components import text
from components.names import FROM_SPOT
from components.text import _, ngettext

if TYPE_CHECKING:
    from datetime import date, datetime

    import numpy.typing as npt

_QUANTILES = ["p05", "p25", "p50", "p75", "p95"]
PAST = timedelta(hours=48)
"""How much of what is over stands before a forecast."""


@dataclass(frozen=True)
class Week:
    """The hours that a page of a forecast shows: the two days before it, and all of its own.

    ``frame``: index ``time`` (UTC, every hour without a hole), columns ``price`` [EUR/kWh] (published, or the median;
    NaN where it is missing), ``p05`` ... ``p95`` [EUR/kWh] (NaN where no model speaks), ``known`` (published, and not
    a forecast), ``kind``, ``model``, ``period``, and ``said`` [EUR/kWh], the median of ``ago`` days ago.
    """

    frame: pd.DataFrame
    now: datetime
    ago: int | None = None

    @property
    def times(self) -> pd.DatetimeIndex:
        """All hours."""
        return pd.DatetimeIndex(self.frame.index)

    @property
    def over(self) -> npt.NDArray[np.bool_]:
        """Which hours have begun."""
        return np.asarray(self.times <= self.now)


def week(
    past: pd.DataFrame,
    forecast: pd.DataFrame,
    now: datetime,
    said: pd.DataFrame | None = None,
    ago: int | None = None,
) -> Week:
    """Join what is over with a forecast.

    Parameters
    ----------
    past
        As ``Prices.frame`` of ``services.prices``; hours from 48 before the forecast on up to its first one are taken.
    forecast
        As ``Forecast.frame`` of ``services.forecasts``, not empty.
    said
        What was said ``ago`` days ago, as ``Forecasts.said`` has it; hours outside are left out.

    """
    first, last = forecast.index[0], forecast.index[-1]
    grid = pd.date_range(first - PAST, last, freq=HOURLY, unit="us", name="time")
    before = past[(past.index >= grid[0]) & (past.index < first)]
    frame = pd.concat(
        [
            before[["price_eur_kwh", "kind", "period"]].rename(columns={"price_eur_kwh": "price"}).assign(model=""),
            forecast[[*_QUANTILES, "kind", "period", "model"]].assign(price=forecast["p50"]),
        ]
    ).reindex(grid)
    frame["known"] = frame["price"].notna() & (frame["kind"] != "forecast")
    frame.loc[frame["known"], _QUANTILES] = np.nan
    frame["said"] = np.nan if said is None else said["p50"].reindex(grid)
    return Week(frame, now, ago)


def sentences(shown: Week) -> list[str]:
    """A sentence for each hour, as the reader of a hover is told it."""
    said_when = "" if shown.ago is None else ngettext("{n} day ago", "{n} days ago", shown.ago)
    out = []
    for hour in shown.frame.itertuples():
        lines = [_hour(hour, shown.now)]
        if hour.kind == "forecast" and not np.isnan(hour.p05):
            low, high = text.number(hour.p05, 3), text.price(hour.p95)
            lines.append(_("nine times in ten between {low} and {high}", low=low, high=high))
        if hour.model == FROM_SPOT:
            lines.append(_("told from the day-ahead price of that hour"))
        if hour.kind == "simulated":
            lines.append(_("simulated, not a real price"))
        if not np.isnan(hour.said):
            lines.append(_("said {ago}: {price}", ago=said_when, price=text.price(hour.said, 4)))
        out.append("<br>".join(lines))
    return out


def _hour(hour: Any, now: datetime) -> str:
    begin = hour.Index.to_pydatetime()
    fields = {
        "day": _day(local_date(begin), text.language()),
        "hours": text.hours(begin, begin + HOURLY),
        "price": text.price(hour.price, 4),
        "period": hour.period,
    }
    if np.isnan(hour.price):
        return _("{day}, {hours}: no data", **fields)
    if not hour.known:
        return _("{day}, {hours}: about {price}, period {period}", **fields)
    if begin + HOURLY <= now:
        return _("{day}, {hours}: it was {price}, period {period}", **fields)
    if begin <= now:
        return _("Now, {hours}: {price}, period {period}", **fields)
    return _("{day}, {hours}: it will be {price}, period {period}", **fields)


@lru_cache(maxsize=64)
def _day(day: date, language: str) -> str:  # noqa: ARG001 - the day is written in the language now spoken
    return text.day(day)
