"""Every server's settings: read once, changed in one place, with a list of who changed what."""

import asyncio
import logging
import time
from typing import Any
from weakref import WeakValueDictionary

from bot.agent.agent import Agent
from bot.agent.runtime import AgentRuntime
from bot.front.agent_settings import DEFAULTS, AgentSettings, as_json
from bot.front.open_channels import OpenChannels
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind

log = logging.getLogger(__name__)

SETTINGS = "agent"
AUDIT = "agent_audit"
MOST_AUDITED = 100
UNREAD_SECONDS = 5.0


class SettingsBook:
    """The settings of all servers that were asked for; in direct messages there are none."""

    def __init__(self, agent: Agent, channels: OpenChannels) -> None:
        self._agent = agent
        self._channels = channels
        self._read: dict[World, AgentSettings] = {}
        self._unread_since: dict[World, float] = {}
        self._turns: WeakValueDictionary[World, asyncio.Lock] = WeakValueDictionary()

    async def of(self, runtime: AgentRuntime) -> AgentSettings:
        """The settings of a runtime's world; the defaults while they cannot be read."""
        world = runtime.world
        if world.kind is WorldKind.DM:
            return DEFAULTS
        if (settings := self._read.get(world)) is not None:
            return settings
        async with self._turn(world):
            return await self._load(runtime)

    async def change(
        self,
        world: World,
        actor_id: int,
        **changes: Any,  # noqa: ANN401 - the settings' own types
    ) -> AgentSettings:
        """Change settings of a server. They are in effect and kept when this returns.

        Raises BadSettingError (and nothing was changed) for a value that is none, and StoreError
        when it could not be kept (nothing was changed either).
        """
        async with self._agent.runtime(world) as runtime, self._turn(world):
            before = AgentSettings.from_json(await runtime.store.get_setting(SETTINGS))
            after = before.changed(**changes)
            audit = await runtime.store.get_setting(AUDIT)
            entries = audit if isinstance(audit, list) else []
            entries += [
                {
                    "who": str(actor_id),
                    "when": time.time_ns() // 1_000_000,
                    "field": name,
                    "from": as_json(getattr(before, name)),
                    "to": as_json(getattr(after, name)),
                }
                for name in changes
                if getattr(before, name) != getattr(after, name)
            ]
            await runtime.store.set_setting(SETTINGS, after.to_json())
            self._read[world] = after
            await self._channels.set_channels(world.id, after.open_channels)
            try:
                await runtime.store.set_setting(AUDIT, entries[-MOST_AUDITED:])
            except StoreError as error:
                log.error(
                    "A change of %s by %d is not in the audit list: %s", changes, actor_id, error
                )
        return after

    async def audit(self, world: World) -> list[dict[str, Any]]:
        """Who changed what, the oldest first: `who`, `when` (ms), `field`, `from`, `to`."""
        async with self._agent.runtime(world) as runtime:
            audit = await runtime.store.get_setting(AUDIT)
        return audit if isinstance(audit, list) else []

    async def forget(self, world: World) -> None:
        """The bot has left this server."""
        self._read.pop(world, None)
        self._unread_since.pop(world, None)
        await self._channels.set_channels(world.id, frozenset())

    async def _load(self, runtime: AgentRuntime) -> AgentSettings:
        world = runtime.world
        if (settings := self._read.get(world)) is not None:
            return settings
        # A file that is locked takes seconds to say so, and here a person waits.
        if time.monotonic() - self._unread_since.get(world, float("-inf")) < UNREAD_SECONDS:
            return DEFAULTS
        try:
            settings = AgentSettings.from_json(await runtime.store.get_setting(SETTINGS))
        except StoreError as error:
            log.error("The settings of %s cannot be read, the defaults count: %s", world, error)
            self._unread_since[world] = time.monotonic()
            return DEFAULTS
        self._read[world] = settings
        self._unread_since.pop(world, None)
        await self._channels.set_channels(world.id, settings.open_channels)
        return settings

    def _turn(self, world: World) -> asyncio.Lock:
        return self._turns.setdefault(world, asyncio.Lock())
