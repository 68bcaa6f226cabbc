"""Which models there are, and how each is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chocofactory.forecasting.boosting import Boosting
from chocofactory.forecasting.kernel import Kernel
from chocofactory.forecasting.lear import Lear
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.prophet import ProphetMember

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chocofactory.forecasting.model import Member

MEMBERS: Mapping[str, type[Member]] = {member.name: member for member in (Naive, ProphetMember, Lear, Kernel, Boosting)}
"""The members by name: each makes one that has learnt nothing, and loads one that has."""
