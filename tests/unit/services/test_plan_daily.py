from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.domain.plant import Product
from chocofactory.services.plan_daily import batches_for, weight_of
from chocofactory.services.plan_summary import method_record, staffed_minutes
from tests.plant_kit import default_plant

MONDAY = date(2025, 3, 24)
WEIGHTS = st.floats(0.5, 400)


def plant_of(weights, mix):
    """The default plant with batches of these weights, and the same targets on every day."""
    plant = default_plant()
    products = tuple(Product(name, kg) for name, kg in zip(("standard", "premium"), weights, strict=True))
    due = dict(zip(("standard", "premium"), mix, strict=True))
    return replace(plant, products=products, targets=dict.fromkeys(range(7), due))


@given(st.tuples(WEIGHTS, WEIGHTS), st.tuples(st.integers(0, 9), st.integers(0, 9)), st.floats(0, 2000))
def test_kilograms_are_the_fewest_batches_of_the_mix_that_reach_them(weights, mix, kg):
    plant = plant_of(weights, mix)
    counts = batches_for(plant, MONDAY, kg)
    parts = mix if any(mix) else (1, 1)
    if max(counts.values()) <= 1000:
        assert weight_of(plant, counts) >= kg
    if any(counts.values()):
        lightest = min(product.batch_kg for product in plant.products if counts[product.name])
        heaviest = max(product.batch_kg for product in plant.products if counts[product.name])
        assert weight_of(plant, counts) - heaviest < kg or weight_of(plant, counts) - lightest < kg
    total = sum(counts.values())
    for count, part in zip(counts.values(), parts, strict=True):
        assert abs(count - total * part / sum(parts)) <= 1


@pytest.mark.parametrize("times", [1, 2, 7])
def test_a_multiple_of_the_mix_is_that_multiple(times):
    plant = plant_of((50, 20), (3, 2))
    assert batches_for(plant, MONDAY, times * (3 * 50 + 2 * 20)) == {"standard": 3 * times, "premium": 2 * times}


def test_without_kilograms_it_is_what_is_due():
    plant = default_plant()
    for day in range(7):
        when = MONDAY + timedelta(days=day)
        assert batches_for(plant, when, None) == plant.targets_due(when, when)[when]


def test_the_summary_counts_staffed_minutes_once():
    plant = default_plant()
    assert staffed_minutes(plant) == (5 * 16 + 8) * 60
    twice = replace(plant, shifts=plant.shifts + plant.shifts)
    assert staffed_minutes(twice) == staffed_minutes(plant)
    night = replace(plant.shifts[0], start=22 * 60, end=30 * 60, weekdays=frozenset({6}))
    assert staffed_minutes(replace(plant, shifts=(night,))) == 8 * 60
    most = method_record(plant)["production_capacity"]["most_batches_a_week"]
    assert most["preparation"] == {"standard": 88 * 60 // 24, "premium": 88 * 60 // 24}
