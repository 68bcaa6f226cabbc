"""What the registry of models says when the disk or the folder is in the way, and that nothing is lost then."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chocofactory.core.errors import StoreError, StoreFull, StoreReadOnly
from chocofactory.forecasting.registry import Registry
from tests.registry_kit import FIRST, SECOND, Nothing, content, keep


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "live" / "models")


def failing(number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreReadOnly),
        (errno.EACCES, StoreReadOnly),
        (errno.EPERM, StoreReadOnly),
        (errno.EIO, StoreError),
    ],
)
@pytest.mark.parametrize("call", ["mkdir", "fsync", "rename"])
def test_every_fault_of_the_disk_gets_its_own_name_and_leaves_nothing(registry, monkeypatch, call, number, expected):
    keep(registry, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number))
        with pytest.raises(StoreError, match="models") as caught:
            keep(registry, SECOND)
    assert type(caught.value) is expected
    assert caught.value.__cause__.errno == number
    assert [path.name for path in registry.folder.iterdir()] == [FIRST]


def test_a_disk_that_fills_up_while_a_member_is_saved_is_named(registry, monkeypatch):
    monkeypatch.setattr(Nothing, "save", failing(errno.ENOSPC))
    with pytest.raises(StoreFull):
        keep(registry, FIRST)
    assert list(registry.folder.iterdir()) == []


def test_a_version_that_cannot_be_removed_stays_whole(registry, monkeypatch):
    keep(registry, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", failing(errno.EROFS))
        with pytest.raises(StoreReadOnly, match=FIRST):
            registry.delete(FIRST)
    assert content(registry, FIRST) == 0


def test_a_folder_that_cannot_be_made_or_listed_is_named(tmp_path, registry, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreReadOnly):
        keep(Registry(tmp_path / "file" / "models"), FIRST)
    with pytest.raises(StoreReadOnly):
        keep(Registry(tmp_path / "file"), FIRST)
    keep(registry, FIRST)
    monkeypatch.setattr(Path, "iterdir", failing(errno.EACCES))
    with pytest.raises(StoreReadOnly):
        registry.entries()


def test_a_version_that_cannot_be_looked_at_is_not_called_absent(registry, monkeypatch):
    keep(registry, FIRST)
    monkeypatch.setattr(Path, "is_dir", failing(errno.EACCES))
    for ask in (registry.read, registry.verify, registry.delete):
        with pytest.raises(StoreReadOnly, match=FIRST):
            ask(FIRST)


_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from subprocess import run
from chocofactory.core.errors import StoreFull, StoreReadOnly
from chocofactory.forecasting.registry import Registry
from tests.registry_kit import Record, content, hidden, keep
registry = Registry(Path(sys.argv[1]) / "models")
kept = 0
try:
    while kept < 1000:
        keep(registry, f"20261125T030405Z-{kept:06x}", kept)
        kept += 1
except StoreFull as error:
    assert str(registry.folder) in str(error), error
assert 0 < kept < 1000, kept
assert hidden(registry) == []
try:
    registry.write("20261126T030405Z-000000", {}, {}, Record([0.1] * 10**6))
except StoreFull:
    pass
assert hidden(registry) == []
assert sorted(content(registry, entry.id) for entry in registry.entries()) == list(range(kept))
registry.prune(2)
keep(registry, "20261127T030405Z-000000", 0)
run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
for change in (lambda: registry.delete("20261127T030405Z-000000"), lambda: keep(registry, "20261128T030405Z-000000")):
    try:
        change()
    except StoreReadOnly:
        continue
    raise SystemExit("changed what is read-only")
assert [content(registry, entry.id) for entry in registry.entries()] == [0, kept - 1, kept - 2]
print("ok", kept)
"""


def test_a_disk_that_fills_up_and_then_turns_read_only_loses_nothing(tmp_path):
    unshare, mount = shutil.which("unshare"), shutil.which("mount")
    private = [unshare or "unshare", "--map-root-user", "--mount", "sh", "-c"]
    probe = f"mount -t tmpfs -o size=400k none '{tmp_path}'"
    if not (unshare and mount) or subprocess.run([*private, probe], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets us mount no file system of our own")
    done = subprocess.run(
        [*private, f'{probe} && exec "$@"', "sh", sys.executable, "-c", _ON_A_SMALL_DISK, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.startswith("ok"), done.stderr
