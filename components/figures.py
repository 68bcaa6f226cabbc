"""Figures of prices along a line: the strip of today and tomorrow, and how prices are distributed.

Times on the axis are counted in elapsed hours and labelled with the wall clock, so that the night in which clocks
change keeps its 23 or 25 hours. What is missing is hatched and says so; it is never drawn as 0.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from chocofactory.core.clock import MADRID, day_bounds, day_grid, local_date
from chocofactory.domain.measurements import HOURLY
from chocofactory.domain.prices import DayState
from components import text
from components.marks import above, best_stretch, box, now_note, upright
from components.text import _
from components.theme import (
    PALETTES,
    PAST_OPACITY,
    PERIOD_COLOURS,
    Theme,
    draw,
    hatched,
    price_axis,
    price_range,
    readable_on,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd
    import plotly.graph_objects as go

    from chocofactory.domain.prices import Window
    from chocofactory.domain.tariff import Tariff

Stretch = tuple[datetime, datetime, str, str]
"""Something that runs: its start and end (UTC), what is told of it, its colour."""

_ONE_HOUR = timedelta(hours=1)
_ONE_DAY = timedelta(days=1)
_MOST_BINS = 40
_PLOT_PX = 262
"""Height of the strip without its title and its axis."""
_PLAN_PX, _GAP_PX = 56, 12
"""Height of the plan below it, however many rows it has: a figure that changes its height is not drawn well."""
_USUAL_TOP = 0.25


def day_strip(  # noqa: PLR0913 - all that it may show
    frame: pd.DataFrame,
    now: datetime,
    tariff: Tariff,
    *,
    tomorrow: DayState,
    published_at: datetime,
    window: Window | None = None,
    theme: Theme = "light",
    resolution: timedelta = HOURLY,
    runs: Sequence[Stretch] = (),
) -> go.Figure:
    """Prices of today and tomorrow as one strip of bars, the tariff's periods below, a line at the present moment.

    Hours that are over are pale, hours to come have an edge; ``window`` is shaded. While ``tomorrow`` is not out, its
    half of the strip says when to expect it (``published_at``). ``runs`` of the production plan stand in rows below, as
    many as run at once.

    Parameters
    ----------
    frame
        Index ``time`` (UTC), column ``price_eur_kwh`` [EUR/kWh], and ``kind`` where it is known.

    """
    palette = PALETTES[theme]
    today = local_date(now)
    start, middle = day_bounds(today)
    end = day_bounds(today + _ONE_DAY)[1]
    grid = day_grid(today, today + _ONE_DAY, resolution)
    prices = frame["price_eur_kwh"].reindex(grid).to_numpy(dtype=float)
    periods = tariff.label(grid).astype(str).to_numpy()
    x = np.asarray((grid - start) / _ONE_HOUR, dtype=float)
    width = resolution / _ONE_HOUR
    known = ~np.isnan(prices)
    over = np.asarray(grid + resolution <= now)
    waiting = np.asarray(grid >= middle) & (tomorrow in {DayState.NOT_YET, DayState.LATE}) & ~known
    missing = ~known & ~waiting
    sentences = _sentences(frame, grid, prices, periods, now, resolution)
    top = 1.08 * max(float(np.nanmax(prices, initial=0.0)), 0.01) if known.any() else _USUAL_TOP
    bottom = 1.1 * min(float(np.nanmin(prices, initial=0.0)), 0.0)
    edge = {"color": palette.muted, "width": 1 if resolution >= HOURLY else 0}
    look = {
        "over": {"opacity": PAST_OPACITY, "color": prices[known & over], "coloraxis": "coloraxis"},
        "ahead": {"line": edge, "color": prices[known & ~over], "coloraxis": "coloraxis"},
        "missing": hatched(theme),
    }
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": x[chosen] + width / 2,
            "y": np.full(chosen.sum(), top - bottom) if name == "missing" else prices[chosen],
            "base": bottom if name == "missing" else 0,
            "width": width * 0.9,
            "marker": look[name],
            "hovertext": sentences[chosen],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for name, chosen in (("over", known & over), ("ahead", known & ~over), ("missing", missing))
    ]
    span = (end - start) / _ONE_HOUR
    half = (middle - start) / _ONE_HOUR
    shapes = [upright(half, palette.line, 1)]
    notes = []
    if waiting.any():
        shapes.append({**box(half, span), "line": {"color": palette.muted, "width": 1, "dash": "dot"}})
        notes.append(_waiting_note((half + span) / 2, tomorrow, published_at))
    if window is not None:
        left, right = ((moment - start) / _ONE_HOUR for moment in (window.start, window.end))
        shapes += best_stretch(left, right, palette)
    present = (now - start) / _ONE_HOUR
    shapes.append(upright(present, palette.accent, 2))
    notes.append(now_note(present, span, now, palette.accent))
    planned, rows = _rows(runs, start, end, theme)
    plot_px = _PLOT_PX + (_PLAN_PX + _GAP_PX if rows else 0)
    below = 1 - _PLOT_PX / plot_px  # the share of the plan
    price_low, band_high = (below + (1 - below) * share for share in (0.17, 0.12))
    bar_axis = {"ticks": "", "showgrid": False, "zeroline": False, "fixedrange": True}
    layout = {
        "coloraxis": {**price_axis(*price_range(prices)), "showscale": False},
        "xaxis": {"range": [0, span], "anchor": "y3" if rows else "y2", "zeroline": False, **_clock_ticks(grid, x)},
        "yaxis": {"domain": [price_low, 1], "range": [bottom, top], "title": {"text": _("€/kWh")}, "tickformat": ".2f"},
        "yaxis2": {"domain": [below, band_high], "range": [0, 1], "visible": False, "fixedrange": True},
        "yaxis3": {
            "domain": [0, _PLAN_PX / plot_px if rows else 0],
            "range": [rows - 0.5, -0.5],
            "tickvals": [(rows - 1) / 2],
            "ticktext": [_("plan")],
            "visible": rows > 0,
            **bar_axis,
        },
        "barmode": "overlay",
        "margin": {"t": 84},
        "shapes": shapes,
        "annotations": notes,
    }
    return draw(
        [*traces, period_band(x, width, periods), *planned],
        layout,
        theme,
        title=_("Price of today and tomorrow"),
        caption=_strip_caption(window, now, palette.accent),
        height=410 + round(plot_px - _PLOT_PX),
    )


def _rows(runs: Sequence[Stretch], first: datetime, last: datetime, theme: Theme) -> tuple[list[dict[str, Any]], int]:
    """Bars of what runs between two moments, each in the first row that is free then; and the number of rows."""
    ends: list[datetime] = []
    bars = []
    for start, end, words, colour in sorted(runs):
        left, right = max(start, first), min(end, last)
        if left >= right:
            continue
        row = next((place for place, busy in enumerate(ends) if busy <= start), len(ends))
        ends[row : row + 1] = [end]
        bars.append((row, (left - first) / _ONE_HOUR, (right - left) / _ONE_HOUR, words, colour))
    if not bars:
        return [], 0
    rows, bases, lengths, told, colours = zip(*bars, strict=True)
    trace = {
        "type": "bar",
        "name": "plan",
        "orientation": "h",
        "yaxis": "y3",
        "x": lengths,
        "y": rows,
        "base": bases,
        "width": 0.8,
        "marker": {"color": colours, "line": {"color": PALETTES[theme].card, "width": 1}},
        "hovertext": told,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    return [trace], len(ends)


def histogram(prices: pd.Series) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """How many ``prices`` [EUR/kWh] lie in each bin of a round width, and the edges of the bins; one is not NaN."""
    values = prices.dropna().to_numpy(dtype=float)
    counts, edges = np.histogram(values, _bins(float(values.min()), float(values.max())))
    return counts, edges


def price_distribution(
    prices: pd.Series, *, theme: Theme = "light", scale: tuple[float, float] | None = None
) -> go.Figure:
    """How many hours cost how much, with the median and the mean marked.

    ``prices`` [EUR/kWh] holds at least one that is not NaN; ``scale`` [EUR/kWh] is what the ends of the colours stand
    for, without it what ``theme.price_range`` says of the prices.
    """
    palette = PALETTES[theme]
    values = prices.dropna().to_numpy(dtype=float)
    counts, edges = histogram(prices)
    centres = (edges[:-1] + edges[1:]) / 2
    sentences = [
        _(
            "{hours} ({share}) cost between {low} and {high}",
            hours=text.ngettext("{n} hour", "{n} hours", int(count)),
            share=text.percent(count / len(values), 1),
            low=text.number(left, 3),
            high=text.price(right),
        )
        for count, (left, right) in zip(counts, pairwise(edges), strict=True)
    ]
    bars = {
        "type": "bar",
        "x": centres,
        "y": counts,
        "width": np.diff(edges) * 0.94,
        "marker": {"color": centres, "coloraxis": "coloraxis", "line": {"color": palette.muted, "width": 0.5}},
        "hovertext": sentences,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    median, mean = float(np.median(values)), float(values.mean())
    median_side, mean_side = ("right", "left") if median <= mean else ("left", "right")
    marks = (
        (median, _("median {price}", price=text.number(median, 3)), median_side, "solid"),
        (mean, _("mean {price}", price=text.number(mean, 3)), mean_side, "dot"),
    )
    layout = {
        "coloraxis": {**price_axis(*(scale or price_range(values))), "showscale": False},
        "xaxis": {"title": {"text": _("€/kWh")}, "tickformat": ".2f"},
        "yaxis": {"title": {"text": _("Hours")}, "tickformat": ",d"},
        "margin": {"t": 84},
        "shapes": [{**upright(value, palette.accent, 2, dash)} for value, __, __, dash in marks],
        "annotations": [
            {**above(value, words, palette.accent), "xanchor": side, "xshift": -4 if side == "right" else 4}
            for value, words, side, __ in marks
        ],
    }
    tenth = text.price(float(np.quantile(values, 0.1)))
    caption = _("One hour in ten is below {price}", price=tenth)
    return draw([bars], layout, theme, title=_("What an hour costs"), caption=caption, height=370)


def _sentences(
    frame: pd.DataFrame,
    grid: pd.DatetimeIndex,
    prices: npt.NDArray[np.float64],
    periods: npt.NDArray[np.str_],
    now: datetime,
    resolution: timedelta,
) -> npt.NDArray[np.object_]:
    """What the reader is told about each interval of the strip."""
    simulated = (
        (frame["kind"].reindex(grid) == "simulated").to_numpy() if "kind" in frame else np.zeros(len(grid), bool)
    )
    out = np.empty(len(grid), dtype=object)
    for place, (stamp, value, period) in enumerate(zip(grid, prices, periods, strict=True)):
        begin = stamp.to_pydatetime()
        fields = {
            "day": text.day(local_date(begin)),
            "hours": text.hours(begin, begin + resolution),
            "price": text.price(value, 4),
            "period": period,
        }
        if np.isnan(value):
            out[place] = _("{day}, {hours}: no data", **fields)
        elif begin + resolution <= now:
            out[place] = _("{day}, {hours}: it was {price}, period {period}", **fields)
        elif begin <= now:
            out[place] = _("Now, {hours}: {price}, period {period}", **fields)
        else:
            out[place] = _("{day}, {hours}: it will be {price}, period {period}", **fields)
        if simulated[place]:
            out[place] += "<br>" + _("simulated, not a real price")
    return out


def _clock_ticks(grid: pd.DatetimeIndex, x: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Every sixth hour of the wall clock, with the day under its midnight."""
    wall = grid.tz_convert(MADRID)
    places = np.flatnonzero((wall.hour % 6 == 0) & (wall.minute == 0))
    labels = [
        f"{wall[place]:%H}" + (f"<br><b>{text.day(wall[place].date(), 'short')}</b>" if wall[place].hour == 0 else "")
        for place in places
    ]
    return {"tickvals": x[places].tolist(), "ticktext": labels, "ticks": "outside", "tickangle": 0}


def period_band(
    x: npt.NDArray[np.float64], width: float, periods: npt.NDArray[np.str_], *, axis: str = "y2", least: float = 0
) -> dict[str, Any]:
    """The band of tariff periods, one bar for each run of the same one, its name inside where it is ``least`` long."""
    cuts = np.flatnonzero(periods[1:] != periods[:-1]) + 1
    runs = list(pairwise([0, *cuts.tolist(), len(periods)]))
    names = [str(periods[first]) for first, __ in runs]
    return {
        "type": "bar",
        "name": "periods",
        "yaxis": axis,
        "x": [x[first] + (last - first) * width / 2 for first, last in runs],
        "y": [1] * len(runs),
        "width": [(last - first) * width for first, last in runs],
        "marker": {"color": [PERIOD_COLOURS[name] for name in names], "line": {"width": 0}},
        "text": [
            name if (last - first) * width >= least else "" for name, (first, last) in zip(names, runs, strict=True)
        ],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "constraintext": "none",
        "textfont": {"size": 10, "color": [readable_on(PERIOD_COLOURS[name]) for name in names]},
        "hovertext": [_("Tariff period {period}", period=name) for name in names],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _waiting_note(place: float, tomorrow: DayState, published_at: datetime) -> dict[str, Any]:
    """What stands in the empty half of a strip whose day is not out."""
    time = text.time(published_at)
    late = tomorrow is DayState.LATE
    words = _("Late: due at about<br>{time}", time=time) if late else _("Published at<br>about {time}", time=time)
    return {"x": place, "y": 0.5, "yref": "y domain", "text": words, "font": {"size": 13}}


def _strip_caption(window: Window | None, now: datetime, colour: str) -> str:
    """What the shaded window is; without one, how to tell what is over from what is to come."""
    if window is None:
        return _("Pale is over, outlined is still to come")
    words = _(
        "Best {length}: {day} {hours}, {price}",
        length=_length(window),
        day=_("tomorrow") if local_date(window.start) > local_date(now) else _("today"),
        hours=text.hours(window.start, window.end),
        price=text.price(window.mean_eur_kwh),
    )
    return f'<span style="color: {colour}">■</span> {words}'


def _length(window: Window) -> str:
    hours = (window.end - window.start) / _ONE_HOUR
    return text.quantity(hours, "h", 0 if hours.is_integer() else 2)


def _bins(low: float, high: float) -> npt.NDArray[np.float64]:
    """Edges of bins of a round width (1, 2 or 5 times a power of ten) that hold everything, at most 40 of them."""
    least = max((high - low) / (_MOST_BINS - 2), 1e-4)
    power = 10.0 ** np.floor(np.log10(least))
    width = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least - 1e-12)
    first, last = np.floor(low / width), np.floor(high / width) + 1
    return np.asarray(np.arange(first, last + 1) * width, dtype=np.float64)
