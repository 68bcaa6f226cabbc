"""The Flask server: resources, errors and request ids. Dash is mounted on it afterwards."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING

import structlog
from flask import Response, g, request
from flask_openapi3 import APIBlueprint, Info, OpenAPI

from chocofactory import __version__
from chocofactory.api import (
    analysis,
    gaps,
    health,
    insights,
    jobs,
    models,
    optimize,
    predict,
    prices,
    production,
    scheduler,
    siar,
    weather,
)
from chocofactory.api.errors import guard_rest_paths, is_rest, register_error_handlers, validation_problem
from chocofactory.api.schemas import Problem
from chocofactory.bootstrap import EXTENSION
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory

log = get_logger(__name__)

CANONICAL = "/api/v1"
RESOURCES = (
    health,
    prices,
    predict,
    production,
    optimize,
    models,
    insights,
    weather,
    siar,
    analysis,
    scheduler,
    gaps,
    jobs,
)
LARGEST_BODY_BYTES = 1_000_000
"""Of a REST request; uploads have a limit of their own."""
LARGEST_PAGE_BODY_BYTES = 120_000_000
"""Of what a page sends: some files, written as text, a third larger than they are."""
_PROBLEM = "#/components/schemas/Problem"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _Server(OpenAPI):
    """Documents errors as they are sent: one problem document each, of its own media type."""

    def generate_spec_json(self) -> None:
        """Write the OpenAPI document."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        operations = [each for path in self.spec_json["paths"].values() for each in path.values()]
        for response in (answer for operation in operations for answer in operation["responses"].values()):
            if _PROBLEM in str(response.get("content")):
                response["content"] = {"application/problem+json": {"schema": {"$ref": _PROBLEM}}}


def create_server(factory: Factory) -> OpenAPI:
    """Make the server with all REST resources; ``factory`` answers its requests."""
    server = _Server(
        "chocofactory",
        info=Info(
            title="ChocoFactory",
            version=__version__,
            description="Electricity prices, plans and the state of a chocolate plant. Times are ISO 8601 with offset "
            "and mark the start of an interval; a bare date is a local day in Europe/Madrid.",
        ),
        doc_prefix="/api/docs",
        security_schemes={},
        validation_error_status=422,
        validation_error_model=Problem,
        validation_error_callback=validation_problem,
    )
    server.extensions[EXTENSION] = factory
    server.before_request(_begin)
    server.after_request(_end)
    register_error_handlers(server)
    for resource in RESOURCES:
        for prefix in (CANONICAL, ""):
            blueprint = APIBlueprint(
                f"{resource.NAME}{'' if prefix else '_root'}", resource.__name__, doc_ui=bool(prefix)
            )
            resource.add_routes(blueprint)
            server.register_api(blueprint, url_prefix=prefix or None)
    guard_rest_paths(server)
    return server


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.began = time.perf_counter()
    request.max_content_length = LARGEST_BODY_BYTES if is_rest(request.path) else LARGEST_PAGE_BODY_BYTES
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    quiet = request.path.startswith(("/assets/", "/_dash", "/_reload", "/api/docs/"))
    log.log(
        10 if quiet else 20,
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        duration_ms=round(1000 * (time.perf_counter() - g.began), 1),
    )
    return response
