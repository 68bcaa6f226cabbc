"""What SIAR's history says about the climate: how favourable months are, and how often limits are passed.

The original system also answered with correlations between temperature or humidity and the efficiency of production.
That efficiency was a bent function of the same temperature and humidity: the correlation measured nothing but the bend.
They are left out.
"""

from __future__ import annotations

import calendar
import math
from typing import TYPE_CHECKING, Any

from flask_openapi3 import Tag

from chocofactory.api.schemas import Problem
from chocofactory.api.siar import reason_of, stations_of
from chocofactory.api.siar_schemas import (
    AnalysisPeriod,
    ClimateQuery,
    HotDays,
    LimitsAnswer,
    MonthAnswer,
    MonthScore,
    Percentiles,
    SeasonalInsights,
    SeasonsAnswer,
    SeasonsQuery,
    SummaryAnswer,
    ThresholdAnswer,
    ThresholdsAnswer,
    ThresholdsSummary,
)
from chocofactory.bootstrap import factory
from chocofactory.domain.climate import HOT_C
from chocofactory.domain.measurements import SIAR_DAILY
from chocofactory.services.climate import Scope

if TYPE_CHECKING:
    import pandas as pd
    from flask_openapi3 import APIBlueprint

    from chocofactory.services.climate import Seasons

NAME = "analysis"
_TAG = Tag(name="Analysis", description="The climate that SIAR's daily history shows")
_FIELDS = {field.name: field for field in SIAR_DAILY.fields}
_NO_DAY = "No day of this month has both means."


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get(
        "/analysis/siar-summary",
        tags=[_TAG],
        summary="In short",
        responses={"200": SummaryAnswer, "404": Problem, "422": Problem, "503": Problem},
    )
    def summary(query: ClimateQuery) -> dict[str, Any]:
        """Of one station, unless all are asked for pooled; nulls with a reason while nothing is kept."""
        scope = _scope(query)
        seasons = factory().climate.seasons(scope)
        hot = factory().climate.hot_days(scope)[["hot", "days"]].sum()
        basis = _basis(scope)
        return SummaryAnswer(
            **basis,
            status="ok" if basis["total_records"] else "empty",
            seasonal_insights=SeasonalInsights(
                best_month=_score(seasons, seasons.best), worst_month=_score(seasons, seasons.worst)
            ),
            critical_thresholds=ThresholdsSummary(**_percentiles(factory().climate.thresholds(scope))),
            hot_days=HotDays(above_c=HOT_C, days=int(hot["hot"]) if hot["days"] else None, of=int(hot["days"])),
        ).model_dump(mode="json")

    @blueprint.get(
        "/analysis/seasonal-patterns",
        tags=[_TAG],
        summary="How favourable the months of the year are",
        responses={"200": SeasonsAnswer, "404": Problem, "422": Problem, "503": Problem},
    )
    def seasonal_patterns(query: SeasonsQuery) -> dict[str, Any]:
        """Shares of the days whose mean temperature and mean humidity keep the limits."""
        scope = _scope(query)
        seasons = factory().climate.seasons(scope, query.limits, query.hot_above_c)
        return SeasonsAnswer(
            **_basis(scope),
            limits=LimitsAnswer(
                temperature_c=query.limits.temperature_c,
                humidity_pct=query.limits.humidity_pct,
                hot_above_c=query.hot_above_c,
            ),
            best_month=_score(seasons, seasons.best),
            worst_month=_score(seasons, seasons.worst),
            all_months=[_month(row) for row in seasons.months.itertuples()],
        ).model_dump(mode="json")

    @blueprint.get(
        "/analysis/critical-thresholds",
        tags=[_TAG],
        summary="Percentiles of what harms chocolate",
        responses={"200": ThresholdsAnswer, "404": Problem, "422": Problem, "503": Problem},
    )
    def critical_thresholds(query: ClimateQuery) -> dict[str, Any]:
        """Of the days' highest and mean temperature and mean humidity, with the days above each."""
        scope = _scope(query)
        table = factory().climate.thresholds(scope)
        return ThresholdsAnswer(
            **_basis(scope), thresholds=[_threshold(row) for row in table.itertuples()], **_percentiles(table)
        ).model_dump(mode="json")


def _scope(query: ClimateQuery) -> Scope:
    return Scope(query.station, query.pooled, query.start_date, query.end_date)


def _basis(scope: Scope) -> dict[str, Any]:
    basis = factory().climate.basis(scope)
    days = len(basis.frame)
    ends = [end for station in basis.stations for end in (station.first, station.last)]
    return {
        "data_source": {"observed": "siar", "simulated": "demo", None: None}[basis.kind],
        "kind": basis.kind,
        "total_records": days,
        "analysis_period": AnalysisPeriod(start=min(ends), end=max(ends)) if ends else None,
        "pooled": scope.pooled,
        "stations": stations_of(basis.stations),
        "reason": reason_of(days),
    }


def _score(seasons: Seasons, month: int | None) -> MonthScore | None:
    if month is None:
        return None
    row: Any = next(seasons.months.loc[[month]].itertuples())
    return MonthScore(
        month=month,
        name=calendar.month_name[month],
        efficiency_score=round(row.share_pct, 1),
        avg_temp=_rounded(row.temperature_c),
        optimal_days=row.favourable,
        critical_days=row.hot,
    )


def _month(row: Any) -> MonthAnswer:
    return MonthAnswer(
        month=row.Index,
        name=calendar.month_name[row.Index],
        efficiency=_rounded(row.share_pct),
        temp=_rounded(row.temperature_c),
        humidity=_rounded(row.humidity_pct),
        optimal_days=row.favourable,
        critical_days=row.hot,
        days=row.days,
        days_with_maximum=row.hot_known,
        unknown_days=row.unknown,
        reason=None if row.days else _NO_DAY,
    )


def _threshold(row: Any) -> ThresholdAnswer:
    field = _FIELDS[row.variable]
    return ThresholdAnswer(
        variable=row.variable,
        percentile=row.percentile,
        threshold_value=_rounded(row.threshold, 2),
        unit=field.unit,
        occurrences=row.occurrences,
        days=row.days,
        description=f"{field.description} of the day: {row.percentile} % of the days do not exceed it.",
    )


def _percentiles(table: pd.DataFrame) -> dict[str, Percentiles]:
    names = {
        "temperature": "temperature_mean_c",
        "temperature_max": "temperature_max_c",
        "humidity": "humidity_mean_pct",
    }
    values = table.set_index(["variable", "percentile"])["threshold"]
    return {
        name: Percentiles(**{f"p{level}": _rounded(value, 2) for level, value in values[field].items()})
        for name, field in names.items()
    }


def _rounded(value: float, digits: int = 1) -> float | None:
    return None if math.isnan(value) else round(float(value), digits)
