"""What figures along a line of time share: lines that stand upright, shaded stretches, and notes above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID
from components import text
from components.text import _

if TYPE_CHECKING:
    from datetime import datetime

    from components.theme import Palette


def upright(place: float, colour: str, width: float, dash: str = "solid") -> dict[str, Any]:
    """A line over the whole height at a ``place`` of the axis."""
    line = {"color": colour, "width": width, "dash": dash}
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def box(left: float, right: float) -> dict[str, Any]:
    """A stretch of the axis, below what is drawn."""
    return {"type": "rect", "x0": left, "x1": right, "y0": 0, "y1": 1, "yref": "y domain", "layer": "below"}


def best_stretch(left: float, right: float, palette: Palette) -> list[dict[str, Any]]:
    """A stretch of the axis that is to be chosen: shaded, with a roof."""
    roof = {"type": "line", "x0": left, "x1": right, "y0": 1, "y1": 1, "yref": "y domain"}
    return [
        {**box(left, right), "fillcolor": palette.accent_soft, "line": {"width": 0}},
        {**roof, "line": {"color": palette.accent, "width": 3}},
    ]


def above(place: float, words: str, colour: str) -> dict[str, Any]:
    """A note that stands above the figure at a ``place`` of the axis."""
    return {"x": place, "y": 1, "yref": "paper", "yanchor": "bottom", "text": words, "font": {"color": colour}}


def now_note(place: float, span: float, now: datetime, colour: str) -> dict[str, Any]:
    """What the line of the present moment is; ``span`` is the length of the axis."""
    words = "<b>" + _("now {time}", time=text.clock(now)) + "</b>"
    return {**above(place, words, colour), "xanchor": "left" if place < span / 12 else "center"}


def clock_ticks(origin: pd.Timestamp, span: float) -> dict[str, Any]:
    """Every sixth hour of the wall clock, with the day under its midnight."""
    hours = pd.date_range(origin, periods=int(span) + 1, freq="h").tz_convert(MADRID)
    places = np.flatnonzero(np.asarray(hours.hour % 6 == 0))
    labels = [
        f"{hours[place]:%H}"
        + (f"<br><b>{text.day(hours[place].date(), 'short')}</b>" if hours[place].hour == 0 else "")
        for place in places
    ]
    return {"tickvals": places.tolist(), "ticktext": labels, "ticks": "outside", "tickangle": 0}
