"""Commands about what runs by itself."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from chocofactory.cli.terminal import Exit, Json, err, exit_of, in_local_time, opened, out, print_json
from chocofactory.core.errors import Conflict, class_of
from chocofactory.services.jobs import recall

if TYPE_CHECKING:
    from chocofactory.services.schedule import Entry
    from chocofactory.store.state import JobRun

tasks = typer.Typer(no_args_is_help=True, help="What runs by itself: list, run now, pause, resume.")

Name = Annotated[str | None, typer.Argument(help="Name of a task; without it the whole scheduler.")]


@tasks.command("list")
def list_tasks(as_json: Json = False) -> None:
    """List the tasks: when they are looked at next, and what came of the last time."""
    with opened() as factory:
        scheduler, entries = factory.schedule.scheduler(), factory.schedule.entries()
        if as_json:
            print_json(
                {"running": scheduler.runs, "paused_at": scheduler.paused_at, "tasks": [_as_dict(e) for e in entries]}
            )
            return
        if scheduler.paused_at is not None:
            out.print(f"All tasks rest since {in_local_time(scheduler.paused_at)} ({scheduler.paused_by}).")
        if not scheduler.runs:
            last = f"; it last looked around {in_local_time(scheduler.beat_at)}" if scheduler.beat_at else ""
            out.print(f"The scheduler does not run now{last}.")
        out.print(_table(entries))


@tasks.command("run")
def run_task(name: Annotated[str, typer.Argument(help="Name of a task.")], as_json: Json = False) -> None:
    """Do now what a task does, whether it is due or not, and wait for its end; exit code 3 when it was not all done."""
    with opened() as factory:
        started = factory.schedule.run(name, "cli")
        factory.jobs.close()
        ended = factory.jobs.get(started.id) if started else None
        if as_json:
            print_json({"task": name, "run": ended and _run(ended)})
        else:
            out.print(f"{name}: {ended.state if ended else 'done'}")
        if ended is not None and ended.error:
            err.print(str(recall(ended.error)), style="red", markup=False)
            raise typer.Exit(exit_of(class_of(ended.error["code"])))
        if ended is not None and ended.state != "succeeded":
            raise typer.Exit(Exit.PARTIAL)


@tasks.command("pause")
def pause_task(name: Name = None) -> None:
    """Let a task rest, or all of them, until it is resumed; restarts change nothing."""
    with opened() as factory:
        factory.schedule.pause(name, "cli")
        out.print(f"{name or 'All tasks'}: paused")


@tasks.command("resume")
def resume_task(name: Name = None) -> None:
    """Let a task, or the whole scheduler, go on."""
    with opened() as factory:
        factory.schedule.resume(name)
        out.print(f"{name or 'All tasks'}: resumed")


@tasks.command("runs")
def list_runs(
    kind: Annotated[str | None, typer.Option(help="Only runs of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List the newest runs, whoever asked for them."""
    with opened() as factory:
        found = factory.jobs.recent(kind, limit)
        if as_json:
            print_json([_run(run) for run in found])
            return
        table = Table("Run", "Kind", "State", "Asked by", "Began", "Seconds")
        for run in found:
            seconds = "" if run.duration_s is None else f"{run.duration_s:.1f}"
            table.add_row(run.id, run.kind, run.state, run.requested_by, in_local_time(run.created_at), seconds)
        out.print(table)


def scheduler() -> None:
    """Run what runs by itself in a process of its own, until it is stopped; see CHOCO_SCHEDULER."""
    from chocofactory.tasks.scheduler import start

    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    with opened() as factory:
        running = start(factory)
        if running is None:
            raise Conflict("The settings leave nothing that runs by itself.")
        stopped.wait()
        running.shutdown()


def _table(entries: list[Entry]) -> Table:
    table = Table("Task", "Cadence", "Next look", "Last look", "Came of it", "Last run")
    for entry in entries:
        state = entry.state
        coming = "paused" if state.paused_at else in_local_time(entry.next_at) if entry.next_at else "-"
        came = str(recall(state.error)) if state.error else state.outcome or "-"
        last = f"{entry.run.state} {in_local_time(entry.run.created_at)}" if entry.run else "-"
        looked = in_local_time(state.looked_at) if state.looked_at else "-"
        table.add_row(entry.task.name, entry.cadence, coming, looked, came, last)
    return table


def _as_dict(entry: Entry) -> dict[str, Any]:
    state = entry.state
    return {
        "name": entry.task.name,
        "kind": entry.task.kind,
        "cadence": entry.cadence,
        "next_at": entry.next_at,
        "looked_at": state.looked_at,
        "outcome": state.outcome,
        "error": state.error,
        "paused_at": state.paused_at,
        "paused_by": state.paused_by,
        "run": entry.run and _run(entry.run),
    }


def _run(run: JobRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "kind": run.kind,
        "state": run.state,
        "requested_by": run.requested_by,
        "created_at": run.created_at,
        "duration_s": run.duration_s,
        "result": run.result,
        "error": run.error,
    }
