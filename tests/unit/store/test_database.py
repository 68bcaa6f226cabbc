"""How a database file is opened, shared and migrated, and what is said when it cannot be."""

from __future__ import annotations

import gc
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chocofactory.core.errors import (
    StoreDamaged,
    StoreError,
    StoreTooNew,
)
from chocofactory.store import database
from tests.database_kit import FIRST, MARK, SECOND, plain, query


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
