"""How good and how sure the price forecast is, in words, cards and tables."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from dash import html

from components import cards, names, text
from components.model_figures import (
    DIGITS,
    MEAN_DAYS,
    NOMINAL,
    REFERENCE,
    known_days,
    ordered,
    part,
    scores_frame,
    whole,
)
from components.tables import Column, table, table_twin
from components.text import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

    from chocofactory.services.accuracy import Realised
    from chocofactory.services.models import Serving
    from chocofactory.services.versions import Version

_SIGNIFICANT = 0.05
_SAME = 0.005
_LEAST_P = 0.001
_TWIN_DAYS = 28


def headline(serving: Serving, found: Realised) -> Component:
    """How good and how sure the forecast is, in sentences: what it promised, and how it fared since."""
    words = [_good(serving), *(names.told(reason.template, reason.fields) for reason in serving.reasons)]
    return html.P(
        [html.Span([sentence, " "]) for sentence in [*words, *since(found)]], className="lead told", role="status"
    )


def since(found: Realised) -> list[str]:
    """How the forecasts fared that have come due: what is unusual, that nothing is, or that it is too early to say."""
    if found.alarms:
        return [names.told(alarm.message.template, alarm.message.fields) for alarm in found.alarms]
    if found.drift.enough:
        return [_("Nothing unusual since.")]
    return [_("Too few forecasts have come due so far to say more.")]


def fact_cards(serving: Serving, found: Realised) -> list[Component]:
    """What serves, how far off it was in its proof, how much its band held, and what has come true."""
    return [_serving_card(serving), *_proof_cards(serving), _realised_card(found)]


def proof_words(version: Version) -> str:
    """Over which days a version was proved, and how."""
    report = version.report
    first, last = (date.fromisoformat(report[end]) for end in ("first", "last"))
    return _(
        "{days}: {origins} from midnight of each day, seven days long; refitted every {refit}. No model had seen what"
        " it was asked for.",
        days=text.date_range(first, last),
        origins=ngettext("{n} forecast", "{n} forecasts", report["origins"]),
        refit=ngettext("{n} day", "{n} days", report["refit_days"]),
    )


def leaderboard(report: Mapping[str, Any], serving: str) -> Component:
    """All models over one proof, the best first, each beside the naive one and beside the one that ``serving`` names.

    Parameters
    ----------
    report
        As the forecasting's ``report`` makes it, with at least one model. Models that tell one day alone are left out.

    """
    scores = scores_frame(report)
    found = {model: part(scores, model, "all").iloc[0] for model in whole(scores)}
    tomorrow = {model: part(scores, model, "lead_day")["mae"].get(1, np.nan) for model in found}
    rivals = [REFERENCE, *([serving] if serving in found and serving != REFERENCE else [])]
    columns = (
        Column(_("Model"), lambda model: _marked(model, serving)),
        Column(_("Error, €/kWh"), _error, numeric=True),
        Column(_("of the naive error"), text.percent, numeric=True),
        *(Column(_("Beside {model}", model=names.model(rival)), _as_it_is) for rival in rivals),
        Column(_("Error tomorrow"), _error, numeric=True),
        Column(_("In the 50 % band"), text.percent, numeric=True),
        Column(_("In the 90 % band"), text.percent, numeric=True),
        Column(_("Bias"), _signed, numeric=True),
        Column(_("Pinball loss"), _error, numeric=True),
    )
    rows = [
        (
            model,
            row["mae"],
            row["rmae"],
            *(comparison_words(report["comparisons"], model, rival) for rival in rivals),
            tomorrow[model],
            row["coverage_50"],
            row["coverage_90"],
            row["bias"],
            row["pinball"],
        )
        for model, row in sorted(found.items(), key=lambda entry: float(entry[1]["mae"]))
    ]
    return html.Div(table(columns, rows, _("All models over the proof, the best first")), className="roomy")


def spot_words(report: Mapping[str, Any]) -> str | None:
    """How far off tomorrow is once its spot prices are out; None where that was not tried."""
    row = part(scores_frame(report), names.FROM_SPOT, "lead_day")
    if 1 not in row.index:
        return None
    return _(
        "Once the day-ahead prices of tomorrow are out, tomorrow is off by {error}, {share} of the naive error.",
        error=text.price(row.loc[1, "mae"], DIGITS),
        share=text.percent(row.loc[1, "rmae"]),
    )


def comparison_words(comparisons: Sequence[Mapping[str, Any]], model: str, versus: str) -> Any:
    """Whether a model is better than another, plainly, with the difference of errors, its interval and its p-value."""
    if model == versus:
        return text.MISSING
    found = _comparison(comparisons, model, versus)
    if found is None:
        return text.MISSING
    difference, low, high, p = found
    plain = _("no significant difference")
    if p < _SIGNIFICANT:
        plain = _("better") if difference < 0 else _("worse")
    chance = f"p < {text.number(_LEAST_P, 3)}" if p < _LEAST_P else f"p = {text.number(p, 3)}"
    lines = f"{_signed(difference)}, {chance}", _("{low} to {high}", low=_signed(low), high=_signed(high))
    return [html.Div(plain), *(html.Div(line, className="muted small nowrap") for line in lines)]


def lead_twin(scores: pd.DataFrame) -> Component:
    """The error of every model by days ahead."""
    return _errors_twin(scores, "lead_day", _("Days ahead"), text.number, _("Mean absolute error by days ahead, €/kWh"))


def hour_twin(scores: pd.DataFrame) -> Component:
    """The error of every model by hour of the day."""
    heading = _("Mean absolute error by hour of the day, €/kWh")
    return _errors_twin(scores, "hour", _("Hour"), lambda hour: f"{int(hour):02d}:00", heading)


def calibration_caption(scores: pd.DataFrame) -> list[Component]:
    """How to read the calibration, and the share of prices below each quantile of every model."""
    words = _("On the dotted line as promised; above it prices came out lower than forecast, below it higher.")
    models = whole(scores)[::-1]
    shares = {model: part(scores, model, "all").iloc[0] for model in models}
    columns = (
        Column(_("Promised"), text.percent, numeric=True),
        *(
            Column(names.model(model).capitalize(), lambda share: text.percent(share, 1), numeric=True)
            for model in models
        ),
    )
    rows = [(level, *(shares[model][name] for model in models)) for name, level in NOMINAL.items()]
    twin = table_twin(columns, rows, _("Share of the prices below each quantile"))
    return [html.P(words, className="muted small"), twin]


def realised_twin(daily: pd.DataFrame) -> Component:
    """The error of each day as it came true, the newest first; ``daily`` as ``services.accuracy.Realised`` has it."""
    columns = (
        Column(_("Day"), lambda day: text.date_range(day, day)),
        Column(_("Hours"), text.number, numeric=True),
        Column(_("Error, €/kWh"), _error, numeric=True),
        Column(_("14-day mean"), _error, numeric=True),
        Column(names.model(REFERENCE).capitalize(), _error, numeric=True),
        Column(_("Bias"), _signed, numeric=True),
        Column(_("In the 90 % band"), text.percent, numeric=True),
    )
    known = known_days(daily).iloc[::-1]
    parts = known[["hours", "mae", "mae_14d", "naive_mae", "bias", "coverage_90"]].to_numpy(dtype=float)
    rows = [(stamp.date(), *row) for stamp, row in zip(known.index, parts, strict=True)]
    return table_twin(columns, rows, _("The error of each day as it came true"), filed=True, most=_TWIN_DAYS)


def realised_leads(by_lead: pd.DataFrame) -> Component:
    """What has come true by days ahead; ``by_lead`` as ``services.accuracy`` has it."""
    columns = (
        Column(_("Days ahead"), text.number),
        Column(_("Hours"), text.number, numeric=True),
        Column(_("Error, €/kWh"), _error, numeric=True),
        Column(_("of the naive error"), text.percent, numeric=True),
        Column(_("Bias"), _signed, numeric=True),
        Column(_("In the 90 % band"), text.percent, numeric=True),
    )
    parts = by_lead[["n", "mae", "rmae", "bias", "coverage_90"]].to_numpy(dtype=float)
    rows = [(lead, *row) for lead, row in zip(by_lead.index, parts, strict=True)]
    return table(columns, rows, _("What has come true, by days ahead"))


def realised_from_spot(row: pd.Series) -> Component | None:
    """How the first day came true where it was told from its day-ahead prices; None where nothing has come due."""
    if not row["n"]:
        return None
    words = _(
        "Told from the day's own spot prices, which is counted apart, the first day was off by {error}; {share} of its"
        " prices lay in the 90 % band.",
        error=text.price(row["mae"], DIGITS),
        share=text.percent(row["coverage_90"]),
    )
    return html.P(words, className="muted small")


def nothing_proved(*, trained: bool) -> Component:
    """What stands where there is no proof; ``trained`` says whether there is a version all the same."""
    if trained:
        title, why = _("No version has been proved yet"), _("Too little history was known when they were trained.")
        return cards.empty_state(title, why, _("Train anew when there are eleven weeks of prices."))
    return cards.empty_state(
        _("No model has been trained yet"),
        _("A training proves all models on the last 60 days that they have not seen."),
        _("It needs eight weeks of prices and starts with the button above."),
    )


def nothing_due(found: Realised) -> Component:
    """What stands where no archived forecast can be compared with prices."""
    why = _("Every forecast is archived; how far off it was is known when its prices are out.")
    if found.since is not None:
        why = _("The first archived forecast speaks of {day}.", day=text.date_range(found.since, found.since))
    return cards.empty_state(_("No forecast has come due yet"), why, _("Come back then."))


def _good(serving: Serving) -> str:
    """What the proof of the version that serves promised."""
    if serving.version is None or serving.model == REFERENCE:
        return _("The naive model serves: it copies the same hour of last week.")
    row = _proof_row(serving)
    if row is None:
        called = names.model(serving.model)
        return _("What serves is the {model}; too little history was known to prove how good it is.", model=called)
    return _(
        "The forecast of the next seven days is off by {error} on average, {compared}; in the {days} of its proof"
        " {share} of the prices lay in the 90 % band.",
        error=text.price(row["mae"]),
        compared=_compared(serving, float(row["rmae"])),
        days=ngettext("{n} day", "{n} days", serving.version.report["origins"]),
        share=text.percent(row["coverage_90"]),
    )


def _proof_row(serving: Serving) -> pd.Series | None:
    """The scores of what serves over the proof of its version, with ``tomorrow``, its error then; None without one."""
    if serving.version is None or not serving.version.report.get("scores"):
        return None
    scores = scores_frame(serving.version.report)
    rows = part(scores, serving.model, "all")
    if rows.empty:
        return None
    tomorrow = part(scores, serving.model, "lead_day")["mae"].get(1, np.nan)
    return pd.concat([rows.iloc[0], pd.Series({"tomorrow": tomorrow})])


def _compared(serving: Serving, rmae: float) -> str:
    """How the error of what serves lies beside the naive one; that it may be chance, where that was not ruled out."""
    if abs(rmae - 1) < _SAME:
        return _("as much as copying last week")
    words = _("{share} less than copying last week") if rmae < 1 else _("{share} more than copying last week")
    told = words.format(share=text.percent(abs(1 - rmae)))
    report = serving.version.report if serving.version else {}
    found = _comparison(report.get("comparisons", ()), serving.model, REFERENCE)
    by_chance = found is None or found[3] >= _SIGNIFICANT
    return _("{told} (perhaps by chance)", told=told) if by_chance else told


def _comparison(
    comparisons: Sequence[Mapping[str, Any]], model: str, versus: str
) -> tuple[float, float, float, float] | None:
    """Difference of errors [EUR/kWh], both ends of its interval and its p-value, turned where it was made so."""
    made = {(one["model"], one["versus"]): one for one in comparisons if one["p_value"] is not None}
    if one := made.get((model, versus)):
        return one["difference_eur_kwh"], one["low"], one["high"], one["p_value"]
    if one := made.get((versus, model)):
        return -one["difference_eur_kwh"], -one["high"], -one["low"], one["p_value"]
    return None


def _serving_card(serving: Serving) -> Component:
    lines = []
    if serving.version is not None:
        lines.append(_("version of {moment}", moment=text.moment(serving.version.created_at)))
    if serving.since is not None:
        lines.append(_("since {moment}", moment=text.moment(serving.since)))
    called = html.Span(names.model(serving.model).capitalize(), className="kpi-words")
    return cards.kpi(_("Serves"), called, detail=[html.Div(line) for line in lines])


def _proof_cards(serving: Serving) -> list[Component]:
    """Error and band of the model that serves, over the proof of its version."""
    labels = _("Mean error, next seven days"), _("Prices in the 90 % band")
    row = _proof_row(serving)
    if row is None:
        why = _("Nothing is proved of what serves.")
        return [cards.kpi(label, text.MISSING, detail=why) for label in labels]
    error = [
        html.Div(_compared(serving, float(row["rmae"]))),
        html.Div(_("tomorrow: {error}", error=text.price(row["tomorrow"], DIGITS))),
    ]
    band = [
        html.Div(_("promised: {share}", share=text.percent(0.9))),
        html.Div(_("it is {width} wide on average", width=text.price(row["width_90"]))),
    ]
    return [
        cards.kpi(labels[0], text.number(row["mae"], DIGITS), "€/kWh", error),
        cards.kpi(labels[1], text.percent(row["coverage_90"]), detail=band),
    ]


def _realised_card(found: Realised) -> Component:
    label = _("As it came true, {n} days", n=MEAN_DAYS)
    if found.drift.mae_14d is None:
        return cards.kpi(label, text.MISSING, detail=_("No forecast has come due in these days."))
    usual = _("usual: {error}", error=text.price(found.drift.median_90d, DIGITS))
    band = _("{share} of the prices in the 90 % band", share=text.percent(found.drift.coverage_14d))
    lines = [html.Div(usual), html.Div(band)]
    if found.alarms:
        lines.append(html.Div(ngettext("{n} alarm", "{n} alarms", len(found.alarms)), className="warn"))
    return cards.kpi(label, text.number(found.drift.mae_14d, DIGITS), "€/kWh", lines)


def _errors_twin(scores: pd.DataFrame, group: str, head: str, write: Any, caption: str) -> Component:
    models = ordered(scores["model"])[::-1]
    errors = {model: part(scores, model, group)["mae"] for model in models}
    keys = sorted(scores.loc[scores["group"] == group, "key"].unique().tolist())
    columns = (
        Column(head, write),
        *(Column(names.model(model).capitalize(), _error, numeric=True) for model in models),
    )
    rows = [(key, *(errors[model].get(key, np.nan) for model in models)) for key in keys]
    return table_twin(columns, rows, caption)


def _marked(model: str, serving: str) -> Any:
    called = names.model(model).capitalize()
    if model != serving:
        return called
    return html.Span([called, " ", html.Span(_("serves"), className="provenance")])


def _as_it_is(written: Any) -> Any:
    return written


def _error(value: float) -> str:
    return text.number(value, DIGITS)


def _signed(value: float) -> str:
    written = text.number(value, DIGITS)
    return f"+{written}" if value > 0 and written != text.number(0, DIGITS) else written
