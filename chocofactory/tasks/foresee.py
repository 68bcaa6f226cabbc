"""Issuing forecasts by itself whenever more is known, and training the models again before they grow old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chocofactory.core.errors import FactoryError, JobBusy
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from chocofactory.bootstrap import Factory

log = get_logger(__name__)

PAUSE = timedelta(hours=6)
"""From one training to the next that is begun here, however it ended."""


def foresee(factory: Factory) -> None:
    """Start a training and issue a forecast, if either is due.

    It asks the archive and the registry, and remembers nothing itself. It never raises: what goes wrong stands in the
    runs' records and in the log.
    """
    tasks: tuple[tuple[str, Callable[[], bool], timedelta], ...] = (
        ("issue_forecast", factory.forecasts.issue_due, timedelta()),
        ("train_models", lambda: factory.training.due(factory.settings.train_days), PAUSE),
    )
    for kind, due, pause in tasks:
        try:
            if due() and not _began_lately(factory, kind, pause):
                factory.jobs.start(kind, {}, "scheduler")
        except JobBusy:
            log.debug("a run is under way already", kind=kind)
        except FactoryError as error:
            log.warning("cannot look ahead", kind=kind, reason=str(error), code=error.code)


def _began_lately(factory: Factory, kind: str, pause: timedelta) -> bool:
    newest = factory.jobs.recent(kind, limit=1)
    return bool(newest) and timedelta() <= factory.clock.now() - newest[0].created_at < pause
