"""Plugins come whole or not at all, and go with everything they brought."""

import asyncio
import gc
from pathlib import Path

import pytest

from bot.agent.actions import Action, ActionCollisionError, ActionContext, ActionResult
from bot.agent.agent import Agent
from bot.agent.events import MessagesDeleted
from bot.agent.intents import Intent, IntentCollision
from bot.agent.messages import Message
from bot.agent.middleware import CallNext
from bot.agent.models import ModelRequest, ModelResponse
from bot.agent.permissions import Author, Permission
from bot.agent.plugin import Plugin
from bot.agent.runtime import AgentRuntime
from bot.store.sqlite import SqliteWorldStore
from plugins.reasoning import reasoning_plugin
from plugins.reasoning.intents import INTENTS
from tests.agents import GUILD, OTHER_GUILD, ScriptedModel, agent_with

MEMBER = Author(9, "ben")
ADMIN = Author(8, "ada", frozenset({Permission.MANAGE_GUILD}))


async def greet(_: ActionContext) -> ActionResult:
    return ActionResult("hello")


def action(name: str, *similes: str, permission: Permission | None = None) -> Action:
    return Action(name, "say hello", "Says hello.", greet, similes=similes, permission=permission)


class Noting:
    """A service that notes its life."""

    def __init__(self, runtime: AgentRuntime, notes: list[str]) -> None:
        self.runtime = runtime
        self.notes = notes
        notes.append(f"start {runtime.world}")
        runtime.add_model_middleware("noting", self.around)

    async def around(self, request: ModelRequest, call_next: CallNext) -> ModelResponse:
        return await call_next(request)

    async def stop(self) -> None:
        self.notes.append(f"stop {self.runtime.world}")


def noting_plugin(notes: list[str]) -> Plugin:
    async def start(runtime: AgentRuntime) -> Noting:
        return Noting(runtime, notes)

    async def init(_: Agent) -> None:
        notes.append("init")

    async def dispose() -> None:
        notes.append("dispose")

    async def on_deleted(runtime: AgentRuntime, event: MessagesDeleted) -> None:
        notes.append(f"deleted {list(event.message_ids)} in {runtime.world}")

    return Plugin(
        name="noting",
        description="notes what happens",
        actions=(action("GREET", "HELLO"),),
        services={"noting": start},
        events={MessagesDeleted: on_deleted},
        init=init,
        dispose=dispose,
    )


async def test_a_plugin_comes_and_goes_whole(tmp_path: Path) -> None:
    notes: list[str] = []
    model = ScriptedModel()
    async with agent_with(tmp_path, model.plugin()) as agent, agent.runtime(GUILD) as runtime:
        await agent.register(noting_plugin(notes))
        assert runtime.use_model is not runtime.original_use_model
        async with agent.runtime(OTHER_GUILD) as other:
            await other.emit(MessagesDeleted([3]))
        assert agent.action("HELLO").name == "GREET"
        await agent.unload("noting")
        assert runtime.use_model is runtime.original_use_model
        assert not runtime.services
        with pytest.raises(KeyError):
            agent.action("GREET")
        await runtime.emit(MessagesDeleted([4]))
    assert notes == [
        "init",
        "start guild:1001",
        "start guild:2002",
        "deleted [3] in guild:2002",
        "stop guild:1001",
        "stop guild:2002",
        "dispose",
    ]


async def test_a_plugin_whose_init_fails_leaves_nothing(tmp_path: Path) -> None:
    async def init(_: Agent) -> None:
        raise RuntimeError("no weights")

    plugin = Plugin("broken", "fails", actions=(action("GREET"),), init=init)
    async with agent_with(tmp_path) as agent:
        with pytest.raises(RuntimeError, match="no weights"):
            await agent.register(plugin)
        assert not agent.plugins
        with pytest.raises(KeyError):
            agent.action("GREET")


@pytest.mark.parametrize(
    "second",
    [action("GREET"), action("WAVE", "GREET"), action("WAVE", "HELLO")],
    ids=["name and name", "name and simile", "simile and simile"],
)
async def test_actions_that_claim_the_same_name_are_refused(tmp_path: Path, second: Action) -> None:
    one = Plugin("one", "first", actions=(action("GREET", "HELLO"),))
    async with agent_with(tmp_path, one) as agent:
        with pytest.raises(ActionCollisionError, match="rename one"):
            await agent.register(Plugin("two", "second", actions=(second,)))
        assert list(agent.plugins) == ["one"]


async def test_intents_that_would_collide_are_refused(tmp_path: Path) -> None:
    intent: Intent = INTENTS["ENABLE_REASONING_SERVICE"]
    rival = Action("RIVAL", "rival", "Wants the same words.", greet, intent=intent)
    async with agent_with(tmp_path, reasoning_plugin()) as agent:
        with pytest.raises(IntentCollision, match="enable custom reasoning"):
            await agent.register(Plugin("rival", "rival", actions=(rival,)))
        assert list(agent.plugins) == ["reasoning"]


async def test_names_are_looked_up_exactly(tmp_path: Path) -> None:
    """The original found ENABLE in DEACTIVATE: it looked for substrings."""
    async with agent_with(tmp_path, reasoning_plugin()) as agent:
        assert agent.action("DEACTIVATE_REASONING_SERVICE").name == "DISABLE_REASONING_SERVICE"
        for wrong in ("REASONING_SERVICE", "ACTIVATE", "enable_reasoning_service"):
            with pytest.raises(KeyError):
                agent.action(wrong)


async def test_who_lacks_the_right_is_refused_before_the_handler_runs(tmp_path: Path) -> None:
    ran: list[str] = []

    async def handler(context: ActionContext) -> ActionResult:
        ran.append(context.author.name)
        return ActionResult("done")

    guarded = Action("G", "guard", "Guards.", handler, permission=Permission.MANAGE_GUILD)
    async with (
        agent_with(tmp_path, Plugin("p", "p", actions=(guarded,))) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        refusal = await runtime.run_action("G", MEMBER, 5)
        assert refusal.private
        assert "Manage Server" in refusal.text
        assert not ran
        assert (await runtime.run_action("G", ADMIN, 5)).text == "done"
    assert ran == ["ada"]


async def test_a_handler_that_breaks_is_told_in_a_sentence(tmp_path: Path) -> None:
    async def handler(_: ActionContext) -> ActionResult:
        raise RuntimeError("the gears jammed")

    broken = Action("B", "turn the gears", "Breaks.", handler)
    async with (
        agent_with(tmp_path, Plugin("p", "p", actions=(broken,))) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        result = await runtime.run_action("B", MEMBER, 5)
    assert result.text == "❌ Failed to turn the gears: the gears jammed"


async def test_a_message_that_is_no_command_is_left_to_conversation(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        for text in (
            "don't enable custom reasoning",
            "how do I disable custom reasoning?",
            "he said 'enable custom reasoning'",
        ):
            message = Message(1, 5, ADMIN, text, addressed=True)
            assert await runtime.handle_message(message) is None
        status = await runtime.handle_message(
            Message(2, 5, MEMBER, "check reasoning status", addressed=True)
        )
        assert isinstance(status, ActionResult)
        assert "Disabled" in status.text


async def test_idle_runtimes_are_let_go_and_come_back(tmp_path: Path) -> None:
    notes: list[str] = []
    async with agent_with(tmp_path, noting_plugin(notes), idle_seconds=1e6) as agent:
        async with agent.runtime(GUILD) as held:
            await agent.let_go_of_idle(now=1e12)
            assert notes[-1] == "start guild:1001"
        await agent.let_go_of_idle(now=0.0)
        async with agent.runtime(GUILD) as same:
            assert same is held
        await agent.let_go_of_idle(now=1e12)
        assert notes[-1] == "stop guild:1001"
        async with agent.runtime(GUILD) as again:
            assert again is not held


async def test_worlds_that_are_let_go_leave_nothing(tmp_path: Path) -> None:
    async with agent_with(tmp_path) as agent:
        async with agent.runtime(GUILD), agent.runtime(OTHER_GUILD):
            pass
        await agent.let_go_of_idle(now=1e12)
        gc.collect()
        assert not agent._runtimes
        assert not agent._turns


async def test_a_store_that_does_not_close_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def close(_: SqliteWorldStore) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(SqliteWorldStore, "close", close)
    async with agent_with(tmp_path, idle_seconds=0.01) as agent:
        async with agent.runtime(GUILD), agent.runtime(OTHER_GUILD):
            pass
        for _ in range(500):
            await asyncio.sleep(0.01)
            if not agent._runtimes:
                break
        assert not agent._runtimes
        assert agent._reaper is not None
        assert not agent._reaper.done()
    assert caplog.text.count("did not close cleanly") == 2


async def test_a_slow_world_does_not_delay_the_others_at_the_end(tmp_path: Path) -> None:
    stopped: list[AgentRuntime] = []
    all_stop = asyncio.Event()

    class Slow:
        def __init__(self, runtime: AgentRuntime) -> None:
            self.runtime = runtime

        async def stop(self) -> None:
            stopped.append(self.runtime)
            if len(stopped) == 2:
                all_stop.set()
            await asyncio.wait_for(all_stop.wait(), 5)

    async def start(runtime: AgentRuntime) -> Slow:
        return Slow(runtime)

    slow = Plugin("slow", "stops slowly", services={"slow": start})
    async with agent_with(tmp_path, slow) as agent:
        async with agent.runtime(GUILD), agent.runtime(OTHER_GUILD):
            pass
        async with asyncio.timeout(3):
            await agent.close()
    assert all_stop.is_set()
