"""Which models there are, and how each is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chocofactory.forecasting.naive import Naive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chocofactory.forecasting.model import Member

MEMBERS: Mapping[str, Callable[[], Member]] = {Naive.name: Naive}
"""Makers of the members by name; each gives a new one that has learnt nothing, and can be sent to another process."""
