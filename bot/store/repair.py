"""Repair: what can be read of files that were set aside comes back into the world's file."""

import contextlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.store.engine import Engine
from bot.store.errors import FAILURES, is_damage, translate
from bot.store.files import open_world, path_of
from bot.store.installation import FILE, Installation
from bot.store.merging import merge
from bot.store.problems import StoreError
from bot.store.prompts import read_prompt
from bot.store.reading import reading
from bot.store.records import World
from bot.store.salvage import Salvaged, salvage
from bot.store.setting_aside import COMPANIONS, DAMAGED, REPAIRED
from bot.store.stretches import (
    correct_votes,
    rebuild_stretch,
    wrong_stretches,
    wrong_votes,
)
from bot.store.tombstones import leave_out_deleted, leave_out_forgotten
from bot.store.transactions import transaction

# One changed bit makes a number of a text.
SELECT_PROMPTS = "SELECT id, CAST(prompt AS BLOB) FROM exchanges"


@dataclass(frozen=True, slots=True)
class Repaired:
    """A damaged file: what could be read of it, and what of that was new to the world's file.

    `kept_as` is the name that the damaged file has from then on.
    """

    damaged: Path
    salvaged: Salvaged
    added: Counter[str]
    kept_as: Path


def repair(
    folder: Path,
    world: World,
    damaged: Path,
    engine: Engine,
    progress: Callable[[int], None] = lambda count: None,
) -> Repaired:
    """Salvage a file that was set aside, and merge it into the world's file; the bot may run.

    What was deleted and who was forgotten since it was set aside stays so. The damaged file stays
    as it is, under another name. Raises StoreError, also where it cannot be read who was forgotten.
    """
    place = path_of(folder, world)
    workshop = place.with_name(f"{place.name}.salvaged")
    shutil.rmtree(workshop, ignore_errors=True)
    try:
        new = workshop / place.name
        salvaged = salvage(damaged, new, engine)
        forgotten = forgotten_people(folder, engine)
        with (
            contextlib.closing(engine.connect(new)) as source,
            contextlib.closing(open_world(folder, world, engine)) as target,
        ):
            # What is deleted never gets into the world's file: there it would have to be wiped.
            source.execute("PRAGMA synchronous = OFF")
            leave_out_forgotten(source, forgotten)
            leave_out_deleted(source, target)
            added = merge(source, target, progress)
        kept_as = rename_repaired(damaged)
    except FAILURES as error:
        raise translate(error, damaged) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return Repaired(damaged, salvaged, added, kept_as)


def forgotten_people(folder: Path, engine: Engine) -> Mapping[int, int]:
    """Up to when (ms) who is forgotten everywhere. Raises StoreError."""
    if not (folder / FILE).exists():
        return {}
    return Installation(folder, engine).read().forgotten


def rename_repaired(damaged: Path) -> Path:
    """Note in the file's name that it was repaired. How long it is kept counts as before."""
    kept_as = damaged.with_name(damaged.name.replace(DAMAGED, REPAIRED))
    for suffix in (*COMPANIONS, ""):
        with contextlib.suppress(FileNotFoundError):
            part = damaged.with_name(damaged.name + suffix)
            part.rename(kept_as.with_name(kept_as.name + suffix))
    return kept_as


def empty_damaged_prompts(folder: Path, world: World, engine: Engine) -> int:
    """Empty the prompts that cannot be read, in a file that SQLite finds in order; how many.

    The exchanges stay, with all else that is known of them. The bot may run. Raises StoreError.
    """
    path = path_of(folder, world)
    if not path.exists():
        return 0
    with explained(path, engine), contextlib.closing(open_world(folder, world, engine)) as target:
        damaged = [(exchange_id,) for exchange_id in with_damaged_prompts(target)]
        with transaction(target):
            target.executemany("UPDATE exchanges SET prompt = '[]' WHERE id = ?", damaged)
    return len(damaged)


def correct_what_pages_need(folder: Path, world: World, engine: Engine) -> tuple[int, int]:
    """Rebuild the stretches that do not say where exchanges are, and correct the votes of which it
    is noted wrongly who had asked, in a file of the present schema that SQLite finds in order.

    Returns how many of each. The bot may run: all transactions are short. Raises StoreError.
    """
    path = path_of(folder, world)
    if not path.exists():
        return 0, 0
    with explained(path, engine):
        with reading(folder, world, engine) as source:
            stretches, votes = list(wrong_stretches(source)), list(wrong_votes(source))
        if stretches or votes:
            with contextlib.closing(open_world(folder, world, engine)) as target:
                for stretch in stretches:
                    with transaction(target):
                        rebuild_stretch(target, stretch)
                with transaction(target):
                    correct_votes(target, set(votes))
    return len(stretches), len(votes)


@contextlib.contextmanager
def explained(path: Path, engine: Engine) -> Iterator[None]:
    """Raises StoreError for one of FAILURES in the block."""
    try:
        yield
    except FAILURES as error:
        if is_damage(error, path, encrypted=engine.key is not None):
            raise StoreError(f"{path}: is damaged. Stop the bot, and repair it again.") from error
        raise translate(error, path) from error


def with_damaged_prompts(connection: sqlite3.Connection) -> Iterator[int]:
    """The ids of the exchanges whose prompts cannot be read."""
    for exchange_id, prompt in connection.execute(SELECT_PROMPTS):
        try:
            read_prompt(prompt)
        except StoreError:
            yield exchange_id
