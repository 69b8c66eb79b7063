"""Who may do what: sight, speech, threads, moderation, timeouts, and the order of roles."""

from datetime import UTC, datetime

import pytest

from bot.harness import FakeDiscord, Permission, World
from bot.harness.model import Overwrite, OverwriteType

from .place import Place, place
from .test_limits import Clock


def deny(at: Place, permission: Permission, channel_id: int | None = None) -> None:
    channel = at.fake.world.channel(channel_id or at.channel_id)
    rule = Overwrite(at.guild.id, OverwriteType.ROLE, allow=0, deny=int(permission))
    at.fake.world.set_overwrite(channel, rule)


@pytest.mark.parametrize(
    ("permission", "body", "files"),
    [
        (Permission.SEND_MESSAGES, {"content": "x"}, None),
        (Permission.EMBED_LINKS, {"embeds": [{"title": "x"}]}, None),
        (Permission.ATTACH_FILES, {"content": "x"}, {"x": b"x"}),
        (Permission.SEND_TTS_MESSAGES, {"content": "x", "tts": True}, None),
    ],
)
async def test_saying_needs(
    fake: FakeDiscord,
    permission: Permission,
    body: dict[str, object],
    files: dict[str, bytes] | None,
) -> None:
    async with place(fake) as at:
        deny(at, permission)
        messages = f"{at.here}/messages"
        await at.ben("POST", messages, body, expect=403, code=50013, files=files)
        await at.ada("POST", messages, body, files=files)


async def test_who_may_not_speak_may_not_attach_either(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        deny(at, Permission.SEND_MESSAGES)
        may = fake.world.permissions(fake.world.channel(at.channel_id), at.ben_id)
        assert Permission.VIEW_CHANNEL in may
        assert not may & (Permission.ATTACH_FILES | Permission.MENTION_EVERYONE)


async def test_mentioning_everyone_needs_permission(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        deny(at, Permission.MENTION_EVERYONE)
        said = await at.ben("POST", f"{at.here}/messages", {"content": "@everyone"})
        assert said["mention_everyone"] is False


async def test_reacting_and_reading(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        said = await at.bot("POST", f"{at.here}/messages", {"content": "x"})
        one = f"{at.here}/messages/{said['id']}"
        deny(at, Permission.ADD_REACTIONS)
        await at.ben("PUT", f"{one}/reactions/%F0%9F%91%8D/@me", expect=403, code=50013)
        await at.ada("PUT", f"{one}/reactions/%F0%9F%91%8D/@me", expect=204)
        await at.ben("PUT", f"{one}/reactions/%F0%9F%91%8D/@me", expect=204)
        deny(at, Permission.READ_MESSAGE_HISTORY)
        await at.ben("GET", one, expect=403, code=50013)
        assert await at.ben("GET", f"{at.here}/messages") == []
        reply = {"content": "x", "message_reference": {"message_id": said["id"]}}
        await at.ben("POST", f"{at.here}/messages", reply, expect=400, code=160002)
        deny(at, Permission.VIEW_CHANNEL)
        await at.ben("GET", one, expect=403, code=50001)


async def test_threads(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        deny(at, Permission.CREATE_PUBLIC_THREADS | Permission.SEND_MESSAGES_IN_THREADS)
        body = {"name": "t", "type": 11}
        await at.ben("POST", f"{at.here}/threads", body, expect=403, code=50013)
        thread = await at.bot("POST", f"{at.here}/threads", body, expect=201)
        messages = f"/channels/{thread['id']}/messages"
        await at.ben("POST", messages, {"content": "x"}, expect=403, code=50013)
        private = await at.bot("POST", f"{at.here}/threads", {"name": "p"}, expect=201)
        await at.ben("GET", f"/channels/{private['id']}", expect=403, code=50001)
        member = f"/channels/{private['id']}/thread-members/{at.ben_id}"
        deny(at, Permission.MANAGE_THREADS)
        await at.bot("PUT", member, expect=204)
        await at.ben("GET", f"/channels/{private['id']}")
        await at.bot("PATCH", f"/channels/{thread['id']}", {"locked": True})
        await at.ben("POST", messages, {"content": "x"}, expect=403, code=160005)
        await at.bot("PATCH", f"/channels/{thread['id']}", {"archived": True})
        assert (await at.bot("POST", messages, {"content": "wakes it"}))["id"]
        told = await at.bot("GET", f"/channels/{thread['id']}")
        assert told["thread_metadata"]["archived"] is False


async def test_a_timeout_silences_until_it_is_over() -> None:
    clock = Clock()
    async with FakeDiscord(World("Timed", clock=clock)) as fake, place(fake) as at:
        ben, messages = f"{at.there}/members/{at.ben_id}", f"{at.here}/messages"
        until = datetime.fromtimestamp(clock.now + 60, UTC).isoformat()
        await at.bot("PATCH", ben, {"communication_disabled_until": until})
        await at.ben("POST", messages, {"content": "x"}, expect=403, code=50013)
        await at.ben("GET", messages)
        clock.now += 61
        await at.ben("POST", messages, {"content": "x"})
        admin = f"{at.there}/members/{at.ada_id}"
        body = {"communication_disabled_until": until}
        await at.bot("PATCH", admin, body, expect=403, code=50013)


async def test_nobody_acts_on_who_stands_above(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        world, guild = fake.world, at.guild
        powers = Permission.MANAGE_ROLES | Permission.KICK_MEMBERS | Permission.MANAGE_NICKNAMES
        high = world.add_role(guild, "High")
        low = world.add_role(guild, "Low", powers)
        low.position, high.position = 1, 9
        world.set_roles(guild, world.user(at.ben_id), [low])
        cleo = world.add_person("cleo2", guild, roles=[high])
        person, role = f"{at.there}/members/{cleo.id}", f"{at.there}/roles/{high.id}"
        await at.ben("DELETE", person, expect=403, code=50013)
        await at.ben("PATCH", person, {"nick": "x"}, expect=403, code=50013)
        await at.ben("PATCH", role, {"name": "x"}, expect=403, code=50013)
        await at.ben("PUT", f"{person}/roles/{high.id}", expect=403, code=50013)
        mighty = {"permissions": str(int(Permission.BAN_MEMBERS))}
        await at.ben("POST", f"{at.there}/roles", mighty, expect=403, code=50013)
        world.set_roles(guild, cleo, [])
        await at.ben("DELETE", person, expect=204)


async def test_a_deleted_role_is_gone_everywhere(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        role = await at.bot("POST", f"{at.there}/roles", {"name": "r"})
        await at.bot("PUT", f"{at.there}/members/{at.ben_id}/roles/{role['id']}", expect=204)
        overwrite = {"type": 0, "allow": "0", "deny": "1024"}
        await at.bot("PUT", f"{at.here}/permissions/{role['id']}", overwrite, expect=204)
        await at.ben("GET", at.here, expect=403, code=50001)
        await at.bot("DELETE", f"{at.there}/roles/{role['id']}", expect=204)
        assert (await at.ben("GET", at.here))["permission_overwrites"] == []
        assert (await at.bot("GET", f"{at.there}/members/{at.ben_id}"))["roles"] == []
