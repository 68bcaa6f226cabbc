"""What the processes of ``test_registry_processes`` do: it must be importable by a fresh interpreter."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from chocofactory.core.errors import NotFound
from chocofactory.forecasting.registry import Registry
from tests.registry_kit import FIRST, content, keep

CHANGES = {
    "write": lambda registry: keep(registry, FIRST, seed=1),
    "delete": lambda registry: registry.delete(FIRST),
    "sweep": lambda registry: registry.sweep(),
}
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def version(number):
    return f"20261125T030405Z-{number:06x}"


def die_at(step):
    """Kill this process just before it changes something on the disk for the ``step``-th time from now on."""
    steps = itertools.count(1)

    def count(event, args):
        changes = event == "open" and args[2] & _CHANGING
        if (changes or event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}) and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def change_until(step, change, folder):
    registry = Registry(Path(folder))
    die_at(step)
    CHANGES[change](registry)
    os._exit(0)


def write_for_ever(folder, first, pipe):
    """Write version after version, saying before each which one it will be, and after each that it is done."""
    registry = Registry(Path(folder))
    for number in itertools.count(first):
        pipe.send(("begun", number))
        keep(registry, version(number), seed=number)
        pipe.send(("done", number))


def write_some(folder, numbers, barrier):
    registry = Registry(Path(folder))
    barrier.wait(60)
    for number in numbers:
        keep(registry, version(number), seed=number)


def prune_until(folder, last, barrier):
    """Keep two versions, until there is none but the last one to come."""
    registry = Registry(Path(folder))
    barrier.wait(60)
    while not (found := registry.entries()) or found[0].id != version(last):
        registry.prune(2)
        registry.sweep()
    registry.prune(1)


def read_until(folder, last, barrier, answers):
    """List and load without pause until the last version is seen; answers what was wrong, and which were loaded."""
    registry = Registry(Path(folder))
    barrier.wait(60)
    wrong, loaded, newest = [], set(), None
    while newest != version(last):
        found = registry.entries()
        wrong += [str(entry.damage) for entry in found if entry.damage]
        newest = found[0].id if found else None
        for entry in found:
            with suppress(NotFound):
                loaded.add(content(registry, entry.id))
    answers.put((wrong, loaded))


def delete(folder, barrier, answers):
    registry = Registry(Path(folder))
    barrier.wait(60)
    try:
        registry.delete(FIRST)
        answers.put("removed")
    except NotFound:
        answers.put("absent")
