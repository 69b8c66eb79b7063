"""The reasoning service on a real agent and real files: on, off, recorded, fallen back."""

import asyncio
import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.agent.actions import ActionResult
from bot.agent.events import MessageEdited, MessagesDeleted, ReplySent
from bot.agent.models import Model, ModelError, ModelRequest, ModelResponse, ModelType
from bot.agent.permissions import Author, Permission
from bot.agent.plugin import Plugin
from bot.agent.runtime import AgentRuntime
from bot.store.engine import Engine
from bot.store.inbox import Inbox
from bot.store.operations import encode
from bot.store.records import Exchange, World
from bot.store.sqlite import SqliteWorldStore
from plugins.reasoning import reasoning_plugin
from plugins.reasoning import recorder as recorder_module
from plugins.reasoning import service as service_module
from plugins.reasoning.exchanges import counted
from plugins.reasoning.service import ReasoningService
from tests.agents import GUILD, OTHER_GUILD, ScriptedModel, agent_with, ask
from tests.grepping import files_with
from tests.store.filling import exchange

LARGE = ModelType.TEXT_LARGE
ADMIN = Author(8, "ada", frozenset({Permission.MANAGE_GUILD}))
MEMBER = Author(9, "ben")
ENABLE = "ENABLE_REASONING_SERVICE"
DISABLE = "DISABLE_REASONING_SERVICE"
STATUS = "CHECK_REASONING_STATUS"
MEASURED = ("first_token_ms", "prompt_tokens", "completion_tokens")


def rows(folder: Path, world: World = GUILD) -> list[Any]:
    connection = sqlite3.connect(folder / "guilds" / f"{world.id}.sqlite3")
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute("SELECT * FROM training_data ORDER BY id")]
    finally:
        connection.close()


def service_of(runtime: AgentRuntime) -> ReasoningService:
    service = runtime.services["reasoning"]
    assert isinstance(service, ReasoningService)
    return service


async def act(runtime: AgentRuntime, name: str, author: Author = ADMIN) -> str:
    result = await runtime.run_action(name, author, 5)
    assert isinstance(result, ActionResult)
    return result.text


async def until(runtime: AgentRuntime, words: str) -> str:
    """The status, as soon as it has these words in it."""
    async with asyncio.timeout(20):
        while words not in (status := await act(runtime, STATUS)):
            await asyncio.sleep(0.01)
    return status


async def test_the_seed_workflow(tmp_path: Path) -> None:
    """Enable, chat, status, disable, chat, status; then a restart, and still off."""
    model = ScriptedModel()
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        assert "Custom Reasoning Service Enabled!" in await act(runtime, ENABLE)
        assert runtime.use_model is not runtime.original_use_model
        await runtime.use_model(LARGE, ask("one"))
        await runtime.use_model(LARGE, ask("two"))
        status = await act(runtime, STATUS, MEMBER)
        assert "🟢 **Active**" in status
        assert "Records collected: 2" in status
        assert "“disable custom reasoning”" in status
        assert "already enabled" in await act(runtime, ENABLE)
        disabled = await act(runtime, DISABLE)
        assert "Records preserved: 2" in disabled
        assert runtime.use_model is runtime.original_use_model
        await runtime.use_model(LARGE, ask("three"))
        status = await act(runtime, STATUS)
        assert "🔴 **Disabled**" in status
        assert "Records collected: 2" in status
        assert "already disabled" in await act(runtime, DISABLE)
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        assert runtime.use_model is runtime.original_use_model
        assert "Records collected: 2" in await act(runtime, STATUS)
    assert [row["output"] for row in rows(tmp_path)] == ["hello", "hello"]


async def test_enabled_survives_a_restart_and_an_idle_rest(tmp_path: Path) -> None:
    model = ScriptedModel()
    plugins = (model.plugin(), reasoning_plugin())
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        await act(runtime, ENABLE)
    async with agent_with(tmp_path, *plugins) as agent:
        async with agent.runtime(GUILD) as runtime:
            await runtime.use_model(LARGE, ask("after the restart"))
            assert f"by <@{ADMIN.id}>" in await act(runtime, STATUS)
        await agent.let_go_of_idle(now=1e12)
        async with agent.runtime(GUILD) as again:
            assert again is not runtime
            await again.use_model(LARGE, ask("after the rest"))
    assert len(rows(tmp_path)) == 2


async def test_members_may_look_and_not_touch(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        assert "Manage Server" in await act(runtime, ENABLE, MEMBER)
        assert runtime.use_model is runtime.original_use_model
        await act(runtime, ENABLE)
        assert "Manage Server" in await act(runtime, DISABLE, MEMBER)
        assert runtime.use_model is not runtime.original_use_model
        assert "Active" in await act(runtime, STATUS, MEMBER)


async def test_guilds_are_islands(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as one,
        agent.runtime(OTHER_GUILD) as other,
    ):
        await act(one, ENABLE)
        assert other.use_model is other.original_use_model
        await asyncio.gather(
            *(runtime.use_model(LARGE, ask()) for runtime in (one, other) for _ in range(5))
        )
        assert "Records collected: 5" in await act(one, STATUS)
        assert "Records collected: 0" in await act(other, STATUS)
    assert not (tmp_path / "guilds" / f"{OTHER_GUILD.id}.sqlite3").exists()


async def test_a_failure_is_a_row_of_equal_standing(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        model.fails_with = ModelError("503 from the provider")
        before = time.time() * 1000
        with pytest.raises(ModelError, match="503"):
            await runtime.use_model(LARGE, ask("why?"))
        assert "failed: 1" in await act(runtime, STATUS)
    (row,) = rows(tmp_path)
    assert (row["success"], row["error"], row["output"]) == (0, "503 from the provider", None)
    assert json.loads(row["input"])[-1] == {"role": "user", "content": "ben: why?"}
    assert (row["room_id"], row["user_id"], row["message_id"]) == (5, 9, 7)
    assert row["model_type"] == "planning"
    assert before - 50 <= row["timestamp"] <= time.time() * 1000
    assert len(model.calls) == 1


async def test_a_cancelled_call_is_recorded_as_such(tmp_path: Path) -> None:
    model, started = ScriptedModel(), asyncio.Event()

    async def hang(_: ModelRequest) -> None:
        started.set()
        await asyncio.Event().wait()

    model.before = hang
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        call = asyncio.ensure_future(runtime.use_model(LARGE, ask()))
        await started.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    (row,) = rows(tmp_path)
    assert row["error"] == "cancelled before it was answered"


class Shown:
    """What a person saw of a stream."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, piece: str) -> None:
        self.text += piece

    def restart(self) -> None:
        self.text = ""


async def test_the_custom_model_answers_first(tmp_path: Path) -> None:
    lead, custom = ScriptedModel("lead"), ScriptedModel("custom", "from the custom model")
    plugins = (lead.plugin(), custom.plugin(None), reasoning_plugin())
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        assert (await runtime.use_model(LARGE, ask())).provider == "lead"
        await act(runtime, ENABLE)
        assert (await runtime.use_model(LARGE, ask())).text == "from the custom model"
        await act(runtime, DISABLE)
        assert (await runtime.use_model(LARGE, ask())).provider == "lead"
    (row,) = rows(tmp_path)
    assert (row["provider"], row["fallback_from"]) == ("custom", None)
    assert (len(lead.calls), len(custom.calls)) == (2, 1)


Before = Callable[[ModelRequest], Awaitable[None]]


async def hang(_: ModelRequest) -> None:
    await asyncio.Event().wait()


async def half_then_cut(request: ModelRequest) -> None:
    assert request.stream is not None
    request.stream.write("half an ans")
    raise ModelError("stopped in the middle of its answer")


async def crash(_: ModelRequest) -> None:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("before", "text", "reason"),
    [
        (hang, "x", "no answer within 0.05 s"),
        (half_then_cut, "x", "stopped in the middle of its answer"),
        (crash, "x", "division by zero"),
        (None, " \n", "the answer was empty"),
    ],
    ids=["time-out", "cut stream", "bug", "empty"],
)
async def test_it_falls_back_once_whatever_fails(
    tmp_path: Path, before: Before | None, text: str, reason: str
) -> None:
    lead, custom, shown = ScriptedModel("lead", "lead's"), ScriptedModel("custom", text), Shown()
    custom.before = before
    plugins = (lead.plugin(), custom.plugin(None), reasoning_plugin(custom_seconds=0.05))
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        await act(runtime, ENABLE)
        response = await runtime.use_model(LARGE, ask().override(stream=shown))
        assert response.text == shown.text == "lead's"
        assert "Fell back to the original: 1" in await act(runtime, STATUS)
    (row,) = rows(tmp_path)
    assert (row["success"], row["provider"], row["output"]) == (1, "lead", "lead's")
    assert row["fallback_from"] == "custom/scripted"
    assert reason in row["fallback_reason"]
    assert (len(lead.calls), len(custom.calls)) == (1, 1)


async def test_when_both_fail_the_record_names_both(tmp_path: Path) -> None:
    lead, custom = ScriptedModel("lead"), ScriptedModel("custom")
    lead.fails_with, custom.fails_with = ModelError("lead is down"), ModelError("custom is down")
    plugins = (lead.plugin(), custom.plugin(None), reasoning_plugin())
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        await act(runtime, ENABLE)
        with pytest.raises(ModelError, match="lead is down"):
            await runtime.use_model(LARGE, ask())
    (row,) = rows(tmp_path)
    assert (row["success"], row["error"]) == (0, "lead is down")
    assert row["fallback_reason"] == "custom is down"
    assert (len(lead.calls), len(custom.calls)) == (1, 1)


async def test_no_time_limit_is_put_around_the_original(tmp_path: Path) -> None:
    lead, custom, started = ScriptedModel("lead"), ScriptedModel("custom"), asyncio.Event()
    go_on = asyncio.Event()

    async def slow(_: ModelRequest) -> None:
        started.set()
        await go_on.wait()

    lead.before, custom.before = slow, hang
    plugins = (lead.plugin(), custom.plugin(None), reasoning_plugin(custom_seconds=0.01))
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        await act(runtime, ENABLE)
        call = asyncio.ensure_future(runtime.use_model(LARGE, ask()))
        await started.wait()
        done, _ = await asyncio.wait([call], timeout=0.05)
        assert not done
        go_on.set()
        assert (await call).provider == "lead"


async def test_the_reply_is_attached(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        request = ask()
        await runtime.use_model(LARGE, request)
        await runtime.emit(ReplySent(request.id, [81, 82]))
        unrecorded = ask()
        await runtime.emit(ReplySent(unrecorded.id, [91]))
    (row,) = rows(tmp_path)
    assert (row["id"], row["reply_id"]) == (request.id, 81)


async def test_a_request_that_is_used_twice_makes_two_records(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        request = ask()
        await runtime.use_model(LARGE, request)
        await runtime.use_model(LARGE, request)
    assert len(rows(tmp_path)) == 2


@pytest.mark.parametrize("when", ["before the answer", "before it is written", "after"])
@pytest.mark.parametrize("change", ["edit", "delete"])
async def test_changes_in_discord_are_followed_at_any_time(
    tmp_path: Path, when: str, change: str
) -> None:
    model, started, go_on = ScriptedModel(), asyncio.Event(), asyncio.Event()

    async def wait(_: ModelRequest) -> None:
        started.set()
        await go_on.wait()

    event = MessageEdited(7, 9, "changed") if change == "edit" else MessagesDeleted([7])
    model.before = wait
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        call = asyncio.ensure_future(runtime.use_model(LARGE, ask("a secret")))
        await started.wait()
        if when == "before the answer":
            await runtime.emit(event)
        go_on.set()
        await call
        if when == "after":
            await service_of(runtime).recorder.flush()
        await runtime.emit(event)
    (row,) = rows(tmp_path)
    expected = "ben: changed" if change == "edit" else "[deleted]"
    assert json.loads(row["input"])[-1]["content"] == expected
    if when != "after":
        assert files_with(tmp_path / "guilds", "a secret") == []


async def test_a_deleted_reply_takes_the_output_with_it(tmp_path: Path) -> None:
    """Also when it was deleted before the service knew that it was the reply."""
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        for reply_id, early in ((81, True), (82, False)):
            request = ask()
            await runtime.use_model(LARGE, request)
            events = [MessagesDeleted([reply_id]), ReplySent(request.id, [reply_id])]
            for event in events if early else reversed(events):
                await runtime.emit(event)
    assert [row["output"] for row in rows(tmp_path)] == [None, None]


async def test_without_a_disk_chat_goes_on_and_the_status_says_so(tmp_path: Path) -> None:
    (tmp_path / "guilds").write_text("a file where the folder should be")
    model = ScriptedModel()
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin(), idle_seconds=0.0) as agent,
    ):
        async with agent.runtime(GUILD) as runtime:
            enabled = await act(runtime, ENABLE)
            assert "Enabled!" in enabled
            assert "could not be saved" in enabled
            for _ in range(3):
                assert (await runtime.use_model(LARGE, ask())).text == "hello"
            status = await act(runtime, STATUS)
            assert "🟢 **Active**" in status
            assert "exchanges are kept, and wait for their file" in status
            assert "DATA_DIR" in status
        await agent.let_go_of_idle(now=1e12)
        async with agent.runtime(GUILD) as same:
            assert same is runtime, "what could not be saved must not be forgotten"
        (tmp_path / "guilds").unlink()
        async with agent.runtime(GUILD) as runtime:
            await runtime.use_model(LARGE, ask())
            status = await until(runtime, "Records collected: 4")
            assert "Recording: every exchange is being kept\n" in status


async def test_without_any_disk_chat_goes_on_and_the_status_says_so(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("a file where the folder should be")
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        assert (await runtime.use_model(LARGE, ask())).text == "hello"
        status = await until(runtime, "nothing is being kept")
        assert "DATA_DIR" in status
        assert str(tmp_path) not in status
        (tmp_path / "inbox").unlink()
        await until(runtime, "Recording: every exchange is being kept\n")
    assert len(rows(tmp_path)) == 1


async def test_the_status_says_what_was_lost_while_the_bot_was_down(tmp_path: Path) -> None:
    plugins = (ScriptedModel().plugin(), reasoning_plugin())
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        await act(runtime, ENABLE)
    inbox = Inbox(tmp_path, Engine())
    inbox.append([(GUILD, *encode(exchange(number))) for number in range(4)])
    inbox.close()
    (path,) = (tmp_path / "inbox").glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE operations SET world_kind = 'x' WHERE seq = 1")
        connection.execute("UPDATE operations SET kind = 'x' WHERE seq > 2")
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        status = await act(runtime, STATUS)
        assert "Records collected: 1 " in status
        assert "every exchange is being kept; 2 not kept since the start\n" in status
        assert "1 records that waited for the servers' files could not be read" in status


async def test_a_damaged_file_does_not_stop_the_chat(tmp_path: Path) -> None:
    path = tmp_path / "guilds" / f"{GUILD.id}.sqlite3"
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 100)
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
        agent.runtime(OTHER_GUILD) as other,
    ):
        assert (await runtime.use_model(LARGE, ask())).text == "hello"
        assert "Records collected: unknown" in await act(runtime, STATUS)
        await act(other, ENABLE)
        await other.use_model(LARGE, ask())
    assert len(rows(tmp_path, OTHER_GUILD)) == 1


async def test_toggling_while_calls_are_in_flight(tmp_path: Path) -> None:
    """Each call is recorded if the service was on when it began, and exactly once."""
    model = ScriptedModel()

    async def tick(_: ModelRequest) -> None:
        await asyncio.sleep(0.001)

    model.before = tick
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        expected = 0
        calls: list[asyncio.Future[Any]] = []
        for _ in range(10):
            for action in (ENABLE, DISABLE):
                await act(runtime, action)
                expected += 5 * (action == ENABLE)
                calls += [asyncio.ensure_future(runtime.use_model(LARGE, ask())) for _ in range(5)]
        await asyncio.gather(*calls)
    assert len(model.calls) == 100
    assert len(rows(tmp_path)) == expected


async def test_enable_and_disable_at_once_end_in_one_of_the_two(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await asyncio.gather(*(act(runtime, name) for name in (ENABLE, DISABLE) * 10))
        enabled = service_of(runtime).state.enabled
        assert (runtime.use_model is not runtime.original_use_model) == enabled
        assert (await runtime.store.get_setting("reasoning"))["enabled"] == enabled


async def test_one_call_that_cannot_be_stored_takes_no_other_with_it(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with (
        agent_with(tmp_path, model.plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        for text in ("one", "half a character: \ud83d", "two", "\udc00", "three"):
            model.text = text
            await runtime.use_model(LARGE, ask())
        status = await act(runtime, STATUS)
        assert "every exchange is being kept; 2 not kept since the start" in status
        assert "no valid Unicode" in status
        await runtime.emit(MessageEdited(8, 9, "\ud83d"))
        await runtime.emit(MessagesDeleted([7]))
        lost = "; 2 not kept since the start, and 1 changes to them"
        assert f"every exchange is being kept{lost}" in await act(runtime, STATUS)
        await act(runtime, DISABLE)
        assert f"Recording: off{lost}" in await act(runtime, STATUS)
    assert sorted(row["output"] for row in rows(tmp_path)) == ["one", "three", "two"]
    assert json.loads(rows(tmp_path)[0]["input"])[-1]["content"] == "[deleted]"


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 2**63, 10**30, "5", [5]])
async def test_what_a_model_miscounts_costs_that_number_alone(tmp_path: Path, number: int) -> None:
    async def answer(_: ModelRequest) -> ModelResponse:
        return ModelResponse(
            "hello", "odd", "odd", None, "stop", number, number, first_token_ms=number
        )

    plugin = Plugin("odd", "miscounts", models=(Model("odd", "odd", answer, priority=0),))
    async with (
        agent_with(tmp_path, plugin, reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        await runtime.use_model(LARGE, ask())
        assert "not kept" not in await act(runtime, STATUS)
    (row,) = rows(tmp_path)
    assert row["output"] == "hello"
    assert [row[name] for name in MEASURED] == [None] * 3


def test_tokens_are_whole() -> None:
    assert [counted(number) for number in (5, 5.0, 5.5, None)] == [5, 5, None, None]  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["store", "record"])
async def test_what_breaks_in_an_unforeseen_way_is_counted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)

        def submit(*_: object) -> None:
            raise RuntimeError("the gears jammed")

        def to_exchange(*_: object) -> Exchange:
            raise RuntimeError("the gears jammed")

        with monkeypatch.context() as patch:
            if where == "store":
                patch.setattr(SqliteWorldStore, "submit", submit)
            else:
                patch.setattr(recorder_module, "to_exchange", to_exchange)
            for _ in range(3):
                await runtime.use_model(LARGE, ask())
            status = await act(runtime, STATUS)
            assert "; 3 not kept since the start" in status
            assert "RuntimeError" in status
        await runtime.use_model(LARGE, ask())
        assert "Records collected: 1" in await act(runtime, STATUS)
    assert "the gears jammed" in caplog.text


async def test_a_file_that_is_deleted_while_it_is_on_is_made_again(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        await runtime.use_model(LARGE, ask())
        assert "Records collected: 1" in await act(runtime, STATUS)
        for file in list((tmp_path / "guilds").iterdir()):
            file.unlink()
        await runtime.use_model(LARGE, ask())
        assert "Records collected: 1" in await act(runtime, STATUS)
    assert len(rows(tmp_path)) == 1


def damage(folder: Path) -> Callable[[], None]:
    """Make the guild's file unreadable; returns what undoes it."""
    path = folder / "guilds" / f"{GUILD.id}.sqlite3"
    content = path.read_bytes()
    path.write_bytes(b"this is no database" * 100)

    def repair() -> None:
        path.write_bytes(content)

    return repair


@pytest.mark.parametrize("by", ["a message", "status", "enable", "disable"])
async def test_a_state_that_cannot_be_read_is_unknown_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    lead, custom = ScriptedModel("lead"), ScriptedModel("custom")
    plugins = (lead.plugin(), custom.plugin(None), reasoning_plugin())
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        await act(runtime, ENABLE)
    repair = damage(tmp_path)
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        status = await act(runtime, STATUS)
        assert "⚠️ unknown: the state could not be read" in status
        assert "damaged" in status
        assert str(tmp_path) not in status
        assert (await runtime.use_model(LARGE, ask())).provider == "lead"
        lost = "; 1 not kept since the start"
        assert f"until the state can be read{lost}" in await act(runtime, STATUS)
        repair()
        monkeypatch.setattr(service_module, "UNREAD_SECONDS", 0.0)
        if by == "status":
            assert "🟢 **Active**" in await act(runtime, STATUS)
        elif by == "disable":
            assert "Service Disabled" in await act(runtime, DISABLE)
        elif by == "enable":
            await act(runtime, ENABLE)
        answers = [(await runtime.use_model(LARGE, ask())).provider for _ in range(2)]
        assert answers == ["lead" if by == "disable" else "custom"] * 2
        if by == "disable":
            assert runtime.use_model is runtime.original_use_model
        status = await act(runtime, STATUS)
        assert "unknown" not in status
        assert lost in status
    assert len(rows(tmp_path)) == (0 if by == "disable" else 2)
    assert (len(lead.calls), len(custom.calls)) == ((3, 0) if by == "disable" else (1, 2))


@pytest.mark.parametrize("name", [ENABLE, DISABLE])
async def test_only_where_it_was_on_is_something_lost_while_the_state_is_unknown(
    tmp_path: Path, name: str
) -> None:
    async with agent_with(
        tmp_path, ScriptedModel().plugin(), reasoning_plugin(), idle_seconds=0.0
    ) as agent:
        async with agent.runtime(GUILD) as runtime:
            await act(runtime, ENABLE)
            await act(runtime, name)
        await agent.let_go_of_idle(time.monotonic() + 60)
        damage(tmp_path)
        async with agent.runtime(GUILD) as runtime:
            await runtime.use_model(LARGE, ask())
            status = await act(runtime, STATUS)
    assert "until the state can be read" in status
    assert ("; 1 not kept since the start" in status) is (name == ENABLE)


@pytest.mark.parametrize("name", [ENABLE, DISABLE])
async def test_what_an_admin_says_goes_while_the_state_is_unknown(
    tmp_path: Path, name: str
) -> None:
    plugins = (ScriptedModel().plugin(), reasoning_plugin())
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        await act(runtime, ENABLE)
    damage(tmp_path)
    async with agent_with(tmp_path, *plugins) as agent, agent.runtime(GUILD) as runtime:
        said = await act(runtime, name)
        assert "could not be saved" in said
        assert str(tmp_path) not in said
        assert service_of(runtime).unread is None
        assert service_of(runtime).state.enabled == (name == ENABLE)
        assert (runtime.use_model is runtime.original_use_model) == (name == DISABLE)


async def test_a_state_that_makes_no_sense_is_unknown(tmp_path: Path) -> None:
    async with agent_with(tmp_path, reasoning_plugin()) as agent, agent.runtime(GUILD) as runtime:
        await runtime.store.set_setting("reasoning", ["on"])
    async with agent_with(tmp_path, reasoning_plugin()) as agent, agent.runtime(GUILD) as runtime:
        assert "makes no sense" in await act(runtime, STATUS)


async def test_changes_wait_for_a_file_that_is_locked(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        await runtime.use_model(LARGE, ask("a secret"))
        await act(runtime, STATUS)
        other = sqlite3.connect(runtime.store.location, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await runtime.emit(MessageEdited(7, 9, "a secret too"))
        await runtime.emit(MessagesDeleted([7]))
        assert "another program" in await until(runtime, "wait for their file")
        other.execute("ROLLBACK")
        other.close()
        await until(runtime, "every exchange is being kept")
        assert json.loads(rows(tmp_path)[0]["input"])[-1]["content"] == "[deleted]"
        assert files_with(tmp_path / "guilds", "a secret") == []
