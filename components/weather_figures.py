"""The weather around the present moment: what was observed, what is forecast, in one chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import local_date
from components import names, text
from components.marks import clock_ticks, now_note, upright
from components.text import _
from components.theme import PALETTES, Theme, draw

if TYPE_CHECKING:
    from datetime import datetime

    import plotly.graph_objects as go

    from chocofactory.domain.weather import Blend

_PANELS = (("temperature_c", (0.42, 1.0)), ("humidity_pct", (0.0, 0.32)))


def weather_strip(observed: Blend, forecast: Blend, now: datetime, *, theme: Theme = "light") -> go.Figure:
    """Temperature and humidity, observed (solid) and forecast (dashed), with a line at the present moment.

    Times on the axis are elapsed hours from the first one on, labelled with the wall clock. Values that no one issued
    for that very hour are said to lie between two. Gaps stay gaps.
    """
    palette = PALETTES[theme]
    both = observed.frame.index.union(forecast.frame.index)
    origin = pd.Timestamp(both[0] if len(both) else now).floor("h")
    span = max((both[-1] - origin) / pd.Timedelta(hours=1) + 1, 1) if len(both) else 1
    present = (pd.Timestamp(now) - origin) / pd.Timedelta(hours=1)
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    for place, (field, domain) in enumerate(_PANELS):
        axis = "" if place == 0 else "2"
        colour = palette.cocoa if place == 0 else palette.accent
        for blend, dash, words in ((observed, "solid", _("observed")), (forecast, "dash", _("forecast"))):
            if field not in blend.frame:
                continue
            grid = _without_holes(blend.frame[field])
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "yaxis": f"y{axis}",
                    "name": words,
                    "legendgroup": words,
                    "showlegend": place == 0,
                    "x": np.asarray((grid.index - origin) / pd.Timedelta(hours=1), dtype=float),
                    "y": grid.to_numpy(dtype=float),
                    "connectgaps": False,
                    "line": {"color": colour, "width": 2, "dash": dash},
                    "hovertext": _sentences(blend, field, grid.index, words),
                    "hovertemplate": "%{hovertext}<extra></extra>",
                }
            )
        layout[f"yaxis{axis}"] = {"domain": list(domain), "title": {"text": names.field_unit(field)}, "nticks": 5}
    layout["yaxis2"]["range"] = [0, 100]
    layout |= {
        "xaxis": {"range": [0, span], "anchor": "y2", "zeroline": False, **clock_ticks(origin, span)},
        "shapes": [upright(present, palette.accent, 2)],
        "annotations": [now_note(present, span, now, palette.accent)],
        "margin": {"t": 84, "b": 56},
        "showlegend": True,
    }
    return draw(
        traces,
        layout,
        theme,
        title=_("Weather, observed and forecast"),
        caption=_("Above temperature, below relative humidity"),
        height=430,
    )


def _without_holes(column: pd.Series) -> pd.Series:
    """The column on every hour from its first to its last, NaN in the holes, so that no line bridges them."""
    known = column.dropna()
    if known.empty:
        return known
    return column.reindex(pd.date_range(known.index[0], known.index[-1], freq="h", unit="us"))


def _sentences(blend: Blend, field: str, index: pd.Index, what: str) -> list[str]:
    """What the reader is told about each hour: value, kind, who said it, and whether it lies between two."""
    unit, digits = names.field_unit(field), names.field_digits(field)
    origin = blend.origin[field].reindex(index)
    between = blend.interpolated[field].reindex(index, fill_value=False)
    values = blend.frame[field].reindex(index)
    out = []
    for stamp, value, provider, bent in zip(index, values, origin, between, strict=True):
        moment = stamp.to_pydatetime()
        when = f"{text.day(local_date(moment), 'short')}, {text.clock(moment)}"
        source = "" if pd.isna(provider) else names.source(str(provider))
        words = _(
            "{when}: {value}, {what} ({source})",
            when=when,
            value=text.quantity(value, unit, digits),
            what=what,
            source=source,
        )
        out.append(words + ("<br>" + _("between two issued values") if bent else ""))
    return out
