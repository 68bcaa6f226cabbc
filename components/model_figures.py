"""Figures of how far off price models are: by days ahead, by hour, as promised by their bands, and as it came true.

Each model has its own colour, line and sign everywhere; the one that is looked at is drawn strong and on top, and the
naive model, which copies last week, is the dashed reference. What is missing leaves a hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from components import names, text
from components.text import _
from components.theme import PALETTES, PERIOD_COLOURS, PRICE_COLOURS, Theme, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import plotly.graph_objects as go

REFERENCE = "naive"
DIGITS = 4
"""Decimals of an error in EUR/kWh that mean something."""
NOMINAL = {"below_05": 0.05, "below_25": 0.25, "below_50": 0.5, "below_75": 0.75, "below_95": 0.95}
"""The share of prices that each quantile promises to lie above."""
MEAN_DAYS = 14
"""Days of the running mean, as the alarms take them."""
TIMES_USUAL = 2
"""How many times its usual a mean error may be before it alarms."""
HONEST = (0.80, 0.97)
"""Between which shares a 90 % band may hold the prices before it alarms."""

_LEAST_DAYS = 7
_ORDER = (REFERENCE, names.FROM_SPOT, "prophet", "boosting", "kernel", "lear", "ensemble")
_LEGEND_PX = {True: 56, False: 100}


@dataclass(frozen=True)
class Look:
    """How the line of a model looks: its colour in both themes, its sign, its dashes."""

    light: str
    dark: str
    symbol: str
    dash: str = "solid"

    def colour(self, theme: Theme) -> str:
        """Its colour in a theme."""
        return self.light if theme == "light" else self.dark


def _own(name: str) -> tuple[str, str]:
    return getattr(PALETTES["light"], name), getattr(PALETTES["dark"], name)


LOOKS: Mapping[str, Look] = {
    "ensemble": Look(*_own("accent"), "circle"),
    "lear": Look(*_own("cocoa"), "square"),
    "boosting": Look(PERIOD_COLOURS["P2"], PERIOD_COLOURS["P4"], "diamond"),
    "prophet": Look(PRICE_COLOURS[5], PRICE_COLOURS[3], "triangle-up"),
    "kernel": Look(*_own("ink"), "pentagon"),
    names.FROM_SPOT: Look(*_own("warn"), "star"),
    REFERENCE: Look(*_own("muted"), "x", "dash"),
}


def scores_frame(report: Mapping[str, Any]) -> pd.DataFrame:
    """The scores of a report, a record a row; what it does not know is NaN, a ``key`` of days or hours is a number."""
    frame = pd.DataFrame.from_records(list(report["scores"]))
    told = [name for name in frame.columns if name not in {"model", "group", "key"}]
    return frame.assign(
        key=pd.to_numeric(frame["key"], errors="coerce"),
        **{name: pd.to_numeric(frame[name], errors="coerce") for name in told},
    )


def part(scores: pd.DataFrame, model: str, group: str) -> pd.DataFrame:
    """The scores of one model by the key of a group, in its order."""
    chosen = scores[(scores["model"] == model) & (scores["group"] == group)]
    return chosen.set_index("key").sort_index()


def whole(scores: pd.DataFrame) -> list[str]:
    """The models that forecast as many days ahead as any, as they are ordered: what tells one day alone is not one."""
    days = scores[scores["group"] == "lead_day"].groupby("model")["key"].nunique()
    return ordered(days.index[days == days.max()])


def ordered(models: Iterable[str]) -> list[str]:
    """Models in the order in which they are drawn: the reference first, what others lead up to last."""
    return sorted(dict.fromkeys(models), key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def error_by_lead(scores: pd.DataFrame, chosen: str, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """Mean absolute error of every model by days ahead; ``scores`` as :func:`scores_frame` has them."""
    sentence = _("{model}, day {key}: off by {error}, {share} of the naive error")
    traces = _errors(scores, "lead_day", ordered(scores["model"]), chosen, theme, sentence)
    keys = sorted(scores.loc[scores["group"] == "lead_day", "key"].unique().tolist())
    ticks = [_("tomorrow") if key == 1 and wide else text.number(key) for key in keys]
    layout = {
        "xaxis": {"title": {"text": _("Days ahead")}, "tickvals": keys, "ticktext": ticks},
        **_error_axis(),
        **_legend(wide=wide),
    }
    return draw(
        traces,
        layout,
        theme,
        title=_("How far off, by days ahead"),
        caption=_("Mean absolute error of each model"),
        height=400 if wide else 440,
    )


def error_by_hour(scores: pd.DataFrame, chosen: str, *, theme: Theme = "light", wide: bool = True) -> go.Figure:
    """Mean absolute error of a model and of the naive one by hour of the day, on Madrid's clock."""
    sentence = _("{model}, {key:02d}:00: off by {error}, {share} of the naive error")
    traces = _errors(scores, "hour", ordered([REFERENCE, chosen]), chosen, theme, sentence)
    step = 2 if wide else 6
    hours = list(range(0, 24, step))
    layout = {
        "xaxis": {
            "title": {"text": _("Hour of the day")},
            "tickvals": hours,
            "ticktext": [f"{hour:02d}" for hour in hours],
            "range": [-0.5, 23.5],
            "zeroline": False,
        },
        **_error_axis(),
        **_legend(),
    }
    return draw(
        traces,
        layout,
        theme,
        title=_("How far off, by hour of the day"),
        caption=_("Mean absolute error, all seven days"),
        height=380,
    )


def calibration(scores: pd.DataFrame, chosen: str, *, theme: Theme = "light") -> go.Figure:
    """Which share of the prices lay below each quantile, against the share that it promises."""
    palette = PALETTES[theme]
    sentence = _("{model}: {share} of the prices lay below its {level} quantile")
    promised = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "name": _("as promised"),
        "line": {"color": palette.muted, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }
    traces = [promised]
    for model in ordered([REFERENCE, chosen]):
        row = part(scores, model, "all")
        if row.empty:
            continue
        shares = [float(row[name].iloc[0]) for name in NOMINAL]
        words = [
            sentence.format(
                model=names.model(model).capitalize(), share=text.percent(share, 1), level=text.percent(level)
            )
            for share, level in zip(shares, NOMINAL.values(), strict=True)
        ]
        traces.append(_line(model, chosen, theme, x=list(NOMINAL.values()), y=shares, hovertext=words))
    axis = {"range": [0, 1], **_percents(NOMINAL.values()), "tickangle": 0, "zeroline": False}
    layout = {
        "xaxis": {**axis, "title": {"text": _("Promised")}, "showgrid": True},
        "yaxis": {**axis, "title": {"text": _("Seen")}},
        **_legend(),
    }
    return draw(
        traces,
        layout,
        theme,
        title=_("How honest the bands are"),
        caption=_("Share of the prices below each quantile"),
        height=380,
    )


def realised_errors(
    daily: pd.DataFrame,
    usual_eur_kwh: float | None,
    alarms: Collection[str] = (),
    *,
    theme: Theme = "light",
    wide: bool = True,
) -> go.Figure:
    """What the archived forecasts came to: daily error with its running mean above, what the 90 % band held below.

    Parameters
    ----------
    daily
        As ``services.accuracy.Realised`` has it, with at least one day on which something was compared.
    usual_eur_kwh
        The usual error, twice which alarms; None while it is not known.
    alarms
        Codes of what is unusual now (``drift-mae``, ``drift-coverage``): the last 14 days of it are shaded.

    """
    palette = PALETTES[theme]
    look = LOOKS["ensemble"].colour(theme)
    strong, thin = {"color": look, "width": 3}, {"color": palette.muted, "width": 1.5, "dash": "dash"}
    known = known_days(daily)
    days = pd.DatetimeIndex(known.index)
    mean, naive = _("{day}: 14-day mean {value}"), _("{day}: naive, 14-day mean {value}")
    traces = [
        {**_dots(known["mae"], _("{day}: off by {value}"), _money), "name": _("of a day"), "marker": _pale(look)},
        {**_curve(known["naive_mae_14d"], naive, _money), "name": _("naive, 14-day mean"), "line": thin},
        {**_curve(known["mae_14d"], mean, _money), "name": _("14-day mean"), "line": strong},
    ]
    band = [
        {
            **_dots(known["coverage_90"], _("{day}: the 90 % band held {value} of the prices"), text.percent),
            "marker": _pale(look),
        },
        {**_curve(running_coverage(known), mean, text.percent), "line": strong},
    ]
    floor = min(0.5, float(known["coverage_90"].min()))
    traces += [{**trace, "yaxis": "y2", "showlegend": False} for trace in band]
    limit = None if usual_eur_kwh is None else TIMES_USUAL * usual_eur_kwh
    shapes, notes = _alarm_marks(days, limit, alarms, theme)
    layout = {
        "xaxis": {"anchor": "y2", "tickformat": "%-d %b", "nticks": 8 if wide else 4, "range": _span(days)},
        "yaxis": {"domain": [0.42, 1], **_error_axis()["yaxis"]},
        "yaxis2": {
            "domain": [0, 0.3],
            "range": [floor - 0.02, 1.02],
            **_percents((0, 0.25, 0.5, 0.75, 1)),
            "title": {"text": _("In the band")},
        },
        "shapes": shapes,
        "annotations": notes,
        **_legend(wide=wide),
    }
    return draw(
        traces,
        layout,
        theme,
        title=_("How far off it really was"),
        caption=_("Above the error, below what the 90 % band held"),
        height=480,
    )


def known_days(daily: pd.DataFrame) -> pd.DataFrame:
    """The days from the first to the last on which something was compared; those between may hold nothing."""
    there = daily["mae"].dropna().index
    return daily.loc[there[0] : there[-1]] if len(there) else daily.iloc[:0]


def running_coverage(daily: pd.DataFrame) -> pd.Series:
    """The share of the prices of 14 days that the 90 % band held; NaN where fewer than seven days are known."""
    held = (daily["coverage_90"] * daily["hours"]).rolling(MEAN_DAYS, min_periods=_LEAST_DAYS).sum()
    return held / daily["hours"].where(daily["coverage_90"].notna()).rolling(MEAN_DAYS, min_periods=_LEAST_DAYS).sum()


def _errors(
    scores: pd.DataFrame, group: str, models: Sequence[str], chosen: str, theme: Theme, sentence: str
) -> list[dict[str, Any]]:
    """A line for each model that has scores in the group, the chosen one on top."""
    traces = []
    for model in sorted(models, key=lambda name: name == chosen):
        rows = part(scores, model, group)
        words = [
            sentence.format(
                model=names.model(model).capitalize(),
                key=int(row.Index),
                error=text.price(row.mae, DIGITS),
                share=text.percent(row.rmae),
            )
            for row in rows.itertuples()
        ]
        if len(rows):
            traces.append(_line(model, chosen, theme, x=rows.index.tolist(), y=rows["mae"], hovertext=words))
    return traces


def _line(model: str, chosen: str, theme: Theme, **more: Any) -> dict[str, Any]:
    look = LOOKS.get(model, LOOKS["kernel"])
    strong = model == chosen
    colour = look.colour(theme)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": names.model(model),
        "line": {"color": colour, "width": 3 if strong else 1.5, "dash": look.dash},
        "marker": {"color": colour, "symbol": look.symbol, "size": 8 if strong else 6},
        "hovertemplate": "%{hovertext}<extra></extra>",
        **more,
    }


def _dots(values: pd.Series, sentence: str, write: Callable[[float], str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": values.index,
        "y": values.to_numpy(dtype=float),
        "hovertext": [
            sentence.format(day=text.day(day.date(), "short"), value=write(value)) for day, value in values.items()
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _curve(values: pd.Series, sentence: str, write: Callable[[float], str]) -> dict[str, Any]:
    return {**_dots(values, sentence, write), "mode": "lines", "connectgaps": False}


def _alarm_marks(
    days: pd.DatetimeIndex, limit: float | None, alarms: Collection[str], theme: Theme
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The limits beyond which the running means alarm, and the last 14 days shaded where they do."""
    palette = PALETTES[theme]
    rule = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
    dotted = {"color": palette.warn, "width": 1, "dash": "dot"}
    shapes = [{**rule, "yref": "y2", "y0": share, "y1": share, "line": dotted} for share in HONEST]
    notes = []
    if limit is not None:
        shapes.append({**rule, "yref": "y", "y0": limit, "y1": limit, "line": dotted})
        words = _("alarm above {price}", price=text.price(limit))
        notes.append({**_above_left(limit), "text": words, "font": {"size": 11, "color": palette.warn}})
    first = days[-1] - timedelta(days=MEAN_DAYS - 1, hours=12)
    for code, axis in (("drift-mae", "y"), ("drift-coverage", "y2")):
        if code in alarms:
            shapes.append(
                {
                    "type": "rect",
                    "x0": max(first, days[0]),
                    "x1": days[-1] + timedelta(hours=12),
                    "y0": 0,
                    "y1": 1,
                    "yref": f"{axis} domain",
                    "fillcolor": palette.warn,
                    "opacity": 0.16,
                    "line": {"width": 0},
                    "layer": "below",
                }
            )
            notes.append(
                {
                    "x": 1,
                    "xref": "paper",
                    "xanchor": "right",
                    "y": 1,
                    "yref": f"{axis} domain",
                    "yanchor": "top",
                    "text": "<b>" + _("▲ alarm") + "</b>",
                    "font": {"color": palette.warn},
                }
            )
    return shapes, notes


def _above_left(height: float) -> dict[str, Any]:
    return {"x": 0, "xref": "paper", "xanchor": "left", "y": height, "yref": "y", "yanchor": "bottom"}


def _span(days: pd.DatetimeIndex) -> list[pd.Timestamp]:
    return [days[0] - timedelta(hours=12), days[-1] + timedelta(hours=12)]


def _percents(shares: Collection[float]) -> dict[str, Any]:
    return {"tickvals": list(shares), "ticktext": [text.percent(share) for share in shares]}


def _money(value: float) -> str:
    return text.price(value, DIGITS)


def _pale(colour: str) -> dict[str, Any]:
    return {"color": colour, "size": 5, "opacity": 0.5}


def _error_axis() -> dict[str, Any]:
    return {"yaxis": {"title": {"text": _("€/kWh")}, "tickformat": ".3f", "rangemode": "tozero"}}


def _legend(*, wide: bool = True) -> dict[str, Any]:
    """Names below the figure; on a narrow screen they take two lines more."""
    return {"showlegend": True, "margin": {"b": _LEGEND_PX[wide]}}
