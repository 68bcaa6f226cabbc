"""The command that tries the models on the past, from a file of prices to a file of forecasts."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest

from tests.forecast_kit import made_up_prices


@pytest.fixture
def prices(choco, tmp_path):
    """Half a year of prices in the store."""
    path = tmp_path / "prices.csv"
    lines = [f"{moment:%Y-%m-%dT%H:%M:%SZ},{price:.6f}" for moment, price in made_up_prices().items()]
    path.write_text("\n".join(["timestamp_utc,price_eur_kwh", *lines]) + "\n")
    choco("import", "prices", path)


def test_a_backtest_prints_a_table_and_writes_its_files(choco, prices, tmp_path):
    scores, rows = tmp_path / "scores.json", tmp_path / "forecasts.csv"
    asked = ["--start", "2024-05-01", "--end", "2024-05-20", "--models", "naive", "--json", scores]
    done = choco("backtest", *asked, "--predictions", rows)

    assert "naive" in done.stdout
    assert "1.000" in done.stdout
    assert str(rows) in done.stdout
    report = json.loads(scores.read_text())
    assert report["origins"] == 20
    frame = pd.read_csv(rows)
    assert len(frame) == 20 * 168
    assert frame["origin"].iloc[0] == frame["time"].iloc[0] == "2024-05-01T00:00:00+02:00"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--start", "2024-05-01"], 2),
        (["--start", "2024-05-01", "--end", "tomorrow"], 2),
        (["--start", "2024-05-01", "--end", "2024-05-02", "--models", "oracle"], 2),
        (["--start", "2024-05-01", "--end", "2024-05-02", "--every", "0"], 2),
        (["--start", "2024-05-01", "--end", "2024-05-02", "--models", "naive", "--json", "no/folder/file"], 6),
        (["--start", "2025-05-01", "--end", "2025-05-02"], 3),
    ],
)
def test_what_cannot_be_tried_has_an_exit_code(choco, prices, arguments, code):
    choco("backtest", *arguments, expect=code)


def test_numbers_of_models_stand_beside_the_naive_one(choco, prices):
    from chocofactory.cli.backtest import _table
    from chocofactory.cli.terminal import out

    found = {"model": "lear", "versus": "naive", "relative": -0.2, "relative_low": -0.25, "relative_high": -0.1}
    row = {"group": "all", "key": "all", "mae": 0.0123456, "pinball": 0.004, "coverage_50": 0.5, "bias": -0.001}
    result = {
        "origins": 5,
        "first": date(2024, 5, 1),
        "last": date(2024, 5, 5),
        "refit_days": 7,
        "written": [],
        "scores": [
            {**row, "model": "lear", "rmae": 0.8, "coverage_90": 0.876},
            {**row, "model": "lear", "group": "lead_day", "key": 1, "rmae": 0.6},
            {**row, "model": "late", "rmae": None, "coverage_90": None},
        ],
        "comparisons": [{**found, "p_value": 0.0002}, {**found, "model": "late", "p_value": None}],
    }
    with out.capture() as shown:
        out.print(_table(result))
    lear, late = (line for line in shown.get().splitlines() if "lear" in line or "late" in line)
    for text in ("0.01235", "0.800", "0.600", "87.6 %", "-0.00100", "-20.0 % (-25.0 % ... -10.0 %)", "< 0.001"):
        assert text in lear
    assert "%" in late
    assert "< 0.001" not in late
