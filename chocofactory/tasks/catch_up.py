"""Fetching by itself what is published and missing."""

from __future__ import annotations

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
    try:
        prices = factory.ingestion.due(days_back)
        if prices:
            days = [day for wanted in prices.values() for day in wanted]
            _begin(factory, "ingest_prices", days, wait=wait)
        if days := factory.weather.due(days_back):
            _begin(factory, "ingest_weather", days, wait=wait)
        if days := factory.generation_ingestion.due(days_back):
            _begin(factory, "ingest_generation", days, wait=wait)
    except FactoryError as error:
        log.warning("catch-up failed", reason=str(error), code=error.code)


def _begin(factory: Factory, kind: str, days: list[date], *, wait: bool) -> None:
    begin = factory.jobs.run if wait else factory.jobs.start
    try:
        begin(kind, {"first": min(days).isoformat(), "last": max(days).isoformat()}, "scheduler")
    except JobBusy:
        log.debug("a run is under way already", kind=kind)
