"""Sending by itself what waits for the server of the series store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chocofactory.core.errors import FactoryError
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory

log = get_logger(__name__)


def deliver(factory: Factory) -> None:
    """Try once. It never raises: what waits stays where it is, and the health of the program shows it."""
    try:
        factory.delivery.deliver()
    except FactoryError as error:
        log.info("outbox not sent", reason=str(error), code=error.code)
