"""World files: what they say is what there is, and what is wrong in them is named."""

import asyncio
import json
import sys
import time
from pathlib import Path

import discord
import pytest

from bot.harness import FakeDiscord, Permission, Person, World
from bot.harness.worldfile import WorldFileError, load_world

from .conftest import Recorder, running

WORLD = """
bot: {name: Helper, token: my-token}
people:
  - ada
  - {name: ben, token: bens, display_name: Big Ben, installed: true}
guilds:
  - name: Ada's Server
    owner: ada
    bot_permissions: [MANAGE_MESSAGES]
    roles:
      - {name: Admin, permissions: [administrator], mentionable: true}
      - {name: "@everyone", permissions: [VIEW_CHANNEL, SEND_MESSAGES]}
    channels:
      - general
      - {name: Staff, type: category}
      - name: staff
        parent: Staff
        topic: for us
        slowmode: 5
        overwrites:
          - {role: "@everyone", deny: [VIEW_CHANNEL]}
          - {member: ben, allow: [VIEW_CHANNEL]}
    members:
      - {name: ben, roles: [Admin], nick: B}
      - ada
  - {name: Other, count: 3, members: 20, channels: 2}
  - {name: Without, bot: false}
"""


def written(folder: Path, text: str, name: str = "world.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_there(tmp_path: Path) -> None:
    world = load_world(written(tmp_path, WORLD))
    assert (world.bot.name, world.bot.token) == ("Helper", "my-token")
    guild, *others, without = world.guilds.values()
    assert [g.name for g in others] == ["Other 1", "Other 2", "Other 3"]
    ada, ben = (next(u for u in world.users.values() if u.name == n) for n in ("ada", "ben"))
    assert (guild.name, guild.owner_id) == ("Ada's Server", ada.id)
    assert (ben.token, ben.global_name, guild.members[ben.id].nick) == ("bens", "Big Ben", "B")
    channels = {world.channels[i].name: world.channels[i] for i in guild.channel_ids}
    staff = channels["staff"]
    assert (staff.parent_id, staff.topic) == (channels["Staff"].id, "for us")
    assert staff.slowmode_seconds == 5
    assert Permission.ADMINISTRATOR in world.guild_permissions(guild, ben.id)
    assert Permission.MANAGE_MESSAGES in world.guild_permissions(guild, world.bot.id)
    assert not world.can_view(staff, world.bot.id)
    assert world.can_view(channels["general"], world.bot.id)
    assert all(len(g.members) == 22 and len(g.channel_ids) == 2 for g in others)
    assert world.bot.id not in without.members
    assert world.installed_by == {ben.id}


def test_the_same_file_is_the_same_world(tmp_path: Path) -> None:
    path = written(tmp_path, WORLD)
    one, other = load_world(path), load_world(path)
    assert list(one.guilds) == list(other.guilds)
    assert list(one.users) == list(other.users)
    assert list(one.channels) == list(other.channels)
    assert one.new_id() > max(one.channels)


def test_json_and_defaults(tmp_path: Path) -> None:
    world = load_world(written(tmp_path, json.dumps({"people": ["ada"], "guilds": 2}), "w.json"))
    first, second = world.guilds.values()
    ada = next(u for u in world.users.values() if u.name == "ada")
    assert (first.name, second.name) == ("Guild 1", "Guild 2")
    assert ada.id in first.members
    assert ada.id not in second.members
    assert [world.channels[i].name for i in first.channel_ids] == ["general"]
    assert isinstance(load_world(written(tmp_path, "", "empty.yaml")), World)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("guilds: [}", r"world.yaml:1: did not find"),
        ("a: 1", "world.yaml:1: a: unknown field; there are bot, people, guilds"),
        ("[1]", "world.yaml:1: the file: must be an object"),
        ("guilds:\n- name: A\n  cahnnels: 2", r"world.yaml:3: guilds\[0\].cahnnels: unknown field"),
        ("guilds:\n- {count: 2}", r"world.yaml:2: guilds\[0\].name: must be a text"),
        (
            "guilds:\n- name: A\n  owner: eve",
            r":3: guilds\[0\].owner: there is nobody called 'eve'",
        ),
        (
            "guilds:\n- name: A\n  channels:\n  - {name: x,\n     type: txt}",
            r":5: guilds\[0\].channels\[0\].type: must be one of text, voice, category",
        ),
        (
            "guilds:\n- name: A\n  roles:\n  - name: R\n    permissions:\n    - FLY",
            r":6: guilds\[0\].roles\[0\].permissions\[0\]: there is no permission 'FLY'",
        ),
        ("guilds: 10001", "world.yaml:1: guilds: must be between 1 and 10000"),
        ("guilds: [{name: A, count: 9999}, B, C]", "guilds: there are more than 10000"),
        ("people: [ada, ada]", r"people\[1\].name: there are two of 'ada'"),
        ("guilds: x", "guilds: must be a list"),
        ("guilds: true", "guilds: must be a whole number"),
        ("people: [ada]\nguilds:\n- name: A\n  members: [{name: ada, roles: [R]}]", "no role 'R'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(WorldFileError, match=why):
        load_world(written(tmp_path, text))


def test_wrong_json(tmp_path: Path) -> None:
    with pytest.raises(WorldFileError, match=r"w.json:2: Expecting"):
        load_world(written(tmp_path, '{"guilds":\n nothing}', "w.json"))
    with pytest.raises(WorldFileError, match=r"w.json:2: guilds\[0\]: must be an object"):
        load_world(written(tmp_path, '{"guilds":\n [7]}', "w.json"))


def test_ten_thousand_guilds(tmp_path: Path) -> None:
    began = time.perf_counter()
    world = load_world(written(tmp_path, "people: [ada]\nguilds: 10000"))
    took = time.perf_counter() - began
    assert len(world.guilds) == 10_000
    assert took < 10
    shards = [sum((g >> 22) % 8 == shard for g in world.guilds) for shard in range(8)]
    assert min(shards) > 1000


async def test_the_client_in_many_guilds(tmp_path: Path, pointed: object) -> None:
    world = load_world(written(tmp_path, "people: [ada]\nguilds: 500"))
    assert callable(pointed)
    async with FakeDiscord(world) as fake:
        pointed(fake)
        client = Recorder(discord.Intents(guilds=True, guild_messages=True, message_content=True))
        async with running(client, fake) as bot:
            assert len(bot.guilds) == 500
            assert not any(guild.unavailable for guild in bot.guilds)
            last = list(world.guilds.values())[-1]
            who = fake.describe()["users"][0]
            ada = world.user(int(who["id"]))
            world.add_member(last, ada)
            async with Person(who, fake.rest, fake.gateway) as person:
                await person.say(last.channel_ids[0], "in the last")
                heard = await bot.until("message")
            assert heard.guild.id == last.id


async def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot", "fake-discord", "--world"]
    path = written(tmp_path, WORLD)
    process = await asyncio.create_subprocess_exec(
        *command, str(path), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        about = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    finally:
        process.terminate()
        await process.wait()
    assert about["bot_token"] == "my-token"
    assert about["control"].endswith("/control")
    assert len(about["control_token"]) > 20
    wrong = await asyncio.create_subprocess_exec(
        *command, str(written(tmp_path, "guilds: x")), stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(wrong.communicate(), 20)
    assert (wrong.returncode, said.decode()) == (
        1,
        "The fake Discord cannot start: world.yaml:1: guilds: must be a list\n",
    )
