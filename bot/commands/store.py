"""The command `understudy store`: taking care of the files of records."""

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bot.commands.arguments import days
from bot.commands.installation import repair_installation, report_installation, show_installation
from bot.commands.progress import Progress
from bot.commands.worlds import add_world_arguments, require_data_dir, world_of
from bot.engines import engine_of
from bot.settings import Settings, load_settings
from bot.store import backup, encryption
from bot.store.checking import check, is_damaged, measure, waiting_in_inbox
from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.files import look_into, open_world, path_of, worlds_in
from bot.store.installation import FILE as INSTALLATION
from bot.store.installation import Installation
from bot.store.installation_care import check_installation
from bot.store.locking import alone, is_running
from bot.store.problems import StoreError
from bot.store.records import World
from bot.store.repair import (
    Repaired,
    correct_what_pages_need,
    empty_damaged_prompts,
    repair,
)
from bot.store.setting_aside import (
    kept_until,
    not_repaired_in,
    set_aside,
    set_aside_in,
    worlds_set_aside_in,
)

FAILED = 1
EMPTIED = "could not be read and are empty from here on; the rest of each exchange is as it was"
REBUILT = "of 18.6 hours said wrongly who asked, and are made anew of the exchanges"
CORRECTED = "said wrongly who had asked, and are corrected"

Job = Callable[[argparse.Namespace, Settings, Engine, list[World]], bool]
"""Does it for these worlds; whether all went well. Raises StoreError."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's own commands and their arguments."""
    parser = subparsers.add_parser("store", help="back up, check, repair or encrypt the records")
    jobs = parser.add_subparsers(metavar="JOB", required=True)

    def add(name: str, job: Job, explanation: str) -> argparse.ArgumentParser:
        added = jobs.add_parser(name, help=explanation, description=explanation)
        add_world_arguments(added, required=False)
        added.set_defaults(run=run, job=job)
        return added

    making = add("backup", back_up, "copy the files; the bot may be running")
    making.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="not DATA_DIR/backups")
    making.add_argument(
        "--keep-days", type=days, metavar="N", help="delete older backups; BACKUP_DAYS if not given"
    )
    restoring = add("restore", restore, "put a backup in the files' place; keeps the present ones")
    restoring.add_argument("backup", type=Path, help="the backup's folder")
    add("stat", stat, "show what the files take and hold")
    add("check", check_all, "look for damage; changes nothing, exit code 1 if there is any")
    add("repair", repair_all, "save what can be read of damaged files")
    add("upgrade", upgrade, "bring the files up to date with this version; keeps copies")
    add("encrypt", encrypt, "encrypt files, inbox and backups with STORE_KEY")
    add("decrypt", decrypt, "decrypt them; leave STORE_KEY out afterwards")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for one world or all; 0 if all is well, 1 if not."""
    settings = load_settings()
    try:
        only = world_of(args)
        if args.job is not restore:
            require_records(settings.data_dir, only)
        found = {*worlds_in(settings.data_dir), *worlds_set_aside_in(settings.data_dir)}
        worlds = [only] if only else sorted(found, key=str)
        return 0 if args.job(args, settings, engine_of(settings), worlds) else FAILED
    except OSError as error:
        print(translate(error, settings.data_dir), file=sys.stderr)
        return FAILED
    except StoreError as error:
        print(error, file=sys.stderr)
        return FAILED


def require_records(folder: Path, only: World | None) -> None:
    """Raises StoreError where there are none: nobody is to be told that they are in order."""
    require_data_dir(folder)
    if only is not None:
        path = path_of(folder, only)
        if not path.exists() and not set_aside_in(path):
            raise StoreError(f"{path}: there is no such file. Nothing was recorded there.")


def each(worlds: list[World], work: Callable[[World], None]) -> bool:
    """Do it for each of these, whatever becomes of the others; whether all went well."""
    well = True
    for world in worlds:
        try:
            work(world)
        except StoreError as error:
            well = False
            print(error, file=sys.stderr)
    return well


def back_up(
    args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]
) -> bool:
    """Copy, then delete what is too old."""
    now = datetime.now(UTC)
    keep = settings.backup_days if args.keep_days is None else args.keep_days
    backups = args.output or settings.data_dir / backup.BACKUPS
    present = [world for world in worlds if path_of(settings.data_dir, world).exists()]
    if not present and not (settings.data_dir / INSTALLATION).exists():
        raise StoreError(f"{settings.data_dir}: there is nothing recorded to back up.")
    done = backup.back_up(settings.data_dir, present, backups, engine, now)
    for one in done:
        print(one.problem or one.copy, file=sys.stderr if one.problem else sys.stdout)
    aside = settings.backup_days
    for path in backup.prune_backups(settings.data_dir, keep, now, backups, damaged_days=aside):
        print(f"{path}: too old, deleted")
    return not any(one.problem for one in done)


def restore(
    args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]
) -> bool:
    """Put copies back."""
    folder = settings.data_dir
    chosen = worlds if world_of(args) else list(worlds_in(args.backup))
    if not chosen and not (args.backup / INSTALLATION).exists():
        raise StoreError(f"{args.backup}: there is no backup in this folder.")

    now = datetime.now(UTC)

    def put_back(world: World) -> None:
        kept = backup.restore(folder, world, args.backup, engine, now)
        print(f"{path_of(folder, world)}: restored")
        if kept is not None:
            print(f"  what was there is kept as {kept}")

    with alone(folder):
        if backup.restore_installation(folder, args.backup, engine):
            print(f"{folder / INSTALLATION}: restored")
        return each(chosen, put_back)


def stat(args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]) -> bool:
    """A line for each world, for the installation's file, and for each damaged file."""
    folder = settings.data_dir
    head = ("world", "MB", "log MB", "exchanges", "failures", "votes", "last", "damaged")
    print("{:28} {:>9} {:>8} {:>12} {:>9} {:>8} {:>17} {:>7}".format(*head))

    def show(world: World) -> None:
        size = measure(folder, world, engine)
        last = "never"
        if size.last_timestamp is not None:
            when = datetime.fromtimestamp(size.last_timestamp / 1000, UTC)
            last = when.strftime("%Y-%m-%d %H:%M")
        print(
            f"{world!s:28} {size.file_bytes / 1e6:9,.1f} {size.log_bytes / 1e6:8,.1f}"
            f" {size.exchanges:12,} {size.failures:9,} {size.votes:8,} {last:>17}"
            f" {len(set_aside_in(path_of(folder, world))):7}"
        )

    well = each([world for world in worlds if path_of(folder, world).exists()], show)
    if world_of(args) is None:
        well = show_installation(folder, engine) and well
    for path in not_repaired_in(folder):
        if world_of(args) is None or path in set_aside_in(path_of(folder, worlds[0])):
            until = kept_until(path, settings.backup_days)
            print(f"damaged, kept until {until:%Y-%m-%d}: {path}")
    state = "the bot is running" if is_running(folder) else "the bot is not running"
    print(f"in the inbox: {waiting_in_inbox(folder, engine):,} operations; {state}")
    return well


def check_all(
    args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]
) -> bool:
    """A line for each problem."""
    folder, days = settings.data_dir, settings.backup_days
    problems = [problem for world in worlds for problem in check(folder, world, engine, days)]
    count = len(worlds)
    if world_of(args) is None:
        problems += check_installation(folder, engine, days)
        count += (folder / INSTALLATION).exists()
    for problem in problems:
        print(problem)
    if not problems:
        print(f"{count:,} files are in order.")
    return not problems


def repair_all(
    args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]
) -> bool:
    """Save what can be read of each damaged file; a running bot sets such files aside itself."""
    folder = settings.data_dir
    mended = 0

    def put_in_order(world: World, *, nobody_else: bool) -> None:
        nonlocal mended
        if nobody_else:
            set_aside_if_damaged(folder, world, engine)
        if count := empty_damaged_prompts(folder, world, engine):
            mended += count
            print(f"{path_of(folder, world)}: {count:,} prompts {EMPTIED}")
        stretches, votes = correct_what_pages_need(folder, world, engine)
        mended += stretches + votes
        if stretches:
            print(f"{path_of(folder, world)}: {stretches:,} stretches {REBUILT}")
        if votes:
            print(f"{path_of(folder, world)}: {votes:,} votes {CORRECTED}")

    if is_running(folder):
        well = each(worlds, partial(put_in_order, nobody_else=False))
    else:
        with alone(folder):
            well = each(worlds, partial(put_in_order, nobody_else=True))
    # The newest first: what it knows to be deleted does not come back with an older one.
    damaged = [
        (world, path) for world in worlds for path in reversed(set_aside_in(path_of(folder, world)))
    ]
    installation = None
    if world_of(args) is None:
        try:
            installation = repair_installation(folder, engine)
        except StoreError as error:
            well = False
            print(error, file=sys.stderr)
    if installation is not None:
        print(*report_installation(installation, folder / INSTALLATION), sep="\n")
    elif well and not damaged and not mended:
        print("No file is damaged.")
    for world, path in damaged:
        with Progress("exchanges") as progress:
            count = 0

            def more(few: int, progress: Progress = progress) -> None:
                nonlocal count
                count += few
                progress.show(0.0, count)

            try:
                done = repair(folder, world, path, engine, more)
            except StoreError as error:
                well = False
                print(error, file=sys.stderr)
                continue
        print(*report(done, path_of(folder, world)), sep="\n")
    return well


def set_aside_if_damaged(folder: Path, world: World, engine: Engine) -> None:
    """Set a world's file aside if it is damaged, and not just of another key or version.

    Raises StoreError also where it cannot be read on account of those.
    """
    path = path_of(folder, world)
    try:
        if is_damaged(folder, world, engine):
            print(f"{path}: set aside as {set_aside(folder, world, engine)}")
        elif path.exists():
            look_into(path, engine)
    except FAILURES as error:
        raise translate(error, path) from error


def report(done: Repaired, path: Path) -> Iterator[str]:
    """What was saved."""
    yield f"{done.damaged}:"
    for table, count in done.salvaged.rows.items():
        added = f", {done.added[table]:,} of them new" if table in done.added else ""
        yield f"  {table}: {count:,} rows could be read{added}"
    lost = done.salvaged
    yield f"  {lost.broken_pages:,} pages and {lost.broken_rows:,} rows could not be read"
    yield f"  what was saved is in {path}; the damaged file is kept as {done.kept_as.name}"
    if "settings" in done.salvaged.rows:
        yield "  settings were not taken over: if the bot says it is off, switch it on again"


def upgrade(
    args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]
) -> bool:
    """Open each file as the bot would."""
    folder = settings.data_dir

    def open_once(world: World) -> None:
        path = path_of(folder, world)
        try:
            open_world(folder, world, engine).close()
        except FAILURES as error:
            raise translate(error, path) from error
        print(f"{path}: is up to date")

    with alone(folder):
        well = each([world for world in worlds if path_of(folder, world).exists()], open_once)
        if world_of(args) is None and (folder / INSTALLATION).exists():
            Installation(folder, engine).read()
            print(f"{folder / INSTALLATION}: is up to date")
    return well


def encrypt(
    args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]
) -> bool:
    """Encrypt everything."""
    return convert_all(args, settings, engine, encrypt=True)


def decrypt(
    args: argparse.Namespace, settings: Settings, engine: Engine, worlds: list[World]
) -> bool:
    """Decrypt everything."""
    return convert_all(args, settings, engine, encrypt=False)


def convert_all(
    args: argparse.Namespace, settings: Settings, engine: Engine, *, encrypt: bool
) -> bool:
    """Convert every file that is not as wanted yet; what was done stays done if another fails."""
    if world_of(args) is not None:
        raise StoreError("All files have the same key: leave out --guild and --dm.")
    if engine.key is None:
        raise StoreError("STORE_KEY is not set. It should be the key, a long random text.")
    folder = settings.data_dir
    word = "encrypted" if encrypt else "decrypted"
    count, well = 0, True
    with alone(folder):
        for path, page_size in encryption.files_in(folder):
            try:
                count += encryption.convert(path, page_size, engine, encrypt=encrypt)
            except StoreError as error:
                well = False
                print(error, file=sys.stderr)
    print(f"{count:,} files {word}.")
    for path in encryption.not_converted(folder):
        print(f"{path}: is damaged and was left as it is. Repair it, then delete it.")
    return well
