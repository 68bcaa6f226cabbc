"""The page of the models as people meet it: judged by hand-made models, and once by really training some."""

from __future__ import annotations

import csv
import threading

import numpy as np
import pytest
import requests
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from chocofactory.services.jobs import JobKind, Outcome
from tests import model_kit as kit

SLOWLY_S = 30.0
CHARTS = ("lead", "calibration", "hour", "realised")


class Trainer:
    """The work of a training that goes on until it is let go, and keeps a new version then."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.models: kit.FakeModels | None = None

    def __call__(self, _params, report):
        report(40, "Fitting {model}", model="lear")
        self.go.wait(SLOWLY_S)
        new = kit.version(5 + len(self.models.known))
        self.models.known.append(new)
        self.models.promote(new.id, "training", kit.Message("Better than the naive model."))
        return Outcome({"version": new.id, "promoted": True, "mae_eur_kwh": 0.0161, "rmae": 0.65, "reason": ""})


@pytest.fixture(scope="module")
def stage(serve):
    """A site whose models and accuracy a test hands in."""
    site, trainer = serve(demo_days=14), Trainer()
    site.factory.jobs.register([JobKind("train_models", trainer)])
    return site, trainer


@pytest.fixture
def judged(stage):
    """Two sound versions and a damaged one, of which the first serves; 90 days have come true."""
    site, trainer = stage
    one = kit.version()
    trainer.models = kit.FakeModels(one, kit.version(1), kit.damaged(2), serving=one.id)
    _play(site, trainer.models, kit.realised())
    trainer.go.clear()
    yield site, trainer
    trainer.go.set()


def _play(site, models, found):
    object.__setattr__(site.factory, "models", models)
    object.__setattr__(site.factory, "accuracy", kit.FakeAccuracy(found))


@pytest.fixture(scope="module")
def trained(serve):
    """The demo with 90 days of history, of which models were really trained; nothing is handed in."""
    site = serve(demo_days=90)
    run = site.factory.jobs.run("train_models", {}, "cli")
    assert run.state == "succeeded", run.error
    return site


@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_page_of_the_models_is_clean(page, judged, theme, lang):
    site, _trainer = judged
    shown = page("/model-health", at=site, theme=theme, lang=lang, width=390)
    assert shown.one("h1").text == {"es": "Salud del modelo", "en": "Model health"}[lang]
    shown.assert_clean_at_every_width(f"models-{theme}-{lang}")


def test_one_sentence_says_how_good_and_how_sure(page, judged):
    site, _trainer = judged
    shown = page("/model-health", at=site, lang="en")
    ours, naive = (np.abs(kit.errors(model)).mean() for model in ("ensemble", "naive"))
    told = shown.texts("#models-headline")[0]
    assert told.startswith(f"The forecast of the next seven days is off by {ours:.3f} €/kWh on average")
    assert f"{100 * (1 - ours / naive):.0f} % less than copying last week" in told
    assert told.endswith("Nothing unusual since.")
    assert f"{ours:.4f}€/kWh" in shown.texts("#models-facts .kpi")[1]


def test_the_leaderboard_and_the_charts_tell_the_numbers_of_one_proof(page, judged):
    site, _trainer = judged
    shown = page("/model-health", at=site, lang="en")
    rows = shown.rows("#models-board")
    assert [row[0] for row in rows] == [
        "Ensemble of all serves",
        "Linear model",
        "Boosted trees",
        "Same hour last week",
        "Prophet",
    ]
    assert rows[0][3].startswith("better")
    lines = {line["name"]: line for line in shown.chart("models-lead", "data")}
    by_hand = np.abs(kit.errors("prophet")).mean(axis=(0, 2))
    told = [f"Prophet, day {day}: off by {error:.4f} €/kWh" for day, error in enumerate(by_hand, start=1)]
    assert [words.rpartition(",")[0] for words in lines["Prophet"]["hovertext"]] == told
    table = shown.rows("#models-lead-caption")
    assert [row[4] for row in table] == [f"{error:.4f}" for error in by_hand]
    assert [line["name"] for line in shown.chart("models-hour", "data")] == ["same hour last week", "ensemble of all"]
    assert shown.rows("#models-calibration-caption")[2][0] == "50 %"


def test_what_is_chosen_stands_in_the_address_and_a_link_shows_it_again(page, judged):
    site, trainer = judged
    other = trainer.models.versions()[1]
    shown = page("/model-health", at=site, lang="en")
    Select(shown.one("#models-model")).select_by_value("lear")
    Select(shown.one("#models-days")).select_by_value("30")
    Select(shown.one("#models-version")).select_by_value(other.id)
    shown.until(lambda: [line["name"] for line in shown.chart("models-hour", "data")][1] == "linear model")
    shown.settle()
    assert shown.query() == {"version": other.id, "model": "lear", "days": "30"}
    assert len(shown.chart("models-realised", "data.0.x")) == 30
    shown.driver.refresh()
    shown.settle()
    assert shown.one("#models-version").get_attribute("value") == other.id
    assert [line["name"] for line in shown.chart("models-hour", "data")][1] == "linear model"
    assert len(shown.chart("models-realised", "data.0.x")) == 30


@pytest.mark.parametrize("query", ["version=nope&model=gold&days=7", "version=&model=&days=", "version=%00"])
def test_an_address_that_makes_no_sense_shows_the_usual_page(page, judged, query):
    site, _trainer = judged
    shown = page(f"/model-health?{query}", at=site, lang="en")
    values = [shown.one(f"#models-{name}").get_attribute("value") for name in ("version", "model", "days")]
    assert values == ["serving", "ensemble", "90"]
    shown.assert_clean()


def test_a_version_is_promoted_after_a_second_click(page, judged):
    site, trainer = judged
    other = trainer.models.versions()[1]
    shown = page("/model-health", at=site, lang="en")
    assert not shown.one("#models-rollback button").is_enabled()
    _act(shown, "promote", other.id)
    asked = "The version of 2 Dec 2025, 02:30 will serve from now on, until another one is promoted."
    assert shown.one("#models-question").text == asked
    assert shown.violations() == []
    shown.screenshot("models-question")
    shown.one("#models-cancel").click()
    shown.until(lambda: not shown.all(".modal"))
    assert trainer.models.serving().version.id != other.id
    _act(shown, "promote", other.id)
    _confirm(shown, "good", "The version serves from now on.")
    assert trainer.models.history()[0].requested_by == "dashboard"
    served = [row[0] for row in shown.rows("#models-versions") if row[0].endswith("serves")]
    assert other.id in served[0]
    assert shown.rows("#models-promotions")[0][2:] == ["dashboard", "Promoted by hand."]
    _act(shown, "rollback", "")
    _confirm(shown, "good", "The version that served before serves again.")
    assert trainer.models.serving().version.id == trainer.models.versions()[2].id
    shown.assert_clean()


def test_a_version_is_deleted_by_keyboard_and_the_serving_one_cannot_be(page, judged):
    site, trainer = judged
    broken, other, serving = trainer.models.versions()
    shown = page("/model-health", at=site, lang="en")
    acts = shown.js(
        "return [...document.querySelectorAll('#models-versions button')].map((button) => JSON.parse(button.id))"
    )
    assert serving.id not in {act["version"] for act in acts}
    assert [act["act"] for act in acts if act["version"] == broken.id] == ["delete"]
    _button(shown, "delete", other.id).send_keys(Keys.ENTER)
    shown.until(lambda: shown.all(".modal.show"))
    _keys(shown, Keys.ESCAPE)
    shown.until(lambda: not shown.all(".modal"))
    assert shown.driver.switch_to.active_element == _button(shown, "delete", other.id)
    _keys(shown, Keys.ENTER)
    shown.until(lambda: shown.all(".modal.show"))
    _keys(shown, Keys.TAB)
    assert shown.driver.switch_to.active_element.get_attribute("id") == "models-confirm"
    _keys(shown, Keys.ENTER)
    shown.until(lambda: "The version is deleted." in shown.texts(".choco-toast-good span"))
    shown.settle()
    assert other not in trainer.models.versions()
    assert len(shown.rows("#models-versions")) == 2
    shown.assert_clean()


def test_what_was_done_meanwhile_elsewhere_is_refused_in_words(page, judged):
    site, trainer = judged
    other = trainer.models.versions()[1]
    shown = page("/model-health", at=site, lang="en")
    _act(shown, "delete", other.id)
    trainer.models.promote(other.id, "cli")
    _confirm(shown, "error", f"Version {other.id} serves: another must be promoted before it can go.")
    assert other in trainer.models.versions()
    assert other.id in next(row[0] for row in shown.rows("#models-versions") if row[0].endswith("serves"))


def test_a_training_shows_its_progress_and_then_what_came_of_it(page, judged):
    site, trainer = judged
    shown = page("/model-health", at=site, lang="en")
    before = len(shown.rows("#models-versions"))
    shown.one("#models-train").click()
    shown.until(lambda: shown.all("#models-progress progress"))
    shown.until(lambda: not shown.one("#models-train").is_enabled())
    shown.until(lambda: "Fitting linear model" in shown.one("#models-progress").text)
    assert shown.one("#models-progress progress").get_attribute("value") == "40"
    assert shown.rows("#models-trainings")[0][:2] == ["Train the price models", "running"]
    assert shown.violations() == []
    shown.screenshot("models-training")
    trainer.go.set()
    shown.until(lambda: not shown.all("#models-progress progress") and shown.one("#models-train").is_enabled())
    shown.settle()
    told = "Its version serves now. Over its proof: 0.0161 €/kWh, 65 % of the naive error."
    assert told in shown.one("#models-progress").text
    shown.until(lambda: len(shown.rows("#models-versions")) == before + 1)
    assert shown.rows("#models-versions")[0][0].endswith("serves")
    shown.assert_clean()


def test_a_training_that_is_under_way_is_shown_instead_of_a_second_one(page, judged):
    site, trainer = judged
    run = site.factory.jobs.start("train_models", {}, "scheduler")
    shown = page("/model-health", at=site, lang="en")
    shown.until(lambda: shown.all("#models-progress progress"))
    assert run.id in shown.one("#models-progress .job").get_attribute("id")
    assert not shown.one("#models-train").is_enabled()
    trainer.go.set()
    shown.until(lambda: shown.one("#models-train").is_enabled())


def test_what_a_real_training_came_to_is_what_rest_tells_of_it(page, trained):
    told = requests.get(f"{trained.url}/api/v1/models", timeout=30).json()
    (version,) = told["models"]
    shown = page("/model-health", at=trained, lang="en")
    details = requests.get(f"{trained.url}/api/v1/models/{version['name']}", timeout=30).json()["proof"]
    overall = {row["model"]: row for row in details["scores"] if row["group"] == "all"}
    rows = {row[0].removesuffix(" serves"): row for row in shown.rows("#models-board")}
    called = {"ensemble": "Ensemble of all", "lear": "Linear model", "naive": "Same hour last week"}
    for model, name in called.items():
        assert rows[name][1] == f"{overall[model]['mae_eur_kwh']:.4f}"
        assert rows[name][2] == f"{100 * overall[model]['relative_mae']:.0f} %"
    ensemble = next(row for row in details["comparisons"] if (row["model"], row["versus"]) == ("ensemble", "naive"))
    assert f"{ensemble['difference_eur_kwh']:+.4f}, p " in rows["Ensemble of all"][3]
    leads = [row for row in details["scores"] if (row["model"], row["group"]) == ("ensemble", "lead_day")]
    drawn = next(line for line in shown.chart("models-lead", "data") if line["name"] == "ensemble of all")
    assert [f"{row['mae_eur_kwh']:.4f}" in words for row, words in zip(leads, drawn["hovertext"], strict=True)] == [
        True
    ] * 7
    assert [version["name"] in row[0] for row in shown.rows("#models-versions")] == [True]
    assert shown.rows("#models-trainings")[0][:2] == ["Train the price models", "done"]
    assert bool(told["serving"]["version"]) == ("serves" in shown.rows("#models-versions")[0][0])
    shown.assert_clean_at_every_width("models-trained")


def test_alarms_are_said_and_marked_and_days_that_came_true_can_be_taken_along(page, judged, tmp_path):
    site, trainer = judged
    found = kit.realised(drifting=True)
    _play(site, trainer.models, found)
    shown = page("/model-health", at=site, lang="en")
    assert "more than twice the usual" in shown.texts("#models-headline")[0]
    assert "2 alarms" in shown.texts("#models-facts .kpi")[3]
    shaded = [shape for shape in shown.chart("models-realised", "layout.shapes") if shape["type"] == "rect"]
    assert len(shaded) == 2
    shown.assert_clean()
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    shown.driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    _click(shown, shown.one("#models-export-realised"))
    rows = _csv(shown, tmp_path / "realised_2025-09-02_2025-11-30.csv")
    assert [row["day"] for row in rows][-1] == "2025-11-30"
    assert float(rows[-1]["mae"]) == pytest.approx(found.daily["mae"].iloc[-1])
    _click(shown, shown.one("#models-export-proof"))
    scores = _csv(shown, tmp_path / "proof_2025-10-02_2025-11-30.csv")
    assert len(scores) == 5 * (1 + 7 + 24)
    assert {row["model"] for row in scores} == set(kit.SPREADS)


def test_before_anything_is_trained_or_has_come_due_it_is_said_why_there_is_nothing(page, stage):
    site, _trainer = stage
    models = kit.FakeModels()
    models.reasons = (kit.Message("No model is trained yet: the naive one serves, which repeats the week before."),)
    _play(site, models, kit.nothing_realised())
    shown = page("/model-health", at=site, lang="en", width=390)
    assert shown.texts("#models-headline")[0].startswith("The naive model serves")
    assert shown.one("#models-unproved h2").text == "No model has been trained yet"
    assert shown.one("#models-undue h2").text == "No forecast has come due yet"
    assert not shown.one("#models-lead").is_displayed()
    assert not shown.one("#models-realised").is_displayed()
    shown.assert_clean_at_every_width("models-bare")


def test_figures_are_drawn_anew_in_another_theme(page, judged):
    site, _trainer = judged
    shown = page("/model-health", at=site, theme="light")
    shown.one("#theme-dark").click()
    shown.until(lambda: {shown.chart(f"models-{name}", "_fullLayout.font.color") for name in CHARTS} == {"#f4eadf"})
    shown.settle()
    shown.assert_clean()


def _button(shown, act, version):
    named = f'{{"act":"{act}","type":"model-act","version":"{version}"}}'
    return next(button for button in shown.all("button") if button.get_attribute("id") == named)


def _act(shown, act, version):
    _click(shown, _button(shown, act, version))
    shown.until(lambda: shown.all(".modal.show"))


def _click(shown, button):
    """Click where no part of the frame lies above the button."""
    shown.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
    button.click()


def _confirm(shown, kind, told):
    shown.one("#models-confirm").click()
    shown.until(lambda: told in shown.texts(f".choco-toast-{kind} span"))
    shown.until(lambda: not shown.all(".modal"))
    shown.settle()


def _keys(shown, *keys):
    ActionChains(shown.driver).send_keys(*keys).perform()


def _csv(shown, file):
    shown.until(file.exists)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
