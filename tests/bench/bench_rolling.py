"""What plans save when they are made anew each midnight, as in use: forecasts as they were then, real prices.

Three ways roll over the same days, each carrying on what itself began: the plan at forecast prices, the same plan had
all prices been known (perfect foresight), and the usual way of working. Each pays the real prices of what it did. Equal
work is compared: of each product the batches that all three finish, those that finish first. Weather is simulated from
SIAR's days; plans and reality see the same. The models are trained once, before the first of the days.

``CHOCO_TEST_BENCH_WEEKS`` (2) weeks are rolled from each of ``STARTS`` on.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.bootstrap import build
from chocofactory.core.clock import StoppedClock, day_bounds, day_start
from chocofactory.core.config import Settings
from chocofactory.planning.baseline import usual
from chocofactory.planning.planner import plan
from chocofactory.planning.savings import captured, energy
from chocofactory.services.plan_orders import Order

pytestmark = pytest.mark.realdata

TRAINED = datetime(2025, 3, 20, 9, 15, tzinfo=UTC)
AFTER = datetime(2025, 12, 28, 12, tzinfo=UTC)
STARTS = (date(2025, 4, 28), date(2025, 7, 7), date(2025, 10, 6))
WEEKS = int(os.environ.get("CHOCO_TEST_BENCH_WEEKS", "2"))


@pytest.fixture(scope="module")
def factory(tmp_path_factory, data_dir):
    """Services on real prices and SIAR's days, with models that learnt from what was known in March 2025."""
    clock = StoppedClock(AFTER)
    made = build(Settings(data_dir=tmp_path_factory.mktemp("rolling")), clock=clock, sources=[])
    for name, market in (("pvpc_20td_peninsula", "pvpc_20td"), ("spot_es", "spot_es")):
        files = [str(data_dir / "prices" / f"{name}.csv.gz")]
        made.jobs.kinds["import_prices"].work({"files": files, "market": market}, lambda *_args, **_fields: None)
    days = sorted(str(path) for path in (data_dir / "weather" / "siar_linares").glob("*.csv"))
    made.jobs.kinds["etl_siar"].work({"files": days}, lambda *_args, **_fields: None)
    clock.at = TRAINED
    made.training.train(lambda *_args, **_fields: None)
    clock.at = AFTER
    yield made
    made.close()


def rolled(factory, first, way):
    """Each batch that a way of working finishes, with its product, end and cost [EUR] at real prices."""
    known, done, in_force = {}, [], None
    for day in (first + timedelta(days=place) for place in range(7 * WEEKS)):
        problem = factory.planning.problems.pose(Order(day=day), factory.clock.now(), in_force).problem
        if way == "perfect":
            problem = replace(problem, price_eur_kwh=real(factory, problem))
        in_force = usual(problem) if way == "usual" else plan(problem)
        end = day_bounds(day)[1]
        today = int((end - day_start(day)) / timedelta(minutes=15))
        price = real(factory, problem)[:today]
        for batch in in_force.batches:
            if batch.start < end:
                cost = known.get(batch.name, 0.0) + float(energy(in_force.problem, [batch])[:today] @ price)
                known[batch.name] = cost
                if len(batch.runs) == len(problem.plant.blocks) and batch.end <= end:
                    done.append((batch.product, batch.end, known.pop(batch.name)))
    return done


def real(factory, problem):
    """The prices that were published in the end, along the grid of a problem."""
    prices = factory.prices.frame(problem.first, problem.last)["price_eur_kwh"]
    found = prices.reindex(pd.DatetimeIndex(problem.grid).floor("h")).to_numpy(dtype=float)
    assert not np.isnan(found).any()
    return found


@pytest.mark.parametrize("first", STARTS, ids=str)
def test_rolling_plans_against_the_usual_way_and_perfect_foresight(factory, first):
    ways = {way: rolled(factory, first, way) for way in ("usual", "plan", "perfect")}
    cost = dict.fromkeys(ways, 0.0)
    for product in factory.plant.product_names:
        own = {way: sorted(each for each in done if each[0] == product) for way, done in ways.items()}
        count = min(len(each) for each in own.values())
        for way, each in own.items():
            cost[way] += sum(batch[2] for batch in each[:count])
    share = captured(cost["usual"], cost["plan"], cost["perfect"])
    print(  # noqa: T201 - what a benchmark is for
        f"\n{first}, {WEEKS} weeks: usual {cost['usual']:.2f} EUR, plan {cost['plan']:.2f} "
        f"({100 * (1 - cost['plan'] / cost['usual']):.1f} % less), perfect {cost['perfect']:.2f} "
        f"({100 * (1 - cost['perfect'] / cost['usual']):.1f} % less); captured {share:.2f}"
    )
