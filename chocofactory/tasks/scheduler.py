"""The scheduler: APScheduler in the background, looking around for whichever process holds its lock."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from chocofactory.core.clock import MADRID
from chocofactory.core.errors import FactoryError
from chocofactory.core.locks import ProcessLock
from chocofactory.core.logs import get_logger
from chocofactory.services.imports import sweep_uploads

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory

log = get_logger(__name__)

LOOK_SECONDS = 10
"""From one look at the tasks to the next; what they start goes by their cadence and the program's clock."""


class Watch:
    """Looks around, if it holds the lock: of all processes on one data folder exactly one does.

    The lock goes with the process that holds it, however that ends; the next one that looks takes over.
    """

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._lock = ProcessLock(factory.settings.mode_dir / "scheduler.lock")
        self._process = f"{socket.gethostname()}:{os.getpid()}"
        self._leads = False

    def look(self, *, wait: bool = False) -> bool:
        """Look at what is due, and say whether it was ours to do. It never raises: the log says what went wrong."""
        if not self._lock.acquire():
            self._leads = False
            return False
        try:
            if not self._leads:
                self._begin()
            self._factory.schedule.look_around(self._process, wait=wait)
        except FactoryError as error:
            log.warning("cannot look around", reason=str(error), code=error.code)
        except Exception:
            log.exception("cannot look around")
        return True

    def release(self) -> None:
        """Let another process look around from now on."""
        self._leads = False
        self._lock.release()

    def _begin(self) -> None:
        log.info("scheduler leads", process=self._process)
        self._factory.jobs.sweep()
        sweep_uploads(self._factory.uploads, self._factory.clock.now())
        self._leads = True


def start(factory: Factory) -> BackgroundScheduler | None:
    """Begin with all that runs by itself, here or, where another process does it already, as soon as that one ends.

    ``None`` where the settings leave nothing of it. The demo does what is due before this returns, but for what takes
    long, so that its first page is a full one.
    """
    if not factory.schedule.tasks:
        return None
    watch = Watch(factory)
    watch.look(wait=factory.settings.mode == "demo")
    scheduler = BackgroundScheduler(timezone=MADRID)
    scheduler.add_job(
        watch.look,
        IntervalTrigger(seconds=LOOK_SECONDS, jitter=1),
        id="look",
        coalesce=True,
        misfire_grace_time=None,
        max_instances=1,
    )
    scheduler.start()
    return scheduler
