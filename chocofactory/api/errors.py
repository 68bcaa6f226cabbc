"""Errors as RFC 9457 problem documents, for every status and for every path that is REST's own.

Dash answers any unknown path with a page and status 200. So each REST path refuses the methods that it lacks, and each
REST prefix ends in a rule that catches the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, current_app, g, make_response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from chocofactory.core.errors import FactoryError, RateLimited
from chocofactory.core.logs import get_logger

if TYPE_CHECKING:
    from flask import Flask
    from pydantic import ValidationError

log = get_logger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_TITLES = {
    "already-complete": "Already complete",
    "conflict": "Conflict",
    "internal": "Internal error",
    "invalid-input": "Invalid input",
    "job-busy": "Such a job is under way",
    "key-refused": "Source refused our key",
    "malformed-answer": "Source answered nonsense",
    "malformed-file": "Malformed file",
    "mixed-provenance": "Simulated and real data do not mix",
    "not-found": "Not found",
    "not-published": "Not published",
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
        {"field": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"]}
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
    return problem(422, "invalid-input", _TITLES["invalid-input"], detail, errors=faults)


def register_error_handlers(server: Flask) -> None:
    """Turn every exception on a REST path into a problem document; pages keep their own error pages."""
    server.register_error_handler(FactoryError, _factory_error)
    server.register_error_handler(HTTPException, _http_error)
    server.register_error_handler(Exception, _unexpected)


def guard_unknown_paths(server: Flask) -> None:
    """Answer 405 for methods that a REST path lacks, and 404 for unknown paths below a REST prefix.

    Call it after all resources are registered and before Dash is mounted.
    """
    allowed: dict[str, set[str]] = {}
    for rule in server.url_map.iter_rules():
        if rule.endpoint != "static":
            allowed.setdefault(rule.rule, set()).update(rule.methods or ())
    for number, (path, methods) in enumerate(sorted(allowed.items())):
        if lacking := [method for method in METHODS if method not in methods]:
            server.add_url_rule(path, f"refuse_{number}", _refuse(sorted(methods)), methods=lacking)
    prefixes = sorted({path.split("/")[1] for path in allowed})
    for prefix in prefixes:
        for path in (f"/{prefix}", f"/{prefix}/", f"/{prefix}/<path:rest>"):
            if path not in allowed:
                server.add_url_rule(path, f"unknown_{path}".replace(".", "_"), _unknown, methods=list(METHODS))
    server.extensions["rest_prefixes"] = tuple(prefixes)


def is_rest(path: str) -> bool:
    """Whether a path belongs to REST rather than to the pages."""
    return path.split("/")[1:2] != [""] and path.split("/")[1] in current_app.extensions.get("rest_prefixes", ())


def _refuse(methods: list[str]) -> Any:
    def refuse(**_: object) -> Response:
        raise MethodNotAllowed(valid_methods=methods)

    return refuse


def _unknown(**_: object) -> Response:
    raise NotFound("There is nothing at this address.")


def _factory_error(error: FactoryError) -> Response:
    log.log({"info": 20, "warning": 30, "error": 40}[error.level], "refused", code=error.code, reason=str(error))
    response = problem(error.status, error.code, _TITLES.get(error.code, "Error"), str(error))
    if isinstance(error, RateLimited) and error.retry_after_s:
        response.headers["Retry-After"] = str(int(error.retry_after_s + 1))
    return response


def _http_error(error: HTTPException) -> Response:
    plain = error.get_response()
    if error.response is not None or not is_rest(request.path):
        return plain if isinstance(plain, Response) else make_response(plain)
    response = problem(error.code or 500, error.name.lower().replace(" ", "-"), error.name, error.description or "")
    for name in ("Allow", "Retry-After"):
        if name in plain.headers:
            response.headers[name] = plain.headers[name]
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected", path=request.path, exc_info=error)
    detail = "Something unexpected went wrong; the log tells more under this reference."
    if is_rest(request.path):
        return problem(500, "internal", _TITLES["internal"], detail)
    raise error
