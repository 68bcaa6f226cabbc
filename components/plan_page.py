"""What the Production page says around its charts: the day, what the plan rests on, what is wrong, and its choices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import dash
from dash import dcc, html

from chocofactory.core.clock import local_date
from chocofactory.planning.savings import uncounted
from components import cards, names, plan_parts, plan_words, text
from components.controls import icon
from components.text import _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from dash.development.base_component import Component

    from chocofactory.services.stored_plans import StoredPlan
    from chocofactory.store.plans import KeptPlan

ALL_DAYS = "all"
NO_BATCH = "none"


def says(stored: StoredPlan, day: date, now: datetime) -> list[Component]:
    """The day in one sentence, what the plan rests on, and whatever is wrong with it; days that are over are let be."""
    today = local_date(now)
    plan = replace(stored.plan, shortfalls=tuple(short for short in stored.plan.shortfalls if short.day >= today))
    made = _(
        "Plan {plan} of {moment}, by {model}. It takes what was planned before as done until then.",
        plan=stored.id,
        moment=text.moment(stored.created_at),
        model=names.model(stored.inputs.model),
    )
    broken = [html.Li(names.told(each.template, each.fields)) for each in stored.violations]
    lost = uncounted(plan)
    alert = html.Div([html.Strong(_("The check found faults in this plan:")), html.Ul(broken)], role="alert")
    return [
        plan_parts.today_sentence(plan, day, stored.savings, now),
        html.P(made, className="muted small"),
        html.P(names.told(lost.template, lost.fields)) if lost else None,
        plan_parts.shortfall_alert(plan),
        plan_parts.conflict_alert(plan),
        alert if broken else None,
    ]


def set_aside_notice(stored: StoredPlan | None, *, held: bool) -> Component | None:
    """That the newest plan cannot be followed, why in short, and the way to it; ``held``: another one holds on."""
    if stored is None:
        return None
    plan = stored.plan
    told = [*(conflict.message for conflict in plan.conflicts), *stored.violations]
    why = [names.told(each.template, each.fields) for each in told[:1]]
    words = _("The newest plan, made {moment}, cannot be carried out.", moment=text.moment(stored.created_at))
    rest = _("The one before it stays in force.") if held else _("No plan is in force.")
    link = dcc.Link(_("See that plan"), href=f"{dash.get_relative_path('/production')}?plan={stored.id}")
    body = html.Div([html.Strong(words), f" {' '.join([*why, rest])} ", link])
    return html.Div([icon("exclamation-triangle"), body], className="notice notice-error", role="alert")


def nothing(*, has_prices: bool) -> Component:
    """What stands where there is no plan yet."""
    if not has_prices:
        return cards.empty_state(
            _("There is no plan yet"),
            _("There are no prices to plan with."),
            _("Prices of the last days are fetched by themselves within minutes; history can be imported."),
            dcc.Link(_("To the data page"), href=dash.get_relative_path("/data"), className="btn btn-primary"),
        )
    return cards.empty_state(
        _("There is no plan yet"),
        _("The first one is made by itself within minutes, and begins at the next midnight."),
        _("You can plan from now on above."),
    )


def weather_words(stored: StoredPlan) -> Component:
    """Where the weather of the plan is from."""
    hours = {kind: count / 4 for kind, count in stored.inputs.weather["kind"].value_counts().items()}
    parts = [f"{cards.kind(str(kind))} {text.quantity(count, 'h')}" for kind, count in hours.items()]
    words = _("Weather: {parts}.", parts=", ".join(parts))
    if "climatology" in hours:
        margin = stored.plan.problem.plant.room.margin_c
        usual = _("Without a forecast it is the usual of the day plus {margin} °C.", margin=text.number(margin, 0))
        words = f"{words} {usual}"
    if "unavailable" in hours:
        unknown = _("Where it is not known, no limit of the room was looked at and no cooling counted.")
        words = f"{words} {unknown}"
    return html.P(words)


def made(heads: Iterable[KeptPlan]) -> dict[str, str]:
    """Plans as choices, by when they were made and from when they are."""
    told = ((head.id, text.moment(head.created_at), text.day(head.first_day, "short")) for head in heads)
    return {plan: _("made {moment}, from {day}", moment=moment, day=day) for plan, moment, day in told}


def days(stored: StoredPlan | None) -> dict[str, str]:
    """The days of a plan as choices, all of them first."""
    known = stored.plan.problem.days if stored else []
    return {ALL_DAYS: _("all days")} | {day.isoformat(): text.day(day, "short") for day in known}


def batches(stored: StoredPlan | None) -> dict[str, str]:
    """The batches of a plan as choices, in the order of their start."""
    known = sorted(stored.plan.batches, key=lambda batch: batch.start) if stored else []
    return {NO_BATCH: _("none")} | {
        batch.name: f"{batch.name} · {plan_words.heading(batch.product)} · {text.moment(batch.start)}"
        for batch in known
    }
