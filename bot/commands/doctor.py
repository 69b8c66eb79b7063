"""`understudy doctor`: looks at everything the bot needs, and says what is wrong with it."""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.agent.agent import Agent
from bot.agent.models import Model, ModelError, ModelRequest
from bot.commands.run import NOT_DISCORD, NOT_SET, REFUSED, CannotRunError, reach, shortened
from bot.commands.worlds import require_data_dir
from bot.compose import add_models
from bot.engines import engine_of
from bot.settings import Settings, SettingsError, load_settings
from bot.store.checking import check_key, inbox_problems, set_aside_problem
from bot.store.engine import Engine
from bot.store.errors import FAILURES, translate
from bot.store.files import look_into
from bot.store.installation_care import check_installation
from bot.store.problems import StoreError
from bot.store.records import ChatMessage
from bot.store.setting_aside import not_repaired_in
from bot.store.sqlite import SqliteStore

LOW_SPACE_BYTES = 500 * 1024 * 1024
REQUEST_SECONDS = 15
FILES_OPENED = 3
CHECK_ENDPOINT = " Check {prefix}MODEL_URL, {prefix}MODEL_NAME and {prefix}MODEL_API_KEY."


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, what to say, and whether to look into it."""

    what: str
    well: bool
    text: str
    readable: bool = True


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser("doctor", help="check settings, data folder, model and token")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print a line for each thing looked at; 0 if all is well, 1 if not, 2 for wrong settings."""
    try:
        settings = load_settings()
    except SettingsError as error:
        for line in error.lines:
            show(Finding("settings", False, line))
        return 2
    show(Finding("settings", True, "are complete and valid."))
    return 0 if asyncio.run(examine(settings)) else 1


async def examine(settings: Settings) -> bool:
    """Look at the rest, line by line; whether all of it is well."""
    well = True
    async for finding in findings(settings):
        show(finding)
        well = well and finding.well
    return well


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """One finding after the other, as they come in."""
    folder = data_folder(settings)
    yield folder
    if folder.readable:
        async for finding in records(settings):
            yield finding
    async for finding in models(settings):
        yield finding
    yield await gateway(settings)
    yield await token(settings)


def data_folder(settings: Settings) -> Finding:
    """Whether DATA_DIR can be written, and has room."""
    folder = settings.data_dir
    try:
        if folder.exists():
            require_data_dir(folder)
    except (OSError, StoreError) as error:
        return Finding("data folder", False, str(error), readable=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"understudy")
    except OSError as error:
        text = f"DATA_DIR: {folder} cannot be written ({error.strerror}). Make it writable."
        return Finding("data folder", False, text)
    free = shutil.disk_usage(folder).free
    if free < LOW_SPACE_BYTES:
        text = f"DATA_DIR: only {free >> 20} MB are free at {folder}. Make room."
        return Finding("data folder", False, text)
    return Finding("data folder", True, f"{folder.resolve()} can be written.")


async def records(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the installation's file and the newest of the servers' open, and what is damaged.

    Nothing where there are none.
    """
    folder, days = settings.data_dir, settings.backup_days
    for problem in await asyncio.to_thread(installation_problems, settings):
        yield Finding("installation", False, problem)
    for path in not_repaired_in(folder):
        if path.parent != folder:
            yield Finding("records", False, set_aside_problem(path, days))
    for problem in await asyncio.to_thread(damage_of_the_inbox, settings):
        yield Finding("records", False, problem)
    guilds = guild_files(settings.data_dir)[:FILES_OPENED]
    for path in guilds:
        try:
            await asyncio.to_thread(open_once, path, engine_of(settings))
        except FAILURES as error:
            yield Finding("records", False, str(translate(error, path)))
            return
        except StoreError as error:
            yield Finding("records", False, str(error))
            return
    if guilds:
        yield Finding("records", True, f"open ({len(guilds)} of the newest files were tried).")


def open_once(path: Path, engine: Engine) -> None:
    """Open a file and close it. Raises StoreError or one of FAILURES."""
    check_key(path, engine)
    look_into(path, engine)


def installation_problems(settings: Settings) -> list[str]:
    """What is wrong with the file of who objected everywhere."""
    return list(check_installation(settings.data_dir, engine_of(settings), settings.backup_days))


def damage_of_the_inbox(settings: Settings) -> list[str]:
    """What was lost of what waited for the servers' files."""
    return list(inbox_problems(settings.data_dir, engine_of(settings), settings.backup_days))


def guild_files(data_dir: Path) -> list[Path]:
    """The servers' files, the newest first; none where the folder cannot be looked into."""
    try:
        found = [
            (path.stat().st_mtime, path)
            for path in (data_dir / "guilds").glob("*.sqlite3")
            if path.stem.isdecimal()
        ]
    except OSError:
        return []
    return [path for _, path in sorted(found, reverse=True)]


async def models(settings: Settings) -> AsyncIterator[Finding]:
    """Whether each model answers a question."""
    # The store is not entered: nothing is to be written, and the bot may be running.
    async with Agent(SqliteStore(settings.data_dir)) as agent:
        without = await add_models(agent, settings, progress=lambda _: None)
        if without is not None:
            yield Finding("model", False, without)
        for model in agent.models:
            yield await asked(model, settings)


async def asked(model: Model, settings: Settings) -> Finding:
    """Whether this model answers."""
    what, address, prefix = "model", settings.model_url, ""
    if model.priority is None:
        what, address, prefix = "custom model", settings.custom_model_url, "CUSTOM_"
    request = ModelRequest(messages=(ChatMessage("user", "Say hello."),), max_tokens=32)
    try:
        response = await model.handler(request)
    except ModelError as error:
        hint = "" if address is None else CHECK_ENDPOINT.format(prefix=prefix)
        why = str(error).removesuffix(".")
        return Finding(what, False, f"{model.name} ({model.provider}): {why}.{hint}")
    return Finding(what, True, f"{model.name} ({model.provider}) says: {response.text[:60]!r}")


async def gateway(settings: Settings) -> Finding:
    """Whether the gateway can be connected to."""
    address = settings.discord_gateway_url
    try:
        await reach(address)
    except CannotRunError as error:
        return Finding("gateway", False, str(error))
    return Finding("gateway", True, f"{address} can be reached.")


async def token(settings: Settings) -> Finding:
    """Whether Discord knows the token, by one request."""
    if settings.discord_token is None:
        return Finding("token", False, NOT_SET)
    api = settings.discord_api_url
    headers = {"Authorization": f"Bot {settings.discord_token.get_secret_value()}"}
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{api}/users/@me", headers=headers) as response,
        ):
            if response.status == 401:
                return Finding("token", False, REFUSED.format(api=api))
            response.raise_for_status()
            name = (await response.json())["username"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        return Finding("token", False, NOT_DISCORD.format(api=api, reason=shortened(error)))
    return Finding("token", True, f"belongs to the bot {name}.")


def show(finding: Finding) -> None:
    """Print one line: to stdout what is well, and what is not."""
    print(f"{'✓' if finding.well else '✗'} {finding.what}: {finding.text}")
