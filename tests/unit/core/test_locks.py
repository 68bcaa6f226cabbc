import fcntl
import os
import signal
import subprocess
import sys

from chocofactory.core.locks import ProcessLock, is_held

HOLDER = """
import sys, time
from pathlib import Path
from chocofactory.core.locks import ProcessLock
assert ProcessLock(Path(sys.argv[1])).acquire()
lock = ProcessLock(Path(sys.argv[2])); lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    first, second = ProcessLock(tmp_path / "a.lock"), ProcessLock(tmp_path / "a.lock")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert is_held(tmp_path / "a.lock")
    first.release()
    assert not is_held(tmp_path / "a.lock")
    assert second.acquire()
    second.release()


def test_a_lock_of_a_killed_process_is_free_and_its_file_goes(tmp_path):
    paths = [tmp_path / "x.lock", tmp_path / "y.lock"]
    child = subprocess.Popen([sys.executable, "-c", HOLDER, *map(str, paths)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "held\n"
    assert is_held(paths[1])
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not is_held(paths[1])
    assert not paths[1].exists()


def test_no_file_means_not_held(tmp_path):
    assert not is_held(tmp_path / "none.lock")


def test_a_lock_that_is_let_go_between_opening_and_locking_is_really_taken(tmp_path, monkeypatch):
    path = tmp_path / "a.lock"
    first, second = ProcessLock(path), ProcessLock(path)
    first.acquire()
    lock = fcntl.flock

    def at_the_worst_moment(descriptor, how):
        first.release()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", at_the_worst_moment)
    assert second.acquire()
    monkeypatch.undo()
    assert is_held(path)
    second.release()
