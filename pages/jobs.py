"""What runs by itself and when, what it came to, and every run with all that is known of it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from chocofactory.bootstrap import factory
from chocofactory.services.jobs import told_params
from components import cards, controls, names, task_lists
from components.text import N_, _, page_title
from components.toasts import notify, run_to_follow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dash.development.base_component import Component


dash.register_page(__name__, path="/jobs", name=N_("Jobs"), title=page_title(N_("Jobs")), order=6)

POLL_MS = 1000
MOST = 50
"""Runs that the history shows."""


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    scheduler = "jobs-scheduler"
    progress = "jobs-progress"
    history = "jobs-history"
    kind = "jobs-kind"
    state = "jobs-state"
    run = "jobs-run"
    changed = "jobs-changed"
    shown = "jobs-shown"
    runs = "jobs-runs"
    poll = "jobs-poll"


def layout(kind: object = None, state: object = None, **_query: Any) -> Component:
    """The whole page but its history; the address may hold the ``kind`` and the ``state`` of the runs in it."""
    schedule = factory().schedule
    scheduler, entries = schedule.scheduler(), schedule.entries()
    now = factory().clock.now()  # after the entries: a task that is due at once is so at their moment
    kinds, states = task_lists.kind_choices(factory().jobs.kinds), task_lists.state_choices()
    return html.Div(
        [
            html.Div([html.H1(_("Jobs")), task_lists.switch_button(None, scheduler)], className="page-head"),
            html.Div(task_lists.scheduler_words(scheduler), id=ids.scheduler, className="lead told", role="status"),
            html.Div(id=ids.progress),
            html.Section(
                [html.H2(_("What runs by itself")), task_lists.tasks_table(entries, scheduler, now)], className="panel"
            ),
            html.Section(
                [
                    html.H2(_("What was run")),
                    html.Div(
                        [
                            controls.select(
                                ids.kind, _("Kind"), kinds, controls.choice_of(kind, kinds, task_lists.ANY)
                            ),
                            controls.select(
                                ids.state, _("State"), states, controls.choice_of(state, states, task_lists.ANY)
                            ),
                        ],
                        className="toolbar",
                    ),
                    html.Div(cards.skeleton(_("The runs are being looked up"), 260), id=ids.history),
                ],
                className="panel",
            ),
            dcc.Store(id=ids.run),
            dcc.Store(id=ids.changed, data=0),
            dcc.Store(id=ids.shown, data=_mark(_tasks())),
            dcc.Store(id=ids.runs),
            dcc.Interval(id=ids.poll, interval=POLL_MS),
        ]
    )


@callback(
    Output(ids.progress, "children"),
    Output(ids.shown, "data"),
    Output(ids.runs, "data"),
    Output(ids.poll, "disabled"),
    Input(ids.poll, "n_intervals"),
    Input("minute", "n_intervals"),
    Input(ids.changed, "data"),
    State(ids.run, "data"),
    State(ids.shown, "data"),
    State(ids.runs, "data"),
)
def watch(_ticks: int | None, _minutes: int | None, _changes: int, started: str | None, *seen: Any) -> tuple[Any, ...]:
    """Follow what is under way and what was started here; write the tasks anew where they changed, cell by cell.

    Rows and buttons stay as they are, so that nobody loses the place of his keyboard. ``seen`` are marks of the tasks
    and of the runs that the page shows.
    """
    jobs = factory().jobs
    active = [*jobs.recent(state="running"), *jobs.recent(state="queued")]
    mine = jobs.find(started) if started else None
    followed = [*active, *([mine] if mine and mine.id not in {run.id for run in active} else [])]
    progress = [cards.job_progress(run, names.job(run.kind), task_lists.run_result(run)) for run in followed]
    panel = html.Section(progress, className="panel") if progress else None
    tasks = _tasks()
    marks = _mark(tasks), _mark([(run.id, run.state) for run in (*jobs.recent(limit=MOST), *active)])
    if marks[0] != seen[0]:
        for each, props in tasks:
            dash.set_props(each, props)
    news = [dash.no_update if mark == known else mark for mark, known in zip(marks, seen, strict=True)]
    return panel, *news, not active


@callback(
    Output(ids.history, "children"),
    Input(ids.runs, "data"),
    Input(ids.kind, "value"),
    Input(ids.state, "value"),
    State(task_lists.run_id(ALL), "n_clicks"),
)
def history(_news: int | None, kind: str, state: Any, _clicks: list[int | None]) -> Component:
    """The newest runs, all or those chosen; what a reader has unfolded stays so."""
    found = factory().jobs.recent(
        None if kind == task_lists.ANY else kind, MOST, None if state == task_lists.ANY else state
    )
    heads = dash.ctx.states_list[0]
    unfolded = {head["id"]["run"] for head in heads if (head.get("value") or 0) % 2}
    return task_lists.history([(run, told_params(run)) for run in found], unfolded, factory().clock.now())


@callback(
    Output(ids.run, "data"),
    Output(ids.changed, "data"),
    Input(task_lists.act_id(ALL, ALL), "n_clicks"),
    State(task_lists.act_id(ALL, ALL), "value"),
    State(ids.changed, "data"),
    prevent_initial_call=True,
)
def act(_clicks: list[int | None], _values: list[str | None], changed: int) -> tuple[Any, int]:
    """Run a task now, let it rest or go on, and say so."""
    pressed = dash.ctx.triggered_id
    if not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate  # buttons that were just drawn
    if pressed["act"] == task_lists.RUN:
        return _run(pressed["task"]), changed + 1
    values = {
        each["id"]["task"]: each.get("value") for each in dash.ctx.states_list[0] if each["id"]["act"] == "switch"
    }
    _switch(pressed["task"], values[pressed["task"]])
    return dash.no_update, changed + 1


dash.clientside_callback(ClientsideFunction("controls", "url"), Input(ids.kind, "value"), Input(ids.state, "value"))


def _run(task: str) -> Any:
    """Do now what a task does, whether it is due or not; the run to be followed."""
    run_id = run_to_follow(lambda: factory().schedule.run(task, "dashboard"))
    if run_id is None:
        notify(_("{task}: done.", task=task_lists.task_name(task)), "good")
        return dash.no_update
    return run_id


def _switch(task: str, wanted: str | None) -> None:
    """Let a task, or all, rest or go on."""
    schedule, every = factory().schedule, task == task_lists.ALL
    name = task_lists.task_name(task)
    if wanted == task_lists.RESUME:
        schedule.resume(None if every else task)
        notify(_("The scheduler goes on.") if every else _("{task}: goes on.", task=name), "good")
    else:
        schedule.pause(None if every else task, "dashboard")
        words = _("Nothing starts by itself until you resume it.")
        notify(words if every else _("{task}: paused until you resume it.", task=name), "good")


def _tasks() -> list[tuple[str | dict[str, Any], Mapping[str, Any]]]:
    """What the page shows of the scheduler and its tasks: properties by the ids that they belong to."""
    schedule = factory().schedule
    scheduler, entries = schedule.scheduler(), schedule.entries()
    now = factory().clock.now()  # after the entries: a task that is due at once is so at their moment
    shown: list[tuple[str | dict[str, Any], Mapping[str, Any]]] = [
        (ids.scheduler, {"children": task_lists.scheduler_words(scheduler)}),
        (task_lists.act_id("switch", task_lists.ALL), task_lists.switch(None, scheduler)),
    ]
    for entry in entries:
        name = entry.task.name
        for part, told in task_lists.cells(entry, scheduler, now).items():
            shown.append((task_lists.cell_id(name, part), {"children": told}))
        if not entry.off:
            shown.append((task_lists.act_id("switch", name), task_lists.switch(entry, scheduler)))
    return shown


def _mark(shown: object) -> int:
    return zlib.crc32(repr(shown).encode())
