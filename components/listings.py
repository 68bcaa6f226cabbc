"""Lists of what happened and of what is missing: job runs and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from components import names, text
from components.cards import run_state
from components.tables import Column, table
from components.text import N_, _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dash.development.base_component import Component

    from chocofactory.domain.gaps import Gap

MOST_GAPS = 100
_SEVERITIES: Mapping[str, str] = {"minor": N_("minor"), "moderate": N_("moderate"), "critical": N_("critical")}


def gaps_table(gaps: Sequence[Gap]) -> Component:
    """The newest gaps of a series first: from when to when, how many intervals, how severe."""
    if not gaps:
        return html.P(_("Nothing is missing."), className="state state-ok")
    columns = (
        Column(_("From"), dated),
        Column(_("Until"), dated),
        Column(_("Intervals"), text.number, numeric=True),
        Column(_("Severity"), lambda severity: _(_SEVERITIES[str(severity)])),
    )
    rows = [(gap.start, gap.end, gap.count, gap.severity) for gap in reversed(gaps)]
    count = ngettext("{n} gap", "{n} gaps", len(gaps))
    if len(rows) > MOST_GAPS:
        count = _("{count}; the newest {most} are listed.", count=count, most=text.number(MOST_GAPS))
    return html.Div([html.P(count, className="muted"), table(columns, rows[:MOST_GAPS], _("Gaps of the series"))])


def runs_table(runs: Sequence[Any], now: datetime) -> Component:
    """The newest job runs: what, how it ended, when, who asked, and what came of it."""
    if not runs:
        return html.P(_("Nothing has been run yet."), className="muted")
    columns = (
        Column(_("Run"), names.job),
        Column(_("State"), run_state),
        Column(_("When"), lambda moment: text.ago(now - moment) if moment <= now else dated(moment)),
        Column(_("Asked for by"), names.asker),
        Column(_("Outcome")),
    )
    rows = [(run.kind, run.state, run.created_at, run.requested_by, run_outcome(run)) for run in runs]
    return table(columns, rows, _("The newest job runs"))


def run_outcome(run: Any) -> str:
    """What came of a run, in a sentence: its error, or its last message."""
    if run.error:
        return _(run.error["message"], **run.error["fields"])
    return _(run.message, **run.message_fields) if run.message else ""


def dated(moment: datetime) -> str:
    """A moment on Madrid's clock with its year."""
    wall = text.local(moment)
    return f"{text.date_range(wall.date(), wall.date())}, {text.time(moment)}"
