"""Short ways to open and to look into a database, for tests."""

from __future__ import annotations

import sqlite3

MARK = 0x12345678
FIRST = "CREATE TABLE a (x INTEGER PRIMARY KEY);\n"
SECOND = "CREATE TABLE b (x INTEGER); -- two; statements\nINSERT INTO b VALUES (1);\nINSERT INTO b VALUES (2)"


def query(base, sql):
    with base.read() as connection:
        return connection.execute(sql).fetchall()


def plain(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
