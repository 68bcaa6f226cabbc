"""The strips below the plan: the price with its band, the temperature outside and the limits that it may not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import local_date
from chocofactory.domain.measurements import HOURLY
from components import cards, text
from components.text import _
from components.theme import faded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from chocofactory.domain.plant import Plant
    from chocofactory.domain.room import Room
    from components.plan_words import Span
    from components.theme import Palette

_NEAR_C = 3
"""How close to a limit [degC] the outside must come for its line to be shown."""


def price_lines(prices: pd.DataFrame, stretch: Span, palette: Palette) -> Iterator[dict[str, Any]]:
    """What is published as a solid line, what is forecast dashed in its band; each hour with its sentence."""
    price, x = prices["p50"].to_numpy(dtype=float), places(prices, stretch)
    ahead = np.asarray(prices["kind"] == "forecast")
    low, high = prices["p05"].to_numpy(dtype=float), prices["p95"].to_numpy(dtype=float)
    look = {"type": "scatter", "mode": "lines", "yaxis": "y2", "hoverinfo": "skip"}
    banded = ahead & ~np.isnan(low) & ~np.isnan(high)
    if banded.any():
        across: list[float | None] = []
        up: list[float | None] = []
        for first, stop in _runs(banded):
            steps = np.repeat([*x[first:stop], x[stop - 1] + 1], 2)[1:-1].tolist()
            across += [*steps, *steps[::-1], None]
            up += [*np.repeat(high[first:stop], 2).tolist(), *np.repeat(low[first:stop], 2).tolist()[::-1], None]
        fill = {"line": {"width": 0}, "fill": "toself", "fillcolor": faded(palette.cocoa, 0.18)}
        yield {**look, "x": across[:-1], "y": up[:-1], "showlegend": True, "name": _("90 % of cases"), **fill}
    for name, chosen, dash in ((_("price published"), ~ahead, "solid"), (_("price forecast"), ahead, "dash")):
        chosen = chosen & ~np.isnan(price)  # noqa: PLW2901 - the same choice, less what is missing
        if not chosen.any():
            continue
        across, up = [], []
        for first, stop in _runs(chosen):
            across += [*np.repeat([*x[first:stop], x[stop - 1] + 1], 2)[1:-1].tolist(), None]
            up += [*np.repeat(price[first:stop], 2).tolist(), None]
        line = {"color": palette.cocoa, "width": 2, "dash": dash}
        yield {**look, "x": across[:-1], "y": up[:-1], "showlegend": True, "name": name, "line": line}
    clear = {"size": 12, "color": "rgba(0, 0, 0, 0)"}
    words = {"hovertext": _price_words(prices), "hovertemplate": "%{hovertext}<extra></extra>", "hoverinfo": None}
    unseen = {"mode": "markers", "marker": clear, "name": "prices", "showlegend": False}
    yield {**look, "x": x + 0.5, "y": price, **unseen, **words}


def _price_words(prices: pd.DataFrame) -> list[str]:
    out = []
    for hour in prices.itertuples():
        start = hour.Index.to_pydatetime()
        words = _(
            "{day}, {hours}: {price}, period {period}, {kind}",
            day=text.day(local_date(start), "short"),
            hours=text.hours(start, start + HOURLY),
            price=text.price(hour.p50, 4),
            period=hour.period,
            kind=cards.kind(hour.kind),
        )
        if hour.kind == "forecast" and not np.isnan(hour.p05):
            low, high = text.number(hour.p05, 3), text.price(hour.p95)
            words += "<br>" + _("nine times in ten between {low} and {high}", low=low, high=high)
        out.append(words)
    return out


def weather_lines(weather: pd.DataFrame, stretch: Span, palette: Palette) -> Iterator[dict[str, Any]]:
    """The temperature outside: solid where it was observed, dashed where it is forecast or assumed."""
    values = weather["temperature_c"].to_numpy(dtype=float)
    observed = np.asarray(weather["kind"] == "observed")
    ahead = ~observed
    ahead[:-1] |= ~observed[1:]  # the dashed line begins where the solid one ends
    told = []
    for hour in weather.itertuples():
        start = hour.Index.to_pydatetime()
        told.append(
            _(
                "{day}, {time}: {temperature} and {humidity} outside, {kind}",
                day=text.day(local_date(start), "short"),
                time=text.clock(start),
                temperature=text.quantity(hour.temperature_c, "°C", 1),
                humidity=text.quantity(hour.humidity_pct, "%"),
                kind=_("climate of the day") if hour.kind == "climatology" else cards.kind(hour.kind),
            )
        )
    for name, chosen, dash in (
        (_("outside, observed"), observed, "solid"),
        (_("outside, forecast"), ahead, "dash"),
    ):
        if not (chosen & ~np.isnan(values)).any():
            continue
        yield {
            "type": "scatter",
            "mode": "lines",
            "yaxis": "y4",
            "name": name,
            "showlegend": True,
            "x": places(weather, stretch),
            "y": np.where(chosen, values, np.nan),
            "connectgaps": False,
            "line": {"color": palette.accent, "width": 2, "dash": dash},
            "hovertext": told,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }


def limit_lines(plant: Plant, weather: pd.DataFrame, palette: Palette) -> list[dict[str, Any]]:
    """Lines at the temperatures outside above which a block may not run, where the weather comes close to them."""
    hottest = weather["temperature_c"].max() if len(weather) else np.nan
    tops = {outside_limit_c(plant.room, block.room_max_c) for block in plant.blocks if block.room_max_c is not None}
    close = sorted(top for top in tops if hottest >= top - _NEAR_C)
    ends = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y4"}
    label = {"font": {"size": 11, "color": palette.warn}, "textposition": "start", "yanchor": "bottom", "padding": 1}
    return [
        {
            **ends,
            "y0": top,
            "y1": top,
            "line": {"color": palette.warn, "width": 1.5, "dash": "dot"},
            "label": {**label, "text": _("limit {temperature}", temperature=text.quantity(top, "°C"))},
        }
        for top in close
    ]


def heat_range(weather: pd.DataFrame, limits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The axis of the temperature, with room for the words above the limits."""
    values = weather["temperature_c"].dropna()
    if values.empty:
        return {}
    low, high = float(values.min()) - 1, float(values.max()) + 1
    if limits:
        high = max(high, *(shape["y0"] for shape in limits))
        high += 0.25 * (high - low)
    return {"range": [low, high]}


def outside_limit_c(room: Room, room_max_c: float) -> float:
    """The highest temperature outside at which the room is not above ``room_max_c``."""
    return max(room.until_outside_c, room_max_c + room.relief_c)


def places(frame: pd.DataFrame, stretch: Span) -> npt.NDArray[np.float64]:
    """Where the rows of a frame lie on the axis [h]."""
    return np.asarray((pd.DatetimeIndex(frame.index) - pd.Timestamp(stretch.start)) / HOURLY, dtype=float)


def _runs(chosen: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and behind-the-last place of each run of chosen entries."""
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]
