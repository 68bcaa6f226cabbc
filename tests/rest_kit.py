"""The REST server for tests: put together once a process, which takes longer than most tests do."""

from __future__ import annotations

from copy import copy
from functools import cache

from chocofactory.api import create_server
from chocofactory.bootstrap import EXTENSION


def server_of(factory, *, pages: bool = False):
    """A server with these services; ``pages`` puts it before a catch-all that answers pages, as Dash has it.

    Servers share their routes, which no test may add to, and nothing else that a request could change.
    """
    server = copy(_assembled(pages))
    server.extensions = {**server.extensions, EXTENSION: factory}
    return server


def client_of(factory, *, pages: bool = False):
    """A client of such a server."""
    return server_of(factory, pages=pages).test_client()


@cache
def _assembled(pages: bool):
    server = create_server(None)
    if pages:
        server.add_url_rule("/", "home", lambda: "<html>page</html>")
        server.add_url_rule("/<path:path>", "page", lambda path: "<html>page</html>", methods=["GET", "POST", "PUT"])
    return server
