"""Job runs: one runner for everything that takes long, whoever asks for it.

The scheduler, the buttons, REST and the command line all start a run here and all watch the same record of it: who
asked, how far it is, how it ended. Light kinds run in a thread; heavy ones in a process of their own, so that the web
server's threads stay free. At most one run of a kind is under way, across all processes. A run whose process died is
found out by its lock, not by a time-out, and marked ``interrupted``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from chocofactory.core.config import variable
from chocofactory.core.errors import FactoryError, InvalidInput, NotFound, class_of
from chocofactory.core.locks import ProcessLock, is_held
from chocofactory.core.logs import get_logger
from chocofactory.store.state import JobRun, new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chocofactory.core.clock import Clock
    from chocofactory.store.state import RunState, StateStore

log = get_logger(__name__)

CLOCK_START = variable("clock_start")
MOST_AT_ONCE = 16
"""Threads for runs: more than there are kinds, so that none waits for sources that others wait for."""
_SUCCESSES: tuple[RunState, ...] = ("succeeded", "partial")
_PARAMS_WITH_PATHS = ("files", "json", "predictions")
_RESULTS_WITH_PATHS = ("written",)


class Report(Protocol):
    """Tells how far a run is: percent 0-100, and a message template (English, translatable) with its fields."""

    def __call__(self, percent: float, message: str, /, **fields: object) -> None:
        """Tell how far the run is."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its result (JSON-able), whether it did all that was asked, and why it did nothing at all."""

    result: dict[str, Any]
    complete: bool = True
    error: FactoryError | None = None


@dataclass(frozen=True)
class JobKind:
    """Something that can be run: its name, its work, and whether it deserves a process of its own."""

    name: str
    work: Callable[[Mapping[str, Any], Report], Outcome]
    heavy: bool = False


def quiet(percent: float, message: str, /, **fields: object) -> None:
    """A report that nobody reads."""


@dataclass
class Jobs:
    """Starts, watches and recalls job runs.

    ``environment`` is what a spawned process needs to build the same services; ``locks`` the folder for liveness locks.
    """

    state: StateStore
    clock: Clock
    locks: Path
    environment: Mapping[str, str]
    kinds: dict[str, JobKind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="job")
        self._alive = ProcessLock(self.locks / f"{uuid.uuid4().hex}.lock")
        self._guard = threading.Lock()
        self._mine: set[str] = set()

    def register(self, kinds: Iterable[JobKind]) -> None:
        """Add kinds of runs."""
        self.kinds.update({kind.name: kind for kind in kinds})

    def start(self, kind: str, params: Mapping[str, Any], requested_by: str) -> JobRun:
        """Start a run in the background and return its record at once.

        Raises
        ------
        JobBusy
            A run of this kind is under way; the error names it.
        InvalidInput
            No such kind.

        """
        run = self._create(kind, params, requested_by)
        self._threads.submit(self._see_through, run)
        return run

    def attend(self, kind: str, params: Mapping[str, Any], requested_by: str, patience_s: float) -> JobRun:
        """Start a run and wait for its end, ``patience_s`` seconds at most: its record then, ended or under way.

        Raises
        ------
        JobBusy, InvalidInput
            As ``start``.

        """
        run = self._create(kind, params, requested_by)
        wait([self._threads.submit(self._see_through, run)], patience_s)
        return self.state.run(run.id)

    def run(self, kind: str, params: Mapping[str, Any], requested_by: str, watch: Report = quiet) -> JobRun:
        """Do a run here and now; ``watch`` sees its progress too. Returns its final record, whatever it came to."""
        run = self._create(kind, params, requested_by)
        try:
            return self._execute(run, watch)
        finally:
            self._mine.discard(run.id)

    def work(self, run_id: str) -> JobRun:
        """Do a run that another process has created (the body of ``chocofactory work``)."""
        self._mine.add(run_id)
        return self._execute(self.state.run(run_id), quiet)

    def get(self, run_id: str) -> JobRun:
        """The record of a run.

        Raises
        ------
        NotFound
            No such run.

        """
        self._find_interrupted()
        return self.state.run(run_id)

    def find(self, run_id: str) -> JobRun | None:
        """The record of a run; None where there is none (any more)."""
        try:
            return self.get(run_id)
        except NotFound:
            return None

    def last_success(self, kind: str) -> JobRun | None:
        """The newest run of a kind that did what it could: all of it, or a part; None where none did."""
        ended = [run for state in _SUCCESSES for run in self.state.runs(kind=kind, state=state, limit=1)]
        return max(ended, key=lambda run: run.created_at, default=None)

    def recent(self, kind: str | None = None, limit: int = 50, state: RunState | None = None) -> list[JobRun]:
        """The newest runs, newest first; all of them, or those of one kind or state."""
        self._find_interrupted()
        return self.state.runs(kind=kind, state=state, limit=limit)

    def sweep(self) -> None:
        """Remove the locks that killed processes left behind."""
        for path in self.locks.glob("*.lock"):
            is_held(path)

    def close(self) -> None:
        """Wait for the runs of this process and let the liveness lock go."""
        self._threads.shutdown(wait=True)
        self._alive.release()

    def _create(self, kind: str, params: Mapping[str, Any], requested_by: str) -> JobRun:
        if kind not in self.kinds:
            raise InvalidInput("There is no job of the kind {kind}.", kind=kind)
        self._find_interrupted()
        run = JobRun(
            id=new_run_id(self.clock.now()),
            kind=kind,
            requested_by=requested_by,
            params=dict(params),
            created_at=self.clock.now(),
            owner=self._owner(),
        )
        self._mine.add(run.id)
        try:
            self.state.create_run(run)
        except FactoryError:
            self._mine.discard(run.id)
            raise
        return run

    def _see_through(self, run: JobRun) -> None:
        """Do a run in a thread; should even its end not be recorded, the log says so and others find it interrupted."""
        try:
            if self.kinds[run.kind].heavy:
                self._spawn(run)
            else:
                self._execute(run, quiet)
        except Exception:
            log.exception("run lost", run_id=run.id, kind=run.kind)
        finally:
            self._mine.discard(run.id)

    def _owner(self) -> str:
        with self._guard:
            self._alive.acquire()
        return self._alive.path.stem

    def _execute(self, run: JobRun, watch: Report) -> JobRun:
        with structlog.contextvars.bound_contextvars(run_id=run.id, kind=run.kind):
            self.state.start_run(run.id, self._owner(), self.clock.now())
            log.info("run started", requested_by=run.requested_by, params=run.params)

            def report(percent: float, message: str, /, **fields: object) -> None:
                self.state.report(run.id, percent, message, fields)
                watch(percent, message, **fields)

            try:
                outcome = self.kinds[run.kind].work(run.params, report)
            except FactoryError as error:
                log.log(error.log_level, "run failed", error=error.code, reason=str(error))
                self._finish(run, "failed", error=describe(error))
            except Exception:
                log.exception("run failed", error="internal")
                unknown = FactoryError(
                    "Something unexpected went wrong; the log tells more under {run_id}.", run_id=run.id
                )
                self._finish(run, "failed", error=describe(unknown))
            else:
                state: RunState = "failed" if outcome.error else "succeeded" if outcome.complete else "partial"
                log.info("run finished", state=state)
                why = describe(outcome.error) if outcome.error else None
                self._finish(run, state, result=outcome.result, error=why)
        return self.state.run(run.id)

    def _finish(
        self, run: JobRun, state: RunState, *, result: dict[str, Any] | None = None, error: dict[str, Any] | None = None
    ) -> None:
        self.state.finish_run(run.id, state, self.clock.now(), result=result, error=error)

    def _spawn(self, run: JobRun) -> None:
        command = [sys.executable, "-m", "chocofactory", "work", run.id]
        environment = {**os.environ, **self.environment}
        if CLOCK_START in environment:  # the worker's clock goes on where ours stands
            environment[CLOCK_START] = self.clock.now().isoformat()
        ended = subprocess.run(command, env=environment, check=False)  # noqa: S603
        if self.state.run(run.id).finished_at is None:
            log.error("worker died", run_id=run.id, exit_code=ended.returncode)
            self.state.interrupt(run.id, self.clock.now())

    def _find_interrupted(self) -> None:
        for run in self.state.active_runs():
            ours = run.owner == self._alive.path.stem
            if not (run.id in self._mine if ours else is_held(self.locks / f"{run.owner}.lock")):
                self.state.interrupt(run.id, self.clock.now())


def share(report: Report, number: int, of: int) -> Report:
    """A report for one of several equal parts of a run."""

    def part(percent: float, message: str, /, **fields: object) -> None:
        report((100 * number + percent) / of, message, **fields)

    return part


def tell_waiting(report: Report, rows: int) -> None:
    """Say at the end of a run that ``rows`` were taken but wait for the store's server; nothing where none does."""
    if rows:
        report(100, "Taken: {rows} rows wait for the store's server.", rows=rows)


def describe(error: FactoryError) -> dict[str, Any]:
    """An error as it is kept: code, message template and fields; an error among the fields is described, too."""
    fields = {name: _kept(value) for name, value in error.fields.items()}
    return {"code": error.code, "message": error.message, "fields": fields}


def recall(description: Mapping[str, Any]) -> FactoryError:
    """The error that ``describe`` described, to be raised or told again."""
    fields = {name: recall(each) if isinstance(each, dict) else each for name, each in description["fields"].items()}
    return class_of(description.get("code", ""))(description["message"], **fields)


def told_params(run: JobRun) -> dict[str, Any]:
    """The parameters of a run as anybody may see them: files by their names, not by where they lie."""
    return _without_paths(run.params, *_PARAMS_WITH_PATHS)


def told_result(run: JobRun) -> dict[str, Any] | None:
    """The result of a run as anybody may see it, files by their names; None where there is none."""
    return _without_paths(run.result, *_RESULTS_WITH_PATHS) if run.result else run.result


def _without_paths(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return values | {name: _file_name(values[name]) for name in names if values.get(name)}


def _file_name(path: str | list[str]) -> str | list[str]:
    return Path(path).name if isinstance(path, str) else [Path(each).name for each in path]


def _kept(value: object) -> object:
    if isinstance(value, FactoryError):
        return describe(value)
    return value if isinstance(value, (int, float, str)) else str(value)
