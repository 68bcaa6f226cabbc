"""Why batches start when they do, beside plans that are made with the batch moved, and beside cases by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from chocofactory.core.errors import NotFound
from chocofactory.domain.tariff import tariff
from chocofactory.planning.batches import block_run
from chocofactory.planning.checking import check
from chocofactory.planning.planner import SAME_EUR, plan
from chocofactory.planning.problem import Commitment
from chocofactory.planning.reasons import DUE, quarters, reasons
from tests.brute import Brute
from tests.planning_kit import MONDAY, at, one_block, problem_of, small_plant

TARIFF = tariff("2.0TD")
TUESDAY = MONDAY + timedelta(days=1)
BROKEN_BY = {DUE: "shortfall", "outage": "units"}


@cache
def two_days():
    running = Commitment("running", "premium", (at(MONDAY, 2), at(MONDAY, 2, 30)))  # done at 12:30
    targets = {MONDAY: {"standard": 2, "premium": 1}, TUESDAY: {"standard": 1, "premium": 1}}
    problem = problem_of(days=2, slot=30, targets=targets, commitments=(running,), start=at(MONDAY, 5))
    return plan(problem)


def planned(made):
    return [batch.name for batch in made.batches if any(run.planned for run in batch.runs)]


def moved(made, batch, starts):
    """The plan with a batch's planned blocks elsewhere."""
    first = len(batch.runs) - len(starts)
    blocks = made.problem.plant.blocks[first:]
    runs = tuple(
        block_run(made.problem, block, batch.product, start, 1, planned=True)
        for block, start in zip(blocks, starts, strict=True)
    )
    other = replace(batch, runs=(*batch.runs[:first], *runs))
    return replace(made, batches=tuple(other if each is batch else each for each in made.batches))


def test_the_plan_has_what_these_tests_are_about():
    made = two_days()
    assert made.proof.status in {"optimal", "infeasible"}  # mixing at 02:00 was nobody's shift, and is over
    assert len(planned(made)) == 5


def test_no_open_start_is_cheaper_than_the_chosen_one():
    made = two_days()
    for name in planned(made):
        found = reasons(made, name, TARIFF)
        assert found.curve.loc[found.start, "limit"] == ""
        assert found.curve["cost_eur"].min() >= found.cost_eur - SAME_EUR - 1e-4 * made.cost_eur
        assert found.curve.loc[found.start, "cost_eur"] <= found.cost_eur + 1e-9


def test_each_open_start_costs_what_the_cheapest_plan_with_it_costs():
    made = two_days()
    brute = Brute(made.problem)
    for batch in (batch for batch in made.batches if batch.name in planned(made)):
        curve = reasons(made, batch.name, TARIFF).curve
        others = [brute.load(each.product, starts_of(brute, each)) for each in made.batches if each is not batch]
        power, units = (sum(each[part] for each in others) for part in (0, 1))
        standing = [brute.minute(run.start) for run in batch.runs if not run.planned]
        best = {}
        for way in brute.ways(batch.product, standing):
            own = brute.load(batch.product, way)
            if brute.fits(power + own[0], units + own[1]) and in_time(brute, batch, way):
                rest = brute.load(batch.product, way)[0]
                past = brute.load(batch.product, standing)[0]
                first = way[len(standing)]
                best[first] = min(best.get(first, np.inf), float((rest - past) @ brute.price) / 60)
        opened = curve.loc[curve["limit"] == "", "cost_eur"]
        assert {brute.minute(start) for start in opened.index} == {
            first for first in best if made.problem.start + timedelta(minutes=first) <= curve.index[-1]
        }
        for start, cost in opened.items():
            assert cost == pytest.approx(best[brute.minute(start)], rel=1e-9)


def starts_of(brute, batch):
    return [brute.minute(run.start) for run in batch.runs]


def in_time(brute, batch, way):
    return batch.due is None or brute.finish(batch.product, way) <= brute.day_ends[batch.due]


def test_each_closed_start_breaks_the_limit_that_it_names():
    made = two_days()
    seen = set()
    for batch in (batch for batch in made.batches if batch.name in planned(made)):
        curve = reasons(made, batch.name, TARIFF).curve
        first = sum(not run.planned for run in batch.runs)
        for start, row in curve[curve["limit"] != ""].iterrows():
            starts, begin = [], start
            for block in made.problem.plant.blocks[first:]:
                starts.append(begin.to_pydatetime())
                begin = begin + -(block.minutes(batch.product) // -30) * timedelta(minutes=30)
            broken = {found.rule for found in check(moved(made, batch, starts))}
            assert BROKEN_BY.get(row["limit"], row["limit"]) in broken, (batch.name, start, row["limit"], row["block"])
            seen.add(row["limit"])
            if row["limit"] in {"wait-short", "wait-long"}:
                assert row["block"] == "conching"  # not done yet, or done for too long
    assert {"unattended", "units", "wait-short", "wait-long"} <= seen


def by_hand(**other):
    """An hour of 60 kW, attended from 06:00 on; 5 cents until 02:00, 10 from 06:00 to 07:00, else 20."""
    price = np.full(96, 0.2)
    price[:8], price[24:28] = 0.05, 0.1
    plant = small_plant(one_block(minutes=60, attended=True))
    return plan(problem_of(plant, slot=30, price_eur_kwh=price, **{"targets": {MONDAY: {"bar": 1}}, **other}))


def test_rank_price_and_what_later_starts_cost_by_hand():
    (batch,) = by_hand().batches
    found = reasons(by_hand(), batch.name, TARIFF)
    assert found.start == at(MONDAY, 6)
    assert found.cost_eur == pytest.approx(6.0)
    assert found.price_eur_kwh == pytest.approx(0.1)
    assert (found.rank, found.ranked) == (4, 47)  # 00:00, 00:30 and 01:00 are cheaper; 23:00 is the last
    assert [(each.limit, each.block, each.starts, each.cost_eur) for each in found.closed] == [
        ("unattended", "mixing", 3, pytest.approx(3.0))
    ]
    half_hour, two_hours, a_day = found.moves
    assert half_hour.more_eur == pytest.approx(3.0)
    assert two_hours.more_eur == pytest.approx(6.0)
    assert (a_day.more_eur, a_day.limit) == (None, "beyond-horizon")
    assert found.periods == {"P3": pytest.approx(1.0)}


def test_a_batch_that_is_late_is_not_told_to_come_a_day_later_for_less():
    price = np.full(192, 0.2)
    price[96:] = 0.01
    plant = small_plant(one_block(minutes=60, attended=True))
    yesterday = problem_of(plant, start=at(MONDAY, 20), days=3, slot=30, targets={MONDAY: {"bar": 9}})
    cheap_later = np.linspace(0.3, 0.01, len(yesterday.grid))
    made = plan(replace(yesterday, price_eur_kwh=cheap_later))
    late = [batch for batch in made.batches if batch.end > at(MONDAY, 24)]
    assert late
    for batch in late:
        found = reasons(made, batch.name, TARIFF)
        assert found.curve["cost_eur"].min() >= found.cost_eur - SAME_EUR - 1e-4 * made.cost_eur
        assert found.moves[-1].limit == DUE


def test_what_was_running_or_is_not_there_has_no_reasons():
    made = by_hand(targets={MONDAY: {"bar": 1}}, commitments=(Commitment("mine", "bar", (at(MONDAY, 9),)),))
    for name in ("mine", "nobody's"):
        with pytest.raises(NotFound):
            reasons(made, name, TARIFF)


def test_quarters_say_what_runs_and_what_keeps_blocks_from_starting():
    made = by_hand()
    (batch,) = made.batches
    found = quarters(made)
    assert list(found.index) == list(made.problem.grid)
    running = found["running"].map(bool)
    assert list(found.index[running]) == [at(MONDAY, 6) + timedelta(minutes=15 * place) for place in range(4)]
    assert found.loc[at(MONDAY, 6), "running"] == ((batch.name, "mixing"),)
    limits = found["mixing"]
    assert limits[at(MONDAY, 4)] == ("unattended",)
    assert limits[at(MONDAY, 6)] == limits[at(MONDAY, 6, 45)] == ("units",)
    assert limits[at(MONDAY, 7)] == limits[at(MONDAY, 21)] == ()
    assert limits[at(MONDAY, 21, 15)] == ("unattended",)
    assert found.loc[at(MONDAY, 6), "price_eur_kwh"] == pytest.approx(0.1)
    assert (found["room_c"] == 22).all()


def test_quarters_name_power_where_it_would_not_suffice():
    tight = small_plant(one_block(minutes=60, units=2), contracted_kw=100.0)
    made = plan(problem_of(tight, targets={MONDAY: {"bar": 1}}, price_eur_kwh=np.full(96, 0.1)))
    limits = quarters(made)["mixing"]
    assert limits[at(MONDAY, 0)] == limits[at(MONDAY, 0, 45)] == ("power",)
    assert limits[at(MONDAY, 1)] == ()
