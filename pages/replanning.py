"""The part of the Production page that makes a plan anew, and follows it while it is being made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash
from dash import ALL, Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from chocofactory.bootstrap import factory
from chocofactory.core.errors import FactoryError
from chocofactory.services.carrying import standing
from chocofactory.services.planning import KIND
from components import cards, names, plan_form
from components.text import _
from components.toasts import run_to_follow

if TYPE_CHECKING:
    from datetime import datetime

    from dash.development.base_component import Component

    from chocofactory.planning.plan import Plan

POLL_MS = 1000
Choices = tuple[list[dict[str, str]], list[str], bool]
"""What a list of boxes offers, what is ticked, and whether it is hidden."""


class ids:  # noqa: N801 - read as a namespace
    """Ids of this part."""

    progress = "production-progress"
    run = "production-run"
    done = "production-done"
    poll = "production-poll"


def panel() -> Component:
    """The form, folded, and how far a plan is that is being made; ``ids.done`` changes when one is there."""
    return html.Div(
        [
            html.Details([html.Summary(_("Plan anew")), plan_form.form(factory().plant)], className="panel"),
            html.Div(id=ids.progress),
            dcc.Store(id=ids.run),
            dcc.Store(id=ids.done, data=""),
            dcc.Interval(id=ids.poll, interval=POLL_MS, disabled=True),
        ]
    )


def register_callbacks() -> None:
    """Wire the part; its page asks for it whenever it is loaded, so that every application of a process has it."""
    callback(
        Output(ids.run, "data"),
        Input(plan_form.ids.submit, "n_clicks"),
        State(plan_form.ids.begin, "value"),
        State(plan_form.ids.days, "value"),
        State(plan_form.ids.slot, "value"),
        State(plan_form.ids.machine, "value"),
        State(plan_form.ids.until, "value"),
        State(plan_form.ids.locks, "value"),
        State(plan_form.ids.lost, "value"),
        State({"type": "replan-target", "product": ALL}, "value"),
        prevent_initial_call=True,
    )(plan_anew)
    callback(
        Output(ids.progress, "children"),
        Output(ids.done, "data"),
        Output(ids.poll, "disabled"),
        Output(plan_form.ids.submit, "disabled"),
        Input(ids.poll, "n_intervals"),
        Input(ids.run, "data"),
        Input("minute", "n_intervals"),
        State(ids.done, "data"),
    )(watch)
    callback(
        Output(plan_form.ids.locks, "options"),
        Output(plan_form.ids.locks, "value"),
        Output(plan_form.ids.locks_frame, "hidden"),
        Input(plan_form.ids.begin, "value"),
        Input(ids.done, "data"),
        State(plan_form.ids.locks, "value"),
    )(locks)
    callback(
        Output(plan_form.ids.lost, "options"),
        Output(plan_form.ids.lost, "value"),
        Output(plan_form.ids.lost_frame, "hidden"),
        Input(plan_form.ids.begin, "value"),
        Input(ids.done, "data"),
        Input("minute", "n_intervals"),
        State(plan_form.ids.lost, "value"),
    )(lost)


def plan_anew(
    _clicks: int,
    begin: str,
    days: str,
    slot: str,
    machine: str,
    until: str | None,
    locks: list[str] | None,
    lost: list[str] | None,
    targets: list[float | None],
) -> str | None:
    """Make a plan as the form says; one that is being made already is shown instead. Raises InvalidInput."""
    params = plan_form.order(
        begin=begin,
        days=days,
        slot=slot,
        machine=machine,
        until=until,
        locks=locks or (),
        lost=lost or (),
        targets=dict(zip(factory().plant.product_names, targets, strict=True)),
        now=factory().clock.now(),
    )
    return run_to_follow(lambda: factory().jobs.start(KIND, params, "dashboard"))


def watch(_ticks: int | None, started: str | None, _minutes: int | None, done: str) -> tuple[Any, ...]:
    """Follow the plan that is being made; the page is drawn anew when it is there."""
    recent = factory().jobs.recent(KIND, 1)
    busy = any(run.finished_at is None for run in recent)
    shown = [run for run in recent if run.finished_at is None or run.id == started]
    lines = [cards.job_progress(run, names.job(run.kind)) for run in shown]
    progress = html.Section(lines, className="panel") if lines else None
    ended = recent[0].id if recent and not busy else done
    return progress, dash.no_update if ended == done else ended, not busy, busy


def locks(begin: str, _done: str, chosen: list[str] | None) -> Choices:
    """What can stay as planned: batches of the plan that holds when the new one begins, from then on."""
    start, followed = _followed(begin)
    return _choices(plan_form.lockable(followed, start) if followed else [], chosen)


def lost(begin: str, _done: str, _minutes: int | None, chosen: list[str] | None) -> Choices:
    """What can be given up: batches that run when the new plan begins, and those that somebody locked before."""
    start, followed = _followed(begin)
    return _choices(plan_form.losable(standing(followed, start), start) if followed else [], chosen)


def _followed(begin: str) -> tuple[datetime, Plan | None]:
    """When the new plan begins, and the one that holds then."""
    start = plan_form.begins(begin, factory().clock.now())
    try:
        followed = factory().planning.in_force(start)
    except FactoryError:
        raise PreventUpdate from None  # the page says why
    return start, followed.plan if followed else None


def _choices(options: list[dict[str, str]], chosen: list[str] | None) -> Choices:
    """Choices as a list of boxes takes them: what was chosen and is offered still stays so; none are not shown."""
    offered = {option["value"] for option in options}
    return options, [name for name in chosen or () if name in offered], not options


def made(started: str | None, done: str) -> str | None:
    """The number of the plan that a reader asked for (run ``started``), when it is there; None while nothing is."""
    if not started or started != done:
        return None
    found = (factory().jobs.get(started).result or {}).get("plan_id")
    return str(found) if found else None
