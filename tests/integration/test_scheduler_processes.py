import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chocofactory import bootstrap
from chocofactory.core.config import load_settings

WORK = Path(__file__).with_name("scheduler_work.py")


@pytest.fixture
def begin(tmp_path):
    """Starts a process that looks around on one data folder, and waits until it does."""
    running = []

    def start():
        command = [sys.executable, str(WORK), str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def seen(tmp_path):
    """Who looked around last, as any process may ask."""

    def ask():
        factory = bootstrap.build(load_settings(data_dir=tmp_path), sources=[])
        try:
            return factory.schedule.scheduler()
        finally:
            factory.close()

    return ask


def test_of_several_processes_one_leads_and_another_takes_over_when_it_is_killed(begin, seen):
    first = begin()
    assert first.stdout.readline() == "leads\n"
    second = begin()
    assert seen().process.endswith(f":{first.pid}")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.stdout.readline() == "leads\n"  # it had said nothing as long as the first one led
    found = seen()
    assert (found.runs, found.process.endswith(f":{second.pid}")) == (True, True)
