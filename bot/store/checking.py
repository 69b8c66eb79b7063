"""What is wrong with a world's file, and how large it is; neither changes anything."""

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.store.engine import Engine
from bot.store.errors import FAILURES, is_damage, translate
from bot.store.files import path_of
from bot.store.headers import is_plain
from bot.store.inbox import FOLDER, least_lost
from bot.store.inbox import set_aside_in as inbox_set_aside_in
from bot.store.problems import StoreError
from bot.store.prompts import number_of, read_prompt
from bot.store.reading import open_to_read
from bot.store.records import World
from bot.store.segment_reader import PAGE_SIZE as INBOX_PAGE_SIZE
from bot.store.setting_aside import kept_until, set_aside_in
from bot.store.stretches import wrong_stretches, wrong_votes

# Each counts what should not be.
CONSISTENCY = {
    "messages of nobody": (
        "SELECT count(*) FROM messages WHERE speaker NOT IN (SELECT id FROM speakers)"
    ),
    "exchanges from nowhere": (
        "SELECT count(*) FROM exchanges WHERE source NOT IN (SELECT id FROM sources)"
    ),
    "deleted messages that still have a text": (
        "SELECT count(*) FROM messages WHERE state <> 0 AND content IS NOT NULL"
    ),
    "votes on exchanges that are not there": (
        "SELECT count(*) FROM votes v WHERE exchange_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM exchanges e WHERE e.id = v.exchange_id)"
    ),
}
PROMPTS_AT_ONCE = 1_000
FIND_QUOTED = """
    SELECT value FROM json_each(?)
    WHERE value IN (SELECT id FROM messages) OR -value IN (SELECT id FROM texts)
"""
COUNTED = """
    SELECT count(*), coalesce(sum(NOT success), 0), coalesce(sum(fallback_from IS NOT NULL), 0)
    FROM exchanges
"""


@dataclass(frozen=True, slots=True)
class WorldSize:
    """What a world's records take: bytes of the file and its log, and what is in it."""

    world: World
    file_bytes: int
    log_bytes: int
    exchanges: int
    failures: int
    votes: int
    last_timestamp: int | None


def check(folder: Path, world: World, engine: Engine, days: int) -> Iterator[str]:
    """What is wrong with a world's file, a sentence each; nothing if all is well.

    Damaged files are kept for so many days.
    """
    path = path_of(folder, world)
    yield from (set_aside_problem(damaged, days) for damaged in set_aside_in(path))
    if not path.exists():
        return
    try:
        check_key(path, engine)
        with contextlib.closing(open_to_read(path, engine)) as connection:
            yield from (f"{path}: {problem}." for problem in problems_in(connection))
    except StoreError as error:
        yield str(error)
    except FAILURES as error:
        yield str(translate(error, path))


def set_aside_problem(damaged: Path, days: int) -> str:
    """What to say of a damaged file that was set aside, where such are kept for so many days.

    What people have deleted since may be in it, so it goes, repaired or not.
    """
    return (
        f"{damaged}: is damaged, was set aside and is deleted on"
        f" {kept_until(damaged, days):%Y-%m-%d}. Run `understudy store repair` before."
    )


def inbox_problems(folder: Path, engine: Engine, days: int) -> Iterator[str]:
    """What is to say of damaged parts of the inbox, which are kept for so many days."""
    for path in inbox_set_aside_in(folder):
        lost = least_lost(path, engine)
        yield (
            f"{path}: is a damaged part of the inbox. What can be read of it is where it belongs;"
            f" at least {lost:,} records cannot, and are lost unless they were in a server's file"
            f" already. Check the disk. The file is deleted on"
            f" {kept_until(path, days):%Y-%m-%d}; you may delete it before."
        )


def is_damaged(folder: Path, world: World, engine: Engine) -> bool:
    """Whether a world's file is broken, and not just of another key or version."""
    path = path_of(folder, world)
    if not path.exists():
        return False
    try:
        if is_plain(path) is (engine.key is not None):
            # Encrypted or not, against the setting: it cannot be told.
            return False
        with contextlib.closing(engine.look_into(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(found != ("ok",))
    except FAILURES as error:
        return is_damage(error, path_of(folder, world), encrypted=engine.key is not None)


def check_key(path: Path, engine: Engine) -> None:
    """Raises StoreError where the key cannot be the right one, OSError."""
    plain = is_plain(path)
    if plain and engine.key is not None:
        raise StoreError(
            f"{path}: is not encrypted, but STORE_KEY is set. Run `understudy store encrypt`."
        )
    if plain is False and engine.key is None:
        raise StoreError(
            f"{path}: is encrypted, or damaged. Set the STORE_KEY it was encrypted with, or run "
            "`understudy store repair`."
        )


def problems_in(connection: sqlite3.Connection) -> Iterator[str]:
    """What is wrong within a file that can be opened. Raises one of FAILURES."""
    for (line,) in connection.execute("PRAGMA integrity_check(5)"):
        if line != "ok":
            yield f"is damaged ({line}). Run `understudy store repair`"
            return
    yield from problems_in_prompts(connection)
    for what, query in CONSISTENCY.items():
        (count,) = connection.execute(query).fetchone()
        if count:
            yield f"has {count:,} {what}"
    counted = connection.execute(COUNTED).fetchone()
    kept = connection.execute("SELECT exchanges, failures, fallbacks FROM counters").fetchone()
    if kept != counted:
        yield f"counts {kept} exchanges, failures and fallbacks where there are {counted}"
    wrong = sum(1 for _ in wrong_stretches(connection))
    if wrong:
        yield (
            f"says wrongly who asked in {wrong:,} stretches of 18.6 hours, so that pages of"
            " `/records` may lack exchanges. Run `understudy store repair`"
        )
    wrong = sum(1 for _ in wrong_votes(connection))
    if wrong:
        yield (
            f"says wrongly who had asked of {wrong:,} votes, so that pages of `/records` may lack"
            " exchanges. Run `understudy store repair`"
        )


def problems_in_prompts(connection: sqlite3.Connection) -> Iterator[str]:
    """Prompts that cannot be read, and what they quote that is not there."""
    unreadable = missing = 0
    prompts = connection.execute("SELECT CAST(prompt AS BLOB) FROM exchanges")
    while few := prompts.fetchmany(PROMPTS_AT_ONCE):
        quotes: Counter[int] = Counter()
        for (prompt,) in few:
            try:
                quotes.update(map(number_of, read_prompt(prompt)))
            except StoreError:
                unreadable += 1
        there = connection.execute(FIND_QUOTED, (json.dumps(list(quotes)),))
        missing += quotes.total() - sum(quotes[row[0]] for row in there)
    if unreadable:
        yield f"has {unreadable:,} prompts that cannot be read. Run `understudy store repair`"
    if missing:
        yield f"has {missing:,} quoted messages that are not there"


def measure(folder: Path, world: World, engine: Engine) -> WorldSize:
    """How large a world's records are. Raises StoreError."""
    path = path_of(folder, world)
    log = path.with_name(f"{path.name}-wal")
    try:
        check_key(path, engine)
        with contextlib.closing(open_to_read(path, engine)) as connection:
            exchanges, failures, last = connection.execute(
                "SELECT exchanges, failures, last_timestamp FROM counters"
            ).fetchone()
            (votes,) = connection.execute("SELECT count(*) FROM votes").fetchone()
        log_bytes = log.stat().st_size if log.exists() else 0
        size = path.stat().st_size
    except FAILURES as error:
        raise translate(error, path) from error
    return WorldSize(world, size, log_bytes, exchanges, failures, votes, last)


def waiting_in_inbox(folder: Path, engine: Engine) -> int:
    """How many operations the inbox's files hold, of which some may be in the worlds' files.

    Raises StoreError.
    """
    count = 0
    for path in sorted((folder / FOLDER).glob("*.sqlite3")):
        try:
            opened = engine.connect(path, read_only=True, page_size=INBOX_PAGE_SIZE)
            with contextlib.closing(opened) as connection:
                count += connection.execute("SELECT count(*) FROM operations").fetchone()[0]
        except FAILURES as error:
            if path.exists():
                raise translate(error, path) from error
    return count
