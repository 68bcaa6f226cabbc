"""The page of jobs as people meet it: what runs by itself, run now, pause and resume, and every run unfolded."""

from __future__ import annotations

import threading

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from chocofactory.services.jobs import JobKind, Outcome

PAUSE = '[aria-label="Pause: Price forecast"]'
RESUME = '[aria-label="Resume: Price forecast"]'
SLOWLY_S = 30.0


@pytest.fixture(scope="module")
def own(serve):
    """A demo of its own, whose forecasts come when the test lets them; its scheduler has just looked around."""
    site = serve(demo_days=14)
    door = threading.Event()

    def work(_params, report):
        report(40, "Making the forecast")
        door.wait(SLOWLY_S)
        return Outcome({})

    site.factory.jobs.register([JobKind("issue_forecast", work)])
    yield site, door
    door.set()


@pytest.fixture
def site_and_door(own):
    own[1].clear()
    yield own
    own[1].set()
    own[0].factory.schedule.resume(None)
    own[0].factory.schedule.resume("forecast")


@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_page_of_jobs_is_clean(page, theme, lang):
    shown = page("/jobs", theme=theme, lang=lang, width=390)
    assert shown.one("h1").text == {"es": "Tareas", "en": "Jobs"}[lang]
    shown.until(lambda: shown.all("#jobs-history details"))
    shown.one("#jobs-history summary").click()
    shown.assert_clean_at_every_width(f"jobs-{theme}-{lang}")


def test_every_task_tells_its_looks_and_what_came_of_them(page, demo):
    shown = page("/jobs", lang="en")
    rows = {row[0]: row for row in shown.rows(".roomy")}
    assert len(rows) == len(demo.factory.schedule.tasks)
    assert "A run was started." in rows["Prices up to today"][2]
    assert rows["Prices up to today"][3].startswith("done")
    assert rows["Price forecast"][1:4] == ["due now", "not looked at yet", "\N{EN DASH}"]


def test_a_scheduler_that_stands_still_is_told_and_one_that_runs_too(page, site_and_door):
    site, _door = site_and_door
    shown = page("/jobs", at=site, lang="en")
    assert "nothing happens by itself" in shown.one("#jobs-scheduler .state-partial").text
    site.factory.schedule.states.beat(site.factory.clock.now(), "plant:1")
    shown = page("/jobs", at=site, lang="en")
    assert shown.one("#jobs-scheduler .state-ok").text == "The scheduler runs: each task is looked at when it is time."
    shown.assert_clean()


def test_a_task_is_run_now_from_the_keyboard_and_followed_to_its_end(page, site_and_door):
    site, door = site_and_door
    shown = page("/jobs", at=site, lang="en")
    before = len(site.factory.jobs.recent("issue_forecast"))
    button = shown.one('[aria-label="Run now: Price forecast"]')
    button.send_keys(Keys.ENTER)
    shown.until(lambda: shown.all("#jobs-progress progress"))
    shown.until(lambda: "running" in shown.one("#jobs-history summary").text)
    shown.one("#jobs-history summary").send_keys(Keys.ENTER)
    shown.until(lambda: "its progress stands above" in shown.one("#jobs-history details[open]").text)
    assert shown.violations() == []
    shown.one('[aria-label="Run now: Price forecast"]').send_keys(Keys.ENTER)
    shown.until(lambda: shown.texts(".choco-toast span") == ["That is under way already: its progress is shown."])
    door.set()
    shown.until(lambda: not shown.all("#jobs-progress progress") and shown.all("#jobs-progress .state-succeeded"))
    shown.until(lambda: "done" in shown.one("#jobs-history details[open] summary").text)  # it stays unfolded
    told = shown.one("#jobs-history details[open]").text
    assert "dashboard" in told
    assert site.factory.jobs.recent("issue_forecast")[0].id in told
    assert len(site.factory.jobs.recent("issue_forecast")) == before + 1
    assert shown.js("return document.activeElement.getAttribute('aria-label')") == "Run now: Price forecast"
    shown.assert_clean()


def test_a_task_is_paused_and_resumed_without_losing_the_place_of_the_keyboard(page, site_and_door):
    site, _door = site_and_door
    shown = page("/jobs", at=site, lang="en")
    shown.one(PAUSE).send_keys(Keys.SPACE)
    shown.until(lambda: shown.all(RESUME))
    assert site.factory.schedule.entry("forecast").state.paused_by == "dashboard"
    assert {row[0]: row[1] for row in shown.rows(".roomy")}["Price forecast"].startswith("paused")
    assert shown.js("return document.activeElement.getAttribute('aria-label')") == "Resume: Price forecast"
    shown = page("/jobs", at=site, lang="en")
    shown.one(RESUME).click()
    shown.until(lambda: shown.all(PAUSE))
    assert site.factory.schedule.entry("forecast").state.paused_at is None


def test_all_is_paused_and_resumed(page, site_and_door):
    site, _door = site_and_door
    shown = page("/jobs", at=site, lang="en")
    shown.one('[aria-label="Pause all"]').click()
    shown.until(lambda: shown.all('[aria-label="Resume all"]'))
    assert shown.one("#jobs-scheduler .state-partial").text.startswith("All tasks are paused since")
    assert {row[1] for row in shown.rows(".roomy")} == {"paused with all"}
    assert site.factory.schedule.scheduler().paused_by == "dashboard"
    shown.assert_clean()
    shown.one('[aria-label="Resume all"]').click()
    shown.until(lambda: shown.all('[aria-label="Pause all"]'))
    assert site.factory.schedule.scheduler().paused_at is None


def test_the_history_is_chosen_by_kind_and_state_and_the_address_says_so(page, demo):
    shown = page("/jobs", lang="en")
    assert Select(shown.one("#jobs-state")).first_selected_option.text == "All states"
    Select(shown.one("#jobs-kind")).select_by_value("ingest_prices")
    shown.until(
        lambda: {text.split(" done")[0] for text in shown.texts("#jobs-history summary strong")} == {"Fetch prices"}
    )
    assert shown.query() == {"kind": "ingest_prices", "state": "all"}
    shown = page("/jobs?kind=ingest_prices&state=failed", lang="en")
    shown.until(lambda: "There are no such runs." in shown.one("#jobs-history").text)
    assert demo.factory.jobs.recent("ingest_prices", state="failed") == []
    assert Select(shown.one("#jobs-kind")).first_selected_option.text == "Fetch prices"
    shown.assert_clean()
