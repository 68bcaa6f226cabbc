"""The commands about production plans, as people and scripts meet them, on simulated prices."""

import csv
import io
import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import StoppedClock
from chocofactory.planning import checking
from chocofactory.services import planning
from tests.plans_kit import NOW, at_work, events

BUILD = bootstrap.build
ONE = ("--date", "2025-03-28", "--days", 1, "--targets", "2025-03-28:standard=1,premium=0")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A data folder with prices."""
    folder = tmp_path_factory.mktemp("kept")
    at_work(folder).close()
    return folder


@pytest.fixture(autouse=True)
def _stopped(monkeypatch, tmp_path, choco, kept):
    """The command line in demo mode, at a moment that stands, on a copy of that folder."""
    monkeypatch.setenv("CHOCO_MODE", "demo")
    shutil.copytree(kept, tmp_path / "var")
    build = bootstrap.build
    monkeypatch.setattr(bootstrap, "build", lambda settings: build(settings, clock=StoppedClock(NOW)))


def test_a_plan_is_told_in_a_sentence_with_its_batches_proof_and_worth(choco):
    told = choco("plan", *ONE).stdout
    assert told.startswith("Batches: 1, the next start at 2025-03-28 ")
    assert "EUR" in told.splitlines()[0]
    row = next(line for line in told.splitlines() if "S28-1" in line)
    assert (row.count("+0100"), "standard" in row, "287.6" in row) == (4, True, True)
    assert "optimal, no plan costs less than" in told
    assert "the same work as usual" in told
    assert "…" not in told


def test_what_falls_short_is_said_with_its_limits_and_an_exit_code(choco):
    told = choco("plan", "--date", "2025-03-28", "--days", 1, "--slot", 30, expect=3).stdout
    assert "premium: 1 batches short at the end of 2025-03-28." in told
    assert "Staffed hours" in told


def test_programs_get_the_plan_itself(choco):
    told = json.loads(choco("plan", *ONE, "--json").stdout)
    assert (told["state"], told["error"], told["result"]["total_batches"]) == ("succeeded", None, 1)
    assert told["result"]["requested_by"] == "cli"
    again = json.loads(choco("plan", "show", told["result"]["plan_id"], "--json").stdout)
    assert again == told["result"]
    assert json.loads(choco("plan", "show", "--json").stdout) == again
    listed = json.loads(choco("plan", "list", "--json").stdout)
    assert [plan["plan_id"] for plan in listed] == [again["plan_id"]]
    checked = json.loads(choco("plan", "check", again["plan_id"], "--json").stdout)
    assert checked == {"plan_id": again["plan_id"], "clean": True, "violations": []}


def test_targets_of_several_days_and_locked_batches(choco):
    two = ("--targets", "2025-03-28:standard=1,premium=0", "--targets", "2025-03-29:standard=1,premium=0")
    plan = json.loads(choco("plan", "--date", "2025-03-28", "--days", 2, *two, "--json").stdout)["result"]
    assert [row["target"] for row in plan["targets"]] == [1, 0, 1, 0]
    first = plan["batches"][0]
    lock = ("--lock", first["batch_id"])
    again = json.loads(choco("plan", "--date", "2025-03-28", "--days", 2, *two, *lock, "--json").stdout)["result"]
    kept = next(batch for batch in again["batches"] if batch["batch_id"] == first["batch_id"])
    assert [block["start"] for block in kept["blocks"]] == [block["start"] for block in first["blocks"]]
    assert [block["planned"] for block in kept["blocks"]] == [False, False, False]


def test_a_batch_that_is_lost_is_named_and_said(choco, monkeypatch):
    plan = json.loads(choco("plan", *ONE, "--json").stdout)["result"]
    conching = datetime.fromisoformat(plan["batches"][0]["blocks"][1]["start"])
    clock = StoppedClock(conching + timedelta(minutes=5))
    monkeypatch.setattr(bootstrap, "build", lambda settings: BUILD(settings, clock=clock))
    told = " ".join(choco("plan", *ONE, "--lost", "S28-1").stdout.split())
    assert "Given up as lost, and owed again: S28-1. The energy" in told
    assert "S28-2" in told
    assert "has no batch S28-1 that could be lost" in choco("plan", *ONE, "--lost", "S28-1", expect=2).stderr


def test_a_plan_is_shown_to_people_spreadsheets_and_calendars(choco):
    choco("plan", *ONE)
    assert "S28-1" in choco("plan", "show").stdout
    rows = list(csv.DictReader(io.StringIO(choco("plan", "show", "latest", "--csv").stdout)))
    assert [row["stage"] for row in rows] == ["mixing", "rolling", "conching", "tempering", "moulding"]
    told = events(choco("plan", "show", "--ics").stdout.encode())
    assert [event["SUMMARY"].split()[1] for event in told] == ["preparation", "conching", "finishing"]
    assert "Choose one" in choco("plan", "show", "--ics", "--csv", expect=2).stderr


def test_plans_are_listed_newest_first(choco):
    choco("plan", *ONE)
    choco("plan", "--date", "2025-03-29", "--days", 1, "--targets", "2025-03-29:standard=0")
    lines = [line for line in choco("plan", "list").stdout.splitlines() if "p-2025" in line]
    assert [("2025-03-29" in line, "2025-03-28" in line) for line in lines] == [(True, False), (False, True)]
    assert len([line for line in choco("plan", "list", "--limit", 1).stdout.splitlines() if "p-2025" in line]) == 1


def test_before_the_first_plan_there_is_none(choco):
    assert "No plan was made yet" in choco("plan", "list").stdout
    for command in (("show",), ("check",), ("show", "p-20250327T0930-0000"), ("check", "p-20250327T0930-0000")):
        assert choco("plan", *command, expect=3).stderr


def test_a_plan_that_breaks_a_limit_is_found_out(choco, monkeypatch):
    choco("plan", *ONE)
    assert "keeps every limit" in choco("plan", "check").stdout
    # The same plan in a plant whose contract is one kilowatt.
    true = checking.check
    poor = lambda plan: true(  # noqa: E731
        replace(plan, problem=replace(plan.problem, plant=replace(plan.problem.plant, contracted_kw=1.0)))
    )
    monkeypatch.setattr(planning, "check", poor)
    assert "power" in choco("plan", "check", expect=3).stdout
    told = json.loads(choco("plan", "check", "--json", expect=3).stdout)
    assert (told["clean"], {each["rule"] for each in told["violations"]}) == (False, {"power"})


@pytest.mark.parametrize(
    "options",
    [
        ("--date", "tomorrow"),
        ("--days", 0),
        ("--days", 8),
        ("--slot", 20),
        ("--time-limit", 0),
        ("--time-limit", 500),
        ("--targets", "standard=4"),
        ("--targets", "2025-03-28:standard"),
        ("--targets", "2025-03-28:standard=-1"),
        ("--targets", "2025-03-28:"),
        ("--targets", "2025-03-28:bonbon=1", "--date", "2025-03-28", "--days", 1),
        ("--targets", "2025-05-28:standard=1", "--date", "2025-03-28", "--days", 1),
        ("--lock", "S99-1", "--date", "2025-03-28", "--days", 1),
        ("--date", "2025-06-01", "--days", 1),
    ],
)
def test_what_cannot_be_planned_is_a_wrong_use(choco, options):
    done = choco("plan", *options, expect=2)
    assert (done.stdout, bool(done.stderr)) == ("", True)


def test_days_without_prices_are_not_planned(choco):
    assert "no prices" in choco("plan", "--date", "2020-03-28", "--days", 1, expect=3).stderr
