"""Price forecasts: of any moment, of the coming week, of the coming hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request
from flask_openapi3 import Tag

from chocofactory.api.forecast_schemas import (
    LONGEST_HORIZON_H,
    HourlyQuery,
    OriginalForecastAnswer,
    PriceForecastAnswer,
    PriceForecastBody,
)
from chocofactory.api.schemas import Problem
from chocofactory.bootstrap import factory
from chocofactory.core.clock import local, local_date
from chocofactory.services.exports import file_name, records_csv
from chocofactory.services.ranges import moment_of
from chocofactory.services.records import as_records, forecast_record, overall

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

    from chocofactory.services.forecasts import Forecast

NAME = "predict"
_TAG = Tag(name="Forecast", description="Prices to come, each with how sure it is")
_REFUSALS: Any = dict.fromkeys(("404", "422", "503"), Problem)


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.post(
        "/predict/prices",
        tags=[_TAG],
        summary="Prices to come",
        responses={"200": PriceForecastAnswer, **_REFUSALS},
    )
    def predict(body: PriceForecastBody) -> dict[str, Any]:
        """Published prices as they are, then a model's; of a past moment exactly what could have been said then."""
        at = moment_of(body.at) if body.at is not None else None
        return forecast_record(factory().forecasts.forecast(at, body.horizon, body.model), body.horizon)

    @blueprint.get(
        "/predict/prices/weekly",
        tags=[_TAG],
        summary="Prices of the coming week",
        responses={"200": OriginalForecastAnswer, **_REFUSALS},
    )
    def weekly() -> Response | dict[str, Any]:
        """The next 168 hours, the present one included; `Accept: text/csv` gives them as a file."""
        return _answer(LONGEST_HORIZON_H)

    @blueprint.get(
        "/predict/prices/hourly",
        tags=[_TAG],
        summary="Prices of the coming hours",
        responses={"200": OriginalForecastAnswer, **_REFUSALS},
    )
    def hourly(query: HourlyQuery) -> Response | dict[str, Any]:
        """The present hour and those that follow; `Accept: text/csv` gives them as a file."""
        return _answer(query.hours)


def _answer(hours: int) -> Response | dict[str, Any]:
    forecast = factory().forecasts.forecast(horizon=hours)
    if request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv":
        return _csv(forecast)
    answer = forecast_record(forecast, hours)
    beside = [
        hour
        | {
            "predicted_price": hour["price_eur_kwh"],
            "confidence_lower": hour["p05_eur_kwh"],
            "confidence_upper": hour["p95_eur_kwh"],
        }
        for hour in answer["predictions"]
    ]
    return answer | {
        "predictions": beside,
        "predictions_count": answer["total_records"],
        "forecast_horizon": answer["expected_records"],
        "model_type": answer["model"],
        **_training(forecast),
        "timestamp": answer["issued_at"],
    }


def _training(forecast: Forecast) -> dict[str, Any]:
    """When the forecast's version was trained, and what it proved; nulls where there is none."""
    if forecast.version is None:
        return {"model_metrics": None, "last_training": None}
    version = factory().models.show(forecast.version)
    score = overall(version.report, forecast.model)
    metrics = score and {
        "mae": score["mae_eur_kwh"],
        "rmse": score["rmse_eur_kwh"],
        "relative_mae": score["relative_mae"],
        "coverage_90_pct": score["coverage_90_pct"],
        "first_day": version.report["first"],
        "last_day": version.report["last"],
    }
    return {"model_metrics": metrics, "last_training": local(version.created_at).isoformat()}


def _csv(forecast: Forecast) -> Response:
    times = forecast.frame.index
    name = file_name("forecast", local_date(times[0]), local_date(times[-1]), "csv")
    told = records_csv(as_records(forecast))
    return Response(told, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})
