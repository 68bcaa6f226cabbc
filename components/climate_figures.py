"""Figures of many years of daily weather: months by year, the usual year, days that matter, thresholds.

One scale of colours for all fields, pale is little and dark is much; what is missing is hatched and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from components import names, text
from components.cells import cells, short_months
from components.text import _
from components.theme import PALETTES, Theme, climate_axis, draw, hatched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import plotly.graph_objects as go

    from chocofactory.domain.climate import MonthMatrix

WHOLE_YEAR_DAYS = 355
"""A year with as many days known counts as whole."""

_BELOW = 62
_ROW_PX = 19


def month_heatmap(matrices: Mapping[str, MonthMatrix], *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """One field by year (rows, the newest on top) and month, with its numbers on a wide screen.

    Parameters
    ----------
    matrices
        What each station has, by its name in words (see ``domain.climate.month_matrix``); each holds at least one year.
        Stations are kept apart: one stands below the other, its name above it where there are several.

    """
    palette = PALETTES[theme]
    field, kind = next((matrix.field, matrix.kind) for matrix in matrices.values())
    unit, digits = names.field_unit(field), names.field_digits(field)
    of = _("Sum of each month, {unit}") if kind == "sum" else _("Mean of each month, {unit}")
    traces, notes, ticks, top = [], [], [], 0.0
    for name, matrix in matrices.items():
        if len(matrices) > 1:
            notes.append({"x": 0, "xref": "paper", "xanchor": "left", "y": top, "text": f"<b>{name}</b>"})
            top += 1
        traces += _months(matrix, top, theme, wide=wide)
        ticks += [(top + row, str(year)) for row, year in enumerate(matrix.figures.index[::-1])]
        top += len(matrix.figures)
    values = np.concatenate([matrix.figures.to_numpy(dtype=float).ravel() for matrix in matrices.values()])
    layout = {
        "xaxis": _month_axis(wide=wide),
        "yaxis": {
            "tickvals": [place for place, __ in ticks],
            "ticktext": [year for __, year in ticks],
            "range": [top - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
        "coloraxis": climate_axis(values, unit, digits),
        "margin": {"b": _BELOW},
        "barmode": "overlay",
        "annotations": [{**note, "font": {"color": palette.ink}} for note in notes],
    }
    return draw(
        traces,
        layout,
        theme,
        title=names.weather_field(field),
        caption=of.format(unit=unit),
        height=int(140 + _ROW_PX * max(top, 4)),
    )


def _months(matrix: MonthMatrix, top: float, theme: Theme, *, wide: bool) -> list[dict[str, Any]]:
    """The cells of one station, its newest year at ``top``; months with too few days are hatched."""
    known, expected = (table.iloc[::-1].to_numpy() for table in (matrix.known, matrix.expected))
    values = matrix.figures.iloc[::-1].to_numpy(dtype=float)
    years = matrix.figures.index[::-1]
    unit, digits = names.field_unit(matrix.field), names.field_digits(matrix.field)
    months = short_months()
    hover = _("{month} {year}: {value} ({known} of {expected} days)")
    few = _("{month} {year}: too few days ({known} of {expected})")

    def told(words: str, row: int, month: int) -> str:
        return words.format(
            month=months[month],
            year=years[row],
            value=text.quantity(values[row, month], unit, digits),
            known=known[row, month],
            expected=expected[row, month],
        )

    absent = np.argwhere(np.isnan(values))
    return [
        {
            "type": "heatmap",
            "x": np.arange(13) - 0.5,
            "y": top + np.arange(len(years) + 1) - 0.5,
            "z": values,
            "text": [[told(hover, row, month) for month in range(12)] for row in range(len(years))],
            "coloraxis": "coloraxis",
            "xgap": 1,
            "ygap": 1,
            "texttemplate": f"%{{z:.{digits}f}}" if wide else None,
            "textfont": {"size": 10},
            "hovertemplate": "%{text}<extra></extra>",
        },
        cells(
            absent[:, 1],
            top + absent[:, 0] - 0.5,
            width=1,
            hovertext=[told(few, row, month) for row, month in absent],
            hovertemplate="%{hovertext}<extra></extra>",
            marker=hatched(theme),
        ),
    ]


def _month_axis(*, wide: bool) -> dict[str, Any]:
    """The months of the year; by their initials where there is little room."""
    months = [name if wide else name[0].upper() for name in short_months()]
    ticks = {"tickvals": list(range(12)), "ticktext": months, "tickangle": 0}
    return {**ticks, "range": [-0.5, 11.5], "showgrid": False, "zeroline": False}


def seasonal_band(pattern: pd.DataFrame, field: str, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """The usual year of a field: mean, the middle 80 % of the days, and the extremes, month by month.

    ``pattern`` is the field's part of ``domain.climate.monthly_pattern``: index ``month`` 1 ... 12.
    """
    palette = PALETTES[theme]
    unit, digits = names.field_unit(field), names.field_digits(field)
    months = short_months()
    place = list(range(12))

    def told(column: str, words: str) -> list[str]:
        return [
            words.format(month=months[month], value=text.quantity(value, unit, digits))
            for month, value in enumerate(pattern[column])
        ]

    line = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    traces = [
        {**line, "x": place, "y": pattern["p10"]},
        {
            **line,
            "x": place,
            "y": pattern["p90"],
            "fill": "tonexty",
            "fillcolor": palette.accent_soft,
            "name": _("80 % of the days"),
            "showlegend": True,
        },
        {
            "mode": "lines+markers",
            "x": place,
            "y": pattern["mean"],
            "name": _("mean"),
            "line": {"color": palette.accent, "width": 2},
            "hovertext": told("mean", _("{month}: {value} on average")),
        },
        *(
            {
                "mode": "markers",
                "x": place,
                "y": pattern[column],
                "name": words,
                "marker": {"color": palette.cocoa, "symbol": symbol, "size": 9},
                "hovertext": told(column, _("{month}: {value}, the extreme of all years")),
            }
            for column, words, symbol in (
                ("maximum", _("highest"), "triangle-up"),
                ("minimum", _("lowest"), "triangle-down"),
            )
        ),
    ]
    layout = {
        "xaxis": _month_axis(wide=wide),
        "yaxis": {"title": {"text": unit}},
        "showlegend": True,
        "margin": {"b": 52},
    }
    dressed = [{"type": "scatter", "hovertemplate": "%{hovertext}<extra></extra>", **trace} for trace in traces]
    return draw(
        dressed,
        layout,
        theme,
        title=_("The usual year"),
        caption=_("{field}, days of all years, {unit}", field=names.weather_field(field), unit=unit),
        height=380,
    )


def favourable_bars(months: pd.DataFrame, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """The share of favourable days in each month, and of hot days beside it.

    ``months`` is that of ``services.climate.Seasons``.
    """
    palette = PALETTES[theme]
    named = short_months()
    hot_share = 100 * months["hot"] / months["hot_known"].where(months["hot_known"] > 0)
    traces = []
    for name, share, count, known, colour, pattern in (
        (_("favourable days"), months["share_pct"], months["favourable"], months["days"], palette.accent, ""),
        (_("hot days"), hot_share, months["hot"], months["hot_known"], palette.cocoa, "/"),
    ):
        words = _("{month}: {share} {name} ({count} of {known})")
        traces.append(
            {
                "type": "bar",
                "name": name,
                "x": list(range(12)),
                "y": share,
                "marker": {"color": colour, "pattern": {"shape": pattern, "solidity": 0.4}},
                "hovertext": [
                    words.format(
                        month=named[place],
                        share=text.percent(value / 100, 1),
                        name=name,
                        count=text.number(some),
                        known=text.number(all_),
                    )
                    for place, (value, some, all_) in enumerate(zip(share, count, known, strict=True))
                ],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    layout = {
        "xaxis": _month_axis(wide=wide),
        "yaxis": {"title": {"text": "%"}, "range": [0, 100], "ticksuffix": " %"},
        "showlegend": True,
        "margin": {"b": 52},
    }
    return draw(
        traces,
        layout,
        theme,
        title=_("Favourable and hot days"),
        caption=_("Share of the days of each month"),
        height=340,
    )


def hot_years(hot: pd.DataFrame, above_c: float, *, theme: Theme = "light") -> go.Figure:
    """How many days of each year had a maximum above a limit; years that are not whole are pale.

    ``hot`` as ``domain.climate.hot_days`` has it, with at least one year.
    """
    palette = PALETTES[theme]
    years = hot.groupby(level="year").sum()
    whole = (years["days"] >= WHOLE_YEAR_DAYS).to_numpy()
    sentence = _("{year}: {hot} of {days} days above {limit}")
    bars = {
        "type": "bar",
        "x": years.index,
        "y": years["hot"],
        "marker": {"color": palette.cocoa, "opacity": np.where(whole, 1, 0.45)},
        "hovertext": [
            sentence.format(year=year, hot=row.hot, days=row.days, limit=text.quantity(above_c, "°C"))
            for year, row in zip(years.index, years.itertuples(), strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    layout = {"xaxis": {"tickformat": "d", "dtick": 5}, "yaxis": {"title": {"text": _("Days")}}, "bargap": 0.15}
    return draw(
        [bars],
        layout,
        theme,
        title=_("Days above {limit} in each year", limit=text.quantity(above_c, "°C")),
        caption=_("By their maximum; pale: the year is not whole"),
        height=330,
    )


def threshold_marks(
    thresholds: pd.DataFrame,
    extremes: Mapping[str, tuple[float, float]],
    now: Mapping[str, float | None],
    *,
    theme: Theme = "light",
) -> go.Figure:
    """How high the highest days lie, a line for each variable, and where the present value stands among them.

    Parameters
    ----------
    thresholds
        As ``domain.climate.critical_thresholds`` has them.
    extremes
        Lowest and highest day of each variable.
    now
        The present value of each variable; None where there is none.

    """
    palette = PALETTES[theme]
    variables: Sequence[str] = list(dict.fromkeys(thresholds["variable"]))
    traces, notes, layout = [], [], {"margin": {"b": 28, "t": 84, "l": 8, "r": 16}, "showlegend": False}
    height = 1 / len(variables)
    for place, variable in enumerate(variables):
        unit, digits = names.field_unit(variable), names.field_digits(variable)
        axis = "" if place == 0 else str(place + 1)
        top = 1 - place * height
        part = thresholds[thresholds["variable"] == variable]
        low, high = extremes[variable]
        present = now.get(variable)
        reach = [value for value in (low, high, present) if value is not None and not np.isnan(value)]
        pad = 0.04 * (max(reach) - min(reach) or 1)
        layout[f"xaxis{axis}"] = {
            "range": [min(reach) - pad, max(reach) + pad],
            "anchor": f"y{axis}",
            "showgrid": True,
            "zeroline": False,
            "nticks": 8,
            "ticksuffix": f" {unit}",
        }
        layout[f"yaxis{axis}"] = {
            "domain": [top - height * 0.6, top - height * 0.25],
            "range": [-1, 1],
            "visible": False,
            "fixedrange": True,
        }
        axes = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "type": "scatter", "showlegend": False}
        traces.append(
            {
                **axes,
                "mode": "lines",
                "x": [low, high],
                "y": [0, 0],
                "line": {"color": palette.line, "width": 8},
                "hoverinfo": "skip",
            }
        )
        sentence = _("P{level}: {value}; {count} of {days} days lie above")
        traces.append(
            {
                **axes,
                "mode": "markers+text",
                "cliponaxis": False,
                "x": part["threshold"],
                "y": [0] * len(part),
                "marker": {
                    "color": palette.cocoa,
                    "symbol": "line-ns",
                    "size": 16,
                    "line": {"width": 3, "color": palette.cocoa},
                },
                "text": [f"P{level}" for level in part["percentile"]],
                "textposition": ["top center", "bottom center", "top center"][: len(part)],
                "textfont": {"size": 11, "color": palette.muted},
                "hovertext": [
                    sentence.format(
                        level=row.percentile,
                        value=text.quantity(row.threshold, unit, digits),
                        count=text.number(row.occurrences),
                        days=text.number(row.days),
                    )
                    for row in part.itertuples()
                ],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
        title = f"<b>{names.weather_field(variable)}</b>"
        if present is not None:
            value = text.quantity(present, unit, digits)
            title += f' · <span style="color: {palette.accent}">▼ {_("now {value}", value=value)}</span>'
            traces.append(
                {
                    **axes,
                    "mode": "markers",
                    "cliponaxis": False,
                    "x": [present],
                    "y": [0.9],
                    "marker": {"color": palette.accent, "symbol": "triangle-down", "size": 13},
                    "hovertext": [_("now {value}", value=value)],
                    "hovertemplate": "%{hovertext}<extra></extra>",
                }
            )
        else:
            title += f" · {_('no present value')}"
        notes.append(
            {"x": 0, "xref": "paper", "xanchor": "left", "y": top, "yref": "paper", "yanchor": "top", "text": title}
        )
    return draw(
        traces,
        {**layout, "annotations": notes},
        theme,
        title=_("How high the highest days lie"),
        caption=_("Percentiles of the days of all years"),
        height=110 + 110 * len(variables),
    )
