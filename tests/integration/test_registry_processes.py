"""Several processes at one registry of models: what they see of each other, and what is left when one is killed."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import random
import shutil
import signal

import pytest
import registry_work as work

from chocofactory.core.errors import NotFound
from chocofactory.forecasting.registry import Registry
from tests.registry_kit import FIRST, SECOND, content, hidden, keep

KILLS = 15


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "numpy", "chocofactory.forecasting.registry", "tests.registry_kit"])
    return context


def started(context, target, *args):
    process = context.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def killed_at_every_step(processes, change, prepared):
    """Do a change again and again, killed one step later each time until it ends; a registry after each death."""
    for step in itertools.count(1):
        registry = prepared(step)
        process = started(processes, work.change_until, step, change, str(registry.folder))
        process.join(60)
        assert process.exitcode in {0, -signal.SIGKILL}
        yield registry
        if process.exitcode == 0:
            break
    assert step > 4  # it was killed on the way


def whole(registry, seeds):
    """Which versions there are; every one is sound and its own."""
    found = {entry.id: content(registry, entry.id) for entry in registry.entries()}
    assert found.items() <= seeds.items()
    assert [entry.damage for entry in registry.entries()] == [None] * len(found)
    return set(found)


def is_tidy(registry):
    registry.sweep()
    return hidden(registry) == []


def prepared(tmp_path, *versions):
    """A function that makes a registry with these versions, a new one for each step."""
    first = Registry(tmp_path / "0")
    for version in versions:
        keep(first, version, seed=1 if version == FIRST else 2)
    return lambda step: Registry(shutil.copytree(first.folder, tmp_path / str(step)))


def test_a_writer_killed_at_any_step_leaves_the_version_whole_or_not_at_all(processes, tmp_path):
    there = []
    for registry in killed_at_every_step(processes, "write", prepared(tmp_path, SECOND)):
        found = whole(registry, {FIRST: 1, SECOND: 2})
        assert found >= {SECOND}
        there.append(FIRST in found)
        if not there[-1]:
            keep(registry, FIRST, seed=3)  # the same training can be written again, and sweeps
            assert hidden(registry) == []
        assert is_tidy(registry)
    assert there == sorted(there)
    assert there.count(False) > 10
    assert there[-1]


def test_a_version_whose_removal_is_killed_at_any_step_is_whole_or_gone(processes, tmp_path):
    there = []
    for registry in killed_at_every_step(processes, "delete", prepared(tmp_path, FIRST, SECOND)):
        found = whole(registry, {FIRST: 1, SECOND: 2})
        assert found >= {SECOND}
        there.append(FIRST in found)
        assert is_tidy(registry)
    assert there == sorted(there, reverse=True)
    assert there[0]
    assert there.count(False) > 5


def test_sweeping_that_is_killed_at_any_step_can_be_done_again(processes, tmp_path):
    prepare = prepared(tmp_path, SECOND)

    def littered(step):
        registry = prepare(step)
        for name in ("a.draft", "b.draft", "c.removed"):
            shutil.copytree(registry.folder / SECOND, registry.folder / f".{FIRST}.{name}")
        for name in ("b.lock", "d.lock"):
            (registry.folder / f".{FIRST}.{name}").touch()
        return registry

    for registry in killed_at_every_step(processes, "sweep", littered):
        assert whole(registry, {SECOND: 2}) == {SECOND}
        assert is_tidy(registry)


def test_a_writer_killed_at_any_moment_loses_nothing_that_it_reported(processes, tmp_path):
    registry, chance = Registry(tmp_path / "models"), random.Random(7)  # noqa: S311
    number = 0
    for _ in range(KILLS):
        receiver, sender = processes.Pipe(duplex=False)
        writer = started(processes, work.write_for_ever, str(registry.folder), number, sender)
        sender.close()
        said = [receiver.recv()]  # from here on it is writing
        writer.join(chance.uniform(0, 0.05))
        writer.kill()
        writer.join(60)
        with contextlib.suppress(EOFError):
            while True:
                said.append(receiver.recv())
        receiver.close()
        done = {work.version(each): each for word, each in said if word == "done"}
        begun = {work.version(each): each for word, each in said if word == "begun"}
        earlier = {work.version(each): each for each in range(number)}
        found = whole(registry, earlier | begun)
        assert found >= (earlier | done).keys()
        number = len(found)
    assert is_tidy(registry)


def test_nobody_sees_anything_half_while_others_write_and_remove(processes, tmp_path):
    folder, count = str(tmp_path / "models"), 30
    barrier, answers = processes.Barrier(5), processes.Queue()
    # Of the two writers the second one has the last word: the reader waits for it.
    running = [started(processes, work.read_until, folder, count, barrier, answers) for _ in range(2)]
    running.append(started(processes, work.write_some, folder, range(0, count, 2), barrier))
    running.append(started(processes, work.write_some, folder, [*range(1, count, 2), count], barrier))
    running.append(started(processes, work.prune_until, folder, count, barrier))
    seen = set()
    for _ in range(2):
        wrong, loaded = answers.get(timeout=120)
        assert wrong == []
        seen |= loaded
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0] * len(running)
    assert len(seen) > 2  # they did load in between
    registry = Registry(tmp_path / "models")
    assert content(registry, work.version(count)) == count
    registry.prune(1)
    assert is_tidy(registry)


def test_of_processes_that_remove_one_version_at_once_one_does(processes, tmp_path):
    registry = Registry(tmp_path / "models")
    keep(registry, FIRST)
    barrier, answers = processes.Barrier(3), processes.Queue()
    running = [started(processes, work.delete, str(registry.folder), barrier, answers) for _ in range(3)]
    assert sorted(answers.get(timeout=60) for _ in running) == ["absent", "absent", "removed"]
    for process in running:
        process.join(60)
    with pytest.raises(NotFound):
        registry.read(FIRST)
    assert hidden(registry) == []
