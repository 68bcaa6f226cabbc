"""Weather: now, the hours to come, the hours that are over, and fetching all three."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask_openapi3 import Tag

from chocofactory.api.schemas import (
    CurrentWeather,
    Delivered,
    ForecastAnswer,
    ForecastQuery,
    ObservedAnswer,
    ObservedQuery,
    Problem,
    WeatherIngestAnswer,
    WeatherIngestBody,
    WeatherValue,
)
from chocofactory.bootstrap import factory
from chocofactory.core.clock import local, local_date
from chocofactory.core.errors import InvalidInput
from chocofactory.services.jobs import recall
from chocofactory.services.ranges import check_days
from chocofactory.services.sources import most_telling
from chocofactory.services.weather import records

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

    from chocofactory.services.weather import Reading
    from chocofactory.store.state import JobRun

NAME = "weather"
PATIENCE_S = 30.0
"""How long a request waits for its run to end; it is answered with the run's address when that takes longer."""
LONGEST_RANGE_DAYS = 366
_TAG = Tag(name="Weather", description="Observations and forecasts, blended value by value")
_NOT_OBSERVED = "No weather was observed in the last 24 hours: no source has been asked, or none has answered."
_NOT_FORECAST = "No forecast is in force: no source has been asked, or none has answered."
_NONE_HERE = "Nothing of AEMET is kept for these days."
_RESPONSES: Any = {"201": WeatherIngestAnswer, "202": WeatherIngestAnswer} | dict.fromkeys(
    ("404", "409", "422", "502", "503", "504"), Problem
)


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get(
        "/weather/current", tags=[_TAG], summary="The newest observed hour", responses={"200": CurrentWeather}
    )
    def current() -> dict[str, Any]:
        return _current(factory().weather.current())

    @blueprint.get(
        "/weather/forecast", tags=[_TAG], summary="The hours to come", responses={"200": ForecastAnswer, "422": Problem}
    )
    def forecast(query: ForecastQuery) -> dict[str, Any]:
        """AEMET first, OpenWeatherMap beyond; every value says where it is from."""
        blend = factory().weather.forecast(query.hours)
        there = int(blend.frame["temperature_c"].notna().sum())
        return {
            "forecast": records(blend, "forecast"),
            "total_records": there,
            "expected_records": query.hours,
            "issued": {provider: local(moment).isoformat() for provider, moment in blend.issued_at.items()},
            "reason": None if blend.issued_at else _NOT_FORECAST,
        }

    @blueprint.get(
        "/aemet/weather",
        tags=[_TAG],
        summary="Hourly observations of AEMET",
        responses={"200": ObservedAnswer, "422": Problem},
    )
    def observed(query: ObservedQuery) -> dict[str, Any]:
        """At most 366 local days, both ends included."""
        first, last = query.start_date, query.end_date or query.start_date
        if (last - first).days >= LONGEST_RANGE_DAYS:
            raise InvalidInput("At most {most} days can be asked for at once.", most=LONGEST_RANGE_DAYS)
        blend = factory().weather.observed(first, last, "aemet")
        there = int(blend.frame.notna().any(axis=1).sum())
        return {
            "weather": records(blend, "observed"),
            "total_records": there,
            "expected_records": len(blend.frame),
            "period": {"start": first.isoformat(), "end": last.isoformat()},
            "reason": None if there else _NONE_HERE,
        }

    @blueprint.post("/weather/ingest", tags=[_TAG], summary="Fetch weather from every source", responses=_RESPONSES)
    def ingest(body: WeatherIngestBody) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Observations and forecasts; what one source cannot deliver stands in the answer."""
        return _ingest(body, None)

    @blueprint.post("/aemet/ingest", tags=[_TAG], summary="Fetch weather from AEMET", responses=_RESPONSES)
    def ingest_aemet(body: WeatherIngestBody) -> tuple[dict[str, Any], int, dict[str, str]]:
        """The same of AEMET alone."""
        return _ingest(body, "aemet")


def _current(reading: Reading | None) -> dict[str, Any]:
    if reading is None:
        nothing = dict.fromkeys(("timestamp", "age_s", "stale", "temperature", "humidity", "pressure", "wind_speed"))
        return {**nothing, "source": "none", "kind": "unavailable", "values": {}, "reason": _NOT_OBSERVED}
    values = {
        name: WeatherValue(
            value=each.value,
            unit=each.field.unit,
            provider=each.provider,
            kind=each.kind,
            reason=each.reason,
            timestamp=local(each.time) if each.time else None,
        )
        for name, each in reading.values.items()
    }
    kinds = [each.kind for each in values.values() if each.value is not None]
    return CurrentWeather(
        timestamp=local(reading.time),
        age_s=max(0, int((factory().clock.now() - reading.end).total_seconds())),
        stale=reading.stale,
        source=", ".join(reading.providers),
        kind=kinds[0],
        temperature=values["temperature_c"].value,
        humidity=values["humidity_pct"].value,
        pressure=values["pressure_hpa"].value,
        wind_speed=values["wind_ms"].value,
        values=values,
        reason=None,
    ).model_dump(mode="json")


def _ingest(body: WeatherIngestBody, source: str | None) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Do both runs, each waited for; an error only where neither brought anything."""
    today = local_date(factory().clock.now())
    last = body.end_date or today
    first = body.start_date or min(last, today - timedelta(days=1))
    check_days(first, last)
    if last > today:
        raise InvalidInput("{last} lies in the future: observations reach to {today}.", last=last, today=today)
    span = {"first": first.isoformat(), "last": last.isoformat(), "source": source}
    jobs = factory().jobs
    runs = [
        jobs.attend("ingest_weather", span, "api", PATIENCE_S / 2),
        jobs.attend("ingest_forecast", {"source": source}, "api", PATIENCE_S / 2),
    ]
    failures = [recall(run.error) for run in runs if run.error]
    if len(failures) == len(runs):
        raise most_telling(failures)
    addresses = [f"/api/v1/jobs/runs/{run.id}" for run in runs]
    answer = WeatherIngestAnswer(
        timestamp=factory().clock.now(),
        complete=all(run.state == "succeeded" for run in runs),
        observations=_delivered(runs[0]),
        forecast=_delivered(runs[1]),
        runs=addresses,
    ).model_dump(mode="json")
    under_way = [address for address, run in zip(addresses, runs, strict=True) if run.finished_at is None]
    return (answer, 202, {"Location": under_way[0]}) if under_way else (answer, 201, {})


def _delivered(run: JobRun) -> list[Delivered]:
    """What each source delivered; nothing while the run goes on."""
    return [
        Delivered(
            source=each["source"],
            success=each["error"] is None,
            records_written=each["new"] + each["changed"],
            new=each["new"],
            changed=each["changed"],
            unchanged=each["unchanged"],
            queued=each["queued"],
            error=str(recall(each["error"])) if each["error"] else None,
        )
        for each in (run.result or {}).get("sources", ())
    ]
