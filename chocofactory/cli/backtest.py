"""The command that tries the price models on the past."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from chocofactory.cli.terminal import day_of, opened, progress, show_run

_LEAST_P = 0.001


def backtest(
    start: Annotated[str, typer.Option(help="First local day at whose beginning is forecast, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option(help="Last such day; forecasts reach six days beyond.")],
    models: Annotated[str, typer.Option(help="Models, separated by commas; by default all.")] = "",
    every: Annotated[int, typer.Option(min=1, help="Days from one forecast to the next.")] = 1,
    refit: Annotated[int, typer.Option(min=1, help="Days that a fit serves.")] = 7,
    scores: Annotated[Path | None, typer.Option("--json", help="JSON file for all scores and comparisons.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="CSV file for every forecast.")] = None,
) -> None:
    """Try the price models on past days: at each midnight they know nothing of what came after it."""
    params = {
        "start": day_of(start).isoformat(),
        "end": day_of(end).isoformat(),
        "models": [name.strip() for name in models.split(",") if name.strip()],
        "every": every,
        "refit": refit,
        "json": scores and str(scores.absolute()),
        "predictions": predictions and str(predictions.absolute()),
    }
    with opened() as factory:
        with progress(silent=False) as watch:
            finished = factory.jobs.run("backtest", params, "cli", watch)
        show_run(finished, as_json=False, table=_table)


def _table(result: dict[str, Any]) -> Group:
    table = Table(
        "Model",
        "MAE EUR/kWh",
        "of naive",
        "Day 1",
        "Pinball",
        "In 50 %",
        "In 90 %",
        "Bias",
        "Beside naive (95 %)",
        "p",
        title="{origins} forecasts of each, {first} to {last}, fitted every {refit_days} days".format(**result),
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    beside = {one["model"]: one for one in result["comparisons"] if one["versus"] == "naive"}
    day_1 = {row["model"]: row["rmae"] for row in result["scores"] if row["group"] == "lead_day" and row["key"] == 1}
    rows = [row for row in result["scores"] if row["group"] == "all"]
    for row in sorted(rows, key=lambda row: row["mae"]):
        table.add_row(
            row["model"],
            f"{row['mae']:.5f}",
            _number(row["rmae"]),
            _number(day_1.get(row["model"])),
            f"{row['pinball']:.5f}",
            *(_percent(row[name]) for name in ("coverage_50", "coverage_90")),
            f"{row['bias']:+.5f}",
            *_beside(beside.get(row["model"])),
        )
    return Group(table, *(Text(path, style="dim") for path in result["written"]))


def _beside(one: dict[str, Any] | None) -> tuple[str, str]:
    """The difference to the naive model with its interval, and how likely it is luck."""
    if one is None or one["p_value"] is None:
        return "", ""
    ends = " ... ".join(_percent(one[name], "+") for name in ("relative_low", "relative_high"))
    p = one["p_value"]
    return f"{_percent(one['relative'], '+')} ({ends})", f"< {_LEAST_P}" if p < _LEAST_P else f"{p:.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _percent(share: float | None, sign: str = "") -> str:
    return "" if share is None else f"{share:{sign}.1%}".replace("%", " %")
