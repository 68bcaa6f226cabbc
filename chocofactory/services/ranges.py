"""Ranges of local days that can be asked about."""

from __future__ import annotations

from datetime import UTC, date, datetime

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


def moment_of(text: str) -> datetime:
    """The moment (UTC) that was written in ISO 8601 with its offset.

    Raises
    ------
    InvalidInput
        It is none, does not say its offset, or lies outside 2000 to 2099.

    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("{text} is not a time: write one like 2025-12-30T08:00:00+01:00.", text=text) from error
    if moment.tzinfo is None:
        raise InvalidInput(
            "{text} lacks its offset from UTC: write it like 2025-12-30T08:00:00+01:00, or with Z.", text=text
        )
    check_days(moment.date(), moment.date())
    return moment.astimezone(UTC)
