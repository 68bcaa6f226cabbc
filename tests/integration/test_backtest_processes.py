"""Workers of a backtest: none outlives the process that started them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import select
import signal
from time import monotonic

import backtest_work as work

PATIENCE_S = 120


def read_until(pipe, enough):
    """What comes through a pipe until ``enough`` of it is there, or its last writer is gone; None after too long."""
    found, deadline = b"", monotonic() + PATIENCE_S
    while not enough(found):
        ready, _, _ = select.select([pipe], [], [], max(deadline - monotonic(), 0))
        if not ready:
            return None
        more = os.read(pipe, 4096)
        if not more:
            break
        found += more
    return found


def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    parent = multiprocessing.get_context("spawn").Process(target=work.roll_for_ever, args=(str(tmp_path / "pipe"),))
    parent.start()
    workers, rest = [], None
    try:
        begun = read_until(pipe, lambda found: found.count(b"\n") == 2)
        assert begun is not None
        workers = [int(line) for line in begun.split()]
        assert len({parent.pid, os.getpid(), *workers}) == 4

        parent.kill()
        parent.join(PATIENCE_S)
        assert parent.exitcode == -signal.SIGKILL

        rest = read_until(pipe, lambda _: False)  # it ends when neither worker holds it open any more
        assert rest == b""
    finally:
        os.close(pipe)
        parent.kill()
        parent.join(PATIENCE_S)
        if rest is None:
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
