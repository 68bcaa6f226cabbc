"""Fetching by itself what is published and missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chocofactory.core.clock import local_date
from chocofactory.core.errors import FactoryError, JobBusy
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from chocofactory.bootstrap import Factory

log = get_logger(__name__)


def catch_up(factory: Factory, *, wait: bool = False) -> None:
    """Start ingestions of what is due, if anything is; with ``wait`` do them before returning.

    It asks the store what is missing and remembers nothing itself, so that it may be called at any time, by any
    process, after any pause. While the store cannot say, observations and forecasts are fetched all the same: they
    cannot be had later, and a store that is away may still take what is written. It never raises: what goes wrong
    stands in the runs' records and in the log.
    """
    settings = factory.settings
    days_back = settings.demo_days if settings.mode == "demo" else settings.catch_up_days
    weather = factory.weather_ingestion
    today = [local_date(factory.clock.now())]
    recent = [today[0] - timedelta(days=1), *today]

    def prices() -> list[date]:
        return [day for wanted in factory.ingestion.due(days_back).values() for day in wanted]

    tasks: tuple[tuple[str, Callable[[], list[date]], timedelta, list[date]], ...] = (
        ("ingest_prices", prices, timedelta(), []),
        ("ingest_weather", lambda: weather.due(days_back), timedelta(minutes=30), recent),
        ("ingest_forecast", lambda: today if weather.forecast_due() else [], timedelta(hours=1), today),
        ("ingest_climatology", lambda: weather.climatology_due(days_back), timedelta(hours=12), []),
        ("ingest_siar", factory.history.due, timedelta(), []),
        ("ingest_generation", lambda: factory.generation_ingestion.due(days_back), timedelta(hours=1), []),
    )
    for kind, due, pause, otherwise in tasks:
        try:
            days = due()
        except FactoryError as error:
            log.warning("cannot tell what is due", kind=kind, reason=str(error), code=error.code)
            days = otherwise if kind in weather.kinds else []
        try:
            if days:
                _begin(factory, kind, days, wait=wait, pause=pause)
        except FactoryError as error:
            log.warning("catch-up failed", kind=kind, reason=str(error), code=error.code)


def _begin(factory: Factory, kind: str, days: list[date], *, wait: bool, pause: timedelta = timedelta()) -> None:
    """Start a run for these days, unless one of its kind began less than ``pause`` ago: sources are not pestered."""
    newest = factory.jobs.recent(kind, limit=1)
    if newest and timedelta() <= factory.clock.now() - newest[0].created_at < pause:
        return
    begin = factory.jobs.run if wait else factory.jobs.start
    try:
        begin(kind, {"first": min(days).isoformat(), "last": max(days).isoformat()}, "scheduler")
    except JobBusy:
        log.debug("a run is under way already", kind=kind)
