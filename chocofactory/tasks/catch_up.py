"""Fetching by itself what is published and missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chocofactory.core.errors import FactoryError, JobBusy
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory

log = get_logger(__name__)


def catch_up(factory: Factory, *, wait: bool = False) -> None:
    """Start an ingestion of what is due, if anything is; with ``wait`` do it before returning.

    It asks the store what is missing and remembers nothing itself, so that it may be called at any time, by any
    process, after any pause. It never raises: what goes wrong stands in the run's record and in the log.
    """
    settings = factory.settings
    days_back = settings.demo_days if settings.mode == "demo" else settings.catch_up_days
    try:
        due = factory.ingestion.due(days_back)
        if not due:
            return
        days = [day for wanted in due.values() for day in wanted]
        begin = factory.jobs.run if wait else factory.jobs.start
        begin(
            "ingest_prices",
            {"first": min(days).isoformat(), "last": max(days).isoformat(), "markets": list(due)},
            "scheduler",
        )
    except JobBusy:
        log.debug("an ingestion is under way already")
    except FactoryError as error:
        log.warning("catch-up failed", reason=str(error), code=error.code)
