"""Every server's settings: read once, changed in one place, with a list of who changed what."""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from bot.agent.agent import Agent
from bot.agent.recording import is_recording, retention_of
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
MOST_USUAL = 10_000
"""Of how many servers that set nothing it is remembered that they do not."""

T = TypeVar("T")


class SettingsBook:
    """The settings of all servers that were asked for; in direct messages there are none.

    What an admin set stays in memory, so that it counts also while a file cannot be read. Of
    servers that set nothing the latest are remembered: others are looked up again.
    """

    def __init__(self, agent: Agent, channels: OpenChannels) -> None:
        self._agent = agent
        self._channels = channels
        self._read: dict[World, AgentSettings] = {}
        self._usual: OrderedDict[World, None] = OrderedDict()
        self._unread_since: dict[World, float] = {}
        self._turns: WeakValueDictionary[World, asyncio.Lock] = WeakValueDictionary()

    async def of(self, runtime: AgentRuntime) -> AgentSettings:
        """The settings of a runtime's world; the defaults while they cannot be read."""
        world = runtime.world
        if world.kind is WorldKind.DM:
            return DEFAULTS
        if (settings := self._known(world)) is not None:
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
        return await self.update(world, actor_id, lambda _: changes)

    async def update(
        self, world: World, actor_id: int, changes_to: Callable[[AgentSettings], Mapping[str, Any]]
    ) -> AgentSettings:
        """The same, with changes that follow from what is set: nobody else's change comes between.

        Raises as `change` does.
        """
        async with self._agent.runtime(world) as runtime, self._turn(world):
            before = AgentSettings.from_json(await runtime.store.get_setting(SETTINGS))
            changes = changes_to(before)
            after = before.changed(**changes)
            entries = [
                entry(actor_id, name, getattr(before, name), getattr(after, name))
                for name in changes
                if getattr(before, name) != getattr(after, name)
            ]
            if not entries:
                return before
            await runtime.store.set_setting(SETTINGS, after.to_json())
            self._remember(world, after)
            await self._channels.set_channels(world.id, after.open_channels)
            await add_to_audit(runtime, entries)
        return after

    async def note(
        self,
        runtime: AgentRuntime,
        actor_id: int,
        name: str,
        before: object,
        after: object,
    ) -> None:
        """Add a change to the list that was made elsewhere."""
        async with self._turn(runtime.world):
            await add_to_audit(runtime, [entry(actor_id, name, before, after)])

    async def watched(self, runtime: AgentRuntime, actor_id: int, running: Awaitable[T]) -> T:
        """Wait for an action, and note what it changed of that which is set elsewhere."""
        before = set_elsewhere(runtime)
        result = await running
        after = set_elsewhere(runtime)
        for name, value in after.items():
            if value != before.get(name):
                await self.note(runtime, actor_id, name, before.get(name), value)
        return result

    async def audit(self, world: World) -> list[dict[str, Any]]:
        """Who changed what, the oldest first: `who`, `when` (ms), `field`, `from`, `to`."""
        async with self._agent.runtime(world) as runtime:
            audit = await runtime.store.get_setting(AUDIT)
        return audit if isinstance(audit, list) else []

    async def forget(self, world: World) -> None:
        """The bot has left this server."""
        self._read.pop(world, None)
        self._usual.pop(world, None)
        self._unread_since.pop(world, None)
        await self._channels.set_channels(world.id, frozenset())

    async def _load(self, runtime: AgentRuntime) -> AgentSettings:
        world = runtime.world
        if (settings := self._known(world)) is not None:
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
        self._remember(world, settings)
        self._unread_since.pop(world, None)
        await self._channels.set_channels(world.id, settings.open_channels)
        return settings

    def _known(self, world: World) -> AgentSettings | None:
        if world in self._usual:
            self._usual.move_to_end(world)
            return DEFAULTS
        return self._read.get(world)

    def _remember(self, world: World, settings: AgentSettings) -> None:
        self._read.pop(world, None)
        self._usual.pop(world, None)
        if settings != DEFAULTS:
            self._read[world] = settings
            return
        self._usual[world] = None
        if len(self._usual) > MOST_USUAL:
            self._usual.popitem(last=False)

    def _turn(self, world: World) -> asyncio.Lock:
        return self._turns.setdefault(world, asyncio.Lock())


def set_elsewhere(runtime: AgentRuntime) -> dict[str, object]:
    """What actions set: looked up in memory, at no cost."""
    found: dict[str, object] = {"custom_reasoning": is_recording(runtime)}
    with contextlib.suppress(StoreError):
        found["retention_days"] = retention_of(runtime)
    return found


def entry(actor_id: int, name: str, before: object, after: object) -> dict[str, Any]:
    """A line of the list of changes."""
    return {
        "who": str(actor_id),
        "when": time.time_ns() // 1_000_000,
        "field": name,
        "from": as_json(before),
        "to": as_json(after),
    }


async def add_to_audit(runtime: AgentRuntime, entries: list[dict[str, Any]]) -> None:
    """Add to a world's list of changes, of which the newest are kept; the changes hold anyway."""
    try:
        audit = await runtime.store.get_setting(AUDIT)
        kept = audit if isinstance(audit, list) else []
        await runtime.store.set_setting(AUDIT, [*kept, *entries][-MOST_AUDITED:])
    except StoreError as error:
        changed = ", ".join(str(item["field"]) for item in entries)
        log.error("Not in the list of changes of %s: %s: %s", runtime.world, changed, error)
