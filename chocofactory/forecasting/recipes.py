"""Which models there are, and how each is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chocofactory.forecasting.naive import Naive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chocofactory.forecasting.model import Member

MEMBERS: Mapping[str, type[Member]] = {Naive.name: Naive}
"""The members by name: each makes one that has learnt nothing, and loads one that has."""
