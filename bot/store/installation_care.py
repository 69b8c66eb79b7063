"""Looking after the installation's file: what is wrong with it, what is in it, and its repair."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.store.checking import check_key, set_aside_problem
from bot.store.copying import flush
from bot.store.engine import Engine
from bot.store.errors import FAILURES, is_damage, translate
from bot.store.files import make_private
from bot.store.installation import FILE, SCHEMA, TABLES, Installation
from bot.store.problems import StoreError
from bot.store.repair import rename_repaired
from bot.store.setting_aside import read_whole, rename_aside, set_aside_in
from bot.store.transactions import transaction

NOT_WHOLE = (
    "It is not known any more who objected everywhere, and who is to be forgotten: the file is "
    "damaged there, and no backup below DATA_DIR has it. Nothing was changed, and nobody is "
    "recorded. Put back a backup from elsewhere (`understudy store restore`); or delete the file "
    "to begin anew: then who objected everywhere is recorded again until they say so again."
)
# Of several the latest counts: an objection holds, and people stay forgotten.
MERGE = {
    "objections": "INSERT INTO objections VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE"
    " SET timestamp = max(timestamp, excluded.timestamp)",
    "forgotten": "INSERT INTO forgotten VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE"
    " SET timestamp = max(timestamp, excluded.timestamp)",
    "owed": "INSERT OR IGNORE INTO owed VALUES (?, ?, ?)",
    "departures": "INSERT OR IGNORE INTO departures VALUES (?, ?)",
    "installation": "INSERT INTO installation SELECT ?1 WHERE NOT EXISTS"
    " (SELECT 1 FROM installation)",
}
NEEDED = ("objections", "forgotten", "owed")

Rows = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class InstallationSize:
    """The file's bytes, and the rows of each of its tables."""

    file_bytes: int
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class RepairedInstallation:
    """How many rows each table has, whether a backup had to help, and the damaged files' names."""

    rows: dict[str, int]
    backup: Path | None
    kept_as: list[Path]


def check_installation(folder: Path, engine: Engine, days: int) -> Iterator[str]:
    """What is wrong with the file, a sentence each; nothing where all is well, or there is none.

    Damaged files are kept for so many days.
    """
    path = folder / FILE
    yield from (set_aside_problem(damaged, days) for damaged in set_aside_in(path))
    if not path.exists():
        return
    try:
        check_key(path, engine)
        Installation(folder, engine).look_into()
        if is_damaged_file(path, engine):
            yield f"{path}: is damaged, so nobody is recorded. Run `understudy store repair`."
    except StoreError as error:
        yield str(error)
    except FAILURES as error:
        yield str(translate(error, path))


def measure_installation(folder: Path, engine: Engine) -> InstallationSize | None:
    """How large the file is, and what is in it; None where there is none. Raises StoreError."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        check_key(path, engine)
        with closing(engine.connect(path, read_only=True)) as connection:
            return InstallationSize(path.stat().st_size, counted(connection))
    except FAILURES as error:
        raise translate(error, path) from error


def repair_installation(folder: Path, engine: Engine) -> RepairedInstallation | None:
    """Make a new file of what can be read of the damaged ones; None where none is damaged.

    Where who objected cannot be read whole, the newest backup below DATA_DIR that has it helps;
    without one nothing is changed. The damaged files are kept. Nobody may have the file open.
    Raises StoreError.
    """
    path = folder / FILE
    try:
        damaged = set_aside_in(path)
        present_is_damaged = path.exists() and is_damaged_file(path, engine)
        if not damaged and not present_is_damaged:
            return None
        sources = [path] * path.exists() + damaged[::-1]
        found = [readable_rows(source, engine) for source in sources]
        backup = None
        if not any(set(NEEDED) <= whole for _, whole in found):
            backup, rows = newest_backup(folder, engine)
            found.append((rows, set(NEEDED)))
        rows_by_table = put_together(
            path,
            [rows for rows, _ in found],
            engine,
            present_is_damaged=present_is_damaged,
        )
        kept_as = [rename_repaired(one) for one in set_aside_in(path)]
    except FAILURES as error:
        raise translate(error, path) from error
    return RepairedInstallation(rows_by_table, backup, kept_as)


def is_damaged_file(path: Path, engine: Engine) -> bool:
    """Whether the file is broken, and not just of another key. Raises one of FAILURES."""
    try:
        with closing(engine.connect(path, read_only=True)) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",))
    except FAILURES as error:
        if not is_damage(error, path, encrypted=engine.key is not None):
            raise
        return True


def readable_rows(path: Path, engine: Engine) -> tuple[Rows, set[str]]:
    """What can be read of each table, and which tables are whole."""
    rows: Rows = {}
    whole: set[str] = set()
    for table in TABLES:
        with contextlib.suppress(*FAILURES), closing(engine.connect(path)) as connection:
            rows[table] = read_whole(connection, table)
            whole.add(table)
            continue
        rows[table] = list(dict.fromkeys(rows_from_both_ends(path, table, engine)))
    return rows, whole


def rows_from_both_ends(path: Path, table: str, engine: Engine) -> Iterator[Any]:
    """The rows before the damage, and those behind it."""
    for direction in ("ASC", "DESC"):
        with contextlib.suppress(*FAILURES), closing(engine.connect(path)) as connection:
            yield from connection.execute(f"SELECT * FROM {table} ORDER BY 1 {direction}")  # noqa: S608


def newest_backup(folder: Path, engine: Engine) -> tuple[Path, Rows]:
    """The newest copy in DATA_DIR/backups that is whole, and its rows. Raises StoreError."""
    for copy in sorted((folder / "backups").glob(f"*/{FILE}"), reverse=True):
        rows, whole = readable_rows(copy, engine)
        if set(NEEDED) <= whole:
            return copy, rows
    raise StoreError(f"{folder / FILE}: {NOT_WHOLE}", NOT_WHOLE)


def put_together(
    path: Path, sources: list[Rows], engine: Engine, *, present_is_damaged: bool
) -> dict[str, int]:
    """Put a new file with all of these rows in the place of the present one; what that has."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        make_private(new)
        with closing(engine.connect(new)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            with transaction(connection):
                for statement in SCHEMA:
                    connection.execute(statement)
                for rows in sources:
                    for table, statement in MERGE.items():
                        connection.executemany(statement, rows.get(table, ()))
            rows_by_table = counted(connection)
        if present_is_damaged:
            rename_aside(path)
        new.replace(path)
        flush(path.parent)
    finally:
        new.unlink(missing_ok=True)
    return rows_by_table


def counted(connection: sqlite3.Connection) -> dict[str, int]:
    """The number of rows, by table. Raises one of FAILURES."""
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in TABLES
        if table in there
    }
