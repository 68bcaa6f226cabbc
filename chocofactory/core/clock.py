"""Time: UTC inside, Europe/Madrid where people are. Nothing else in the product asks what time it is.

A local day has 23, 24 or 25 hours. All functions here know that; code that adds ``timedelta(hours=24)`` to a local
midnight does not.
"""

from __future__ import annotations

import time as _time
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import pandas as pd

MADRID = ZoneInfo("Europe/Madrid")
HOUR = timedelta(hours=1)


class Clock(Protocol):
    """Says what time it is, as an aware datetime in UTC."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class TravellingClock:
    """A clock that started at another moment and runs on: for demonstrations and for reviewing a past day."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            msg = f"the start of a clock must carry its zone: {start!r}"
            raise ValueError(msg)
        self._start = start.astimezone(UTC)
        self._began = _time.monotonic()

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self._start + timedelta(seconds=_time.monotonic() - self._began)


class StoppedClock:
    """A clock that stands still until it is set: what tests carry."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The moment that it was last set to, in UTC."""
        return self.at


def local(moment: datetime) -> datetime:
    """The same moment on the wall clock of Madrid."""
    return moment.astimezone(MADRID)


def local_date(moment: datetime) -> date:
    """The local day in which a moment falls."""
    return local(moment).date()


def day_start(day: date) -> datetime:
    """Local midnight at which ``day`` begins, in UTC: Madrid never changes its clocks then."""
    return datetime.combine(day, time(), MADRID).astimezone(UTC)


def day_bounds(first: date, last: date | None = None) -> tuple[datetime, datetime]:
    """Start (inclusive) and end (exclusive) in UTC of the local days ``first`` ... ``last``, both included."""
    return day_start(first), day_start((last or first) + timedelta(days=1))


def day_grid(first: date, last: date | None = None, resolution: timedelta = HOUR) -> pd.DatetimeIndex:
    """Every interval start of the local days ``first`` ... ``last`` (both included), in UTC, named ``time``.

    One day at hourly resolution has 23, 24 or 25 entries; intervals of one day start at local midnight, shorter ones at
    whole multiples of their length since 1970-01-01T00:00Z.
    """
    import pandas as pd

    if resolution == timedelta(days=1):
        midnights = pd.date_range(first, last or first, freq="D", name="time", unit="us")
        return midnights.tz_localize(MADRID).tz_convert(UTC)
    start, end = day_bounds(first, last)
    return pd.date_range(
        pd.Timestamp(start).ceil(resolution), end, freq=resolution, inclusive="left", name="time", unit="us"
    )


def local_days(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """For each entry of a UTC index its local day, as a midnight without zone (fast to group by)."""
    return index.tz_convert(MADRID).tz_localize(None).normalize()
