"""Ranges of local days that can be asked about."""

from __future__ import annotations

from datetime import date

from chocofactory.core.errors import InvalidInput

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
"""No market is older, and calendars far from here overflow."""


def check_days(first: date, last: date) -> None:
    """Refuse what is no range of days.

    Raises
    ------
    InvalidInput
        The end lies before the start, or a day outside 2000 to 2099.

    """
    if last < first:
        raise InvalidInput("The end {last} lies before the start {first}.", first=first, last=last)
    if first < FIRST_DAY or last > LAST_DAY:
        raise InvalidInput("Days lie between {first} and {last}.", first=FIRST_DAY, last=LAST_DAY)
