"""REST: one module a resource, each served under ``/api/v1`` and at the original system's root path."""

from chocofactory.api.server import create_server

__all__ = ["create_server"]
