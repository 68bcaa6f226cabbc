"""Settings: everything that an operator may change, from ``CHOCO_*`` variables or a ``.env`` file."""

from __future__ import annotations

import difflib
import os
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chocofactory.core.errors import ConfigurationError
from chocofactory.core.logs import scrub

PREFIX = "CHOCO_"
_FOR_TESTS = "CHOCO_TEST_"


_HTTP_URL = TypeAdapter(AnyHttpUrl)
BaseUrl = Annotated[str, AfterValidator(lambda url: str(_HTTP_URL.validate_python(url)).rstrip("/"))]


class Settings(BaseSettings):
    """What an operator may change: each field is the variable ``CHOCO_<FIELD>`` (see docs/configuration.md)."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True
    )

    mode: Literal["live", "demo"] = Field(
        "live",
        description="`live` asks the real sources; `demo` simulates prices, weather and generation offline, in a store "
        "of its own.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address that the server listens on.")
    port: int = Field(8050, ge=1, le=65535, description="Port that the server listens on.")
    data_dir: Path = Field(
        Path("var"),
        description="Folder for everything that is kept. Each mode has its own subfolder, so that simulated and real "
        "data never meet.",
    )
    plant_file: Path | None = Field(
        None, description="Your plant, as a TOML file; without it the default plant is used."
    )
    locale: Literal["es", "en"] = Field("es", description="Language for those who have not chosen one in the browser.")
    tariff: Literal["2.0TD", "3.0TD"] = Field(
        "2.0TD",
        description="Access tariff whose periods label the hours. It changes labels only: PVPC holds 2.0TD tolls.",
    )
    clock_start: datetime | None = Field(
        None,
        description="Pretend that the program was started at this moment (ISO 8601 with offset), to review a past day. "
        "Every page says so.",
    )

    ree_url: BaseUrl = Field(
        "https://apidatos.ree.es", description="Base address of REE apidatos (prices, generation)."
    )
    esios_url: BaseUrl = Field("https://api.esios.ree.es", description="Base address of ESIOS (prices, second way).")
    esios_token: SecretStr | None = Field(
        None, description="Personal ESIOS token. Without it only the public daily archive of ESIOS is asked."
    )
    aemet_url: BaseUrl = Field("https://opendata.aemet.es/opendata/api", description="Base address of AEMET OpenData.")
    aemet_key: SecretStr | None = Field(
        None, description="Key of AEMET OpenData (free, on request). Without it AEMET is not asked."
    )
    aemet_station: str = Field(
        "5279X", pattern=r"^[0-9A-Z]{3,8}$", description="AEMET station of the observations (5279X: Linares)."
    )
    aemet_municipality: str = Field(
        "23055", pattern=r"^[0-9]{5}$", description="Municipality of AEMET's hourly forecast (23055: Linares)."
    )
    openweather_url: BaseUrl = Field("https://api.openweathermap.org", description="Base address of OpenWeatherMap.")
    openweather_key: SecretStr | None = Field(
        None, description="Key of OpenWeatherMap (free plan). Without it OpenWeatherMap is not asked."
    )
    latitude: float = Field(
        38.151107, ge=-90, le=90, description="Latitude of the plant in degrees north, for OpenWeatherMap."
    )
    longitude: float = Field(
        -3.629453, ge=-180, le=180, description="Longitude of the plant in degrees east, for OpenWeatherMap."
    )
    http_connect_timeout_s: float = Field(5.0, gt=0, le=60, description="Seconds to wait for a connection to a source.")
    http_read_timeout_s: float = Field(20.0, gt=0, le=300, description="Seconds to wait for a source's answer.")
    http_attempts: int = Field(
        4, ge=1, le=10, description="How often a request is tried before its source counts as down."
    )
    http_backoff_s: float = Field(
        2.0, ge=0, le=60, description="First pause between tries, in seconds; it doubles and carries some chance."
    )
    http_pause_s: float = Field(2.0, ge=0, le=60, description="Least seconds between two requests to one source.")
    http_hourly_limit: int = Field(100, ge=1, le=10000, description="Most requests an hour to one source.")

    influx_url: BaseUrl | None = Field(
        None,
        description="Address of an InfluxDB 2.x server that keeps the series. Without it they are kept in the data "
        "folder.",
    )
    influx_token: SecretStr | None = Field(
        None, description="Token of InfluxDB that may read and write the bucket, and make it if it is not there."
    )
    influx_org: str = Field("chocofactory", min_length=1, description="Organisation in InfluxDB.")
    influx_bucket: str = Field(
        "chocofactory",
        min_length=1,
        description="Bucket in InfluxDB, made on first use; the demo's has `-demo` behind its name.",
    )
    outbox_max_mb: int = Field(
        256,
        ge=1,
        le=100_000,
        description="Most megabytes of writes that wait on disk for an InfluxDB that is away; beyond, writing fails.",
    )

    catch_up_days: int = Field(
        7,
        ge=0,
        le=60,
        description="Days back for which missing prices are fetched at the start and every few minutes; 0: never.",
    )
    train_days: int = Field(
        7, ge=0, le=90, description="Days after which the price models are trained again; 0: only when asked."
    )
    scheduler: Literal["inside", "apart"] = Field(
        "inside",
        description="`inside`: the serving process also runs what runs by itself, one of them where there are several; "
        "`apart`: `chocofactory scheduler` does.",
    )
    cadence: str = Field(
        "",
        description="When tasks are looked at, where it is not as usual: `name=cron` with semicolons between, as in "
        "`prices_today=*/5 * * * *; training=off`. Names and usual times: docs/operations.md.",
    )
    demo_days: int = Field(400, ge=14, le=2000, description="Days of history that the demo simulates.")
    demo_seed: int = Field(7, ge=0, description="Seed of the simulation; the same seed gives the same values.")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "console"] = Field(
        "json", description="`json`: one object a line; `console`: for eyes."
    )

    @field_validator("clock_start")
    @classmethod
    def _carries_its_zone(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            msg = "must carry its offset, as in 2025-12-01T09:00+01:00"
            raise ValueError(msg)
        return value

    @field_validator("plant_file")
    @classmethod
    def _is_toml(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                tomllib.loads(value.read_text(encoding="utf-8"))
            except OSError as error:
                msg = f"cannot be read ({error.strerror})"
                raise ValueError(msg) from error
            except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                msg = f"cannot be read as TOML ({error})"
                raise ValueError(msg) from error
        return value

    @property
    def mode_dir(self) -> Path:
        """The folder of this mode's store and state."""
        return self.data_dir / self.mode


def load_settings(**overrides: Any) -> Settings:
    """Read the settings, with ``overrides`` (by field name) before the environment and the environment before ``.env``.

    Raises
    ------
    ConfigurationError
        A value is wrong or a ``CHOCO_`` variable is not a setting; one sentence a fault, naming the variable.

    """
    _refuse_unknown_names()
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError("{faults}", faults=" ".join(_sentences(error))) from error


def variable(field: str) -> str:
    """The name of the environment variable of a field."""
    return PREFIX + field.upper()


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, secrets included: for a process of our own."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    plain = {name: v.get_secret_value() if isinstance(v, SecretStr) else v for name, v in values.items()}
    return {variable(name): str(value) for name, value in plain.items() if value is not None}


def _refuse_unknown_names() -> None:
    known = {variable(name) for name in Settings.model_fields}
    given = {*os.environ, *dotenv_values(".env")}
    for name in sorted(n for n in given if n.startswith(PREFIX) and not n.startswith(_FOR_TESTS)):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "."
            raise ConfigurationError("{name} is not a setting{hint}", name=name, hint=hint)


def _sentences(error: ValidationError) -> list[str]:
    out = []
    for fault in error.errors(include_url=False):
        field = str(fault["loc"][0])
        reason = scrub(fault["msg"].removeprefix("Value error, "))
        if not reason[1:2].isupper():
            reason = reason[0].lower() + reason[1:]
        secret = Settings.model_fields[field].annotation == (SecretStr | None)
        given = "" if secret or fault["input"] is None else f", not {scrub(str(fault['input']))!r}"
        out.append(f"{variable(field)}: {reason}{given}.")
    return out
