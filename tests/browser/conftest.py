"""A real Chromium on the real application, in demo mode with a clock that starts at a fixed moment.

Set ``CHOCO_TEST_SCREENSHOTS`` to a folder to keep pictures of what the tests saw. Where ``CI`` is set, a missing
browser is a failure; elsewhere these tests skip and say so.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait
from werkzeug.serving import make_server

START = "2025-12-01T09:00+01:00"
PATIENCE_S = 30
VENDOR = Path(__file__).parent / "vendor"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
    "--window-size=1280,1000",
)
_SETTLED = """
const pending = {...window.store.getState().callbacks};
delete pending.stored; delete pending.completed;
return window.store.getState().isLoading === false
  && Object.values(pending).every((list) => list.length === 0)
  && document.querySelector('#main h1') !== null
  && document.querySelector('.dash-graph--pending, .dash-graph[data-dash-is-loading="true"]') === null
  && [...document.querySelectorAll('.dash-graph')].every((graph) => graph.querySelector('.main-svg'));
"""
_FITTED = """
return [...document.querySelectorAll('.dash-graph')].every((graph) => !graph.offsetParent
  || Math.abs(graph.querySelector('.main-svg').getBoundingClientRect().width - graph.clientWidth) <= 1);
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Site:
    """A running application: its address, without a slash at its end, and its services."""

    url: str
    factory: Any

    def prices(self, first: str, last: str | None = None, **more: str) -> list[dict[str, Any]]:
        """What REST says of the local days ``first`` ... ``last``."""
        query = {"start_date": first, "end_date": last or first, **more}
        answer = requests.get(f"{self.url}/api/v1/ree/prices", query, timeout=PATIENCE_S)
        answer.raise_for_status()
        return answer.json()["prices"]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Start a site of its own, with these settings over the usual ones: ``serve(clock_start="...")``."""
    from app import create_app
    from chocofactory.bootstrap import EXTENSION
    from chocofactory.core.config import Settings
    from tests.schedule_kit import catch_up

    with contextlib.ExitStack() as running:

        def start(**given: Any) -> Site:
            usual = {"mode": "demo", "clock_start": START, "demo_days": 60, "log_level": "ERROR"}
            folder = tmp_path_factory.mktemp("site")
            application = create_app(Settings(_env_file=None, data_dir=folder, **{**usual, **given})).server
            services = application.extensions[EXTENSION]
            running.callback(services.close)
            if services.settings.mode == "demo":
                catch_up(services, wait=True)
            server = make_server("127.0.0.1", 0, application, threaded=True)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            for step in (server.server_close, thread.join, server.shutdown):  # the last one first
                running.callback(step)
            return Site(f"http://127.0.0.1:{server.server_port}", services)

        yield start


@pytest.fixture(scope="session")
def demo(serve: Any) -> Site:
    """The demo on a Monday morning, with 60 days of history: the day of 25 hours is among them."""
    return serve()


@pytest.fixture(scope="session")
def site(demo: Site) -> str:
    """The address of the demo."""
    return demo.url


@pytest.fixture(scope="session")
def driver() -> Any:
    """One browser for all tests."""
    binary, helper = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and helper):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium and chromedriver on the path")
    options = Options()
    options.binary_location = binary
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options=options, service=Service(helper))
    browser.set_page_load_timeout(PATIENCE_S)
    yield browser
    browser.quit()


class Page:
    """One page in the browser, as a reader with this theme, language and width sees it."""

    def __init__(self, driver: Chrome, site: str) -> None:
        self.driver = driver
        self.site = site

    def open(
        self, path: str, *, theme: str = "light", lang: str = "es", width: int = 1280, at: Site | None = None
    ) -> Page:
        """Go there (``at`` another site) with cookies as a returning reader has them; wait until it is drawn."""
        browser = self.driver
        self.site = at.url if at else self.site
        self.resize(width)
        browser.execute_cdp_cmd("Network.enable", {})
        browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        for name, value in (("choco_theme", theme), ("choco_lang", lang)):
            browser.execute_cdp_cmd("Network.setCookie", {"name": name, "value": value, "url": self.site})
        browser.get_log("browser")
        browser.get(self.site + path)
        self.settle()
        return self

    def resize(self, width: int) -> None:
        """Make the window so wide [px]."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def settle(self) -> None:
        """Wait until no callback is under way and every chart is drawn."""
        self.until(lambda: self.js("return !!(window.store && window.store.getState)") and self.js(_SETTLED))

    def until(self, condition: Any, patience_s: float = PATIENCE_S) -> Any:
        """Wait until ``condition()`` is true."""
        redrawn = (StaleElementReferenceException,)
        wait = WebDriverWait(self.driver, patience_s, poll_frequency=0.05, ignored_exceptions=redrawn)
        return wait.until(lambda _: condition())

    def js(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str) -> Any:
        """The first element of a CSS selector."""
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        """All elements of a CSS selector."""
        return self.driver.find_elements("css selector", selector)

    def screenshot(self, name: str) -> None:
        """Keep a picture of the whole page, when a folder for it is given."""
        folder = os.environ.get("CHOCO_TEST_SCREENSHOTS")
        if not folder:
            return
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        width, height = self.js("return [innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))

    def assert_clean(self, *, forgive: str = "\0") -> None:
        """No error in the console, nothing from elsewhere, nothing that axe calls serious, no sideways scrolling."""
        severe = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        assert [message for message in severe if forgive not in message] == []
        addresses = self.js("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert [a for a in addresses if not a.startswith((self.site, "data:", "blob:"))] == []
        assert self.violations() == []
        self.assert_fits()

    def assert_fits(self) -> None:
        """No sideways scrolling, and every chart as wide as its frame."""
        assert self.js("return document.documentElement.scrollWidth - innerWidth") <= 0
        assert self.js(_FITTED)

    def assert_clean_at_every_width(self, name: str) -> None:
        """Clean on a phone, a tablet and a desk, and drawn anew for each; pictures are kept under this name."""
        for width in (390, 1024, 1440):
            self.resize(width)
            self.until(lambda: self.js(_FITTED))
            self.settle()
            self.until(lambda: self.js(_FITTED))
            self.screenshot(f"{name}-{width}")
            if width == 1024:
                self.assert_fits()
            else:
                self.assert_clean()

    def hover(self, graph: str, x: Any, y: Any) -> str:
        """What a chart says when the mouse rests on a place of its axes; ``y`` below 1 is a share of its height.

        The mouse goes there again until the chart answers: one that moves or is drawn anew meanwhile forgets it.
        """
        script = "const chart = document.querySelector(`#${arguments[0]} .js-plotly-plot`);"
        script += "chart.scrollIntoView({block: 'center'}); const {xaxis, yaxis} = chart._fullLayout;"
        script += "const {left, top} = chart.getBoundingClientRect(); const at = arguments[2] < 1"
        script += " ? (1 - arguments[2]) * yaxis._length : yaxis.d2p(arguments[2]);"
        script += "return [left + xaxis._offset + xaxis.d2p(arguments[1]), top + yaxis._offset + at]"

        def rests(x: float, y: float) -> None:
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

        def told() -> str | None:
            return next((label.text for label in self.all(f"#{graph} .hovertext") if label.text), None)

        def answered() -> str | None:
            rests(1, 1)
            self.until(lambda: not self.all(f"#{graph} .hovertext"))
            rests(*self.js(script, graph, x, y))
            with contextlib.suppress(TimeoutException):
                return self.until(told, PATIENCE_S / 10)
            return None

        return self.until(answered)

    def texts(self, selector: str) -> list[str]:
        """What stands in all elements of a CSS selector, opened or not, in one line each."""
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())"
        return [" ".join(text.split()) for text in self.js(script, selector)]

    def rows(self, selector: str) -> list[list[str]]:
        """The cells of a table's body, row by row."""
        script = "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map((row) => "
        script += "[...row.cells].map((cell) => cell.textContent.trim()))"
        return [[" ".join(cell.split()) for cell in row] for row in self.js(script, selector)]

    def chart(self, graph: str, path: str) -> Any:
        """Something of a drawn chart: ``chart("overview-strip", "layout.shapes")``."""
        script = "const chart = document.getElementById(arguments[0]).querySelector('.js-plotly-plot');"
        script += "return arguments[1].split('.').reduce((node, key) => node && node[key], chart)"
        return self.js(script, graph, path)

    def query(self) -> dict[str, str]:
        """What the address says behind its question mark."""
        return dict(parse_qsl(urlsplit(self.driver.current_url).query))

    def put(self, selector: str, value: str) -> None:
        """Type into a native control, as far as the page can tell."""
        script = "const [node, value] = arguments; const kind = Object.getPrototypeOf(node);"
        script += "Object.getOwnPropertyDescriptor(kind, 'value').set.call(node, value);"
        script += "for (const type of ['input', 'change']) node.dispatchEvent(new Event(type, {bubbles: true}));"
        self.js(script, self.one(selector), value)

    def violations(self) -> list[str]:
        """What axe calls serious or critical: rule, then the elements."""
        self.js((VENDOR / "axe.min.js").read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run({resultTypes: ['violations']}).then(arguments[0])")
        return [
            f"{violation['id']}: {[node['target'] for node in violation['nodes']]}"
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]


@pytest.fixture
def page(driver: Chrome, site: str, request: pytest.FixtureRequest) -> Any:
    """Open a page: ``page("/prices", theme="dark", lang="en", width=390)``."""
    opened = Page(driver, site)
    yield opened.open
    opened.screenshot(request.node.name.replace("/", "_"))
