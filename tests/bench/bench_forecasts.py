"""How good the price models are, and how long that takes to find out: every midnight of 2024 and of 2025.

``make bench`` writes what it finds into ``docs/forecasts.md``. With ``CHOCO_TEST_BENCH_DAYS`` (a number) only the first
days of 2024 are tried and nothing is written: 2025 is for the end. ``pytest tests/bench/bench_forecasts.py -o
python_files='bench_*.py' -o addopts=--import-mode=importlib -s`` runs these alone.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import StoppedClock
from chocofactory.core.config import Settings
from chocofactory.services.jobs import quiet

pytestmark = pytest.mark.realdata

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "forecasts.md"
NOW = datetime(2025, 12, 30, 12, tzinfo=UTC)
DAYS = int(os.environ.get("CHOCO_TEST_BENCH_DAYS", "366"))
WHOLE_YEAR = 365
HEAD = (
    "Model",
    "MAE, €/kWh",
    "of naive",
    "day 1",
    "beside naive",
    "beside the ensemble",
    "pinball, €/kWh",
    "in 50 %",
    "in 90 %",
    "in 90 %, worst lead day",
    "bias, €/kWh",
)


@pytest.fixture(scope="module")
def factory(data_dir, tmp_path_factory):
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("forecasts"), log_level="ERROR")
    built = bootstrap.build(settings, clock=StoppedClock(NOW), sources=[])
    files = [str(data_dir / "prices" / f"{name}.csv.gz") for name in ("pvpc_20td_peninsula", "spot_es")]
    assert built.jobs.run("import_prices", {"files": files}, "bench").state == "succeeded"
    yield built
    built.close()


@pytest.mark.parametrize("year", [2024, 2025])
def test_every_midnight_of_a_year(benchmark, factory, year):
    if DAYS < WHOLE_YEAR and year != 2024:
        pytest.skip("kept for the end")
    first = date(year, 1, 1)
    last = min(date(year, 12, 31), first + timedelta(days=DAYS - 1))
    params = {"start": first.isoformat(), "end": last.isoformat()}
    done = benchmark.pedantic(lambda: factory.jobs.run("backtest", params, "bench", quiet), rounds=1)
    assert done.state == "succeeded", done.error
    table = as_table(done.result)
    print(f"\n{year}\n{table}")  # noqa: T201
    if DAYS >= WHOLE_YEAR:
        write(DOCUMENT, f"backtest {year}", table)


def test_train(benchmark, factory):
    done = benchmark.pedantic(lambda: factory.jobs.run("train_models", {}, "bench", quiet), rounds=1)
    assert done.state == "succeeded", done.error


def test_forecast(benchmark, factory):
    assert len(benchmark(factory.forecasts.forecast).frame) == 168


def as_table(result):
    """Scores of a backtest as a table of Markdown, the best model first."""
    beside = {(one["model"], one["versus"]): one for one in result["comparisons"]}
    by_lead = {}
    for row in result["scores"]:
        if row["group"] == "lead_day":
            by_lead.setdefault(row["model"], {})[row["key"]] = row
    lines = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)]]
    for row in sorted((row for row in result["scores"] if row["group"] == "all"), key=lambda row: row["rmae"]):
        model, leads = row["model"], by_lead[row["model"]]
        lines.append(
            (
                f"`{model}`" + ("" if 7 in leads else ", day 1 alone"),
                f"{row['mae']:.5f}",
                f"{row['rmae']:.3f}",
                f"{leads[1]['rmae']:.3f}",
                in_words(beside.get((model, "naive"))),
                in_words(beside.get((model, "ensemble"))),
                f"{row['pinball']:.5f}",
                f"{row['coverage_50']:.1%}",
                f"{row['coverage_90']:.1%}",
                f"{min(lead['coverage_90'] for lead in leads.values()):.1%}",
                f"{row['bias']:+.5f}",
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def in_words(one):
    """By how much the error lies above or below another's, the 95 % interval of that, and how likely it is luck."""
    if one is None or one["p_value"] is None:
        return ""
    middle, low, high = (f"{100 * one[name]:+.1f}" for name in ("relative", "relative_low", "relative_high"))
    p = "p < 0.001" if one["p_value"] < 0.001 else f"p = {one['p_value']:.3f}"
    return f"{middle} % ({low} to {high}), {p}"


def write(document, name, table):
    """Put a table between its markers."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    text = document.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    assert len(pattern.findall(text)) == 1
    document.write_text(pattern.sub(lambda _: f"{begin}\n{table}\n{end}", text), encoding="utf-8")
