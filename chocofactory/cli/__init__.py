"""The same services from a terminal. ``--json`` where output is data; exit codes that scripts can use."""

from __future__ import annotations

from typing import Annotated

import typer

from chocofactory import __version__
from chocofactory.cli import data, forecasts, planning, plant, status, store, tasks
from chocofactory.cli.backtest import backtest
from chocofactory.cli.filling import backfill
from chocofactory.cli.scoring import score
from chocofactory.cli.terminal import Exit, err, exit_of, fail, opened, out
from chocofactory.core.config import Settings, load_settings
from chocofactory.core.errors import Conflict, FactoryError
from chocofactory.core.logs import configure_logs

__all__ = ["Exit", "app", "main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="When to run which machine in a chocolate plant.")
app.add_typer(data.ingest, name="ingest")
app.add_typer(data.imports, name="import")
app.add_typer(data.etl, name="etl")
app.add_typer(forecasts.models, name="models")
app.add_typer(planning.plan, name="plan")
app.add_typer(plant.plant, name="plant")
app.add_typer(store.store, name="store")
app.add_typer(tasks.tasks, name="tasks")

for _command in (
    forecasts.forecast,
    forecasts.train,
    backtest,
    score,
    status.gaps,
    backfill,
    status.status,
    status.config,
    tasks.scheduler,
):
    app.command()(_command)


def main() -> None:
    """Run the command line; errors become one sentence and an exit code."""
    try:
        app()
    except FactoryError as error:
        fail(str(error), exit_of(type(error)))


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit


@app.command()
def run(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the pages and the REST API, with real data."""
    _serve(load_settings(host=host, port=port))


@app.command()
def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve with simulated data, offline, in a store of its own."""
    _serve(load_settings(mode="demo", host=host, port=port))


@app.command(hidden=True)
def work(run_id: str) -> None:
    """Do a job run that another process has created."""
    with opened() as factory:
        factory.jobs.work(run_id)


def _serve(settings: Settings) -> None:
    from chocofactory.bootstrap import build
    from chocofactory.core.locks import ProcessLock
    from chocofactory.serving import Server, refuse_taken_port

    configure_logs(settings)
    refuse_taken_port(settings)
    build(settings).close()  # says in one sentence why a store cannot be used, before any process is started
    lock = ProcessLock(settings.mode_dir / "server.lock")
    if not lock.acquire():
        raise Conflict("Another server works on {folder} already.", folder=settings.mode_dir)
    where = f"http://{settings.host}:{settings.port}"
    err.print(f"ChocoFactory {__version__} ({settings.mode}) at [bold]{where}[/bold], stop with Ctrl+C")
    Server(settings).run()
