"""Lists of what happened and of what is missing: job runs and gaps."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from dash import html

from components import names, text
from components.backfill_words import backfill_lines
from components.cards import run_state
from components.tables import Column, table
from components.text import N_, _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dash.development.base_component import Component

    from chocofactory.domain.gaps import Gap

MOST_GAPS = 100
_MOST = 8
_DAY_STATES: Mapping[str, str] = {
    "partial": N_("there in part"),
    "not_yet": N_("not published yet"),
    "late": N_("late"),
    "missing": N_("missing"),
}
_SEVERITIES: Mapping[str, str] = {"minor": N_("minor"), "moderate": N_("moderate"), "critical": N_("critical")}


def gaps_table(gaps: Sequence[Gap]) -> Component:
    """The newest gaps of a series first: from when to when, how many intervals, how severe."""
    if not gaps:
        return html.P(_("Nothing is missing."), className="state state-ok")
    columns = (
        Column(_("From"), text.moment),
        Column(_("Until"), text.moment),
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
        Column(_("When"), lambda moment: text.ago(now - moment) if moment <= now else text.moment(moment)),
        Column(_("Asked for by"), names.asker),
        Column(_("Outcome")),
    )
    rows = [(run.kind, run.state, run.created_at, run.requested_by, run_outcome(run)) for run in runs]
    return html.Div(table(columns, rows, _("The newest job runs")), className="runs")


def run_result(run: Any) -> Component | None:
    """What a run came to: a line for each market, source or file, and what it could not do; None while it goes on."""
    result = run.result or {}
    if "backfill" in result:
        return html.Ul([html.Li(line) for line in backfill_lines(result)], className="result")
    lines = [line for market in result.get("markets", ()) for line in _market_lines(market)]
    lines += _generation_lines(result) if "days" in result else []
    lines += [_source_line(source) for source in result.get("sources", ())]
    lines += [line for file in result.get("files", ()) for line in _file_lines(file)]
    lines += [f"{error['file']}: {names.explain(error)}" for error in result.get("errors", ()) if "file" in error]
    lines += [names.explain(error) for error in result.get("errors", ()) if "file" not in error]
    return html.Ul([html.Li(line) for line in lines], className="result") if lines else None


def run_outcome(run: Any) -> str:
    """What came of a run, in a sentence: its error, or its last message."""
    if run.error:
        return names.explain(run.error)
    return names.told(run.message, run.message_fields) if run.message else ""


def _market_lines(market: Mapping[str, Any]) -> list[str]:
    """What was fetched of a market, then the days that are not whole, those to be doubted, and the sources' errors."""
    name = names.market(market["market"])
    days = market["days"]
    counts = market["counts"]
    lines = [
        _(
            "{market}: {complete} of {days} days complete, {new} new and {changed} changed hours",
            market=name,
            complete=text.number(sum(day["state"] == "complete" for day in days)),
            days=text.number(len(days)),
            new=text.number(counts["new"]),
            changed=text.number(counts["changed"]),
        )
    ]
    suspect = [day["day"] for day in days if day["suspect"]]
    lines += _lacking_lines(days)
    lines += [_("{day}: kept, but it looks like a stale answer", day=_day(day)) for day in suspect]
    return [*lines, *(names.explain(error) for error in market["errors"])]


def _generation_lines(result: Mapping[str, Any]) -> list[str]:
    """What was fetched of generation, then the days that are not whole."""
    days, counts = result["days"], result["counts"]
    told = _(
        "Generation: {complete} of {days} days complete, {new} new and {changed} changed values",
        complete=text.number(sum(day["state"] == "complete" for day in days)),
        days=text.number(len(days)),
        new=text.number(counts["new"]),
        changed=text.number(counts["changed"]),
    )
    return [told, *_lacking_lines(days)]


def _lacking_lines(days: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first days that are not whole, and how many more there are."""
    lacking = [day for day in days if day["state"] != "complete"]
    lines = [_("{day}: {state}", day=_day(day["day"]), state=_(_DAY_STATES[day["state"]])) for day in lacking[:_MOST]]
    if len(lacking) > _MOST:
        lines.append(_("and {n} more days", n=text.number(len(lacking) - _MOST)))
    return lines


def _source_line(source: Mapping[str, Any]) -> str:
    """What a source of weather delivered, or why it did not."""
    if source["error"]:
        return names.explain(source["error"])
    if source["queued"]:
        rows = text.number(source["queued"])
        return _("{source}: {rows} rows wait for the store's server", source=names.source(source["source"]), rows=rows)
    return _(
        "{source}: {new} new and {changed} changed rows, {unchanged} as before",
        source=names.source(source["source"]),
        **{name: text.number(source[name]) for name in ("new", "changed", "unchanged")},
    )


def _file_lines(file: Mapping[str, Any]) -> list[str]:
    """What a file held, then its first rejected lines and the days to be doubted."""
    counts = {name: text.number(file[name]) for name in ("rows", "new", "changed", "blank")}
    counts["rejected"] = text.number(len(file["rejected"]))
    if "kept" in file:
        told = _(
            "{file}: {rows} days, {new} new, {changed} changed; {blank} blank, {rejected} lines rejected",
            file=file["file"],
            **counts,
        )
    elif "series" in file:
        told = _(
            "{file}: {rows} values, {new} new, {changed} changed; {blank} blank, {rejected} lines rejected",
            file=file["file"],
            **counts,
        )
    else:
        told = _(
            "{file}: {rows} prices, {new} new, {changed} changed; {blank} blank, {rejected} lines rejected",
            file=file["file"],
            **counts,
        )
    faults = file["rejected"][:_MOST]
    lines = [
        _("line {line}: {reason}", line=text.number(fault["line"]), reason=names.explain(fault)) for fault in faults
    ]
    if file.get("queued"):
        rows = text.number(file["queued"])
        lines.append(_("{file}: {rows} rows wait for the store's server", file=file["file"], rows=rows))
    suspect = file.get("suspect", ())
    return [told, *lines, *(_("{day}: kept, but it looks like a stale answer", day=_day(day)) for day in suspect)]


def _day(written: str) -> str:
    return text.day(date.fromisoformat(written), "full")
