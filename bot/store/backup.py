"""Backups: copies of worlds' files, made while the bot runs, and putting one back."""

import contextlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.store.applying import apply
from bot.store.copying import copy_whole, flush
from bot.store.engine import Engine
from bot.store.errors import FAILURES, error_name, is_damage, translate
from bot.store.files import (
    BEFORE_UPGRADES,
    FOLDERS,
    make_private,
    open_world,
    path_of,
    schema_version,
)
from bot.store.inbox import FOLDER
from bot.store.installation import FILE as INSTALLATION
from bot.store.operations import MessagesForgotten, encode
from bot.store.problems import StoreError
from bot.store.records import World
from bot.store.setting_aside import DAMAGED, REPAIRED, rename_aside, set_aside_in
from bot.store.tombstones import bury

BACKUPS = "backups"
STAMP = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"(\d{8}T\d{6}Z)(-before-restore)?(-\d+)?(\.partial)?")
FORGOTTEN_AT_ONCE = 500
OF_THE_FILE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_ERROR")
SET_ASIDE = (f"*{REPAIRED}*", f"*{DAMAGED}*")
# What a command that was killed left behind.
LEFT = ("*.new/**/*", "*.salvaged/**/*", "*.converting*")


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A world's copy, or why there is none; no world stands for the installation's file."""

    world: World | None
    copy: Path
    problem: StoreError | None


def back_up(
    folder: Path, worlds: Sequence[World], backups: Path, engine: Engine, now: datetime
) -> list[BackedUp]:
    """Copy these worlds' files to a folder of this moment below `backups`, each checked.

    With them goes the installation's file, which says who objected everywhere. Every copy is a
    file's state at one moment; the bot may be running. Raises StoreError where the folder cannot
    be made.
    """
    place = name_free(backups, now.astimezone(UTC).strftime(STAMP))
    partial = place.with_name(f"{place.name}.partial")
    try:
        # What is made on the way to a folder does not get its mode.
        backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.mkdir(mode=0o700)
    except OSError as error:
        raise StoreError(f"{partial}: cannot be made ({error.strerror}).") from error
    done = []
    for world in worlds:
        problem = try_to_copy(path_of(folder, world), path_of(partial, world), engine)
        done.append(BackedUp(world, path_of(place, world), problem))
    if (folder / INSTALLATION).exists():
        problem = try_to_copy(folder / INSTALLATION, partial / INSTALLATION, engine)
        done.append(BackedUp(None, place / INSTALLATION, problem))
    partial.rename(place)
    flush(backups)
    return done


def name_free(backups: Path, name: str) -> Path:
    """A name below `backups` that nothing has."""
    place, count = backups / name, 1
    while place.exists() or place.with_name(f"{place.name}.partial").exists():
        count += 1
        place = backups / f"{name}-{count}"
    return place


def try_to_copy(path: Path, copy: Path, engine: Engine) -> StoreError | None:
    """Copy a file, checked; why there is no copy, where there is none."""
    try:
        copy_checked(path, copy, engine)
    except StoreError as error:
        return error
    return None


def copy_checked(path: Path, copy: Path, engine: Engine) -> None:
    """Copy a file to an empty place, and read the copy through. Raises StoreError."""
    try:
        make_private(copy)
    except OSError as error:
        raise translate(error, copy) from error
    try:
        with contextlib.closing(engine.look_into(path)) as connection:
            # Of a wrong key copying would not say more than that it failed.
            schema_version(connection, path)
            copy_whole(connection, copy, engine)
        with contextlib.closing(engine.connect(copy)) as connection:
            found = connection.execute("PRAGMA quick_check").fetchone()
    except FAILURES as error:
        copy.unlink(missing_ok=True)
        raise translate(error, path) from error
    except StoreError:
        copy.unlink(missing_ok=True)
        raise
    if found != ("ok",):
        copy.unlink(missing_ok=True)
        raise StoreError(f"{path}: is damaged, and was not copied. Run `understudy store repair`.")


def prune_backups(
    folder: Path,
    days: int,
    now: datetime,
    elsewhere: Path | None = None,
    *,
    damaged_days: int | None = None,
) -> list[Path]:
    """Delete what is older than so many days below DATA_DIR. Returns what was deleted.

    Backups, the copies from before upgrades, and damaged files, repaired or not: what was
    deleted in the records is to be gone from all of them by then. Backups `elsewhere` go too.
    `damaged_days` is how long damaged files are kept, where that is not as long as backups.
    """
    # As exact as the names are, so that no days at all still leave the one just made.
    second = now.astimezone(UTC).replace(microsecond=0)
    limit = second - timedelta(days=days)
    aside_limit = second - timedelta(days=days if damaged_days is None else damaged_days)
    places = {folder / BACKUPS, elsewhere or folder / BACKUPS}
    gone = [path for place in places for path in prune_folder(place, limit)]
    old = [*(folder / BEFORE_UPGRADES).rglob("*"), *left_in(folder, LEFT)]
    gone += delete_old(old, limit)
    return gone + delete_old(left_in(folder, SET_ASIDE), aside_limit)


def left_in(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """What has such a name in one of the folders of records."""
    folders = [folder / name for name in (*FOLDERS.values(), FOLDER, ".")]
    return [path for place in folders for pattern in patterns for path in place.glob(pattern)]


def delete_old(paths: Sequence[Path], limit: datetime) -> list[Path]:
    """Delete the files among these that were last changed before the limit; which those were."""
    gone = []
    for path in paths:
        if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < limit:
            path.unlink()
            gone.append(path)
    return gone


def prune_folder(backups: Path, limit: datetime) -> list[Path]:
    """Delete the backups in this folder that were made before the limit."""
    gone = []
    for place in sorted(backups.glob("*")):
        named = NAME.fullmatch(place.name)
        if named is None or not place.is_dir():
            continue
        if datetime.strptime(named[1], STAMP).replace(tzinfo=UTC) < limit:
            shutil.rmtree(place)
            gone.append(place)
    return gone


def restore(folder: Path, world: World, backup: Path, engine: Engine, now: datetime) -> Path | None:
    """Put the copy of a world in `backup` in its file's place, while the bot does not run.

    The present file is kept: its place is returned, if there was one. What was deleted in Discord
    since the backup stays deleted where the present file still says so, and who objected since
    still objects. Raises StoreError; then the present file is where it was.
    """
    path, copy = path_of(folder, world), path_of(backup, world)
    if not copy.exists():
        raise StoreError(f"{copy}: there is no such file. That backup has nothing of {world}.")
    workshop = path.with_name(f"{path.name}.new")
    shutil.rmtree(workshop, ignore_errors=True)
    try:
        restored = path_of(workshop, world)
        copy_checked(copy, restored, engine)
        carry_decisions(folder, workshop, world, engine)
        kept = keep_present(folder, world, engine, now) if path.exists() else None
        restored.replace(path)
        flush(path.parent)
    except FAILURES as error:
        raise translate(error, path) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return kept


def restore_installation(folder: Path, backup: Path, engine: Engine) -> bool:
    """Put back who objected everywhere, where the present file is gone or cannot be read.

    One that can be read stays: it knows better. A damaged one is set aside. Returns whether
    anything was put back. Raises StoreError.
    """
    path, copy = folder / INSTALLATION, backup / INSTALLATION
    if not copy.exists():
        return False
    try:
        if path.exists():
            with contextlib.closing(engine.connect(path, read_only=True)) as connection:
                if connection.execute("PRAGMA quick_check").fetchone() == ("ok",):
                    return False
    except FAILURES as error:
        if not is_damage(error, path, encrypted=engine.key is not None):
            raise translate(error, path) from error
    restored = path.with_name(f"{path.name}.new")
    try:
        restored.unlink(missing_ok=True)
        copy_checked(copy, restored, engine)
        if path.exists():
            rename_aside(path)
        restored.replace(path)
        flush(folder)
    except FAILURES as error:
        raise translate(error, path) from error
    finally:
        restored.unlink(missing_ok=True)
    return True


def carry_decisions(folder: Path, workshop: Path, world: World, engine: Engine) -> None:
    """What people decided since, if the present file can still be read, holds in the restored."""
    forgotten: list[int] = []
    consents: list[tuple[int, int, int]] = []
    with contextlib.suppress(*FAILURES, StoreError):
        path = path_of(folder, world)
        with contextlib.closing(engine.connect(path, read_only=True)) as present:
            found = present.execute("SELECT message_id FROM messages WHERE state = 1")
            forgotten = [row[0] for row in found]
            consents = present.execute("SELECT * FROM consents").fetchall()
    aside = set_aside_in(path_of(folder, world))
    with contextlib.closing(open_world(workshop, world, engine)) as connection:
        connection.execute("BEGIN")
        for start in range(0, len(forgotten), FORGOTTEN_AT_ONCE):
            gone = MessagesForgotten(tuple(forgotten[start : start + FORGOTTEN_AT_ONCE]))
            apply(connection, [encode(gone)])
            if aside:
                # A repair would bring back what the backup does not have, either.
                bury(connection, [encode(gone)], aside)
        connection.executemany(
            "INSERT INTO consents VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET"
            " recorded = excluded.recorded, timestamp = excluded.timestamp"
            " WHERE excluded.timestamp >= timestamp",
            consents,
        )
        connection.execute("COMMIT")


def keep_present(folder: Path, world: World, engine: Engine, now: datetime) -> Path:
    """Keep the present file as a backup of its own; a damaged one is set aside instead.

    Raises StoreError where no copy can be made of one that is in order as far as can be seen.
    """
    path = path_of(folder, world)
    stamp = now.astimezone(UTC).strftime(STAMP)
    name = f"{stamp}-before-restore"
    place = folder / BACKUPS / name
    if path_of(place, world).exists():
        place = name_free(folder / BACKUPS, name)
    try:
        copy_checked(path, path_of(place, world), engine)
    except StoreError as error:
        if not is_broken(path, engine):
            raise StoreError(
                f"{path}: was not restored, and is as it was: what is there could not be kept. "
                f"{error}"
            ) from error
        return rename_aside(path)
    for suffix in ("-wal", "-shm"):
        # All of it is in the copy; beside another file it would be taken for that one's own.
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path_of(place, world)


def is_broken(path: Path, engine: Engine) -> bool:
    """Whether it is the file itself that cannot be read, whoever tries and with however much room.

    With a key it may be that of another.
    """
    try:
        with contextlib.closing(engine.look_into(path)) as connection:
            return bool(connection.execute("PRAGMA quick_check").fetchone() != ("ok",))
    except FAILURES as error:
        return error_name(error).startswith(OF_THE_FILE)
