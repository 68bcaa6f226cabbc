"""Inputs and frames that people see on every page: native, labelled, usable from the keyboard."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import dash_bootstrap_components as dbc
from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, dcc, html

from components.text import N_, _
from components.theme import graph_config

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from dash.development.base_component import Component

PRESETS = {
    "today": N_("Today"),
    "7d": N_("7 days"),
    "30d": N_("30 days"),
    "month": N_("This month"),
    "year": N_("This year"),
    "all": N_("All"),
}
_TYPING_MS = 600
_NOTHING = {
    "layout": {
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
    }
}


def day_of(value: object) -> date | None:
    """The day that an address or an input holds as ``YYYY-MM-DD``; None for anything else, as a key given twice."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def choice_of(value: object, choices: Collection[str], usual: str) -> str:
    """What an address chooses among ``choices``, or the ``usual`` one when it holds none of them."""
    return value if isinstance(value, str) and value in choices else usual


def icon(name: str) -> Component:
    """A decorative icon of ``assets/glyphs.css``; what it means must stand beside it in words."""
    return html.I(className=f"glyph glyph-{name}")


def button(
    text: str,
    button_id: str | dict[str, Any],
    *,
    icon_name: str | None = None,
    kind: Literal["primary", "quiet"] = "quiet",
    **more: Any,
) -> Component:
    """A button with words and perhaps an icon before them; ``primary`` once a screen at most."""
    look = "btn btn-primary" if kind == "primary" else "btn btn-quiet"
    return html.Button([*([icon(icon_name)] if icon_name else []), text], id=button_id, className=look, **more)


def icon_button(text: str, button_id: str | dict[str, Any], icon_name: str, **more: Any) -> Component:
    """A button of an icon alone; ``text`` is its name for screen readers and its tip."""
    return html.Button(
        icon(icon_name), id=button_id, title=text, className="icon-button", **{"aria-label": text, **more}
    )


def field(label: str, control: Component) -> Component:
    """A control under its label."""
    return html.Label([html.Span(label), control], className="field")


def select(control_id: str | dict[str, Any], label: str, options: Mapping[str, str], value: str) -> Component:
    """A choice of one among few; ``options`` maps values to what people read."""
    choices = [{"value": key, "label": text} for key, text in options.items()]
    return field(label, dbc.Select(id=control_id, options=choices, value=value))


def switch(control_id: str, label: str, *, value: bool = False) -> Component:
    """An on-off switch with its label behind it."""
    return dbc.Switch(id=control_id, label=label, value=value)


def date_input(
    control_id: str | dict[str, Any],
    label: str,
    value: date | None,
    *,
    earliest: date | None = None,
    latest: date | None = None,
) -> Component:
    """A day as the browser lets people pick it; its ``value`` is ``YYYY-MM-DD`` or empty while being typed."""
    limits = {"min": earliest and earliest.isoformat(), "max": latest and latest.isoformat()}
    return field(
        label,
        dbc.Input(
            id=control_id,
            type="date",
            value=value and value.isoformat(),
            debounce=_TYPING_MS,
            **{name: limit for name, limit in limits.items() if limit},
        ),
    )


def range_picker(
    name: str,
    first: date,
    last: date,
    *,
    earliest: date,
    latest: date,
    presets: Sequence[str] = tuple(PRESETS),
) -> Component:
    """Two days with presets and steps; listen with :func:`range_inputs`.

    ``today`` of the presets is the server's, in Madrid; every move is held inside ``earliest`` ... ``latest``.
    """
    moves = [html.Button(_(PRESETS[preset]), id=_move_id(name, preset), className="chip") for preset in presets]
    return html.Div(
        [
            icon_button(_("Earlier"), _move_id(name, "previous"), "chevron-left"),
            date_input(_end_id(name, "first"), _("From"), first, earliest=earliest, latest=latest),
            date_input(_end_id(name, "last"), _("Until"), last, earliest=earliest, latest=latest),
            icon_button(_("Later"), _move_id(name, "next"), "chevron-right"),
            html.Div(moves, className="chips"),
        ],
        className="range-picker",
        role="group",
        **{"aria-label": _("Period")},
    )


def range_inputs(name: str) -> tuple[Input, Input]:
    """The first and the last day of a range picker as callback inputs: ``YYYY-MM-DD`` or empty, in any order."""
    return Input(_end_id(name, "first"), "value"), Input(_end_id(name, "last"), "value")


def graph(
    graph_id: str,
    name: str,
    caption: Any = "",
    *,
    filename: str,
    figure: Any = None,
    actions: Sequence[Component] = (),
    height: str = "22.5rem",
) -> Component:
    """A chart in its frame, with a caption and a button for a picture of it (``<filename>.png``).

    The figure carries the title that is seen; ``name`` says to screen readers what it is. A callback may fill
    ``<graph_id>-caption`` (``children``) and ``<graph_id>`` itself (``figure``, and ``config`` by
    :func:`components.theme.graph_config`). While it is being drawn a skeleton of ``height`` (as CSS has it) stands
    in its place.
    """
    picture = icon_button(_("Save as a picture"), {"type": "picture", "graph": graph_id}, "image")
    return html.Figure(
        [
            html.H2(name, id=f"{graph_id}-name", className="visually-hidden"),
            html.Div(
                dcc.Graph(id=graph_id, config=graph_config(filename), figure=figure or _NOTHING),
                className="figure-canvas",
                style={"minHeight": height},
            ),
            html.Div(
                [
                    html.Figcaption(caption, id=f"{graph_id}-caption"),
                    html.Div([*actions, picture], className="figure-actions"),
                ],
                className="figure-foot",
            ),
        ],
        className="panel",
        **{"aria-labelledby": f"{graph_id}-name"},
    )


def register_callbacks(clientside: Callable[..., None]) -> None:
    """Wire all range pickers and picture buttons; ``clientside`` is the app's ``clientside_callback``."""
    ends = (_end_id(MATCH, "first"), _end_id(MATCH, "last"))
    clientside(
        ClientsideFunction("controls", "range"),
        *(Output(end, "value") for end in ends),
        Input(_move_id(MATCH, ALL), "n_clicks"),
        *(State(end, "value") for end in ends),
        *(State(ends[0], limit) for limit in ("min", "max")),
        prevent_initial_call=True,
    )
    clientside(
        ClientsideFunction("controls", "picture"),
        Input({"type": "picture", "graph": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )


def _end_id(name: Any, end: str) -> dict[str, Any]:
    return {"type": f"range-{end}", "range": name}


def _move_id(name: Any, move: Any) -> dict[str, Any]:
    return {"type": "range-move", "range": name, "move": move}
