"""How favourable the coming hours are: a strip of the next two days, and the week by day and hour.

Both show classes in one scale of four colours, light to dark, with the score in each cell and a cross where nothing
should run. Cells count elapsed hours, so that days of 23 and 25 hours keep theirs. What is unknown is hatched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.domain.measurements import HOURLY
from components import text
from components.cells import USUAL_HOURS, cell_frame, cells, hour_places, week_axes
from components.marks import clock_ticks
from components.score_words import CROSS, LEVELS, level_name, score_sentences
from components.text import _
from components.theme import LEVEL_COLOURS, PALETTES, Theme, draw, hatched

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt
    import plotly.graph_objects as go

STRIP_HOURS = 48
"""How far the strip reaches."""
_BELOW = 56


def score_strip(frame: pd.DataFrame, now: datetime, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """The next 48 hours in a row, each in the colour of its class; on a wide screen with their scores.

    ``frame`` is as ``Recommendations.hourly`` of ``services.scoring`` has it, not empty; its first 48 hours are shown.
    """
    shown = frame.iloc[:STRIP_HOURS]
    count = len(shown)
    words = np.asarray(score_sentences(shown), dtype=object)
    level = _level(shown)
    unknown = np.isnan(level)
    written = [CROSS if place == len(LEVELS) - 1 else mark for place, mark in zip(level, _marks(shown), strict=True)]
    cloud = _cloud(level[None, :], np.array([written], dtype=object), words[None, :], numbers=wide)
    cloud |= {"x": list(range(count + 1)), "y": [-0.5, 0.5]}
    missing = _missing(np.flatnonzero(unknown) + 0.5, np.full(unknown.sum(), -0.5), words[unknown], theme)
    present = np.flatnonzero(_is_now(shown, now))
    layout = {
        "xaxis": {"range": [0, count], "zeroline": False, **clock_ticks(pd.Timestamp(shown.index[0]), count - 1)},
        "yaxis": {"range": [-0.5, 0.5], "visible": False},
        "shapes": [
            {**cell_frame(0, int(place), PALETTES[theme].accent, wide=True), "x0": int(place), "x1": int(place) + 1}
            for place in present
        ],
        **_below(_BELOW + 34),
    }
    return draw(
        [cloud, missing, *_legend()],
        layout,
        theme,
        title=_("How favourable the next {n} hours are", n=text.number(count)),
        caption=_("Points of 100; a cross: nothing should run"),
        height=224,
    )


def score_heatmap(frame: pd.DataFrame, now: datetime, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """All hours of the frame by day and local hour, each in the colour of its class with its score.

    ``frame`` is as ``Recommendations.hourly`` has it, not empty. On a wide screen days stand one below the other; else
    they run to the right.
    """
    times = pd.DatetimeIndex(frame.index)
    days, row, hour = hour_places(times)
    columns = max(USUAL_HOURS, int(hour.max()) + 1)
    words = np.asarray(score_sentences(frame), dtype=object)
    level = _level(frame)
    z = np.full((len(days), columns), np.nan)
    written, told = (np.full(z.shape, "", dtype=object) for _each in range(2))
    z[row, hour], written[row, hour], told[row, hour] = level, _marks(frame), words
    cloud = _cloud(*(table if wide else table.T for table in (z, written, told)), numbers=True)
    unknown = np.isnan(level)
    missing = _missing(row[unknown], hour[unknown] - 0.5, words[unknown], theme, sideways=wide)
    present = np.flatnonzero(_is_now(frame, now))
    layout = {
        **week_axes([text.day(day.date(), "short") for day in days], columns, wide=wide),
        "shapes": [cell_frame(int(row[at]), int(hour[at]), PALETTES[theme].accent, wide=wide) for at in present],
        **_below(_BELOW),
    }
    return draw(
        [cloud, missing, *_legend()],
        layout,
        theme,
        title=_("How favourable each hour of the week is"),
        caption=_("Points of 100; a cross: nothing should run"),
        height=140 + 36 * max(len(days), 2) if wide else 660,
    )


def _level(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The place of each hour's class, 0 is the best; NaN where it is unknown."""
    places = {name: float(place) for place, name in enumerate(LEVELS)}
    return np.array([places.get(level, np.nan) for level in frame["level"]])


def _marks(frame: pd.DataFrame) -> list[str]:
    """What stands in each cell: the score, and a cross before it where nothing should run."""
    halt = list(LEVELS)[-1]
    return [
        " ".join([*([CROSS] if level == halt else []), *([] if np.isnan(score) else [text.number(score)])])
        for level, score in zip(frame["level"], frame["score"], strict=True)
    ]


def _cloud(z: npt.NDArray[Any], written: npt.NDArray[Any], told: npt.NDArray[Any], *, numbers: bool) -> dict[str, Any]:
    """Cells in the colours of their classes, each colour holding one class."""
    count = len(LEVEL_COLOURS)
    scale = [
        [edge / count, colour] for place, colour in enumerate(LEVEL_COLOURS.values()) for edge in (place, place + 1)
    ]
    return {
        "type": "heatmap",
        "z": z,
        "zmin": -0.5,
        "zmax": count - 0.5,
        "colorscale": scale,
        "showscale": False,
        "text": written,
        "texttemplate": "%{text}" if numbers else None,
        "textfont": {"size": 10},
        "hovertext": told,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "xgap": 1,
        "ygap": 1,
    }


def _missing(place: Any, base: Any, words: Any, theme: Theme, *, sideways: bool = False) -> dict[str, Any]:
    """Hours without a class, hatched."""
    looks = {"hovertext": words, "hovertemplate": "%{hovertext}<extra></extra>", "marker": hatched(theme)}
    return cells(place, base, sideways=sideways, width=1, **looks)


def _legend() -> list[dict[str, Any]]:
    """The four classes by name, as squares of their colours that stand in the legend alone."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": level_name(level),
            "marker": {"symbol": "square", "size": 12, "color": colour},
            "hoverinfo": "skip",
            "showlegend": True,
        }
        for level, colour in LEVEL_COLOURS.items()
    ]


def _below(room: int) -> dict[str, Any]:
    return {"margin": {"b": room}, "barmode": "overlay", "showlegend": True}


def _is_now(frame: pd.DataFrame, now: datetime) -> npt.NDArray[np.bool_]:
    times = pd.DatetimeIndex(frame.index)
    return np.asarray((times <= now) & (times > now - HOURLY))
