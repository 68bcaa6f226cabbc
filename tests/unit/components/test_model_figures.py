"""What the figures of the models hold: their values, labels and sentences, not their pixels."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from components import model_figures, text
from components.theme import PALETTES, contrast
from tests import model_kit as kit

MODELS = ["naive", "prophet", "boosting", "lear", "ensemble"]


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


@pytest.fixture(scope="module")
def scores():
    return model_figures.scores_frame(kit.report())


def _traces(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_the_error_of_every_model_stands_at_its_days_ahead(scores):
    figure = model_figures.error_by_lead(scores, "ensemble")
    traces = _traces(figure)
    assert list(traces) == ["same hour last week", "Prophet", "boosted trees", "linear model", "ensemble of all"]
    by_hand = np.abs(kit.errors("lear")).mean(axis=(0, 2))
    assert list(traces["linear model"].x) == [1, 2, 3, 4, 5, 6, 7]
    assert list(traces["linear model"].y) == pytest.approx(by_hand)
    share = by_hand[2] / np.abs(kit.errors("naive")).mean(axis=(0, 2))[2]
    assert traces["linear model"].hovertext[2] == (
        f"Linear model, day 3: off by {by_hand[2]:.4f} €/kWh, {100 * share:.0f} % of the naive error"
    )
    assert figure.layout.yaxis.rangemode == "tozero"
    assert figure.layout.xaxis.ticktext[0] == "tomorrow"


@pytest.mark.parametrize("chosen", ["ensemble", "prophet"])
def test_the_chosen_model_is_drawn_strong_and_on_top(scores, chosen):
    traces = model_figures.error_by_lead(scores, chosen).data
    assert [trace.line.width for trace in traces] == [1.5, 1.5, 1.5, 1.5, 3]
    assert traces[-1].name == {"ensemble": "ensemble of all", "prophet": "Prophet"}[chosen]


def test_copying_last_week_is_the_dashed_reference_of_every_hour(scores):
    figure = model_figures.error_by_hour(scores, "lear")
    naive, lear = figure.data
    assert (naive.name, naive.line.dash) == ("same hour last week", "dash")
    assert list(lear.y) == pytest.approx(np.abs(kit.errors("lear")).mean(axis=(0, 1)))
    assert lear.hovertext[7].startswith("Linear model, 07:00: off by ")
    narrow = model_figures.error_by_hour(scores, "lear", wide=False)
    assert list(narrow.layout.xaxis.ticktext) == ["00", "06", "12", "18"]


def test_calibration_sets_what_was_seen_against_what_was_promised(scores):
    promised, _naive, ensemble = model_figures.calibration(scores, "ensemble").data
    assert (list(promised.x), list(promised.y)) == ([0, 1], [0, 1])
    assert list(ensemble.x) == [0.05, 0.25, 0.5, 0.75, 0.95]
    below = (-kit.errors("ensemble") <= 0).mean()
    assert ensemble.y[2] == pytest.approx(below)
    assert ensemble.hovertext[2] == f"Ensemble of all: {100 * below:.1f} % of the prices lay below its 50 % quantile"


def test_a_model_without_scores_is_left_out():
    few = model_figures.scores_frame(kit.report("naive", "lear"))
    for figure in (
        model_figures.error_by_lead(few, "ensemble"),
        model_figures.error_by_hour(few, "ensemble"),
        model_figures.calibration(few, "ensemble"),
    ):
        assert "ensemble of all" not in _traces(figure)
        assert "same hour last week" in _traces(figure)


def test_a_score_that_is_not_known_leaves_a_hole():
    report = kit.report("naive", "lear")
    report["scores"] = [
        {**record, "mae": None} if (record["group"], record["key"]) == ("lead_day", 3) else record
        for record in report["scores"]
    ]
    lines = model_figures.error_by_lead(model_figures.scores_frame(report), "lear").data
    assert [np.isnan(line.y).tolist().index(True) for line in lines] == [2, 2]
    assert "off by –," in lines[0].hovertext[2]  # noqa: RUF001


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_are_seen_on_their_card_and_told_apart_without_hue(theme):
    looks = model_figures.LOOKS
    assert min(contrast(look.colour(theme), PALETTES[theme].card) for look in looks.values()) >= 3
    assert len({look.symbol for look in looks.values()}) == len(looks)


def test_what_came_true_shows_each_day_its_running_mean_and_the_naive_one():
    daily = kit.realised().daily
    figure = model_figures.realised_errors(daily, 0.0158)
    traces = _traces(figure)
    assert list(traces["of a day"].y[:5]) == pytest.approx(daily["mae"][:5].tolist())
    assert traces["14-day mean"].y[-1] == pytest.approx(daily["mae"][-14:].mean())
    assert traces["naive, 14-day mean"].y[-1] == pytest.approx(daily["naive_mae"][-14:].mean())
    assert np.isnan(traces["of a day"].y[45])  # nothing was compared on that day
    assert {trace.connectgaps for trace in figure.data if trace.mode == "lines"} == {False}
    held = [trace for trace in figure.data if trace.yaxis == "y2"]
    assert held[1].y[-1] == pytest.approx(daily["coverage_90"][-14:].mean())
    last = kit.LAST
    assert traces["of a day"].hovertext[-1] == f"{text.day(last, 'short')}: off by {daily['mae'].iloc[-1]:.4f} €/kWh"


def test_limits_are_drawn_and_alarms_shade_the_last_14_days():
    daily = kit.realised(drifting=True).daily
    calm = model_figures.realised_errors(daily, 0.0158)
    assert 0.0316 in [shape.y0 for shape in calm.layout.shapes]
    assert not [shape for shape in calm.layout.shapes if shape.type == "rect"]
    alarmed = model_figures.realised_errors(daily, 0.0158, {"drift-coverage"})
    (shaded,) = [shape for shape in alarmed.layout.shapes if shape.type == "rect"]
    assert shaded.yref == "y2 domain"
    assert (shaded.x1 - shaded.x0) == timedelta(days=14)
    assert "▲ alarm" in alarmed.layout.annotations[-1].text
    unknown = model_figures.realised_errors(daily, None)
    assert {shape.yref for shape in unknown.layout.shapes} == {"y2"}  # no limit of an error that has no usual


def test_days_before_the_first_and_after_the_last_that_was_compared_are_not_drawn():
    daily = kit.realised().daily
    daily.iloc[:60] = np.nan
    daily.iloc[-1] = np.nan
    known = model_figures.known_days(daily)
    assert known.index[0].date() == kit.LAST - timedelta(days=29)
    assert known.index[-1].date() == date(2025, 11, 29)
    assert model_figures.known_days(kit.nothing_realised().daily).empty


def test_days_count_by_their_hours_in_the_running_share_which_waits_for_seven():
    daily = kit.realised(20).daily
    daily.loc[daily.index[-1], "hours"] = 24
    share = model_figures.running_coverage(daily)
    window = daily.iloc[-14:]
    assert share.iloc[-1] == pytest.approx(np.average(window["coverage_90"], weights=window["hours"]))
    assert share.isna().tolist()[:7] == [True] * 6 + [False]
