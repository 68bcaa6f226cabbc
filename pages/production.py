"""The production plan: what to start when, what that costs and saves, and why it is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash
from dash import ClientsideFunction, Input, Output, State, callback, ctx, dcc, html
from dash.exceptions import PreventUpdate

from chocofactory.bootstrap import factory
from chocofactory.core.clock import local_date
from chocofactory.core.errors import FactoryError, NotFound
from chocofactory.planning.power import power_kw
from chocofactory.services.exports import records_csv
from chocofactory.services.plan_views import csv_rows, icalendar
from components import (
    cards,
    controls,
    names,
    plan_curves,
    plan_figures,
    plan_lists,
    plan_page,
    plan_parts,
    plan_quarters,
    plan_words,
    score_figures,
    twins,
)
from components.text import N_, _, page_title
from components.theme import graph_config
from components.toasts import failure
from pages import replanning

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    from dash.development.base_component import Component

    from chocofactory.services.stored_plans import StoredPlan

dash.register_page(__name__, path="/production", name=N_("Production"), title=page_title(N_("Production")), order=1)

NAME = "production"
IN_FORCE = "now"
"""The plan that holds now, or else the newest."""
RECENT = 20


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    plan = "production-plan"
    day = "production-day"
    batch = "production-batch"
    aside = "production-aside"
    empty = "production-empty"
    body = "production-body"
    says = "production-says"
    cards = "production-cards"
    gantt = "production-gantt"
    why = "production-why"
    curve = "production-curve"
    curve_frame = "production-curve-frame"
    targets = "production-targets"
    power = "production-power"
    shifts = "production-shifts"
    quarters = "production-quarters"
    margin = "production-margin"
    strip = "production-strip"
    week = "production-week"
    csv = "production-csv"
    ics = "production-ics"
    print = "production-print"
    download = "production-download"


def layout(plan: object = None, day: object = None, batch: object = None, **_query: Any) -> Component:
    """The frame; the address may hold ``plan`` (its number), ``day`` and ``batch``."""
    plans = _choices()
    chosen = controls.choice_of(plan, plans, IN_FORCE)
    stored = _stored(chosen)
    days, batches = plan_page.days(stored), plan_page.batches(stored)
    return html.Div(
        [
            html.H1(_("Production")),
            html.Div(
                [
                    controls.select(ids.plan, _("Plan"), plans, chosen),
                    controls.select(ids.day, _("Day"), days, controls.choice_of(day, days, _usual_day(days))),
                    controls.button(_("CSV"), ids.csv, icon_name="download"),
                    controls.button(_("Calendar"), ids.ics, icon_name="download"),
                    controls.button(_("Print the shifts"), ids.print),
                    dcc.Download(id=ids.download),
                ],
                className="toolbar",
            ),
            replanning.panel(),
            html.Div(id=ids.aside),
            html.Div(id=ids.empty),
            html.Div(
                [
                    html.Section(cards.skeleton(_("The plan is being read"), 120), id=ids.says, className="panel says"),
                    html.Div(id=ids.cards),
                    controls.graph(ids.gantt, _("The plan by machine"), filename=NAME, height="43rem"),
                    html.Section(
                        [
                            html.H2(_("Why then?")),
                            controls.select(
                                ids.batch, _("Batch"), batches, controls.choice_of(batch, batches, plan_page.NO_BATCH)
                            ),
                            html.Div(id=ids.why, className="why"),
                        ],
                        className="panel",
                    ),
                    html.Div(
                        controls.graph(ids.curve, _("Cost by start"), filename=f"{NAME}_starts"), id=ids.curve_frame
                    ),
                    html.Section(html.Div(id=ids.shifts), className="panel"),
                    html.Details(
                        [html.Summary(_("Quarter-hour by quarter-hour")), html.Div(id=ids.quarters)],
                        className="panel",
                    ),
                    controls.graph(ids.targets, _("Batches against the target"), filename=f"{NAME}_targets"),
                    controls.graph(ids.power, _("Power against the contract"), filename=f"{NAME}_power"),
                    html.Section([html.H2(_("Cost of a kilogram")), html.Div(id=ids.margin)], className="panel"),
                    html.Section([html.H2(_("When something fails")), plan_lists.failure_rules()], className="panel"),
                ],
                id=ids.body,
            ),
            controls.graph(ids.strip, _("How favourable the next hours are"), filename=f"{NAME}_hours", height="14rem"),
            controls.graph(ids.week, _("How favourable the week is"), filename=f"{NAME}_week", height="28rem"),
        ]
    )


PLAN = Input(ids.plan, "value")
DAY = Input(ids.day, "value")
BATCH = Input(ids.batch, "value")
DONE = Input(replanning.ids.done, "data")
MINUTE = Input("minute", "n_intervals")
LOOK = (Input("theme", "data"), Input("wide", "data"))


@callback(
    Output(ids.empty, "children"),
    Output(ids.aside, "children"),
    Output(ids.body, "hidden"),
    Output(ids.says, "children"),
    Output(ids.cards, "children"),
    Output(ids.shifts, "children"),
    Output(ids.margin, "children"),
    PLAN,
    DAY,
    DONE,
    MINUTE,
)
def fill(plan: str, day: str, _done: str, _minutes: int | None) -> tuple[Any, ...]:
    """What is said in words, cards and lists; or why there is no plan."""
    try:
        stored, aside = _stored(plan), factory().planning.set_aside()
        if stored is None:
            nothing = plan_page.nothing(has_prices=factory().prices.span() is not None)
            return nothing, plan_page.set_aside_notice(aside, held=False), True, [], [], [], []
        held = factory().planning.in_force() is not None
    except FactoryError as error:
        return failure(names.told(error.message, error.fields)), None, True, [], [], [], []
    seen = aside is not None and aside.id == stored.id
    shown = _day(stored, day) or stored.plan.problem.first
    low, _median, high = stored.cost_band_eur
    cards_ = plan_parts.plan_cards(stored.plan, stored.savings, (low, high))
    return (
        None,
        None if seen else plan_page.set_aside_notice(aside, held=held),
        False,
        plan_page.says(stored, shown, factory().clock.now()),
        cards_,
        plan_lists.shift_list(stored.plan, shown),
        plan_parts.margin_view(stored.plan),
    )


@callback(Output(ids.quarters, "children"), PLAN, DAY, DONE)
def quarters(plan: str, day: str, _done: str) -> list[Component]:
    """Each quarter-hour of the day: what runs, what cannot start and why."""
    stored = _known(plan)
    return plan_quarters.quarter_list(stored, _day(stored, day) or stored.plan.problem.first)


@callback(
    Output(ids.plan, "options"),
    Output(ids.plan, "value"),
    DONE,
    MINUTE,
    State(replanning.ids.run, "data"),
    prevent_initial_call=True,
)
def plans(done: str, _minutes: int | None, started: str | None) -> tuple[Any, ...]:
    """The newest plans; one that was just asked for is chosen, so that it is seen even where it does not hold now."""
    options = [{"value": key, "label": label} for key, label in _choices().items()]
    asked = replanning.made(started, done) if ctx.triggered_id == replanning.ids.done else None
    if asked is None:
        return options, dash.no_update
    holds = factory().planning.in_force()
    return options, IN_FORCE if holds is not None and holds.id == asked else asked


@callback(
    Output(ids.day, "options"),
    Output(ids.day, "value"),
    Output(ids.batch, "options"),
    PLAN,
    DONE,
    State(ids.day, "value"),
)
def choices(plan: str, _done: str, day: str) -> tuple[Any, ...]:
    """Days and batches of the plan that is shown."""
    stored = _known(plan)
    days, batches = plan_page.days(stored), plan_page.batches(stored)
    options = [[{"value": key, "label": label} for key, label in each.items()] for each in (days, batches)]
    return options[0], controls.choice_of(day, days, _usual_day(days)), options[1]


@callback(
    Output(ids.gantt, "figure"),
    Output(f"{ids.gantt}-caption", "children"),
    Output(ids.gantt, "config"),
    PLAN,
    DAY,
    DONE,
    MINUTE,
    *LOOK,
)
def gantt(plan: str, day: str, _done: str, _minutes: int | None, theme: str, wide: bool) -> tuple[Any, ...]:
    """Who runs where, above price and weather."""
    stored = _known(plan)
    prices, weather = _hourly(stored.inputs.prices), _hourly(stored.inputs.weather)
    figure = plan_figures.plan_figure(
        stored.plan,
        prices.rename(columns={"price_eur_kwh": "p50"}),
        weather,
        factory().clock.now(),
        span=_day(stored, day),
        theme=theme,
        wide=wide,
    )
    return (
        figure,
        [plan_page.weather_words(stored), plan_lists.plan_twin(stored.plan)],
        graph_config(_file(stored, NAME)),
    )


@callback(
    Output(ids.targets, "figure"),
    Output(f"{ids.targets}-caption", "children"),
    Output(ids.power, "figure"),
    Output(f"{ids.power}-caption", "children"),
    PLAN,
    DAY,
    DONE,
    *LOOK,
)
def charts(plan: str, day: str, _done: str, theme: str, wide: bool) -> tuple[Any, ...]:
    """Batches against the target, and power against the contract."""
    stored = _known(plan)
    power = power_kw(stored.plan)
    shown = _day(stored, day)
    if shown is not None:
        power = power[[local_date(moment) == shown for moment in power.index.to_pydatetime()]]
    contract = stored.plan.problem.plant.contracted_kw
    return (
        plan_curves.target_figure(stored.plan, theme=theme, wide=wide),
        plan_lists.target_twin(stored.plan),
        plan_curves.power_figure(power, contract, factory().clock.now(), theme=theme, wide=wide),
        plan_lists.power_twin(power),
    )


@callback(Output(ids.batch, "value"), Input(ids.gantt, "clickData"), prevent_initial_call=True)
def choose(clicked: dict[str, Any] | None) -> str:
    """The batch whose bar was clicked."""
    data = (clicked or {}).get("points", [{}])[0].get("customdata")
    name = data[0] if isinstance(data, list) else data
    if not name:
        raise PreventUpdate
    return str(name)


@callback(
    Output(ids.why, "children"),
    Output(ids.curve, "figure"),
    Output(f"{ids.curve}-caption", "children"),
    Output(ids.curve_frame, "hidden"),
    PLAN,
    BATCH,
    DONE,
    *LOOK,
)
def why(plan: str, batch: str, _done: str, theme: str, wide: bool) -> tuple[Any, ...]:
    """Why a batch starts when it does, and what its other starts would cost."""
    stored = _known(plan)
    if batch == plan_page.NO_BATCH:
        return html.P(_("Choose a batch here or click on it in the plan."), className="muted"), {}, None, True
    try:
        found = factory().planning.reasons(stored.id, batch)
    except NotFound:
        words = _("{batch} was running or locked: the plan did not decide when it starts.", batch=batch)
        return html.P(words, className="muted"), {}, None, True
    figure = plan_curves.cost_curve_figure(found.curve, found.start, theme=theme, wide=wide)
    return plan_parts.batch_reasons(found), figure, plan_lists.curve_twin(found.curve), False


@callback(
    Output(ids.strip, "figure"),
    Output(ids.week, "figure"),
    Output(f"{ids.week}-caption", "children"),
    MINUTE,
    *LOOK,
)
def favourable(_minutes: int | None, theme: str, wide: bool) -> tuple[Any, ...]:
    """How favourable the coming hours are, by the plant's rule."""
    try:
        hours = factory().recommendations.hourly()
    except FactoryError:
        raise PreventUpdate from None
    now = factory().clock.now()
    strip = score_figures.score_strip(hours, now, theme=theme, wide=wide)
    return strip, score_figures.score_heatmap(hours, now, theme=theme, wide=wide), twins.scores_twin(hours)


@callback(
    Output(ids.download, "data"),
    Input(ids.csv, "n_clicks"),
    Input(ids.ics, "n_clicks"),
    State(ids.plan, "value"),
    prevent_initial_call=True,
)
def export(_csv: int | None, _ics: int | None, plan: str) -> dict[str, Any]:
    """The plan as CSV, with the names that REST has for its fields, or as a calendar."""
    stored = _known(plan)
    if ctx.triggered_id == ids.csv:
        content, ending, kind = records_csv(csv_rows(stored.plan)), "csv", "text/csv"
    else:
        titles = {block.name: plan_words.heading(block.name) for block in stored.plan.problem.plant.blocks}
        content, ending, kind = icalendar(stored, titles), "ics", "text/calendar"
    return {"content": content, "filename": f"{_file(stored, NAME)}.{ending}", "type": kind}


replanning.register_callbacks()
dash.clientside_callback(ClientsideFunction("controls", "url"), PLAN, DAY, BATCH)
dash.clientside_callback(
    ClientsideFunction("controls", "print"), Input(ids.print, "n_clicks"), prevent_initial_call=True
)


def _stored(plan: str) -> StoredPlan | None:
    """The plan that is chosen; None where there is none."""
    planning = factory().planning
    if plan and plan != IN_FORCE:
        return planning.get(plan)
    return planning.in_force() or planning.latest()


def _known(plan: str) -> StoredPlan:
    """The plan that is chosen; nothing is drawn where there is none: ``fill`` says why."""
    try:
        stored = _stored(plan)
    except FactoryError:
        raise PreventUpdate from None
    if stored is None:
        raise PreventUpdate
    return stored


def _choices() -> dict[str, str]:
    heads = factory().planning.newest(RECENT)
    return {IN_FORCE: _("The one in force")} | plan_page.made(heads)


def _usual_day(days: dict[str, str]) -> str:
    today = local_date(factory().clock.now()).isoformat()
    return today if today in days else next((day for day in days if day != plan_page.ALL_DAYS), plan_page.ALL_DAYS)


def _day(stored: StoredPlan, day: str | None) -> date | None:
    return next((each for each in stored.plan.problem.days if each.isoformat() == day), None)


def _hourly(frame: pd.DataFrame) -> pd.DataFrame:
    """Quarter-hours as hours: the first of each."""
    return frame.groupby(frame.index.floor("h")).first()


def _file(stored: StoredPlan, name: str) -> str:
    problem = stored.plan.problem
    return f"chocofactory_{name}_{problem.first}_{problem.last}"
