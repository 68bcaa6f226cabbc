"""The frame around every page, as people meet it."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

NOWHERE = "/no-such-page"
MISSING = "404 (NOT FOUND)"


@pytest.mark.parametrize("width", [390, 1920])
@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "es"), ("dark", "en")])
def test_the_frame_is_clean_in_every_theme_language_and_width(page, theme, lang, width):
    shown = page(NOWHERE, theme=theme, lang=lang, width=width)
    assert shown.js("return document.documentElement.lang") == lang
    assert shown.js("return document.documentElement.dataset.bsTheme") == theme
    assert shown.one("h1").text == {"es": "Esta página no existe", "en": "There is no such page"}[lang]
    shown.assert_clean(forgive=MISSING)


def test_the_theme_stands_before_the_first_paint(page):
    shown = page(NOWHERE, theme="dark")
    order = shown.js(
        "return [...document.head.children].map((tag) => tag.src || tag.href || '').map((name) => name.split('?')[0])"
    )
    theme = next(place for place, name in enumerate(order) if name.endswith("/theme.js"))
    assert not shown.js("const tag = document.head.children[arguments[0]]; return tag.defer || tag.async", theme)


def test_a_theme_is_kept_and_told_to_the_charts(page):
    shown = page(NOWHERE, theme="light")
    shown.one("#theme-dark").click()
    shown.until(lambda: shown.js("return document.documentElement.dataset.bsTheme") == "dark")
    assert shown.one("#theme-dark").get_attribute("aria-pressed") == "true"
    assert shown.one("#theme-light").get_attribute("aria-pressed") == "false"
    shown.driver.refresh()
    shown.settle()
    assert shown.js("return document.documentElement.dataset.bsTheme") == "dark"
    assert _store(shown, "theme") == "dark"


def test_without_a_choice_the_theme_follows_the_system(page):
    shown = page(NOWHERE, theme="auto")
    for preferred in ("dark", "light"):
        features = [{"name": "prefers-color-scheme", "value": preferred}]
        shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        shown.until(lambda wanted=preferred: _store(shown, "theme") == wanted)
        assert shown.js("return document.documentElement.dataset.bsTheme") == preferred
    shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_language_is_switched_and_kept(page):
    shown = page(NOWHERE, lang="es")
    shown.one("#language").click()
    shown.until(lambda: shown.js("return document.documentElement.lang") == "en")
    shown.settle()
    assert shown.one("h1").text == "There is no such page"
    assert "Not found" in shown.driver.title


def test_the_clock_is_the_servers_on_the_wall_of_madrid(page):
    shown = page(NOWHERE, lang="en")
    shown.until(lambda: shown.one("#clock").text)
    assert shown.one("#clock").text.startswith("Mon")
    assert "1 Dec" in shown.one("#clock").text
    assert shown.one("#clock").text.split()[-1].startswith(("09:", "10:"))
    assert shown.js("return window.choco.today()") == "2025-12-01"


def test_simulated_data_and_a_travelled_clock_are_said_on_every_page(page):
    shown = page(NOWHERE, lang="es")
    assert shown.one("#badge-simulated").text == "Datos simulados"
    assert shown.one("#badge-travelled").text == "Reloj desplazado"


def test_the_status_says_more_than_a_colour(page):
    shown = page(NOWHERE)
    assert shown.one("#status .status-text").text
    assert "dot-" in shown.one("#status .dot").get_attribute("class")


def test_the_keyboard_reaches_everything_beginning_with_the_skip_link(page):
    shown = page(NOWHERE, width=1280)
    wanted = shown.js("return [...document.querySelectorAll('a[href], button')].filter((e) => e.offsetParent).length")
    seen = []
    for _step in range(wanted):
        ActionChains(shown.driver).send_keys(Keys.TAB).perform()
        focused = shown.driver.switch_to.active_element
        outline = focused.value_of_css_property("outline-style")
        assert outline != "none" or "skip-link" in focused.get_attribute("class"), focused.get_attribute("outerHTML")
        seen.append(focused)
    assert "skip-link" in seen[0].get_attribute("class")
    assert len(set(seen)) == wanted
    seen[0].send_keys(Keys.ENTER)
    assert shown.driver.switch_to.active_element.get_attribute("id") == "main"


def test_on_a_phone_the_menu_opens_and_closes_from_the_keyboard(page):
    shown = page(NOWHERE, width=390)
    menu, toggle = shown.one("#nav"), shown.one("#nav-toggle")
    assert not menu.is_displayed()
    for expanded in (True, False):
        toggle.send_keys(Keys.ENTER)
        shown.until(lambda wanted=expanded: menu.is_displayed() is wanted)
        assert toggle.get_attribute("aria-expanded") == str(expanded).lower()
    toggle.send_keys(Keys.ENTER)
    shown.until(menu.is_displayed)
    shown.assert_clean(forgive=MISSING)


def test_a_link_changes_the_page_marks_itself_and_moves_the_focus(page):
    shown = page(NOWHERE)
    assert shown.all("#nav a[aria-current]") == []
    link = shown.one("#nav a")
    target = link.get_attribute("href")
    link.click()
    shown.until(lambda: shown.driver.current_url == target)
    shown.settle()
    assert [a.get_attribute("href") for a in shown.all("#nav a[aria-current='page']")] == [target]
    assert shown.driver.switch_to.active_element.get_attribute("id") == "main"


def test_toasts_gather_and_errors_stay_until_closed(page):
    shown = page(NOWHERE)
    two = [{"text": "<b>uno</b>", "kind": "good"}, {"text": "dos", "kind": "error"}]
    shown.js("dash_clientside.set_props('toast', {data: arguments[0]})", two)
    shown.until(lambda: len(shown.all(".choco-toast")) == 2)
    assert shown.one(".choco-toast-good span").text == "<b>uno</b>"
    assert shown.one("#toasts").get_attribute("aria-live") == "polite"
    assert shown.violations() == []
    shown.one(".choco-toast-error button").click()
    assert [toast.text for toast in shown.all(".choco-toast")] == ["<b>uno</b>"]
    many = [{"text": str(n), "kind": "error"} for n in range(9)]
    shown.js("dash_clientside.set_props('toast', {data: arguments[0]})", many)
    shown.until(lambda: [toast.text for toast in shown.all(".choco-toast")] == ["5", "6", "7", "8"])


@pytest.mark.parametrize(
    ("move", "first", "last", "expected"),
    [
        ("previous", "2025-11-24", "2025-11-30", ["2025-11-17", "2025-11-23"]),
        ("next", "2025-11-17", "2025-11-23", ["2025-11-24", "2025-11-30"]),
        ("previous", "2025-03-01", "2025-03-31", ["2025-02-01", "2025-02-28"]),  # whole months stay whole months
        ("next", "2025-01-01", "2025-01-31", ["2025-02-01", "2025-02-28"]),
        ("previous", "2025-10-26", "2025-10-26", ["2025-10-25", "2025-10-25"]),  # over the day of 25 hours
        ("next", "2025-12-02", "2025-12-02", ["2025-12-02", "2025-12-02"]),  # nothing lies behind the latest day
        ("today", "2025-01-05", "2025-01-05", ["2025-12-01", "2025-12-01"]),
        ("7d", "2025-01-05", "2025-01-05", ["2025-11-25", "2025-12-01"]),
        ("30d", "", "", ["2025-11-02", "2025-12-01"]),
        ("month", "2025-01-05", "2025-01-05", ["2025-12-01", "2025-12-01"]),
        ("year", "2025-01-05", "2025-01-05", ["2025-01-03", "2025-12-01"]),
        ("all", "2025-01-05", "2025-01-05", ["2025-01-03", "2025-12-02"]),
    ],
)
def test_the_moves_of_a_range_of_days(page, move, first, last, expected):
    shown = page(NOWHERE)
    moved = shown.js(
        "dash_clientside.callback_context = {triggered: [{value: 1}], triggered_id: {move: arguments[0]}};"
        "return dash_clientside.controls.range([1], arguments[1], arguments[2], '2025-01-03', '2025-12-02')",
        move,
        first,
        last,
    )
    assert moved == expected


def test_the_address_holds_what_is_chosen(page):
    shown = page(NOWHERE + "?kept=1&market=old&gone=1")
    chosen = [
        {"id": {"type": "range-first", "range": "prices"}, "property": "value", "value": "2025-11-25"},
        {"id": "prices-market", "property": "value", "value": "spot_es"},
        {"id": "prices-gone", "property": "value", "value": None},
        {"id": "prices-market", "property": "name", "value": "not a choice"},
    ]
    shown.js(
        "dash_clientside.callback_context = {inputs_list: arguments[0]}; dash_clientside.controls.url();",
        chosen,
    )
    assert shown.driver.current_url == f"{shown.site}{NOWHERE}?kept=1&market=spot_es&first=2025-11-25"


def test_charts_are_told_whether_the_window_is_wide(page):
    shown = page(NOWHERE, width=390)
    assert _store(shown, "wide") is False
    shown.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    shown.until(lambda: _store(shown, "wide"))
    shown.driver.refresh()
    shown.settle()
    assert _store(shown, "wide") is True


def test_silence_of_the_server_is_said(page):
    shown = page(NOWHERE)
    assert not shown.one("#offline").is_displayed()
    shown.js("for (let second = 0; second < 160; second += 1) window.choco.tick()")
    assert shown.one("#offline").is_displayed()
    assert shown.violations() == []
    shown.js("document.getElementById('clock').dataset.now = '2025-12-01T10:00:00+00:00'; window.choco.tick()")
    assert not shown.one("#offline").is_displayed()
    assert shown.one("#clock").text.endswith("11:00")


def _store(shown, name):
    return shown.js(
        "const s = window.store.getState(); const at = s.paths.strs[arguments[0]];"
        "return at.reduce((node, key) => node[key], s.layout).props.data",
        name,
    )
