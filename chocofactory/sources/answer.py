"""What a source answered over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Answer:
    """What a source answered: status, headers (lower case) and the decoded body."""

    source: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self, encoding: str = "utf-8") -> str:
        """The body as text; what the encoding does not know becomes a replacement mark."""
        return self.body.decode(encoding, errors="replace")

    def json(self, encoding: str = "utf-8") -> Any:
        """The body as JSON.

        Raises
        ------
        MalformedAnswer
            It is not JSON: cut short, empty, or a page for people.

        """
        text = self.text(encoding).removeprefix("\ufeff").strip()
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
        if text.startswith("<"):
            raise MalformedAnswer("{source} answered with a web page instead of data.", source=self.source)
        raise MalformedAnswer("{source} answered with something that is not JSON.", source=self.source)
