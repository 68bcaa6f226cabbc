"""Fetching by itself what is published and missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chocofactory.core.errors import FactoryError, JobBusy
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from datetime import date

    from chocofactory.bootstrap import Factory

log = get_logger(__name__)


def catch_up(factory: Factory, *, wait: bool = False) -> None:
    """Start ingestions of what is due, if anything is; with ``wait`` do them before returning.

    It asks the store what is missing and remembers nothing itself, so that it may be called at any time, by any
    process, after any pause. It never raises: what goes wrong stands in the runs' records and in the log.
    """
    settings = factory.settings
    days_back = settings.demo_days if settings.mode == "demo" else settings.catch_up_days
    weather = factory.weather_ingestion
    try:
        if prices := factory.ingestion.due(days_back):
            _begin(factory, "ingest_prices", [day for wanted in prices.values() for day in wanted], wait=wait)
        if days := weather.due(days_back):
            _begin(factory, "ingest_weather", days, wait=wait, pause=timedelta(minutes=30))
        if weather.forecast_due():
            _begin(factory, "ingest_forecast", [], wait=wait, pause=timedelta(hours=1))
        if days := weather.climatology_due(days_back):
            _begin(factory, "ingest_climatology", days, wait=wait, pause=timedelta(hours=12))
        if days := factory.history.due():
            _begin(factory, "ingest_siar", days, wait=wait)
        if days := factory.generation_ingestion.due(days_back):
            _begin(factory, "ingest_generation", days, wait=wait)
    except FactoryError as error:
        log.warning("catch-up failed", reason=str(error), code=error.code)


def _begin(factory: Factory, kind: str, days: list[date], *, wait: bool, pause: timedelta = timedelta()) -> None:
    """Start a run for these days, unless one of its kind began less than ``pause`` ago: sources are not pestered."""
    newest = factory.jobs.recent(kind, limit=1)
    if newest and timedelta() <= factory.clock.now() - newest[0].created_at < pause:
        return
    begin = factory.jobs.run if wait else factory.jobs.start
    span = {"first": min(days).isoformat(), "last": max(days).isoformat()} if days else {}
    try:
        begin(kind, span, "scheduler")
    except JobBusy:
        log.debug("a run is under way already", kind=kind)
