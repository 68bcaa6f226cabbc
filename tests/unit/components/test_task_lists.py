"""The scheduler in a sentence, its tasks, and runs with all that is known of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from components import task_lists, text
from tests.unit.components.test_model_parts import rows, said

DASH = "\N{EN DASH}"
NOW = datetime(2025, 3, 12, 10, tzinfo=UTC)  # 11:00 in Madrid
MINUTE = timedelta(minutes=1)
NEVER = "The scheduler has not run yet: nothing happens by itself."
ERROR = {"code": "source-error", "message": "{source} did not answer.", "fields": {"source": "ree"}}


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def scheduler(**more):
    return SimpleNamespace(**{"runs": True, "beat_at": NOW, "paused_at": None, "paused_by": None, **more})


def run(**more):
    plain = {
        "id": "20250312T095500Z-aaaaaa",
        "kind": "ingest_prices",
        "requested_by": "scheduler",
        "created_at": NOW - 5 * MINUTE,
        "started_at": NOW - 5 * MINUTE,
        "finished_at": NOW - 4 * MINUTE,
        "state": "succeeded",
        "progress": 100.0,
        "message": "Done: {new} new, {changed} changed rows.",
        "message_fields": {"new": 1200, "changed": 0},
        "result": None,
        "error": None,
    }
    return SimpleNamespace(**{**plain, **more})


def entry(name="weather", *, next_at=NOW + 30 * MINUTE, run=None, last_success=None, **state):
    plain = {"looked_at": None, "outcome": None, "error": None, "paused_at": None, "paused_by": None}
    kept = SimpleNamespace(**{**plain, **state})
    task = SimpleNamespace(name=name)
    return SimpleNamespace(
        task=task, next_at=next_at, off=next_at is None, state=kept, run=run, last_success=last_success
    )


def row(one, how=None):
    (cells,) = rows(task_lists.tasks_table([one], how or scheduler(), NOW))
    return cells


def buttons(component):
    return [part for part in component._traverse() if getattr(part, "_type", "") == "Button"]


def test_a_scheduler_that_runs_is_good_news():
    told = task_lists.scheduler_words(scheduler())
    assert said(told) == "The scheduler runs: each task is looked at when it is time."
    assert "state-ok" in told.className


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            {"runs": False, "beat_at": NOW - 60 * MINUTE},
            "The scheduler has not run since 12 Mar 2025, 10:00: nothing happens by itself.",
        ),
        ({"runs": False, "beat_at": None}, NEVER),
        ({"paused_at": NOW, "paused_by": "cli"}, "All tasks are paused since 12 Mar 2025, 11:00 (command line)."),
        (
            {"paused_at": NOW, "paused_by": "api", "runs": False, "beat_at": None},
            f"All tasks are paused since 12 Mar 2025, 11:00 (API). {NEVER}",
        ),
    ],
)
def test_a_scheduler_that_does_nothing_is_a_warning_that_says_since_when(how, words):
    told = task_lists.scheduler_words(scheduler(**how))
    assert said(told) == words
    assert "state-partial" in told.className


def test_a_task_that_has_never_been_looked_at_says_so():
    assert row(entry(next_at=NOW)) == ["Observed weather", "due now", "not looked at yet", DASH, "Run now Pause"]


def test_a_task_tells_its_looks_and_its_last_run():
    looked = {"looked_at": NOW - 5 * MINUTE, "outcome": "started", "run": run(), "last_success": run()}
    assert row(entry(**looked)) == [
        "Observed weather",
        "12 Mar 2025, 11:30",
        "12 Mar 2025, 10:55 A run was started.",
        "done 12 Mar 2025, 10:55, took 60 s",
        "Run now Pause",
    ]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("done", "It was done at once."),
        ("nothing", "Nothing was due."),
        ("busy", "A run of its kind was under way."),
        ("resting", "It rests after its last run."),
    ],
)
def test_what_came_of_a_look_is_said_in_words(outcome, words):
    assert row(entry(looked_at=NOW, outcome=outcome))[2] == f"12 Mar 2025, 11:00 {words}"


def test_a_look_that_failed_says_why():
    told = row(entry(looked_at=NOW, outcome="failed", error=ERROR))[2]
    assert told == "12 Mar 2025, 11:00 It could not be told what is due. REE did not answer."


def test_a_run_that_failed_says_why_and_when_it_last_went_well():
    before = run(created_at=NOW - timedelta(days=1))
    told = row(entry(run=run(state="failed", error=ERROR), last_success=before))[3]
    assert told == ("failed 12 Mar 2025, 10:55, took 60 s REE did not answer. last went well: 11 Mar 2025, 11:00")


def test_a_run_under_way_has_taken_nothing_yet():
    going = run(state="running", finished_at=None)
    assert row(entry(run=going, last_success=run()))[3] == "running 12 Mar 2025, 10:55"


def test_a_paused_task_says_since_when_and_for_whom_and_can_be_resumed():
    paused = entry(paused_at=NOW - MINUTE, paused_by="dashboard")
    cells = row(paused)
    assert cells[1] == "paused since 12 Mar 2025, 10:59 (dashboard)"
    assert cells[-1] == "Run now Resume"
    assert task_lists.switch(paused, scheduler())["value"] == "resume"


def test_where_all_is_paused_no_task_promises_a_time_and_each_keeps_its_own_switch():
    how = scheduler(paused_at=NOW, paused_by="cli")
    assert row(entry(), how)[1] == "paused with all"
    assert task_lists.switch(entry(), how)["value"] == "pause"
    assert task_lists.switch(None, how) == {"children": "Resume all", "aria-label": "Resume all", "value": "resume"}
    assert task_lists.switch(None, scheduler())["value"] == "pause"


def test_a_task_that_is_off_can_be_run_and_not_paused():
    cells = row(entry(next_at=None))
    assert (cells[1], cells[-1]) == ("never by itself", "Run now")


def test_every_button_names_its_task_to_screen_readers():
    table = task_lists.tasks_table([entry("weather"), entry("gaps")], scheduler(), NOW)
    labels = [getattr(button, "aria-label") for button in buttons(table)]
    assert labels == [
        "Run now: Observed weather",
        "Pause: Observed weather",
        "Run now: Filling gaps",
        "Pause: Filling gaps",
    ]
    assert len({str(button.id) for button in buttons(table)}) == 4


def test_no_tasks_at_all_are_said():
    assert said(task_lists.tasks_table([], scheduler(), NOW)) == "The settings leave nothing that runs by itself."


def facts(one, params=None):
    return {name: said(fact) for name, fact in task_lists.run_facts(one, params or {}, NOW)}


def test_a_run_tells_who_asked_for_what_and_what_it_came_to():
    source = {"source": "aemet", "error": None, "queued": 0, "new": 1200, "changed": 0, "unchanged": 3}
    one = run(kind="ingest_weather", requested_by="api", result={"sources": [source]})
    assert facts(one, {"first": "2025-03-10", "last": "2025-03-12", "force": True}) == {
        "Asked for by": "API",
        "Asked for": f"10{DASH}12 Mar 2025 what is there, again",
        "Began": "12 Mar 2025, 10:55",
        "Took": "60 s",
        "Last message": "Done: 1,200 new, 0 changed rows.",
        "Outcome": "AEMET: 1,200 new and 0 changed rows, 3 as before",
        "Number": "20250312T095500Z-aaaaaa",
    }


def test_a_run_that_failed_says_how_far_it_came_and_why():
    told = facts(run(state="failed", progress=40.0, message="", error=ERROR))
    assert (told["How far it came"], told["Why"]) == ("40 %", "REE did not answer.")


def test_a_run_under_way_points_at_its_progress():
    told = facts(run(state="running", finished_at=None, progress=40.0))
    assert told["How far it is"] == "It is under way: its progress stands above."
    assert "Took" not in told


def test_a_run_that_never_began_has_no_beginning():
    told = facts(run(state="interrupted", started_at=None, progress=0.0, message=""))
    assert "Began" not in told
    assert told["How far it came"] == "0 %"


def test_parameters_are_said_in_words_where_there_are_words():
    given = {
        "start": "2025-01-01",
        "end": "2025-01-01",
        "markets": ["spot_es", "moon"],
        "files": ["a.csv", "b.csv"],
        "source": "ree",
        "remove": True,
        "requested_by": "scheduler",
        "closed": None,
        "locks": [],
        "days": 0,
        "targets": {"2025-01-01": {"standard": 3}},
    }
    assert [said(line) for line in task_lists.params_lines(given)] == [
        "1 Jan 2025",
        "Day-ahead market, moon",
        "a.csv, b.csv",
        "REE",
        "days: 0",
        'targets: {"2025-01-01": {"standard": 3}}',
    ]


def test_a_range_with_one_end_is_told_as_it_is_written():
    assert [said(line) for line in task_lists.params_lines({"first": "2025-01-01", "last": None})] == [
        "first: 2025-01-01"
    ]


def test_what_was_unfolded_stays_unfolded():
    runs = [(run(id="a"), {}), (run(id="b", finished_at=None, state="running"), {})]
    first, second = task_lists.history(runs, {"b"}, NOW).children
    assert (first.open, second.open) == (False, True)
    heads = [one.children[0] for one in (first, second)]
    assert [said(head) for head in heads] == [
        "Fetch prices done 12 Mar 2025, 10:55 60 s",
        "Fetch prices running 12 Mar 2025, 10:55",
    ]
    assert not hasattr(heads[0], "n_clicks")
    assert heads[1].n_clicks == 1


def test_no_runs_are_said():
    assert said(task_lists.history([], (), NOW)) == "There are no such runs."


def test_kinds_are_chosen_by_their_names_in_order_after_all():
    assert list(task_lists.kind_choices(["train_models", "backfill", "ingest_prices"]).items()) == [
        ("all", "All kinds"),
        ("ingest_prices", "Fetch prices"),
        ("backfill", "Fill gaps"),
        ("train_models", "Train the price models"),
    ]
    assert list(task_lists.state_choices())[:3] == ["all", "queued", "running"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (9.9, "9.9 s"), (75, "75 s"), (119.9, "120 s"), (120, "2 min"), (3600, "60 min")],
)
def test_short_times_are_told_in_seconds_and_long_ones_in_minutes(seconds, words):
    assert task_lists.duration(seconds) == words


def test_every_task_that_there_is_has_a_name(tmp_path):
    from chocofactory.bootstrap import build
    from chocofactory.core.config import Settings

    keys = {"aemet_key": "made-up", "openweather_key": "made-up"}
    registered = set()
    for more in ({"mode": "demo"}, keys):
        services = build(Settings(_env_file=None, data_dir=tmp_path, **more))
        registered |= set(services.schedule.tasks)
        services.close()
    assert registered <= set(task_lists.TASKS)
    assert {"weather_checked", "weather_history", "training", "gaps"} <= registered
