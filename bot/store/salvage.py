"""Taking out of a damaged file what can still be read of it, table by table."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bot.store.damaged_file import DamagedFile
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.errors import FAILURES
from bot.store.files import make_private, migrate
from bot.store.migrations import MIGRATIONS
from bot.store.schema import statements

# Made anew in a new file.
LEFT_OUT = ("world", "counters", "stretches")
ROWS_AT_ONCE = 1_000
LARGEST = 2**63 - 1
FITS: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "REAL": (float, int),
    "TEXT": (str,),
    "BLOB": (bytes,),
}


@dataclass(slots=True)
class Salvaged:
    """What came out of a damaged file: rows by table; pages and rows that could not be read.

    An encrypted file can only be read through SQLite: `broken_pages` counts the stretches that it
    did not get past, and what hangs on a lost page of a tree is lost with it.
    """

    rows: Counter[str] = field(default_factory=Counter)
    broken_pages: int = 0
    broken_rows: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table's shape: SQL types of its columns, which of them must have a value, and its key.

    Or that of an index which has all of its table's columns, and so every row once more.
    """

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    required: tuple[bool, ...]
    rowid_column: int | None
    has_rowid: bool
    is_index: bool = False

    def fits(self, rowid: int | None, found: list[Any]) -> bool:
        """Whether this may be one of its rows."""
        return (
            (rowid is not None) == self.has_rowid
            and len(found) == len(self.types)
            and all(
                (value is None and (not required or at == self.rowid_column))
                if value is None or at == self.rowid_column
                else isinstance(value, FITS[kind])
                for at, (value, kind, required) in enumerate(
                    zip(found, self.types, self.required, strict=True)
                )
            )
        )

    def row(self, rowid: int | None, found: list[Any]) -> tuple[Any, ...]:
        """The row as SQL would give it."""
        if self.rowid_column is not None:
            found[self.rowid_column] = rowid
        return tuple(found)


def salvage(damaged: Path, into: Path, engine: Engine) -> Salvaged:
    """Read what can be read of a damaged file into a new one at `into`, of the present schema.

    Nothing is written to the damaged file. Raises one of FAILURES.
    """
    make_private(into)
    with contextlib.closing(engine.connect(into)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA synchronous = OFF")
        if engine.key is None:
            return salvage_pages(damaged, into, connection, engine)
        tables = make_schema(connection, len(MIGRATIONS))
        salvaged = Salvaged()
        source = ReopenedFile(damaged, engine)
        for table in tables:
            if table.is_index:
                continue
            for row in read_around(source, table, salvaged):
                insert(connection, table, [row], salvaged)
        connection.execute("COMMIT")
        return salvaged


def salvage_pages(
    damaged: Path, into: Path, connection: sqlite3.Connection, engine: Engine
) -> Salvaged:
    """The same for a plain file, whose pages can be read one by one."""
    salvaged = Salvaged()
    with contextlib.closing(DamagedFile(damaged)) as source:
        version = source.version
        if version is None or not 0 < version <= len(MIGRATIONS):
            version = len(MIGRATIONS)
        tables = make_schema(connection, version)
        waiting: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in tables}
        for rowid, found in source.records():
            for table in tables:
                if table.fits(rowid, found):
                    rows = waiting[table]
                    rows.append(table.row(rowid, found))
                    if len(rows) >= ROWS_AT_ONCE:
                        insert(connection, table, rows, salvaged)
                        rows.clear()
        for table in tables:
            insert(connection, table, waiting[table], salvaged)
        salvaged.broken_pages, salvaged.broken_rows = source.broken_pages, source.broken_rows
    connection.execute("COMMIT")
    migrate(connection, into, into.parent, engine)
    return salvaged


def make_schema(connection: sqlite3.Connection, version: int) -> list[Table]:
    """Make the tables of this version, and begin a transaction. Returns those to be filled."""
    connection.execute("BEGIN")
    for step in MIGRATIONS[:version]:
        for statement in statements(step):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    found = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    tables = []
    for name, sql in found:
        if name in LEFT_OUT:
            continue
        columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
        has_rowid = "WITHOUT ROWID" not in sql
        aliases = [column[0] for column in columns if column[5] and column[2] == "INTEGER"]
        table = Table(
            name,
            tuple(column[1] for column in columns),
            tuple(column[2] for column in columns),
            tuple(bool(column[3]) for column in columns),
            aliases[0] if has_rowid and aliases else None,
            has_rowid,
        )
        tables += [table, *whole_indexes(connection, table)]
    return tables


def whole_indexes(connection: sqlite3.Connection, table: Table) -> Iterator[Table]:
    """The indexes of a table that have all of its columns."""
    if table.rowid_column is None:
        return
    for (index,) in connection.execute(
        "SELECT name FROM pragma_index_list(?)", (table.name,)
    ).fetchall():
        found = connection.execute("SELECT cid FROM pragma_index_info(?)", (index,))
        places = [*(row[0] for row in found), table.rowid_column]
        if sorted(places) == list(range(len(table.columns))):
            yield Table(
                table.name,
                tuple(table.columns[place] for place in places),
                tuple(table.types[place] for place in places),
                tuple(table.required[place] or place == table.rowid_column for place in places),
                rowid_column=None,
                has_rowid=False,
                is_index=True,
            )


def insert(
    connection: sqlite3.Connection, table: Table, rows: list[tuple[Any, ...]], salvaged: Salvaged
) -> None:
    """Add rows; one that contradicts another is left out."""
    columns, marks = ", ".join(table.columns), ", ".join("?" * len(table.columns))
    added = connection.executemany(
        f"INSERT OR IGNORE INTO {table.name} ({columns}) VALUES ({marks})",  # noqa: S608
        rows,
    )
    salvaged.rows[table.name] += max(added.rowcount, 0)


class ReopenedFile:
    """A damaged file, opened for each query: SQLCipher gives up on a connection at an error."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._engine = engine

    def read(self, query: str, *values: int) -> Iterator[tuple[Any, ...]]:
        """What the query finds. Raises one of FAILURES."""
        with contextlib.closing(self._engine.connect(self._path, read_only=True)) as connection:
            yield from connection.execute(query, values)

    def can_read(self, query: str, *values: int) -> bool:
        """Whether the first row can be read, if there is any."""
        try:
            next(self.read(f"{query} LIMIT 1", *values), None)
        except FAILURES:
            return False
        return True


def read_around(
    source: ReopenedFile, table: Table, salvaged: Salvaged
) -> Iterator[tuple[Any, ...]]:
    """The rows of a table that can be reached through SQLite, around what cannot."""
    if table.rowid_column is None:
        yield from read_from_both_ends(source, table, salvaged)
        return
    key = table.columns[table.rowid_column]
    query = f"SELECT * FROM {table.name} WHERE {key} >= ? ORDER BY {key}"  # noqa: S608
    start: int | None = 0
    while start is not None:
        last = start - 1
        try:
            for row in source.read(query, start):
                last = row[table.rowid_column]
                yield row
            return
        except FAILURES:
            salvaged.broken_pages += 1
        # The driver reads a row ahead: the last one before the damage comes only by itself.
        with contextlib.suppress(*FAILURES):
            for row in source.read(f"{query} LIMIT 1", last + 1):
                last = row[table.rowid_column]
                yield row
        start = next_readable(partial(source.can_read, query), last)


def next_readable(can_read: Callable[[int], bool], after: int) -> int | None:
    """The first key beyond `after` from where on rows can be read again, if there is any."""
    bad, step = after, 1
    while not can_read(min(after + step, LARGEST)):
        bad = after + step
        if bad >= LARGEST:
            return None
        step *= 2
    good = min(after + step, LARGEST)
    while good - bad > 1:
        middle = (good + bad) // 2
        if can_read(middle):
            good = middle
        else:
            bad = middle
    return good


def read_from_both_ends(
    source: ReopenedFile, table: Table, salvaged: Salvaged
) -> Iterator[tuple[Any, ...]]:
    """The rows before the first damage, and those behind the last."""
    for order in ("", " DESC"):
        by = ", ".join(f"{column}{order}" for column in table.columns[:2])
        try:
            yield from source.read(f"SELECT * FROM {table.name} ORDER BY {by}")  # noqa: S608
        except FAILURES:
            salvaged.broken_pages += 1
        else:
            return
