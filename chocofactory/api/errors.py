"""Errors as RFC 9457 problem documents, for every status and for every path that is REST's own.

Dash answers any unknown path with a page and status 200. So what lies below REST's roots is matched against REST's own
rules first, before Flask and Dash have their say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, current_app, g, make_response, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, RequestRedirect

from chocofactory.core.errors import FactoryError, RateLimited
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from flask import Flask
    from pydantic import ValidationError

log = get_logger(__name__)

LATER_ROOTS = ("alerts", "dashboard", "logs", "scheduler")
"""Roots of the original system's REST that have no resource: they are REST's all the same, and never a page."""
PAGES_ON_ROOTS = ("/jobs",)
"""Pages whose address is also a root of REST; what lies below it is REST's."""

_ROOTS = "rest_roots"
_TITLES = {
    "conflict": "Conflict",
    "internal": "Internal error",
    "invalid-input": "Invalid input",
    "job-busy": "Such a job is under way",
    "key-refused": "Source refused our key",
    "malformed-answer": "Source answered nonsense",
    "malformed-file": "Malformed file",
    "model-damaged": "A trained version is damaged",
    "mixed-provenance": "Simulated and real data do not mix",
    "not-found": "Not found",
    "not-published": "Not published",
    "plant-invalid": "Invalid plant",
    "rate-limited": "Source asks to wait",
    "source-down": "Source is down",
    "source-timeout": "Source did not answer in time",
    "store-unavailable": "Store is unavailable",
}


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> Response:
    """A problem document with the request's reference id."""
    body = {
        "type": f"urn:chocofactory:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "reference": g.get("request_id", ""),
        **more,
    }
    response = make_response(current_app.json.dumps(body), status)
    response.content_type = "application/problem+json"
    return response


def validation_problem(error: ValidationError) -> Response:
    """A 422 that names each field that is wrong, without echoing what was sent."""
    faults = [
        {"field": ".".join(str(part) for part in fault["loc"]) or "body", "message": fault["msg"]}
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
    return problem(422, "invalid-input", _TITLES["invalid-input"], detail, errors=faults)


def register_error_handlers(server: Flask) -> None:
    """Turn every exception on a REST path into a problem document; pages keep their own error pages."""
    server.register_error_handler(FactoryError, _factory_error)
    server.register_error_handler(HTTPException, _http_error)
    server.register_error_handler(Exception, _unexpected)


def guard_rest_paths(server: Flask) -> None:
    """Let only the resources answer below REST's roots: 404 for any other path there, 405 for any other method.

    Call it after all resources are registered and before Dash is mounted, whose catch-all would answer with a page.
    """
    rules = [rule.empty() for rule in server.url_map.iter_rules() if rule.endpoint != "static"]
    resources = Map(rules, merge_slashes=False)
    server.extensions[_ROOTS] = {*LATER_ROOTS, *(_root(rule.rule) for rule in rules)}

    @server.before_request
    def guard() -> Response | None:
        if not is_rest(request.path):
            return None
        adapter = resources.bind_to_environ(request.environ)
        if request.method != "OPTIONS":
            adapter.match()
            return None
        if not (allowed := adapter.allowed_methods()):
            raise NotFound
        answer = Response(status=204, headers={"Allow": ", ".join(sorted(allowed))})
        del answer.headers["Content-Type"]
        return answer


def is_rest(path: str) -> bool:
    """Whether a path belongs to REST rather than to the pages."""
    return _root(path) in current_app.extensions.get(_ROOTS, ()) and path.rstrip("/") not in PAGES_ON_ROOTS


def _root(path: str) -> str:
    return path.lstrip("/").split("/", 1)[0]


def _factory_error(error: FactoryError) -> Response:
    log.log(error.log_level, "refused", code=error.code, reason=str(error))
    response = problem(error.status, error.code, _TITLES.get(error.code, "Error"), str(error))
    if isinstance(error, RateLimited) and error.retry_after_s:
        response.headers["Retry-After"] = str(int(error.retry_after_s + 1))
    return response


def _http_error(error: HTTPException) -> Response:
    plain = error.get_response()
    if error.response is not None or isinstance(error, RequestRedirect) or not is_rest(request.path):
        return plain if isinstance(plain, Response) else make_response(plain)
    response = problem(error.code or 500, error.name.lower().replace(" ", "-"), error.name, _detail(error))
    for name in ("Allow", "Retry-After"):
        if name in plain.headers:
            response.headers[name] = plain.headers[name]
    return response


def _detail(error: HTTPException) -> str:
    return "There is nothing at this address." if isinstance(error, NotFound) else error.description or ""


def _unexpected(error: Exception) -> Response:
    log.error("unexpected", path=request.path, exc_info=error)
    detail = "Something unexpected went wrong; the log tells more under this reference."
    if is_rest(request.path):
        return problem(500, "internal", _TITLES["internal"], detail)
    raise error
