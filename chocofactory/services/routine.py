"""What runs by itself, and when: one list, in the order in which it is looked at.

Each task asks the store what is missing, so that it may be looked at at any time, by any process, after any pause.
Times are those of the wall clock in Madrid; none lies between 02:00 and 03:00.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import local_date
from chocofactory.core.errors import FactoryError
from chocofactory.core.logs import get_logger
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.domain.weather import CHECKED_AFTER
from chocofactory.services.schedule import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from chocofactory.core.clock import Clock
    from chocofactory.services.backfill import Backfill
    from chocofactory.services.delivery import Delivery
    from chocofactory.services.forecasts import Forecasts
    from chocofactory.services.generation import GenerationIngestion
    from chocofactory.services.ingestion import PriceIngestion
    from chocofactory.services.planning import Planning
    from chocofactory.services.siar import SiarHistory
    from chocofactory.services.training import Training
    from chocofactory.services.weather_ingestion import WeatherIngestion

log = get_logger(__name__)

ONE_DAY = timedelta(days=1)
NAMES = (
    *("prices_today", "spot_tomorrow", "pvpc_tomorrow", "weather", "weather_forecast", "weather_checked"),
    *("generation", "weather_history", "gaps", "outbox", "forecast", "training", "plan_next_days", "plan_of_the_day"),
)
"""Every task that there may be: which there are depends on what is set up."""


def price_tasks(ingestion: PriceIngestion, clock: Clock, days_back: int) -> list[Task]:
    """Prices up to today, and those of tomorrow from when they come out until they are complete."""

    def today() -> date:
        return local_date(clock.now())

    def until_today() -> dict[str, Any] | None:
        return _days(day for days in ingestion.due(days_back).values() for day in days if day <= today())

    def tomorrow(market: str) -> Callable[[], dict[str, Any] | None]:
        def due() -> dict[str, Any] | None:
            if market not in ingestion.markets:
                return None
            found = _days(ingestion.missing_days(market, today() + ONE_DAY, today() + ONE_DAY))
            return None if found is None else {**found, "markets": [market]}

        return due

    def recent() -> dict[str, Any]:
        return _range(today() - ONE_DAY, today())

    def next_day(market: str) -> Callable[[], dict[str, Any]]:
        return lambda: {**_range(today() + ONE_DAY, today() + ONE_DAY), "markets": [market]}

    kind = "ingest_prices"
    return [
        Task("prices_today", "*/10 * * * *", until_today, kind, recent),
        Task("spot_tomorrow", "*/10 13-23 * * *", tomorrow(SPOT), kind, next_day(SPOT)),
        Task("pvpc_tomorrow", "*/10 20-23 * * *", tomorrow(PVPC), kind, next_day(PVPC)),
    ]


def weather_tasks(ingestion: WeatherIngestion, clock: Clock, days_back: int) -> list[Task]:
    """Observed hours, the forecast in force, and checked days; only what some source can be asked for.

    While the store cannot say what is missing, observations and forecasts are fetched all the same: they cannot be had
    later, and a store that is away may still take what is written.
    """

    def recent() -> dict[str, Any]:
        today = local_date(clock.now())
        return _range(today - ONE_DAY, today)

    def newest_checked() -> dict[str, Any]:
        last = local_date(clock.now() - CHECKED_AFTER)
        return _range(last - ONE_DAY, last)

    def observed() -> dict[str, Any] | None:
        return _or_all_the_same(lambda: _days(ingestion.due(days_back)), recent)

    def forecast() -> dict[str, Any] | None:
        return _or_all_the_same(lambda: {} if ingestion.forecast_due() else None, dict)

    tasks = [
        Task("weather", "5,35 * * * *", observed, "ingest_weather", recent, timedelta(minutes=20)),
        Task("weather_forecast", "15 * * * *", forecast, "ingest_forecast", dict, timedelta(minutes=40)),
        Task(
            "weather_checked",
            "40 4-22/6 * * *",
            lambda: _days(ingestion.climatology_due(days_back)),
            "ingest_climatology",
            newest_checked,
            timedelta(hours=6),
        ),
    ]
    return [task for task in tasks if task.kind in ingestion.kinds]


def other_data_tasks(generation: GenerationIngestion, history: SiarHistory, clock: Clock, days_back: int) -> list[Task]:
    """Generation of days that are over, and the history of weather where a source can be asked for it."""

    def yesterday() -> dict[str, Any]:
        day = local_date(clock.now()) - ONE_DAY
        return _range(day, day)

    tasks = [
        Task(
            "generation",
            "20 * * * *",
            lambda: _days(generation.due(days_back)),
            "ingest_generation",
            yesterday,
            timedelta(minutes=40),
        )
    ]
    whole_history = Task("weather_history", "30 4-22/6 * * *", lambda: _days(history.due()), "ingest_siar", yesterday)
    return [*(tasks if generation.kinds else []), *([whole_history] if history.has_source else [])]


def looking_ahead_tasks(
    forecasts: Forecasts, training: Training, planning: Planning, *, train_days: int, demo: bool
) -> list[Task]:
    """Forecasts and plans whenever more is known, models before they grow old."""

    def order() -> dict[str, Any]:
        """The plan that comes next; the demonstration has one of today at once, with what runs."""
        return {**planning.next_order(from_yesterday=demo), "requested_by": "scheduler"}

    def of_the_day() -> dict[str, Any]:
        return {**planning.order_of_the_day(), "requested_by": "scheduler"}

    return [
        Task("forecast", "*/5 * * * *", lambda: {} if forecasts.issue_due() else None, "issue_forecast"),
        Task(
            "training",
            "*/15 * * * *",
            lambda: {} if training.due(train_days) else None,
            "train_models",
            pause=timedelta(hours=6),
        ),
        Task(
            "plan_next_days",
            "*/5 * * * *",
            lambda: order() if planning.due() else None,
            "plan_production",
            order,
            timedelta(minutes=30),
        ),
        Task(
            "plan_of_the_day",
            "*/10 5-22 * * *",
            lambda: of_the_day() if planning.due_of_the_day() else None,
            "plan_production",
            of_the_day,
            timedelta(hours=1),
        ),
    ]


def gap_task(backfill: Backfill, days_back: int) -> Task:
    """Filling what is missing of the days that no other task looks back over, as far as some source can deliver it."""
    return Task("gaps", "50 * * * *", lambda: backfill.due(days_back), "backfill", pause=timedelta(hours=6))


def delivery_task(delivery: Delivery) -> Task:
    """Sending what waits for the server of the series store."""

    def deliver() -> dict[str, Any] | None:
        return {} if delivery.deliver() else None

    return Task("outbox", "* * * * *", deliver)


def _days(days: Iterable[date]) -> dict[str, Any] | None:
    """The range that holds all of the days, as parameters of a run; None where there are none."""
    found = sorted(days)
    return _range(found[0], found[-1]) if found else None


def _range(first: date, last: date) -> dict[str, Any]:
    return {"first": first.isoformat(), "last": last.isoformat()}


def _or_all_the_same(
    due: Callable[[], dict[str, Any] | None], otherwise: Callable[[], dict[str, Any]]
) -> dict[str, Any] | None:
    try:
        return due()
    except FactoryError as error:
        log.warning("cannot tell what is due", reason=str(error), code=error.code)
        return otherwise()
