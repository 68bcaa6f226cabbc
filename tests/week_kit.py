"""A stand-in for the service of forecasts: a week whose every number can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_start, local_date, local_days
from chocofactory.core.errors import FactoryError, InvalidInput
from chocofactory.core.messages import Message
from chocofactory.domain.tariff import tariff
from chocofactory.services.forecasts import CheapWindow, Forecast

MODELS = ("ensemble", "lear", "boosting", "naive")
WIDTHS = {"p05": -2.0, "p25": -0.7, "p50": 0.0, "p75": 0.8, "p95": 2.5}
"""Quantiles as multiples of the spread, which grows by 0.004 EUR/kWh a lead day."""


def made(
    now: datetime,
    known: pd.Series,
    *,
    horizon: int = 168,
    model: str = "ensemble",
    version: str | None = "20251130-0310",
    from_spot: bool = False,
    kind: str = "published",
    reasons: tuple[Message, ...] = (),
) -> Forecast:
    """A forecast at ``now`` where the prices ``known`` [EUR/kWh] are out: expected is the price a week before."""
    start = now.replace(minute=0, second=0, microsecond=0)
    grid = pd.date_range(start, periods=horizon, freq="h", name="time", unit="us")
    out = known[known.index >= start]
    origin = day_start(local_date(out.index[-1] + timedelta(hours=1))) if len(out) else start
    lead = np.asarray((local_days(grid) - pd.Timestamp(local_date(origin))).days + 1).clip(min=0)
    lead[np.asarray(grid < origin)] = 0
    week_ago = (grid.tz_convert(MADRID) - pd.DateOffset(days=7)).tz_convert("UTC")
    expected = known.reindex(week_ago).set_axis(grid).fillna(float(known.mean()))
    price = known.reindex(grid).where(lead == 0, expected)
    frame = pd.DataFrame({name: price + 0.004 * lead * width for name, width in WIDTHS.items()})
    forecast = lead > 0
    frame["kind"] = np.where(forecast, "forecast", kind)
    frame["model"] = np.where(forecast, model, "")
    if from_spot:
        frame.loc[lead == 1, "model"] = "from_spot"
    frame["version"] = np.where(forecast, version or "", "")
    frame["lead_day"] = lead
    frame["period"] = tariff("2.0TD").label(grid)
    frame["source"] = np.where(forecast, "chocofactory", "ree")
    paths = frame[list(WIDTHS)].to_numpy().T
    return Forecast(now, start, origin, frame, paths, model, version, from_spot, reasons)


@dataclass
class FakeForecasts:
    """Answers like the service: from the prices ``known`` and from an ``archive`` by the day at whose end it stood."""

    clock: Any
    known: pd.Series
    archive: dict[date, pd.DataFrame] = field(default_factory=dict)
    error: FactoryError | None = None
    asked: list[str | None] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    def forecast(self, at: datetime | None = None, horizon: int = 168, model: str | None = None) -> Forecast:
        self.asked.append(model)
        if self.error is not None:
            raise self.error
        if model is not None and model not in MODELS:
            raise InvalidInput("There is no model {model}.", model=model)
        return made(
            at or self.clock.now(), self.known, horizon=horizon, **{**self.more, **({"model": model} if model else {})}
        )

    def windows(self, forecast: Forecast, hours: int, count: int = 5) -> list[CheapWindow]:
        frame = forecast.frame
        found = []
        for first in range(len(frame) - hours + 1):
            part = frame.iloc[first : first + hours]
            kinds = set(part["kind"])
            means = part[["p50", "p05", "p95"]].mean()
            sure = 1 - 0.1 * part["lead_day"].max()
            kind = "forecast" if "forecast" in kinds else kinds.pop()
            end = part.index[-1] + timedelta(hours=1)
            found.append(
                CheapWindow(part.index[0].to_pydatetime(), end.to_pydatetime(), *map(float, means), float(sure), kind)
            )
        chosen: list[CheapWindow] = []
        for window in sorted(found, key=lambda one: one.mean_eur_kwh):
            if all(window.end <= other.start or window.start >= other.end for other in chosen):
                chosen.append(window)
        return chosen[:count]

    def said(self, day: date) -> pd.DataFrame | None:
        return self.archive.get(day)
