"""Calendars with a cell for each day: a band for each year, weeks to the right, Monday on top.

What is missing is hatched and says so; nothing is told by hue alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from components import text
from components.cells import PRICE, cells, day_in, short_months, short_weekdays
from components.text import _
from components.theme import PALETTES, Theme, draw, hatched, price_axis, price_range

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt
    import plotly.graph_objects as go

_WEEKDAYS = 7
_WEEKS = 54
_BAND = _WEEKDAYS + 1.6
_ROW_PX = 15
_CELL = 0.86


def calendar_heatmap(means: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Mean price of every day in a calendar: a band for each year, weeks to the right, Monday on top.

    Parameters
    ----------
    means
        As ``domain.prices.daily_means`` and not empty: index of days; ``mean`` [EUR/kWh], NaN where there is no price;
        ``count`` and ``expected`` intervals.

    """
    days = pd.DatetimeIndex(means.index)
    week, row = _places(days)
    values = means["mean"].to_numpy(dtype=float)
    known = ~np.isnan(values)
    partly = known & (means["count"] < means["expected"]).to_numpy()
    notes = np.full(len(days), "", dtype=object)
    notes[partly] = [
        _(" (only {count} of its {expected} prices)", count=text.number(count), expected=text.number(expected))
        for count, expected in means.loc[partly, ["count", "expected"]].to_numpy()
    ]
    dates = days.strftime("%Y-%m-%d").to_numpy(dtype=object)
    traces = []
    sentence = _("{day}: {price} on average").format(day=day_in("customdata"), price=PRICE)
    for year in np.unique(days.year):
        inside = np.asarray(days.year == year)
        top = (year - days[0].year) * _BAND
        square = (days[inside].day_of_week, week[inside])
        traces.append(
            {
                "type": "heatmap",
                "x": list(range(_WEEKS)),
                "y": [top + place for place in range(_WEEKDAYS)],
                "z": _laid_out(values[inside], square, np.nan),
                "customdata": _laid_out(dates[inside], square, ""),
                "text": _laid_out(notes[inside], square, ""),
                "coloraxis": "coloraxis",
                "xgap": 1,
                "ygap": 1,
                "hovertemplate": sentence + "%{text}<extra></extra>",
            }
        )
    missing = cells(
        week[~known],
        row[~known] - 0.5,
        width=1,
        customdata=dates[~known],
        hovertemplate=_("{day}: no data").format(day=day_in("customdata")) + "<extra></extra>",
        marker=hatched(theme),
    )
    layout, height = _calendar_frame(days, below=58)
    layout["coloraxis"] = price_axis(*price_range(values), values)
    return draw(
        [*traces, missing, *_month_marks(days, theme)],
        layout,
        theme,
        title=_("Mean price of each day"),
        caption=_("{days}, €/kWh", days=text.date_range(days[0].date(), days[-1].date())),
        height=height,
    )


def coverage_calendar(coverage: pd.DataFrame, *, not_after: date | None = None, theme: Theme = "light") -> go.Figure:
    """What is there of what must be, day by day: a cell is filled as far as its day is, and hatched when it is not.

    Parameters
    ----------
    coverage
        As ``SeriesStore.coverage`` and not empty: index of days; integers ``expected`` and ``present``.
    not_after
        The last day that can be there by now; days after it are not expected yet.

    """
    palette = PALETTES[theme]
    days = pd.DatetimeIndex(coverage.index)
    week, row = _places(days)
    expected, present = (coverage[name].to_numpy(dtype=int) for name in ("expected", "present"))
    due = (expected > 0) & (days <= pd.Timestamp(not_after) if not_after else True)
    share = np.clip(present / np.maximum(expected, 1), 0, 1)
    dates = days.strftime("%Y-%m-%d").to_numpy(dtype=object)
    counts = np.stack([dates, present, expected], axis=1)
    fields = {"day": day_in("customdata[0]"), "present": "%{customdata[1]}", "expected": "%{customdata[2]}"}
    partly = (present > 0) & (share < 1)
    filled, empty = {"color": palette.cocoa}, {"color": palette.card, "line": {"color": palette.cocoa, "width": 1}}
    sizes = np.where(present > 0, share, np.where(due, 1.0, 0.25))
    some = _("{day}: {present} of {expected}")
    traces = [
        cells(
            week[chosen],
            row[chosen] + _CELL / 2 - _CELL * size[chosen],
            _CELL * size[chosen],
            width=_CELL,
            customdata=counts[chosen],
            hovertemplate=hover.format(**fields) + "<extra></extra>",
            marker=marker,
            name=name,
            showlegend=bool(name),
        )
        for name, chosen, size, marker, hover in (
            (_("complete"), (present > 0) & (share >= 1), sizes, filled, _("{day}: complete")),
            (_("partly there"), partly, np.ones(len(days)), empty, some),
            ("", partly, sizes, filled, some),
            (_("missing"), due & (present == 0), sizes, hatched(theme), _("{day}: nothing of {expected}")),
            (
                _("not expected yet"),
                ~due & (present == 0),
                sizes,
                {"color": palette.line},
                _("{day}: not expected yet"),
            ),
        )
    ]
    lacking = int((due & (present < expected)).sum())
    lack = text.ngettext("{n} day is not complete", "{n} days are not complete", lacking)
    layout, height = _calendar_frame(days, below=40)
    return draw(
        [*traces, *_month_marks(days, theme)],
        {**layout, "showlegend": True},
        theme,
        title=lack if lacking else _("Every day is complete"),
        caption=text.date_range(days[0].date(), days[-1].date()),
        height=height,
    )


def _places(days: pd.DatetimeIndex) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Column (week of the year, 0 ... 53) and row (year's band, Monday first) of each day in the calendar."""
    first = pd.DatetimeIndex(days.year.astype(str) + "-01-01")
    week = (np.asarray(days.day_of_year) - 1 + np.asarray(first.day_of_week)) // _WEEKDAYS
    row = (np.asarray(days.year) - int(days[0].year)) * _BAND + np.asarray(days.day_of_week)
    return week.astype(np.int64), row.astype(np.float64)


def _laid_out(values: npt.NDArray[Any], cells: tuple[Any, Any], empty: Any) -> npt.NDArray[Any]:
    out = np.full((_WEEKDAYS, _WEEKS), empty, dtype=values.dtype)
    out[cells] = values
    return out


def _calendar_frame(days: pd.DatetimeIndex, below: int) -> tuple[dict[str, Any], int]:
    """The axes of a calendar, with its years and weekdays, and its height [px]."""
    weekdays = short_weekdays()
    years = range(int(days[0].year), int(days[-1].year) + 1)
    ticks = [
        (place * _BAND + at, words)
        for place, year in enumerate(years)
        for at, words in ((-1, f"<b>{year}</b>"), *((at, weekdays[at]) for at in (0, 3, 6)))
    ]
    last = (len(years) - 1) * _BAND + _WEEKDAYS - 0.4
    layout = {
        "xaxis": {"range": [-0.6, _WEEKS - 0.4], "visible": False, "fixedrange": True},
        "yaxis": {
            "range": [last, -1.6],
            "tickvals": [place for place, __ in ticks],
            "ticktext": [words for __, words in ticks],
            "tickfont": {"size": 10},
            "showgrid": False,
            "zeroline": False,
        },
        "barmode": "overlay",
        "margin": {"b": below},
    }
    return layout, int(below + 66 + _ROW_PX * (last + 1.6))


def _month_marks(days: pd.DatetimeIndex, theme: Theme) -> list[dict[str, Any]]:
    """The names of the months above each year's band, and a line between one month and the next."""
    palette = PALETTES[theme]
    months = pd.date_range(days[0].replace(day=1), days[-1], freq="MS")
    week, row = _places(months)
    band = (np.asarray(months.year) - days[0].year) * _BAND
    in_year = short_months()
    names = {
        "x": _places(months + pd.Timedelta(days=14))[0],
        "y": band - 1,
        "mode": "text",
        "text": [in_year[stamp.month - 1] for stamp in months],
        "textfont": {"size": 10, "color": palette.muted},
    }
    gap = np.full(len(months), np.nan)
    corner = np.where(row > band, week + 0.5, week - 0.5)  # a month that begins on a Monday needs no step
    later = months.month > 1
    steps = {
        "x": np.stack([corner, corner, week - 0.5, week - 0.5, gap], axis=1)[later].ravel(),
        "y": np.stack([band - 0.5, row - 0.5, row - 0.5, band + 6.5, gap], axis=1)[later].ravel(),
        "mode": "lines",
        "line": {"color": palette.muted, "width": 1},
    }
    return [{"type": "scatter", "hoverinfo": "skip", "showlegend": False, **trace} for trace in (steps, names)]
