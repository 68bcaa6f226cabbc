"""The first screen: what electricity costs now, today and tomorrow, and when it is cheapest."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import dash
from dash import ClientsideFunction, Input, Output, callback, dcc, html
from dash.exceptions import PreventUpdate

from chocofactory.bootstrap import factory
from chocofactory.core.clock import day_start
from chocofactory.core.errors import StoreError
from chocofactory.domain import prices
from components import (
    cards,
    controls,
    figures,
    names,
    plan_overview,
    plan_page,
    tables,
    text,
    weather_cards,
    weather_figures,
)
from components.text import N_, _, ngettext, page_title
from components.theme import graph_config
from components.toasts import failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from dash.development.base_component import Component

    from chocofactory.services.health import Freshness, Source
    from chocofactory.services.prices import Day, Outlook
    from chocofactory.services.stored_plans import StoredPlan
    from components.theme import Theme

dash.register_page(__name__, path="/", name=N_("Overview"), title=page_title(N_("Overview")), order=0)

Answer = TypeVar("Answer")
USUAL_HOURS = 5
"""Length of the window that the strip shades at first: a standard conching."""
LONGEST_HOURS = 12
NEXT_SLOT = timedelta(minutes=30)
"""A plan that is made from now on begins with the next slot: so much later at most."""
OVERDUE = frozenset({prices.DayState.LATE, prices.DayState.MISSING})


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    empty = "overview-empty"
    body = "overview-body"
    facts = "overview-facts"
    plan = "overview-plan"
    strip = "overview-strip"
    hours = "overview-hours"
    windows = "overview-windows"
    freshness = "overview-freshness"
    weather = "overview-weather"
    outside = "overview-outside"


def layout(hours: object = None, **_query: Any) -> Component:
    """The frame; a callback fills it now and every minute. ``hours`` of the address chooses the shaded window."""
    lengths = {str(n): ngettext("{n} hour", "{n} hours", n) for n in range(1, LONGEST_HOURS + 1)}
    chosen = controls.choice_of(hours, lengths, str(USUAL_HOURS))
    return html.Div(
        [
            html.H1(_("Electricity today and tomorrow")),
            html.Div(id=ids.empty),
            html.Div(
                [
                    html.Div(cards.skeleton(_("Prices are being loaded"), 150), id=ids.facts, className="kpis"),
                    html.Div(id=ids.plan),
                    controls.graph(
                        ids.strip,
                        _("Price by hour, today and tomorrow"),
                        filename="overview",
                        actions=[controls.select(ids.hours, _("Cheapest run of"), lengths, chosen)],
                    ),
                    html.Section(
                        [
                            html.H2(_("Cheapest hours to come")),
                            html.Div(cards.skeleton(_("Windows are being computed"), 300), id=ids.windows),
                        ],
                        className="panel",
                    ),
                    html.Div(
                        controls.graph(
                            ids.weather, _("Weather, observed and forecast"), filename="weather", height="27rem"
                        ),
                        id=ids.outside,
                    ),
                    html.Section([html.H2(_("How fresh this is")), html.Div(id=ids.freshness)], className="panel"),
                ],
                id=ids.body,
            ),
        ]
    )


@callback(
    Output(ids.empty, "children"),
    Output(ids.body, "hidden"),
    Output(ids.facts, "children"),
    Output(ids.plan, "children"),
    Output(ids.windows, "children"),
    Output(ids.freshness, "children"),
    Input("minute", "n_intervals"),
)
def fill(_minutes: int | None) -> tuple[Any, ...]:
    """Everything but the charts; why there is nothing, where the store does not answer."""
    try:
        return _filled()
    except StoreError as error:
        return failure(names.told(error.message, error.fields)), True, [], None, [], []


def _filled() -> tuple[Any, ...]:
    outlook = factory().prices.outlook()
    if factory().prices.span() is None:
        return nothing_yet(), True, [], None, [], []
    fresh = [factory().health.freshness(market) for market in factory().ingestion.markets]
    table = cards.windows_table(outlook.windows, outlook.ahead_mean_eur_kwh, outlook.now)
    stored = _in_force(outlook.now)
    aside = plan_page.set_aside_notice(factory().planning.set_aside(), held=stored is not None)
    line = plan_overview.day_line(stored, outlook.now) if stored else None
    plan = [part for part in (aside, line) if part is not None] or None
    return None, False, facts(outlook), plan, table if outlook.windows else no_windows(), freshness(fresh, outlook)


@callback(
    Output(ids.strip, "figure"),
    Output(f"{ids.strip}-caption", "children"),
    Output(ids.strip, "config"),
    Input("minute", "n_intervals"),
    Input("theme", "data"),
    Input(ids.hours, "value"),
)
def draw(_minutes: int | None, theme: str, hours: str) -> tuple[Any, Component, dict[str, Any]]:
    """The strip of today and tomorrow."""
    outlook = _told(factory().prices.outlook)
    length = timedelta(hours=int(hours))
    window = next((found for found in outlook.windows if found.end - found.start == length), None)
    figure = figures.day_strip(
        outlook.frame,
        outlook.now,
        factory().tariff,
        tomorrow=outlook.tomorrow.state,
        published_at=outlook.tomorrow.published_at,
        window=window,
        theme=theme,
        runs=_told(lambda: _runs(outlook, theme)),
    )
    twin = tables.price_twin(outlook.frame, _("Prices of today and tomorrow"))
    return figure, twin, graph_config(f"overview_{outlook.today.day}_{outlook.tomorrow.day}")


@callback(
    Output(ids.weather, "figure"),
    Output(f"{ids.weather}-caption", "children"),
    Output(ids.outside, "hidden"),
    Input("minute", "n_intervals"),
    Input("theme", "data"),
)
def weather(_minutes: int | None, theme: str) -> tuple[Any, Any, bool]:
    """The weather of the last day and the next two; nothing where nobody ever told of it."""
    outlook = _told(factory().weather.outlook)
    if outlook.observed.frame.empty and not outlook.forecast.issued_at:
        return dash.no_update, None, True
    figure = weather_figures.weather_strip(outlook.observed, outlook.forecast, outlook.now, theme=theme)
    return figure, [weather_cards.issued_words(outlook), weather_cards.weather_twin(outlook)], False


def _runs(outlook: Outlook, theme: Theme) -> list[figures.Stretch]:
    """What the plans that hold now and from midnight on have to run."""
    midnight = day_start(outlook.tomorrow.day)
    stored = (_in_force(outlook.now), factory().planning.in_force(midnight))
    now, then = (one.plan if one else None for one in stored)
    return plan_overview.stretches(now, then, midnight, theme)


def _in_force(now: datetime) -> StoredPlan | None:
    """The plan that holds now, or else one that is about to."""
    planning = factory().planning
    return planning.in_force(now) or planning.in_force(now + NEXT_SLOT)


def _told(ask: Callable[[], Answer]) -> Answer:
    """An answer of a service; nothing is drawn where the store does not give one: ``fill`` says why."""
    try:
        return ask()
    except StoreError:
        raise PreventUpdate from None


dash.clientside_callback(ClientsideFunction("controls", "url"), Input(ids.hours, "value"))


def facts(outlook: Outlook) -> list[Component]:
    """The numbers on top: now, today, tomorrow."""
    return [
        cards.price_now_card(outlook.current, outlook.now),
        day_card(_("Today, mean"), outlook.today),
        day_card(_("Tomorrow, mean"), outlook.tomorrow),
        weather_cards.weather_now_card(factory().weather.current(), outlook.now),
    ]


def day_card(label: str, day: Day) -> Component:
    """Mean, lowest and highest price of a day, or why they are not there."""
    numbers = prices.statistics(day.frame["price_eur_kwh"])
    if numbers is None:
        words = [html.Div(state_words(day)), *([html.Div(silence())] if day.state in OVERDUE else [])]
        return cards.kpi(label, text.MISSING, detail=words, provenance=cards.provenance_badge("unavailable"))
    low, high = text.price(numbers.minimum), text.price(numbers.maximum)
    extremes = [
        html.Div(_("Lowest {price} at {time}", price=low, time=text.clock(numbers.minimum_at))),
        html.Div(_("Highest {price} at {time}", price=high, time=text.clock(numbers.maximum_at))),
    ]
    if day.state is not prices.DayState.COMPLETE:
        extremes.append(html.Div(state_words(day), className="warn"))
    latest = day.frame.iloc[-1]
    age = factory().clock.now() - latest["written_at"]
    badge = cards.provenance_badge(latest["kind"], latest["source"], age)
    return cards.kpi(label, text.number(numbers.mean, 3), "€/kWh", extremes, badge)


def state_words(day: Day) -> str:
    """What there is of a day, in words."""
    moment = text.time(day.published_at)
    return {
        prices.DayState.COMPLETE: _("Complete"),
        prices.DayState.PARTIAL: _("Only {present} of {expected} hours", present=day.present, expected=day.expected),
        prices.DayState.NOT_YET: _("Not published yet: usually at about {time}", time=moment),
        prices.DayState.LATE: _("Late: usually published at about {time}", time=moment),
        prices.DayState.MISSING: _("Missing"),
    }[day.state]


def freshness(fresh: list[Freshness], outlook: Outlook) -> Component:
    """How far prices reach and when they came, a row a market."""
    rows = []
    for entry in fresh:
        if entry.latest is None or entry.written_at is None:
            reach, came = _("nothing yet"), text.MISSING
        else:
            reach = text.moment(entry.latest.to_pydatetime() + timedelta(hours=1))
            came = text.moment(entry.written_at.to_pydatetime())
        rows.append(html.Tr([html.Th(names.market(entry.market), scope="row"), html.Td(reach), html.Td(came)]))
    heads = (_("Prices"), _("reach to"), _("arrived"))
    return html.Div(
        html.Table(
            [html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])), html.Tbody(rows)], className="table"
        ),
        className="table-scroll",
    )


def no_windows() -> Component:
    """What stands where no window can be computed."""
    return html.P(_("No price to come is known: windows appear when prices are published."), className="muted")


def nothing_yet() -> Component:
    """What stands where there is no price at all: what the sources that fail say, or that prices are on their way."""
    told = [names.explain(source.record.last_error) for source in failing() if source.record.last_error]
    if told:
        why = " ".join(told)
        what_to_do = _("They are asked again by themselves; meanwhile, prices can be imported from files.")
    else:
        why = _("Nothing has been fetched or imported so far.")
        what_to_do = _("Prices of the last days are fetched by themselves within minutes; history can be imported.")
    return cards.empty_state(
        _("There are no prices yet"),
        why,
        what_to_do,
        dcc.Link(_("To the data page"), href=dash.get_relative_path("/data"), className="btn btn-primary"),
    )


def silence() -> str:
    """Which sources do not answer, in short; nothing when none is known to fail."""
    called = ", ".join(names.source(source.name) for source in failing())
    return _("No answer from {sources}", sources=called) if called else ""


def failing() -> list[Source]:
    """The sources whose last call failed."""
    return [source for source in factory().health.sources() if source.state == "failing"]
