"""The production plan as one figure: what runs on which unit when, above the price and the weather that decided it.

Times count elapsed hours and are labelled with the wall clock, so that days of 23 and 25 hours keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from chocofactory.core.clock import local_date
from chocofactory.planning.problem import QUARTER
from components.figures import period_band
from components.marks import now_note, upright
from components.plan_strips import heat_range, limit_lines, places, price_lines, weather_lines
from components.plan_words import heading, product_colours, run_sentence, span_of, unit
from components.text import _
from components.theme import PALETTES, Theme, draw, faded, readable_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    import pandas as pd
    import plotly.graph_objects as go

    from chocofactory.domain.plant import Block
    from chocofactory.planning.plan import Batch, Plan
    from components.plan_words import Span
    from components.theme import Palette

_ROW_PX, _PRICE_PX, _BAND_PX, _WEATHER_PX, _GAP_PX = 38, 110, 18, 84, 20
_TOP_PX = 84
_AXIS_PX = 40
_LEGEND_PX = 22
_MOST_KEYS = 7
"""So many entries of the legend have room on a narrow screen: the figure is as high for every day and width."""
_ACROSS_PX = {True: 950, False: 270}
"""How wide the axis of time is at least: on a wide screen, and on a narrow one."""
_LETTER_PX = 7


@dataclass(frozen=True)
class _Row:
    """A unit of a block, a line of the figure."""

    block: Block
    number: int

    @property
    def name(self) -> str:
        return unit(self.block.name, self.number)


def plan_figure(
    plan: Plan,
    prices: pd.DataFrame,
    weather: pd.DataFrame,
    now: datetime,
    *,
    span: date | None = None,
    theme: Theme = "light",
    wide: bool = True,
) -> go.Figure:
    """Runs by unit, below them the price with its periods, below that the temperature outside, and a line at now.

    Bars carry the name of their batch in ``customdata``. Stretches in which nobody is there are shaded in the rows that
    want staff; those in which the room is too hot for a block, in its rows.

    Parameters
    ----------
    prices
        Index ``time`` (UTC, hourly); ``p50``, ``p05``, ``p95`` [EUR/kWh] (bands NaN where it is known), ``kind`` and
        ``period``.
    weather
        Index ``time`` (UTC, hourly); ``temperature_c``, ``humidity_pct`` outside, and ``kind``.
    span
        One local day; without it all days of the plan.

    """
    palette, plant, stretch = PALETTES[theme], plan.problem.plant, span_of(plan, span)
    rows = [_Row(block, number + 1) for block in plant.blocks for number in range(block.units)]
    prices, weather = (
        frame[(frame.index >= stretch.start) & (frame.index < stretch.end)] for frame in (prices, weather)
    )
    shading = [*_unstaffed(plan, rows, stretch, palette), *_too_hot(plan, rows, stretch, palette)]
    limits = limit_lines(plant, weather, palette)
    heat = heat_range(weather, limits)
    per_px = stretch.length / _ACROSS_PX[wide]
    periods = prices["period"].astype(str).to_numpy()
    band = period_band(places(prices, stretch), 1.0, periods, axis="y3", least=2.5 * _LETTER_PX * per_px)
    traces = [
        *_bars(plan, rows, stretch, theme, per_px),
        *(_key(name, colour, palette) for name, colour in _keys(shading, plan, palette)),
        *price_lines(prices, stretch, palette),
        *([{**band, "showlegend": False}] if len(prices) else []),
        *weather_lines(weather, stretch, palette),
    ]
    legend = sum(bool(trace.get("showlegend")) for trace in traces)
    below = _AXIS_PX + _LEGEND_PX * (-(-legend // 5) if wide else legend)
    domains = _domains(len(rows))
    row_axis = {"tickvals": list(range(len(rows))), "ticktext": [row.name for row in rows], "showgrid": False}
    lines = [{**upright(place, palette.line, 1), "layer": "below"} for place in stretch.midnights()]
    notes = []
    if stretch.holds(now):
        present = stretch.place(now)
        lines.append(upright(present, palette.accent, 2))
        notes.append(now_note(present, stretch.length, now, palette.accent))
    layout = {
        "xaxis": {"range": [0, stretch.length], "anchor": "y4", "zeroline": False, **stretch.ticks(wide=wide)},
        "yaxis": {"domain": domains[0], "range": [len(rows) - 0.5, -0.5], "zeroline": False, **row_axis},
        "yaxis2": {"domain": domains[1], "title": {"text": _("€/kWh")}, "tickformat": ".2f", "nticks": 4},
        "yaxis3": {"domain": domains[2], "range": [0, 1], "visible": False, "fixedrange": True},
        "yaxis4": {"domain": domains[3], "title": {"text": "°C"}, "nticks": 4, "zeroline": False, **heat},
        "barmode": "overlay",
        "margin": {"t": _TOP_PX, "b": below},
        "showlegend": True,
        "shapes": [*shading, *limits, *_grid(len(rows), palette), *lines],
        "annotations": notes,
    }
    room = _AXIS_PX + _LEGEND_PX * max(legend, _MOST_KEYS)  # what the legend leaves of it makes the plot higher
    height = _TOP_PX + room + _plot_px(len(rows))
    caption = _("Above who runs where, below price and weather")
    return draw(traces, layout, theme, title=_("The plan by machine"), caption=caption, height=height)


def _bars(plan: Plan, rows: Sequence[_Row], stretch: Span, theme: Theme, per_px: float) -> Iterator[dict[str, Any]]:
    """A trace for each product; what was running or locked is hatched."""
    palette = PALETTES[theme]
    place = {(row.block.name, row.number): at for at, row in enumerate(rows)}
    for product, colour in product_colours(plan.problem.plant, theme).items():
        runs = [
            (batch, run, cut)
            for batch in plan.batches
            for run in batch.runs
            if batch.product == product
            and (run.block, run.unit) in place
            and (cut := stretch.cut(run.start, run.end)) is not None
        ]
        if not runs:
            continue
        runs.sort(key=lambda each: not each[1].planned)  # the legend shows the first as the product's
        pattern = {
            "shape": ["" if run.planned else "/" for __, run, __cut in runs],
            "size": 6,
            "solidity": 0.3,
            "fillmode": "overlay",
        }
        yield {
            "type": "bar",
            "orientation": "h",
            "name": heading(product),
            "showlegend": True,
            "base": [cut[0] for __, __run, cut in runs],
            "x": [cut[1] - cut[0] for __, __run, cut in runs],
            "y": [place[run.block, run.unit] for __, run, __cut in runs],
            "width": 0.74,
            "customdata": [batch.name for batch, __, __cut in runs],
            "text": [_fitting(batch, cut, per_px) for batch, __, cut in runs],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "constraintext": "none",
            "textfont": {"size": 11, "color": readable_on(colour)},
            "marker": {
                "color": colour,
                "line": {
                    "color": [palette.card if run.planned else palette.ink for __, run, __cut in runs],
                    "width": 1,
                },
                "pattern": {**pattern, "fgcolor": palette.card},
            },
            "hovertext": [run_sentence(batch, run) for batch, run, __ in runs],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }


def _fitting(batch: Batch, cut: tuple[float, float], per_px: float) -> str:
    """The name of a batch, where its bar holds it."""
    return batch.name if cut[1] - cut[0] >= (len(batch.name) * _LETTER_PX + 4) * per_px else ""


def _keys(shading: Sequence[dict[str, Any]], plan: Plan, palette: Palette) -> Iterator[tuple[str, str]]:
    """What the legend says of shaded stretches and hatched bars."""
    shades = {shape["fillcolor"] for shape in shading}
    for name, colour in ((_("nobody there"), _away(palette)), (_("room too hot"), _hot(palette))):
        if colour in shades:
            yield name, colour
    if any(not run.planned for batch in plan.batches for run in batch.runs):
        yield _("running or locked"), ""


def _key(name: str, colour: str, palette: Palette) -> dict[str, Any]:
    """An entry of the legend for what is not a trace; without a colour it is hatched."""
    hatch = {
        "color": palette.muted,
        "pattern": {"shape": "/", "size": 6, "solidity": 0.3, "fgcolor": palette.card, "fillmode": "overlay"},
    }
    marker = {"color": colour, "line": {"color": palette.muted, "width": 1}} if colour else hatch
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [None],
        "y": [None],
        "marker": marker,
        "showlegend": True,
    }


def _away(palette: Palette) -> str:
    return faded(palette.muted, 0.16)


def _hot(palette: Palette) -> str:
    return faded(palette.warn, 0.35)


def _unstaffed(plan: Plan, rows: Sequence[_Row], stretch: Span, palette: Palette) -> Iterator[dict[str, Any]]:
    """Shades in the attended rows where no shift is, or where the problem says that nobody is there."""
    first, last = local_date(stretch.start), local_date(stretch.end - timedelta(microseconds=1))
    staffed = plan.problem.plant.staffed(first, last)
    edges = [stretch.start, *(moment for each in staffed for moment in each), stretch.end]
    gaps = [*zip(edges[::2], edges[1::2], strict=True), *plan.problem.closed]
    for at, row in enumerate(rows):
        if row.block.attended:
            yield from _shades(at, gaps, stretch, _away(palette))


def _too_hot(plan: Plan, rows: Sequence[_Row], stretch: Span, palette: Palette) -> Iterator[dict[str, Any]]:
    """Shades where the room is above what a block may run at."""
    grid = plan.problem.grid
    room = plan.problem.plant.room.temperature_c(plan.problem.outside_c)
    for at, row in enumerate(rows):
        if row.block.room_max_c is None:
            continue
        edges = np.flatnonzero(np.diff((room > row.block.room_max_c).astype(np.int8), prepend=0, append=0))
        runs = edges.reshape(-1, 2).tolist()
        hot = [(grid[first].to_pydatetime(), grid[stop - 1].to_pydatetime() + QUARTER) for first, stop in runs]
        yield from _shades(at, hot, stretch, _hot(palette))


def _shades(
    row: int, stretches: Sequence[tuple[datetime, datetime]], span: Span, colour: str
) -> Iterator[dict[str, Any]]:
    for start, end in stretches:
        if (cut := span.cut(start, end)) is not None:
            ends = {"x0": cut[0], "x1": cut[1], "y0": row - 0.5, "y1": row + 0.5}
            yield {"type": "rect", **ends, "fillcolor": colour, "line": {"width": 0}, "layer": "below"}


def _grid(rows: int, palette: Palette) -> list[dict[str, Any]]:
    """Lines between the rows."""
    ends = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "layer": "below"}
    line = {"color": palette.line, "width": 1}
    return [{**ends, "y0": at - 0.5, "y1": at - 0.5, "line": line} for at in range(rows + 1)]


def _plot_px(rows: int) -> int:
    return rows * _ROW_PX + _PRICE_PX + _BAND_PX + _WEATHER_PX + 2 * _GAP_PX + 4


def _domains(rows: int) -> list[list[float]]:
    """Where units, price, periods and weather stand, from the top, in shares of the height."""
    heights = (rows * _ROW_PX, _GAP_PX, _PRICE_PX, 4, _BAND_PX, _GAP_PX, _WEATHER_PX)
    edges = 1 - np.cumsum([0, *heights]) / sum(heights)
    pairs = [[max(float(low), 0.0), float(high)] for high, low in pairwise(edges)]
    return pairs[::2]
