from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.core.clock import MADRID, StoppedClock, local
from chocofactory.core.errors import ConfigurationError, JobBusy, NotFound, SourceDown
from chocofactory.services.jobs import JobKind, Jobs, Outcome
from chocofactory.services.schedule import Schedule, Task
from chocofactory.store.state import StateStore

MORNING = datetime(2025, 3, 12, 8, 0, tzinfo=MADRID)
MINUTE = timedelta(minutes=1)


class Work:
    """A kind of run that notes its parameters, and a question whose answer a test sets."""

    def __init__(self):
        self.due = {}
        self.done = []
        self.asked = 0

    def ask(self):
        self.asked += 1
        if isinstance(self.due, Exception):
            raise self.due
        return self.due

    def kind(self, name="work"):
        return JobKind(name, lambda params, report: self.done.append(dict(params)) or Outcome({}))


@pytest.fixture
def clock():
    return StoppedClock(MORNING)


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def opened(tmp_path, clock, work):
    """Opens the schedule as a process does; all of them share one state."""
    open_ones = []

    def start(*tasks, cadences=""):
        state = StateStore(tmp_path / "state.db")
        jobs = Jobs(state, clock, tmp_path / "locks", {})
        jobs.register([work.kind()])
        schedule = Schedule(state.tasks, jobs, clock, cadences)
        schedule.register(tasks or [Task("often", "*/10 * * * *", work.ask, "work")])
        schedule.check([*schedule.tasks, "elsewhere"])
        open_ones.extend([jobs, state])
        return schedule

    yield start
    for each in open_ones:
        each.close()


def turn(schedule, clock, to):
    clock.at = to.astimezone(UTC)
    return schedule.look_around("test", wait=True)


def test_what_is_due_is_done_at_the_first_look_and_then_on_its_cadence(opened, clock, work):
    schedule = opened()
    assert turn(schedule, clock, MORNING + 3 * MINUTE) == ["often"]
    assert turn(schedule, clock, MORNING + 9 * MINUTE) == []
    assert turn(schedule, clock, MORNING + 10 * MINUTE) == ["often"]
    assert turn(schedule, clock, MORNING + 10 * MINUTE) == []
    assert len(work.done) == 2
    assert schedule.entry("often").next_at == MORNING + 20 * MINUTE


def test_when_nothing_is_due_no_run_is_made_and_the_look_is_remembered(opened, clock, work):
    schedule = opened()
    work.due = None
    schedule.look_around(wait=True)
    entry = schedule.entry("often")
    assert work.done == []
    assert (entry.state.outcome, entry.state.looked_at, entry.run) == ("nothing", clock.now(), None)


def test_what_a_machine_slept_through_is_made_up_for_once_when_it_wakes(opened, clock, work):
    daily = Task("daily", "30 5 * * *", work.ask, "work")
    turn(opened(daily), clock, MORNING)
    later = opened(daily)  # another process, three days later
    assert turn(later, clock, MORNING + timedelta(days=3)) == ["daily"]
    assert turn(later, clock, MORNING + timedelta(days=3, hours=1)) == []
    assert len(work.done) == 2


def test_a_task_that_rests_is_not_looked_at_and_still_rests_after_a_restart(opened, clock, work):
    opened().pause("often", "ana")
    schedule = opened()
    assert turn(schedule, clock, MORNING) == []
    state = schedule.entry("often").state
    assert (state.paused_at, state.paused_by) == (clock.now(), "ana")
    assert schedule.entry("often").next_at is None
    schedule.pause("often", "luis")
    assert schedule.entry("often").state.paused_by == "ana"
    schedule.resume("often")
    assert turn(opened(), clock, MORNING) == ["often"]


def test_the_whole_scheduler_rests_until_it_is_told_to_go_on_and_keeps_what_rested_before(opened, clock, work):
    other = Task("other", "*/10 * * * *", lambda: None)
    tasks = [Task("often", "*/10 * * * *", work.ask, "work"), other]
    schedule = opened(*tasks)
    schedule.pause("other", "ana")
    schedule.pause(None, "ana")
    assert turn(opened(*tasks), clock, MORNING) == []
    assert schedule.scheduler().paused_by == "ana"
    assert {entry.next_at for entry in schedule.entries()} == {None}
    schedule.resume(None)
    assert turn(schedule, clock, MORNING) == ["often"]
    assert schedule.scheduler().paused_at is None


def test_results_survive_a_restart(opened, clock, work):
    turn(opened(), clock, MORNING)
    entry = opened().entry("often")
    assert (entry.state.outcome, entry.run.state, entry.run.requested_by) == ("started", "succeeded", "scheduler")
    assert entry.last_success.id == entry.run.id
    work.due = None
    turn(opened(), clock, MORNING + timedelta(hours=1))
    assert opened().entry("often").run.id == entry.run.id


def test_a_task_that_cannot_be_told_what_is_due_is_looked_at_again_soon(opened, clock, work):
    schedule = opened(Task("daily", "30 5 * * *", work.ask, "work"))
    work.due = SourceDown("{source} cannot be reached.", source="ree")
    schedule.look_around(wait=True)
    entry = schedule.entry("daily")
    assert (entry.state.outcome, entry.state.error["code"]) == ("failed", "source-down")
    assert entry.next_at == clock.now() + MINUTE
    work.due = {}
    assert turn(schedule, clock, MORNING + MINUTE) == ["daily"]
    assert schedule.entry("daily").state.error is None


def test_a_defect_in_one_task_keeps_no_other_from_its_turn(opened, clock, work):
    schedule = opened(Task("broken", "* * * * *", lambda: 1 / 0), Task("often", "* * * * *", work.ask, "work"))
    assert schedule.look_around(wait=True) == ["broken", "often"]
    assert len(work.done) == 1
    assert "ZeroDivisionError" in str(schedule.entry("broken").state.error)


def test_no_two_runs_of_a_kind_and_the_second_task_comes_when_the_first_is_over(opened, clock, work):
    schedule = opened(
        Task("one", "0 * * * *", work.ask, "work"), Task("two", "0 * * * *", lambda: {"of": "two"}, "work")
    )
    busy = schedule.jobs._create("work", {}, "somebody")
    schedule.look_around(wait=True)
    assert {each.state.outcome for each in schedule.entries()} == {"busy"}
    schedule.jobs._mine.discard(busy.id)  # its thread is gone: found interrupted
    turn(schedule, clock, MORNING + MINUTE)
    assert work.done == [{}, {"of": "two"}]


def test_after_a_run_of_its_own_a_task_rests_for_its_pause_whatever_others_asked_for(opened, clock, work):
    schedule = opened(Task("often", "* * * * *", work.ask, "work", pause=timedelta(hours=1)))
    schedule.jobs.run("work", {}, "button")
    schedule.look_around(wait=True)
    assert len(work.done) == 2
    turn(schedule, clock, MORNING + timedelta(minutes=59))
    assert schedule.entry("often").state.outcome == "resting"
    assert len(work.done) == 2
    turn(schedule, clock, MORNING + timedelta(minutes=60))
    assert len(work.done) == 3


def test_what_deserves_a_process_of_its_own_is_not_waited_for(opened, work, monkeypatch):
    schedule = opened(Task("long", "* * * * *", work.ask, "heavy"))
    schedule.jobs.register([replace(work.kind("heavy"), heavy=True)])
    spawned = []
    monkeypatch.setattr(schedule.jobs, "_spawn", lambda run: spawned.append(run.kind))
    assert schedule.look_around(wait=True) == ["long"]
    schedule.jobs._threads.shutdown(wait=True)
    assert (spawned, work.done) == (["heavy"], [])


def test_by_hand_it_runs_though_nothing_is_due(opened, clock, work):
    schedule = opened(Task("often", "*/10 * * * *", work.ask, "work", by_hand=lambda: {"by": "hand"}))
    work.due = {"requested_by": "scheduler"}
    schedule.run("often", "ana")
    work.due = None
    schedule.jobs._threads.shutdown(wait=True)
    schedule.jobs.__post_init__()
    run = schedule.run("often", "ana")
    schedule.jobs._threads.shutdown(wait=True)
    assert (work.done, run.requested_by) == ([{"requested_by": "ana"}, {"by": "hand"}], "ana")
    with pytest.raises(NotFound):
        schedule.run("nothing", "ana")


def test_by_hand_a_second_run_of_a_kind_is_refused(opened, work):
    schedule = opened()
    schedule.jobs._create("work", {}, "somebody")
    with pytest.raises(JobBusy):
        schedule.run("often", "ana")


def test_another_cadence_counts_from_the_next_look_on(opened, clock, work):
    turn(opened(), clock, MORNING + MINUTE)
    changed = opened(cadences="often=0 * * * *")
    assert changed.entry("often").cadence == "0 * * * *"
    assert turn(changed, clock, MORNING + 2 * MINUTE) == ["often"]
    assert changed.entry("often").next_at == MORNING + timedelta(hours=1)


def test_a_task_that_is_off_is_never_looked_at_but_runs_by_hand(opened, clock, work):
    schedule = opened(cadences="often=off")
    assert turn(schedule, clock, MORNING) == []
    assert schedule.entry("often").next_at is None
    assert schedule.run("often", "ana").kind == "work"


@pytest.mark.parametrize(
    ("cadences", "told"),
    [
        ("oftn=0 * * * *", "oftn"),
        ("often=every day", "every day"),
        ("often=61 * * * *", "61"),
        ("often", "name=cron"),
        ("often=30 2 * * *", "02:00"),
        ("often=30 02 * * *", "02:00"),
        ("often=30 2,14 * * *", "02:00"),
        ("often=0 5 31 2 *", "never"),
        ("often=0 4 * * 0", "by name"),
    ],
)
def test_a_wrong_cadence_is_refused_by_name(opened, cadences, told):
    with pytest.raises(ConfigurationError, match="CHOCO_CADENCE") as refused:
        opened(cadences=cadences)
    assert told in str(refused.value)


def test_a_cadence_of_a_task_that_is_not_set_up_is_passed_over(opened):
    assert list(opened(cadences="elsewhere=off").tasks) == ["often"]


def test_a_clock_that_went_back_does_not_make_a_task_wait_for_the_time_it_came_from(opened, clock, work):
    turn(opened(), clock, MORNING + timedelta(days=300))
    assert turn(opened(), clock, MORNING) == ["often"]
    assert opened().entry("often").next_at == MORNING + 10 * MINUTE


def test_the_scheduler_runs_while_it_looks_around_and_not_much_longer(opened, clock):
    schedule = opened()
    assert not schedule.scheduler().runs
    schedule.look_around("plant:7", wait=True)
    found = opened().scheduler()
    assert (found.runs, found.process, found.beat_at) == (True, "plant:7", clock.now())
    clock.at += timedelta(minutes=2)
    assert not opened().scheduler().runs


@pytest.mark.parametrize("sunday", [datetime(2025, 3, 30, tzinfo=MADRID), datetime(2025, 10, 26, tzinfo=MADRID)])
def test_on_a_sunday_that_changes_the_clock_a_daily_task_runs_once_and_a_quarterly_one_each_quarter(
    opened, clock, work, sunday
):
    daily, quarterly = Work(), Work()
    schedule = opened(Task("daily", "30 4 * * *", daily.ask), Task("quarterly", "*/15 * * * *", quarterly.ask))
    moment, end = sunday.astimezone(UTC) + MINUTE, (sunday + timedelta(days=1)).astimezone(UTC)
    turn(schedule, clock, moment)
    daily.asked = quarterly.asked = 0
    while moment < end:
        turn(schedule, clock, moment)
        moment += 5 * MINUTE
    assert daily.asked == 1
    assert quarterly.asked == 4 * int((end - sunday.astimezone(UTC)) / timedelta(hours=1)) - 1


@given(
    st.integers(0, 366 * 24 * 60), st.sampled_from(["*/10 * * * *", "5,35 * * * *", "30 5 * * *", "*/5 20-23 * * *"])
)
def test_the_next_look_is_after_this_one_and_on_the_cadence(minutes, cadence):
    from chocofactory.services.schedule import _trigger

    now = datetime(2024, 12, 31, 23, tzinfo=UTC) + minutes * MINUTE
    coming = _trigger("any", cadence).get_next_fire_time(None, now + timedelta(microseconds=1))
    assert coming > now
    minute, hour = cadence.split()[:2]
    wall = local(coming)
    step = {"*/10": range(0, 60, 10), "*/5": range(0, 60, 5), "5,35": (5, 35), "30": (30,)}[minute]
    hours = {"*": range(24), "5": (5,), "20-23": range(20, 24)}[hour]
    assert wall.minute in step
    assert wall.hour in hours
    before = now + MINUTE
    while before < coming:  # no earlier moment would have done
        assert not (local(before).minute in step and local(before).hour in hours and before.second == 0)
        before += MINUTE
