"""How long plans take, how well they are proven and what they save: real prices of 2025, weather from SIAR's days.

``make bench`` plans the 51 whole weeks of 2025 from Monday on; ``CHOCO_TEST_BENCH_WEEKS`` (a number) takes so many of
them, spread over the year. ``pytest tests/bench/bench_planning.py -o python_files='bench_*.py' -o
addopts=--import-mode=importlib -s`` runs these alone.

Hours of weather are curves through each day's extremes: temperature at their recorded times, humidity the other way
round (SIAR's clean table has no times for it). A month of the station that is missing is no limit to any plan.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_start
from chocofactory.domain.day_curve import hour_of, hourly_curve
from chocofactory.planning.baseline import usual
from chocofactory.planning.checking import check
from chocofactory.planning.planner import GAP, plan
from chocofactory.planning.problem import Problem
from chocofactory.planning.savings import savings
from tests.plant_kit import default_plant

pytestmark = pytest.mark.realdata

FIRST = date(2025, 1, 6)
"""The first Monday; the last week ends in the year, too."""
WEEKS = 51
CHOSEN = int(os.environ.get("CHOCO_TEST_BENCH_WEEKS", str(WEEKS)))
THREE_TIMES = 3
CONTRACT_KW = 480.0
PROVEN_PERCENT = 70
"""What a plan reports when it has its cost."""


@pytest.fixture(scope="module")
def hours(data_dir):
    """Prices [EUR/kWh] and weather by hour of 2025 (UTC)."""
    grid = pd.date_range("2024-12-31T23:00", "2026-01-01T23:00", freq="h", tz="UTC", unit="us")
    prices = pd.read_csv(data_dir / "prices" / "pvpc_20td_peninsula.csv.gz", index_col=0)
    prices.index = pd.to_datetime(prices.index, utc=True)
    days = pd.read_csv(data_dir / "weather" / "siar_linares_daily_clean.csv", index_col="date", parse_dates=True)
    low, high = hour_of(days["temp_min_time"]), hour_of(days["temp_max_time"])
    warm = pd.DataFrame({"low": days["temp_min_c"], "high": days["temp_max_c"], "time_low": low, "time_high": high})
    damp = pd.DataFrame({"low": days["rh_min_pct"], "high": days["rh_max_pct"], "time_low": high, "time_high": low})
    return pd.DataFrame(
        {
            "price": prices["price_eur_kwh"].reindex(grid),
            "outside_c": hourly_curve(warm, grid),
            "outside_pct": hourly_curve(damp, grid),
        }
    )


def problem_of(hours, first, days=7, plant=None):
    """What is planned from the midnight before a day on."""
    plant, last = plant or default_plant(), first + timedelta(days=days - 1)
    start, end = day_start(first), day_start(last + timedelta(days=1))
    grid = pd.date_range(start, end, freq="15min", inclusive="left", unit="us")
    of_hour = hours.reindex(grid.floor("h"))
    assert of_hour["price"].notna().all()
    known = {name: of_hour[name].to_numpy() for name in ("outside_c", "outside_pct")}
    targets = plant.targets_due(first, last)
    return Problem(plant, start, last, 15, of_hour["price"].to_numpy(), targets=targets, **known)


def mondays():
    """The weeks to plan, spread over the year."""
    places = np.unique(np.linspace(0, WEEKS - 1, min(CHOSEN, WEEKS)).round().astype(int))
    return [FIRST + timedelta(weeks=int(place)) for place in places]


def triple():
    """Three times the units, the targets and the contract."""
    plant = default_plant()
    return replace(
        plant,
        blocks=tuple(replace(block, units=block.units * THREE_TIMES) for block in plant.blocks),
        targets={
            day: {product: count * THREE_TIMES for product, count in due.items()} for day, due in plant.targets.items()
        },
        contracted_kw=CONTRACT_KW,
    )


def timed(problem, seconds):
    """A plan, and the seconds until its cost was proven (or its time out): what follows makes it early and explains."""
    told, began = {}, time.perf_counter()
    made = plan(problem, seconds, lambda percent, _message: told.setdefault(percent, time.perf_counter() - began))
    return made, told[PROVEN_PERCENT]


def row(first, made_in, other):
    made, proven = made_in
    assert check(made) == []
    saved = savings(made, other)
    short, usual_short = (sum(each.batches for each in one.shortfalls) for one in (made, other))
    return {
        "week of": first.isoformat(),
        "seconds": made.proof.seconds,
        "to cost": proven,
        "gap %": 100 * made.proof.gap,
        "batches": len(made.batches),
        "short": short,
        "usual short": usual_short,
        "EUR": made.cost_eur,
        "saved EUR": saved.saved_eur,
        "saved %": 100 * (saved.share or 0.0),
    }


def show(title, rows):
    table = pd.DataFrame(rows)
    print(f"\n{title}\n{table.to_string(index=False, float_format=lambda value: f'{value:.3f}')}")  # noqa: T201
    print(table.drop(columns="week of").describe().loc[["min", "50%", "max"]].to_string())  # noqa: T201
    proven = (table["gap %"] <= 100 * GAP).mean()
    print(f"proven to {100 * GAP:.2f} %: {proven:.0%} of {len(table)}")  # noqa: T201
    return table


def test_weeks_of_the_default_plant(benchmark, hours):
    rows = []

    def weeks():
        for first in mondays():
            problem = problem_of(hours, first)
            rows.append(row(first, timed(problem, 60), usual(problem, seconds=60)))

    benchmark.pedantic(weeks, rounds=1)
    table = show("7 days at 15 minutes, the default plant", rows)
    assert (table["gap %"] <= 100 * GAP).all()


def test_one_day(benchmark, hours):
    made, proven = benchmark(lambda: timed(problem_of(hours, date(2025, 3, 12), days=1), 30))
    print(f"\none day: {proven:.2f} s to its cost, {made.proof.seconds:.2f} s in all")  # noqa: T201
    assert made.proof.status == "optimal"


def test_weeks_of_three_times_the_plant_in_twenty_seconds(benchmark, hours):
    rows = []

    def weeks():
        for first in mondays()[:: max(1, len(mondays()) // 4)]:
            problem = problem_of(hours, first, plant=triple())
            rows.append(row(first, timed(problem, 20), usual(problem, seconds=60)))

    benchmark.pedantic(weeks, rounds=1)
    table = show("7 days at 15 minutes, three times the units, targets and contract, 20 s", rows)
    assert (table["gap %"] <= 0.5).all()
