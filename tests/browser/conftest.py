"""A real Chromium on the real application, in demo mode with a clock that starts at a fixed moment.

Set ``CHOCO_TEST_SCREENSHOTS`` to a folder to keep pictures of what the tests saw. Where ``CI`` is set, a missing
browser is a failure; elsewhere these tests skip and say so.
"""

from __future__ import annotations

import base64
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
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
  && [...document.querySelectorAll('.dash-graph')].every((graph) => graph.querySelector('.main-svg'));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The address of the running application, without a slash at its end."""
    from app import create_app
    from chocofactory.bootstrap import EXTENSION
    from chocofactory.core.config import Settings
    from chocofactory.tasks.catch_up import catch_up

    settings = Settings(
        _env_file=None,
        mode="demo",
        clock_start=START,
        data_dir=tmp_path_factory.mktemp("site"),
        demo_days=30,
        log_level="ERROR",
    )
    application = create_app(settings).server
    catch_up(application.extensions[EXTENSION], wait=True)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    application.extensions[EXTENSION].close()


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

    def open(self, path: str, *, theme: str = "light", lang: str = "es", width: int = 1280) -> Page:
        """Go there with cookies as a returning reader has them; wait until it is drawn."""
        browser = self.driver
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Network.enable", {})
        browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        for name, value in (("choco_theme", theme), ("choco_lang", lang)):
            browser.execute_cdp_cmd("Network.setCookie", {"name": name, "value": value, "url": self.site})
        browser.get_log("browser")
        browser.get(self.site + path)
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until no callback is under way and every chart is drawn."""
        self.until(lambda: self.js("return !!(window.store && window.store.getState)") and self.js(_SETTLED))

    def until(self, condition: Any) -> Any:
        """Wait until ``condition()`` is true."""
        return WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.05).until(lambda _: condition())

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
        assert self.js("return document.documentElement.scrollWidth - innerWidth") <= 0

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
