"""The schema that all steps of the migrations come to, for files that are begun.

Going through every step takes four times as long, as each makes tables that a later one drops.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from functools import cache

from bot.store.migrations import MIGRATIONS

READ_SCHEMA = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
READ_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid"


@cache
def whole_schema() -> tuple[str, ...]:
    """The statements that make an empty file what all steps make of it."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for step in MIGRATIONS:
            for statement in statements(step):
                made.execute(statement)
        schema = [sql for (sql,) in made.execute(READ_SCHEMA)]
        tables = [name for (name,) in made.execute(READ_TABLES)]
        # Triggers are about what comes later, and not about the rows that are there from the start.
        rows = [insert for table in tables for insert in inserts(made, table)]
        triggers = [sql for sql in schema if sql.startswith("CREATE TRIGGER")]
        rest = [sql for sql in schema if sql not in triggers]
    return (*rest, *rows, *triggers)


def inserts(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    """A statement for each row of a table of ours."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    quoted = " || ', ' || ".join(f"quote({column})" for column in columns)
    for (values,) in connection.execute(f"SELECT {quoted} FROM {table}"):  # noqa: S608
        yield f"INSERT INTO {table} VALUES ({values})"  # noqa: S608 - our own rows


def statements(script: str) -> Iterator[str]:
    """The single statements of a step: `executescript` would commit between them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
