from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.core.messages import Message
from chocofactory.domain.scoring import LEVELS, score, scores
from tests.plant_kit import default_plant

NAN = float("nan")
MILD = {"outside_c": 20.0, "outside_pct": 50.0}
prices = st.floats(-1, 10)
outsides = st.floats(-40, 60)
humidities = st.floats(0, 100)


def _said(found):
    return [str(reason) for reason in found.reasons]


@pytest.mark.parametrize(
    ("price", "share"),
    [
        (-0.3, 1),
        (0.0, 1),
        (0.05, 1),
        (0.075, 0.9),
        (0.10, 0.8),
        (0.125, 0.7),
        (0.15, 0.6),
        (0.20, 0.4),
        (0.25, 0.2),
        (0.325, 0.1),
        (0.40, 0),
        (3.0, 0),
    ],
)
def test_the_price_counts_for_60_points_along_its_curve(price, share):
    found = score(default_plant(), price, **MILD)
    assert found.price_points == pytest.approx(60 * share)
    assert (found.temperature_points, found.humidity_points) == (25, 15)
    assert found.score == pytest.approx(40 + 60 * share)


@pytest.mark.parametrize(
    ("outside", "room", "share"),
    [(-10, 22, 1), (35.9, 22, 1), (36, 22, 1), (38, 24, 1), (39, 25, 0.75), (40, 26, 0.5), (42, 28, 0), (50, 36, 0)],
)
def test_the_temperature_of_the_room_counts_for_25_points_along_its_curve(outside, room, share):
    found = score(default_plant(), 0.05, outside, 50)
    assert found.room_c == room
    assert found.temperature_points == pytest.approx(25 * share)


@pytest.mark.parametrize(("room", "share"), [(5, 0), (12, 0), (15, 0.5), (18, 1), (24, 1), (26, 0.5), (28, 0)])
def test_a_cold_room_counts_less_too(room, share):
    plant = default_plant()
    plant = replace(plant, room=replace(plant.room, setpoint_c=room))
    assert score(plant, 0.05, 20, 50).temperature_points == pytest.approx(25 * share)


@pytest.mark.parametrize(
    ("outside", "humidity", "room", "share"),
    [(20, 30, 30, 1), (20, 55, 55, 1), (20, 58, 58, 0.85), (20, 100, 60, 0.75), (36, 65, 65, 0.5), (36, 90, 90, 0)],
)
def test_the_humidity_of_the_room_counts_for_15_points_along_its_curve(outside, humidity, room, share):
    found = score(default_plant(), 0.05, outside, humidity)
    assert found.room_pct == room
    assert found.humidity_points == pytest.approx(15 * share)


@pytest.mark.parametrize(
    ("price", "total", "level"),
    [
        (0.154, 75.04, "optimal"),  # 40 + 60 x (0.6 - 4 x 0.004)
        (0.155, 74.8, "moderate"),
        (0.237, 55.12, "moderate"),
        (0.238, 54.88, "reduced"),
        (0.40, 40.0, "reduced"),
    ],
)
def test_classes_follow_from_the_score(price, total, level):
    found = score(default_plant(), price, **MILD)
    assert found.score == pytest.approx(total)
    assert found.level == level


@pytest.mark.parametrize(("edge", "level"), [(76.0, "optimal"), (76.000001, "moderate")])
def test_a_class_begins_exactly_at_its_edge(edge, level):
    plant = default_plant()
    plant = replace(plant, scoring=replace(plant.scoring, optimal_from=edge))
    found = score(plant, 0.15, **MILD)
    assert (found.score, found.level) == (76, level)


def test_below_the_last_edge_nothing_should_run():
    found = score(default_plant(), 0.40, 39.9, 65)  # room 25.9 degC and 65 %: 0 + 25 x 0.525 + 7.5
    assert found.score == pytest.approx(20.625)
    assert found.level == "halt"
    assert "The score is below 35 points: nothing should run." in _said(found)


@pytest.mark.parametrize(
    ("outside", "humidity", "said"),
    [
        (40, 75, []),
        (40.1, 75, ["The room is at 26.1 °C: finishing must not run above 26 °C."]),
        (46, 50, ["The room is at 32.0 °C: finishing must not run above 26 °C."]),
        (
            46.1,
            75.5,
            [
                "The room is at 32.1 °C: conching must not run above 32 °C.",
                "The room is at 32.1 °C: finishing must not run above 26 °C.",
                "The room is at 76 % humidity: nothing may start above 75 %.",
            ],
        ),
        (37, 76, ["The room is at 76 % humidity: nothing may start above 75 %."]),
        (35, 100, []),  # HVAC holds the room at 60 %
    ],
)
def test_a_broken_limit_of_the_plant_means_halt_however_cheap_it_is(outside, humidity, said):
    found = score(default_plant(), -0.5, outside, humidity)
    assert [words for words in _said(found) if words.startswith("The room is at")] == said
    assert (found.level == "halt") == bool(said)


def test_limits_are_those_of_the_plant_and_not_constants():
    plant = default_plant()
    blocks = tuple(replace(block, room_max_c=21.5 if block.name == "preparation" else None) for block in plant.blocks)
    found = score(replace(plant, blocks=blocks), 0.05, **MILD)
    assert found.level == "halt"
    assert _said(found) == ["The room is at 22.0 °C: preparation must not run above 21.5 °C."]
    dry = replace(plant, room=replace(plant.room, start_humidity_max_pct=45))
    assert score(dry, 0.05, **MILD).level == "halt"


@pytest.mark.parametrize(("price", "level"), [(0.06, "optimal"), (0.0600001, "reduced")])
def test_above_its_price_what_runs_is_finished_and_nothing_started(price, level):
    plant = default_plant()
    found = score(replace(plant, scoring=replace(plant.scoring, finish_only_above_eur_kwh=0.06)), price, **MILD)
    assert found.score > 75
    assert found.level == level
    warned = "The price is above 0.06 €/kWh: finish what runs, start nothing."
    assert (warned in _said(found)) == (level == "reduced")


def test_reasons_say_which_part_costs_how_much():
    assert _said(score(default_plant(), 0.15, 39, 65)) == [
        "The price of 0.1500 €/kWh costs 24 of 60 points.",
        "The room's temperature of 25.0 °C costs 6 of 25 points.",
        "The room's humidity of 65 % costs 8 of 15 points.",
    ]
    assert _said(score(default_plant(), 0.04, **MILD)) == ["Price, temperature and humidity are all as good as can be."]


@pytest.mark.parametrize(
    ("price", "outside", "humidity", "unknown"),
    [(NAN, 20, 50, "price"), (0.05, NAN, 50, "temperature"), (0.05, 20, NAN, "humidity"), (NAN, NAN, NAN, "price")],
)
def test_what_is_unknown_gives_no_score_and_no_class(price, outside, humidity, unknown):
    found = score(default_plant(), price, outside, humidity)
    assert (found.score, found.level) == (None, None)
    assert found.reasons
    assert unknown in str(found.reasons[0])
    assert "unknown" in str(found.reasons[0])
    if np.isnan(outside):
        assert (found.room_c, found.temperature_points) == (None, None)


def test_a_limit_that_is_surely_broken_means_halt_even_where_the_rest_is_unknown():
    found = score(default_plant(), NAN, 45, NAN)
    assert (found.score, found.level) == (None, "halt")
    assert "finishing must not run" in str(found.reasons[0])


@given(st.tuples(prices, prices), outsides, humidities)
def test_cheaper_never_scores_lower_nor_in_a_worse_class(two, outside, humidity):
    cheap, dear = (score(default_plant(), price, outside, humidity) for price in sorted(two))
    assert cheap.score >= dear.score - 1e-6
    assert LEVELS.index(cheap.level) <= LEVELS.index(dear.level)


@given(st.lists(st.tuples(prices | st.just(NAN), outsides | st.just(NAN), humidities | st.just(NAN)), max_size=12))
def test_many_hours_score_as_each_of_them_alone(hours):
    plant = default_plant()
    table = scores(plant, *np.array(hours, dtype=float).reshape(-1, 3).T)
    assert len(table) == len(hours)
    for (price, outside, humidity), row in zip(hours, table.itertuples(), strict=True):
        alone = score(plant, price, outside, humidity)
        assert (row.level, row.reasons) == (alone.level, alone.reasons)
        assert (None if np.isnan(row.score) else row.score) == alone.score
        assert alone.score is None or 0 <= alone.score <= 100
        assert alone.reasons
        assert all(isinstance(reason, Message) for reason in alone.reasons)
