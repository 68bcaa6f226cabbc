"""Forecasts and models as programs read them: the same names, units and English words over REST and with ``--json``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, local
from chocofactory.forecasting.model import QUANTILES
from chocofactory.forecasting.scores import ALL
from chocofactory.services.forecasts import FIELDS
from chocofactory.services.models import NAIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chocofactory.services.accuracy import Realised
    from chocofactory.services.forecasts import Forecast
    from chocofactory.services.models import Promotion, Serving
    from chocofactory.services.versions import Version


def as_records(forecast: Forecast) -> list[dict[str, object]]:
    """Hours of a forecast as REST and CSV show them: local time with offset, EUR/kWh, provenance."""
    frame = forecast.frame
    local = pd.DatetimeIndex(frame.index).tz_convert(MADRID)
    numbers = np.round(frame[list(QUANTILES)].to_numpy(), 8)
    return [
        {
            "timestamp": moment.isoformat(),
            "price_eur_kwh": float(row[2]),
            "price_kwh": float(row[2]),
            **{FIELDS[name]: float(value) for name, value in zip(QUANTILES, row, strict=True)},
            "kind": kind,
            "model": model or None,
            "version": version or None,
            "lead_day": int(lead),
            "tariff_period": period,
            "source": source,
        }
        for moment, row, kind, model, version, lead, period, source in zip(
            local,
            numbers,
            frame["kind"],
            frame["model"],
            frame["version"],
            frame["lead_day"],
            frame["period"],
            frame["source"],
            strict=True,
        )
    ]


def forecast_record(forecast: Forecast, horizon: int) -> dict[str, Any]:
    """A forecast of ``horizon`` hours, told hour by hour; times local with offset, prices in EUR/kWh."""
    hours = as_records(forecast)
    return {
        "issued_at": local(forecast.issued_at).isoformat(),
        "origin": local(forecast.origin).isoformat(),
        "model": forecast.model,
        "version": forecast.version,
        "from_spot": forecast.from_spot,
        "reasons": [str(reason) for reason in forecast.reasons],
        "predictions": hours,
        "total_records": len(hours),
        "expected_records": horizon,
    }


def serving_record(serving: Serving) -> dict[str, Any]:
    """Which model serves, since when, and why."""
    return {
        "model": serving.model,
        "version": serving.version.id if serving.version else None,
        "since": local(serving.since).isoformat() if serving.since else None,
        "reasons": [str(reason) for reason in serving.reasons],
    }


def version_record(version: Version, serving: Serving) -> dict[str, Any]:
    """One version in short: what it was trained on, what it proved over all hours, and whether it serves."""
    return {
        "name": version.id,
        "serving": serving.version is not None and serving.version.id == version.id,
        "created_at": local(version.created_at).isoformat(),
        "first_day": version.first.isoformat() if version.first else None,
        "last_day": version.last.isoformat() if version.last else None,
        "hours": version.hours,
        "data_hash": version.data_hash,
        "members": list(version.members),
        "duration_s": round(version.duration_s, 3),
        "size_bytes": version.size_bytes,
        "damage": str(version.damage) if version.damage else None,
        "promoted": version.promoted,
        "verdict": str(version.verdict) if version.verdict else None,
        "proof": proof_record(version.report),
    }


def version_details(version: Version, serving: Serving) -> dict[str, Any]:
    """One version in full: its parameters and libraries, and its proof by lead day, hour and month, too."""
    details = {
        "parameters": version.parameters,
        "libraries": version.libraries,
        "proof": proof_record(version.report, full=True),
    }
    return version_record(version, serving) | details


def promotion_record(promotion: Promotion) -> dict[str, Any]:
    """One change of the version that serves; version None is the naive model."""
    return {
        "at": local(promotion.at).isoformat(),
        "version": promotion.version,
        "requested_by": promotion.requested_by,
        "reason": str(promotion.reason),
    }


def proof_record(report: Mapping[str, Any], *, full: bool = False) -> dict[str, Any] | None:
    """A version's backtest on days that it had not seen, over all hours or in ``full`` by groups; None without any."""
    if not report:
        return None
    return {
        "first_day": report["first"],
        "last_day": report["last"],
        "origins": report["origins"],
        "refit_days": report["refit_days"],
        "scores": [_score(row) for row in report["scores"] if full or row["group"] == ALL],
        "comparisons": report["comparisons"],
        "comparisons_day_1": report["comparisons_day_1"],
    }


def overall(report: Mapping[str, Any], model: str) -> dict[str, Any] | None:
    """What a model scored over all hours of a report; None where the report does not know it."""
    rows = (row for row in report.get("scores", ()) if (row["model"], row["group"]) == (model, ALL))
    return next(map(_score, rows), None)


def versus_naive(report: Mapping[str, Any], model: str) -> dict[str, bool | None]:
    """Whether a model's error is smaller than the naive one's in a report, and whether that is more than chance.

    Chance means that the 95 % interval of the difference holds zero. None where it is not known.
    """
    relative = (overall(report, model) or {}).get("relative_mae")
    pairs = (row for row in report.get("comparisons", ()) if (row["model"], row["versus"]) == (model, NAIVE))
    low, high = next(((row["low"], row["high"]) for row in pairs), (None, None))
    return {
        "better_than_naive": None if relative is None or model == NAIVE else relative < 1,
        "significant": None if low is None or high is None else low > 0 or high < 0,
    }


def drift_record(realised: Realised) -> dict[str, Any]:
    """Whether the issued forecasts became worse than they say, or than they used to be; None where unknown."""
    drift = realised.drift
    return {
        "drifting": bool(realised.alarms) if drift.enough else None,
        "mae_14d_eur_kwh": number(drift.mae_14d),
        "usual_mae_eur_kwh": number(drift.median_90d),
        "coverage_14d_pct": percent(drift.coverage_14d),
        "alarms": [{"code": alarm.code, "message": str(alarm.message)} for alarm in realised.alarms],
    }


def number(value: float | None, digits: int = 8) -> float | None:
    """A number as JSON has it; None for NaN."""
    return None if value is None or math.isnan(value) else round(float(value), digits)


def percent(share: float | None) -> float | None:
    """A share [0 to 1] in percent; None for NaN."""
    return None if share is None else number(100 * share, 2)


def _score(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": row["model"],
        "group": row["group"],
        "key": row["key"],
        "hours": row["n"],
        **{f"{name}_eur_kwh": number(row[name]) for name in ("mae", "rmse", "bias", "pinball", "width_50", "width_90")},
        "relative_mae": number(row["rmae"], 4),
        "coverage_50_pct": percent(row["coverage_50"]),
        "coverage_90_pct": percent(row["coverage_90"]),
    }
