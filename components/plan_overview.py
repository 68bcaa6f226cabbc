"""The production plan on the overview: the day in a sentence, and what runs today and tomorrow under the prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dash
from dash import dcc, html

from chocofactory.core.clock import local_date
from components import plan_parts
from components.plan_words import product_colours, run_sentence
from components.text import _

if TYPE_CHECKING:
    from datetime import datetime

    from dash.development.base_component import Component

    from chocofactory.planning.plan import Plan
    from chocofactory.services.stored_plans import StoredPlan
    from components.figures import Stretch
    from components.theme import Theme


def day_line(stored: StoredPlan, now: datetime) -> Component:
    """What is to be started today, and the way to the whole plan."""
    sentence = plan_parts.today_sentence(stored.plan, local_date(now), stored.savings, now)
    link = dcc.Link(_("To the production plan"), href=dash.get_relative_path("/production"))
    return html.Section([html.H2(_("Production today")), sentence, html.P(link)], className="panel says")


def stretches(today: Plan | None, tomorrow: Plan | None, midnight: datetime, theme: Theme) -> list[Stretch]:
    """Every run that begins before ``midnight`` by the plan of today, and from then on by that of tomorrow.

    ``today`` is the plan that holds now, ``tomorrow`` the one that holds from midnight on; they may be the same.
    """
    found = []
    for plan, late in ((today, False), (tomorrow, True)):
        if plan is None:
            continue
        colours = product_colours(plan.problem.plant, theme)
        found += [
            (run.start, run.end, run_sentence(batch, run), colours[batch.product])
            for batch in plan.batches
            for run in batch.runs
            if (run.start >= midnight) == late
        ]
    return sorted(found)
