"""Figures beside the plan: power against the contract, batches against the target, what another start would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_bounds, local_date
from chocofactory.domain.measurements import HOURLY
from chocofactory.planning.problem import QUARTER
from components import text
from components.marks import now_note, upright
from components.plan_words import Span, called, euros, heading, limit_words, product_colours
from components.text import _, ngettext
from components.theme import PALETTES, Theme, draw, faded

if TYPE_CHECKING:
    from datetime import date, datetime

    import plotly.graph_objects as go

    from chocofactory.planning.plan import Plan

_BELOW = 74
_QUARTER_H = 0.25


def power_figure(
    power: pd.DataFrame, contracted_kw: float, now: datetime, *, theme: Theme = "light", wide: bool = True
) -> go.Figure:
    """The mean power of each quarter-hour, stacked, against the contract.

    ``power`` has the index ``time`` (UTC, quarter-hours) and ``production_kw``, ``cooling_kw``, ``auxiliary_kw`` and
    ``total_kw``.
    """
    palette = PALETTES[theme]
    span = Span(power.index[0].to_pydatetime(), power.index[-1].to_pydatetime() + QUARTER)
    x = np.asarray((power.index - power.index[0]) / HOURLY, dtype=float)
    looks = (
        ("auxiliary_kw", _("auxiliaries"), faded(palette.muted, 0.55)),
        ("production_kw", _("production"), palette.cocoa),
        ("cooling_kw", _("cooling"), palette.accent),
    )
    told = [
        _(
            "{day}, {hours}: {total}; production {production}, cooling {cooling}, auxiliaries {auxiliaries}",
            day=text.day(local_date(row.Index), "short"),
            hours=text.hours(row.Index, row.Index + QUARTER),
            total=text.quantity(row.total_kw, "kW", 1),
            production=text.number(row.production_kw, 1),
            cooling=text.number(row.cooling_kw, 1),
            auxiliaries=text.number(row.auxiliary_kw, 1),
        )
        for row in power.itertuples()
    ]
    bars = [
        {
            "type": "bar",
            "name": name,
            "x": x + _QUARTER_H / 2,
            "y": power[column].to_numpy(dtype=float),
            "width": _QUARTER_H,
            "marker": {"color": colour, "line": {"width": 0}},
            "hovertext": told,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for column, name, colour in looks
    ]
    highest = float(power["total_kw"].max())
    label = {"text": _("contract {power}", power=text.quantity(contracted_kw, "kW")), "textposition": "end"}
    font = {"font": {"size": 12, "color": palette.warn}, "yanchor": "bottom"}
    contract = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": contracted_kw, "y1": contracted_kw}
    shapes = [
        *(upright(place, palette.line, 1) for place in span.midnights()),
        {**contract, "line": {"color": palette.warn, "width": 2, "dash": "dot"}, "label": {**label, **font}},
    ]
    notes = []
    if span.holds(now):
        shapes.append(upright(span.place(now), palette.accent, 2))
        notes.append(now_note(span.place(now), span.length, now, palette.accent))
    layout = {
        "xaxis": {"range": [0, span.length], "zeroline": False, **span.ticks(wide=wide)},
        "yaxis": {"range": [0, 1.15 * max(contracted_kw, highest)], "title": {"text": "kW"}},
        "barmode": "stack",
        "bargap": 0,
        "margin": {"t": 84, "b": _BELOW},
        "showlegend": True,
        "shapes": shapes,
        "annotations": notes,
    }
    caption = _("Highest quarter-hour: {power}", power=text.quantity(highest, "kW", 1))
    return draw(bars, layout, theme, title=_("Power against the contract"), caption=caption, height=380)


def reached(plan: Plan) -> pd.DataFrame:
    """Batches finished and due by the end of each day, stock counted: ``day``, ``product``, ``finished``, ``due``."""
    rows = []
    for day in plan.problem.days:
        for product in plan.problem.plant.product_names:
            stock = plan.problem.stock.get(product, 0)
            end = day_bounds(day)[1]
            done = (batch for batch in plan.batches if len(batch.runs) == len(plan.problem.plant.blocks))
            made = sum(batch.product == product and batch.end <= end for batch in done)
            rows.append((day, product, made + stock, plan.problem.due(day, product) + stock))
    return pd.DataFrame(rows, columns=["day", "product", "finished", "due"])


def target_figure(plan: Plan, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """Batches finished by the end of each day (bars) against those due by then (marks), by product."""
    palette, frame = PALETTES[theme], reached(plan)
    days = list(plan.problem.days)
    traces: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for product, colour in product_colours(plan.problem.plant, theme).items():
        own = frame[frame["product"] == product]
        told = [_reached_words(row.day, product, row.finished, row.due) for row in own.itertuples()]
        words = {"hovertext": told, "hovertemplate": "%{hovertext}<extra></extra>", "offsetgroup": product}
        place = {"x": list(range(len(days))), "name": heading(product)}
        traces.append({"type": "bar", **place, "y": own["finished"].tolist(), "marker": {"color": colour}, **words})
        halo = {"symbol": "line-ew", "size": 26 if wide else 17, "line": {"color": palette.card, "width": 8}}
        mark = {"symbol": "line-ew", "size": 22 if wide else 13, "line": {"color": palette.ink, "width": 3}}
        due = {"type": "scatter", "mode": "markers", "y": own["due"].tolist(), "marker": mark, **place, **words}
        marks.append({**due, "name": "halo", "marker": halo, "showlegend": False, "hoverinfo": "skip"})
        marks.append({**due, "name": _("due"), "showlegend": len(marks) == 1})
    labels = [text.day(day, "short").split() for day in days]
    layout = {
        "xaxis": {
            "tickvals": list(range(len(days))),
            "ticktext": [" ".join(label) if wide else "<br>".join(label[:2]) for label in labels],
            "range": [-0.5, len(days) - 0.5],
            "tickangle": 0,
        },
        "yaxis": {"title": {"text": _("Batches")}, "tickformat": ",d", "rangemode": "tozero"},
        "barmode": "group",
        "scattermode": "group",
        "bargap": 0.3,
        "scattergap": 0.3,
        "margin": {"b": _BELOW},
        "showlegend": True,
    }
    caption = _("Counted from the first day on, with stock")
    return draw([*traces, *marks], layout, theme, title=_("Batches against the target"), caption=caption, height=340)


def cost_curve_figure(curve: pd.DataFrame, chosen: datetime, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """What a batch would cost by its start; the start that was chosen is marked, impossible ones stand at the bottom.

    ``curve`` is that of ``planning.reasons.Reasons``: index the start (UTC), ``cost_eur`` (NaN where it cannot start),
    ``limit`` and ``block`` that close it.
    """
    palette = PALETTES[theme]
    step = curve.index[1] - curve.index[0] if len(curve) > 1 else QUARTER
    span = Span(curve.index[0].to_pydatetime(), (curve.index[-1] + step).to_pydatetime())
    x = np.asarray((curve.index - curve.index[0]) / HOURLY, dtype=float)
    cost = curve["cost_eur"].to_numpy(dtype=float)
    open_ = ~np.isnan(cost)
    low, high = (float(cost[open_].min()), float(cost[open_].max())) if open_.any() else (0.0, 1.0)
    room = max(high - low, 0.1 * abs(high), 0.5)
    floor = low - 0.25 * room
    starts = [_start_words(row.Index, row.cost_eur, row.limit, row.block) for row in curve.itertuples()]
    words = {"hovertemplate": "%{hovertext}<extra></extra>", "type": "scatter"}
    look = {"mode": "lines+markers", "connectgaps": False, "line": {"color": palette.cocoa, "width": 1.5}}
    cross = {"symbol": "x-thin", "size": 6, "line": {"color": palette.muted, "width": 1}}
    traces: list[dict[str, Any]] = [
        {**words, **look, "name": _("possible"), "x": x, "y": cost, "marker": {"size": 5}, "hovertext": starts},
        {
            **words,
            "mode": "markers",
            "name": _("not possible"),
            "x": x[~open_],
            "y": np.full((~open_).sum(), floor),
            "marker": cross,
            "hovertext": [told for told, free in zip(starts, open_, strict=True) if not free],
        },
    ]
    picked = np.flatnonzero(np.asarray(curve.index == pd.Timestamp(chosen)) & open_)
    marker = {"size": 13, "symbol": "diamond", "color": palette.accent, "line": {"color": palette.card, "width": 1.5}}
    here = {"x": x[picked], "y": cost[picked], "hovertext": [starts[at] for at in picked]}
    traces.append({**words, "mode": "markers", "name": _("chosen"), "marker": marker, **here})
    layout = {
        "xaxis": {"range": [0, span.length], "zeroline": False, **span.ticks(wide=wide)},
        "yaxis": {"range": [floor - 0.1 * room, high + 0.15 * room], "title": {"text": "€"}, "zeroline": False},
        "shapes": [upright(place, palette.line, 1) for place in span.midnights()],
        "margin": {"b": _BELOW},
        "showlegend": True,
    }
    caption = _("All else as planned; crosses: it cannot start then")
    return draw(traces, layout, theme, title=_("What another start would cost"), caption=caption, height=360)


def _reached_words(day: date, product: str, finished: int, due: int) -> str:
    return _(
        "By the end of {day}: {batches} of {product} finished, {due} due",
        day=text.day(day, "short"),
        batches=ngettext("{n} batch", "{n} batches", finished),
        product=called(product),
        due=text.number(due),
    )


def _start_words(start: datetime, cost_eur: float, limit: str, block: str) -> str:
    when = {"day": text.day(local_date(start), "short"), "time": text.clock(start)}
    if np.isnan(cost_eur):
        return _("{day}, {time}: not possible: {limit}", **when, limit=limit_words(limit, block))
    return _("Start {day}, {time}: {cost}", **when, cost=euros(cost_eur))
