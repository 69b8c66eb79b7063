"""The process: its plugins, its model handlers, and a runtime for each world that is in use."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self
from weakref import WeakValueDictionary

from bot.agent.actions import Action, index_actions
from bot.agent.intents import IntentMatcher
from bot.agent.metrics import Metric, store_metrics
from bot.agent.models import ModelRegistry, UseModel
from bot.agent.plugin import EventHandler, Plugin
from bot.agent.runtime import AgentRuntime
from bot.agent.services import Service
from bot.agent.upkeep import Upkeep
from bot.store.interface import Store
from bot.store.records import World

log = logging.getLogger(__name__)


class Agent:
    """Hosts plugins and lends out runtimes. Use it as an async context manager.

    A runtime that nobody has used for `idle_seconds` is let go: its services stop, its file is
    closed; the next message of that world makes it again from what is kept.
    """

    def __init__(self, store: Store, *, idle_seconds: float = 600.0) -> None:
        self.models = ModelRegistry()
        # One object for all runtimes, so that "disabled" can be told by identity.
        self.use_model: UseModel = self.models.use
        self.matcher = IntentMatcher({})
        self.plugins: dict[str, Plugin] = {}
        self.upkeep: Upkeep | None = None
        self._store = store
        self._idle_seconds = idle_seconds
        self._actions: dict[str, Action] = {}
        self._runtimes: dict[World, AgentRuntime] = {}
        # Weak: a lock is there for as long as somebody holds it or waits for it.
        self._turns: WeakValueDictionary[World, asyncio.Lock] = WeakValueDictionary()
        self._reaper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._reaper = asyncio.create_task(self._reap(), name="agent: let go of idle runtimes")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop every runtime, then unload every plugin, the last one first."""
        if self._reaper is not None:
            self._reaper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reaper
        await asyncio.gather(*(self._let_go(world) for world in list(self._runtimes)))
        for name in reversed(list(self.plugins)):
            await self.unload(name)

    async def register(self, plugin: Plugin) -> None:
        """Take a plugin in: all of it, or nothing.

        Raises ValueError when its name, an action's name or an intent collides with what is
        there, and whatever its `init` raises.
        """
        if plugin.name in self.plugins:
            raise ValueError(f"A plugin named {plugin.name!r} is registered already.")
        plugins = {**self.plugins, plugin.name: plugin}
        actions, matcher = self._index(plugins)
        if plugin.init is not None:
            await plugin.init(self)
        self.plugins = plugins
        self._actions, self.matcher = actions, matcher
        for model in plugin.models:
            self.models.add(plugin.name, model)
        for world in list(self._runtimes):
            async with self._turn(world):
                runtime = self._runtimes.get(world)
                if runtime is not None:
                    await start_services(runtime, plugin)

    async def unload(self, name: str) -> None:
        """Let a plugin go, with everything that it registered anywhere. KeyError if unknown."""
        plugin = self.plugins.pop(name)
        self._actions, self.matcher = self._index(self.plugins)
        self.models.remove_owner(name)
        for runtime in list(self._runtimes.values()):
            for service_name in plugin.services:
                await stop_service(runtime, service_name)
            runtime.remove_owner(name)
        if plugin.dispose is not None:
            await plugin.dispose()

    def action(self, name: str) -> Action:
        """The action of exactly this name or simile. Raises KeyError."""
        return self._actions[name]

    @property
    def actions(self) -> Sequence[Action]:
        """Every action, once, in the order of registration."""
        return [action for plugin in self.plugins.values() for action in plugin.actions]

    def event_handlers(self, event: type) -> Sequence[EventHandler]:
        """Who listens to this class of event."""
        return [plugin.events[event] for plugin in self.plugins.values() if event in plugin.events]

    @asynccontextmanager
    async def runtime(self, world: World) -> AsyncIterator[AgentRuntime]:
        """The world's runtime, made and restored on first use, held while the block runs."""
        runtime = self._runtimes.get(world) or await self._make_runtime(world)
        runtime.hold()
        try:
            yield runtime
        finally:
            runtime.release()

    def metrics(self) -> Iterator[Metric]:
        """How the agent, its store and its plugins are doing. One that cannot tell is logged."""
        yield Metric(
            "understudy_runtimes",
            "Servers and direct messages in use: those of the last minutes.",
            len(self._runtimes),
        )
        yield from store_metrics(self._store.counts())
        for plugin in self.plugins.values():
            if plugin.metrics is not None:
                try:
                    yield from list(plugin.metrics())
                except Exception:
                    log.exception("The metrics of %s cannot be told", plugin.name)

    def knows(self, world: World) -> bool:
        """Whether this world is in use or anything is kept of it."""
        return world in self._runtimes or self._store.world(world).exists

    async def let_go_of_idle(self, now: float) -> None:
        """Let go of the runtimes unused for `idle_seconds` at `now` (`time.monotonic()`)."""
        for world in list(self._runtimes):
            await self._let_go(world, now)

    def _index(self, plugins: Mapping[str, Plugin]) -> tuple[dict[str, Action], IntentMatcher]:
        """All actions by name and simile, and the matcher of their intents. Raises ValueError."""
        actions = tuple(action for plugin in plugins.values() for action in plugin.actions)
        intents = {action.name: action.intent for action in actions if action.intent is not None}
        same = intents == self.matcher.intents
        return index_actions(actions), self.matcher if same else self.matcher.with_intents(intents)

    async def _make_runtime(self, world: World) -> AgentRuntime:
        async with self._turn(world):
            runtime = self._runtimes.get(world)
            if runtime is None:
                runtime = AgentRuntime(self, world, self._store.world(world))
                for plugin in list(self.plugins.values()):
                    await start_services(runtime, plugin)
                self._runtimes[world] = runtime
            return runtime

    async def _let_go(self, world: World, now: float | None = None) -> None:
        """Stop a runtime; with `now`, only if nobody has used it for long enough."""
        async with self._turn(world):
            runtime = self._runtimes.get(world)
            if runtime is None or (now is not None and not runtime.idle(now, self._idle_seconds)):
                return
            # Out of reach first: who asks from here on waits for its turn and gets a new one.
            del self._runtimes[world]
            for name in reversed(list(runtime.services)):
                await stop_service(runtime, name)
            try:
                await runtime.store.close()
            except Exception:
                log.exception("The store of %s did not close cleanly", world)

    def _turn(self, world: World) -> asyncio.Lock:
        return self._turns.setdefault(world, asyncio.Lock())

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(self._idle_seconds / 10)
            await self.let_go_of_idle(time.monotonic())


async def start_services(runtime: AgentRuntime, plugin: Plugin) -> None:
    """Start what a plugin runs in each world; one that does not start is logged and missing."""
    for name, factory in plugin.services.items():
        try:
            runtime.services[name] = await factory(runtime)
        except Exception:
            log.exception("The service %s did not start in %s", name, runtime.world)


async def stop_service(runtime: AgentRuntime, name: str) -> None:
    """Stop one service of a runtime; one that fails to stop is logged."""
    service: Service | None = runtime.services.pop(name, None)
    if service is None:
        return
    try:
        await service.stop()
    except Exception:
        log.exception("The service %s did not stop cleanly in %s", name, runtime.world)
