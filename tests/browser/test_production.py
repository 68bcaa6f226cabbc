"""The page of the production plan as people meet it: what it shows is what the service planned."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from chocofactory.core.clock import MADRID, day_start
from chocofactory.services.plan_orders import Order, from_json
from chocofactory.services.plan_views import csv_rows

TODAY = datetime(2025, 12, 1, tzinfo=MADRID).date()
MIDNIGHT = day_start(TODAY + timedelta(days=1))
CHARTS = ("gantt", "targets", "power", "strip", "week")


@pytest.fixture(scope="module")
def planned(serve):
    """The demo with a plan that has been followed since yesterday, and ends tomorrow."""
    site = serve(demo_days=28)
    site.factory.planning.make(Order(day=TODAY - timedelta(days=1), days=3, as_made_then=True), "test")
    return site


@pytest.fixture(scope="module")
def stored(planned):
    return planned.factory.planning.in_force()


@pytest.fixture(scope="module")
def bare(serve):
    """A real site without any price, whose sources nobody answers for."""
    nowhere = "http://127.0.0.1:9"
    return serve(mode="live", ree_url=nowhere, esios_url=nowhere, catch_up_days=0)


@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_plan_is_clean(page, planned, stored, theme, lang):
    batch = stored.plan.batches[0].name
    shown = page(f"/production?batch={batch}", theme=theme, lang=lang, width=390, at=planned)
    assert shown.one("h1").text == {"es": "Producción", "en": "Production"}[lang]
    for summary in ("#main details summary", "details:has(> #production-quarters) > summary"):
        shown.one(summary).send_keys(Keys.ENTER)
    shown.assert_clean_at_every_width(f"production-{theme}-{lang}")


def test_the_day_is_told_as_it_was_planned(page, planned, stored):
    shown = page("/production", lang="en", at=planned)
    ahead = [one for one in stored.plan.batches if planned.factory.clock.now() <= one.start < MIDNIGHT]
    first = min(one.start for one in ahead).astimezone(MADRID)
    verdict = shown.texts("#production-says .verdict")[0]
    assert verdict.startswith(f"Start {len(ahead)} ")
    assert f"first mixing at {first:%H:%M}; {sum(one.cost_eur for one in ahead):.2f} €" in verdict
    cards = " ".join(shown.texts("#production-cards .kpi"))
    assert f"{stored.plan.cost_eur:,.2f}€" in cards
    assert f"{len(stored.plan.batches)} batches" in cards
    names = {one for trace in shown.chart("production-gantt", "data") for one in trace.get("customdata") or ()}
    assert names == {one.name for one in stored.plan.batches if one.start < MIDNIGHT and one.end > day_start(TODAY)}


def test_the_shifts_of_the_day_hold_every_stage_that_begins_then(page, planned, stored):
    shown = page("/production?day=2025-12-01", lang="en", at=planned)
    begun = [
        (stage.start.astimezone(MADRID), batch.name, stage.name)
        for batch in stored.plan.batches
        for run in batch.runs
        for stage in run.stages
        if day_start(TODAY) <= stage.start < MIDNIGHT
    ]
    told = shown.texts(".shift-actions > li")
    assert sum(" start " in line for line in told) == len(begun)
    for when, batch, stage in begun:
        assert any(line.startswith(f"{when:%H:%M} start {stage} of batch {batch} ") for line in told)


def test_each_quarter_hour_of_the_day_is_there_on_demand(page, planned, stored):
    shown = page("/production?day=2025-12-01", lang="en", at=planned, width=390)
    shown.one("details:has(> #production-quarters) > summary").send_keys(Keys.ENTER)
    rows = shown.texts("#production-quarters tbody tr")
    assert len(rows) == 96
    first = min((batch for batch in stored.plan.batches if batch.start >= day_start(TODAY)), key=lambda one: one.start)
    row = next(row for row in rows if row.startswith(f"{first.start.astimezone(MADRID):%H:%M}"))
    assert f"{first.name} preparation" in row
    assert "every unit of preparation is taken" in row


def test_a_link_shows_what_its_sender_saw(page, planned, stored):
    batch = stored.plan.batches[-1].name
    shown = page(f"/production?plan={stored.id}&day=all&batch={batch}", lang="en", at=planned)
    chosen = {name: shown.one(f"#production-{name}").get_attribute("value") for name in ("plan", "day", "batch")}
    assert chosen == {"plan": stored.id, "day": "all", "batch": batch} == shown.query()
    assert shown.one("#production-why h3").text.startswith(f"Why batch {batch} starts ")
    assert shown.one("#production-curve-frame").is_displayed()
    Select(shown.one("#production-batch")).select_by_visible_text("none")
    shown.until(lambda: not shown.one("#production-curve-frame").is_displayed())
    shown.settle()
    assert "Choose a batch" in shown.one("#production-why").text


def test_choices_go_into_the_address_and_the_keyboard_makes_them(page, planned):
    shown = page("/production", lang="en", at=planned)
    shown.one("#production-day").send_keys(Keys.ARROW_DOWN)
    shown.until(lambda: shown.query().get("day") == "2025-12-02")
    shown.settle()
    assert shown.one(".shift-list h3").text == "Shifts of Tuesday 2 December 2025"
    shown.one("#production-gantt-caption summary").send_keys(Keys.ENTER)
    assert shown.one("#production-gantt-caption details").get_attribute("open")


def test_a_click_on_a_bar_explains_its_batch(page, planned, stored):
    shown = page("/production", lang="en", at=planned)
    batch = next(one for one in stored.plan.batches if one.start >= day_start(TODAY) and one.end < MIDNIGHT)
    conching = batch.runs[1]
    place = (conching.start + timedelta(hours=1) - day_start(TODAY)) / timedelta(hours=1)
    _click(shown, "production-gantt", place, conching.unit)
    shown.until(lambda: shown.one("#production-batch").get_attribute("value") == batch.name)
    shown.settle()
    assert shown.one("#production-why h3").text.startswith(f"Why batch {batch.name} starts ")
    assert shown.query()["batch"] == batch.name


@pytest.mark.parametrize("query", ["plan=p-0&day=1999-01-01&batch=Z9", "plan=", "day=x", "batch=%00"])
def test_an_address_that_makes_no_sense_shows_the_usual_page(page, planned, query):
    shown = page(f"/production?{query}", lang="en", at=planned)
    assert shown.texts("#production-says .verdict")[0].startswith("Start ")
    shown.assert_clean()


def test_the_files_hold_the_plan(page, planned, stored, tmp_path):
    shown = page("/production", at=planned)
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    shown.driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    shown.one("#production-csv").click()
    file = tmp_path / "chocofactory_production_2025-11-30_2025-12-02.csv"
    shown.until(file.exists)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows == [{key: str(value) for key, value in row.items()} for row in csv_rows(stored.plan)]
    shown.one("#production-ics").click()
    shown.until(file.with_suffix(".ics").exists)
    events = file.with_suffix(".ics").read_text(encoding="utf-8").count("BEGIN:VEVENT")
    assert events == sum(len(batch.runs) for batch in stored.plan.batches)


def test_on_paper_stands_the_list_of_shifts_alone(page, planned):
    shown = page("/production", at=planned)
    shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert shown.one(".shift-actions").is_displayed()
        assert not [each for each in shown.all("h1, header, .kpi, .dash-graph, .btn") if each.is_displayed()]
    finally:
        shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_figures_are_drawn_anew_in_another_theme(page, planned):
    shown = page("/production", theme="light", at=planned)
    charts = [f"production-{name}" for name in CHARTS]
    assert {shown.chart(name, "_fullLayout.font.color") for name in charts} == {"#33231c"}
    shown.one("#theme-dark").click()
    shown.until(lambda: {shown.chart(name, "_fullLayout.font.color") for name in charts} == {"#f4eadf"})
    shown.settle()
    shown.assert_clean()


def test_the_overview_shows_what_runs_today_and_leads_to_the_plan(page, planned, stored):
    shown = page("/", lang="en", at=planned)
    bars = next(trace for trace in shown.chart("overview-strip", "data") if trace.get("name") == "plan")
    runs = [run for batch in stored.plan.batches for run in batch.runs if run.end > day_start(TODAY)]
    assert len(bars["hovertext"]) == len(runs)
    assert shown.texts("#overview-plan .verdict")[0].startswith("Start ")
    shown.assert_clean()
    shown.one("#overview-plan a").click()
    shown.until(lambda: shown.driver.current_url.endswith("/production"))
    shown.settle()
    assert shown.one("h1").text == "Production"


def test_before_the_first_plan_both_pages_say_so_or_nothing(page, demo):
    shown = page("/production", lang="en", at=demo)
    assert shown.one("#production-empty h2").text == "There is no plan yet"
    assert not shown.one("#production-body").is_displayed()
    shown.assert_clean()
    shown = page("/", lang="en", at=demo)
    assert shown.texts("#overview-plan") == [""]
    assert "plan" not in [trace.get("name") for trace in shown.chart("overview-strip", "data")]


def test_without_any_price_the_page_leads_to_the_data(page, bare):
    shown = page("/production", at=bare, lang="en")
    assert "There are no prices to plan with." in shown.one("#production-empty").text
    shown.assert_clean()
    shown.one("#production-empty a").click()
    shown.until(lambda: shown.driver.current_url.endswith("/data"))


def test_a_plan_is_made_anew_with_what_was_filled_in_and_then_shown(page, planned, stored):
    shown = page("/production", lang="en", at=planned)
    shown.one("#main details summary").click()
    Select(shown.one("#replan-machine")).select_by_value("conche")
    shown.settle()
    shown.one("#replan-submit").click()
    shown.until(lambda: "Say until when conche is out of order." in " ".join(shown.texts("#toasts")))
    Select(shown.one("#replan-days")).select_by_value("1")
    shown.put("#replan-until", "2025-12-01T16:00")
    kept = max((one for one in stored.plan.batches if one.start < MIDNIGHT), key=lambda one: one.start).name
    shown.one(f"#replan-locks input[value='{kept}']").click()
    shown.put("#main input[type=number]", "1")
    shown.settle()
    shown.one("#replan-submit").click()
    planning = planned.factory.planning
    shown.until(lambda: planning.newest(1)[0].id != stored.id)
    newest = planning.get(planning.newest(1)[0].id)
    shown.until(lambda: f"Plan {newest.id}" in shown.one("#production-says").text)
    shown.settle()
    (run, *_older) = planned.factory.jobs.recent("plan_production", 1)
    order = from_json(run.params)
    assert (order.day, order.days, order.locks) == (TODAY, 1, (kept,))
    assert order.targets == {TODAY: {"standard": 1}}
    assert [(out.machine, out.end.astimezone(MADRID).isoformat()) for out in order.outages] == [
        ("conche", "2025-12-01T16:00:00+01:00")
    ]
    assert shown.query()["plan"] == newest.id  # it begins with the next quarter-hour: until then another one holds
    assert shown.all("#production-progress .state-succeeded, #production-progress .state-partial")
    shown.assert_clean()


def _click(shown, graph, x, y):
    """Click on a place of a chart, in the units of its axes."""
    script = "const chart = document.querySelector(`#${arguments[0]} .js-plotly-plot`);"
    script += "chart.scrollIntoView({block: 'center'}); const {xaxis, yaxis} = chart._fullLayout;"
    script += "const {left, top} = chart.getBoundingClientRect();"
    script += "return [left + xaxis._offset + xaxis.d2p(arguments[1]), top + yaxis._offset + yaxis.d2p(arguments[2])]"
    left, top = shown.js(script, graph, x, y)
    for kind, more in (
        ("mouseMoved", {}),
        ("mousePressed", {"button": "left", "clickCount": 1}),
        ("mouseReleased", {"button": "left", "clickCount": 1}),
    ):
        shown.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": left, "y": top, **more})
        if kind == "mouseMoved":
            shown.until(lambda: shown.all(f"#{graph} .hovertext"))
