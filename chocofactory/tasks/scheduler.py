"""The scheduler: APScheduler in the background of the serving process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from chocofactory.core.clock import MADRID
from chocofactory.services.imports import sweep_uploads
from chocofactory.tasks.catch_up import catch_up
from chocofactory.tasks.deliver import deliver
from chocofactory.tasks.foresee import foresee

if TYPE_CHECKING:
    from collections.abc import Callable

    from chocofactory.bootstrap import Factory

CATCH_UP_MINUTES = 10
FORESEE_MINUTES = 5
DELIVER_MINUTES = 1


def start(factory: Factory) -> BackgroundScheduler | None:
    """Begin with all that runs by itself; ``None`` where the settings leave nothing of it.

    What is missing is caught up with now and every few minutes, unless the settings say never; forecasts are issued
    and models trained when they are due. The demo fills its history before this returns, so that the first page is a
    full one. What waits for a server is sent every minute.
    """
    demo = factory.settings.mode == "demo"
    scheduler = BackgroundScheduler(timezone=MADRID)
    if factory.delivery.needed:
        _add(scheduler, factory, deliver, IntervalTrigger(minutes=DELIVER_MINUTES, jitter=5))
    if factory.settings.catch_up_days or demo:
        factory.jobs.sweep()
        sweep_uploads(factory.uploads, factory.clock.now())
        catch_up(factory, wait=demo)
        _add(scheduler, factory, catch_up, IntervalTrigger(minutes=CATCH_UP_MINUTES, jitter=30))
    if factory.settings.catch_up_days or factory.settings.train_days or demo:
        foresee(factory)
        _add(scheduler, factory, foresee, IntervalTrigger(minutes=FORESEE_MINUTES, jitter=30))
    if not scheduler.get_jobs():
        return None
    scheduler.start()
    return scheduler


def _add(
    scheduler: BackgroundScheduler, factory: Factory, task: Callable[[Factory], None], when: IntervalTrigger
) -> None:
    scheduler.add_job(
        task, when, args=[factory], id=task.__name__, coalesce=True, misfire_grace_time=None, max_instances=1
    )
