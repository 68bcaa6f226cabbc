"""What a forecast says in words and rows: the sentence on top, where it is from, windows, what was said, tables."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from dash import html

from chocofactory.core.clock import local_days
from chocofactory.domain.measurements import HOURLY
from components import cards, names, text
from components.controls import icon
from components.tables import Column, long_twin, table, table_twin
from components.text import N_, _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dash.development.base_component import Component

    from chocofactory.core.messages import Message
    from chocofactory.domain.prices import Window
    from chocofactory.services.forecasts import CheapWindow, Forecast
    from chocofactory.services.versions import Version
    from components.forecast_words import Week

_CHANCES = (
    (0.95, N_("nearly sure ({chance})")),
    (0.8, N_("very likely ({chance})")),
    (0.6, N_("likely ({chance})")),
    (0.4, N_("as likely as not ({chance})")),
    (0.0, N_("not sure ({chance})")),
)
_NAIVE = "naive"
_KNOWN = {"published": N_("published"), "simulated": N_("simulated")}


def outlook_words(cheapest: CheapWindow, dearest: Window, dearest_known: bool, now: datetime) -> Component:
    """What is coming and how sure: the cheapest and the dearest stretch of one length."""
    length = text.quantity((cheapest.end - cheapest.start) / HOURLY, "h")
    first = _(
        "Cheapest {length}: {when}, {price}; {sure}.",
        length=length,
        when=" ".join(cards.when(cheapest, now)),
        price=_about(cheapest.mean_eur_kwh, known=cheapest.kind != "forecast"),
        sure=chance_words(cheapest.probability),
    )
    second = _(
        "Dearest: {when}, {price}.",
        when=" ".join(cards.when(dearest, now)),
        price=_about(dearest.mean_eur_kwh, known=dearest_known),
    )
    return html.P(f"{first} {second}", className="verdict")


def chance_words(probability: float) -> str:
    """How sure it is that a stretch is among the cheapest: ``nearly sure (97 %)``."""
    words = next(words for least, words in _CHANCES if round(probability, 2) >= least)
    return _(words, chance=text.percent(probability))


def skill_words(version: Version | None, model: str) -> Component:
    """How far a model was off in the proof of its version, beside copying the week before; or why none is known."""
    errors = {} if version is None else _errors(version.report)
    if version is None or model not in errors:
        words = _("How good it is cannot be said: no trained version has a proof of it.")
        return html.P(words, className="muted")
    first = date.fromisoformat(version.report["first"])
    since, naive = text.date_range(first, first), text.price(errors.get(_NAIVE))
    if model == _NAIVE:
        words = _(
            "From {since} until its training its forecasts were off by {naive} on average.", since=since, naive=naive
        )
    else:
        words = _(
            "From {since} until its training its forecasts were off by {mae} on average;"
            " copies of the week before, by {naive}.",
            since=since,
            mae=text.price(errors[model]),
            naive=naive,
        )
    return html.P(words)


def origin_badges(forecast: Forecast, version: Version | None) -> Component:
    """Where the hours are from: until when they are published, which model says the rest, when it was trained."""
    known = forecast.frame[forecast.frame["lead_day"] == 0]
    if known.empty:
        badges = [_badge(_("no hour from now on is published"), "unavailable")]
    else:
        kind = str(known["kind"].iloc[-1])
        until = text.moment((known.index[-1] + HOURLY).to_pydatetime())
        badges = [_badge(_("{kind} until {moment}", kind=_(_KNOWN[kind]), moment=until), kind)]
    if forecast.from_spot:
        badges.append(_badge(_("the day after from its spot prices"), "forecast"))
    if len(known) < len(forecast.frame):
        model = names.model(forecast.model)
        words = _("then forecast: {model}", model=model)
        if version is not None:
            words = _(
                "then forecast: {model}, version {version}, trained {moment}",
                model=model,
                version=version.id,
                moment=text.moment(version.created_at),
            )
        badges.append(_badge(words, "forecast"))
    return html.Div(badges, className="facts")


def reasons_notice(reasons: Sequence[Message], action: Component | None = None) -> Component | None:
    """Why this model serves and what can be done about it; nothing where there is neither."""
    lines: list[Component] = [html.Div(names.told(one.template, one.fields)) for one in reasons]
    lines += [action] if action is not None else []
    return html.Div([icon("info-circle"), html.Div(lines)], className="notice", role="note") if lines else None


def windows_table(windows: Sequence[CheapWindow], now: datetime) -> Component:
    """The cheapest stretches, cheapest first: when, at what price, between which ends, how sure."""
    if not windows:
        return html.P(_("No stretch of this length lies ahead."), className="muted")
    columns = (
        Column(_("When"), lambda window: _stretch(window, now)),
        Column("€/kWh", lambda price: text.number(price, 3), numeric=True),
        Column(_("9 in 10 between"), _between, numeric=True),
        Column(_("Sure"), text.percent, numeric=True),
    )
    rows = [(one, one.mean_eur_kwh, (one.low_eur_kwh, one.high_eur_kwh), one.probability) for one in windows]
    words = _("Sure: the chance that a stretch is among the cheapest tenth of all stretches of its length.")
    return html.Div(
        [table(columns, rows, _("Cheapest stretches to come")), html.P(words, className="muted small mt-2")]
    )


def said_words(day: date, said: pd.DataFrame | None, truth: pd.Series) -> Component:
    """What was said at the end of a ``day``, and how far off it was where the ``truth`` [EUR/kWh] is out."""
    if said is None or said.empty:
        return html.P(_("{day}: no forecast was issued.", day=text.day(day, "full")), className="muted small")
    latest = said.iloc[-1]
    parts = [
        _(
            "Said {moment} by {model}.",
            moment=text.moment(pd.Timestamp(latest["issued_at"]).to_pydatetime()),
            model=names.model(str(latest["model"])),
        )
    ]
    both = said.join(truth.rename("truth"), how="inner").dropna(subset=["truth", "p50"])
    if both.empty:
        parts.append(_("None of its hours is known yet."))
    else:
        off = both["p50"] - both["truth"]
        inside = ((both["truth"] >= both["p05"]) & (both["truth"] <= both["p95"])).sum()
        parts.append(
            _(
                "In the {hours} that are known since, it was off by {mae} on average, {lean}; {inside} of them lay in"
                " its 90 % band.",
                hours=ngettext("{n} hour", "{n} hours", len(both)),
                mae=text.price(off.abs().mean()),
                lean=_lean(float(off.mean())),
                inside=text.number(inside),
            )
        )
    return html.P(" ".join(parts), className="small")


def hours_twin(shown: Week) -> Component:
    """Every hour of the fan: what it is, its price or median, the ends of its bands, and what was said."""
    columns = [
        Column(_("Begins"), text.moment),
        Column(_("Period")),
        Column(_("Kind"), _kind),
        Column("€/kWh", lambda value: text.number(value, 4), numeric=True),
        Column(_("1 in 2 between"), _between, numeric=True),
        Column(_("9 in 10 between"), _between, numeric=True),
    ]
    rows: list[tuple[Any, ...]] = [
        (
            hour.Index.to_pydatetime(),
            hour.period,
            (hour.kind, hour.model),
            hour.price,
            (hour.p25, hour.p75),
            (hour.p05, hour.p95),
        )
        for hour in shown.frame.itertuples()
        if not np.isnan(hour.price)
    ]
    if shown.ago is not None:
        said = shown.frame["said"][shown.frame["price"].notna()]
        head = ngettext("Said {n} day ago", "Said {n} days ago", shown.ago)
        columns.append(Column(head, lambda value: text.number(value, 4), numeric=True))
        rows = [(*row, value) for row, value in zip(rows, said, strict=True)]
    return long_twin(columns, rows, _("All hours of the forecast"), "forecast-fan")


def days_twin(shown: Week, first: datetime) -> Component:
    """Each day from ``first`` on: its mean, its cheapest and dearest hour, and how many of its hours are known."""
    there = shown.frame[(shown.frame.index >= first) & shown.frame["price"].notna()]
    columns = (
        Column(_("Day"), lambda day: text.day(day, "short")),
        Column(_("Mean"), text.price, numeric=True),
        Column(_("Cheapest hour"), _at, numeric=True),
        Column(_("Dearest hour"), _at, numeric=True),
        Column(_("Hours known"), _of, numeric=True),
    )
    rows = []
    for day, hours in there.groupby(local_days(pd.DatetimeIndex(there.index))):
        price = hours["price"]
        ends = [(price.loc[when], when.to_pydatetime()) for when in (price.idxmin(), price.idxmax())]
        rows.append((day.date(), price.mean(), *ends, (int(hours["known"].sum()), len(hours))))
    return table_twin(columns, rows, _("The week day by day"))


def _stretch(window: CheapWindow, now: datetime) -> Component:
    words = [html.Span(part, className="nowrap") for part in cards.when(window, now)]
    return html.Div([words[0], " ", words[1], " ", cards.provenance_badge(window.kind)])


def _about(price: float, *, known: bool) -> str:
    words = _("at {price}") if known else _("at about {price}")
    return words.format(price=text.price(price))


def _lean(bias: float) -> str:
    words = _("{bias} too high") if bias >= 0 else _("{bias} too low")
    return words.format(bias=text.price(abs(bias)))


def _errors(report: Mapping[str, Any]) -> dict[str, float]:
    """Mean absolute error over everything, by model [EUR/kWh]."""
    return {row["model"]: row["mae"] for row in report.get("scores", ()) if row["group"] == "all"}


def _badge(words: str, kind: str) -> Component:
    return html.Span(words, className=f"provenance provenance-{kind}")


def _between(ends: tuple[float, float]) -> str:
    if np.isnan(ends[0]) or ends[0] == ends[1]:
        return text.MISSING
    return f"{text.number(ends[0], 3)}–{text.number(ends[1], 3)}"  # noqa: RUF001 - a dash between ends


def _kind(what: tuple[str, str]) -> str:
    kind, model = what
    return _("forecast, from the spot price") if model == names.FROM_SPOT else cards.kind(kind)


def _at(extreme: tuple[float, datetime]) -> str:
    price, when = extreme
    return _("{price} at {time}", price=text.number(price, 3), time=text.clock(when))


def _of(counts: tuple[int, int]) -> str:
    present, expected = (text.number(count) for count in counts)
    return _("{present} of {expected}", present=present, expected=expected)
