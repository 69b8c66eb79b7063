"""`understudy doctor`: looks at everything the bot needs, and says what is wrong with it."""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from bot.agent.agent import Agent
from bot.agent.models import Model, ModelError, ModelRequest
from bot.commands.run import NOT_SET, REFUSED
from bot.compose import add_models
from bot.settings import Settings, SettingsError, load_settings
from bot.store.records import ChatMessage
from bot.store.sqlite import SqliteStore

LOW_SPACE_BYTES = 500 * 1024 * 1024
REQUEST_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, and what to say about it."""

    what: str
    well: bool
    text: str


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
    yield data_folder(settings)
    async for finding in models(settings):
        yield finding
    yield await token(settings)


def data_folder(settings: Settings) -> Finding:
    """Whether DATA_DIR can be written, and has room."""
    folder = settings.data_dir
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


async def models(settings: Settings) -> AsyncIterator[Finding]:
    """Whether each model answers a question."""
    async with Agent(SqliteStore(settings.data_dir)) as agent:
        without = await add_models(agent, settings, progress=lambda _: None)
        if without is not None:
            yield Finding("model", False, without)
        for model in agent.models:
            yield await asked(model)


async def asked(model: Model) -> Finding:
    """Whether this model answers."""
    what = "custom model" if model.priority is None else "model"
    request = ModelRequest(messages=(ChatMessage("user", "Say hello."),), max_tokens=32)
    try:
        response = await model.handler(request)
    except ModelError as error:
        return Finding(what, False, f"{model.name} ({model.provider}): {error}")
    return Finding(what, True, f"{model.name} ({model.provider}) says: {response.text[:60]!r}")


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
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
        reason = str(error) or type(error).__name__
        text = f"DISCORD_API_URL: {api} does not answer as Discord does ({reason})."
        return Finding("token", False, text)
    return Finding("token", True, f"belongs to the bot {name}.")


def show(finding: Finding) -> None:
    """Print one line: to stdout what is well, and what is not."""
    print(f"{'✓' if finding.well else '✗'} {finding.what}: {finding.text}")
