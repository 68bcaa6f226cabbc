"""A sentence for people, before it is translated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, init=False)
class Message:
    """A gettext ``template`` in English with named ``fields``: surfaces translate the one and fill in the others."""

    template: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, template: str, /, **fields: object) -> None:
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "fields", fields)

    def __str__(self) -> str:
        """In English, for logs and programs."""
        return self.template.format(**self.fields) if self.fields else self.template
