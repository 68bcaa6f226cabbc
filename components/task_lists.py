"""What runs by itself and what was run: the scheduler in a sentence, its tasks, and runs with all that is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from dash import html

from components import cards, controls, listings, model_versions, names, text
from components.tables import Column, table
from components.text import N_, _

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from dash.development.base_component import Component

TASKS: Mapping[str, str] = {
    "prices_today": N_("Prices up to today"),
    "spot_tomorrow": N_("Tomorrow's day-ahead prices"),
    "pvpc_tomorrow": N_("Tomorrow's PVPC"),
    "weather": N_("Observed weather"),
    "weather_forecast": N_("Weather forecast"),
    "weather_checked": N_("Checked days of weather"),
    "generation": N_("Generation"),
    "weather_history": N_("History of weather"),
    "outbox": N_("What waits for InfluxDB"),
    "gaps": N_("Filling gaps"),
    "forecast": N_("Price forecast"),
    "training": N_("Training of the price models"),
    "plan_next_days": N_("Plan of the next days"),
    "plan_of_the_day": N_("Plan of the day"),
}
ALL = ""
"""Stands for all tasks where one can be named."""
ANY = "all"
"""Stands for all runs where they can be chosen by kind and state."""
RUN, PAUSE, RESUME = "run", "pause", "resume"
_OUTCOMES: Mapping[str, str] = {
    "started": N_("A run was started."),
    "done": N_("It was done at once."),
    "nothing": N_("Nothing was due."),
    "busy": N_("A run of its kind was under way."),
    "resting": N_("It rests after its last run."),
    "failed": N_("It could not be told what is due."),
}
_SUCCESSES = frozenset({"succeeded", "partial"})
_ENDS = (("first", "last"), ("start", "end"))
_TOLD_ELSEWHERE = frozenset({"requested_by"})
_LONG_S = 120
_SECONDS = 60


class Scheduler(Protocol):
    """How the scheduler is, as ``services.schedule.Scheduler`` has it."""

    runs: bool
    beat_at: datetime | None
    paused_at: datetime | None
    paused_by: str | None


class Entry(Protocol):
    """A task with what came of it, as ``services.schedule.Entry`` has it."""

    task: Any
    next_at: datetime | None
    off: bool
    state: Any
    run: Any
    last_success: Any


def act_id(act: Any, task: Any) -> dict[str, Any]:
    """The id of a button: ``run`` a task now, or ``switch`` between pausing and resuming it (or all, ``ALL``)."""
    return {"type": "jobs-act", "act": act, "task": task}


def cell_id(task: str, part: str) -> dict[str, Any]:
    """The id of a cell that is written anew while its row stays: ``next``, ``looked`` or ``run`` of a task."""
    return {"type": "jobs-cell", "part": part, "task": task}


def run_id(run: Any) -> dict[str, Any]:
    """The id of the head of a run in the history: it counts how often the run was unfolded and folded."""
    return {"type": "jobs-head", "run": run}


def task_name(name: str) -> str:
    """A task in words."""
    return _(TASKS.get(name, name))


def scheduler_words(scheduler: Scheduler) -> Component:
    """Whether anything happens by itself, in a sentence; that nothing does is a warning."""
    parts = []
    if scheduler.paused_at is not None:
        since, who = text.moment(scheduler.paused_at), names.asker(scheduler.paused_by or text.MISSING)
        parts.append(_("All tasks are paused since {since} ({who}).", since=since, who=who))
    if scheduler.beat_at is None:
        parts.append(_("The scheduler has not run yet: nothing happens by itself."))
    elif not scheduler.runs:
        since = text.moment(scheduler.beat_at)
        parts.append(_("The scheduler has not run since {since}: nothing happens by itself.", since=since))
    if not parts:
        words = _("The scheduler runs: each task is looked at when it is time.")
        return html.Span([controls.icon("check-circle"), words], className="state state-ok")
    return html.Span([controls.icon("exclamation-triangle"), " ".join(parts)], className="state state-partial")


def switch(entry: Entry | None, scheduler: Scheduler) -> dict[str, str]:
    """Words, name for screen readers and ``value`` (what it does) of a button that pauses or resumes; None: all."""
    paused = (scheduler if entry is None else entry.state).paused_at is not None
    act = RESUME if paused else PAUSE
    if entry is None:
        words = _("Resume all") if paused else _("Pause all")
        return {"children": words, "aria-label": words, "value": act}
    words = _("Resume") if paused else _("Pause")
    return {"children": words, "aria-label": f"{words}: {task_name(entry.task.name)}", "value": act}


def switch_button(entry: Entry | None, scheduler: Scheduler) -> Component:
    """The button of :func:`switch`."""
    props = switch(entry, scheduler)
    words = props.pop("children")
    return controls.button(words, act_id("switch", entry.task.name if entry else ALL), **props)


def cells(entry: Entry, scheduler: Scheduler, now: datetime) -> dict[str, Any]:
    """What changes in the row of a task, by part: the next look, the last one, the last run."""
    return {
        "next": _next(entry, scheduler, now),
        "looked": _looked(entry.state),
        "run": _last_run(entry, now),
    }


def tasks_table(entries: Sequence[Entry], scheduler: Scheduler, now: datetime) -> Component:
    """Every task: when it is looked at next, what came of the last look, its last run, and what can be done."""
    if not entries:
        return html.P(_("The settings leave nothing that runs by itself."), className="muted")
    columns = (
        Column(_("Task"), lambda entry: task_name(entry.task.name)),
        Column(_("Next look"), lambda entry: _cell(entry, "next", scheduler, now)),
        Column(_("Last look"), lambda entry: _cell(entry, "looked", scheduler, now)),
        Column(_("Last run by itself"), lambda entry: _cell(entry, "run", scheduler, now)),
        Column(_("Actions"), lambda entry: _buttons(entry, scheduler)),
    )
    rows = [(entry,) * len(columns) for entry in entries]
    return html.Div(table(columns, rows, _("What runs by itself")), className="roomy tasks")


def state_choices() -> dict[str, str]:
    """The states in which runs can be chosen, after all of them."""
    return {ANY: _("All states"), **{state: _(words) for state, (_sign, words) in cards.RUN_STATES.items()}}


def kind_choices(kinds: Collection[str]) -> dict[str, str]:
    """The kinds of which runs can be chosen by their names, after all of them."""
    return {ANY: _("All kinds"), **dict(sorted(((kind, names.job(kind)) for kind in kinds), key=lambda one: one[1]))}


def history(runs: Sequence[tuple[Any, Mapping[str, Any]]], unfolded: Collection[str], now: datetime) -> Component:
    """Runs with their parameters, newest first; each unfolds to all that is known, those in ``unfolded`` (ids) are."""
    if not runs:
        return html.P(_("There are no such runs."), className="muted")
    return html.Div([_run(run, params, now, unfolded=run.id in unfolded) for run, params in runs], className="job-runs")


def run_facts(run: Any, params: Mapping[str, Any], now: datetime) -> list[tuple[str, Any]]:
    """All that is known of a run, each fact under its name: who asked and for what, how it went, what it came to."""
    facts: list[tuple[str, Any]] = [(_("Asked for by"), names.asker(run.requested_by))]
    asked = params_lines(params)
    if asked:
        facts.append((_("Asked for"), html.Ul([html.Li(line) for line in asked], className="result")))
    if run.started_at is not None:
        facts.append((_("Began"), text.moment(run.started_at)))
    took = _took(run, now)
    if took and run.finished_at is not None:
        facts.append((_("Took"), took))
    if run.finished_at is not None and run.state not in _SUCCESSES:
        facts.append((_("How far it came"), text.percent(run.progress / 100)))
    if run.finished_at is None:
        facts.append((_("How far it is"), _("It is under way: its progress stands above.")))
    elif run.message:
        facts.append((_("Last message"), names.told(run.message, run.message_fields)))
    result = run_result(run)
    if result is not None:
        facts.append((_("Outcome"), result))
    if run.error:
        facts.append((_("Why"), names.explain(run.error)))
    return [*facts, (_("Number"), html.Code(run.id))]


def run_result(run: Any) -> Component | None:
    """What a run came to, in words; None where its messages say it all, and while it goes on."""
    return model_versions.train_result(run) if run.kind == "train_models" else listings.run_result(run)


def params_lines(params: Mapping[str, Any]) -> list[Any]:
    """What a run was asked for, a line each: days, markets, source and files in words, the rest as it is written."""
    rest = {name: value for name, value in params.items() if name not in _TOLD_ELSEWHERE and _says_something(value)}
    lines: list[Any] = []
    for first, last in _ENDS:
        ends = [controls.day_of(rest.get(name)) for name in (first, last)]
        if ends[0] and ends[1]:
            lines.append(text.date_range(ends[0], ends[1]))
            rest = {name: value for name, value in rest.items() if name not in (first, last)}
    for name, write in (("markets", _market), ("files", str)):
        if isinstance(rest.get(name), list):
            lines.append(", ".join(write(each) for each in rest.pop(name)))
    if isinstance(rest.get("source"), str):
        lines.append(names.source(rest.pop("source")))
    if rest.pop("force", False):
        lines.append(_("what is there, again"))
    rest.pop("remove", None)
    return [*lines, *(html.Code(f"{name}: {_written(value)}") for name, value in rest.items())]


def duration(seconds: float) -> str:
    """How long something took: ``0,4 s``, ``75 s``, ``12 min``."""
    if seconds >= _LONG_S:
        return text.quantity(seconds / _SECONDS, "min")
    return text.quantity(seconds, "s", 0 if seconds >= 10 else 1)  # noqa: PLR2004


def _run(run: Any, params: Mapping[str, Any], now: datetime, *, unfolded: bool) -> Component:
    head = [
        html.Strong(names.job(run.kind)),
        cards.run_state(run.state),
        html.Span(text.moment(run.created_at), className="muted"),
    ]
    took = _took(run, now) if run.finished_at is not None else ""
    if took:
        head.append(html.Span(took, className="muted"))
    facts: list[Component] = []
    for name, fact in run_facts(run, params, now):
        facts += [html.Dt(name), html.Dd(fact)]
    clicks = {"n_clicks": 1} if unfolded else {}
    return html.Details([html.Summary(head, id=run_id(run.id), **clicks), html.Dl(facts)], open=unfolded)


def _cell(entry: Entry, part: str, scheduler: Scheduler, now: datetime) -> Component:
    return html.Div(cells(entry, scheduler, now)[part], id=cell_id(entry.task.name, part))


def _next(entry: Entry, scheduler: Scheduler, now: datetime) -> Any:
    state = entry.state
    if state.paused_at is not None:
        since, who = text.moment(state.paused_at), names.asker(state.paused_by or text.MISSING)
        told = _("since {since} ({who})", since=since, who=who)
        return [html.Div(_("paused"), className="warn"), html.Div(told, className="muted small")]
    if scheduler.paused_at is not None:
        return html.Div(_("paused with all"), className="warn")
    if entry.next_at is None:
        return _("never by itself")
    return _("due now") if entry.next_at <= now else text.moment(entry.next_at)


def _looked(state: Any) -> Any:
    if state.looked_at is None or state.outcome is None:
        return _("not looked at yet")
    parts = [html.Div(text.moment(state.looked_at))]
    parts.append(
        html.Div(_(_OUTCOMES[state.outcome]), className="warn" if state.outcome == "failed" else "muted small")
    )
    if state.error:
        parts.append(html.Div(names.explain(state.error), className="small"))
    return parts


def _last_run(entry: Entry, now: datetime) -> Any:
    run = entry.run
    if run is None:
        return text.MISSING
    took = _took(run, now)
    when = text.moment(run.created_at)
    told = _("{when}, took {duration}", when=when, duration=took) if took and run.finished_at else when
    parts = [html.Div(cards.run_state(run.state)), html.Div(told, className="muted small")]
    if run.error:
        parts.append(html.Div(names.explain(run.error), className="small"))
    success = entry.last_success
    if run.finished_at is not None and run.state not in _SUCCESSES and success is not None:
        parts.append(html.Div(_("last went well: {moment}", moment=text.moment(success.created_at)), className="small"))
    return parts


def _buttons(entry: Entry, scheduler: Scheduler) -> Component:
    """Run now, and pause or resume; what is never looked at by itself has nothing to pause."""
    words = _("Run now")
    label = {"aria-label": f"{words}: {task_name(entry.task.name)}"}
    buttons = [controls.button(words, act_id(RUN, entry.task.name), **label)]
    if not entry.off:
        buttons.append(switch_button(entry, scheduler))
    return html.Div(buttons, className="facts")


def _took(run: Any, now: datetime) -> str:
    if run.started_at is None:
        return ""
    return duration(((run.finished_at or now) - run.started_at).total_seconds())


def _market(name: str) -> str:
    return names.market(name) if name in names.MARKETS else name


def _says_something(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
