"""Each quarter-hour of a day of a plan: price, power, climate, what runs, and what cannot start and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from chocofactory.core.clock import day_bounds
from chocofactory.planning.power import power_kw
from chocofactory.planning.reasons import quarters
from components import cards, text
from components.plan_words import called, heading, limit_words
from components.tables import Column, long_table
from components.text import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from dash.development.base_component import Component

    from chocofactory.services.stored_plans import StoredPlan


def quarter_list(stored: StoredPlan, day: date) -> list[Component]:
    """The quarter-hours of a local day of a plan, as far as it has them."""
    plan, inputs = stored.plan, stored.inputs
    first, end = day_bounds(day)
    table = quarters(plan).join(power_kw(plan)["total_kw"])
    table["price_kind"], table["period"] = inputs.prices["kind"], inputs.prices["period"]
    table["weather_kind"] = inputs.weather["kind"]
    table = table[(table.index >= first) & (table.index < end)]
    blocks = [block.name for block in plan.problem.plant.blocks]
    columns = (
        Column(_("Begins"), text.clock),
        Column(_("Period")),
        Column(_("Price")),
        Column("kW", lambda value: text.number(value, 1), numeric=True),
        Column(_("Room")),
        Column(_("Runs")),
        Column(_("Cannot start, and why")),
    )
    rows = [
        (
            moment.to_pydatetime(),
            row["period"],
            f"{text.price(row['price_eur_kwh'], 4)} ({cards.kind(row['price_kind'])})",
            row["total_kw"],
            _room(row),
            _runs(row["running"]),
            _closed({block: row[block] for block in blocks}),
        )
        for moment, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    caption = _("Quarter-hours of {day}", day=text.day(day, "full"))
    words = _("What cannot start is told beside all that is planned: another plan may let it.")
    return [
        html.H3(caption),
        html.P(words, className="muted small"),
        long_table(columns, rows, caption, "plan-quarters"),
    ]


def _room(row: Mapping[str, Any]) -> str:
    """Temperature and humidity of the room with what they rest on; the mark of a missing value where one is unknown."""
    climate = f"{text.quantity(row['room_c'], '°C', 1)}, {text.quantity(row['room_pct'], '%')}"
    return f"{climate} ({cards.kind(row['weather_kind'])})"


def _runs(running: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{batch} {called(block)}" for batch, block in running) or _("nothing")


def _closed(blocks: Mapping[str, Sequence[str]]) -> str:
    """The limits by block; a limit whose words do not name the block stands after its name."""
    told = []
    for block, limits in blocks.items():
        for limit in limits:
            words = limit_words(limit, block)
            told.append(words if called(block) in words else f"{heading(block)}: {words}")
    return "; ".join(told) or _("all may start")
