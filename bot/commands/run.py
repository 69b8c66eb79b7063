"""`understudy run`: the bot, at Discord or any server that speaks its protocol."""

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import aiohttp
import discord
from yarl import URL

from bot.compose import make_client, running_agent, serving_metrics
from bot.front.endpoints import discord_at
from bot.logs import set_up_logging
from bot.settings import Settings, SettingsError, load_settings

log = logging.getLogger(__name__)

REACH_SECONDS = 10.0
COLLECTOR_THRESHOLDS = (20_000, 20, 50)
NOT_SET = (
    "DISCORD_TOKEN: is not set. It should be your bot's token, from the Discord developer portal "
    "(your application, Bot, Reset Token). `understudy try` needs none."
)
REFUSED = (
    "DISCORD_TOKEN: was refused by {api}. It should be the bot's current token: make a new one in "
    "the Discord developer portal (Bot, Reset Token) and set it."
)
NO_INTENT = (
    "Discord refused the connection because a privileged intent is missing: switch on "
    "“Message Content Intent” in the Discord developer portal (your application, Bot) and start "
    "again."
)
UNREACHABLE = (
    "{address} cannot be reached ({reason}). Check this machine's network, and DISCORD_API_URL "
    "and DISCORD_GATEWAY_URL if you have set them."
)
NOT_DISCORD = "DISCORD_API_URL: {api} does not answer as Discord does ({reason})."


class CannotRunError(Exception):
    """The bot cannot run; the message says why and what to do."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser("run", help="run the bot against Discord")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM. Returns 2 for a wrong setting, 1 for anything at Discord."""
    settings = load_settings()
    if settings.discord_token is None:
        raise SettingsError([NOT_SET])
    set_up_logging(settings.log_level)
    try:
        asyncio.run(run_bot(settings, settings.discord_token.get_secret_value()))
    except CannotRunError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def run_bot(settings: Settings, token: str) -> None:
    """Connect and stay connected until a signal ends it.

    Raises CannotRunError or SettingsError, each with a sentence that says what to do.
    """
    await reach(settings.discord_gateway_url)
    async with running_agent(settings, progress=log.info) as agent:
        with discord_at(settings.discord_api_url, settings.discord_gateway_url):
            async with (
                make_client(agent, settings) as client,
                serving_metrics(settings, agent, client) as metrics,
            ):
                if metrics is not None:
                    log.info("Metrics at %s", metrics)
                bot = asyncio.create_task(client.start(token))
                sparing = asyncio.create_task(spare_the_collector(client))
                try:
                    with ended_by_signals(bot):
                        await explained(bot, settings)
                finally:
                    sparing.cancel()


async def spare_the_collector(client: discord.Client) -> None:
    """Once all servers are known, keep the garbage collector from them and let it come less often.

    What is in memory by then (modules, servers, channels) stays until the end, and looking through
    it again and again takes the longer the more servers there are.
    """
    await client.wait_until_ready()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def reach(address: str) -> None:
    """See whether the gateway can be connected to at all: discord.py would try for ever."""
    url = URL(address)
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(url.host, url.port, ssl=url.scheme == "wss")
    except (OSError, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        raise CannotRunError(UNREACHABLE.format(address=address, reason=reason)) from error
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def explained(bot: "asyncio.Task[None]", settings: Settings) -> None:
    """Wait for the bot to end; what ends it against our will becomes a sentence."""
    api = settings.discord_api_url
    try:
        await bot
    except asyncio.CancelledError:
        log.info("Stopped")
    except discord.LoginFailure:
        raise SettingsError([REFUSED.format(api=api)]) from None
    except discord.PrivilegedIntentsRequired:
        raise CannotRunError(NO_INTENT) from None
    except discord.ConnectionClosed as error:
        if error.code == 4004:
            raise SettingsError([REFUSED.format(api=api)]) from None
        raise CannotRunError(f"Discord closed the connection for good: {error}.") from error
    except (aiohttp.ClientError, discord.HTTPException, OSError) as error:
        reason = shortened(error)
        raise CannotRunError(UNREACHABLE.format(address=api, reason=reason)) from error
    except (TypeError, ValueError, KeyError) as error:
        # discord.py takes whatever it is sent for what Discord would send.
        log.debug("What %s answered could not be used", api, exc_info=True)
        reason = shortened(error)
        raise CannotRunError(NOT_DISCORD.format(api=api, reason=reason)) from error


def shortened(error: Exception) -> str:
    """What is wrong, on one line: a server that is no Discord may have sent a whole page."""
    return textwrap.shorten(str(error) or type(error).__name__, 200, placeholder="…")


@contextlib.contextmanager
def ended_by_signals(task: "asyncio.Task[Any]") -> Iterator[None]:
    """While the block runs, SIGINT and SIGTERM cancel `task`."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    with contextlib.suppress(NotImplementedError):  # Windows has only KeyboardInterrupt
        for number in signals:
            loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)
