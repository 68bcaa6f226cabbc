"""What looks ahead by itself: forecasts and plans whenever more is known, models before they grow old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import FactoryError, JobBusy
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from chocofactory.bootstrap import Factory

log = get_logger(__name__)

PAUSE = timedelta(hours=6)
"""From one training to the next that is begun here, however it ended."""
PLAN_PAUSE = timedelta(hours=1)
"""The same of plans."""


def foresee(factory: Factory) -> None:
    """Start a training, issue a forecast and make a plan, if they are due.

    It asks the archive, the registry and the plans, and remembers nothing itself. It never raises: what goes wrong is
    in the records of the runs and in the log.
    """
    tasks: tuple[tuple[str, Callable[[], bool], timedelta], ...] = (
        ("issue_forecast", factory.forecasts.issue_due, timedelta()),
        ("train_models", lambda: factory.training.due(factory.settings.train_days), PAUSE),
        ("plan_production", factory.planning.due, PLAN_PAUSE),
    )
    for kind, due, pause in tasks:
        try:
            if due() and not _began_lately(factory, kind, pause):
                factory.jobs.start(kind, _params(factory, kind), "scheduler")
        except JobBusy:
            log.debug("a run is under way already", kind=kind)
        except FactoryError as error:
            log.warning("cannot look ahead", kind=kind, reason=str(error), code=error.code)


def _params(factory: Factory, kind: str) -> dict[str, Any]:
    """What a run is asked for; the demonstration has a plan of today at once, with what runs."""
    demo = factory.settings.mode == "demo"
    if kind != "plan_production":
        return {}
    return {**factory.planning.next_order(from_yesterday=demo), "requested_by": "scheduler"}


def _began_lately(factory: Factory, kind: str, pause: timedelta) -> bool:
    newest = factory.jobs.recent(kind, limit=1)
    return bool(newest) and timedelta() <= factory.clock.now() - newest[0].created_at < pause
