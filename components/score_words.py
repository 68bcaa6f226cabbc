"""What is told of an hour's score: its class, what it follows from, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import local_date
from chocofactory.domain.measurements import HOURLY
from components import cards, names, text
from components.text import N_, _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

LEVELS: Mapping[str, str] = {
    "optimal": N_("optimal"),
    "moderate": N_("moderate"),
    "reduced": N_("reduced"),
    "halt": N_("halt"),
}
"""Classes of hours, the best first."""
CROSS = "✕"
"""Stands in the cells of hours in which nothing should run."""


def level_name(level: str | None) -> str:
    """A class of hours; None is one that nobody knows."""
    return _("unknown") if level is None or pd.isna(level) else _(LEVELS[level])


def reasons(hour: Any) -> list[str]:
    """What speaks against an hour, in the language spoken."""
    return [names.told(reason.template, reason.fields) for reason in hour.reasons]


def score_sentences(frame: pd.DataFrame) -> list[str]:
    """A sentence for each hour, as the reader of a hover is told it, with its grounds below.

    ``frame`` is as ``Recommendations.hourly`` of ``services.scoring`` has it.
    """
    days: dict[date, str] = {}
    out = []
    for hour in frame.itertuples():
        begin = hour.Index.to_pydatetime()  # type: ignore[union-attr]
        day = local_date(begin)
        when = {"day": days.setdefault(day, text.day(day)), "hours": text.hours(begin, begin + HOURLY)}
        out.append("<br>".join([_verdict(hour, when), _grounds(hour), *reasons(hour)]))
    return out


def _verdict(hour: Any, when: dict[str, str]) -> str:
    if not np.isnan(hour.score):
        return _(
            "{day}, {hours}: {level}, {score} of 100 points",
            **when,
            level=level_name(hour.level),
            score=text.number(hour.score),
        )
    return _("{day}, {hours}: {level}, without a score", **when, level=level_name(hour.level))


def _grounds(hour: Any) -> str:
    return _(
        "price {price} ({price_kind}); room {temperature} and {humidity} (weather {weather_kind})",
        price=text.price(hour.price_eur_kwh, 4),
        price_kind=cards.kind(hour.price_kind),
        temperature=text.quantity(hour.room_c, "°C", 1),
        humidity=text.quantity(hour.room_pct, "%"),
        weather_kind=cards.kind(hour.weather_kind),
    )
