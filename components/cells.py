"""What heat maps and calendars share: cells that can be hatched, and the names of days and months."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from babel.dates import get_day_names, get_month_names

from chocofactory.core.clock import MADRID, local_days
from chocofactory.domain.measurements import HOURLY
from components.text import _, language

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Places = npt.NDArray[np.int64]

NUMBER = "%{z:.3f}"
"""A price in its cell."""

PRICE = "%{z:.4f} €/kWh"
"""A price in a hover."""


USUAL_HOURS = 24
"""Columns of a week's heat map, and one more where the clock is set back."""


def hour_places(times: pd.DatetimeIndex) -> tuple[list[pd.Timestamp], Places, Places]:
    """The local days of a run of hours, and for each hour its day's place and how many hours of it went before."""
    days = local_days(times)
    names = list(days.unique())
    row = np.asarray((days - names[0]).days, dtype=np.int64)
    midnights = pd.DatetimeIndex(names).tz_localize(MADRID)
    return names, row, np.asarray((times - midnights[row]) / HOURLY).astype(np.int64)


def week_axes(names: Sequence[str], columns: int, *, wide: bool) -> dict[str, Any]:
    """Axes of a week's heat map: on a wide screen a row for each day by its name, else a column; hours along it."""
    if not wide:
        names = ["<br>".join(name.split()[:2]) for name in names]
    looks = {"showgrid": False, "zeroline": False, "tickangle": 0}
    ends = [len(names) - 0.5, -0.5] if wide else [-0.5, len(names) - 0.5]
    days = {"tickvals": list(range(len(names))), "ticktext": list(names), "range": ends, **looks}
    shown = range(0, USUAL_HOURS, 3)
    ends = [-0.5, columns - 0.5] if wide else [columns - 0.5, -0.5]
    ticks = {"tickvals": [place - 0.5 for place in shown], "ticktext": [f"{place:02d}" for place in shown]}
    hours = {**ticks, "range": ends, **looks}
    return {"xaxis": hours if wide else days, "yaxis": days if wide else hours}


def cell_frame(row: int, hour: int, colour: str, *, wide: bool) -> dict[str, Any]:
    """A frame around one cell of a week's heat map."""
    x, y = (hour, row) if wide else (row, hour)
    ends = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return {"type": "rect", **ends, "line": {"color": colour, "width": 3}}


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
