"""What the database says when the disk, the folder, the file or another writer is in the way."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from chocofactory.core.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from chocofactory.store import database
from chocofactory.store.database import from_microseconds, to_microseconds
from tests.database_kit import query


def test_a_full_disk_is_named_and_what_was_there_stays(opened, tmp_path):
    base = opened(tmp_path / "x.db")
    with base.write() as connection:
        connection.execute("INSERT INTO a VALUES (1)")
    with base.read() as connection:  # the next one gets the same connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    def fill():
        with base.write() as connection:
            connection.executemany("INSERT INTO a VALUES (?)", [(i,) for i in range(2, 100_000)])

    with pytest.raises(StoreFull, match=r"no room left to write .*x\.db"):
        fill()
    assert query(base, "SELECT x FROM a") == [(1,)]
    fill()  # there is room again
    assert query(base, "SELECT count(*) FROM a") == [(99_999,)]


def test_a_folder_that_cannot_be_made_is_called_read_only(opened, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreReadOnly, match=r"The folder .*file cannot be made"):
        opened(tmp_path / "file" / "x.db")
    with pytest.raises(StoreReadOnly, match="/proc/nowhere"):
        opened(Path("/proc/nowhere/x.db"))


def test_a_folder_that_takes_no_files_is_called_read_only(opened):
    with pytest.raises(StoreReadOnly, match=r"/proc/self/x\.db cannot be opened for writing"):
        opened(Path("/proc/self/x.db"))


@pytest.mark.parametrize("name", ["x.db", ""])
def test_a_file_or_folder_that_may_not_be_written_is_named_at_opening_and_not_at_the_first_write(
    opened, tmp_path, monkeypatch, name
):
    opened(tmp_path / "x.db").close()
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / name)
    with pytest.raises(StoreReadOnly, match=r"x\.db or its folder is read-only"):
        opened(tmp_path / "x.db")


def test_a_check_notices_a_file_that_was_moved_away_or_replaced(opened, tmp_path):
    path = tmp_path / "x.db"
    base = opened(path)
    base.check()
    path.rename(tmp_path / "y.db")
    with pytest.raises(StoreError, match=r"x\.db has been moved away"):
        base.check()
    shutil.copy(tmp_path / "y.db", path)
    with pytest.raises(StoreError, match=r"x\.db has been moved away"):
        base.check()
    path.unlink()
    (tmp_path / "y.db").rename(path)
    base.check()


def test_a_check_notices_that_writing_is_not_possible_any_more(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    base = opened(tmp_path / "x.db")
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"x\.db is locked"):
        base.check()
    other.close()
    base.check()
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(StoreReadOnly, match=r"x\.db or its folder is read-only"):
        base.check()


def test_a_folder_on_a_full_disk_is_called_full(opened, tmp_path, monkeypatch):
    def mkdir(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(StoreFull):
        opened(tmp_path / "new" / "x.db")


def test_another_process_s_writer_is_waited_for_and_then_named(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    base = opened(tmp_path / "x.db")
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"x\.db is locked"), base.write():
        pass
    with pytest.raises(StoreUnavailable, match=r"x\.db is locked"):
        opened(tmp_path / "x.db")
    assert query(base, "SELECT count(*) FROM a") == [(0,)]  # readers do not wait
    other.execute("ROLLBACK")
    other.close()
    with base.write() as connection:
        connection.execute("INSERT INTO a VALUES (1)")


def test_another_thread_s_writer_is_waited_for_and_then_named(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    base = opened(tmp_path / "x.db")

    def write():
        with base.write() as connection:
            connection.execute("INSERT INTO a VALUES (1)")

    with ThreadPoolExecutor(1) as pool, base.write(), pytest.raises(StoreUnavailable):
        pool.submit(write).result()
    write()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_READONLY, StoreReadOnly),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreReadOnly),
        (sqlite3.SQLITE_CANTOPEN, StoreReadOnly),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable),
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_IOERR_SHMSIZE, StoreFull),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamaged),
        (sqlite3.SQLITE_IOERR_READ, StoreError),
        (None, StoreError),
    ],
)
def test_every_fault_of_sqlite_gets_its_own_name_and_keeps_its_cause(opened, tmp_path, code, expected):
    base = opened(tmp_path / "x.db")
    fault = sqlite3.OperationalError("reason of it")
    if code is not None:
        fault.sqlite_errorcode = code

    def fail():
        with base.read():
            raise fault

    with pytest.raises(StoreError, match=r"x\.db") as caught:
        fail()
    assert type(caught.value) is expected
    assert caught.value.__cause__ is fault


_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from subprocess import run
from chocofactory.core.errors import StoreFull, StoreReadOnly
from chocofactory.store.database import Database
folder = Path(sys.argv[1])
migrations = ["CREATE TABLE a (batch INTEGER, x BLOB);"]
base = Database(folder / "x.db", migrations, application_id=1)
kept = 0
try:
    while kept < 1000:
        with base.write() as connection:
            connection.executemany("INSERT INTO a VALUES (?, zeroblob(900))", [(kept,)] * 100)
        kept += 1
except StoreFull as error:
    assert str(folder / "x.db") in str(error), error
with base.read() as connection:
    assert connection.execute("SELECT count(*), count(DISTINCT batch) FROM a").fetchone() == (100 * kept, kept), kept
base.close()
assert 0 < kept < 1000, kept
run(["mount", "-o", "remount,ro", folder], check=True)
try:
    Database(folder / "x.db", migrations, application_id=1)
except StoreReadOnly:
    print("ok", kept)
"""


def test_a_disk_that_fills_up_and_then_turns_read_only_loses_nothing(tmp_path):
    unshare, mount = shutil.which("unshare"), shutil.which("mount")
    private = [unshare or "unshare", "--map-root-user", "--mount", "sh", "-c"]
    probe = f"mount -t tmpfs -o size=2m none '{tmp_path}'"
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


# --- moments


def test_moments_become_microseconds_and_back_without_loss():
    moment = datetime(2030, 10, 27, 1, 59, 59, 999999, tzinfo=UTC)
    assert from_microseconds(to_microseconds(moment)) == moment
    assert to_microseconds(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0
    assert to_microseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000
    with pytest.raises(TypeError):
        to_microseconds(datetime(2030, 1, 1))  # noqa: DTZ001
