"""What heat maps and calendars share: cells that can be hatched, and the names of days and months."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from babel.dates import get_day_names, get_month_names

from components.text import _, language

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

NUMBER = "%{z:.3f}"
"""A price in its cell."""

PRICE = "%{z:.4f} €/kWh"
"""A price in a hover."""


def cells(place: Any, base: Any, size: Any = 1, *, sideways: bool = False, **bar: Any) -> dict[str, Any]:
    """A trace of cells drawn as bars, which Plotly can hatch as it cannot the cells of a heat map.

    Each cell stands at its ``place`` and is ``width`` wide (in ``bar``); it reaches from ``base`` over its ``size``.
    Columns stand upright, or lie ``sideways``; ``bar`` holds anything that a bar trace takes.
    """
    sizes = np.broadcast_to(np.asarray(size, dtype=float), len(place))
    return {
        "type": "bar",
        "x": sizes if sideways else place,
        "y": place if sideways else sizes,
        "orientation": "h" if sideways else "v",
        "base": base,
        "showlegend": "name" in bar,
        **bar,
    }


def day_in(field: str) -> str:
    """A day in a hover, taken from the ``field`` and written out by the browser in the reader's language."""
    return f"%{{{field}|{_('%A, %-d %B %Y')}}}"


def short_months() -> list[str]:
    """Short names of the months, January first."""
    names = get_month_names("abbreviated", "stand-alone", language())
    return [names[month].rstrip(".") for month in range(1, 13)]


def short_weekdays() -> Sequence[str]:
    """Short names of the weekdays, Monday first."""
    names = get_day_names("abbreviated", "stand-alone", language())
    return [names[weekday].rstrip(".") for weekday in range(7)]


def row_names(by: str, rows: pd.Index) -> list[str]:
    """What the rows of typical days are called: months and weekdays by their short names, periods by their own."""
    names = {"month": short_months(), "weekday": short_weekdays()}.get(by)
    return [names[row - 1] if names else str(row) for row in rows]
