"""Short messages in the corner: what a callback has done, or why it could not."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Literal

import dash
from dash import html
from flask import g

from chocofactory.core.errors import FactoryError, JobBusy
from chocofactory.core.logs import get_logger
from components import names
from components.text import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from dash.development.base_component import Component

Kind = Literal["good", "info", "warning", "error"]

_PAGE = "_pages_content"  # Dash's own names of what a page's callback fills
_PAGE_TITLE = "_pages_store"
log = get_logger(__name__)


def toast_area() -> Component:
    """Where toasts appear, and the store that they come through; once a page, in the shell."""
    area = html.Div(id="toasts", role="status", **{"aria-live": "polite", "data-close": _("Close")})
    return html.Div([area, dash.dcc.Store(id="toast")])


def notify(text: str, kind: Kind = "info") -> None:
    """Show a toast with an already translated text, from within a callback. Errors stay until closed."""
    g.toasts = [*g.get("toasts", []), {"text": text, "kind": kind}]
    dash.set_props("toast", {"data": g.toasts})


def run_to_follow(begin: Callable[[], Any]) -> str | None:
    """The id of the run that ``begin`` starts, or of one of its kind that is under way already, and then say so.

    None where ``begin`` starts none.
    """
    try:
        run = begin()
    except JobBusy as busy:
        notify(_("That is under way already: its progress is shown."))
        return busy.run_id
    return None if run is None else str(run.id)


def on_error(error: Exception) -> None:
    """Turn what a callback raised into a log line and a toast; a page that cannot be drawn says so in its place.

    An error of our own says its message. Any other says a reference, under which the log holds the whole story.
    """
    if isinstance(error, FactoryError):
        text = names.told(error.message, error.fields)
        log.log(error.log_level, "callback refused", reason=str(error))
    else:
        reference = g.get("request_id", uuid.uuid4().hex)[:8]
        text = _("Something went wrong here. Reference {reference}: it is in the log.", reference=reference)
        log.error("callback failed", reference=reference, exc_info=error)
    if _PAGE in _outputs():
        dash.set_props(_PAGE, {"children": failure(text)})
        dash.set_props(_PAGE_TITLE, {"data": {"title": "ChocoFactory"}})
    else:
        notify(text, "error")


def failure(text: str) -> Component:
    """What stands where something could not be drawn: what happened, and a way to try again."""
    return html.Div(
        [
            html.I(className="glyph glyph-exclamation-triangle"),
            html.H1(_("This page could not be shown")),
            html.P(text),
            html.A(
                [html.I(className="glyph glyph-arrow-clockwise"), _("Try again")], href="", className="btn btn-primary"
            ),
        ],
        className="empty",
        role="alert",
    )


def register_callbacks(clientside: Callable[..., None]) -> None:
    """Wire the store to the browser; ``clientside`` is the app's ``clientside_callback``."""
    clientside(dash.ClientsideFunction("shell", "toast"), dash.Input("toast", "data"), prevent_initial_call=True)


def _outputs() -> list[str]:
    given = dash.ctx.outputs_list
    return [out["id"] for out in (given if isinstance(given, list) else [given]) if isinstance(out, dict)]
