"""Versions of the models: written whole or not at all, listed whatever is wrong with them, removed at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

import pytest

from chocofactory.core.errors import Conflict, NotFound
from chocofactory.core.locks import ProcessLock
from chocofactory.forecasting import registry as registry_module
from chocofactory.forecasting.registry import Registry, new_version_id
from tests.registry_kit import FIRST, META, SECOND, THIRD, Arrays, Record, content, hidden, keep

NOW = datetime(2026, 11, 25, 3, 4, 5, 999999, tzinfo=UTC)
NO_IDS = [
    "",
    ".",
    "..",
    "../models",
    f"../models/{FIRST}",
    f"{FIRST}/../{FIRST}",
    f"{FIRST}/",
    f"/{FIRST}",
    f"{FIRST}\n",
    f" {FIRST}",
    f"{FIRST}\0",
    FIRST.upper(),
    FIRST.replace("2026", "２０２６"),  # noqa: RUF001 (digits of full width: \d would take them)
    "20261325T030405Z-3f9a2c",
    "20260230T030405Z-3f9a2c",
    "20261125T250405Z-3f9a2c",
    "latest",
    "' OR 1=1 --",
]


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "live" / "models")


# --- writing and reading


def test_a_version_is_kept_as_it_was_written(registry):
    keep(registry, FIRST, seed=7)
    entry = registry.read(FIRST)
    assert entry.id == FIRST
    assert entry.created_at == datetime(2026, 11, 25, 3, 4, 5, tzinfo=UTC)
    assert entry.members == ("nothing", "arrays")
    assert entry.meta == {**META, "seed": 7}
    assert entry.damage is None
    assert content(registry, FIRST) == 7
    assert Registry(registry.folder).entries() == [entry]
    assert hidden(registry) == []


def test_the_folder_of_a_version_tells_size_and_sum_of_every_file(registry):
    keep(registry, FIRST)
    entry = registry.read(FIRST)
    folder = registry.folder / FIRST
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert set(files) == {
        "manifest.json",
        "members/arrays/more/levels.json",
        "members/arrays/weights.npz",
        "meta.json",
        "roll.npz",
    }
    assert entry.size_bytes == registry.size_bytes() == sum(path.stat().st_size for path in files.values())
    listed = json.loads(files.pop("manifest.json").read_text(encoding="utf-8"))["files"]
    program = shutil.which("sha256sum")
    sums = subprocess.run([program, *listed], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert {line[66:]: line[:64] for line in sums.splitlines()} == {name: of["sha256"] for name, of in listed.items()}
    assert {name: path.stat().st_size for name, path in files.items()} == {
        name: of["bytes"] for name, of in listed.items()
    }


def test_what_is_said_of_a_version_is_json_whatever_its_floats_are(registry):
    said = {"mae": float("nan"), "deep": [{"p": float("inf")}, (1, 2.5, None, "ñ")], "many": {"a": -float("inf")}}
    registry.write(FIRST, said, {}, Record([]))
    raw = (registry.folder / FIRST / "meta.json").read_text(encoding="utf-8")
    json.loads(raw, parse_constant=pytest.fail)
    assert registry.read(FIRST).meta == {
        "mae": None,
        "deep": [{"p": None}, [1, 2.5, None, "ñ"]],
        "many": {"a": None},
    }


def test_an_id_that_is_taken_stays_with_its_first_owner(registry):
    keep(registry, FIRST, seed=1)
    with pytest.raises(Conflict, match=f"version {FIRST} of the models already"):
        keep(registry, FIRST, seed=2)
    assert content(registry, FIRST) == 1
    assert hidden(registry) == []


def test_of_many_who_write_one_id_at_once_one_gets_it(registry):
    def write(seed):
        try:
            keep(registry, FIRST, seed)
        except Conflict:
            return None
        return seed

    with ThreadPoolExecutor(4) as pool:
        wrote = [seed for seed in pool.map(write, range(8)) if seed is not None]
    assert [content(registry, FIRST)] == wrote
    assert hidden(registry) == []


def test_a_member_that_cannot_be_saved_leaves_nothing(registry):
    class Broken:
        def save(self, folder):
            (folder / "half.json").write_text("{", encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        registry.write(FIRST, {}, {"arrays": Arrays(), "broken": Broken()}, Record([]))
    assert list(registry.folder.iterdir()) == []


def test_all_is_on_the_disk_before_the_version_gets_its_name_and_the_name_before_write_returns(registry, monkeypatch):
    steps = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor):
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(("flushed", path, path.stat().st_size))

    def noted_rename(source, target, **more):
        below = [source, *Path(source).rglob("*")]
        steps.append(("renamed", {path: path.stat().st_size for path in below}, target))
        rename(source, target, **more)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    keep(registry, FIRST)
    (at,) = [place for place, step in enumerate(steps) if step[0] == "renamed"]
    _, written, target = steps[at]
    assert target == registry.folder / FIRST
    flushed = {path: size for _, path, size in steps[:at]}
    assert {path: flushed.get(path) for path in written} == written
    assert flushed.keys() >= {registry.folder.parent}  # where the folder of all versions was made
    assert [path for _, path, _ in steps[at + 1 :]] == [registry.folder]
    steps.clear()
    registry.delete(FIRST)
    assert [step[0] for step in steps] == ["renamed", "flushed"]
    assert steps[1][1] == registry.folder


# --- ids


def test_ids_sort_by_time_can_be_read_and_need_no_quoting():
    moments = [NOW + timedelta(seconds=step) for step in (0, 1, 60, 3600, 86400 * 400)]
    ids = [new_version_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert ids[0].startswith("20261125T030405Z-")
    assert new_version_id(NOW.astimezone(timezone(timedelta(hours=1)))).startswith("20261125T030405Z-")
    assert re.fullmatch(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}", ids[0])
    assert quote(ids[0], safe="") == ids[0]


def test_two_trainings_in_one_second_get_two_ids():
    assert len({new_version_id(NOW) for _ in range(100)}) == 100


@pytest.mark.parametrize("version", NO_IDS)
def test_what_is_no_id_never_becomes_a_path(registry, version):
    keep(registry, FIRST)
    before = sorted(registry.folder.parent.rglob("*"))
    for ask in (
        registry.read,
        registry.verify,
        registry.delete,
        lambda version: registry.load(version, {}, Record.load),
        lambda version: keep(registry, version),
    ):
        with pytest.raises(NotFound):
            ask(version)
    assert sorted(registry.folder.parent.rglob("*")) == before


def test_a_version_that_nobody_wrote_is_not_found(registry):
    for _ in range(2):
        for ask in (
            registry.read,
            registry.verify,
            registry.delete,
            lambda version: registry.load(version, {}, Record.load),
        ):
            with pytest.raises(NotFound, match=f"There is no version {SECOND} of the models"):
                ask(SECOND)
        keep(registry, FIRST)
        registry.delete(FIRST)


# --- lists, and what is removed


def test_versions_come_newest_first_and_nothing_else_does(registry):
    assert registry.entries() == []
    assert registry.size_bytes() == 0
    for version in (SECOND, THIRD, FIRST):
        keep(registry, version)
    (registry.folder / "notes.txt").write_text("of somebody", encoding="utf-8")
    (registry.folder / "20261128T030405Z-000000").write_text("a file", encoding="utf-8")
    (registry.folder / "20261328T030405Z-000000").mkdir()
    (registry.folder / "backup").mkdir()
    assert [entry.id for entry in registry.entries()] == [THIRD, SECOND, FIRST]


def test_a_version_that_is_being_written_or_removed_is_invisible_and_not_swept(registry, monkeypatch):
    seen = []

    class Curious:
        def save(self, folder):
            (folder / "half.json").write_text("{", encoding="utf-8")
            other = Registry(registry.folder)
            other.sweep()
            seen.append((other.entries(), len(hidden(other)), (folder / "half.json").exists()))

    registry.write(FIRST, {}, {"curious": Curious()}, Record([]))
    assert seen == [([], 2, True)]  # the draft and its lock

    monkeypatch.setattr(registry_module, "_remove", lambda folder: seen.append((folder.name, registry.entries())))
    registry.delete(FIRST)
    ((name, listed),) = seen[1:]
    assert listed == []
    assert hidden(registry) == [name]


def test_what_dead_processes_left_is_swept_before_the_next_version_is_written(registry):
    keep(registry, FIRST)
    for name in ("a.draft", "b.draft", "c.removed"):
        shutil.copytree(registry.folder / FIRST, registry.folder / f".{SECOND}.{name}")
    for name in ("b.lock", "d.lock"):
        (registry.folder / f".{SECOND}.{name}").touch()
    alive = ProcessLock(registry.folder / f".{SECOND}.e.lock")
    assert alive.acquire()
    (registry.folder / f".{SECOND}.e.draft").mkdir()
    assert [entry.id for entry in registry.entries()] == [FIRST]
    keep(registry, THIRD)
    assert hidden(registry) == [f".{SECOND}.e.draft", f".{SECOND}.e.lock"]
    alive.release()
    registry.sweep()
    assert hidden(registry) == []
    assert [content(registry, entry.id) for entry in registry.entries()] == [0, 0]


def test_sweeping_where_there_is_nothing_makes_nothing(registry):
    registry.sweep()
    assert not registry.folder.exists()


def test_a_deleted_version_is_gone_and_the_others_stay(registry):
    for version in (FIRST, SECOND):
        keep(registry, version)
    registry.delete(FIRST)
    with pytest.raises(NotFound):
        registry.delete(FIRST)
    assert [path.name for path in registry.folder.iterdir()] == [SECOND]
    assert content(registry, SECOND) == 0


def test_a_damaged_version_can_be_deleted(registry):
    keep(registry, FIRST)
    (registry.folder / FIRST / "manifest.json").unlink()
    registry.delete(FIRST)
    assert registry.entries() == []


VERSIONS = [f"202611{day:02d}T030405Z-3f9a2c" for day in range(1, 7)]


@pytest.mark.parametrize(
    ("keep_newest", "spare", "damaged", "left"),
    [
        (3, [], [], [3, 4, 5]),
        (3, [0], [], [0, 3, 4, 5]),
        (3, [4], [], [3, 4, 5]),  # the one that is spared is among the newest
        (0, [2], [], [2]),
        (9, [], [], [0, 1, 2, 3, 4, 5]),
        (2, [], [5, 3], [2, 3, 4, 5]),  # a damaged one takes no place from a sound one
        (2, [], [0, 1], [4, 5]),
        (1, [1], [1, 5], [1, 4, 5]),
        (2, ["no such"], [], [4, 5]),
    ],
)
def test_pruning_keeps_the_newest_sound_versions_and_those_that_are_spared(registry, keep_newest, spare, damaged, left):
    for version in VERSIONS:
        registry.write(version, {}, {}, Record([]))
    for place in damaged:
        (registry.folder / VERSIONS[place] / "roll.npz").unlink()
    named = {VERSIONS[place] if isinstance(place, int) else place for place in spare}
    removed = registry.prune(keep_newest, named)
    kept = [VERSIONS[place] for place in left]
    assert removed == [version for version in reversed(VERSIONS) if version not in kept]
    assert [entry.id for entry in registry.entries()] == kept[::-1]


def test_pruning_passes_over_what_others_have_removed_meanwhile(registry, monkeypatch):
    for version in (FIRST, SECOND, THIRD):
        keep(registry, version)
    listed = registry.entries()
    Registry(registry.folder).delete(SECOND)
    monkeypatch.setattr(registry, "entries", lambda: listed)
    assert registry.prune(1) == [FIRST]
