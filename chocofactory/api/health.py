"""Is it up, is it ready, what is it."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask_openapi3 import Tag

from chocofactory import __version__
from chocofactory.api.schemas import (
    HealthAnswer,
    OutboxAnswer,
    PartAnswer,
    Problem,
    ReadyAnswer,
    SourceAnswer,
    VersionAnswer,
)
from chocofactory.bootstrap import factory
from chocofactory.core.errors import FactoryError
from chocofactory.services.jobs import recall

if TYPE_CHECKING:
    from flask_openapi3 import APIBlueprint

    from chocofactory.services.health import Source

NAME = "health"
_TAG = Tag(name="Health", description="For probes and operators")


def add_routes(blueprint: APIBlueprint) -> None:
    """Add the resource's routes."""

    @blueprint.get("/health", tags=[_TAG], summary="Is the process alive", responses={"200": HealthAnswer})
    def health() -> dict[str, Any]:
        return HealthAnswer(timestamp=factory().clock.now(), version=__version__).model_dump(mode="json")

    @blueprint.get(
        "/ready", tags=[_TAG], summary="Do all needed parts work", responses={"200": ReadyAnswer, "503": ReadyAnswer}
    )
    def ready() -> tuple[dict[str, Any], int]:
        found = factory()
        parts = found.health.parts()
        try:
            sources = [_source(source) for source in found.health.sources()]
        except FactoryError:
            sources = []
        try:
            outbox = found.health.outbox()
        except FactoryError:
            outbox = None  # the series store's own part tells that the outbox cannot be read
        answer = ReadyAnswer(
            ready=all(part.ok for part in parts),
            timestamp=found.clock.now(),
            parts=[
                PartAnswer(name=part.name, ok=part.ok, detail=part.detail, duration_ms=part.duration_ms)
                for part in parts
            ],
            sources=sources,
            outbox=OutboxAnswer(**asdict(outbox)) if outbox else None,
        )
        return answer.model_dump(mode="json"), 200 if answer.ready else 503

    @blueprint.get("/version", tags=[_TAG], summary="What is running", responses={"200": VersionAnswer, "500": Problem})
    def version() -> dict[str, Any]:
        return VersionAnswer(
            version=__version__, mode=factory().settings.mode, python_version=platform.python_version()
        ).model_dump(mode="json")


def _source(source: Source) -> SourceAnswer:
    record = source.record
    error = record.last_error if record else None
    return SourceAnswer(
        name=source.name,
        state=source.state,
        last_success_at=record.last_success_at if record else None,
        last_error_at=record.last_error_at if record else None,
        last_error=str(recall(error)) if error else None,
    )
