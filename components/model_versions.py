"""The versions of the price models: which there are, which serves, what can be done with each, and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dash_bootstrap_components as dbc
from dash import html

from chocofactory.core.errors import FactoryError
from components import controls, names, text
from components.model_figures import DIGITS, part, scores_frame
from components.tables import Column, table
from components.text import N_, _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

    from chocofactory.services.models import Promotion
    from chocofactory.services.versions import Version


@dataclass(frozen=True)
class Act:
    """Something that can be done with a version: the button's words, what is asked before it, what is said after it."""

    words: str
    question: str
    done: str


ACTS: Mapping[str, Act] = {
    "promote": Act(
        N_("Promote"),
        N_("The version of {moment} will serve from now on, until another one is promoted."),
        N_("The version serves from now on."),
    ),
    "rollback": Act(
        N_("Roll back"),
        N_("The version that served before this one will serve again."),
        N_("The version that served before serves again."),
    ),
    "delete": Act(
        N_("Delete"),
        N_("The version of {moment} will be deleted with its files. This cannot be undone."),
        N_("The version is deleted."),
    ),
}
SERVING = "serving"
"""What stands for whichever version serves, where one is chosen."""
_BYTES = 1_000_000


def act_id(act: Any, version: Any) -> dict[str, Any]:
    """The id of the button that does ``act`` with a version."""
    return {"type": "model-act", "act": act, "version": version}


def choices(versions: Sequence[Version]) -> dict[str, str]:
    """The versions whose proof can be shown, by their ids, after whichever serves."""
    proved = {one.id: version_name(one) for one in versions if one.report.get("scores")}
    return {SERVING: _("the one that serves"), **proved}


def proved(versions: Sequence[Version], serving: Version | None, wanted: str) -> Version | None:
    """The version whose proof is ``wanted``; in place of none that is there the one that serves, or the newest."""
    known = {one.id: one for one in versions if one.report.get("scores")}
    for sought in (wanted, serving.id if serving else ""):
        if sought in known:
            return known[sought]
    return next(iter(known.values()), None)


def can_roll_back(promotions: Sequence[Promotion], versions: Sequence[Version]) -> bool:
    """Whether a version served before the present one that is still there and sound."""
    there = {one.id for one in versions if not one.damaged}
    return any(one.version in there - {promotions[0].version} for one in promotions)


def version_name(version: Version) -> str:
    """A version by the moment at which it was trained."""
    return text.moment(version.created_at)


def versions_table(versions: Sequence[Version], serving: str | None) -> Component:
    """The newest versions first: from what they learnt, how good they were, and buttons for what can be done."""
    if not versions:
        return html.P(_("No model has been trained yet."), className="muted")
    columns = (
        Column(_("Trained"), lambda one: _named(one, serving)),
        Column(_("Learnt from"), _learnt),
        Column(_("Error, €/kWh"), lambda one: text.number(_proved_error(one)[0], DIGITS), numeric=True),
        Column(_("of the naive error"), lambda one: text.percent(_proved_error(one)[1]), numeric=True),
        Column(_("What was decided"), _verdict),
        Column(_("Took"), lambda one: text.quantity(one.duration_s or None, "s"), numeric=True),
        Column(_("Size"), lambda one: text.quantity(one.size_bytes / _BYTES, "MB", 1), numeric=True),
        Column(_("Actions"), lambda one: _buttons(one, serving)),
    )
    rows = [(one,) * len(columns) for one in versions]
    return html.Div(table(columns, rows, _("Versions of the models, the newest first")), className="roomy")


def promotions_table(promotions: Sequence[Promotion], versions: Sequence[Version]) -> Component:
    """Which version served since when, who wanted it, and why."""
    if not promotions:
        return html.P(_("No version has served yet."), className="muted")
    known = {one.id: _("version of {moment}", moment=version_name(one)) for one in versions}
    columns = (
        Column(_("Since"), text.moment),
        Column(_("Serves"), lambda name: names.model("naive").capitalize() if name is None else known.get(name, name)),
        Column(_("Asked for by"), names.asker),
        Column(_("Why"), lambda reason: names.told(reason.template, reason.fields)),
    )
    rows = [(one.at, one.version, one.requested_by, one.reason) for one in promotions]
    return table(columns, rows, _("Which version served since when"))


def train_result(run: Any) -> Component | None:
    """What a training came to: whether its version serves now, and how good it was; None while it goes on."""
    result = run.result or {}
    if not result.get("version"):
        return None
    words = _("Its version serves now.") if result["promoted"] else _("Its version is kept and does not serve.")
    if result.get("mae_eur_kwh") is None:
        return html.P(words)
    error, share = text.price(result["mae_eur_kwh"], DIGITS), text.percent(result["rmae"])
    return html.P([words, " ", _("Over its proof: {error}, {share} of the naive error.", error=error, share=share)])


def question(act: str, version: Version | None) -> str:
    """What is asked before something is done."""
    return _(ACTS[act].question, moment=version_name(version) if version else "")


def dialog(dialog_id: str, question_id: str, confirm_id: str, cancel_id: str) -> Component:
    """What asks before something is done: a question and two buttons, of which the first does it."""
    buttons = [controls.button("", confirm_id, kind="primary"), controls.button(_("Leave it"), cancel_id)]
    return dbc.Modal(
        [dbc.ModalBody(html.P(id=question_id)), dbc.ModalFooter(buttons)],
        id=dialog_id,
        is_open=False,
        centered=True,
        labelledby=question_id,
    )


def _named(version: Version, serving: str | None) -> Component:
    parts: list[Any] = [html.Div(version_name(version), className="nowrap")]
    parts.append(html.Code(version.id, className="small"))
    if version.id == serving:
        parts.append(html.Div(html.Span([controls.icon("check-circle"), _("serves")], className="state state-ok")))
    if version.damaged:
        parts.append(html.Div(html.Span([controls.icon("x-octagon"), _("damaged")], className="state state-failed")))
    return html.Div(parts)


def _learnt(version: Version) -> Any:
    if version.first is None or version.last is None:
        return text.MISSING
    hours = _("{hours} hours", hours=text.number(version.hours))
    return html.Div([html.Div(text.date_range(version.first, version.last)), html.Div(hours, className="muted small")])


def _proved_error(version: Version) -> tuple[float, float]:
    """Error and relative error over the proof of the model that would serve; NaN of a version without one."""
    if not version.report.get("scores"):
        return float("nan"), float("nan")
    scores = scores_frame(version.report)
    best = next(name for name in [*names.MODELS, *scores["model"]] if name in set(scores["model"]))
    row = part(scores, best, "all").iloc[0]
    return float(row["mae"]), float(row["rmae"])


def _verdict(version: Version) -> str:
    """What was decided when it was trained, or what is wrong with it."""
    said = version.damage or version.verdict
    if said is None:
        return text.MISSING
    template = said.message if isinstance(said, FactoryError) else said.template
    return names.told(template, said.fields)


def _buttons(version: Version, serving: str | None) -> Component:
    """Promote and delete; the one that serves can be neither, a damaged one only deleted."""
    acts = [] if version.id == serving else ["delete"] if version.damaged else ["promote", "delete"]
    if not acts:
        return html.Span(_("serves: cannot be deleted"), className="muted small")
    return html.Div(
        [
            controls.button(
                _(ACTS[act].words),
                act_id(act, version.id),
                **{"aria-label": f"{_(ACTS[act].words)}: {version_name(version)}"},
            )
            for act in acts
        ],
        className="facts",
    )
