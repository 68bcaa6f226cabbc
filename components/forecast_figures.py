"""Figures of the coming week: the fan of what an hour may cost, and the week by day and hour.

Times count elapsed hours and are labelled with the wall clock, so that days of 23 and 25 hours keep theirs. What is
missing is hatched and says so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, local_date, local_days
from chocofactory.domain.measurements import HOURLY
from components import text
from components.cells import USUAL_HOURS, cell_frame, cells, hour_places, week_axes
from components.forecast_words import PAST, sentences
from components.marks import best_stretch, now_note, upright
from components.names import FROM_SPOT
from components.text import _, ngettext
from components.theme import PALETTES, SAID_COLOURS, Theme, draw, faded, hatched, price_axis, price_range

if TYPE_CHECKING:
    from datetime import date, datetime

    import numpy.typing as npt
    import plotly.graph_objects as go

    from components.forecast_words import Week

    Numbers = npt.NDArray[np.float64]
    Choice = npt.NDArray[np.bool_]

_LEAST_HOURS_FOR_A_NAME = {True: 15, False: 18}
_GROUND = {"published": 0.16, "from_spot": 0.07}
_BELOW = 74
"""Room for names of days and two lines of a legend; a narrow screen has a line for each of its entries [px]."""
_LEGEND_LINE = 20


def fan_chart(
    shown: Week, *, window: tuple[datetime, datetime] | None = None, theme: Theme = "light", wide: bool = True
) -> go.Figure:
    """The last two days, the hours that are published, and the fan of the hours that are not, along one line.

    What is known is a solid line, with a ground below it where it is still to come; the median of the forecast is
    dashed in its 50 % and 90 % bands. ``window`` is shaded; what was said days ago is a line of its own.
    """
    palette = PALETTES[theme]
    frame = shown.frame
    price, known = frame["price"].to_numpy(dtype=float), frame["known"].to_numpy(dtype=bool)
    spoken = ~np.isnan(price) & ~known
    from_spot = np.asarray(frame["model"] == FROM_SPOT)
    highest = frame[["price", "p95", "said"]].to_numpy(dtype=float)
    lowest = frame[["price", "p05", "said"]].to_numpy(dtype=float)
    top = 1.08 * max(float(np.nanmax(highest, initial=0.0)), 0.01)
    bottom = 1.1 * min(float(np.nanmin(lowest, initial=0.0)), 0.0)
    cocoa = palette.cocoa
    lines: list[tuple[str, Choice, dict[str, Any]]] = [
        (_("actual"), known & shown.over, {"line": {"color": cocoa, "width": 2}, "steps": True}),
        (_("published, to come"), known & ~shown.over, {**_ground(cocoa, "published"), "steps": True}),
        (_("from the spot price"), from_spot, _ground(cocoa, "from_spot", "dash")),
        (_("forecast"), spoken & ~from_spot, {"line": {"color": cocoa, "width": 2, "dash": "dash"}}),
    ]
    traces = [
        _band(_("90 % of cases"), frame["p05"], frame["p95"], faded(cocoa, 0.16)),
        _band(_("50 % of cases"), frame["p25"], frame["p75"], faded(cocoa, 0.30)),
        *(_line(name, price, chosen, **look) for name, chosen, look in lines if chosen.any()),
    ]
    if shown.ago is not None:
        said = frame["said"].to_numpy(dtype=float)
        look = {"line": {"color": SAID_COLOURS[theme], "width": 2, "dash": "dot"}}
        name = ngettext("said {n} day ago", "said {n} days ago", shown.ago)
        traces.append(_line(name, said, ~np.isnan(said), **look))
    missing = np.flatnonzero(np.isnan(price))
    hatch = {"width": 1, "marker": hatched(theme), "hoverinfo": "skip"}
    traces.append(cells(missing + 0.5, bottom, top - bottom, **hatch))
    traces.append(_listening(shown, bottom, top))
    start, span = shown.times[0], len(frame)
    shapes = [upright(place, palette.line, 1) for place in _midnights(shown.times)]
    if window is not None:
        shapes += best_stretch(*((moment - start) / HOURLY for moment in window), palette)
    present = (shown.now - start) / HOURLY
    below = _BELOW if wide else 36 + _LEGEND_LINE * sum(trace.get("showlegend", True) for trace in traces)
    layout = {
        "xaxis": {"range": [0, span], "zeroline": False, **_day_ticks(shown.times, wide)},
        "yaxis": {"range": [bottom, top], "title": {"text": _("€/kWh")}, "tickformat": ".2f"},
        "shapes": [*shapes, upright(present, palette.accent, 2)],
        "annotations": [now_note(present, span, shown.now, palette.accent)],
        "barmode": "overlay",
        "margin": {"t": 84, "b": below},
        "showlegend": True,
    }
    title, caption = _("Seven days ahead, and how sure"), _fan_caption(window, palette.accent)
    return draw(traces, layout, theme, title=title, caption=caption, height=372 + below)


def week_heatmap(
    shown: Week, *, theme: Theme = "light", wide: bool = True, scale: tuple[float, float] | None = None
) -> go.Figure:
    """The days of a forecast hour by hour, in the colours of prices, a line between what is known and what is not.

    Forecast prices stand in italics. On a wide screen days stand one below the other; else they run to the right.
    ``scale`` [EUR/kWh] is what the ends of the colours stand for, without it what ``theme.price_range`` says.
    """
    palette = PALETTES[theme]
    begin = local_date(shown.times[0] + PAST)
    kept = local_days(shown.times) >= pd.Timestamp(begin)
    frame, times = shown.frame[kept], shown.times[kept]
    names, row, hour = hour_places(times)
    columns = max(USUAL_HOURS, int(hour.max()) + 1)
    price, known = frame["price"].to_numpy(dtype=float), frame["known"].to_numpy(dtype=bool)
    z = np.full((len(names), columns), np.nan)
    z[row, hour] = price
    written, told = (np.full(z.shape, "", dtype=object) for _each in range(2))
    written[row, hour] = [
        text.number(value, 3) if sure else f"<i>{text.number(value, 3)}</i>"
        for value, sure in zip(price, known, strict=True)
    ]
    words = np.asarray(sentences(shown), dtype=object)[np.asarray(kept)]
    told[row, hour] = words
    low, high = scale or price_range(price)
    cloud = {
        "type": "heatmap",
        "z": z if wide else z.T,
        "text": written if wide else written.T,
        "hovertext": told if wide else told.T,
        "texttemplate": "%{text}",
        "textfont": {"size": 10},
        "hovertemplate": "%{hovertext}<extra></extra>",
        "coloraxis": "coloraxis",
        "xgap": 1,
        "ygap": 1,
    }
    lacking = np.isnan(price)
    missing = cells(
        row[lacking],
        hour[lacking] - 0.5,
        sideways=wide,
        width=1,
        hovertext=words[lacking],
        hovertemplate="%{hovertext}<extra></extra>",
        marker=hatched(theme),
    )
    now = np.flatnonzero((times <= shown.now) & (times > shown.now - HOURLY))
    present = [cell_frame(row[place], hour[place], palette.accent, wide=wide) for place in now]
    layout = {
        **week_axes([text.day(day.date(), "short") for day in names], columns, wide=wide),
        "coloraxis": price_axis(low, high, price),
        "shapes": [*_border(row, hour, known, lacking, palette.ink, wide=wide), *present],
        "margin": {"b": 62},
        "barmode": "overlay",
    }
    caption = _("Above the line known, below it forecast") if wide else _("Left of the line known, right forecast")
    height = 140 + 36 * max(len(names), 2) if wide else 640
    return draw(
        [cloud, missing], layout, theme, title=_("The week hour by hour, €/kWh"), caption=caption, height=height
    )


def _ground(colour: str, name: str, dash: str = "solid") -> dict[str, Any]:
    """The look of a line that is filled down to 0."""
    line = {"color": colour, "width": 2, "dash": dash}
    return {"line": line, "fill": "tozeroy", "fillcolor": faded(colour, _GROUND[name])}


def _line(name: str, values: Numbers, chosen: Choice, *, steps: bool = False, **look: Any) -> dict[str, Any]:
    """The ``chosen`` hours as a line, in steps or through their middles.

    Each run begins at the value of the hour before it, so that lines join, and fills its last hour.
    """
    x: list[float | None] = []
    y: list[float | None] = []
    for first, stop in _runs(chosen):
        before = values[first - 1] if first else np.nan
        if steps:
            x += [first, *np.repeat(np.arange(first, stop + 1), 2)[1:-1].tolist(), None]
            y += [before, *np.repeat(values[first:stop], 2).tolist(), None]
        else:
            x += [first, *(np.arange(first, stop) + 0.5).tolist(), stop, None]
            y += [values[first] if np.isnan(before) else before, *values[first:stop].tolist(), values[stop - 1], None]
    return {"type": "scatter", "mode": "lines", "name": name, "x": x[:-1], "y": y[:-1], "hoverinfo": "skip", **look}


def _band(name: str, low: pd.Series, high: pd.Series, colour: str) -> dict[str, Any]:
    """The hours that have one, as areas between two quantiles."""
    lows, highs = low.to_numpy(dtype=float), high.to_numpy(dtype=float)
    x: list[float | None] = []
    y: list[float | None] = []
    for first, stop in _runs(~np.isnan(lows)):
        places = [first, *(np.arange(first, stop) + 0.5).tolist(), stop]
        upper, lower = ([each[first], *each[first:stop].tolist(), each[stop - 1]] for each in (highs, lows))
        x += [*places, *places[::-1], None]
        y += [*upper, *lower[::-1], None]
    look = {"mode": "lines", "line": {"width": 0}, "fill": "toself", "fillcolor": colour}
    return {"type": "scatter", "name": name, "x": x[:-1], "y": y[:-1], "hoverinfo": "skip", **look}


def _listening(shown: Week, bottom: float, top: float) -> dict[str, Any]:
    """Unseen columns that answer to the mouse at any height, with the sentence of their hour."""
    places = np.arange(len(shown.frame)) + 0.5
    look = {"color": "rgba(0, 0, 0, 0)", "line": {"width": 0}}
    words = {"hovertext": sentences(shown), "hovertemplate": "%{hovertext}<extra></extra>"}
    return {**cells(places, bottom, top - bottom, width=1, marker=look), **words, "name": "hours", "showlegend": False}


def _runs(chosen: Choice) -> list[tuple[int, int]]:
    """First and behind-the-last place of each run of chosen hours."""
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _midnights(times: pd.DatetimeIndex) -> list[int]:
    """Places at which a local day begins."""
    return np.flatnonzero(times.tz_convert(MADRID).hour == 0).tolist()


def _day_ticks(times: pd.DatetimeIndex, wide: bool) -> dict[str, Any]:
    """The name of each local day below its middle, where there is room for it."""
    edges = sorted({0, *_midnights(times), len(times)})
    spans = [(first, stop) for first, stop in pairwise(edges) if stop - first >= _LEAST_HOURS_FOR_A_NAME[wide]]
    names = [_short(local_date(times[first]), wide) for first, __ in spans]
    middles = [(first + stop) / 2 for first, stop in spans]
    return {"tickvals": middles, "ticktext": names, "tickangle": 0}


def _short(day: date, wide: bool) -> str:
    if wide:
        return text.day(day, "short")
    weekday, number, *__ = text.day(day, "short").split()
    return f"{weekday}<br>{number}"


def _border(
    row: npt.NDArray[Any], hour: npt.NDArray[Any], known: Choice, lacking: Choice, colour: str, *, wide: bool
) -> list[dict[str, Any]]:
    """The line before the first hour that a model speaks of, through its day and on to both sides."""
    spoken = np.flatnonzero(~known & ~lacking)
    if not len(spoken) or not known[: spoken[0]].any():
        return []
    day, at, right = int(row[spoken[0]]), int(hour[spoken[0]]), int(hour.max())
    corners = [(-0.5, day + 0.5), (at - 0.5, day + 0.5), (at - 0.5, day - 0.5), (right + 0.5, day - 0.5)]
    points = [point if wide else point[::-1] for point in (corners if at else corners[2:])]
    path = "M " + " L ".join(f"{x:g} {y:g}" for x, y in points)
    return [{"type": "path", "path": path, "line": {"color": colour, "width": 3}}]


def _fan_caption(window: tuple[datetime, datetime] | None, colour: str) -> str:
    """What is shaded, or how to read the bands."""
    if window is None:
        return _("The darker band holds one case in two")
    day, hours = text.day(local_date(window[0]), "short"), text.hours(*window)
    return f'<span style="color: {colour}">■</span> ' + _("Cheapest: {day}, {hours}", day=day, hours=hours)
