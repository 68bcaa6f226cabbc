"""How the application is served: gunicorn with one worker of many threads, and a scheduler in it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from chocofactory.core.errors import ConfigurationError

if TYPE_CHECKING:
    from chocofactory.core.config import Settings

THREADS = 8


class GunicornLogger(Logger):
    """Sends gunicorn's own lines through our pipe (see ``core.logs``), so that every line is of one kind."""

    def setup(self, cfg: Any) -> None:
        """Let the root logger's handler write what gunicorn says."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """Options for gunicorn: address, time-outs, one threaded worker that is never recycled: it holds the scheduler."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 120,
        "graceful_timeout": 30,
        "max_requests": 0,
        "loglevel": settings.log_level.lower(),
        "logger_class": GunicornLogger,
        "control_socket_disable": True,
    }


def refuse_taken_port(settings: Settings) -> None:
    """Say in one sentence that the address cannot be had, before anything is started.

    Raises
    ------
    ConfigurationError
        The port is in use, or the address is not this machine's.

    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                "CHOCO_HOST and CHOCO_PORT: cannot listen on {host}:{port} ({reason}).",
                host=settings.host,
                port=settings.port,
                reason=error.strerror,
            ) from error


class Server(BaseApplication):
    """Gunicorn, told by our settings instead of by its own files; the application is built in the worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn."""
        for name, value in gunicorn_options(self._settings).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application, in the worker."""
        from app import serve

        return serve(self._settings).server
