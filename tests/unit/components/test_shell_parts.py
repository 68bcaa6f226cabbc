"""The frame, the toasts and the controls, without a browser."""

from __future__ import annotations

import ast
import gc
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dash
import flask
import pytest
import structlog
from dash import Input, Output, html
from structlog.testing import capture_logs

from chocofactory.core.errors import JobBusy, StoreDamaged
from components import controls, shell, text, theme, toasts

ROOT = Path(__file__).parents[3]
NOW = datetime(2025, 12, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _all_that_is_logged_is_seen():
    """An application that another test has made in this process may have raised the level of all logs."""
    structlog.reset_defaults()


@dataclass
class Light:
    level: str = "good"
    message: str = "There are no prices yet."


@pytest.fixture
def site():
    """A site of one page and no services, on which two callbacks fail."""
    others = dict(dash.page_registry)
    dash.page_registry.clear()
    app = shell.Site("test", flask.Flask("test"), pages_folder="", assets_folder=str(ROOT / "assets"))
    dash.register_page("home", path="/", name="Today", title=text.page_title("Today"), order=0, layout=html.H1("home"))
    frame = shell.Frame("1.2.3", simulated=True, travelled=False, light=Light, now=lambda: NOW)
    app.layout = lambda: shell.shell(frame)
    shell.register_callbacks(app, frame)

    @app.callback(Output("out", "children"), Input("go", "n_clicks"))
    def fail(clicks):
        toasts.notify("first", "good")
        if clicks == 1:
            raise JobBusy("{kind} is under way already (run {run_id}).", kind="ingest", run_id="ab12")
        raise ZeroDivisionError

    @app.callback(Output("_pages_content", "children", allow_duplicate=True), Input("go", "n_clicks"), **_NOT_AT_ONCE)
    def fail_to_draw(_clicks):
        raise StoreDamaged("There are no prices yet.")

    yield app
    dash.page_registry.clear()
    dash.page_registry.update(others)


_NOT_AT_ONCE = {"prevent_initial_call": True}


def _press(site, clicks, output="out.children"):
    spec = next(name for name in site.callback_map if name.startswith(output))
    body = {
        "output": spec,
        "outputs": {"id": output.split(".")[0], "property": spec.split(".")[1]},
        "inputs": [{"id": "go", "property": "n_clicks", "value": clicks}],
        "changedPropIds": ["go.n_clicks"],
    }
    answer = site.server.test_client().post("/_dash-update-component", json=body)
    assert answer.status_code in (200, 204)
    return answer.get_json()["sideUpdate"]


def test_an_error_of_ours_becomes_a_toast_in_the_readers_language(site):
    waiting = _press(site, 1)["toast"]["data"]
    assert waiting == [
        {"text": "first", "kind": "good"},
        {"text": "ingest ya está en marcha (ejecución ab12).", "kind": "error"},
    ]


def test_any_other_error_becomes_a_reference_that_the_log_knows(site):
    with capture_logs() as logs:
        told = _press(site, 2)["toast"]["data"][-1]
    reference = re.search(r"Referencia ([0-9a-f]{8})", told["text"]).group(1)
    assert "ZeroDivision" not in told["text"]
    (entry,) = [entry for entry in logs if entry["event"] == "callback failed"]
    assert entry["reference"] == reference
    assert isinstance(entry["exc_info"], ZeroDivisionError)


def test_toasts_of_one_request_are_not_shown_in_the_next(site):
    assert len(_press(site, 1)["toast"]["data"]) == len(_press(site, 1)["toast"]["data"]) == 2


def test_a_page_that_cannot_be_drawn_says_so_in_its_place(site):
    update = _press(site, 1, "_pages_content.children@")
    assert "toast" not in update
    told = str(update["_pages_content"]["children"])
    assert "Todavía no hay precios." in told
    assert "Volver a intentarlo" in told


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nope", 404), ("/nope/deeper", 404)])
def test_an_address_that_is_no_page_answers_404(site, path, status):
    answer = site.server.test_client().get(path)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"


@pytest.mark.parametrize(("lang", "title"), [("es", "Hoy · ChocoFactory"), ("en", "Today · ChocoFactory")])
def test_the_document_speaks_the_readers_language(site, lang, title):
    client = site.server.test_client()
    client.set_cookie("choco_lang", lang)
    page = client.get("/").text
    assert f'<html lang="{lang}"' in page
    assert f"<title>{title}</title>" in page


def test_the_document_loads_nothing_from_elsewhere_and_runs_no_styles_before_bootstrap(site):
    page = site.server.test_client().get("/").text
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert addresses
    assert all(address.startswith("/") for address in addresses)
    styles = [a for a in addresses if ".css" in a]
    assert "bootstrap" in styles[0]
    assert sum("bootstrap" in a for a in styles) == 1
    assert sum("theme.js" in a for a in addresses) == 1


def test_styles_are_sent_compressed_and_their_file_is_closed(site):
    page = site.server.test_client().get("/").text
    address = next(a for a in re.findall(r'href="([^"]+)"', page) if "bootstrap" in a)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with site.server.test_client().get(address, headers={"Accept-Encoding": "br, gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "br"
            assert len(answer.data) < 50_000
        gc.collect()


def test_no_asset_asks_another_machine():
    found = []
    for path in sorted((ROOT / "assets").rglob("*")):
        if path.suffix in {".css", ".js", ".svg"}:
            found += re.findall(r"(?:url\(|@import |src=|fetch\()[\"']?https?://[^\"')]+", path.read_text("utf-8"))
    assert found == []


def test_all_that_is_vendored_has_its_licence_beside_it():
    vendor = ROOT / "assets" / "vendor"
    licences = {path.stem for path in (vendor / "LICENSES").iterdir()}
    assert {"bootstrap", "bootstrap-icons", "plotly.js-locales"} <= licences
    assert (ROOT / "tests/browser/vendor/axe-core.LICENSE.txt").exists()


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_pages_and_charts_have_the_same_colours(shade):
    style = (ROOT / "assets" / "chocofactory.css").read_text("utf-8")
    block = re.search(rf'\[data-bs-theme="{shade}"\] \{{\n(  --choco-page.*?)\n\}}', style, re.DOTALL).group(1)
    colours = dict(re.findall(r"--choco-([a-z-]+): (#[0-9a-f]{6})", block))
    palette = theme.PALETTES[shade]
    names = {"card": "surface"} | {name: name for name in ("page", "ink", "muted", "line", "accent", "cocoa", "warn")}
    assert {name: getattr(palette, name) for name in names} == {name: colours[css] for name, css in names.items()}
    for ground in ("page", "surface", "sunken"):
        for ink in ("ink", "muted", "accent", "cocoa", "warn", "bad"):
            assert theme.contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for ink, ground in (("on-accent", "accent"), ("warn", "warn-soft"), ("bad", "bad-soft"), ("on-bar-muted", "bar")):
        assert theme.contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert theme.contrast(colours["edge"], colours["surface"]) >= 3


def test_every_glyph_that_is_asked_for_is_drawn():
    drawn = set(
        re.findall(r"^\.glyph-([a-z0-9-]+) \{", (ROOT / "assets" / "glyphs.css").read_text("utf-8"), re.MULTILINE)
    )
    asked = set()
    for path in _modules():
        for call in _calls(path, "icon", "icon_button", "button"):
            asked |= {arg.value for arg in call.args[:1] if _name(call) == "icon" and isinstance(arg, ast.Constant)}
            asked |= {
                arg.value for arg in call.args[2:3] if _name(call) == "icon_button" and isinstance(arg, ast.Constant)
            }
            asked |= {
                k.value.value for k in call.keywords if k.arg == "icon_name" and isinstance(k.value, ast.Constant)
            }
    assert asked
    assert asked <= drawn


def test_every_chart_stands_in_the_shared_frame():
    assert {path.name for path in _modules() if list(_calls(path, "Graph"))} == {"controls.py"}


def test_a_chart_sends_nothing_away_and_names_its_picture():
    with text.speaking("en"):
        figure = controls.graph("strip", "Prices", "A caption.", filename="prices_2025-12-01")
    chart = _find(figure, dash.dcc.Graph)
    assert chart.config["showSendToCloud"] is False
    assert chart.config["displaylogo"] is False
    assert chart.config["locale"] == "en"
    assert chart.config["toImageButtonOptions"]["filename"] == "prices_2025-12-01"


def test_the_ends_of_a_range_are_what_its_inputs_listen_to():
    picker = controls.range_picker(
        "prices",
        datetime(2025, 11, 25, tzinfo=UTC).date(),
        NOW.date(),
        earliest=datetime(2025, 1, 1, tzinfo=UTC).date(),
        latest=NOW.date(),
    )
    ends = {str(part.id): part for part in picker._traverse() if getattr(part, "type", None) == "date"}
    heard = controls.range_inputs("prices")
    assert [str(listener.component_id) for listener in heard] == list(ends)
    assert [part.value for part in ends.values()] == ["2025-11-25", "2025-12-01"]
    assert {(part.min, part.max) for part in ends.values()} == {("2025-01-01", "2025-12-01")}


def _modules():
    return [path for folder in ("components", "pages") for path in sorted((ROOT / folder).rglob("*.py"))]


def _name(call):
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _calls(path, *names):
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) in names]


def _find(component, kind):
    return next(part for part in component._traverse() if isinstance(part, kind))


@pytest.mark.parametrize(("simulated", "named"), [(True, False), (False, True)])
def test_the_foot_credits_ree_only_where_prices_are_its_own(site, simulated, named):
    frame = shell.Frame("1.2.3", simulated=simulated, travelled=False, light=Light, now=lambda: NOW)
    with site.server.test_request_context("/"), text.speaking("en"):
        told = str(shell.shell(frame))
    assert ("Prices: Red Eléctrica (REE)." in told) is named
    assert ("Prices are simulated" in told) is simulated


def test_the_document_leaves_the_only_footer_to_the_frame(site):
    assert "<footer" not in site.server.test_client().get("/").text


@pytest.mark.parametrize("given", [None, "", "yesterday", "2025-02-30", ["2025-12-01", "2025-12-02"], 20251201])
def test_what_an_address_holds_instead_of_a_day_is_no_day(given):
    assert controls.day_of(given) is None
    assert controls.day_of("2025-12-01") == NOW.date()


@pytest.mark.parametrize("given", [None, "c", ["a", "b"], {"a": 1}])
def test_what_an_address_cannot_choose_leaves_the_usual_choice(given):
    assert controls.choice_of(given, {"a": "A", "b": "B"}, "b") == "b"
    assert controls.choice_of("a", {"a": "A", "b": "B"}, "b") == "a"
