"""Where the data comes from, how complete it is, and buttons to fetch, fill and import."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dash
from dash import Input, Output, State, callback, dcc, html

from chocofactory.bootstrap import factory
from chocofactory.core.clock import local_date
from chocofactory.core.errors import JobBusy, StoreError
from chocofactory.domain.measurements import price_series
from chocofactory.services.backfill import KIND as BACKFILL
from chocofactory.services.imports import LARGEST_UPLOAD_BYTES, import_uploads
from chocofactory.services.ranges import FIRST_DAY, check_days
from components import calendar_figures, cards, controls, listings, names, twins
from components.text import N_, _, page_title
from components.toasts import notify, run_to_follow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from dash.development.base_component import Component

    from chocofactory.domain.measurements import Series
    from chocofactory.services.health import Source

dash.register_page(__name__, path="/data", name=N_("Data"), title=page_title(N_("Data")), order=5)

USUAL_DAYS = 30
POLL_MS = 1000
RECENT = 8


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    sources = "data-sources"
    series = "data-series"
    coverage = "data-coverage"
    shown = "data-shown"
    gaps = "data-gaps"
    fetch = "data-fetch"
    first = "data-first"
    last = "data-last"
    force = "data-force"
    fill = "data-fill"
    fill_all = "data-fill-all"
    what = "data-what"
    upload = "data-upload"
    upload_siar = "data-upload-siar"
    upload_generation = "data-upload-generation"
    run = "data-run"
    progress = "data-progress"
    poll = "data-poll"
    done = "data-done"
    recent = "data-recent"


UPLOADS = {
    ids.upload: "import_prices",
    ids.upload_siar: "etl_siar",
    ids.upload_generation: "import_generation",
}
"""The kind of run that brings in what is dropped on each upload."""
FILLED = {
    "ingest_prices": N_("Prices"),
    "ingest_weather": N_("Observed weather"),
    "ingest_climatology": N_("Checked days"),
    "ingest_generation": N_("Generation"),
}
"""What can be fetched of a range of days, by kind of run."""


def layout(first: object = None, last: object = None, **_query: Any) -> Component:
    """The frame; the address may hold the range to fill, ``first`` and ``last`` (YYYY-MM-DD)."""
    today = local_date(factory().clock.now())
    begin_day = controls.day_of(first) or today - timedelta(days=USUAL_DAYS)
    end_day = controls.day_of(last) or today
    series = {str(one): names.series(one) for one in _series()}
    return html.Div(
        [
            html.H1(_("Data")),
            html.Section([html.H2(_("Sources")), html.Div(id=ids.sources, className="source-grid")]),
            html.Section(
                [
                    html.H2(_("Fetch, fill, import")),
                    html.Div(
                        [
                            _buttons(),
                            _range_form(begin_day, end_day, today),
                            _uploads(),
                        ],
                        className="actions",
                    ),
                    html.Div(id=ids.progress),
                ],
                className="panel",
            ),
            html.Section([controls.select(ids.series, _("Series"), series, next(iter(series)))], className="toolbar"),
            html.Div(controls.graph(ids.coverage, _("What is there, day by day"), filename="coverage"), id=ids.shown),
            html.Section([html.H2(_("Gaps")), html.Div(id=ids.gaps)], className="panel"),
            html.Section([html.H2(_("Last runs")), html.Div(id=ids.recent)], className="panel"),
            dcc.Store(id=ids.run),
            dcc.Store(id=ids.done, data=""),
            dcc.Interval(id=ids.poll, interval=POLL_MS),
        ]
    )


@callback(Output(ids.sources, "children"), Input("minute", "n_intervals"), Input(ids.done, "data"))
def sources(_minutes: int | None, _done: str) -> list[Component]:
    """Each source: whether it answers, since when, and why not."""
    now = factory().clock.now()
    outbox = factory().health.outbox()
    waiting = [cards.outbox_card(outbox)] if outbox is not None else []
    return [*waiting, *(_source(source, now) for source in factory().health.sources())]


@callback(
    Output(ids.coverage, "figure"),
    Output(f"{ids.coverage}-caption", "children"),
    Output(ids.shown, "hidden"),
    Output(ids.gaps, "children"),
    Input(ids.series, "value"),
    Input(ids.done, "data"),
    Input("theme", "data"),
)
def coverage(name: str, _done: str, theme: str) -> tuple[Any, Any, bool, Any]:
    """What is there of a series day by day, and the list of its gaps."""
    series = next((series for series in _series() if str(series) == name), price_series())
    try:
        found = factory().gaps.find(series)
        if found is None:
            return dash.no_update, None, True, _nothing_yet()
        table = factory().gaps.coverage(series, local_date(found.start), local_date(found.end - timedelta(seconds=1)))
    except StoreError as error:
        return dash.no_update, None, True, html.P(names.told(error.message, error.fields), className="warn")
    figure = calendar_figures.coverage_calendar(table, theme=theme)
    listed = [html.P(names.series(series), className="muted"), listings.gaps_table(found.gaps)]
    return figure, twins.coverage_twin(table), False, listed


@callback(
    Output(ids.run, "data"),
    Input(ids.fetch, "n_clicks"),
    Input(ids.fill, "n_clicks"),
    Input(ids.fill_all, "n_clicks"),
    *(Input(upload, "contents") for upload in UPLOADS),
    *(State(upload, "filename") for upload in UPLOADS),
    State(ids.what, "value"),
    State(ids.first, "value"),
    State(ids.last, "value"),
    State(ids.force, "value"),
    prevent_initial_call=True,
)
def begin(_fetch: int, _fill: int, _fill_all: int, *given: Any) -> list[str]:
    """Start what was asked for, and show it; a run of the kind that is under way already is shown instead."""
    asked = dash.ctx.triggered_id
    contents, names_of_files = given[: len(UPLOADS)], given[len(UPLOADS) : 2 * len(UPLOADS)]
    what, first, last, force = given[2 * len(UPLOADS) :]
    if asked == ids.fetch:
        return [run for kind, params in _news() if (run := _start(kind, params))]
    if asked == ids.fill_all:
        return [_start(BACKFILL, factory().backfill.params())]
    if asked == ids.fill:
        return [run] if (run := _fill_range(what, first, last, force=bool(force))) else dash.no_update
    place = list(UPLOADS).index(asked)
    return _import(UPLOADS[asked], contents[place] or [], names_of_files[place] or [])


@callback(
    Output(ids.progress, "children"),
    Output(ids.recent, "children"),
    Output(ids.done, "data"),
    Output(ids.poll, "disabled"),
    Output(ids.fetch, "disabled"),
    Output(ids.fill, "disabled"),
    Output(ids.fill_all, "disabled"),
    Input(ids.poll, "n_intervals"),
    Input(ids.run, "data"),
    State(ids.done, "data"),
)
def watch(_ticks: int | None, started: list[str] | None, done: str) -> tuple[Any, ...]:
    """Follow the runs that were started here and any that is under way; stop asking when there is none.

    ``done`` holds the newest run of which the page has shown the end: when it changes, the rest is drawn anew.
    """
    jobs = factory().jobs
    recent = jobs.recent(limit=RECENT)
    active = [run for run in recent if run.finished_at is None]
    others = [run for run in active if run.id not in (started or ())]
    shown = [*(jobs.get(run_id) for run_id in started or ()), *others]
    progress = [cards.job_progress(run, names.job(run.kind), listings.run_result(run)) for run in shown]
    busy = bool(active)
    ended = recent[0].id if recent and not busy else done
    news = dash.no_update if ended == done else ended
    return progress, listings.runs_table(recent, factory().clock.now()), news, not busy, busy, busy, busy


def _news() -> list[tuple[str, dict[str, Any]]]:
    """Runs that bring what is new: prices, weather, and days of generation and checked ones that are out by now."""
    today = local_date(factory().clock.now())
    weather, generation = factory().weather_ingestion, factory().generation_ingestion
    recent = [today - timedelta(days=1), today]
    asked = {
        "ingest_prices": [*recent, today + timedelta(days=1)],
        "ingest_weather": recent,
        "ingest_forecast": recent,
        "ingest_climatology": _due(weather.climatology_due),
        "ingest_generation": _due(generation.due),
    }
    able = {"ingest_prices", *weather.kinds, *generation.kinds}
    return [
        (kind, {"first": min(days).isoformat(), "last": max(days).isoformat()})
        for kind, days in asked.items()
        if days and kind in able
    ]


def _due(ask: Callable[[int], list[date]]) -> list[date]:
    """The days that are due; none while the store cannot say."""
    try:
        return ask(USUAL_DAYS)
    except StoreError:
        return []


def _series() -> list[Series]:
    """The series that can have gaps; while the store cannot say, the one that there always is: its state is shown."""
    try:
        return factory().gaps.series()
    except StoreError:
        return [price_series()]


def _start(kind: str, params: dict[str, Any]) -> str | None:
    """Start a run, or say that one of its kind is under way; the id of whichever it is."""
    return run_to_follow(lambda: factory().jobs.start(kind, params, "dashboard"))


def _fill_range(what: str, first: str, last: str, *, force: bool) -> str | None:
    begin_day, end_day = controls.day_of(first), controls.day_of(last)
    if begin_day is None or end_day is None:
        notify(_("Choose the first and the last day."), "warning")
        return None
    check_days(begin_day, end_day)
    if what == "ingest_prices":
        market = factory().ingestion.markets[0]
        factory().ingestion.check_range(market, begin_day, end_day)
    return _start(what, {"first": begin_day.isoformat(), "last": end_day.isoformat(), "force": force})


def _import(kind: str, contents: list[str], files: list[str]) -> list[str]:
    uploads = [(name, _decoded(content)) for name, content in zip(files, contents, strict=True)]
    try:
        return [import_uploads(factory().jobs, factory().uploads, kind, uploads, "dashboard").id]
    except JobBusy as busy:
        notify(_("Another import is under way: your files were not imported. Try again after it."), "warning")
        return [busy.run_id]


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content.partition(",")[2], validate=True)
    except binascii.Error:
        return b""


def _source(source: Source, now: datetime) -> Component:
    record = source.record
    error = record.last_error if record and record.failures else None
    return cards.source_card(
        names.source(source.name),
        source.state,
        age=now - record.last_success_at if record and record.last_success_at else None,
        error=names.explain(error) if error else None,
    )


def _buttons() -> Component:
    return html.Div(
        [
            controls.button(_("Fetch what is new"), ids.fetch, icon_name="arrow-clockwise", kind="primary"),
            controls.button(_("Fill all gaps"), ids.fill_all),
        ],
        className="buttons",
    )


def _range_form(first: date, last: date, today: date) -> Component:
    tomorrow = today + timedelta(days=1)
    kinds = ["ingest_prices", *factory().weather_ingestion.kinds, *factory().generation_ingestion.kinds]
    ranged = {kind: _(FILLED[kind]) for kind in kinds if kind in FILLED}
    return html.Div(
        [
            controls.select(ids.what, _("What"), ranged, "ingest_prices"),
            controls.date_input(ids.first, _("From"), first, earliest=FIRST_DAY, latest=tomorrow),
            controls.date_input(ids.last, _("Until"), last, earliest=FIRST_DAY, latest=tomorrow),
            controls.switch(ids.force, _("Fetch again what is there, for revisions")),
            controls.button(_("Fill this range"), ids.fill),
        ],
        className="range-form",
        role="group",
        **{"aria-label": _("Fill a range")},
    )


def _uploads() -> Component:
    labels = {
        ids.upload: _("Import price files (CSV, .gz)"),
        ids.upload_siar: _("Import SIAR files (CSV)"),
        ids.upload_generation: _("Import generation files (CSV, .gz)"),
    }
    return html.Div(
        [
            dcc.Upload(
                html.Button([controls.icon("upload"), label], className="btn btn-quiet"),
                id=upload,
                multiple=True,
                max_size=LARGEST_UPLOAD_BYTES,
                className="upload",
            )
            for upload, label in labels.items()
        ],
        className="uploads",
    )


def _nothing_yet() -> Component:
    return html.P(_("This series holds nothing yet: fetch it or import a file."), className="muted")
