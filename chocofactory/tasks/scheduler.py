"""The scheduler: APScheduler in the background of the serving process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from chocofactory.core.clock import MADRID
from chocofactory.services.imports import sweep_uploads
from chocofactory.tasks.catch_up import catch_up

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory

CATCH_UP_MINUTES = 10


def start(factory: Factory) -> BackgroundScheduler | None:
    """Catch up with what is missing, now and every few minutes; ``None`` where the settings say never.

    The demo fills its history before this returns, so that the first page is a full one.
    """
    demo = factory.settings.mode == "demo"
    if not factory.settings.catch_up_days and not demo:
        return None
    factory.jobs.sweep()
    sweep_uploads(factory.uploads, factory.clock.now())
    catch_up(factory, wait=demo)
    scheduler = BackgroundScheduler(timezone=MADRID)
    scheduler.add_job(
        catch_up,
        IntervalTrigger(minutes=CATCH_UP_MINUTES, jitter=30),
        args=[factory],
        id="catch_up",
        coalesce=True,
        misfire_grace_time=None,
        max_instances=1,
    )
    scheduler.start()
    return scheduler
