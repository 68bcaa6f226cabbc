"""How good and how sure the price forecast is: the proof of its models, how it fared since, and its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import dash
import pandas as pd
from dash import ALL, ClientsideFunction, Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from chocofactory.bootstrap import factory
from chocofactory.core.errors import FactoryError, StoreError
from chocofactory.services.exports import file_name
from components import cards, controls, listings, model_figures, model_parts, model_versions, names
from components.text import N_, _, ngettext, page_title
from components.toasts import failure, notify, run_to_follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from dash.development.base_component import Component

    from chocofactory.services.versions import Version

dash.register_page(__name__, path="/model-health", name=N_("Models"), title=page_title(N_("Model health")), order=3)

Answer = TypeVar("Answer")
KIND = "train_models"
USUAL_MODEL = "ensemble"
USUAL_DAYS = 90
POLL_MS = 1000
RECENT = 8


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    empty = "models-empty"
    body = "models-body"
    headline = "models-headline"
    facts = "models-facts"
    train = "models-train"
    progress = "models-progress"
    run = "models-run"
    poll = "models-poll"
    done = "models-done"
    changed = "models-changed"
    version = "models-version"
    model = "models-model"
    days = "models-days"
    proof = "models-proof"
    unproved = "models-unproved"
    board = "models-board"
    lead = "models-lead"
    calibration = "models-calibration"
    hour = "models-hour"
    realised = "models-realised"
    leads = "models-leads"
    due = "models-due"
    undue = "models-undue"
    versions = "models-versions"
    rollback = "models-rollback"
    promotions = "models-promotions"
    trainings = "models-trainings"
    asked = "models-asked"
    modal = "models-modal"
    question = "models-question"
    confirm = "models-confirm"
    cancel = "models-cancel"
    export_proof = "models-export-proof"
    export_realised = "models-export-realised"
    download = "models-download"


def layout(version: object = None, model: object = None, days: object = None, **_query: Any) -> Component:
    """The frame; the address may hold ``version`` (whose proof is shown), ``model`` and ``days`` that came true."""
    models = {name: names.model(name) for name in names.MODELS if name != model_figures.REFERENCE}
    lengths = {str(n): ngettext("{n} day", "{n} days", n) for n in (30, USUAL_DAYS, 365)}
    versions = model_versions.choices(factory().models.versions())
    chosen = controls.choice_of(version, versions, model_versions.SERVING)
    train_anew = controls.button(_("Train anew"), ids.train, icon_name="arrow-clockwise", kind="primary")
    return html.Div(
        [
            html.Div([html.H1(_("Model health")), train_anew], className="page-head"),
            html.Div(id=ids.progress),
            html.Div(id=ids.empty),
            html.Div(
                [
                    html.Div(cards.skeleton(_("The models are being judged"), 60), id=ids.headline),
                    html.Div(cards.skeleton(_("The models are being judged"), 130), id=ids.facts, className="kpis"),
                    html.Section(
                        [
                            html.H2(_("Proof")),
                            html.Div(
                                [
                                    controls.select(ids.version, _("Version"), versions, chosen),
                                    controls.select(
                                        ids.model, _("Model"), models, controls.choice_of(model, models, USUAL_MODEL)
                                    ),
                                    controls.button(_("CSV"), ids.export_proof, icon_name="download"),
                                ],
                                className="toolbar",
                            ),
                            html.Div(id=ids.unproved),
                            _proof_section(),
                        ]
                    ),
                    html.Section(
                        [
                            html.H2(_("As it came true")),
                            html.Div(id=ids.undue),
                            _due_section(lengths, controls.choice_of(days, lengths, str(USUAL_DAYS))),
                        ]
                    ),
                    *_versions_sections(),
                ],
                id=ids.body,
            ),
            model_versions.dialog(ids.modal, ids.question, ids.confirm, ids.cancel),
            dcc.Store(id=ids.run),
            dcc.Store(id=ids.done, data=_newest_end()),
            dcc.Store(id=ids.changed, data=0),
            dcc.Store(id=ids.asked),
            dcc.Interval(id=ids.poll, interval=POLL_MS),
            dcc.Download(id=ids.download),
        ]
    )


CHANGES = (Input(ids.done, "data"), Input(ids.changed, "data"))
MINUTE = Input("minute", "n_intervals")
LOOK = (Input("theme", "data"), Input("wide", "data"))
PROOF_CHARTS = (ids.lead, ids.calibration, ids.hour)


@callback(
    Output(ids.empty, "children"),
    Output(ids.body, "hidden"),
    Output(ids.headline, "children"),
    Output(ids.facts, "children"),
    MINUTE,
    *CHANGES,
)
def summary(_minutes: int | None, *_changes: Any) -> tuple[Any, bool, Any, Any]:
    """How good and how sure, first; why nothing can be said, where the store does not answer."""
    try:
        serving, found = factory().models.serving(), factory().accuracy.realised()
    except StoreError as error:
        return failure(names.told(error.message, error.fields)), True, None, None
    return None, False, model_parts.headline(serving, found), model_parts.fact_cards(serving, found)


@callback(
    Output(ids.version, "options"),
    Output(ids.proof, "hidden"),
    Output(ids.unproved, "children"),
    Output(ids.board, "children"),
    Input(ids.version, "value"),
    *CHANGES,
)
def proof(version: str, *_changes: Any) -> tuple[Any, bool, Any, Any]:
    """The leaderboard over the proof of a version, or why there is none."""
    known = _told(factory().models.versions)
    options = [{"value": key, "label": words} for key, words in model_versions.choices(known).items()]
    found = _proved(version)
    if found is None:
        return options, True, model_parts.nothing_proved(trained=bool(known)), None
    serving = _told(factory().models.serving).model
    words = [html.P(model_parts.proof_words(found), className="muted"), model_parts.leaderboard(found.report, serving)]
    return options, False, None, [*words, html.P(model_parts.spot_words(found.report), className="muted small")]


@callback(
    *(Output(chart, "figure") for chart in PROOF_CHARTS),
    *(Output(f"{chart}-caption", "children") for chart in PROOF_CHARTS),
    Input(ids.version, "value"),
    Input(ids.model, "value"),
    *LOOK,
    *CHANGES,
)
def charts(version: str, model: str, theme: str, wide: bool, *_changes: Any) -> tuple[Any, ...]:
    """The error by days ahead and by hour, and whether the bands keep their promise; nothing without a proof."""
    shown = _proved(version)
    if shown is None:
        raise PreventUpdate
    scores = model_figures.scores_frame(shown.report)
    return (
        model_figures.error_by_lead(scores, model, theme=theme, wide=wide),
        model_figures.calibration(scores, model, theme=theme),
        model_figures.error_by_hour(scores, model, theme=theme, wide=wide),
        model_parts.lead_twin(scores),
        model_parts.calibration_caption(scores),
        model_parts.hour_twin(scores),
    )


@callback(
    Output(ids.realised, "figure"),
    Output(f"{ids.realised}-caption", "children"),
    Output(ids.leads, "children"),
    Output(ids.due, "hidden"),
    Output(ids.undue, "children"),
    Input(ids.days, "value"),
    MINUTE,
    *LOOK,
    *CHANGES,
)
def realised(days: str, _minutes: int | None, theme: str, wide: bool, *_changes: Any) -> tuple[Any, ...]:
    """What the archived forecasts came to; that none has come due yet, where none has."""
    found, usual = (_told(factory().accuracy.realised, length) for length in (int(days), USUAL_DAYS))
    if model_figures.known_days(found.daily).empty:
        return dash.no_update, None, None, True, model_parts.nothing_due(found)
    alarms = {alarm.code for alarm in usual.alarms}
    figure = model_figures.realised_errors(found.daily, usual.drift.median_90d, alarms, theme=theme, wide=wide)
    leads = [model_parts.realised_leads(found.by_lead), model_parts.realised_from_spot(found.from_spot)]
    return figure, model_parts.realised_twin(found.daily), leads, False, None


@callback(
    Output(ids.versions, "children"),
    Output(ids.promotions, "children"),
    Output(ids.rollback, "children"),
    *CHANGES,
)
def versions(*_changes: Any) -> tuple[Any, Any, Any]:
    """All versions with what can be done with each, and which served since when."""
    models = factory().models
    known, serving, history = _told(models.versions), _told(models.serving).version, _told(models.history)
    lost = not model_versions.can_roll_back(history, known)
    back = controls.button(_("Roll back"), model_versions.act_id("rollback", ""), disabled=lost)
    return (
        model_versions.versions_table(known, serving.id if serving else None),
        model_versions.promotions_table(history, known),
        back,
    )


@callback(
    Output(ids.modal, "is_open"),
    Output(ids.question, "children"),
    Output(ids.confirm, "children"),
    Output(ids.asked, "data"),
    Output(ids.changed, "data"),
    Input(model_versions.act_id(ALL, ALL), "n_clicks"),
    Input(ids.confirm, "n_clicks"),
    Input(ids.cancel, "n_clicks"),
    State(ids.asked, "data"),
    State(ids.changed, "data"),
    prevent_initial_call=True,
)
def decide(_acts: list[int], _confirm: int, _cancel: int, asked: dict[str, str], changed: int) -> tuple[Any, ...]:
    """Ask before something is done with a version, then do it and say so."""
    pressed, same = dash.ctx.triggered_id, dash.no_update
    if not dash.ctx.triggered[0]["value"]:
        raise PreventUpdate  # buttons that were just drawn
    if pressed == ids.cancel:
        return False, same, same, None, same
    if pressed == ids.confirm:
        _act(asked["act"], asked["version"])
        return False, same, same, None, changed + 1
    act, version = pressed["act"], pressed["version"]
    words = model_versions.question(act, factory().models.show(version) if version else None)
    return True, words, _(model_versions.ACTS[act].words), {"act": act, "version": version}, same


@callback(Output(ids.run, "data"), Input(ids.train, "n_clicks"), prevent_initial_call=True)
def train(_clicks: int) -> str | None:
    """Train anew; a training that is under way already is shown instead."""
    return run_to_follow(lambda: factory().jobs.start(KIND, {}, "dashboard"))


@callback(
    Output(ids.progress, "children"),
    Output(ids.trainings, "children"),
    Output(ids.done, "data"),
    Output(ids.poll, "disabled"),
    Output(ids.train, "disabled"),
    Input(ids.poll, "n_intervals"),
    Input(ids.run, "data"),
    MINUTE,
    State(ids.done, "data"),
)
def watch(_ticks: int | None, started: str | None, _minutes: int | None, done: str) -> tuple[Any, ...]:
    """Follow the training that was started here or is under way; stop asking when there is none.

    ``done`` holds the newest run of which the page has shown the end: when it changes, the rest is drawn anew.
    """
    recent = factory().jobs.recent(KIND, RECENT)
    shown = [run for run in recent if run.finished_at is None or run.id == started]
    lines = [cards.job_progress(run, names.job(run.kind), model_versions.train_result(run)) for run in shown]
    progress = html.Section(lines, className="panel") if lines else None
    busy = any(run.finished_at is None for run in recent)
    ended = recent[0].id if recent and not busy else done
    news = dash.no_update if ended == done else ended
    return progress, listings.runs_table(recent, factory().clock.now()), news, not busy, busy


@callback(
    Output(ids.download, "data"),
    Input(ids.export_proof, "n_clicks"),
    Input(ids.export_realised, "n_clicks"),
    State(ids.version, "value"),
    State(ids.days, "value"),
    prevent_initial_call=True,
)
def export(_proof: int, _realised_clicks: int, version: str, days: str) -> dict[str, Any]:
    """All scores of the proof, or the errors of each day that came true, as CSV."""
    if dash.ctx.triggered_id == ids.export_realised:
        found = _told(factory().accuracy.realised, int(days))
        return _csv(found.daily.reset_index(), file_name("realised", found.first, found.last, "csv"))
    shown = _proved(version)
    if shown is None:
        notify(_("There is no proof to save yet."), "warning")
        raise PreventUpdate
    report = shown.report
    return _csv(pd.DataFrame(report["scores"]), f"proof_{report['first']}_{report['last']}.csv")


dash.clientside_callback(
    ClientsideFunction("controls", "url"), *(Input(name, "value") for name in (ids.version, ids.model, ids.days))
)


def _proof_section() -> Component:
    board = html.Section(
        [
            html.H2(_("All models beside copying last week")),
            html.Div(cards.skeleton(_("The models are being judged"), 260), id=ids.board),
        ],
        className="panel",
    )
    lead = controls.graph(ids.lead, _("How far off, by days ahead"), filename=ids.lead, height="25rem")
    calibration = controls.graph(ids.calibration, _("How honest the bands are"), filename=ids.calibration)
    hour = controls.graph(ids.hour, _("How far off, by hour of the day"), filename=ids.hour)
    return html.Div([board, lead, html.Div([calibration, hour], className="columns")], id=ids.proof)


def _due_section(lengths: dict[str, str], chosen: str) -> Component:
    actions = [
        controls.select(ids.days, _("Last"), lengths, chosen),
        controls.button(_("CSV"), ids.export_realised, icon_name="download"),
    ]
    shown = controls.graph(
        ids.realised, _("How far off it really was"), filename=ids.realised, actions=actions, height="30rem"
    )
    leads = html.Section([html.H2(_("By days ahead, as it came true")), html.Div(id=ids.leads)], className="panel")
    return html.Div([shown, leads], id=ids.due)


def _versions_sections() -> list[Component]:
    head = html.Div([html.H2(_("Versions")), html.Div(id=ids.rollback)], className="page-head")
    return [
        html.Section([head, html.Div(id=ids.versions)], className="panel"),
        html.Section([html.H2(_("Which version served since when")), html.Div(id=ids.promotions)], className="panel"),
        html.Section([html.H2(_("Last trainings")), html.Div(id=ids.trainings)], className="panel"),
    ]


def _act(act: str, version: str) -> None:
    """Do what was confirmed; say what came of it."""
    models = factory().models
    deeds = {
        "promote": lambda: models.promote(version, "dashboard"),
        "rollback": lambda: models.rollback("dashboard"),
        "delete": lambda: models.delete(version),
    }
    try:
        deeds[act]()
    except FactoryError as error:
        notify(names.told(error.message, error.fields), "error")
    else:
        notify(_(model_versions.ACTS[act].done), "good")


def _newest_end() -> str:
    """The newest training, if it has ended: what the page is drawn with."""
    newest = next(iter(factory().jobs.recent(KIND, 1)), None)
    return newest.id if newest and newest.finished_at else ""


def _proved(version: str) -> Version | None:
    return model_versions.proved(_told(factory().models.versions), _told(factory().models.serving).version, version)


def _told(ask: Callable[..., Answer], *given: Any) -> Answer:
    """An answer of a service; nothing is drawn where the store does not give one: ``summary`` says why."""
    try:
        return ask(*given)
    except StoreError:
        raise PreventUpdate from None


def _csv(frame: pd.DataFrame, filename: str) -> dict[str, Any]:
    return {"content": frame.to_csv(index=False, lineterminator="\n"), "filename": filename, "type": "text/csv"}
