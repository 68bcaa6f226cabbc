"""What the overview says of the plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from components import plan_overview, text
from components.theme import PRODUCT_COLOURS
from tests.hand_plan import MONDAY, hand_plan
from tests.plan_kit import at

MIDNIGHT = at(2025, 12, 2)


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def test_every_run_is_told_with_its_product_in_its_colour():
    found = plan_overview.stretches(hand_plan(), hand_plan(), MIDNIGHT, "dark")
    assert len(found) == 6
    start, end, words, colour = found[0]
    assert (start, end) == (datetime(2025, 12, 1, 5, 30, tzinfo=UTC), datetime(2025, 12, 1, 5, 54, tzinfo=UTC))
    assert words.startswith("Batch S1 (standard) on Preparation 1: Mon 1 Dec, 06:30\N{EN DASH}06:54")
    assert {each[3] for each in found} == {colour} == {PRODUCT_COLOURS["dark"][0]}


def test_until_midnight_the_plan_of_today_counts_and_from_then_on_the_next_one():
    both = hand_plan(last=MONDAY + timedelta(days=1))
    late = hand_plan(start=MIDNIGHT, last=MONDAY + timedelta(days=1))
    found = plan_overview.stretches(both, late, MIDNIGHT, "light")
    assert [start for start, *_rest in found] == sorted(
        run.start for plan in (both, late) for batch in plan.batches for run in batch.runs
    )
    assert len(plan_overview.stretches(late, late, MIDNIGHT, "light")) == 6
    assert plan_overview.stretches(late, both, MIDNIGHT, "light") == []
    assert plan_overview.stretches(None, None, MIDNIGHT, "light") == []
