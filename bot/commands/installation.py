"""What `understudy store` does with the file of who objected everywhere."""

import sys
from collections.abc import Iterator
from pathlib import Path

from bot.store import installation_care
from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.installation import FILE as INSTALLATION
from bot.store.installation_care import RepairedInstallation
from bot.store.locking import alone
from bot.store.problems import StoreError
from bot.store.setting_aside import set_aside_in


def show_installation(folder: Path, engine: Engine) -> bool:
    """A line for the file of who objected everywhere; whether it can be read."""
    try:
        size = installation_care.measure_installation(folder, engine)
    except StoreError as error:
        print(error, file=sys.stderr)
        return False
    if size is not None:
        rows = size.rows
        print(
            f"{'installation':28} {size.file_bytes / 1e6:9,.1f} MB; objected everywhere:"
            f" {rows.get('objections', 0):,}, forgotten: {rows.get('forgotten', 0):,}, still to be"
            f" done: {rows.get('owed', 0):,}, servers left: {rows.get('departures', 0):,}"
        )
    return True


def repair_installation(folder: Path, engine: Engine) -> RepairedInstallation | None:
    """Repair the file of who objected everywhere, if it is damaged; then the bot may not run."""
    path = folder / INSTALLATION
    try:
        damaged = path.exists() and installation_care.is_damaged_file(path, engine)
    except FAILURES as error:
        raise translate(error, path) from error
    if not damaged and not set_aside_in(path):
        return None
    with alone(folder):
        return installation_care.repair_installation(folder, engine)


def report_installation(done: RepairedInstallation, path: Path) -> Iterator[str]:
    """What the installation's file has from then on."""
    yield f"{path}: repaired"
    for table, count in done.rows.items():
        yield f"  {table}: {count:,} rows"
    if done.backup is not None:
        yield f"  not all could be read: what {done.backup} has is in it, too"
        yield "  who objected everywhere after that backup may have to say so again"
    for damaged in done.kept_as:
        yield f"  the damaged file is kept as {damaged.name}"
