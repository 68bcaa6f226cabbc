"""The composition root: settings in, all services out. The only place that knows which adapters exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flask import current_app

from chocofactory.core.clock import SystemClock, TravellingClock
from chocofactory.core.config import as_environment, variable
from chocofactory.core.errors import ConfigurationError, NotFound, PlantInvalid
from chocofactory.domain.plant_file import parse_plant
from chocofactory.domain.tariff import tariff
from chocofactory.forecasting.registry import Registry
from chocofactory.services.accuracy import Accuracy
from chocofactory.services.backfill import Backfill
from chocofactory.services.backtests import Backtests
from chocofactory.services.climate import Climate
from chocofactory.services.delivery import Delivery
from chocofactory.services.expected_weather import ExpectedWeather
from chocofactory.services.forecasts import FORECASTER, Forecasts
from chocofactory.services.gaps import Gaps
from chocofactory.services.generation import Generation, GenerationIngestion, ingest_generation_job
from chocofactory.services.generation_files import import_generation_job
from chocofactory.services.health import Health
from chocofactory.services.imports import import_prices_job
from chocofactory.services.ingestion import PriceIngestion, ingest_job
from chocofactory.services.jobs import Jobs
from chocofactory.services.models import Models
from chocofactory.services.planning import Planning
from chocofactory.services.plant_files import DEFAULT, plant_text
from chocofactory.services.prices import Prices
from chocofactory.services.recovery import Recoveries
from chocofactory.services.routine import (
    NAMES,
    delivery_task,
    gap_task,
    looking_ahead_tasks,
    other_data_tasks,
    price_tasks,
    weather_tasks,
)
from chocofactory.services.schedule import Schedule
from chocofactory.services.scoring import Recommendations
from chocofactory.services.siar import SiarHistory, etl_siar_job
from chocofactory.services.sources import SourceLog
from chocofactory.services.training import Training
from chocofactory.services.weather import Place, Weather
from chocofactory.services.weather_ingestion import WeatherIngestion, weather_jobs
from chocofactory.sources.aemet import Aemet
from chocofactory.sources.base import (
    DailySource,
    ForecastSource,
    GenerationSource,
    HistorySource,
    ObservationSource,
    PriceSource,
)
from chocofactory.sources.demo import Demo
from chocofactory.sources.esios import Esios, EsiosArchive
from chocofactory.sources.openweather import OpenWeather, site
from chocofactory.sources.ree import Ree
from chocofactory.store.base import SIMULATION
from chocofactory.store.sqlite import SqliteSeriesStore
from chocofactory.store.state import StateStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chocofactory.core.clock import Clock
    from chocofactory.core.config import Settings
    from chocofactory.domain.plant import Plant
    from chocofactory.domain.tariff import Tariff
    from chocofactory.store.base import Nature, SeriesStore

    StoreKind = Literal["sqlite", "influx"]

EXTENSION = "chocofactory"

Source = PriceSource | ObservationSource | ForecastSource | DailySource | GenerationSource
"""Whatever can be asked; a service takes those that have what it wants."""


@dataclass(frozen=True)
class Factory:
    """All services, wired. Safe to share between threads; close it when done."""

    settings: Settings
    clock: Clock
    tariff: Tariff
    plant: Plant
    prices: Prices
    ingestion: PriceIngestion
    weather: Weather
    weather_ingestion: WeatherIngestion
    climate: Climate
    history: SiarHistory
    generation: Generation
    generation_ingestion: GenerationIngestion
    forecasts: Forecasts
    recommendations: Recommendations
    planning: Planning
    models: Models
    training: Training
    accuracy: Accuracy
    gaps: Gaps
    recoveries: Recoveries
    backfill: Backfill
    jobs: Jobs
    health: Health
    delivery: Delivery
    schedule: Schedule
    uploads: Path
    _store: SeriesStore
    _state: StateStore

    def close(self) -> None:
        """Wait for the runs of this process, then let go of files and connections."""
        self.jobs.close()
        self._store.close()
        self._state.close()


def build(settings: Settings, *, clock: Clock | None = None, sources: Sequence[Source] | None = None) -> Factory:
    """Wire everything as the settings say; a test hands in its own clock and sources.

    Raises
    ------
    StoreError
        The data folder or what lies in it cannot be used; not for a server that is away.
    ConfigurationError
        The plant file cannot be used, or as ``series_store``.
    MixedProvenance
        The store holds data of the other mode.

    """
    clock = clock or (TravellingClock(settings.clock_start) if settings.clock_start else SystemClock())
    plant_source, plant = _plant(settings)
    folder = settings.mode_dir
    store = series_store(settings, clock)
    state = StateStore(folder / "state.db")
    asked = list(sources) if sources is not None else _sources(settings, clock)
    sellers = [source for source in asked if isinstance(source, PriceSource)]
    log = SourceLog(state, clock)
    rules = tariff(settings.tariff)
    prices = Prices(store, clock, rules)
    ingestion = PriceIngestion(store, log, sellers, clock)
    jobs = Jobs(state, clock, folder / "locks", as_environment(settings))
    weather_ingestion = WeatherIngestion(
        store,
        log,
        clock,
        observers=[source for source in asked if isinstance(source, ObservationSource)],
        forecasters=[source for source in asked if isinstance(source, ForecastSource)],
        stations=[source for source in asked if isinstance(source, DailySource)],
    )
    jobs.register([ingest_job(ingestion), import_prices_job(ingestion), *weather_jobs(weather_ingestion)])
    generators = [source for source in asked if isinstance(source, GenerationSource)]
    generation_ingestion = GenerationIngestion(store, log, generators, clock)
    jobs.register([ingest_generation_job(generation_ingestion), import_generation_job(store, clock)])
    history = SiarHistory(store, [source for source in asked if isinstance(source, HistorySource)], clock)
    jobs.register([etl_siar_job(store, clock), history.job()])
    registry = Registry(folder / "models")
    models = Models(registry, state.promotions, clock)
    training = Training(registry, models, prices, clock)
    forecasts = Forecasts(store, clock, prices, models, SIMULATION if settings.mode == "demo" else FORECASTER)
    jobs.register([forecasts.job(), training.job(), Backtests(prices).job()])
    weather, climate = Weather(store, clock, _places(settings)), Climate(store)
    expected = ExpectedWeather(weather, climate, clock, plant.room.margin_c)
    planning = Planning(state.plans, store, clock, plant, plant_source, prices, forecasts, expected)
    jobs.register([planning.job()])
    gaps = Gaps(store, clock)
    recoveries = Recoveries(gaps, ingestion, weather_ingestion, generation_ingestion, history, clock)
    backfill = Backfill(recoveries, ingestion, weather_ingestion, generation_ingestion, history, jobs, clock)
    jobs.register([backfill.job()])
    delivery = Delivery(store)
    schedule = Schedule(state.tasks, jobs, clock, settings.cadence)
    demo = settings.mode == "demo"
    if days_back := settings.demo_days if demo else settings.catch_up_days:
        schedule.register(price_tasks(ingestion, clock, days_back))
        schedule.register(weather_tasks(weather_ingestion, clock, days_back))
        schedule.register(other_data_tasks(generation_ingestion, history, clock, days_back))
        schedule.register([gap_task(backfill, days_back)])
    if delivery.needed:
        schedule.register([delivery_task(delivery)])
    if days_back or settings.train_days:
        ahead = looking_ahead_tasks(forecasts, training, planning, train_days=settings.train_days, demo=demo)
        schedule.register(ahead)
    schedule.check(NAMES)
    return Factory(
        settings=settings,
        clock=clock,
        tariff=rules,
        plant=plant,
        prices=prices,
        ingestion=ingestion,
        weather=weather,
        weather_ingestion=weather_ingestion,
        climate=climate,
        history=history,
        generation=Generation(store),
        generation_ingestion=generation_ingestion,
        forecasts=forecasts,
        recommendations=Recommendations(forecasts, expected, plant, clock),
        planning=planning,
        models=models,
        training=training,
        accuracy=Accuracy(store, clock),
        gaps=gaps,
        recoveries=recoveries,
        backfill=backfill,
        jobs=jobs,
        health=Health(store, state, prices, clock, [source.name for source in asked]),
        delivery=delivery,
        schedule=schedule,
        uploads=folder / "uploads",
        _store=store,
        _state=state,
    )


def series_store(
    settings: Settings, clock: Clock, kind: StoreKind | None = None, *, existing: bool = False, at_leisure: bool = False
) -> SeriesStore:
    """The series store of this mode: the one that the settings choose, or the one that is named.

    One in the data folder is made if need be, or must be there (``existing``). A server has more time for its answers
    where everything is done ``at_leisure``, and not for somebody who looks at a page.

    Raises
    ------
    NotFound
        It must be there, and is not.
    ConfigurationError
        The settings do not say where InfluxDB is, or hold no token for it or one that it does not know.
    StoreError, MixedProvenance
        As the stores.

    """
    nature: Nature = "simulated" if settings.mode == "demo" else "real"
    if (kind or ("influx" if settings.influx_url else "sqlite")) == "sqlite":
        path = settings.mode_dir / "series.db"
        if existing and not path.exists():
            raise NotFound("There is no store at {path}: see {name}.", path=str(path), name=variable("data_dir"))
        return SqliteSeriesStore(path, nature)
    if settings.influx_url is None or settings.influx_token is None:
        lacking = "influx_token" if settings.influx_url else "influx_url"
        raise ConfigurationError("{name} must be set to keep series in InfluxDB.", name=variable(lacking))
    from chocofactory.store.influx import InfluxSeriesStore
    from chocofactory.store.influx_server import InfluxServer
    from chocofactory.store.outbox import Outbox

    bucket = settings.influx_bucket + ("-demo" if nature == "simulated" else "")
    outbox = Outbox(settings.mode_dir / "outbox.db", settings.outbox_max_mb, clock)
    token = settings.influx_token.get_secret_value()
    server = InfluxServer(settings.influx_url, token, settings.influx_org, bucket, at_leisure=at_leisure)
    return InfluxSeriesStore(server, outbox, nature, clock)


def factory() -> Factory:
    """The services of the Flask application that is serving the present request."""
    found: Factory = current_app.extensions[EXTENSION]
    return found


def _plant(settings: Settings) -> tuple[str, Plant]:
    """The text of the plant file, and the plant that it describes."""
    try:
        text = plant_text(settings.plant_file)
        return text, parse_plant(text, str(settings.plant_file or DEFAULT))
    except PlantInvalid as error:
        raise ConfigurationError("{name}: {reason}", name=variable("plant_file"), reason=str(error)) from error


def _sources(settings: Settings, clock: Clock) -> list[Source]:
    """Every source that the settings let be asked, in order of preference."""
    if settings.mode == "demo":
        return [Demo(settings.demo_seed, clock)]
    token = [Esios(settings)] if settings.esios_token else []
    sky = [Aemet(settings)] if settings.aemet_key else []
    more = [OpenWeather(settings, clock=clock)] if settings.openweather_key else []
    return [Ree(settings), *token, EsiosArchive(settings), *sky, *more]


def _places(settings: Settings) -> list[Place]:
    """The weather series that count, in order of preference; those kept earlier count without a key, too."""
    if settings.mode == "demo":
        return [Place(Demo.name, Demo.station, Demo.station)]
    here = site(settings)
    return [
        Place(Aemet.name, settings.aemet_station, settings.aemet_municipality),
        Place(OpenWeather.name, here, here),
    ]
