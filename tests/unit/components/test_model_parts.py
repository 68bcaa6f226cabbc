"""What is said of the models: sentences, cards and tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chocofactory.core.messages import Message
from components import model_figures, model_parts, text
from tests import model_kit as kit

DASH = "\N{EN DASH}"


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def words(component: Any) -> str:
    """All text of a component, in order."""
    if component is None or isinstance(component, (str, int, float)):
        return "" if component is None else str(component)
    if isinstance(component, (list, tuple)):
        return " ".join(filter(None, map(words, component)))
    return words(getattr(component, "children", None))


def said(component: Any) -> str:
    return re.sub(r"\s+", " ", words(component)).strip()


def rows(component: Any) -> list[list[str]]:
    """The cells of the table in a component."""
    body = next(part for part in component._traverse() if getattr(part, "_type", "") == "Tbody")
    return [[said(cell) for cell in row.children] for row in body.children]


def _serving(**more: Any) -> kit.Serving:
    return kit.Serving(**{"version": kit.version(), "model": "ensemble", "since": kit.TRAINED, "reasons": (), **more})


def test_the_sentence_says_how_good_and_how_sure_with_numbers_of_the_proof():
    told = said(model_parts.headline(_serving(), kit.realised()))
    ours, naive = (np.abs(kit.errors(model)) for model in ("ensemble", "naive"))
    held = (ours <= 1.7 * kit.SPREADS["ensemble"]).mean()
    assert told == (
        f"The forecast of the next seven days is off by {ours.mean():.3f} €/kWh on average,"
        f" {100 * (1 - ours.mean() / naive.mean()):.0f} % less than copying last week; in the 60 days of its proof"
        f" {100 * held:.0f} % of the prices lay in the 90 % band. Nothing unusual since."
    )


@pytest.mark.parametrize(
    ("rmae", "wanted"),
    [
        (1.354, "35 % more than copying last week"),
        (1.004, "as much as copying last week"),
        (0.996, "as much as copying last week"),
        (0.65, "35 % less than copying last week"),
    ],
)
def test_worse_and_equal_are_said_as_plainly_as_better(rmae, wanted):
    report = kit.report()
    report["scores"] = [{**record, "rmae": rmae} for record in report["scores"]]
    assert wanted in said(model_parts.headline(_serving(version=kit.version(report=report)), kit.realised()))


def test_what_may_be_by_chance_is_said_to_be_so():
    report = kit.report()
    for made in report["comparisons"]:
        made["p_value"] = 0.2
    serving = _serving(version=kit.version(report=report))
    assert "less than copying last week (perhaps by chance);" in said(model_parts.headline(serving, kit.realised()))
    assert "(perhaps by chance)" in said(model_parts.fact_cards(serving, kit.realised()))
    report["comparisons"] = []  # too few origins to compare at all
    assert "(perhaps by chance)" in said(model_parts.headline(serving, kit.realised()))


def test_without_a_version_it_is_said_that_last_week_is_copied_and_why():
    serving = _serving(version=None, model="naive", reasons=(Message("No model is trained yet."),))
    told = said(model_parts.headline(serving, kit.nothing_realised()))
    assert told == (
        "The naive model serves: it copies the same hour of last week. No model is trained yet."
        " Too few forecasts have come due so far to say more."
    )


def test_a_version_without_a_proof_says_so_and_promises_nothing():
    serving = _serving(version=kit.version(report={}))
    told = said(model_parts.headline(serving, kit.nothing_realised()))
    assert "What serves is the ensemble of all; too little history was known to prove how good it is." in told
    assert said(model_parts.fact_cards(serving, kit.nothing_realised())).count("Nothing is proved of what serves.") == 2
    copying = said(model_parts.headline(_serving(version=kit.version(report={}), model="naive"), kit.realised()))
    assert copying.startswith("The naive model serves: it copies the same hour of last week.")
    assert "No model has been trained yet" in said(model_parts.nothing_proved(trained=False))
    assert "Too little history was known" in said(model_parts.nothing_proved(trained=True))


def test_alarms_are_said_instead_of_nothing_unusual():
    found = kit.realised(drifting=True)
    told = said(model_parts.headline(_serving(), found))
    assert "Nothing unusual" not in told
    assert f"off by {found.drift.mae_14d:.4f} EUR/kWh in the last 14 days, more than twice the usual" in told
    assert f"held {100 * found.drift.coverage_14d:.0f} % of the prices" in told
    assert "2 alarms" in said(model_parts.fact_cards(_serving(), found))


def test_reasons_of_a_version_that_replaces_a_damaged_one_are_said():
    reason = Message("Version {damaged} is damaged: {version}, the last good one, serves.", damaged="b", version="a")
    told = said(model_parts.headline(_serving(reasons=(reason,)), kit.realised()))
    assert "Version b is damaged: a, the last good one, serves." in told


def test_cards_show_the_same_numbers_and_dashes_where_nothing_is_known():
    told = said(model_parts.fact_cards(_serving(), kit.realised()))
    tomorrow = np.abs(kit.errors("ensemble"))[:, 0].mean()
    assert "Ensemble of all version of 1 Dec 2025, 02:30" in told
    assert f"{np.abs(kit.errors('ensemble')).mean():.4f} €/kWh" in told
    assert f"tomorrow: {tomorrow:.4f} €/kWh" in told
    bare = said(model_parts.fact_cards(_serving(version=None, model="naive"), kit.nothing_realised()))
    assert bare.count(DASH) == 3
    assert "No forecast has come due in these days." in bare


def test_the_leaderboard_has_the_best_first_each_beside_the_naive_and_the_serving_one():
    found = rows(model_parts.leaderboard(kit.report(), "ensemble"))
    errors = {model: np.abs(kit.errors(model)).mean() for model in kit.SPREADS}
    assert [row[1] for row in found] == [f"{error:.4f}" for error in sorted(errors.values())]
    assert found[0][0] == "Ensemble of all serves"
    assert found[0][2] == f"{100 * errors['ensemble'] / errors['naive']:.0f} %"
    assert found[0][3].startswith("better -0.01")
    assert ", p < 0.001 -0.01" in found[0][3]
    assert found[0][4] == DASH  # beside itself
    naive = next(row for row in found if row[0] == "Same hour last week")
    assert (naive[2], naive[3]) == ("100 %", DASH)
    assert naive[4].startswith("worse +0.01")


@pytest.mark.parametrize(
    ("difference", "p", "plain"),
    [(-0.002, 0.049, "better"), (0.002, 0.049, "worse"), (-0.002, 0.05, "no significant difference")],
)
def test_a_comparison_is_worded_by_its_p_value_and_turned_where_it_was_made_the_other_way(difference, p, plain):
    made = {"model": "lear", "versus": "naive", "difference_eur_kwh": difference, "low": -0.0051, "high": 0.0012}
    told = said(model_parts.comparison_words([{**made, "p_value": p}], "lear", "naive"))
    assert told == f"{plain} {difference:+.4f}, p = {p:.3f} -0.0051 to +0.0012"
    turned = said(model_parts.comparison_words([{**made, "p_value": p}], "naive", "lear"))
    opposite = {"better": "worse", "worse": "better"}.get(plain, plain)
    assert turned == f"{opposite} {-difference:+.4f}, p = {p:.3f} -0.0012 to +0.0051"


def test_what_was_not_compared_is_a_dash():
    assert model_parts.comparison_words([], "lear", "naive") == DASH
    unknown = {"model": "lear", "versus": "naive", "difference_eur_kwh": None, "low": None, "high": None}
    assert model_parts.comparison_words([{**unknown, "p_value": None}], "lear", "naive") == DASH


def test_a_model_that_tells_one_day_alone_is_drawn_and_not_ranked():
    report = kit.report()
    alone = [{**one, "model": "from_spot", "mae": 0.005} for one in kit.scores("lear") if one["group"] == "all"]
    alone += [{**one, "model": "from_spot", "mae": 0.005} for one in kit.scores("lear") if one["key"] == 1][:1]
    report["scores"] += alone
    assert "Spot price" not in [row[0] for row in rows(model_parts.leaderboard(report, "ensemble"))]
    share = next(one["rmae"] for one in alone if one["group"] == "lead_day")
    assert model_parts.spot_words(report) == (
        "Once the day-ahead prices of tomorrow are out, tomorrow is off by 0.0050 €/kWh,"
        f" {100 * share:.0f} % of the naive error."
    )
    assert model_parts.spot_words(kit.report()) is None
    figure = model_figures.error_by_lead(model_figures.scores_frame(report), "ensemble")
    (spot,) = [trace for trace in figure.data if trace.name == "spot price"]
    assert (list(spot.x), list(spot.y)) == ([1], [0.005])


def test_the_proof_says_its_days_its_origins_and_its_refit():
    assert model_parts.proof_words(kit.version()) == (
        f"2 Oct\N{THIN SPACE}{DASH}\N{THIN SPACE}30 Nov 2025: 60 forecasts from midnight of each day, seven days long;"
        " refitted every 7 days. No model had seen what it was asked for."
    )


def test_twins_tell_the_same_numbers():
    scores = model_figures.scores_frame(kit.report())
    leads = rows(model_parts.lead_twin(scores))
    assert [row[0] for row in leads] == list("1234567")
    assert leads[2][1] == f"{np.abs(kit.errors('ensemble'))[:, 2].mean():.4f}"
    hours = rows(model_parts.hour_twin(scores))
    assert hours[18][0] == "18:00"
    assert hours[18][5] == f"{np.abs(kit.errors('naive'))[:, :, 18].mean():.4f}"
    shares = rows(model_parts.calibration_caption(scores)[1])
    assert [row[0] for row in shares] == ["5 %", "25 %", "50 %", "75 %", "95 %"]
    assert shares[2][1] == f"{100 * (-kit.errors('ensemble') <= 0).mean():.1f} %"


def test_days_that_came_true_are_told_newest_first_and_the_rest_is_filed():
    found = kit.realised()
    twin = model_parts.realised_twin(found.daily)
    told = rows(twin)
    assert len(told) == 28
    assert told[0][0] == "30 Nov 2025"
    assert told[0][2] == f"{found.daily['mae'].iloc[-1]:.4f}"
    assert "The first 28 of 90 rows; the CSV button saves them all." in said(twin)
    leads = rows(model_parts.realised_leads(found.by_lead))
    assert leads[0] == ["1", "2,160", "0.0128", "62 %", "+0.0004", "90 %"]
    assert rows(model_parts.realised_leads(kit.nothing_realised().by_lead))[6][2] == DASH


def test_a_first_day_told_from_spot_is_said_apart_and_only_where_there_is_one():
    found = kit.realised()
    told = said(model_parts.realised_from_spot(found.from_spot))
    assert f"off by {found.from_spot['mae']:.4f}" in told
    assert model_parts.realised_from_spot(kit.nothing_realised().from_spot) is None


def test_before_anything_has_come_due_it_is_said_when_something_will():
    none = kit.nothing_realised()
    assert "how far off it was is known when its prices are out" in said(model_parts.nothing_due(none))
    waiting = said(model_parts.nothing_due(replace(none, since=kit.LAST)))
    assert "The first archived forecast speaks of 30 Nov 2025." in waiting
