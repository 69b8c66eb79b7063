"""Being a Discord citizen: commands, translations, permissions, and what is missed and doubled."""

import logging
import re
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import Locale

from bot.front.command_sync import essence, registered, same_commands
from bot.front.permission_check import NEEDED, needed_permissions
from bot.front.translation import LOCALES
from bot.harness import FakeDiscord, sample_world
from bot.harness.faults import Drop, Duplicate, Reconnect
from bot.harness.model import Overwrite, OverwriteType
from bot.harness.permissions import Permission
from tests.front.scene import Scene, scene

NAME = re.compile(r"^[-_'\w]{1,32}$")


def puts(fake: FakeDiscord) -> int:
    return sum(request.method == "PUT" for request in fake.requests)


async def commands_of(stage: Scene) -> list[dict[str, Any]]:
    tree = stage.client.tree
    assert tree.translator is not None
    return [
        dict(await command.get_translated_payload(tree, tree.translator))
        for command in tree.get_commands()
    ]


def walk(item: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [part for option in item.get("options") or () for part in walk(option)]
    return [item, *inner]


async def test_every_command_speaks_every_language(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        for command in await commands_of(stage):
            for item in walk(command):
                for kind in ("name", "description"):
                    if not item.get(kind):
                        continue
                    told = item.get(f"{kind}_localizations") or {}
                    assert set(told) == {locale.value for locale in LOCALES}, item
                    assert all(
                        0 < len(text) <= (32 if kind == "name" else 100) for text in told.values()
                    )
                if command.get("type", 1) == 1:
                    for name in item["name_localizations"].values():
                        assert NAME.match(name), name
                        assert name == name.lower()
                for choice in item.get("choices") or ():
                    assert set(choice["name_localizations"]) == {loc.value for loc in LOCALES}


async def test_names_are_unique_in_every_language(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        commands = await commands_of(stage)
        for locale in LOCALES:
            for items in (
                commands,
                *(item.get("options") or () for c in commands for item in walk(c)),
            ):
                names = [item["name_localizations"][locale.value] for item in items]
                assert len(names) == len(set(names))


async def test_a_changed_translation_is_registered_and_nothing_else_twice(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        for _ in range(2):
            async with scene(tmp_path, fake=fake):
                assert puts(fake) == 1
        command = next(c for c in fake.world.commands.values() if c.spec["name"] == "records")
        assert command.spec["name_localizations"][Locale.german.value] == "aufzeichnungen"
        command.spec["name_localizations"][Locale.german.value] = "akten"
        async with scene(tmp_path, fake=fake):
            assert puts(fake) == 2


async def test_translations_are_listed_only_where_they_are_asked_for(tmp_path: Path) -> None:
    """As Discord does it; so without asking, every start would register all commands."""
    async with scene(tmp_path) as stage:
        tree = stage.client.tree
        assert not any(command.name_localizations for command in await tree.fetch_commands())
        assert all(command["name_localizations"] for command in await registered(tree))


def test_what_discord_fills_in_makes_no_difference() -> None:
    ours = {"name": "x", "description": "y", "dm_permission": False, "integration_types": None}
    theirs = {
        "id": "1",
        "type": 1,
        "name": "x",
        "description": "y",
        "contexts": [0],
        "integration_types": [0, 1],
        "options": [],
        "name_localizations": None,
        "default_member_permissions": None,
    }
    assert same_commands([ours], [theirs])
    for change in (
        {"description": "z"},
        {"contexts": [0, 1]},
        {"default_member_permissions": "32"},
        {"name_localizations": {"de": "q"}},
        {"options": [{"type": 3, "name": "o", "description": "p"}]},
    ):
        assert not same_commands([ours], [theirs | change])
    assert not same_commands([ours], [theirs, theirs | {"name": "other"}])
    assert essence(ours)


async def test_on_ready_registers_nothing(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake) as stage:
        reads = len(command_requests(fake))
        fake.faults.cause(Drop())
        await stage.client.wait_for("resumed", timeout=10)
        await stage.client.on_ready()
        assert len(command_requests(fake)) == reads


def command_requests(fake: FakeDiscord) -> list[Any]:
    return [request for request in fake.requests if request.path.endswith("/commands")]


async def test_what_is_missing_is_told_at_the_start_and_by_the_check(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = sample_world()
    guild = next(iter(world.guilds.values()))
    everyone = guild.roles[guild.id]
    everyone.permissions &= ~Permission.READ_MESSAGE_HISTORY
    channel = world.channels[guild.channel_ids[0]]
    denied = Overwrite(
        id=world.bot.id,
        type=OverwriteType.MEMBER,
        allow=Permission(0),
        deny=Permission.ATTACH_FILES,
    )
    caplog.set_level(logging.WARNING, "bot.front.permission_check")
    async with FakeDiscord(world) as fake, scene(tmp_path, fake=fake) as stage:
        (line,) = [r.getMessage() for r in caplog.records if "I lack" in r.getMessage()]
        assert "I lack: Read Message History." in line
        link = f"permissions={needed_permissions().value}"
        assert link in line
        answer = await stage.slash(stage.ada, "agent check")
        assert answer.ephemeral
        assert "❌ **Read Message History**" in answer.content
        assert link in answer.content
        assert f"guild_id={stage.guild_id}" in answer.content
        assert "In this channel" not in answer.content
        fake.world.set_overwrite(channel, denied)
        await stage.client.wait_for("guild_channel_update", timeout=5)
        answer = await stage.slash(stage.ada, "agent check")
        assert "In this channel" in answer.content
        assert "❌ **Attach Files**" in answer.content


async def test_where_nothing_is_missing_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(tmp_path) as stage:
        assert not [r for r in caplog.records if "I lack" in r.getMessage()]
        assert "All that I need" in (await stage.slash(stage.ada, "agent check")).content


def test_every_needed_permission_has_its_reason() -> None:
    assert needed_permissions() == discord.Permissions(**dict.fromkeys(NEEDED, True))
    assert all(NEEDED.values())


async def test_what_was_missed_in_a_short_break_is_answered_once(tmp_path: Path) -> None:
    """Cut off without a word, told to reconnect, and with every event twice."""
    for fault in (Drop(), Reconnect()):
        async with FakeDiscord() as fake, scene(tmp_path / fault.name, fake=fake) as stage:
            since = stage.ben.mark()
            fake.faults.cause(fault)
            said = [
                await stage.ben.say(stage.channel_id, f"<@{stage.bot_id}> number {number}")
                for number in range(3)
            ]
            for message in said:
                await stage.handled.wait(int(message["id"]))
            await stage.settled(stage.ben, stage.channel_id, said[0]["id"])
            answers = stage.ben.log.messages_since(since, author_id=stage.bot_id)
            replied = [a.latest["message_reference"]["message_id"] for a in answers]
            assert sorted(replied) == [message["id"] for message in said]


async def test_a_message_that_comes_twice_is_answered_once(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake) as stage:
        fake.faults.cause(Duplicate("MESSAGE_CREATE", times=2))
        await stage.ask(stage.ben, "one")
        await stage.ask(stage.ben, "two")
        answers = stage.ben.log.messages_since(0, author_id=stage.bot_id)
        assert len(answers) == 2
        assert len(stage.model.calls) == 2
