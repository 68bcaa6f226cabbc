"""The web application: ``app`` for Dash, ``server`` for gunicorn, ``python app.py`` to run it here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from structlog.contextvars import clear_contextvars

from chocofactory import __version__, bootstrap
from chocofactory.api import create_server
from chocofactory.core.config import Settings, load_settings
from chocofactory.core.logs import configure_logs
from chocofactory.domain.measurements import PVPC
from chocofactory.tasks import scheduler
from components import shell, text

if TYPE_CHECKING:
    from dash import Dash


def create_app(settings: Settings | None = None) -> Dash:
    """Assemble the application: the services, the REST server, and the pages on it.

    Raises
    ------
    ConfigurationError, StoreError
        It cannot start; the message says why.

    """
    settings = settings or load_settings()
    configure_logs(settings)
    factory = bootstrap.build(settings)
    server = create_server(factory)
    server.config[text.DEFAULT_LANGUAGE_KEY] = settings.locale
    site = shell.Site(__name__, server)
    frame = shell.Frame(
        version=__version__,
        simulated=settings.mode == "demo",
        travelled=bool(settings.clock_start),
        light=lambda: factory.health.light(PVPC),
        now=factory.clock.now,
    )
    site.layout = lambda: shell.shell(frame)
    shell.register_callbacks(site, frame)
    server.test_client().get("/")  # without it, threads that race for the first page get a 500 (plotly/dash#3971)
    clear_contextvars()  # the next log line is not that request's
    return site


def serve(settings: Settings | None = None) -> Dash:
    """The application with its scheduler running, as the process that serves it wants it."""
    site = create_app(settings)
    factory = site.server.extensions[bootstrap.EXTENSION]
    if factory.settings.scheduler == "inside":
        scheduler.start(factory)
    return site


def __getattr__(name: str) -> Any:
    if name not in ("app", "server"):
        raise AttributeError(name)
    globals()["app"] = serve()
    globals()["server"] = globals()["app"].server
    return globals()[name]


if __name__ == "__main__":
    from chocofactory.cli import main

    sys.argv[1:1] = ["run"]
    main()
