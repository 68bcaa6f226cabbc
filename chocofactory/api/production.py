"""How favourable hours are for production: those to come, or one of given price and weather.

The original system called its rule machine learning and invented a confidence; here the rule says what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_openapi3 import Tag

from chocofactory.api.production_schemas import (
    ConditionsBody,
    EnergyAnswer,
    ProductionAnswer,
    ProductionBody,
    ProductionRecommendationAnswer,
)
from chocofactory.api.schemas import Problem
from chocofactory.bootstrap import factory
from chocofactory.core.clock import day_grid, local
from chocofactory.services.ranges import check_days, moment_of
from chocofactory.services.scoring import RULE, hourly_records, score_record

if TYPE_CHECKING:
    import pandas as pd
    from flask_openapi3 import APIBlueprint

NAME = "production"
_TAG = Tag(name="Production", description="When producing is favourable, by a rule that gives its reasons")
_REFUSALS: Any = dict.fromkeys(("404", "422", "503"), Problem)
_OVER = "Hours that are over, or more than 168 hours ahead, are not told."


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.post(
        "/predict/production",
        tags=[_TAG],
        summary="How favourable the coming hours are",
        responses={"200": ProductionAnswer, **_REFUSALS},
    )
    def hours(body: ProductionBody) -> dict[str, Any]:
        """Score, class and reasons of each hour, from the prices and the weather that are expected."""
        told, expected = _asked(body)
        return {
            "timestamp": _now(),
            "rule": RULE,
            "recommendations": hourly_records(told),
            "total_records": len(told),
            "expected_records": expected,
            "reason": None if len(told) == expected else _OVER,
        }

    @blueprint.post(
        "/predict/energy-optimization",
        tags=[_TAG],
        summary="Score of one hour",
        responses={"200": EnergyAnswer, "422": Problem},
    )
    def energy(body: ConditionsBody) -> dict[str, Any]:
        """How favourable an hour of this price and this weather outside is."""
        judged = _judged(body)
        beside = {"energy_optimization_score": judged["score"], "recommendation": judged["class"].capitalize()}
        return {"status": "success", "prediction": judged | beside | {"timestamp": _now()}, "rule": RULE}

    @blueprint.post(
        "/predict/production-recommendation",
        tags=[_TAG],
        summary="Class of one hour",
        responses={"200": ProductionRecommendationAnswer, "422": Problem},
    )
    def production(body: ConditionsBody) -> dict[str, Any]:
        """What to do in an hour of this price and this weather outside."""
        judged = _judged(body)
        beside = {"production_recommendation": judged["class"].capitalize(), "timestamp": _now()}
        return {
            "status": "success",
            "prediction": judged | beside,
            "analysis": {"overall_score": judged["score"]},
            "rule": RULE,
        }


def _asked(body: ProductionBody) -> tuple[pd.DataFrame, int]:
    """The hours that a body asks for, and how many these should be."""
    recommendations = factory().recommendations
    if body.hours is not None:
        told = recommendations.for_hours([moment_of(text) for text in body.hours])
        return told, len(told)
    if body.date is not None:
        check_days(body.date, body.date)
        return recommendations.for_date(body.date), len(day_grid(body.date))
    told = recommendations.hourly()
    return told, len(told)


def _judged(body: ConditionsBody) -> dict[str, Any]:
    return score_record(factory().recommendations.score(body.price_eur_kwh, body.temperature, body.humidity))


def _now() -> str:
    return local(factory().clock.now()).isoformat()
