"""Heat maps with a cell for each hour: any run of days, and typical days.

Cells count elapsed hours of a local day, so that days of 23 and 25 hours keep theirs; hovers name the wall clock, with
its offset on those days. What is missing is hatched and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from chocofactory.domain.gaps import daily_coverage
from chocofactory.domain.measurements import HOURLY
from chocofactory.domain.prices import interval_labels
from components import text
from components.cells import NUMBER, PRICE, cells, day_in, row_names
from components.text import _
from components.theme import Theme, draw, hatched, price_axis, price_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import plotly.graph_objects as go

MOST_DAYS_WITH_NUMBERS = {True: 14, False: 7}
"""On how many days a heat map still writes its numbers into the cells: on a wide screen, and on a narrow one."""

_MOST_DAYS_WITH_GAPS = {True: 62, False: 31}
_CLOCK = tuple(f"{hour:02d}:00" for hour in range(24))
_ONE_DAY = pd.Timedelta(days=1)
_MOST_DAYS_BY_DATE = 200
_DAY_MS = 86_400_000
_BELOW = 62


def day_hour_heatmap(
    matrix: pd.DataFrame,
    *,
    theme: Theme = "light",
    wide: bool = True,
    scale: tuple[float, float] | None = None,
) -> go.Figure:
    """Prices of many days, hour by hour, in colour; up to 14 days (7 on a narrow screen) with their numbers.

    Few days on a wide screen stand one below the other, hours to the right; else days run to the right, hours down.

    Parameters
    ----------
    matrix
        As ``domain.prices.day_matrix`` and not empty: index of days, columns the number of the hour in its day,
        EUR/kWh.
    scale
        What the ends of the colours stand for [EUR/kWh]; without it, what ``theme.price_range`` says of the matrix.

    """
    days = pd.DatetimeIndex(matrix.index)
    nothing = pd.DatetimeIndex([], tz="UTC")
    expected = daily_coverage(nothing, HOURLY, days[0].date(), days[-1].date())["expected"].to_numpy()
    values = matrix.to_numpy(dtype=np.float32)[:, : expected.max()]  # half the bytes; prices have five decimals
    changes = np.flatnonzero(expected != len(_CLOCK))
    labels = {day: interval_labels(days[day].date()) for day in changes}
    low, high = scale or price_range(values)
    numbers = len(days) <= MOST_DAYS_WITH_NUMBERS[wide]
    rows = numbers and wide
    gap = 1 if len(days) <= _MOST_DAYS_WITH_GAPS[wide] else 0
    edges = days.append(days[-1:] + _ONE_DAY).strftime("%Y-%m-%d").tolist()
    day_at, hour_at = ("y", "x") if rows else ("x", "y")
    looks = {
        "type": "heatmap",
        "coloraxis": "coloraxis",
        "xgap": gap,
        "ygap": gap,
        "texttemplate": NUMBER if numbers else None,
        "textfont": {"size": 10},
    }

    def cloud(first: int, stop: int, z: npt.NDArray[np.float32], hour: str, **more: Any) -> dict[str, Any]:
        """Cells of the days ``first`` ... ``stop - 1``; each stands around the number of its hour."""
        place = {day_at: edges[first : stop + 1], hour_at: (np.arange(z.shape[1] + 1) - 0.5).tolist()}
        hover = f"{day_in(day_at)}, {hour}: {PRICE}<extra></extra>"
        return {**looks, **place, "z": z if rows else z.T, "hovertemplate": hover, **more}

    usual = values.copy()
    usual[changes] = np.nan
    clouds = [cloud(0, len(days), usual, f"%{{{hour_at}:02d}}:00")]
    for day, names in labels.items():  # only days that change the clock need the names of their hours one by one
        named = np.array([names]) if rows else np.array([names]).T
        clouds.append(cloud(day, day + 1, values[[day], : len(names)], "%{text}", text=named))
    day_axis: dict[str, Any] = {"type": "date", "showgrid": False}
    day_axis["range"] = [edges[-1], edges[0]] if rows else [edges[0], edges[-1]]
    if numbers:
        day_axis |= {"ticklabelmode": "period", "dtick": _DAY_MS, "tickformat": "%a %-d %b" if rows else "%a<br>%-d"}
    elif len(days) <= _MOST_DAYS_BY_DATE:
        day_axis["tickformat"] = "%-d %b\n%Y"
    ends = [-0.5, values.shape[1] - 0.5]
    alone = labels.get(0, _CLOCK) if len(days) == 1 else _CLOCK
    hour_axis = {**_hour_axis(alone, -0.5), "range": ends if rows else ends[::-1]}
    layout = {
        "xaxis": hour_axis if rows else day_axis,
        "yaxis": day_axis if rows else hour_axis,
        "coloraxis": price_axis(low, high, values),
        "margin": {"b": _BELOW},
        "barmode": "overlay",
    }
    absent = np.isnan(values) & (np.arange(values.shape[1]) < expected[:, None])
    return draw(
        [*clouds, _missing_runs(days, absent, labels, rows, theme)],
        layout,
        theme,
        title=_("Pale is cheap, dark is dear"),
        caption=_("{days}, local time, €/kWh", days=text.date_range(days[0].date(), days[-1].date())),
        height=(140 + 32 * max(len(days), 2) if rows else 600 if numbers else 440),
    )


def typical_day(
    means: pd.DataFrame,
    by: Literal["month", "weekday", "period"],
    *,
    theme: Theme = "light",
    wide: bool = True,
    scale: tuple[float, float] | None = None,
) -> go.Figure:
    """Mean price of each hour of the day, in a row for each month, weekday or tariff period.

    Hours that a period never holds stay empty; months and weekdays without data are hatched.

    Parameters
    ----------
    means
        As ``domain.prices.typical_day``: index by ``by``, columns ``hour`` 0 ... 23, EUR/kWh.
    scale
        What the ends of the colours stand for [EUR/kWh]; without it, what ``theme.price_range`` says of the means.

    """
    values = means.to_numpy(dtype=float)
    hours = [f"{hour:02d}:00" for hour in means.columns]
    names = row_names(by, means.index)
    sentence = _("{row}, from {hour}: {price} on average")
    cloud = {
        "type": "heatmap",
        "x": [*means.columns, len(hours)],
        "y": np.arange(len(names) + 1) - 0.5,
        "z": values,
        "text": [hours] * len(names),
        "customdata": [[name] * len(hours) for name in names],
        "coloraxis": "coloraxis",
        "xgap": 1,
        "ygap": 1,
        "texttemplate": NUMBER if wide else None,
        "textfont": {"size": 10},
        "hovertemplate": sentence.format(row="%{customdata}", hour="%{text}", price=PRICE) + "<extra></extra>",
    }
    empty = np.argwhere(np.isnan(values)) if by != "period" else np.empty((0, 2), dtype=int)
    missing = cells(
        empty[:, 1] + 0.5,
        empty[:, 0] - 0.5,
        width=1,
        hovertext=[_("{row}, from {hour}: no data", row=names[row], hour=hours[hour]) for row, hour in empty],
        hovertemplate="%{hovertext}<extra></extra>",
        marker=hatched(theme),
    )
    row_axis = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False, "zeroline": False}
    layout = {
        "xaxis": {**_hour_axis(), "range": [0, len(hours)]},
        "yaxis": {**row_axis, "range": [len(names) - 0.5, -0.5]},
        "coloraxis": price_axis(*(scale or price_range(values)), values),
        "margin": {"b": _BELOW},
        "barmode": "overlay",
    }
    title = {
        "month": _("A typical day of each month"),
        "weekday": _("A typical day of the week"),
        "period": _("Typical hours by tariff period"),
    }[by]
    caption = _("Mean price by local hour, €/kWh")
    return draw([cloud, missing], layout, theme, title=title, caption=caption, height=140 + 28 * max(len(names), 4))


def _missing_runs(
    days: pd.DatetimeIndex,
    absent: npt.NDArray[np.bool_],
    labels: Mapping[int, Sequence[str]],
    rows: bool,
    theme: Theme,
) -> dict[str, Any]:
    """Each run of missing hours of a day, hatched; ``labels`` name the hours of days that change the clock."""
    edges = np.diff(absent.astype(np.int8), axis=1, prepend=0, append=0)
    which, begins = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    spans = []
    for day, begin, end in zip(which, begins, ends, strict=True):
        names = [*labels.get(day, _CLOCK), "24:00"]
        spans.append(f"{names[begin]}–{names[end]}")  # noqa: RUF001
    sentence = _("{day}, {hours}: no data")
    return cells(
        (days[which] + _ONE_DAY / 2).strftime("%Y-%m-%d %H:%M").tolist(),
        begins - 0.5,
        ends - begins,
        sideways=rows,
        width=_DAY_MS,
        customdata=spans,
        hovertemplate=sentence.format(day=day_in("y" if rows else "x"), hours="%{customdata}") + "<extra></extra>",
        marker=hatched(theme),
    )


def _hour_axis(labels: Sequence[str] = _CLOCK, start: float = 0.0) -> dict[str, Any]:
    """An axis of the hours of a day, every third labelled where it starts; the first one starts at ``start``."""
    shown = [place for place, label in enumerate(labels) if int(label[:2]) % 3 == 0]
    ticks = {"tickvals": [start + place for place in shown], "ticktext": [labels[place][:2] for place in shown]}
    return {**ticks, "tickangle": 0, "showgrid": False, "zeroline": False}
