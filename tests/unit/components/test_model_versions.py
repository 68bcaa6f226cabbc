"""The table of versions, what can be done with each, and what was done."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from components import model_versions, text
from tests import model_kit as kit
from tests.unit.components.test_model_parts import rows, said

DASH = "\N{EN DASH}"


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _buttons(component):
    return [part.id for part in component._traverse() if getattr(part, "_type", "") == "Button"]


def test_each_version_tells_what_it_learnt_from_how_good_it_was_and_what_was_decided():
    one = kit.version()
    (told,) = rows(model_versions.versions_table([one], None))
    error = np.abs(kit.errors("ensemble")).mean()
    assert told[0] == f"1 Dec 2025, 02:30 {one.id}"
    assert told[1].endswith("2025 39,480 hours")
    assert told[2:4] == [f"{error:.4f}", f"{100 * error / np.abs(kit.errors('naive')).mean():.0f} %"]
    assert told[4:7] == ["Better than the naive model.", "74 s", "4.3 MB"]


def test_the_serving_version_can_be_neither_promoted_nor_deleted_and_a_damaged_one_only_deleted():
    serving, other, broken = kit.version(), kit.version(1), kit.damaged(2)
    table = model_versions.versions_table([broken, other, serving], serving.id)
    assert [(button["act"], button["version"]) for button in _buttons(table)] == [
        ("delete", broken.id),
        ("promote", other.id),
        ("delete", other.id),
    ]
    told = rows(table)
    assert told[0][0].endswith("damaged")
    assert told[0][1:6] == [DASH, DASH, DASH, f"Version {broken.id} of the models is damaged.", DASH]
    assert told[2][0].endswith("serves")
    assert told[2][-1] == "serves: cannot be deleted"


def test_a_version_without_a_proof_has_dashes_for_it():
    (told,) = rows(model_versions.versions_table([kit.version(report={})], None))
    assert told[2:4] == [DASH, DASH]


def test_without_versions_it_is_said():
    assert said(model_versions.versions_table([], None)) == "No model has been trained yet."
    assert said(model_versions.promotions_table([], [])) == "No version has served yet."


def test_the_proof_that_is_shown_is_the_wanted_one_or_that_of_the_serving_or_of_the_newest():
    old, new, unproved = kit.version(), kit.version(1), kit.version(2, report={})
    known = [unproved, new, old]
    assert model_versions.proved(known, old, model_versions.SERVING) is old
    assert model_versions.proved(known, old, new.id) is new
    assert model_versions.proved(known, old, "gone") is old
    assert model_versions.proved(known, unproved, model_versions.SERVING) is new
    assert model_versions.proved(known, None, model_versions.SERVING) is new
    assert model_versions.proved([unproved], None, unproved.id) is None
    assert list(model_versions.choices(known)) == [model_versions.SERVING, new.id, old.id]


def test_one_can_roll_back_only_to_a_sound_version_that_served_before():
    one, two = kit.version(), kit.version(1)
    models = kit.FakeModels(one, two, serving=one.id)
    assert not model_versions.can_roll_back(models.history(), models.versions())
    models.promote(two.id, "dashboard")
    assert model_versions.can_roll_back(models.history(), models.versions())
    models.delete(one.id)
    assert not model_versions.can_roll_back(models.history(), models.versions())
    assert not model_versions.can_roll_back(models.history(), [two, kit.damaged()])
    assert not model_versions.can_roll_back([], [one])


def test_promotions_tell_who_why_and_that_none_served():
    one = kit.version()
    models = kit.FakeModels(one, serving=one.id)
    promotions = [kit.Promotion(kit.TRAINED, None, "cli", kit.Message("Nothing is better.")), *models.history()]
    assert [row[1:] for row in rows(model_versions.promotions_table(promotions, [one]))] == [
        ["Same hour last week", "command line", "Nothing is better."],
        ["version of 1 Dec 2025, 02:30", "training", "Better than the naive model."],
    ]
    gone = rows(model_versions.promotions_table(models.history(), []))
    assert gone[0][1] == one.id


@pytest.mark.parametrize(("promoted", "words"), [(True, "serves now"), (False, "is kept and does not serve")])
def test_a_training_tells_what_came_of_it(promoted, words):
    result = {"version": "v", "promoted": promoted, "mae_eur_kwh": 0.0161, "rmae": 0.65, "reason": ""}
    told = said(model_versions.train_result(SimpleNamespace(result=result)))
    assert told == f"Its version {words}. Over its proof: 0.0161 €/kWh, 65 % of the naive error."
    short = SimpleNamespace(result={"version": "v", "promoted": promoted, "reason": ""})  # too short for a proof
    assert said(model_versions.train_result(short)) == f"Its version {words}."
    assert model_versions.train_result(SimpleNamespace(result=None)) is None


def test_what_cannot_be_undone_is_asked_with_the_version_named():
    assert model_versions.question("delete", kit.version()) == (
        "The version of 1 Dec 2025, 02:30 will be deleted with its files. This cannot be undone."
    )
    assert "served before" in model_versions.question("rollback", None)
