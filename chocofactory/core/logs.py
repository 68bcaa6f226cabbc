"""Structured logs: one JSON object a line, request and run ids on each, no secret in any.

Everything goes through one pipe: our own ``structlog`` events and the standard library's records of other people's
modules (urllib3, werkzeug, apscheduler). The last step before rendering redacts secrets, wherever they stand.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import EventDict, Processor, WrappedLogger

    from chocofactory.core.config import Settings

REDACTED = "***"
_SHORTEST_SECRET = 4
_SECRET_PARAMETER = re.compile(r"(?i)\b(api[_-]?key|appid|token|access_token|password|secret)=([^&\s\"']+)")
_URL_CREDENTIALS = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/?#\s]+@")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace known secrets, secret query parameters and credentials in addresses by ``***``."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    text = _SECRET_PARAMETER.sub(rf"\1={REDACTED}", text)
    return _URL_CREDENTIALS.sub(rf"\1{REDACTED}@", text)


class _Redactor:
    """A structlog processor that scrubs every string of an event, however deep."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return scrub(value, self._secrets)
        if isinstance(value, SecretStr):
            return REDACTED
        if isinstance(value, dict):
            return {key: self._clean(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [self._clean(inner) for inner in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return scrub(str(value), self._secrets)


def secrets_of(settings: Settings) -> list[str]:
    """Every secret value that the settings hold; one of a few letters is no secret and would black out every word."""
    values = (getattr(settings, name) for name in type(settings).model_fields)
    plain = (value.get_secret_value() for value in values if isinstance(value, SecretStr))
    return [value for value in plain if len(value) >= _SHORTEST_SECRET]


def configure_logs(settings: Settings) -> None:
    """Send all logs to standard error in the settings' format; may be called again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _Redactor(secrets_of(settings)),
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("urllib3", "werkzeug", "apscheduler"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
