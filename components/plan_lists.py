"""Lists of a plan: what each shift has to do, to be printed; rules for when something fails; the figures' tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html

from chocofactory.core.clock import day_bounds
from components import text
from components.plan_curves import reached
from components.plan_words import called, euros, heading, limit_words, unit
from components.tables import Column, long_twin, table_twin
from components.text import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    import pandas as pd
    from dash.development.base_component import Component

    from chocofactory.planning.plan import Plan

    Action = tuple[datetime, str]

_RULES = (
    (
        N_("A conching is interrupted"),
        N_("Before 12 h of run it can resume within 2 h; between 12 and 48 h, within 4 h."),
    ),
    (
        N_("The power is cut"),
        N_("Hold the heat of the conches first (the battery lasts 4 h); then finish the batch that is tempering."),
    ),
    (N_("A roller is down"), N_("Production stops.")),
    (N_("A mixer is down"), N_("Mix by hand: half the capacity.")),
    (N_("A temperer is down"), N_("Temper by hand: a quarter of the capacity.")),
)


def shift_list(plan: Plan, day: date) -> Component:
    """What each shift that begins on a local day has to do, in the order of time; a list to be printed.

    What happens on that day while nobody is there, as the end of a conching at night, stands at the end.
    """
    actions = sorted(_actions(plan), key=lambda action: action[0])
    shifts = plan.problem.plant.shifts_of(day)
    parts: list[Component] = []
    for name, start, end in shifts:
        own = [action for action in actions if start <= action[0] < end]
        what = _list(own) if own else html.P(_("Nothing to do in this shift."), className="muted")
        parts.append(html.Div([html.H4(f"{name}, {text.hours(start, end)}"), what]))
    if not shifts:
        parts.append(html.P(_("No shift begins on this day."), className="muted"))
    first, last = day_bounds(day)
    staffed = plan.problem.plant.staffed(day, day)
    alone = [
        action
        for action in actions
        if first <= action[0] < last and not any(start <= action[0] < end for start, end in staffed)
    ]
    if alone:
        parts.append(html.Div([html.H4(_("While nobody is there")), _list(alone)]))
    head = html.H3(_("Shifts of {day}", day=text.day(day, "full")))
    return html.Div([head, html.Div(parts, className="shifts")], className="shift-list")


def failure_rules() -> Component:
    """What people do when something fails: rules of the plant that no plan optimises."""
    rows = [each for what, rule in _RULES for each in (html.Dt(_(what)), html.Dd(_(rule)))]
    return html.Dl(rows, className="failure-rules")


def plan_twin(plan: Plan) -> Component:
    """Every run of the plan, in the order of time."""
    columns = (
        Column(_("Batch")),
        Column(_("Product"), called),
        Column(_("Unit")),
        Column(_("Begins"), text.moment),
        Column(_("Ends"), text.moment),
        Column("kWh", lambda value: text.number(value, 1), numeric=True),
        Column("€", lambda value: text.number(value, 2), numeric=True),
        Column(_("State"), lambda planned: _("planned") if planned else _("running or locked")),
    )
    runs = sorted(((batch, run) for batch in plan.batches for run in batch.runs), key=lambda each: each[1].start)
    rows = [
        (
            batch.name,
            batch.product,
            unit(run.block, run.unit),
            run.start,
            run.end,
            run.energy_kwh,
            run.cost_eur,
            run.planned,
        )
        for batch, run in runs
    ]
    return long_twin(columns, rows, _("All runs of the plan"), "plan-runs")


def power_twin(power: pd.DataFrame) -> Component:
    """The power of each quarter-hour, as ``plan_curves.power_figure`` takes it."""
    heads = (_("Production"), _("Cooling"), _("Auxiliaries"), _("Total"))
    columns = (
        Column(_("Begins"), text.moment),
        *(Column(f"{head}, kW", lambda value: text.number(value, 1), numeric=True) for head in heads),
    )
    values = power[["production_kw", "cooling_kw", "auxiliary_kw", "total_kw"]]
    rows = [(row[0].to_pydatetime(), *row[1:]) for row in values.itertuples(name=None)]
    return long_twin(columns, rows, _("Power of each quarter-hour"), "plan-power")


def target_twin(plan: Plan) -> Component:
    """Batches finished and due by the end of each day, by product."""
    columns = (
        Column(_("Day"), lambda day: text.day(day, "short")),
        Column(_("Product"), heading),
        Column(_("Finished"), text.number, numeric=True),
        Column(_("Due"), text.number, numeric=True),
    )
    rows = list(reached(plan).itertuples(index=False, name=None))
    return table_twin(columns, rows, _("Batches finished and due"))


def curve_twin(curve: pd.DataFrame) -> Component:
    """Cost of a batch by its start, as ``plan_curves.cost_curve_figure`` takes it."""
    columns = (
        Column(_("Start"), text.moment),
        Column(_("Cost"), euros, numeric=True),
        Column(_("Why not"), lambda closed: limit_words(*closed) if closed[0] else ""),
    )
    moments = (stamp.to_pydatetime() for stamp in curve.index)
    closed = zip(curve["limit"], curve["block"], strict=True)
    rows = list(zip(moments, curve["cost_eur"], closed, strict=True))
    return long_twin(columns, rows, _("Cost by start"), "plan-curve")


def _actions(plan: Plan) -> Iterator[Action]:
    """All that begins, and all that ends without another stage at once."""
    starts = N_("start {stage} of batch {batch} ({product}) on {unit}")
    ends = N_("{block} of batch {batch} ({product}) ends on {unit}")
    for batch in plan.batches:
        kind = {"batch": batch.name, "product": called(batch.product)}
        for run in batch.runs:
            where = {**kind, "unit": unit(run.block, run.unit)}
            for stage in run.stages:
                yield stage.start, _(starts, stage=called(stage.name), **where)
            if run is batch.runs[-1]:
                yield run.end, _("batch {batch} ({product}) is finished", **kind)
            else:
                yield run.end, _(ends, block=called(run.block), **where)


def _list(actions: Sequence[Action]) -> Component:
    rows = [html.Li([html.Strong(text.clock(when)), " ", html.Span(words)]) for when, words in actions]
    return html.Ol(rows, className="shift-actions")
