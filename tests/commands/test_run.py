"""`understudy run`, as a process: restarts, kills, real model servers, and what goes wrong."""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.harness import FakeDiscord, Person, SeenMessage
from bot.store.records import World, WorldKind
from bot.store.setting_aside import rename_aside
from bot.store.sqlite import SqliteStore
from tests.commands.processes import Understudy, at, understudy
from tests.model_server import ModelServer, Reply


class Place:
    """A fake Discord with ada (an admin) and ben (a member) in it."""

    def __init__(self, fake: FakeDiscord, ada: Person, ben: Person) -> None:
        self.fake = fake
        self.ada = ada
        self.ben = ben
        self.about: dict[str, Any] = fake.describe()

    async def say(self, person: Person, text: str, *, expect: str) -> SeenMessage:
        """Say something to the bot and wait for an answer with `expect` in it."""
        since = person.mark()
        await person.say(self.about["channel_id"], f"<@{self.about['bot_user_id']}> {text}")
        return await person.message_from(
            self.about["bot_user_id"],
            since=since,
            timeout=20,
            until=lambda message: expect in message.content,
        )

    def file(self, folder: Path) -> Path:
        """The guild's SQLite file."""
        return folder / "data" / "guilds" / f"{self.about['guild_id']}.sqlite3"

    def rows(self, folder: Path) -> list[Any]:
        """All of `training_data`."""
        connection = sqlite3.connect(self.file(folder))
        connection.row_factory = sqlite3.Row
        try:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            return [dict(row) for row in connection.execute("SELECT * FROM training_data")]
        finally:
            connection.close()


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    async with FakeDiscord() as fake:
        users = {user["name"]: user for user in fake.describe()["users"]}
        async with (
            Person(users["ada"], fake.rest, fake.gateway) as ada,
            Person(users["ben"], fake.rest, fake.gateway) as ben,
        ):
            yield Place(fake, ada, ben)


def lead(server: ModelServer) -> dict[str, str]:
    return {"MODEL_URL": server.url, "MODEL_NAME": "lead-model", "MODEL_API_KEY": "k"}


def custom(server: ModelServer) -> dict[str, str]:
    return {
        "CUSTOM_MODEL_URL": server.url,
        "CUSTOM_MODEL_NAME": "understudy-1",
        "CUSTOM_MODEL_TIMEOUT": "1",
    }


async def test_the_seed_workflow_over_restarts(tmp_path: Path) -> None:
    async with place() as here, ModelServer(default="From the lead.") as server:
        settings = at(here.fake, tmp_path, **lead(server))
        async with understudy(tmp_path, "run", settings=settings) as bot:
            await bot.said("Ready as")
            await here.say(here.ada, "enable custom reasoning", expect="Enabled!")
            await here.say(here.ben, "hello", expect="From the lead.")
            await here.say(here.ben, "hello", expect="From the lead.")
            await here.say(here.ada, "check reasoning status", expect="Records collected: 2")
            assert await bot.end() == 0
        async with understudy(tmp_path, "run", settings=settings) as bot:
            await bot.said("Ready as")
            await here.say(here.ben, "and hello again", expect="From the lead.")
            await here.say(here.ada, "disable custom reasoning", expect="Records preserved: 3")
            await here.say(here.ben, "hello", expect="From the lead.")
            assert await bot.end() == 0
        async with understudy(tmp_path, "run", settings=settings) as bot:
            await bot.said("Ready as")
            answer = await here.say(here.ada, "check reasoning status", expect="collected: 3")
            assert "🔴 **Disabled**" in answer.content
            assert await bot.end(signal.SIGINT) == 0
    assert [row["output"] for row in here.rows(tmp_path)] == ["From the lead."] * 3
    assert {row["model"] for row in here.rows(tmp_path)} == {"lead-model"}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=503), "503"),
        (Reply(fault="html"), ""),
        (Reply("half of it is", fault="cut_stream", cut_after=2), ""),
        (Reply(fault="broken_stream"), ""),
        (Reply(fault="empty"), ""),
        (Reply(fault="malformed"), ""),
        (Reply(fault="hang"), "within 1 s"),
        (Reply(fault="trickle"), ""),
    ],
    ids=lambda value: (value.fault or str(value.status)) if isinstance(value, Reply) else "",
)
async def test_the_custom_model_fails_and_the_person_gets_one_answer(
    tmp_path: Path, reply: Reply, reason: str
) -> None:
    async with (
        place() as here,
        ModelServer(default="From the lead.") as leading,
        ModelServer("From the understudy.", reply) as standing_by,
    ):
        settings = at(here.fake, tmp_path, **lead(leading), **custom(standing_by))
        async with understudy(tmp_path, "run", settings=settings) as bot:
            await bot.said("Ready as")
            await here.say(here.ada, "enable custom reasoning", expect="understudy-1")
            await here.say(here.ben, "one", expect="From the understudy.")
            since = here.ben.mark()
            await here.say(here.ben, "two", expect="From the lead.")
            await here.say(here.ada, "check reasoning status", expect="original: 1")
            answers = [
                message.content
                for message in here.ben.log.messages_since(
                    since, author_id=here.about["bot_user_id"]
                )
                if "Status" not in message.content
            ]
            assert await bot.end() == 0
    first, second = here.rows(tmp_path)
    assert answers == ["From the lead."]
    assert (len(leading.requests), len(standing_by.requests)) == (1, 2)
    assert (first["model"], first["fallback_from"]) == ("understudy-1", None)
    assert (second["model"], second["success"]) == ("lead-model", 1)
    assert second["fallback_from"] == "custom/understudy-1"
    assert reason in second["fallback_reason"]


async def test_thinking_is_kept_apart(tmp_path: Path) -> None:
    async with place() as here, ModelServer() as leading, ModelServer() as standing_by:
        standing_by.script(
            Reply("Forty-two.", reasoning="Six by seven.", style="tags"),
            Reply("Forty-two.", reasoning="Six by seven.", style="reasoning"),
        )
        settings = at(here.fake, tmp_path, **lead(leading), **custom(standing_by))
        async with understudy(tmp_path, "run", settings=settings) as bot:
            await bot.said("Ready as")
            await here.say(here.ada, "enable custom reasoning", expect="Enabled!")
            for _ in range(2):
                answer = await here.say(here.ben, "six by seven?", expect="Forty-two.")
                assert answer.content == "Forty-two."
            await here.say(here.ada, "check reasoning status", expect="collected: 2")
            await bot.end()
    for row in here.rows(tmp_path):
        assert (row["output"], row["reasoning"].strip()) == ("Forty-two.", "Six by seven.")
        assert (row["prompt_tokens"], row["completion_tokens"]) == (11, 7)


def kept(bot: Understudy) -> set[int]:
    """The ids of all exchanges that the process has reported as kept."""
    return {int(line.rpartition(": ")[2]) for line in bot.errors if "Kept in" in line}


async def test_a_kill_loses_nothing_that_was_reported_as_kept(tmp_path: Path) -> None:
    async with place() as here, ModelServer(default="From the lead.") as server:
        settings = at(here.fake, tmp_path, LOG_LEVEL="debug", **lead(server))
        reported: set[int] = set()
        for round_number in range(3):
            async with understudy(tmp_path, "run", settings=settings) as bot:
                await bot.said("Ready as")
                if round_number == 0:
                    await here.say(here.ada, "enable custom reasoning", expect="Enabled!")
                bot_mention = f"<@{here.about['bot_user_id']}>"
                chatting = [
                    asyncio.create_task(
                        person.say(here.about["channel_id"], f"{bot_mention} line {number}")
                    )
                    for number in range(12)
                    for person in (here.ada, here.ben)
                ]
                await bot.said("Kept in")
                assert await bot.end(signal.SIGKILL) == -signal.SIGKILL
                await asyncio.gather(*chatting)
                assert kept(bot)
                reported |= kept(bot)
        async with SqliteStore(tmp_path / "data", in_process=True) as store:
            # The writer outlives the bot until all is in the server's file.
            await store.drained()
        found = [row["id"] for row in here.rows(tmp_path)]
        assert reported <= set(found)
        assert len(found) == len(set(found))
        async with understudy(tmp_path, "run", settings=settings) as bot:
            await bot.said("Ready as")
            answer = await here.say(here.ada, "check reasoning status", expect="Status")
            assert "🟢 **Active**" in answer.content
            assert f"Records collected: {len(found)}" in answer.content


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"DISCORD_TOKEN": ""}, "DISCORD_TOKEN: is not set."),
        ({"DISCORD_API_URL": "discord.com"}, "DISCORD_API_URL: should be an address"),
        ({"MODEL_TIMEOUT": "soon"}, "MODEL_TIMEOUT: should be a valid number"),
        ({"CUSTOM_MODEL_URL": "http://127.0.0.1:9/v1"}, "CUSTOM_MODEL_NAME: is not set."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_wrong_setting_is_one_line_and_exit_2(
    tmp_path: Path, wrong: dict[str, str], line: str
) -> None:
    settings = {"DISCORD_TOKEN": "hunter2", **wrong}
    async with understudy(tmp_path, "run", settings=settings) as bot:
        assert await bot.ended() == 2
    assert len(bot.errors) == 1
    assert bot.errors[0].startswith(line)
    assert "hunter2" not in bot.output + "\n".join(bot.errors)


async def test_a_refused_token_a_missing_intent_and_nobody_there(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, ModelServer() as server:
        settings = at(fake, tmp_path, **lead(server))
        refused = {**settings, "DISCORD_TOKEN": "hunter2"}
        async with understudy(tmp_path, "run", settings=refused) as bot:
            assert await bot.ended() == 2
            assert bot.errors == [
                line for line in bot.errors if "DISCORD_TOKEN: was refused" in line
            ]
            assert "hunter2" not in "".join(bot.errors)
        fake.allow_privileged_intents(False)
        async with understudy(tmp_path, "run", settings=settings) as bot:
            assert await bot.ended() == 1
            assert "Message Content Intent" in bot.errors[-1]
            assert "Traceback" not in "".join(bot.errors)
    for gone in ("DISCORD_API_URL", "DISCORD_GATEWAY_URL"):
        async with FakeDiscord() as fake, ModelServer() as server:
            nowhere = "http://127.0.0.1:9/api/v10" if "API" in gone else "ws://127.0.0.1:9"
            settings = {**at(fake, tmp_path, **lead(server)), gone: nowhere}
            async with understudy(tmp_path, "run", settings=settings) as bot:
                assert await bot.ended() == 1
                assert f"{nowhere} cannot be reached" in bot.errors[-1]
                assert "Traceback" not in "".join(bot.errors)


@asynccontextmanager
async def web_server(text: str, kind: str, status: int = 200) -> AsyncIterator[str]:
    """A server that answers everything with one page."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/api/v10"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [("<p>\nhello</p>", "text/html"), ("{}", "application/json"), ("[]", "application/json")],
)
@pytest.mark.parametrize("command", ["run", "doctor"])
async def test_a_server_that_is_no_discord(
    tmp_path: Path, text: str, kind: str, command: str
) -> None:
    async with FakeDiscord() as fake, ModelServer() as server, web_server(text, kind) as api:
        settings = {**at(fake, tmp_path, **lead(server)), "DISCORD_API_URL": api}
        async with understudy(tmp_path, command, settings=settings) as bot:
            assert await bot.ended() == 1
    lines = bot.output.splitlines() if command == "doctor" else bot.errors
    assert f"DISCORD_API_URL: {api} does not answer as Discord does" in lines[-1]
    assert "Traceback" not in "".join(bot.errors)


async def test_a_page_instead_of_discord_s_error_is_one_line(tmp_path: Path) -> None:
    page = "<p>\n" + "not here\n" * 200
    async with (
        FakeDiscord() as fake,
        ModelServer() as server,
        web_server(page, "text/html", 404) as api,
    ):
        settings = {**at(fake, tmp_path, **lead(server)), "DISCORD_API_URL": api}
        async with understudy(tmp_path, "run", settings=settings) as bot:
            assert await bot.ended() == 1
    assert bot.errors[-1].startswith(f"{api} cannot be reached (404 Not Found")
    assert len(bot.errors[-1]) < 500


async def test_a_broken_env_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SYSTEM_PROMPT=caf\xe9\n")
    async with understudy(tmp_path, "run") as bot:
        assert await bot.ended() == 2
    assert bot.errors == [".env: cannot be read. It should be text in UTF-8."]


@pytest.mark.parametrize("port", ["99999", "-5", "http", "²"])
async def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    async with understudy(tmp_path, "fake-discord", "--port", port) as fake:
        assert await fake.ended() == 2
    assert "--port: should be a port from 0 to 65535" in fake.errors[-1]


async def test_the_doctor_opens_the_records(tmp_path: Path) -> None:
    guilds = tmp_path / "data" / "guilds"
    guilds.mkdir(parents=True)
    store = SqliteStore(tmp_path / "data").world(World(WorldKind.GUILD, 7))
    await store.set_setting("a", 1)
    await store.close()
    async with FakeDiscord() as fake, ModelServer() as server:
        settings = at(fake, tmp_path, **lead(server))
        async with understudy(tmp_path, "doctor", settings=settings) as doctor:
            assert await doctor.ended() == 0
        assert "✓ records: open" in doctor.output
        assert [path.name for path in guilds.iterdir()] == ["7.sqlite3"]
        (guilds / "8.sqlite3").write_bytes(b"this is no database" * 99)
        async with understudy(tmp_path, "doctor", settings=settings) as doctor:
            assert await doctor.ended() == 1
        assert "✗ records: " in doctor.output
        assert "8.sqlite3" in doctor.output
        aside = rename_aside(guilds / "7.sqlite3")
        inbox = guilds.parent / "inbox" / "00000000000000000005.sqlite3.damaged-1"
        inbox.parent.mkdir()
        inbox.write_bytes(b"no database" * 1000)
        (tmp_path / "data" / "installation.sqlite3").write_bytes(b"no database" * 1000)
        async with understudy(tmp_path, "doctor", settings=settings) as doctor:
            assert await doctor.ended() == 1
        assert f"✗ records: {aside}: is damaged" in doctor.output
        assert "is deleted on" in doctor.output
        assert f"✗ records: {inbox}: is a damaged part of the inbox" in doctor.output
        assert "at least 1 records cannot" in doctor.output
        assert "✗ installation: " in doctor.output


async def test_the_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, ModelServer() as server:
        settings = at(fake, tmp_path, **lead(server), **custom(server))
        async with understudy(tmp_path, "doctor", settings=settings) as doctor:
            assert await doctor.ended() == 0
            lines = doctor.output.splitlines()
        assert [line[0] for line in lines] == ["✓"] * 6
        (tmp_path / "file").write_text("")
        broken = {
            **settings,
            "DISCORD_TOKEN": "hunter2",
            "DATA_DIR": str(tmp_path / "file" / "data"),
            "MODEL_URL": "http://127.0.0.1:9/v1",
            "DISCORD_GATEWAY_URL": "ws://127.0.0.1:9",
        }
        async with understudy(tmp_path, "doctor", settings=broken) as doctor:
            assert await doctor.ended() == 1
            lines = doctor.output.splitlines()
        assert [line[0] for line in lines] == ["✓", "✗", "✗", "✓", "✗", "✗"]
        assert lines[2].endswith("Check MODEL_URL, MODEL_NAME and MODEL_API_KEY.")
        assert "hunter2" not in doctor.output
        async with understudy(tmp_path, "doctor", settings={"LOG_LEVEL": "loud"}) as doctor:
            assert await doctor.ended() == 2
            assert "LOG_LEVEL" in doctor.output


async def test_the_fake_discord_alone(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = ("fake-discord", "--ready-file", str(ready))
    async with understudy(tmp_path, *command) as fake, asyncio.timeout(20):
        while not ready.exists():
            await asyncio.sleep(0.01)
        about = json.loads(ready.read_text())
        users = {user["role"] for user in about["users"]}
        assert users == {"admin", "member"}
        async with Person(about["users"][0], about["rest"], about["gateway"]) as person:
            await person.say(about["channel_id"], "is anybody there?")
        assert await fake.end() == 0
    assert json.loads(fake.output) == about


async def test_the_fake_discord_s_ready_file_replaces_nothing_that_is_no_file(
    tmp_path: Path,
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = ("fake-discord", "--ready-file", str(pipe))
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
        async with understudy(tmp_path, *command) as fake, asyncio.timeout(20):
            while not (read := reader.read()):
                await asyncio.sleep(0.01)
            assert await fake.end() == 0
    assert pipe.is_fifo()
    assert read.decode() == fake.output
