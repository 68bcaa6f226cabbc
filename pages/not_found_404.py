"""What stands at an address that is no page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash
from dash import dcc, html

from components.text import N_, _, page_title

if TYPE_CHECKING:
    from dash.development.base_component import Component

dash.register_page(__name__, path="/404", name=N_("Not found"), title=page_title(N_("Not found")))


def layout(**_query: Any) -> Component:
    """Say so, and the way back."""
    return html.Div(
        [
            html.H1(_("There is no such page")),
            html.P(_("The address may be mistyped, or the page may have moved.")),
            dcc.Link(_("To the overview"), href=dash.get_relative_path("/"), className="btn btn-primary"),
        ],
        className="empty",
    )
