"""Encrypting the files, and decrypting them, while the bot does not run."""

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.store.copying import flush
from bot.store.engine import PAGE_SIZE, Engine
from bot.store.errors import FAILURES, translate
from bot.store.files import FOLDERS, SUFFIX, make_private
from bot.store.headers import is_plain
from bot.store.inbox import FOLDER
from bot.store.installation import FILE
from bot.store.problems import StoreError
from bot.store.segment_reader import PAGE_SIZE as INBOX_PAGE_SIZE
from bot.store.setting_aside import REPAIRED

CONVERTING = ".converting"


def files_in(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every database below DATA_DIR, backups too, with the size of its pages."""
    for path in sorted((folder / FOLDER).glob(f"*{SUFFIX}")):
        yield path, INBOX_PAGE_SIZE
    if (folder / FILE).exists():
        yield folder / FILE, PAGE_SIZE
    for name in FOLDERS.values():
        yield from ((path, PAGE_SIZE) for path in sorted((folder / name).glob(f"*{SUFFIX}")))
    yield from ((path, PAGE_SIZE) for path in sorted((folder / "backups").rglob(f"*{SUFFIX}")))


def not_converted(folder: Path) -> Iterator[Path]:
    """Damaged files, which nobody can convert."""
    for name in (*FOLDERS.values(), FOLDER, "."):
        yield from sorted((folder / name).glob(f"*{SUFFIX}.damaged*"))
        yield from sorted((folder / name).glob(f"*{SUFFIX}{REPAIRED}*"))


def convert(path: Path, page_size: int, engine: Engine, *, encrypt: bool) -> bool:
    """Make a file encrypted with the engine's key, or plain. Whether there was anything to do.

    It is replaced at once by a copy that was read through; a kill at any moment leaves the one or
    the other. Nobody may have it open. Raises StoreError, also where the key is not the file's.
    """
    copy = path.with_name(f"{path.name}{CONVERTING}")
    before, after = (Engine(), engine) if encrypt else (engine, Engine())
    try:
        plain = is_plain(path)
        if plain is not encrypt:
            if plain is False:
                look_through(path, page_size, engine)
            return False
        copy.unlink(missing_ok=True)
        make_private(copy)
        counts = look_through(path, page_size, before)
        copy_converted(path, copy, page_size, before, after)
        if look_through(copy, page_size, after) != counts:
            raise StoreError(f"{path}: its copy came out different. The file is as it was.")
        flush(copy)
        copy.replace(path)
        flush(path.parent)
    except FAILURES as error:
        raise translate(error, path) from error
    finally:
        copy.unlink(missing_ok=True)
    return True


def look_through(path: Path, page_size: int, engine: Engine) -> dict[str, int]:
    """How many rows each table has. Raises one of FAILURES, also for a file that is damaged."""
    with contextlib.closing(engine.connect(path, page_size=page_size)) as connection:
        if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise ValueError("it is damaged. Run `understudy store repair`")
        # What is in the log goes into the file, which is all that is replaced.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for (name,) in names
        }


def copy_converted(path: Path, copy: Path, page_size: int, before: Engine, after: Engine) -> None:
    """Copy every table with another key. Raises one of FAILURES."""
    # https://www.zetetic.net/sqlcipher/sqlcipher-api/#sqlcipher_export
    driver: Any = importlib.import_module("sqlcipher3.dbapi2")
    source = driver.connect(str(path), isolation_level=None)
    with contextlib.closing(source):
        if before.key is not None:
            source.execute(f'PRAGMA key = "{before.raw_key}"')
            source.execute(f"PRAGMA cipher_page_size = {page_size}")
        (version,) = source.execute("PRAGMA user_version").fetchone()
        source.execute("ATTACH ? AS copy KEY ?", (str(copy), after.raw_key))
        size = "page_size" if after.key is None else "cipher_page_size"
        source.execute(f"PRAGMA copy.{size} = {page_size}")
        source.execute("SELECT sqlcipher_export('copy')")
        source.execute(f"PRAGMA copy.user_version = {version}")
