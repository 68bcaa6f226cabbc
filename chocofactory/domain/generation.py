"""Electricity generated, by technology: its series, when a day of it is out, and whether it is whole.

Technologies are lower-case English identifiers (``combined_cycle``, ``wind``, ``solar_photovoltaic``, ...).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from chocofactory.core.clock import MADRID, local
from chocofactory.domain.measurements import DAILY, GENERATION, Series
from chocofactory.domain.prices import DayState

NATIONAL = "national"
"""The whole country, islands included: what REE tells by day."""


COMBINED_CYCLE = "combined_cycle"

WHOLE_SHARE = 0.95
"""The shares of a day's technologies add up to one; with less than this a technology that counts is not there."""

_OUT_AT = time(12)


def daily_series(technology: str, system: str = NATIONAL) -> Series:
    """The series of one technology's energy by local day."""
    return Series(GENERATION, {"technology": technology, "system": system}, DAILY)


def published_at(day: date) -> datetime:
    """The moment, in UTC, from which the generation of a local day is asked for: noon of the next, by Madrid's clock.

    REE publishes the structure of a day in the course of the next one, at no stated hour.
    """
    return datetime.combine(day + timedelta(days=1), _OUT_AT, MADRID).astimezone(UTC)


def last_published(now: datetime) -> date:
    """The last local day whose generation is out by ``now``."""
    there = local(now)
    return there.date() - timedelta(days=1 if there.time() >= _OUT_AT else 2)


def day_state(day: date, technologies: int, share: float, now: datetime) -> DayState:
    """What is known of a local day of which ``technologies`` are there, which make up ``share`` (0 to 1) of it."""
    if share >= WHOLE_SHARE:
        return DayState.COMPLETE
    if technologies:
        return DayState.PARTIAL
    return DayState.NOT_YET if published_at(day) > now else DayState.MISSING
