"""Everything that REST can change is told at the gateway, to those who may know."""

from bot.harness import FakeDiscord, Intent
from bot.harness.model import JsonObject
from bot.harness.viewer import Dispatch, Viewer

from .place import place
from .test_gateway_rules import identified, until

KNOWN = sum(Intent)


async def test_guild_role_and_ban_events(fake: FakeDiscord) -> None:
    async with place(fake) as at, identified(fake, KNOWN) as (socket, _):
        bot, there = at.bot, at.there
        await bot("PATCH", there, {"name": "Renamed"})
        assert (await until(socket, "GUILD_UPDATE"))["name"] == "Renamed"
        role = await bot("POST", f"{there}/roles", {"name": "r"})
        assert (await until(socket, "GUILD_ROLE_CREATE"))["role"] == role
        await bot("PATCH", f"{there}/roles/{role['id']}", {"name": "s"})
        assert (await until(socket, "GUILD_ROLE_UPDATE"))["role"]["name"] == "s"
        await bot("PUT", f"{there}/members/{at.ben_id}/roles/{role['id']}", expect=204)
        assert (await until(socket, "GUILD_MEMBER_UPDATE"))["roles"] == [role["id"]]
        await bot("DELETE", f"{there}/roles/{role['id']}", expect=204)
        gone = await until(socket, "GUILD_ROLE_DELETE")
        assert gone == {"guild_id": str(at.guild.id), "role_id": role["id"]}
        await bot("PUT", f"{there}/bans/{at.ben_id}", {}, expect=204)
        assert (await until(socket, "GUILD_MEMBER_REMOVE"))["user"]["id"] == str(at.ben_id)
        assert (await until(socket, "GUILD_BAN_ADD"))["user"]["id"] == str(at.ben_id)
        await bot("DELETE", f"{there}/bans/{at.ben_id}", expect=204)
        assert (await until(socket, "GUILD_BAN_REMOVE"))["guild_id"] == str(at.guild.id)
        await bot("PATCH", "/users/@me", {"username": "Other"})
        assert (await until(socket, "USER_UPDATE"))["username"] == "Other"


async def test_channel_events(fake: FakeDiscord) -> None:
    async with place(fake) as at, identified(fake, KNOWN) as (socket, _):
        made = await at.bot("POST", f"{at.there}/channels", {"name": "new"}, expect=201)
        assert await until(socket, "CHANNEL_CREATE") == made
        path = f"/channels/{made['id']}"
        overwrite = {"type": 1, "allow": "1024", "deny": "0"}
        await at.bot("PUT", f"{path}/permissions/{at.ben_id}", overwrite, expect=204)
        [rule] = (await until(socket, "CHANNEL_UPDATE"))["permission_overwrites"]
        assert rule == {"id": str(at.ben_id), **overwrite}
        await at.bot("DELETE", f"{path}/permissions/{at.ben_id}", expect=204)
        assert (await until(socket, "CHANNEL_UPDATE"))["permission_overwrites"] == []
        await at.bot("DELETE", path)
        assert (await until(socket, "CHANNEL_DELETE"))["id"] == made["id"]


async def test_thread_events(fake: FakeDiscord) -> None:
    async with place(fake) as at, identified(fake, KNOWN) as (socket, _):
        said = await at.ada("POST", f"{at.here}/messages", {"content": "topic"})
        start = f"{at.here}/messages/{said['id']}/threads"
        thread = await at.bot("POST", start, {"name": "t"}, expect=201)
        created = await until(socket, "THREAD_CREATE")
        assert (created["id"], created["newly_created"]) == (said["id"], True)
        assert (await until(socket, "MESSAGE_UPDATE"))["thread"]["id"] == thread["id"]
        path = f"/channels/{thread['id']}"
        [opening] = await at.bot("GET", f"{path}/messages")
        assert (opening["type"], opening["referenced_message"]["content"]) == (21, "topic")
        await at.ben("PUT", f"{path}/thread-members/@me", expect=204)
        joined = await until(socket, "THREAD_MEMBERS_UPDATE")
        assert [m["user_id"] for m in joined["added_members"]] == [str(at.ben_id)]
        assert joined["member_count"] == 2
        await at.bot("DELETE", f"{path}/thread-members/{at.ben_id}", expect=204)
        left = await until(socket, "THREAD_MEMBERS_UPDATE")
        assert left["removed_member_ids"] == [str(at.ben_id)]
        await at.bot("PATCH", path, {"archived": True})
        assert (await until(socket, "THREAD_UPDATE"))["thread_metadata"]["archived"] is True
        await at.ada("POST", f"{path}/messages", {"content": "wake up"})
        assert (await until(socket, "THREAD_UPDATE"))["thread_metadata"]["archived"] is False
        await at.bot("DELETE", path)
        assert (await until(socket, "THREAD_DELETE")) == {
            "id": thread["id"],
            "guild_id": str(at.guild.id),
            "parent_id": str(at.channel_id),
            "type": 11,
        }
        await at.bot("POST", f"{at.here}/threads", {"name": "loud", "type": 11}, expect=201)
        notice = await until(socket, "MESSAGE_CREATE")
        assert (notice["type"], notice["content"]) == (18, "loud")


async def test_being_added_to_a_private_thread(fake: FakeDiscord) -> None:
    async with place(fake) as at, identified(fake, 1) as (socket, _):
        private = await at.ada("POST", f"{at.here}/threads", {"name": "p"}, expect=201)
        path = f"/channels/{private['id']}/thread-members"
        at.guild.owner_id = at.ada_id
        await at.ada("PUT", f"{path}/{fake.world.bot.id}", expect=204)
        assert (await until(socket, "THREAD_CREATE"))["id"] == private["id"]
        assert (await until(socket, "THREAD_MEMBERS_UPDATE"))["added_members"]


async def test_pin_and_reaction_events(fake: FakeDiscord) -> None:
    async with place(fake) as at, identified(fake, KNOWN) as (socket, _):
        said = await at.bot("POST", f"{at.here}/messages", {"content": "x"})
        pin = f"{at.here}/messages/pins/{said['id']}"
        await at.bot("PUT", pin, expect=204)
        assert (await until(socket, "MESSAGE_UPDATE"))["pinned"] is True
        assert (await until(socket, "CHANNEL_PINS_UPDATE"))["last_pin_timestamp"]
        notice = await until(socket, "MESSAGE_CREATE")
        assert (notice["type"], notice["message_reference"]["message_id"]) == (6, said["id"])
        await at.bot("DELETE", pin, expect=204)
        assert (await until(socket, "MESSAGE_UPDATE"))["pinned"] is False
        reactions = f"{at.here}/messages/{said['id']}/reactions"
        for emoji in ("a:1", "b:2"):
            await at.ada("PUT", f"{reactions}/x{emoji}/@me", expect=204)
        await at.bot("DELETE", f"{reactions}/xa:1", expect=204)
        gone = await until(socket, "MESSAGE_REACTION_REMOVE_EMOJI")
        assert gone["emoji"] == {"id": "1", "name": "xa"}
        await at.bot("DELETE", reactions, expect=204)
        assert (await until(socket, "MESSAGE_REACTION_REMOVE_ALL"))["message_id"] == said["id"]


async def test_sessions_of_one_shape_get_one_encoding(fake: FakeDiscord) -> None:
    viewers: list[Viewer] = []

    def payload(viewer: Viewer) -> JsonObject:
        viewers.append(viewer)
        return {"readable": Intent.MESSAGE_CONTENT in viewer.intents}

    def shape(viewer: Viewer) -> object:
        return Intent.MESSAGE_CONTENT in viewer.intents

    event = Dispatch("MESSAGE_CREATE", payload, lambda _: True, shape=shape)
    blind = KNOWN & ~Intent.MESSAGE_CONTENT
    async with (
        identified(fake, KNOWN) as (one, _),
        identified(fake, KNOWN) as (two, _),
        identified(fake, blind) as (three, _),
    ):
        fake.gateway_server.deliver(event)
        seen = [await until(socket, "MESSAGE_CREATE") for socket in (one, two, three)]
        assert [data["readable"] for data in seen] == [True, True, False]
        assert len(viewers) == 2
