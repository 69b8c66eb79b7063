"""Where every message may be for the agent: channels set so by an admin, and its own threads.

The gate looks an id up in `ids` and nothing else. Channels are known before the first message
comes after a start, without opening any server's file: one small index file has them all. Threads
need none: Discord knows in which the bot is, and says so when a server or a thread appears.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import discord

log = logging.getLogger(__name__)


class OpenChannels:
    """The open channels of all servers; without a `path` they are not kept.

    `threads_of` gives the threads of a server (by its id) that are in sight.
    """

    def __init__(
        self,
        path: Path | None,
        threads_of: Callable[[int], Iterable[discord.Thread]] = lambda _: (),
    ) -> None:
        self.ids: set[int] = set()
        self._path = path
        self._threads_of = threads_of
        self._channels: dict[int, frozenset[int]] = {}
        self._joined: set[int] = set()
        # Threads that are open because their channel is, by thread.
        self._channel_of: dict[int, int] = {}
        self._turn = asyncio.Lock()

    def load(self) -> None:
        """Read the index; one that cannot be read is logged, and made anew by what is set next."""
        if self._path is None:
            return
        try:
            kept = json.loads(self._path.read_bytes())
            self._channels = {int(guild): frozenset(map(int, ids)) for guild, ids in kept.items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.error(
                "%s cannot be read (%s): channels set to always or ambient are answered there "
                "again once the bot was mentioned in their server.",
                self._path,
                error,
            )
        self.ids.update(*self._channels.values())

    async def set_channels(self, guild_id: int, channel_ids: frozenset[int]) -> None:
        """Open exactly these channels of a server. Effective at once, then kept."""
        before = self._channels.get(guild_id, frozenset())
        if before == channel_ids:
            return
        closed = before - channel_ids
        for thread_id in [t for t, channel in self._channel_of.items() if channel in closed]:
            del self._channel_of[thread_id]
            closed |= {thread_id}
        self.ids -= closed - self._joined
        self.ids |= channel_ids
        self.notice_threads(self._threads_of(guild_id))
        if channel_ids:
            self._channels[guild_id] = channel_ids
        else:
            self._channels.pop(guild_id, None)
        await self._keep()

    def notice_threads(self, threads: Iterable[discord.Thread]) -> None:
        """Open those that the bot is in, and those of open channels."""
        for thread in threads:
            if thread.me is not None:
                self.join_thread(thread.id)
            elif thread.parent_id in self.ids:
                self._channel_of[thread.id] = thread.parent_id
                self.ids.add(thread.id)

    def join_thread(self, thread_id: int) -> None:
        """The bot is part of this thread."""
        self._joined.add(thread_id)
        self.ids.add(thread_id)

    def leave_thread(self, thread_id: int) -> None:
        """It is no longer."""
        self._joined.discard(thread_id)
        by_itself = any(thread_id in channels for channels in self._channels.values())
        if not by_itself and thread_id not in self._channel_of:
            self.ids.discard(thread_id)

    def lose_thread(self, thread_id: int) -> None:
        """The thread is gone."""
        self._channel_of.pop(thread_id, None)
        self.leave_thread(thread_id)

    def has_joined(self, thread_id: int) -> bool:
        """Whether the bot is part of this thread."""
        return thread_id in self._joined

    async def _keep(self) -> None:
        if self._path is None:
            return
        async with self._turn:
            index = {str(guild): sorted(ids) for guild, ids in self._channels.items()}
            try:
                await asyncio.to_thread(replace_file, self._path, json.dumps(index).encode())
            except OSError as error:
                log.error("%s cannot be written, a restart forgets it: %s", self._path, error)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for the operator's account only. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
