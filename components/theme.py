"""How figures look: the brand's colours, one Plotly template a theme, and the one colour scale of prices.

Cheap is cream, dear is dark chocolate: the scale falls in equal steps of OKLab lightness (Ottosson 2020), so it is read
without seeing hue, printed in grey, or with any colour blindness; its hue turns from cream over caramel to cocoa red,
so that the palest cell stands out from a cream page and the darkest from a dark one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

from components import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

Theme = Literal["light", "dark"]

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
)


@dataclass(frozen=True)
class Palette:
    """The colours of one theme: surfaces, text on them, lines, the accent that says "now" and "act here", warnings."""

    page: str
    card: str
    ink: str
    muted: str
    line: str
    accent: str
    accent_soft: str
    cocoa: str
    warn: str


PALETTES: Mapping[Theme, Palette] = MappingProxyType(
    {
        "light": Palette(
            page="#fbf6ee",
            card="#fffdf9",
            ink="#33231c",
            muted="#6f5d52",
            line="#e2d6c6",
            accent="#007974",
            accent_soft="rgba(0, 121, 116, 0.13)",
            cocoa="#7b4b33",
            warn="#8a5200",
        ),
        "dark": Palette(
            page="#1c1411",
            card="#271d18",
            ink="#f4eadf",
            muted="#bda998",
            line="#4a3a31",
            accent="#55cec0",
            accent_soft="rgba(85, 206, 192, 0.16)",
            cocoa="#d9a982",
            warn="#f0b95c",
        ),
    }
)

PRICE_COLOURS = (
    "#f3e6bd",
    "#e7cc92",
    "#ddb067",
    "#d29346",
    "#c67625",
    "#b35c1f",
    "#9d441c",
    "#7f3424",
    "#612724",
)
"""The colour scale of prices, cheap to dear, at equal distances."""

PRICE_SCALE = [[place / (len(PRICE_COLOURS) - 1), colour] for place, colour in enumerate(PRICE_COLOURS)]
"""The same as Plotly takes it."""

CLIMATE_COLOURS = (
    "#c6f1ea",
    "#9dddd6",
    "#75c8c4",
    "#4fb2b1",
    "#2c9c9e",
    "#0f848a",
    "#056c74",
    "#10555d",
    "#173e45",
)
"""The colour scale of weather, little to much, in equal steps of lightness as that of prices, which it must not be."""

PERIOD_COLOURS: Mapping[str, str] = MappingProxyType(
    {"P1": "#611d55", "P2": "#89427e", "P3": "#b483b1", "P4": "#c99bc6", "P5": "#d7b3d8", "P6": "#e8d3eb"}
)
"""Tariff periods, dear to cheap, dark to light: always with their name beside or inside, never alone."""

LEVEL_COLOURS: Mapping[str, str] = MappingProxyType(
    {"optimal": "#cfe6b4", "moderate": "#93c18c", "reduced": "#a9652f", "halt": "#6a1d33"}
)
"""Classes of hours, the best first, light to dark: with their number or a cross inside, never alone."""

SAID_COLOURS: Mapping[Theme, str] = MappingProxyType({"light": PERIOD_COLOURS["P2"], "dark": PERIOD_COLOURS["P4"]})
"""What was said earlier, beside what is said now."""

PRODUCT_COLOURS: Mapping[Theme, Sequence[str]] = MappingProxyType(
    {
        "light": ("#b9783f", "#4a2418", "#2c9c9e", "#89427e"),
        "dark": ("#e3b48c", "#96644a", "#4fb2b1", "#b483b1"),
    }
)
"""Products in their order, the first two milk and dark: told apart by lightness, whatever colours one sees."""

PAST_OPACITY = 0.45
"""How much of its colour an hour keeps once it is over."""


_CLOSE_TO_A_STEP = 1e-9
_LEAST_SPAN = 1e-6


def template_name(theme: Theme) -> str:
    """The name under which a theme's template is registered with Plotly: ``choco_light`` or ``choco_dark``."""
    return f"choco_{theme}"


@cache
def readable_on(colour: str) -> str:
    """The text colour, dark or light, that reads best on a background (greater WCAG 2 contrast)."""
    dark, light = PALETTES["light"].ink, "#ffffff"
    return max((dark, light), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dim, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def faded(colour: str, share: float) -> str:
    """A ``#rrggbb`` colour of which only a ``share`` (0 to 1) is laid on, so that what lies below shows through."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {share:g})"


def price_range(prices: Iterable[float]) -> tuple[float, float]:
    """What the ends of the colour scale stand for: the 1 % and 99 % quantiles, so that no spike flattens the rest.

    ``prices`` [EUR/kWh] may hold NaN; both ends are 0 and 0.1 when nothing else is there, and never equal.
    """
    values = np.asarray(prices, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0, 0.1
    low, high = np.quantile(values, [0.01, 0.99])
    if high - low < 0.001:  # noqa: PLR2004 - EUR/kWh: nobody sees a smaller difference
        low, high = low - 0.0005, high + 0.0005
    return float(low), float(high)


def price_axis(low: float, high: float, prices: Iterable[float] = ()) -> dict[str, Any]:
    """The colour axis of prices between ``low`` and ``high`` [EUR/kWh], with its bar lying below the figure.

    Ends that stand for all that lies beyond them say so (``≤``, ``≥``).
    """
    values = np.asarray(prices, dtype=np.float64).ravel()
    ticks = np.linspace(low, high, 5)
    labels = [text.number(tick, 3) for tick in ticks]
    if np.any(values < low - _CLOSE_TO_A_STEP):
        labels[0] = f"≤ {labels[0]}"
    if np.any(values > high + _CLOSE_TO_A_STEP):
        labels[-1] = f"≥ {labels[-1]}"
    return {"colorscale": PRICE_SCALE, "cmin": low, "cmax": high, "colorbar": _bar_below(ticks, labels)}


def climate_axis(values: npt.NDArray[np.float64], unit: str, digits: int) -> dict[str, Any]:
    """The colour axis of a field of the weather, lowest to highest value, with its bar below the figure."""
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if high - low < _LEAST_SPAN:
        high = low + 1
    ticks = np.linspace(low, high, 5)
    scale = [[place / (len(CLIMATE_COLOURS) - 1), colour] for place, colour in enumerate(CLIMATE_COLOURS)]
    labels = [text.number(tick, digits) for tick in ticks]
    labels[-1] = f"{labels[-1]} {unit}"
    return {"colorscale": scale, "cmin": low, "cmax": high, "colorbar": _bar_below(ticks, labels)}


def hatched(theme: Theme) -> dict[str, Any]:
    """The marker of bars that stand where data are missing: slanted lines over an empty ground."""
    palette = PALETTES[theme]
    pattern = {"shape": "/", "size": 5, "solidity": 0.25, "fgcolor": palette.muted, "bgcolor": palette.card}
    return {"color": palette.card, "line": {"color": palette.line, "width": 0.5}, "pattern": pattern}


def draw(
    traces: Sequence[dict[str, Any]],
    layout: dict[str, Any],
    theme: Theme,
    *,
    title: str,
    caption: str = "",
    height: int = 360,
) -> go.Figure:
    """A figure of traces and a layout (as Plotly's JSON has them), in the brand's template and the reader's language.

    ``title`` says what to see, ``caption`` below it what helps to read it: plain text of at most some 45 characters,
    which a narrow screen holds in one line. ``height`` [px] is the same at every width.
    """
    dress = {
        "template": template_name(theme),
        "separators": separators(),
        "height": height,
        "title": {"text": title, "subtitle": {"text": caption}},
    }
    return go.Figure(data=list(traces), layout={**dress, **layout})  # at once: updates cost ten times as much


def separators() -> str:
    """Decimal and thousands marks of the language spoken, in this order: ``,.`` in Spanish."""
    sample = text.number(12345.6, 1)
    return sample[-2] + sample[2]


def graph_config(filename: str) -> dict[str, Any]:
    """How a graph behaves: quiet, in the reader's language, its picture named ``filename``; nothing is sent away."""
    return {
        "showSendToCloud": False,
        "displaylogo": False,
        "displayModeBar": False,
        "toImageButtonOptions": {"format": "png", "filename": filename, "scale": 2},
        "locale": text.language(),
    }


def _bar_below(ticks: npt.NDArray[np.float64], labels: Sequence[str]) -> dict[str, Any]:
    """A colour bar that lies below its figure."""
    return {
        "orientation": "h",
        "x": 0.5,
        "xanchor": "center",
        "y": 0,
        "yref": "container",
        "yanchor": "bottom",
        "ypad": 6,
        "len": 0.9,
        "thickness": 10,
        "outlinewidth": 0,
        "tickvals": ticks.tolist(),
        "ticktext": list(labels),
        "tickfont": {"size": 12},
        "ticks": "",
    }


def _luminance(colour: str) -> float:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _template(palette: Palette) -> go.layout.Template:
    axis = {
        "gridcolor": palette.line,
        "linecolor": palette.line,
        "tickcolor": palette.line,
        "zerolinecolor": palette.muted,
        "zerolinewidth": 1,
        "tickfont": {"size": 12, "color": palette.muted},
        "title": {"font": {"size": 12, "color": palette.muted}, "standoff": 8},
        "ticks": "",
        "ticklabelstandoff": 4,
        "automargin": True,
        "fixedrange": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": palette.ink},
            "title": {
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 4},
                "font": {"size": 15, "color": palette.ink, "weight": 650},
                "subtitle": {"font": {"size": 12, "color": palette.muted}},
            },
            "paper_bgcolor": "rgba(0, 0, 0, 0)",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "colorway": [palette.cocoa, palette.accent, *list(PERIOD_COLOURS.values())[1:4]],
            "margin": {"l": 8, "r": 8, "t": 66, "b": 8},
            "hoverlabel": {
                "bgcolor": palette.ink,
                "bordercolor": palette.ink,
                "font": {"family": FONT, "size": 13, "color": palette.card},
                "align": "left",
            },
            "hovermode": "closest",
            "dragmode": False,
            "bargap": 0.06,
            "showlegend": False,
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yref": "container",
                "yanchor": "bottom",
                "font": {"size": 12, "color": palette.muted},
                "itemclick": False,
                "itemdoubleclick": False,
            },
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
            "coloraxis": {"colorscale": PRICE_SCALE},
            "annotationdefaults": {"font": {"size": 12, "color": palette.muted}, "showarrow": False},
        },
        data={"heatmap": [{"colorscale": PRICE_SCALE, "hoverongaps": False}]},
    )


for _theme, _palette in PALETTES.items():
    pio.templates[template_name(_theme)] = _template(_palette)
