"""Cards and badges: what one glance answers. Data in, component out; every value with its unit and where it is from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dash import html

from chocofactory.core.clock import local_date
from chocofactory.domain.prices import SAME_EUR_KWH
from components import names, text
from components.controls import icon
from components.text import N_, _, ngettext
from components.theme import PERIOD_COLOURS, readable_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from dash.development.base_component import Component

    from chocofactory.domain.prices import Window

Kind = Literal["published", "observed", "forecast", "simulated", "climatology", "unavailable"]

_KINDS: Mapping[str, str] = {
    "published": N_("published"),
    "observed": N_("observed"),
    "forecast": N_("forecast"),
    "simulated": N_("simulated"),
    "climatology": N_("usual for the day of the year"),
    "unavailable": N_("not available"),
}
_SOURCE_STATES: Mapping[str, tuple[str, str]] = {
    "ok": ("check-circle", N_("answers")),
    "failing": ("exclamation-triangle", N_("does not answer")),
    "unknown": ("info-circle", N_("not asked yet")),
}
RUN_STATES: Mapping[str, tuple[str, str]] = {
    "queued": ("clock-history", N_("waiting")),
    "running": ("clock-history", N_("running")),
    "succeeded": ("check-circle", N_("done")),
    "partial": ("exclamation-triangle", N_("done in part")),
    "failed": ("x-octagon", N_("failed")),
    "interrupted": ("x-octagon", N_("interrupted")),
}
"""The states of a job run, each with its sign and its words."""
_AS_USUAL = 0.02


class PriceNow(Protocol):
    """The price in force, as ``services.prices.Current`` has it."""

    end: datetime
    price_eur_kwh: float
    period: str
    rank: int
    of: int
    day_mean_eur_kwh: float
    source: str
    kind: str
    written_at: datetime


class Stretch(Protocol):
    """A stretch of time, ``start`` (inclusive) to ``end`` (exclusive)."""

    start: datetime
    end: datetime


class Run(Protocol):
    """A job run, as the application's state keeps it; messages are templates with their fields beside them."""

    id: str
    kind: str
    state: str
    progress: float
    message: str
    message_fields: Mapping[str, Any]
    error: Mapping[str, Any] | None


class Waiting(Protocol):
    """What waits for the store's server, as ``services.health.Outbox`` has it."""

    entries: int
    rows: int
    bytes: int
    limit_bytes: int
    age_s: float | None
    aside_entries: int
    aside_rows: int
    aside_reason: str | None


def kpi(
    label: str,
    value: str | Component,
    unit: str = "",
    detail: Any = None,
    provenance: Component | None = None,
    **more: Any,
) -> Component:
    """A number in large type with its unit, a line of detail, and where it is from.

    ``value`` is formatted already; a missing one is the dash of :mod:`components.text`, and then loses its unit. Where
    words stand for it, a span of the class ``kpi-words`` lets them take two lines.
    """
    number = [value, html.Span(unit, className="kpi-unit")] if unit and value != text.MISSING else [value]
    feet = [html.Div(part, className="kpi-foot") for part in (detail, provenance) if part is not None]
    return html.Div(
        [html.Div(label, className="kpi-label"), html.Div(number, className="kpi-value"), *feet],
        className="kpi",
        **more,
    )


def price_now_card(current: PriceNow | None, now: datetime) -> Component:
    """The price in force: value, tariff period, rank in the day, distance from the day's mean, source and age."""
    if current is None:
        missing = provenance_badge("unavailable")
        return kpi(_("Price now"), text.MISSING, detail=_("No price for this hour."), provenance=missing)
    rank = _rank(current.rank, current.of)
    facts = html.Div([period_badge(current.period), html.Span(rank)], className="facts")
    trend = _against_mean(current.price_eur_kwh, current.day_mean_eur_kwh)
    badge = provenance_badge(current.kind, current.source, now - current.written_at)
    return kpi(
        _("Price now, until {time}", time=text.clock(current.end)),
        text.number(current.price_eur_kwh, 3),
        "€/kWh",
        [facts, trend],
        badge,
    )


def windows_table(windows: Sequence[Window], ahead_mean_eur_kwh: float | None, now: datetime) -> Component:
    """The cheapest window of each length: when, its mean price, and what it saves against the mean of all hours ahead.

    ``windows`` are those of ``domain.prices.cheapest_windows``; savings are in percent, negative where it is dearer.
    """
    heads = (_("Length"), _("When"), "€/kWh", _("Saving"))
    rows = []
    for window in windows:
        first, second = when(window, now)
        saving = 1 - window.mean_eur_kwh / ahead_mean_eur_kwh if ahead_mean_eur_kwh else None
        cells = [
            html.Th(_length(window.end - window.start), scope="row", className="nowrap"),
            html.Td([html.Span(first, className="nowrap"), " ", html.Span(second, className="nowrap")]),
            html.Td(text.number(window.mean_eur_kwh, 3), className="num"),
            html.Td(text.percent(saving), className="num"),
        ]
        rows.append(html.Tr(cells))
    head = [html.Th(name, scope="col", className="num" if place > 1 else "") for place, name in enumerate(heads)]
    caption = html.Caption(
        _("The cheapest hours to come; saving: against the mean of all hours ahead"), className="small"
    )
    table = html.Table([caption, html.Thead(html.Tr(head)), html.Tbody(rows)], className="table table-sm caption-top")
    region = {"role": "region", "aria-label": _("Cheapest hours to come")}
    return html.Div(table, className="table-scroll", tabIndex=0, **region)


def source_card(
    name: str, state: Literal["ok", "failing", "unknown"], *, age: timedelta | None = None, error: str | None = None
) -> Component:
    """An outside source: whether it answers, when it last did, and in words why not (translated already)."""
    glyph, words = _SOURCE_STATES[state]
    last = _("Last good answer: {ago}", ago=text.ago(age)) if age is not None else _("No good answer yet")
    return html.Div(
        [
            html.H3(name),
            html.Div([icon(glyph), html.Span(_(words))], className=f"state state-{state}"),
            html.Div(last, className="muted small"),
            *([html.P(error, className="small")] if error else []),
        ],
        className="panel source",
    )


def outbox_card(outbox: Waiting) -> Component:
    """What waits for the server of the store: how much, since when, how full; what it refused, with the reason."""
    good = not outbox.entries and not outbox.aside_entries
    glyph, look = ("check-circle", "ok") if good else ("clock-history", "failing")
    words = _("nothing waits") if good else ngettext("{n} row waits", "{n} rows wait", outbox.rows)
    lines = [html.Div([icon(glyph), html.Span(words)], className=f"state state-{look}")]
    if outbox.age_s is not None:
        lines.append(html.Div(_("The oldest since {ago}", ago=text.ago(timedelta(seconds=outbox.age_s)))))
    share = text.percent(outbox.bytes / outbox.limit_bytes, 1)
    lines.append(html.Div(_("{share} of its room is in use", share=share), className="muted small"))
    if outbox.aside_entries:
        count, why = outbox.aside_rows, outbox.aside_reason or ""
        refused = ngettext("{n} row was refused: {reason}", "{n} rows were refused: {reason}", count, reason=why)
        lines.append(html.P(refused, className="warn small"))
    return html.Div([html.H3(_("Outbox to InfluxDB")), *lines], className="panel source")


def kind(name: str) -> str:
    """What a value is: published, forecast ..."""
    return _(_KINDS[name])


def provenance_badge(kind: str, source: str = "", age: timedelta | None = None) -> Component:
    """What a value is and where from: its kind in words, the source, and how old it is."""
    known = age is not None and age >= timedelta()  # a travelled clock may stand before the moment of writing
    parts = [_(_KINDS[kind]), *([names.source(source)] if source else []), *([text.ago(age)] if known else [])]
    return html.Span(" · ".join(parts), className=f"provenance provenance-{kind}")


def period_badge(period: str) -> Component:
    """A tariff period by its name, in its colour."""
    colour = PERIOD_COLOURS[period]
    return html.Span(
        period,
        className="period",
        title=_("Tariff period {period}", period=period),
        style={"backgroundColor": colour, "color": readable_on(colour)},
    )


def empty_state(title: str, why: str, what_to_do: str, action: Component | None = None) -> Component:
    """What stands where there is nothing to show: what is missing, why, and what to do about it."""
    parts = [icon("info-circle"), html.H2(title), html.P([why, " ", what_to_do])]
    return html.Div([*parts, *([action] if action is not None else [])], className="empty panel")


def skeleton(label: str, height: int = 120) -> Component:
    """What stands where something is being loaded; ``label`` says to screen readers what."""
    return html.Div(
        html.Span(label, className="visually-hidden"),
        className="skeleton",
        style={"height": f"{height}px"},
        role="status",
        **{"aria-busy": "true"},
    )


def run_state(state: str) -> Component:
    """The state of a job run, in words beside its sign."""
    glyph, words = RUN_STATES[state]
    return html.Span([icon(glyph), _(words)], className=f"state state-{state}")


def job_progress(run: Run, label: str, outcome: Any = None) -> Component:
    """How far a job run is, under its ``label``: a bar and a message.

    At its end: how it ended, its error in words, and the ``outcome`` that the page makes of its result.
    """
    head = html.Div([html.Strong(label), run_state(run.state)])
    parts: list[Component] = [head]
    if run.state in {"queued", "running"}:
        done = {"value": str(round(run.progress))} if run.state == "running" else {}
        parts.append(html.Progress(max="100", **done, **{"aria-label": label}))
    if run.error:
        parts.append(html.P(names.explain(run.error), role="alert"))
    elif run.message:
        parts.append(html.P(names.told(run.message, run.message_fields), className="muted small"))
    if outcome is not None:
        parts.append(html.Div(outcome, className="small"))
    return html.Div(parts, className="job", id={"type": "job", "run": run.id}, **{"aria-live": "polite"})


def when(window: Stretch, now: datetime) -> tuple[str, str]:
    """Day and hours of a window, or both its moments where it crosses midnight, in two parts that do not wrap."""
    first, last = local_date(window.start), local_date(window.end - timedelta(microseconds=1))
    if first == last:
        return f"{_near(first, now)},", text.hours(window.start, window.end)
    start, end = text.time(window.start), text.time(window.end)
    return f"{_near(first, now)}, {start} –", f"{_near(last, now)}, {end}"  # noqa: RUF001 - a dash between moments


def _rank(rank: int, of: int) -> str:
    if rank == 1:
        return _("the cheapest of {of}", of=of)
    if rank == of:
        return _("the dearest of {of}", of=of)
    return _("number {rank} of {of}, cheapest first", rank=rank, of=of)


def _against_mean(price: float, mean: float) -> Component:
    """How far a price lies from the day's mean, in words, with an arrow where it matters."""
    if abs(mean) < SAME_EUR_KWH or abs(price / mean - 1) < _AS_USUAL:
        return html.Div(_("About the day's mean, {mean}", mean=text.price(mean)))
    lower = price < mean
    share = text.percent(abs(price - mean) / abs(mean))
    words = _("{share} below the day's mean") if lower else _("{share} above the day's mean")
    return html.Div([icon("arrow-down-right" if lower else "arrow-up-right"), " ", words.format(share=share)])


def _near(day: date, now: datetime) -> str:
    return {0: _("today"), 1: _("tomorrow")}.get((day - local_date(now)).days, text.day(day, "short"))


def _length(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return text.quantity(hours, "h", 0 if hours.is_integer() else 2)
