"""When to run what draws most: the cheapest stretches of the coming days, and the dearest to stay away from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chocofactory.core.clock import HOUR, local

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from chocofactory.domain.plant import Plant
    from chocofactory.services.forecasts import Forecast, Forecasts

MOST_GOOD, MOST_BAD = 5, 3
_EUR_KWH = 6


@dataclass(frozen=True)
class Work:
    """What the windows are for: the block that draws most for the plant's first product."""

    product: str
    block: str
    hours: int
    energy_kwh: float


def work_of(plant: Plant) -> Work:
    """The block of a plant that draws most for its first product; hours are whole ones."""
    product = plant.products[0].name
    block = max(plant.blocks, key=lambda each: each.energy_kwh(product))
    return Work(product, block.name, math.ceil(block.minutes(product) / 60), block.energy_kwh(product))


def windows_record(forecasts: Forecasts, plant: Plant, days: int) -> dict[str, Any]:
    """The windows of the coming ``days`` times 24 hours, by price alone.

    A window is as long as ``work_of`` the plant takes. Those to use lie below the mean price of these hours, those to
    avoid above it; none overlap.
    """
    told = forecasts.forecast(horizon=24 * days)
    work, prices = work_of(plant), told.frame["p50"]
    mean = float(prices.mean())
    cheap = [each for each in forecasts.windows(told, work.hours, count=len(prices)) if each.mean_eur_kwh < mean][
        :MOST_GOOD
    ]
    good = [
        {
            **_window(told, each.start, work, each.mean_eur_kwh),
            "p05_eur_kwh": round(each.low_eur_kwh, _EUR_KWH),
            "p95_eur_kwh": round(each.high_eur_kwh, _EUR_KWH),
            "probability": round(each.probability, 4),
            "kind": each.kind,
            "recommended_process": work.block,
            "estimated_savings_eur": round(work.energy_kwh * (mean - each.mean_eur_kwh), 4),
        }
        for each in cheap
    ]
    taken = {each.start + hour * HOUR for each in cheap for hour in range(work.hours)}
    bad = [_window(told, start, work, price) for start, price in _dear(prices, work.hours, mean, taken)]
    return {
        "optimal_windows": good,
        "avoid_windows": [window | {"avg_price": window["avg_price_eur_kwh"]} for window in bad],
        "summary": {
            "total_optimal_hours": work.hours * len(good),
            "total_avoid_hours": work.hours * len(bad),
            "best_price": round(float(prices.min()), _EUR_KWH),
            "worst_price": round(float(prices.max()), _EUR_KWH),
            "avg_price_eur_kwh": round(mean, _EUR_KWH),
            "product": work.product,
            "process": work.block,
            "duration_hours": work.hours,
            "energy_kwh": round(work.energy_kwh, 3),
        },
        "issued_at": local(told.issued_at).isoformat(),
        "model": told.model,
        "version": told.version,
    }


def _dear(prices: pd.Series, hours: int, mean: float, taken: set[datetime]) -> list[tuple[datetime, float]]:
    """Start and mean price of the dearest stretches above the mean of all, dearest first; none touches ``taken``."""
    means = prices.rolling(hours).mean().to_numpy()[hours - 1 :]
    times = [time.to_pydatetime() for time in prices.index]
    used, found = set(taken), list[tuple["datetime", float]]()
    for place in np.argsort(-means, kind="stable"):
        here = times[place : place + hours]
        if means[place] <= mean or len(found) == MOST_BAD:
            break
        if used.isdisjoint(here):
            used.update(here)
            found.append((here[0], float(means[place])))
    return found


def _window(told: Forecast, start: datetime, work: Work, price: float) -> dict[str, Any]:
    begin, end = local(start), local(start + work.hours * HOUR)
    periods = told.frame.loc[start : start + (work.hours - 1) * HOUR, "period"]
    return {
        "datetime": begin.isoformat(),
        "end": end.isoformat(),
        "hours": f"{begin:%H}-{end:%H}h",
        "duration_hours": work.hours,
        "avg_price_eur_kwh": round(price, _EUR_KWH),
        "tariff_period": ", ".join(dict.fromkeys(periods)),
    }
