"""The form by which a plan is asked for, and what it was filled in with as the parameters of a job run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dash_bootstrap_components as dbc
from dash import html

from components import controls, text
from components.plan_words import called, heading
from components.text import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from dash.development.base_component import Component

    from chocofactory.domain.plant import Plant
    from chocofactory.planning.plan import Plan

NOW, TOMORROW = "now", "tomorrow"
AS_FAR = "most"
"""As many days as prices reach."""
NONE = ""


class ids:  # noqa: N801 - read as a namespace
    """Ids of the form."""

    begin = "replan-begin"
    days = "replan-days"
    slot = "replan-slot"
    locks = "replan-locks"
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
        stage.machine: called(stage.machine) for block in plant.blocks for stage in block.stages
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
                ]
            ),
            controls.button(_("Plan"), ids.submit, icon_name="arrow-clockwise", kind="primary"),
        ],
        className="replan",
    )


def lockable(plan: Plan, now: datetime) -> list[dict[str, str]]:
    """The batches of a plan that have not begun, as choices."""
    ahead = sorted((batch for batch in plan.batches if batch.start >= now), key=lambda batch: batch.start)
    return [
        {"value": batch.name, "label": f"{batch.name} · {heading(batch.product)} · {text.moment(batch.start)}"}
        for batch in ahead
    ]


def order(  # noqa: PLR0913 - one for each field
    *,
    begin: str,
    days: str,
    slot: str,
    machine: str,
    until: str | None,
    locks: Sequence[str],
    targets: Mapping[str, float | None],
    now: datetime,
    today: date,
) -> dict[str, Any]:
    """What was filled in as the parameters of a run; what is out of order is so from now on."""
    first = today if begin == NOW else today + timedelta(days=1)
    out = {"machine": machine, "units": 1, "start": now.isoformat(), "end": until}
    wanted = {product: int(count) for product, count in targets.items() if count is not None}
    return {
        "date": first.isoformat(),
        "days": None if days == AS_FAR else int(days),
        "slot_minutes": int(slot),
        "locks": list(locks),
        "targets": {first.isoformat(): wanted} if wanted else {},
        "outages": [out] if machine and until else [],
    }
