"""The commands about what runs by itself, as scripts meet them."""

import json
import signal
import subprocess
import sys

import pytest

from chocofactory import bootstrap
from chocofactory.core.config import load_settings


@pytest.fixture(autouse=True)
def _demo(monkeypatch):
    monkeypatch.setenv("CHOCO_MODE", "demo")
    monkeypatch.setenv("CHOCO_DEMO_DAYS", "14")


def listed(choco):
    return {task["name"]: task for task in json.loads(choco("tasks", "list", "--json").stdout)["tasks"]}


def test_tasks_are_listed_paused_and_resumed(choco):
    assert {"prices_today", "weather", "plan_next_days"} <= set(listed(choco))
    told = choco("tasks", "list").stdout
    assert "The scheduler does not run now." in told
    choco("tasks", "pause", "weather")
    choco("tasks", "pause")
    assert {name for name, task in listed(choco).items() if task["paused_by"] == "cli"} == {"weather"}
    assert "All tasks rest since" in choco("tasks", "list").stdout
    choco("tasks", "resume", "weather")
    choco("tasks", "resume")
    assert "rest since" not in choco("tasks", "list").stdout
    assert listed(choco)["weather"]["paused_at"] is None
    choco("tasks", "pause", "nothing", expect=3)


def test_a_task_runs_now_and_is_told_with_the_other_runs(choco):
    assert json.loads(choco("tasks", "run", "prices_today", "--json").stdout)["run"]["state"] == "succeeded"
    assert "prices_today: succeeded" in choco("tasks", "run", "prices_today").stdout
    runs = json.loads(choco("tasks", "runs", "--json").stdout)
    assert [(run["kind"], run["requested_by"]) for run in runs] == [("ingest_prices", "cli")] * 2
    assert choco("tasks", "runs", "--kind", "ingest_prices").stdout.count("succeeded") == 2


def test_a_run_that_fails_is_told_with_its_reason_and_the_exit_code(choco):
    told = choco("tasks", "run", "plan_of_the_day", expect=3)
    assert "plan_of_the_day: failed" in told.stdout
    assert "There are no prices" in told.stderr
    assert json.loads(choco("tasks", "run", "plan_of_the_day", "--json", expect=3).stdout)["run"]["state"] == "failed"


def test_the_scheduler_in_a_process_of_its_own_does_what_is_due_and_stops_when_told(tmp_path, monkeypatch):
    monkeypatch.setenv("CHOCO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CHOCO_CADENCE", "training=off; plan_next_days=off; forecast=off")
    command = [sys.executable, "-m", "chocofactory", "scheduler"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if "run finished" in line and "ingest_generation" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stderr.close()
    factory = bootstrap.build(load_settings())
    assert factory.prices.span() is not None
    assert factory.schedule.scheduler().process.endswith(f":{process.pid}")
    factory.close()
