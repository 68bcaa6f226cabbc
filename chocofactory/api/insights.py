"""What the archive says of the forecasts that were issued, and when the coming hours are cheap.

The original system answered with constants, whatever its model did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from flask_openapi3 import Tag

from chocofactory.api.forecast_schemas import DeviationAnswer, DeviationQuery
from chocofactory.api.schemas import Problem
from chocofactory.api.window_schemas import WindowsAnswer, WindowsQuery
from chocofactory.bootstrap import factory
from chocofactory.services.optimal_windows import windows_record
from chocofactory.services.records import drift_record, number, percent, serving_record

if TYPE_CHECKING:
    import pandas as pd
    from flask_openapi3 import APIBlueprint

    from chocofactory.services.accuracy import Realised

NAME = "insights"
_TAG = Tag(name="Insights", description="What the numbers have been worth")
_NEVER = "No forecast was issued yet, so nothing can be compared with the prices that came out."


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get(
        "/insights/ree-deviation",
        tags=[_TAG],
        summary="How far the forecasts were off",
        responses={"200": DeviationAnswer, "422": Problem, "503": Problem},
    )
    def ree_deviation(query: DeviationQuery) -> dict[str, Any]:
        """Realised errors of the archived forecasts by the day that they fell due, and by lead day."""
        realised = factory().accuracy.realised(query.days)
        known = realised.daily[realised.daily["hours"] > 0]
        return {
            "model_info": serving_record(factory().models.serving()),
            "validation_metrics": _metrics(known),
            "daily": [_day(row) for row in known.itertuples()],
            "by_lead_day": [_lead(row) for row in realised.by_lead.itertuples()],
            "from_spot": _scores(realised.from_spot),
            "drift": drift_record(realised),
            "period": {"start": realised.first.isoformat(), "end": realised.last.isoformat()},
            "since": realised.since.isoformat() if realised.since else None,
            "total_records": len(known),
            "expected_records": len(realised.daily),
            "reason": None if len(known) or realised.from_spot["n"] else _reason(realised),
        }

    @blueprint.get(
        "/insights/optimal-windows",
        tags=[_TAG],
        summary="When the coming hours are cheap, and when dear",
        responses={"200": WindowsAnswer, "404": Problem, "422": Problem, "503": Problem},
    )
    def optimal_windows(query: WindowsQuery) -> dict[str, Any]:
        """Windows as long as the block that draws most takes, by price alone; the plan keeps to all other limits."""
        return windows_record(factory().forecasts, factory().plant, query.days)


def _metrics(known: pd.DataFrame) -> dict[str, Any]:
    """Means over the days, each as heavy as it has hours."""
    hours = known["hours"]

    def mean(name: str) -> float:
        values = known[name].dropna()
        return float(np.average(values, weights=hours[values.index])) if len(values) else np.nan

    return {
        **{f"{name}_eur_kwh": number(mean(name)) for name in ("mae", "naive_mae", "bias")},
        **{f"{name}_pct": percent(mean(name)) for name in ("coverage_50", "coverage_90")},
        "samples_test": int(hours.sum()),
    }


def _day(row: Any) -> dict[str, Any]:
    return {
        "day": row.Index.date().isoformat(),
        "hours": int(row.hours),
        "mae_eur_kwh": number(row.mae),
        "naive_mae_eur_kwh": number(row.naive_mae),
        "bias_eur_kwh": number(row.bias),
        "coverage_50_pct": percent(row.coverage_50),
        "coverage_90_pct": percent(row.coverage_90),
        "mae_14d_eur_kwh": number(row.mae_14d),
        "naive_mae_14d_eur_kwh": number(row.naive_mae_14d),
    }


def _lead(row: Any) -> dict[str, Any]:
    return {"lead_day": int(row.Index), **_scores(row)}


def _scores(row: Any) -> dict[str, Any]:
    return {
        "hours": int(row.n),
        "mae_eur_kwh": number(row.mae),
        "naive_mae_eur_kwh": number(row.naive_mae),
        "relative_mae": number(row.rmae, 4),
        "bias_eur_kwh": number(row.bias),
        "coverage_90_pct": percent(row.coverage_90),
    }


def _reason(realised: Realised) -> str:
    if realised.since is None:
        return _NEVER
    return (
        f"No price that was forecast is out within these days: the archive speaks of {realised.since.isoformat()}"
        " and later."
    )
