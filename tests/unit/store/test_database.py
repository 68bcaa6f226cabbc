"""How a database file is opened, shared and migrated, and what is said when it cannot be."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from chocofactory.core.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
)
from chocofactory.store import database
from chocofactory.store.database import Database, from_microseconds, to_microseconds

MARK = 0x12345678
FIRST = "CREATE TABLE a (x INTEGER PRIMARY KEY);\n"
SECOND = "CREATE TABLE b (x INTEGER); -- two; statements\nINSERT INTO b VALUES (1);\nINSERT INTO b VALUES (2)"


@pytest.fixture
def opened():
    made = []

    def make(path, migrations=(FIRST,), mark=MARK):
        made.append(Database(path, migrations, application_id=mark))
        return made[-1]

    yield make
    for each in made:
        each.close()


def query(base, sql):
    with base.read() as connection:
        return connection.execute(sql).fetchall()


def plain(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_opening_makes_the_folder_and_a_durable_shared_file(opened, tmp_path):
    base = opened(tmp_path / "new" / "folder" / "x.db")
    assert query(base, "PRAGMA journal_mode") == [("wal",)]
    assert query(base, "PRAGMA synchronous") == [(2,)]
    assert query(base, "PRAGMA foreign_keys") == [(1,)]
    assert query(base, "PRAGMA application_id") == [(MARK,)]
    assert query(base, "PRAGMA user_version") == [(1,)]


def test_a_relative_path_means_the_same_file_after_the_folder_changes(opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = opened(Path("x.db"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with base.read(), base.read() as second:  # the second needs a new connection
        assert second.execute("SELECT count(*) FROM a").fetchone() == (0,)


def test_a_write_is_kept_whole_or_not_at_all(opened, tmp_path):
    base = opened(tmp_path / "x.db")
    with base.write() as connection:
        connection.execute("INSERT INTO a VALUES (1)")

    def half():
        with base.write() as connection:
            connection.execute("INSERT INTO a VALUES (2)")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert query(base, "SELECT x FROM a") == [(1,)]
    with base.write() as connection:
        connection.execute("INSERT INTO a VALUES (3)")
    assert query(base, "SELECT x FROM a") == [(1,), (3,)]


def test_what_one_block_reads_is_of_one_moment(opened, tmp_path):
    base = opened(tmp_path / "x.db")
    with base.read() as reader:
        before = reader.execute("SELECT count(*) FROM a").fetchone()
        with base.write() as writer:
            writer.execute("INSERT INTO a VALUES (1)")
        assert reader.execute("SELECT count(*) FROM a").fetchone() == before
    assert query(base, "SELECT count(*) FROM a") == [(1,)]


def test_threads_write_one_after_the_other(opened, tmp_path):
    base = opened(tmp_path / "x.db")

    def add(_):
        with base.write() as connection:
            (top,) = connection.execute("SELECT coalesce(max(x), 0) FROM a").fetchone()
            connection.execute("INSERT INTO a VALUES (?)", (top + 1,))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    assert query(base, "SELECT count(*), max(x) FROM a") == [(80, 80)]


def test_few_connections_are_kept_and_all_are_closed_at_the_end(opened, tmp_path, monkeypatch):
    made, closed = [], []

    class Counted(sqlite3.Connection):
        def close(self):
            closed.append(self)
            super().close()

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: made.append(c := real(*a, factory=Counted, **k)) or c)
    base = opened(tmp_path / "x.db")
    barrier = threading.Barrier(10)

    def hold(_):
        with base.read():
            barrier.wait(10)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(hold, range(10)))
    assert len(made) == 10
    assert len(made) - len(set(closed)) == database.IDLE_CONNECTIONS
    with base.read():
        base.close()  # while one is in use
    assert set(closed) == set(made)
    with pytest.raises(StoreError, match="has been closed"):
        query(base, "SELECT 1")
    gc.collect()


# --- migrations


def test_an_older_file_is_taken_to_the_present_version_and_keeps_its_rows(opened, tmp_path):
    path = tmp_path / "x.db"
    with (old := opened(path)).write() as connection:
        connection.execute("INSERT INTO a VALUES (7)")
    old.close()
    new = opened(path, (FIRST, SECOND))
    assert query(new, "PRAGMA user_version") == [(2,)]
    assert query(new, "SELECT x FROM a") == [(7,)]
    assert query(new, "SELECT x FROM b ORDER BY x") == [(1,), (2,)]


def test_a_migration_that_fails_half_way_leaves_the_older_version_untouched(opened, tmp_path):
    path = tmp_path / "x.db"
    opened(path).close()
    with pytest.raises(StoreError, match=r"x\.db"):
        opened(path, (FIRST, SECOND + ";\nINSERT INTO nowhere VALUES (1);"))
    same = opened(path)
    assert query(same, "PRAGMA user_version") == [(1,)]
    assert query(same, "SELECT name FROM sqlite_master WHERE name = 'b'") == []


def test_a_file_of_a_later_version_is_refused_and_left_alone(opened, tmp_path):
    path = tmp_path / "x.db"
    opened(path, (FIRST, SECOND)).close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match=r"x\.db was written by a later version .*schema 2, this one knows 1"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement", ["PRAGMA application_id = 99", "PRAGMA user_version = 1", "CREATE TABLE theirs (x)"]
)
def test_a_database_of_another_program_is_refused_and_left_alone(opened, tmp_path, statement):
    path = tmp_path / "x.db"
    plain(path, statement)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"x\.db is a database of something else"):
        opened(path)
    assert path.read_bytes() == before


# --- faults


def test_a_file_that_is_no_database_is_called_damaged(opened, tmp_path):
    path = tmp_path / "x.db"
    path.write_text("time;price\n" * 1000, encoding="utf-8")
    with pytest.raises(StoreDamaged, match=r"x\.db is damaged"):
        opened(path)
    assert path.read_text(encoding="utf-8").startswith("time;price")


def test_a_file_with_broken_pages_is_called_damaged_when_they_are_read(opened, tmp_path):
    path = tmp_path / "x.db"
    base = opened(path, (FIRST + "CREATE TABLE t (x TEXT);",))
    with base.write() as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [(f"{i:0900d}",) for i in range(200)])
    base.close()
    content = bytearray(path.read_bytes())
    content[3 * 4096 :] = b"\xa5" * (len(content) - 3 * 4096)
    path.write_bytes(content)
    again = opened(path, (FIRST + "CREATE TABLE t (x TEXT);",))
    with pytest.raises(StoreDamaged):
        query(again, "SELECT sum(length(x)) FROM t")


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
