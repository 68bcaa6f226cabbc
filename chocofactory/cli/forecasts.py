"""Commands that tell the prices to come, and look after the models that tell them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from chocofactory.cli.terminal import Exit, Json, in_local_time, opened, out, print_json, progress, show_run
from chocofactory.services.ranges import moment_of

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory

KEPT = 10
"""Versions that ``models prune`` leaves unless it is told otherwise."""
models = typer.Typer(no_args_is_help=True, help="Look after the versions of the price models.")

VersionId = Annotated[str, typer.Argument(help="Id of a version, as models list tells it.", metavar="VERSION")]


def train(as_json: Json = False) -> None:
    """Train a version of the price models; it serves only if it proves good enough on days that it has not seen."""
    with opened() as factory:
        with progress(as_json) as watch:
            finished = factory.jobs.run("train_models", {}, "cli", watch)
        show_run(finished, as_json, lambda result: _training_table(factory, result))


def forecast(
    at: Annotated[str | None, typer.Option(help="Moment to forecast at, ISO 8601 with offset; by default now.")] = None,
    horizon: Annotated[int, typer.Option(help="Hours, 1 to 168, counted from the one that the moment is in.")] = 168,
    model: Annotated[
        str | None, typer.Option(help="ensemble, one of its members, or naive; by default the one that serves.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell prices hour by hour: published ones, then a model's; exit code 3 when hours are missing."""
    from chocofactory.services.records import forecast_record

    with opened() as factory:
        moment = moment_of(at) if at is not None else None
        told = forecast_record(factory.forecasts.forecast(moment, horizon, model), horizon)
        if as_json:
            print_json(told)
        else:
            _tell_forecast(told)
        if told["total_records"] < horizon:
            raise typer.Exit(Exit.PARTIAL)


@models.command("list")
def list_versions(as_json: Json = False) -> None:
    """List all versions and say which one serves; exit code 3 when there is none, or one is damaged."""
    from chocofactory.services.records import serving_record, version_record

    with opened() as factory:
        serving = factory.models.serving()
        told = [version_record(version, serving) for version in factory.models.versions()]
        if as_json:
            print_json({"serving": serving_record(serving), "models": told})
        else:
            _tell_serving(serving_record(serving))
            if told:
                out.print(_version_table(told))
            else:
                out.print("No version was trained yet: train makes one.")
        if not told or any(version["damage"] for version in told):
            raise typer.Exit(Exit.PARTIAL)


@models.command("show")
def show(version: VersionId, as_json: Json = False) -> None:
    """Tell one version in full: what it was trained on, and what it proved by model and lead day."""
    from chocofactory.services.records import version_details

    with opened() as factory:
        told = version_details(factory.models.show(version), factory.models.serving())
        if as_json:
            print_json(told)
        else:
            _tell_version(told)


@models.command("promote")
def promote(version: VersionId, as_json: Json = False) -> None:
    """Let a version serve from now on, whatever it proved."""
    with opened() as factory:
        factory.models.promote(version, "cli")
        _tell_change(factory, as_json)


@models.command("rollback")
def rollback(as_json: Json = False) -> None:
    """Let what served before serve again."""
    with opened() as factory:
        factory.models.rollback("cli")
        _tell_change(factory, as_json)


@models.command("delete")
def delete(version: VersionId, as_json: Json = False) -> None:
    """Delete a version, but never the one that serves."""
    with opened() as factory:
        factory.models.delete(version)
        _tell_deleted([version], as_json)


@models.command("prune")
def prune(
    keep: Annotated[
        int, typer.Option(min=1, help="Newest versions that stay; the one that serves always does.")
    ] = KEPT,
    as_json: Json = False,
) -> None:
    """Delete the oldest versions."""
    with opened() as factory:
        _tell_deleted(factory.models.prune(keep), as_json)


def _training_table(factory: Factory, result: dict[str, Any]) -> Table:
    from chocofactory.services.records import version_record

    told = version_record(factory.models.show(result["version"]), factory.models.serving())
    best = _best(told)
    table = Table("Version", "Serves", "Error EUR/kWh", "Relative to last week's", "Why")
    error, relative = _number(best.get("mae_eur_kwh"), 4), _number(best.get("relative_mae"), 2)
    table.add_row(result["version"], "yes" if told["serving"] else "no", error, relative, result["reason"])
    return table


def _tell_forecast(told: dict[str, Any]) -> None:
    who = f"{told['model']} {told['version'] or ''}".rstrip()
    issued, origin = (in_local_time(datetime.fromisoformat(told[name])) for name in ("issued_at", "origin"))
    out.print(f"[bold]{who}[/bold] at {issued}; forecast from {origin} on", highlight=False)
    for reason in told["reasons"]:
        out.print(reason, highlight=False, markup=False)
    table = Table("Hour", "EUR/kWh", "50 % within", "90 % within", "What", "Model", "Tariff")
    day = None
    for hour in told["predictions"]:
        if day not in (None, hour["timestamp"][:10]):
            table.add_section()
        day = hour["timestamp"][:10]
        known = hour["lead_day"] == 0
        table.add_row(
            in_local_time(datetime.fromisoformat(hour["timestamp"])),
            _number(hour["price_eur_kwh"], 4),
            "" if known else _band(hour, "p25", "p75"),
            "" if known else _band(hour, "p05", "p95"),
            hour["kind"],
            hour["model"] or "",
            hour["tariff_period"],
        )
    out.print(table)
    if (lacking := told["expected_records"] - told["total_records"]) > 0:
        out.print(f"{lacking} of {told['expected_records']} hours are missing.", style="yellow")


def _tell_serving(told: dict[str, Any]) -> None:
    since = f" since {in_local_time(datetime.fromisoformat(told['since']))}" if told["since"] else ""
    who = f"{told['model']} {told['version'] or ''}".rstrip()
    out.print(f"[bold]{who}[/bold] serves{since}", highlight=False)
    for reason in told["reasons"]:
        out.print(reason, highlight=False, markup=False)


def _version_table(told: list[dict[str, Any]]) -> Table:
    table = Table("Version", "Serves", "Trained", "On the days", "Error", "Relative", "90 % held", "MB", "Verdict")
    for version in told:
        best = _best(version)
        table.add_row(
            version["name"],
            "yes" if version["serving"] else "",
            in_local_time(datetime.fromisoformat(version["created_at"])),
            f"{version['first_day']} to {version['last_day']}" if version["first_day"] else "-",
            _number(best.get("mae_eur_kwh"), 4),
            _number(best.get("relative_mae"), 2),
            _number(best.get("coverage_90_pct"), 0),
            f"{version['size_bytes'] / 1e6:.1f}",
            "damaged" if version["damage"] else version["verdict"] or "",
        )
    return table


def _best(version: dict[str, Any]) -> dict[str, Any]:
    """Scores of the ensemble that a version serves."""
    rows = version["proof"]["scores"] if version["proof"] else []
    return next((row for row in rows if row["model"] == "ensemble"), {})


def _tell_version(told: dict[str, Any]) -> None:
    table = Table(show_header=False)
    trained = in_local_time(datetime.fromisoformat(told["created_at"]))
    for name, value in (
        ("Version", told["name"]),
        ("Damage", told["damage"] or "none"),
        ("Serves", "yes" if told["serving"] else "no"),
        ("Verdict", told["verdict"] or ""),
        ("Trained", f"{trained}, in {told['duration_s']:.0f} s"),
        ("On", f"{told['hours']} hours of {told['first_day']} to {told['last_day']}"),
        ("SHA-256 of these", told["data_hash"]),
        ("Members", ", ".join(told["members"])),
        ("Libraries", ", ".join(f"{name} {number}" for name, number in told["libraries"].items())),
        ("Size", f"{told['size_bytes'] / 1e6:.1f} MB"),
    ):
        table.add_row(name, value)
    out.print(table)
    if (proof := told["proof"]) is None:
        return
    days = f"{proof['first_day']} to {proof['last_day']}"
    table = Table(
        "Model", "Hours", "Error EUR/kWh", "Relative", "Bias", "50 % held", "90 % held", title=f"Proof: {days}"
    )
    for row in proof["scores"]:
        if row["group"] == "all":
            table.add_section()
        if row["group"] in ("all", "lead_day"):
            table.add_row(_who(row), *_scores(row))
    out.print(table)
    table = Table("Model", "Versus", "Difference EUR/kWh", "95 % within", "p")
    for row in proof["comparisons"]:
        within = f"{_number(row['low'], 4)} to {_number(row['high'], 4)}"
        difference, chance = _number(row["difference_eur_kwh"], 4), _number(row["p_value"], 3)
        table.add_row(row["model"], row["versus"], difference, within, chance)
    out.print(table)


def _who(row: dict[str, Any]) -> str:
    return row["model"] if row["group"] == "all" else f"  day {row['key']}"


def _scores(row: dict[str, Any]) -> list[str]:
    return [
        str(row["hours"]),
        _number(row["mae_eur_kwh"], 4),
        _number(row["relative_mae"], 2),
        _number(row["bias_eur_kwh"], 4),
        _number(row["coverage_50_pct"], 1),
        _number(row["coverage_90_pct"], 1),
    ]


def _tell_change(factory: Factory, as_json: bool) -> None:
    from chocofactory.services.records import serving_record

    told = serving_record(factory.models.serving())
    if as_json:
        print_json(told)
    else:
        _tell_serving(told)


def _tell_deleted(versions: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"deleted": versions})
    else:
        out.print(f"Deleted: {', '.join(versions)}" if versions else "Nothing to delete.", highlight=False)


def _band(hour: dict[str, Any], low: str, high: str) -> str:
    return f"{_number(hour[f'{low}_eur_kwh'], 4)} to {_number(hour[f'{high}_eur_kwh'], 4)}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
