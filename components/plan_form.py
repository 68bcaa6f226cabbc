"""The form by which a plan is asked for, and what it was filled in with as the parameters of a job run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dash_bootstrap_components as dbc
from dash import html

from chocofactory.core.clock import MADRID, day_start, local_date
from chocofactory.core.errors import InvalidInput
from components import controls, text
from components.plan_words import called, heading, unit
from components.text import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

    from chocofactory.domain.plant import Plant
    from chocofactory.planning.plan import Batch, Plan

NOW, TOMORROW = "now", "tomorrow"
AS_FAR = "most"
"""As many days as prices reach."""
NONE = "none"
"""Nothing is out of order."""


class ids:  # noqa: N801 - read as a namespace
    """Ids of the form."""

    begin = "replan-begin"
    days = "replan-days"
    slot = "replan-slot"
    locks = "replan-locks"
    locks_frame = "replan-locks-frame"
    lost = "replan-lost"
    lost_frame = "replan-lost-frame"
    machine = "replan-machine"
    until = "replan-until"
    submit = "replan-submit"

    @staticmethod
    def target(product: str) -> dict[str, str]:
        """The number of batches of a product that are due on the first day."""
        return {"type": "replan-target", "product": product}


def form(plant: Plant) -> Component:
    """From when, how long, what must stay, what is out of order, and other targets for the first day."""
    machines = {NONE: _("none")} | {
        stage.machine: heading(stage.machine) for block in plant.blocks for stage in block.stages
    }
    lengths = {AS_FAR: _("as far as prices reach")}
    lengths |= {str(n): ngettext("{n} day", "{n} days", n) for n in range(1, 8)}
    targets = [
        controls.field(
            _("Due on the first day: {product}", product=called(product)),
            dbc.Input(id=ids.target(product), type="number", min=0, max=1000, step=1, placeholder=_("as in the plant")),
        )
        for product in plant.product_names
    ]
    return html.Div(
        [
            html.Div(
                [
                    controls.select(ids.begin, _("Begin"), {NOW: _("now"), TOMORROW: _("tomorrow, 00:00")}, NOW),
                    controls.select(ids.days, _("Length"), lengths, AS_FAR),
                    controls.select(ids.slot, _("Starts every"), {"15": "15 min", "30": "30 min"}, "15"),
                    *targets,
                ],
                className="toolbar",
            ),
            html.Div(
                [
                    controls.select(ids.machine, _("Out of order"), machines, NONE),
                    controls.field(_("Until"), dbc.Input(id=ids.until, type="datetime-local")),
                ],
                className="toolbar",
            ),
            html.Fieldset(
                [
                    html.Legend(_("Keep as planned"), className="small"),
                    dbc.Checklist(id=ids.locks, inline=True, value=[]),
                ],
                id=ids.locks_frame,
                hidden=True,
            ),
            html.Fieldset(
                [
                    html.Legend(_("Lost batches"), className="small"),
                    dbc.Checklist(id=ids.lost, inline=True, value=[]),
                ],
                id=ids.lost_frame,
                hidden=True,
            ),
            controls.button(_("Plan"), ids.submit, icon_name="arrow-clockwise", kind="primary"),
        ],
        className="replan",
    )


def begins(begin: str, now: datetime) -> datetime:
    """The moment that a choice of the beginning stands for (UTC): now, or the next local midnight."""
    return now if begin == NOW else day_start(local_date(now) + timedelta(days=1))


def lockable(plan: Plan, start: datetime) -> list[dict[str, str]]:
    """The batches of a plan that begin at ``start`` or later, as choices."""
    ahead = sorted((batch for batch in plan.batches if batch.start >= start), key=lambda batch: batch.start)
    return [
        {"value": batch.name, "label": f"{batch.name} · {heading(batch.product)} · {text.moment(batch.start)}"}
        for batch in ahead
    ]


def losable(standing: Sequence[Batch], start: datetime) -> list[dict[str, str]]:
    """The batches that run or are locked at ``start``, as choices, each with where it is or is to begin."""
    return [
        {"value": batch.name, "label": f"{batch.name} · {heading(batch.product)} · {_where(batch, start)}"}
        for batch in sorted(standing, key=lambda batch: batch.start)
    ]


def _where(batch: Batch, start: datetime) -> str:
    begun = [run for run in batch.runs if run.start < start]
    run = begun[-1] if begun else batch.runs[0]
    words = _("{unit} since {moment}") if begun else _("{unit} from {moment} on")
    return words.format(unit=unit(run.block, run.unit), moment=text.moment(run.start))


def order(  # noqa: PLR0913 - a field each
    *,
    begin: str,
    days: str,
    slot: str,
    machine: str,
    until: str | None,
    locks: Sequence[str],
    lost: Sequence[str],
    targets: Mapping[str, float | None],
    now: datetime,
) -> dict[str, Any]:
    """What was filled in as the parameters of a run; an outage is from now on, ``until`` on the wall clock.

    Raises
    ------
    InvalidInput
        An outage has no end, ends before the plan begins, or its machine was not chosen.

    """
    start = begins(begin, now)
    first = local_date(start)
    wanted = {product: int(count) for product, count in targets.items() if count is not None}
    return {
        "date": first.isoformat(),
        "days": None if days == AS_FAR else int(days),
        "slot_minutes": int(slot),
        "locks": list(locks),
        "lost": list(lost),
        "targets": {first.isoformat(): wanted} if wanted else {},
        "outages": _outages(machine, until, now, start),
    }


def _outages(machine: str, until: str | None, now: datetime, start: datetime) -> list[dict[str, Any]]:
    """What is out of order; an entry that is not whole is refused: a plan without it would be a wrong one."""
    if machine == NONE and not until:
        return []
    if machine == NONE:
        raise InvalidInput("Choose what is out of order, or clear until when.")
    if not until:
        raise InvalidInput("Say until when {machine} is out of order.", machine=called(machine))
    end = wall_clock(until)
    if end <= start:
        raise InvalidInput(
            "{machine} would be back before the plan begins: choose a later end.", machine=heading(machine)
        )
    return [{"machine": machine, "units": 1, "start": now.isoformat(), "end": end.isoformat()}]


def wall_clock(written: str) -> datetime:
    """The moment (UTC) of a time on the wall clock: of one that comes twice the second.

    One that the clock leaves out is an hour later there, as on a clock that nobody has put forward.
    """
    naive = datetime.fromisoformat(written)
    return max(naive.replace(tzinfo=MADRID, fold=fold).astimezone(UTC) for fold in (0, 1))
