"""What runs by itself: tasks that are looked at on their cadence, and start a run when something is due.

The schedule remembers when it last looked, and nothing of what is missing: that, every task asks the store. So nothing
is lost while the machine is off: a task whose time has passed is looked at once, as soon as somebody looks around.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from apscheduler.triggers.cron import CronTrigger

from chocofactory.core.clock import MADRID
from chocofactory.core.config import variable
from chocofactory.core.errors import ConfigurationError, FactoryError, JobBusy, NotFound
from chocofactory.core.logs import get_logger
from chocofactory.services.jobs import describe
from chocofactory.store.tasks import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from chocofactory.core.clock import Clock
    from chocofactory.services.jobs import Jobs
    from chocofactory.store.state import JobRun
    from chocofactory.store.tasks import Look, TaskStates

log = get_logger(__name__)

OFF = "off"
"""A cadence of a task that is never looked at by itself."""
BUSY_AGAIN = timedelta(minutes=1)
"""When a task is looked at again that found a run of its kind under way, or could not be told what is due."""
SILENT_AFTER = timedelta(minutes=2)
"""A scheduler that has not looked around for so long does not run."""
_CHANGING_HOUR = 2
"""The hour of the wall clock that one Sunday lacks and another has twice."""
_SELDOM = 4
"""A task that is looked at in so few hours of the day must not be looked at in that one."""
_PROBE = datetime(2025, 1, 1, tzinfo=MADRID)
_MOST_PROBED = 60


@dataclass(frozen=True)
class Task:
    """Something that is looked at by itself.

    ``cadence`` are the five fields of cron in local time, days of the week by name. ``due`` tells the parameters of the
    run of ``kind`` that is needed now, None when none is; ``by_hand`` those of one that somebody asks for though
    nothing is due. A run begins no sooner than ``pause`` after the last one that the task began. A task without
    ``kind`` does its work when it is asked what is due, and says whether there was any.
    """

    name: str
    cadence: str
    due: Callable[[], dict[str, Any] | None]
    kind: str | None = None
    by_hand: Callable[[], dict[str, Any]] = dict
    pause: timedelta = timedelta()


@dataclass(frozen=True)
class Entry:
    """A task as people see it; times in UTC.

    ``next_at`` is when it is looked at next, None: never by itself, or not while it rests. ``state`` is what came of
    the last look, ``run`` the last run that it started, ``last_success`` the newest run of its kind that succeeded, be
    it in part.
    """

    task: Task
    cadence: str
    next_at: datetime | None
    state: TaskState
    run: JobRun | None
    last_success: JobRun | None

    @property
    def off(self) -> bool:
        """Whether it is never looked at by itself."""
        return self.cadence == OFF


@dataclass(frozen=True)
class Scheduler:
    """How the scheduler is: whether it ``runs``, when it last looked around (UTC), and whether all of it rests."""

    runs: bool
    beat_at: datetime | None
    process: str | None
    paused_at: datetime | None
    paused_by: str | None


@dataclass
class Schedule:
    """Looks at tasks when it is time, and tells what came of it."""

    states: TaskStates
    jobs: Jobs
    clock: Clock
    cadences: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._wanted = _parsed(self.cadences)
        self._triggers: dict[str, CronTrigger | None] = {}

    def register(self, tasks: Iterable[Task]) -> None:
        """Add tasks, with the cadences that the settings give them.

        Raises
        ------
        ConfigurationError
            A cadence is none, or falls into the hour in which clocks change.

        """
        for task in tasks:
            self.tasks[task.name] = task
            self._triggers[task.name] = _trigger(task.name, self.cadence(task))

    def check(self, names: Collection[str]) -> None:
        """Refuse settings that name a task which there never is: ConfigurationError.

        One of ``names`` that is not there today, as one whose source has no key, is passed over.
        """
        for name in self._wanted:
            if name not in names:
                raise ConfigurationError(
                    "{setting}: there is no task {name}; there are {names}.",
                    setting=variable("cadence"),
                    name=name,
                    names=", ".join(names),
                )

    def cadence(self, task: Task) -> str:
        """The cadence in force."""
        return self._wanted.get(task.name, task.cadence)

    def look_around(self, process: str = "", *, wait: bool = False) -> list[str]:
        """Look at every task whose time has come, and name those looked at.

        With ``wait`` what is due is done before this returns, but for what deserves a process of its own. It never
        raises for a task: what goes wrong stands in its state and in the log.
        """
        now = self.clock.now()
        self.states.beat(now, process)
        if self.states.scheduler().paused_at is not None:
            return []
        known = self.states.all()
        ready = [task for task in self.tasks.values() if self._is_time(task, known.get(task.name), now)]
        for task in ready:
            self._look(task, known.get(task.name), wait=wait)
            self.states.beat(self.clock.now(), process)
        return [task.name for task in ready]

    def look(self, name: str, *, wait: bool = False) -> Look:
        """Look at one task now, whatever its time is, and say what came of it; raises NotFound."""
        return self._look(self._task(name), self.states.all().get(name), wait=wait)

    def run(self, name: str, requested_by: str) -> JobRun | None:
        """Start what a task does, whether it is due or not; None where its work is done at once and leaves no record.

        Raises
        ------
        NotFound
            There is no such task.
        JobBusy
            A run of its kind is under way.

        """
        task = self._task(name)
        if task.kind is None:
            task.due()
            return None
        params = task.due() or task.by_hand()
        if "requested_by" in params:
            params = {**params, "requested_by": requested_by}
        return self.jobs.start(task.kind, params, requested_by)

    def pause(self, name: str | None, by: str) -> None:
        """Let a task rest, or all of them; raises NotFound."""
        now = self.clock.now()
        if name is None:
            self.states.pause_all(now, by)
        else:
            self.states.pause(self._task(name).name, now, by)

    def resume(self, name: str | None) -> None:
        """Let a task, or the whole scheduler, go on: what became due meanwhile is looked at soon; raises NotFound."""
        if name is None:
            self.states.resume_all()
        else:
            self.states.resume(self._task(name).name)

    def scheduler(self) -> Scheduler:
        """Whether the scheduler runs, in whichever process."""
        state = self.states.scheduler()
        age = None if state.beat_at is None else abs(self.clock.now() - state.beat_at)
        return Scheduler(
            age is not None and age < SILENT_AFTER, state.beat_at, state.process, state.paused_at, state.paused_by
        )

    def entries(self) -> list[Entry]:
        """Every task, in the order in which they are looked at."""
        known = self.states.all()
        all_rest = self.states.scheduler().paused_at is not None
        return [self._entry(task, known.get(task.name), all_rest=all_rest) for task in self.tasks.values()]

    def entry(self, name: str) -> Entry:
        """One task; raises NotFound."""
        task = self._task(name)
        all_rest = self.states.scheduler().paused_at is not None
        return self._entry(task, self.states.all().get(name), all_rest=all_rest)

    def _entry(self, task: Task, state: TaskState | None, *, all_rest: bool) -> Entry:
        now = self.clock.now()
        trigger = self._triggers[task.name]
        run = self.jobs.find(state.run_id) if state and state.run_id else None
        rests = all_rest or (state is not None and state.paused_at is not None)
        return Entry(
            task=task,
            cadence=self.cadence(task),
            next_at=None if trigger is None or rests else self._next(task, state, now),
            state=state or TaskState(task.name, self.cadence(task)),
            run=run,
            last_success=self.jobs.last_success(task.kind) if task.kind else None,
        )

    def _next(self, task: Task, state: TaskState | None, now: datetime) -> datetime:
        """When a task is looked at next: at once if it never was, on another cadence, or by a clock that went back."""
        if state is None or state.next_at is None or state.looked_at is None:
            return now
        if state.cadence != self.cadence(task) or state.looked_at > now:
            return now
        return state.next_at

    def _is_time(self, task: Task, state: TaskState | None, now: datetime) -> bool:
        if self._triggers[task.name] is None or (state is not None and state.paused_at is not None):
            return False
        return self._next(task, state, now) <= now

    def _look(self, task: Task, state: TaskState | None, *, wait: bool) -> Look:
        outcome: Look = "nothing"
        run, error = None, None
        try:
            outcome, run = self._do(task, state, wait=wait)
        except JobBusy as busy:
            outcome = "busy"
            log.debug("a run is under way already", task=task.name, run_id=busy.run_id)
        except FactoryError as failed:
            outcome, error = "failed", describe(failed)
            log.warning("task failed", task=task.name, reason=str(failed), code=failed.code)
        except Exception as failed:
            outcome = "failed"
            error = describe(FactoryError("Something unexpected went wrong: {reason}.", reason=type(failed).__name__))
            log.exception("task failed", task=task.name)
        now = self.clock.now()
        trigger = self._triggers[task.name]
        again = now + BUSY_AGAIN
        if trigger is not None and outcome not in ("busy", "failed"):
            again = trigger.get_next_fire_time(None, now + timedelta(microseconds=1))
        self.states.looked(
            task.name, self.cadence(task), now, again, outcome, run_id=run.id if run else None, error=error
        )
        return outcome

    def _do(self, task: Task, state: TaskState | None, *, wait: bool) -> tuple[Look, JobRun | None]:
        params = task.due()
        if params is None:
            return "nothing", None
        if task.kind is None:
            return "done", None
        if self._rests(task, state):
            return "resting", None
        begin = self.jobs.run if wait and not self.jobs.kinds[task.kind].heavy else self.jobs.start
        return "started", begin(task.kind, params, "scheduler")

    def _rests(self, task: Task, state: TaskState | None) -> bool:
        last = self.jobs.find(state.run_id) if task.pause and state and state.run_id else None
        return last is not None and timedelta() <= self.clock.now() - last.created_at < task.pause

    def _task(self, name: str) -> Task:
        if name not in self.tasks:
            raise NotFound("There is no task {name}.", name=name)
        return self.tasks[name]


def _parsed(cadences: str) -> dict[str, str]:
    """``name=cron; name=off`` as a dictionary."""
    wanted = {}
    for part in filter(None, (each.strip() for each in cadences.split(";"))):
        name, separator, cadence = part.partition("=")
        if not separator or not cadence.strip():
            raise ConfigurationError(
                "{setting}: {part} is not of the form name=cron.", setting=variable("cadence"), part=repr(part)
            )
        wanted[name.strip()] = cadence.strip()
    return wanted


def _trigger(name: str, cadence: str) -> CronTrigger | None:
    if cadence == OFF:
        return None
    try:
        trigger = CronTrigger.from_crontab(cadence, timezone=MADRID)
    except ValueError as error:
        raise ConfigurationError(
            "{setting}: {cadence} of {name} is no cron expression ({reason}).",
            setting=variable("cadence"),
            cadence=repr(cadence),
            name=name,
            reason=error,
        ) from error
    if any(each.isdigit() for each in cadence.split()[4]):
        raise ConfigurationError(
            "{setting}: write the days of the week of {name} by name, mon to sun.",
            setting=variable("cadence"),
            name=name,
        )
    hours = _hours(trigger)
    if not hours:
        raise ConfigurationError("{setting}: {name} would never come.", setting=variable("cadence"), name=name)
    if _CHANGING_HOUR in hours and len(hours) <= _SELDOM:
        raise ConfigurationError(
            "{setting}: {name} falls between 02:00 and 03:00, an hour that clocks skip or repeat.",
            setting=variable("cadence"),
            name=name,
        )
    return trigger


def _hours(trigger: CronTrigger) -> set[int]:
    """Hours of the wall clock at which a cadence comes, as far as a few dozen hours tell; empty if it never does."""
    hours: set[int] = set()
    moment: datetime | None = _PROBE
    for _ in range(_MOST_PROBED):
        moment = trigger.get_next_fire_time(None, moment)
        if moment is None:
            break
        hours.add(moment.hour)
        moment = moment.replace(minute=0) + timedelta(hours=1)
    return hours
