"""What a plan says in words and cards: today in one sentence, what it costs and saves, what falls short and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dash import html

from chocofactory.core.clock import local_date
from chocofactory.planning.savings import cost_per_kg
from components import names, text
from components.cards import kpi
from components.controls import icon
from components.plan_words import called, euros, limit_words
from components.tables import Column, table
from components.text import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from dash.development.base_component import Component

    from chocofactory.planning.plan import Plan, Proof
    from chocofactory.planning.reasons import Move, Reasons
    from chocofactory.planning.savings import Savings

_SAME_EUR = 0.005
_LEAST_GAP = 1e-4


def today_sentence(plan: Plan, day: date, savings: Savings | None, now: datetime) -> Component:
    """What is to be started on a local day from now on, when first, what it costs, and how that compares to usual.

    ``savings`` compare the whole plan with the usual way of working; None where that is unknown. Where a plan has
    several days, the sentence says that the comparison is of all of them.
    """
    today = day == local_date(now)
    of_day = [batch for batch in plan.batches if local_date(batch.start) == day and batch.runs[0].planned]
    ahead = sorted((batch for batch in of_day if batch.start >= now), key=lambda batch: batch.start)
    parts = [_nothing(today=today, begun=len(of_day) > 0)]
    if ahead:
        stage = ahead[0].runs[0].stages[0].name
        words = (
            ngettext("Start {n} more batch", "Start {n} more batches", len(ahead))
            if len(ahead) < len(of_day)
            else ngettext("Start {n} batch", "Start {n} batches", len(ahead))
        )
        first = _("first {stage} at {time}", stage=called(stage), time=text.clock(ahead[0].start))
        parts = [words, first, euros(sum(batch.cost_eur for batch in ahead))]
    compared = against_usual(savings)
    if len(plan.problem.days) == 1 and ahead:
        parts[-1] = f"{parts[-1]}, {compared}"
    else:
        parts.append(_("the whole plan: {comparison}", comparison=compared))
    short = sum(one.batches for one in plan.shortfalls if one.day == day)
    if short:
        parts.append(ngettext("{n} batch short of the target", "{n} batches short of the target", short))
    sentence = "; ".join(parts) + "."
    if not today:
        sentence = f"{text.day(day)}: {sentence}"
    return html.P(sentence, className="verdict")


def against_usual(savings: Savings | None) -> str:
    """How a cost compares to the usual one: ``11 % below usual``; above is said as it is."""
    if savings is None or savings.share is None:
        return _("the usual cost is not known")
    size = text.percent(abs(savings.share))
    if size == text.percent(0):
        return _("as much as usual")
    words = _("{share} below usual") if savings.saved_eur > 0 else _("{share} above usual")
    return words.format(share=size)


def plan_cards(plan: Plan, savings: Savings | None, band: tuple[float, float] | None = None) -> Component:
    """Cost with its ``band`` (5 % to 95 % of cases, EUR), what is saved, cost per kg, energy, and the proof."""
    spread = None
    if band is not None:
        spread = _("nine times in ten between {low} and {high}", low=text.number(band[0], 2), high=euros(band[1]))
    usual = against_usual(savings)
    count = 0 if savings is None else sum(savings.compared.values())
    if savings is not None and not count:
        usual = _("no batch is finished that the usual way finishes, too")
    elif savings is not None:
        alike = ngettext("{n} batch compared", "{n} batches compared", count)
        usual = _("{comparison} ({cost}); {batches}", comparison=usual, cost=euros(savings.usual_eur), batches=alike)
    saved = text.number(savings.saved_eur if savings is not None and count else None, 2)
    per_kg = cost_per_kg(plan)
    known = per_kg["energy"] is not None
    energy = _("energy: {cost}", cost=text.quantity(per_kg["energy"], "€/kg", 3)) if known else None
    count_words = ngettext("{n} batch", "{n} batches", len(plan.batches))
    proof = html.Span(proof_words(plan.proof), className="kpi-words")
    return html.Div(
        [
            kpi(_("Energy cost of the plan"), text.number(plan.cost_eur, 2), "€", spread),
            kpi(_("Saved against usual"), saved, "€", usual),
            kpi(_("Cost of a kilogram"), text.number(per_kg["total"], 2), "€/kg", energy),
            kpi(_("Energy of the plan"), text.number(plan.energy_kwh), "kWh", count_words),
            kpi(_("Proof"), proof, "", _proof_detail(plan.proof)),
        ],
        className="kpis",
    )


def proof_words(proof: Proof) -> str:
    """How good the plan is proven to be."""
    if proof.status == "infeasible":
        return _("No plan keeps all limits")
    if proof.status == "optimal":
        return _("Proven best to {gap}", gap=text.percent(max(proof.gap, _LEAST_GAP), 2))
    return _("Best found, at most {gap} from the best", gap=text.percent(proof.gap, 2))


def margin_view(plan: Plan) -> Component:
    """What a kilogram of the plan costs, part by part, energy as planned; without batches nothing can be said."""
    found = cost_per_kg(plan)
    total = found.pop("total")
    if total is None:
        return html.P(_("No batch is planned, so no cost of a kilogram follows."), className="muted")
    names_ = (_("Materials"), _("Packaging"), _("Labour"), _("Overhead"), _("Energy"))
    parts = [(name, amount) for name, amount in zip(names_, found.values(), strict=True) if amount is not None]
    columns = (
        Column(_("Part")),
        Column("€/kg", lambda value: text.number(value, 3), numeric=True),
        Column(_("Share"), lambda share: text.percent(share, 1), numeric=True),
    )
    rows = [(name, amount, amount / total) for name, amount in parts]
    return table(columns, [*rows, (_("Total"), total, 1.0)], _("Cost of a kilogram"))


def shortfall_alert(plan: Plan) -> Component | None:
    """Which batches will not be finished in time and what binds; nothing where all are."""
    lines = []
    for one in plan.shortfalls:
        words = _(
            "{day}: {batches} of {product} short at its end.",
            day=text.day(one.day),
            batches=ngettext("{n} batch", "{n} batches", one.batches),
            product=called(one.product),
        )
        why = [names.told(limit.template, limit.fields) for limit in one.limits]
        lines.append(html.Li([html.Strong(words), *(f" {reason}" for reason in why)]))
    return _notice(_("The plan falls short of its target"), lines, "notice-warning")


def conflict_alert(plan: Plan) -> Component | None:
    """Which limits running or locked batches break whatever is planned; nothing where none does."""
    lines = [html.Li(names.told(one.message.template, one.message.fields)) for one in plan.conflicts]
    infeasible = plan.proof.status == "infeasible"
    title = _("No plan keeps all limits; this one breaks them least")
    return _notice(title if infeasible else _("What runs or is locked breaks limits"), lines, "notice-error")


def batch_reasons(reasons: Reasons) -> Component:
    """Why a batch starts when it does, which limits close cheaper starts, and what starting later would cost."""
    facts = [
        _(
            "It pays {price} on average: number {rank} of {of} starts by cost, the cheapest first.",
            price=text.price(reasons.price_eur_kwh),
            rank=text.number(reasons.rank),
            of=text.number(reasons.ranked),
        )
    ]
    shares = [f"{period} {text.percent(share)}" for period, share in sorted(reasons.periods.items()) if share > 0]
    if shares:
        facts.append(_("Its energy by tariff period: {shares}.", shares=", ".join(shares)))
    facts += [
        _(
            "{starts} closed, from {cost} on: {limit}.",
            starts=ngettext("{n} cheaper start", "{n} cheaper starts", each.starts),
            cost=euros(each.cost_eur),
            limit=limit_words(each.limit, each.block),
        )
        for each in reasons.closed
    ]
    if not reasons.closed:
        facts.append(_("No limit closes a cheaper start."))
    columns = (Column(_("Start")), Column(_("Difference"), _difference))
    rows = [(_later(move.later), move) for move in reasons.moves]
    head = _("Why batch {batch} starts {when}", batch=reasons.batch, when=text.moment(reasons.start))
    moved = [table(columns, rows, _("What a later start would cost"))] if rows else []
    return html.Div(
        [html.H3(head), html.Ul([html.Li(words) for words in facts], className="reasons"), *moved],
        className="batch-reasons",
    )


def _nothing(*, today: bool, begun: bool) -> str:
    if not today:
        return _("Nothing to start")
    return _("Nothing more to start today") if begun else _("Nothing to start today")


def _proof_detail(proof: Proof) -> str:
    return _("{solver}, {seconds}", solver=proof.solver, seconds=text.quantity(proof.seconds, "s", 1))


def _later(later: timedelta) -> str:
    if later == timedelta(days=1):
        return _("a day later")
    hours = later / timedelta(hours=1)
    length = text.quantity(hours, "h") if hours >= 1 else text.quantity(hours * 60, "min")
    return _("{length} later", length=length)


def _difference(move: Move) -> str:
    if move.more_eur is None:
        return _("not possible: {limit}", limit=limit_words(move.limit, move.block))
    if abs(move.more_eur) < _SAME_EUR:
        return _("the same")
    words = _("{amount} dearer") if move.more_eur > 0 else _("{amount} cheaper")
    return words.format(amount=euros(abs(move.more_eur)))


def _notice(title: str, lines: Sequence[Component], look: str) -> Component | None:
    if not lines:
        return None
    body = html.Div([html.Strong(title), html.Ul(list(lines), className="mb-0")])
    return html.Div([icon("exclamation-triangle"), body], className=f"notice {look}", role="alert")
