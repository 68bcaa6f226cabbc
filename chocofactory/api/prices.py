"""Electricity prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_openapi3 import Tag

from chocofactory.api.schemas import PricesAnswer, PricesQuery, Problem
from chocofactory.bootstrap import factory
from chocofactory.services.prices import as_records

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

NAME = "prices"
_TAG = Tag(name="Prices", description="PVPC and day-ahead prices")


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get(
        "/ree/prices",
        tags=[_TAG],
        summary="Prices of a range of local days",
        responses={"200": PricesAnswer, "422": Problem, "503": Problem},
    )
    def prices(query: PricesQuery) -> dict[str, Any]:
        """At most 366 local days, both ends included."""
        last = query.end_date or query.start_date
        listing = factory().prices.listing(query.start_date, last, query.market, query.tariff_period)
        numbers = listing.statistics
        return {
            "prices": as_records(listing.frame),
            "total_records": len(listing.frame),
            "expected_records": listing.expected,
            "average_price": round(numbers.mean, 8) if numbers else None,
            "min_price": numbers.minimum if numbers else None,
            "max_price": numbers.maximum if numbers else None,
            "period": {"start": query.start_date.isoformat(), "end": last.isoformat()},
        }
