"""The frame around every page: bar, menu, status light, clock, theme, language; and the document that carries it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import dash
import flask_compress
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from flask import after_this_request, request

from components import controls, tables, toasts
from components.text import LANGUAGES, _, language

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from dash.development.base_component import Component
    from flask import Flask, Response

THEME_COOKIE = "choco_theme"
SHADE_COOKIE = "choco_shade"
WIDE_COOKIE = "choco_wide"
_THEMES = ("light", "auto", "dark")
_MINUTE_MS = 60_000


class Light(Protocol):
    """The data status: a level (``good``, ``waiting``, ``late`` or ``down``) and why, as a message of the catalogs."""

    @property
    def level(self) -> str:
        """One word, for the colour."""

    @property
    def message(self) -> str:
        """One English sentence, for people; it is translated where it is shown."""


@dataclass(frozen=True)
class Frame:
    """What the shell must know of the application around it."""

    version: str
    simulated: bool
    travelled: bool
    light: Callable[[], Light]
    now: Callable[[], datetime]


class Site(Dash):
    """Dash with answers compressed and a document of our own: the reader's language, 404 for what is no page."""

    def __init__(self, name: str, server: Flask, **more: Any) -> None:
        flask_compress.Compress(server)
        server.after_request(_close_stream)
        super().__init__(
            name,
            server=server,
            use_pages=True,
            title="ChocoFactory",
            update_title=None,
            suppress_callback_exceptions=True,
            include_pages_meta=False,
            on_error=toasts.on_error,
            assets_path_ignore=["^vendor$", "^boot$"],  # the document names these itself
            **more,
        )

    def interpolate_index(self, **parts: str) -> str:
        """The HTML document of a request (see Dash)."""
        page = _page(self.strip_relative_path(request.path) or "")
        if page is None:
            after_this_request(_not_found)
            page = dash.page_registry.get("pages.not_found_404", {})
        title = page.get("title", self.title)
        first = [
            f'<link rel="stylesheet" href="{self._versioned("vendor/bootstrap.min.css")}">',
            f'<script src="{self._versioned("boot/theme.js")}"></script>',
            f'<script defer src="{self._versioned("vendor/plotly-locale-es.js")}"></script>',
            f'<link rel="icon" type="image/svg+xml" href="{self._versioned("favicon.svg")}">',
        ]
        return _DOCUMENT.format(
            **{**parts, "title": escape(title() if callable(title) else title)},
            lang=language(),
            first="\n".join(first),
        )

    def _versioned(self, path: str) -> str:
        changed = os.stat(os.path.join(self.config.assets_folder, path)).st_mtime  # noqa: PTH116, PTH118
        return f"{self.get_asset_url(path)}?m={changed:.0f}"


_DOCUMENT = """<!DOCTYPE html>
<html lang="{lang}" data-bs-theme="light">
<head>
{metas}
<meta name="color-scheme" content="light dark">
<title>{title}</title>
{first}
{css}
</head>
<body>
{app_entry}
<div>
{config}
{scripts}
{renderer}
</div>
</body>
</html>"""


def shade() -> str:
    """The theme in which the reader's browser now draws: ``light`` or ``dark``."""
    return "dark" if request.cookies.get(SHADE_COOKIE) == "dark" else "light"


def shell(frame: Frame) -> Component:
    """The whole layout, for the request that is being served."""
    return html.Div(
        [
            html.A(_("Skip to the content"), href="#main", className="skip-link"),
            html.Header([_bar(frame), _menu()], className="shell-header"),
            html.Div(
                [
                    html.I(className="glyph glyph-cloud-slash"),
                    _("No contact with the server: what you see may be old."),
                ],
                id="offline",
                role="alert",
                hidden=True,
            ),
            html.Main(dash.page_container, id="main", tabIndex=-1, className="shell-main"),
            _footer(frame),
            toasts.toast_area(),
            dcc.Store(id="theme", data=shade()),
            dcc.Store(id="wide", data=request.cookies.get(WIDE_COOKIE) != "no"),
            dcc.Store(id="other-language", data=_other_language()),
            dcc.Interval(id="minute", interval=_MINUTE_MS),
        ],
        className="shell",
    )


def status_light(level: str, text: str) -> Component:
    """A dot in the colour of the level beside a sentence that needs no colour."""
    return html.Span([html.Span(className=f"dot dot-{level}"), html.Span(text, className="status-text")], title=text)


def register_callbacks(app: Dash, frame: Frame) -> None:
    """Wire the shell, the toasts and the shared controls."""

    @app.callback(
        Output("status", "children"),
        Output("clock", "data-now"),
        Input("minute", "n_intervals"),
        prevent_initial_call=True,
    )
    def refresh(_minutes: int) -> tuple[Component, str]:
        return _status(frame), frame.now().isoformat()

    client = app.clientside_callback
    client(
        ClientsideFunction("shell", "moved"),
        Output("nav", "className"),
        Output("nav-toggle", "aria-expanded"),
        Input("_pages_location", "pathname"),
    )
    client(
        ClientsideFunction("shell", "menu"),
        Output("nav", "className", allow_duplicate=True),
        Output("nav-toggle", "aria-expanded", allow_duplicate=True),
        Input("nav-toggle", "n_clicks"),
        State("nav-toggle", "aria-expanded"),
        prevent_initial_call=True,
    )
    client(
        ClientsideFunction("shell", "theme"),
        Output("theme", "data"),
        *(Output(f"theme-{name}", "aria-pressed") for name in _THEMES),
        *(Input(f"theme-{name}", "n_clicks") for name in _THEMES),
        prevent_initial_call=True,
    )
    client(
        ClientsideFunction("shell", "language"),
        Input("language", "n_clicks"),
        State("other-language", "data"),
        prevent_initial_call=True,
    )
    client(ClientsideFunction("shell", "started"), Input("clock", "data-now"))
    toasts.register_callbacks(client)
    controls.register_callbacks(client)
    tables.register_callbacks(client)


def _bar(frame: Frame) -> Component:
    badges = []
    if frame.simulated:
        badges.append(html.Span(_("Simulated data"), className="badge-simulated", id="badge-simulated"))
    if frame.travelled:
        badges.append(html.Span(_("Travelled clock"), className="badge-simulated", id="badge-travelled"))
    return html.Div(
        [
            dcc.Link(
                [html.Img(src=dash.get_asset_url("favicon.svg"), alt=""), html.Span("ChocoFactory")],
                href=dash.get_relative_path("/"),
                className="brand",
            ),
            html.Div(badges, className="badges"),
            html.Div(_status(frame), id="status", role="status"),
            html.Time(
                id="clock", title=_("Madrid's time, by the server's clock"), **{"data-now": frame.now().isoformat()}
            ),
            html.Div([_theme_switch(), _language_switch()], className="switches"),
            html.Button(
                html.I(className="glyph glyph-list"),
                id="nav-toggle",
                className="icon-button",
                **{"aria-label": _("Menu"), "aria-controls": "nav", "aria-expanded": "false"},
            ),
        ],
        className="bar",
    )


def _menu() -> Component:
    pages = [
        page for page in dash.page_registry.values() if page.get("order") is not None and not page["path_template"]
    ]
    links = [html.Li(dcc.Link(_(page["name"]), href=page["relative_path"])) for page in pages]
    return html.Nav(html.Ul(links), id="nav", className="nav", **{"aria-label": _("Pages")})


def _status(frame: Frame) -> Component:
    light = frame.light()
    return status_light(light.level, _(light.message))


def _theme_switch() -> Component:
    kept = request.cookies.get(THEME_COOKIE)
    chosen = kept if kept in _THEMES else "auto"
    looks = {
        "light": ("sun", _("Light")),
        "auto": ("circle-half", _("Like the system")),
        "dark": ("moon-stars", _("Dark")),
    }
    buttons = [
        html.Button(
            html.I(className=f"glyph glyph-{icon}"),
            id=f"theme-{name}",
            title=text,
            **{"aria-label": text, "aria-pressed": str(name == chosen).lower()},
        )
        for name, (icon, text) in looks.items()
    ]
    return html.Div(buttons, className="segmented", role="group", **{"aria-label": _("Theme")})


def _other_language() -> str:
    return next(name for name in LANGUAGES if name != language())


def _language_switch() -> Component:
    other = _other_language()
    return html.Button(other.upper(), id="language", lang=other, title=LANGUAGES[other], className="language")


def _footer(frame: Frame) -> Component:
    simulated = _("All times are Madrid's. Prices are simulated, none was ever paid.")
    published = _("All times are Madrid's. Prices: Red Eléctrica (REE).")
    return html.Footer(
        [
            html.Span(f"ChocoFactory {frame.version}"),
            html.Span(simulated if frame.simulated else published),
            html.A(_("For programs: the API"), href=dash.get_relative_path("/api/docs/swagger")),
        ],
        className="shell-footer",
    )


def _page(path: str) -> dict[str, Any] | None:
    found, _variables = dash._pages._path_to_page(path)  # noqa: SLF001 - the very rule by which Dash picks the page
    return found or None


def _close_stream(response: Response) -> Response:
    """Close a file that is sent, at the end: flask-compress drops it unclosed. Runs before compression."""
    if close := getattr(response.response, "close", None):
        response.call_on_close(close)
    return response


def _not_found(response: Response) -> Response:
    response.status_code = 404
    return response
