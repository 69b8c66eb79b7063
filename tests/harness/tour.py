"""A walk through every route of the server, in an order in which each step has what it needs.

Every step says which status it expects, so that a walk is a test in itself; what the exchanges look
like is for others to judge.
"""

from bot.harness import FakeDiscord

from .place import Place, place
from .tour_of_talk import of_commands, of_components, of_interactions, of_messages


async def whole(fake: FakeDiscord) -> None:
    """Every part of the walk, each in a guild of its own."""
    for part in (of_accounts, of_guilds, of_members, of_channels, of_threads):
        async with place(fake) as where:
            await part(where)
    for part in (of_messages, of_components, of_commands, of_interactions):
        async with place(fake) as where:
            await part(where)


async def of_accounts(at: Place) -> None:
    bot = at.bot
    await bot("GET", "/gateway")
    await bot("GET", "/gateway/bot")
    await bot("GET", "/users/@me")
    await bot("PATCH", "/users/@me", {"username": "Renamed"})
    await bot("PATCH", "/users/@me", {"username": "x"}, expect=400, code=50035)
    await bot("GET", f"/users/{at.ada_id}")
    await bot("GET", "/users/1", expect=404, code=10013)
    await bot("GET", "/users/@me/guilds?limit=1&with_counts=true")
    await bot("GET", f"/users/@me/guilds/{at.guild.id}/member")
    await bot("GET", "/users/@me/guilds/1/member", expect=404, code=10004)
    await bot("GET", "/oauth2/applications/@me")
    await bot("GET", "/applications/@me")
    await at.ada("GET", "/applications/@me", expect=403, code=20002)
    await bot("GET", "/soundboard-default-sounds")
    dm = await bot("POST", "/users/@me/channels", {"recipient_id": str(at.ada_id)})
    await bot("GET", f"/channels/{dm['id']}")
    await bot("POST", f"/channels/{dm['id']}/messages", {"content": "hello"})
    await bot("PATCH", f"/channels/{dm['id']}", {"name": "x"}, expect=403, code=50003)
    await bot("DELETE", f"/channels/{dm['id']}")
    await bot("POST", "/users/@me/channels", {}, expect=400, code=50035)
    at.fake.world.users[at.ada_id].accepts_direct_messages = False
    await bot("POST", f"/channels/{dm['id']}/messages", {"content": "x"}, expect=403, code=50007)
    await at.ben("DELETE", f"/users/@me/guilds/{at.guild.id}", expect=204)
    await at.ben("DELETE", f"/users/@me/guilds/{at.guild.id}", expect=404, code=10004)


async def of_guilds(at: Place) -> None:
    bot, ben, there = at.bot, at.ben, at.there
    await bot("GET", there)
    await bot("GET", f"{there}?with_counts=true")
    await bot("GET", "/guilds/1", expect=404, code=10004)
    edit = {"name": "New name", "description": "d", "verification_level": 1, "afk_timeout": 60}
    changed = await bot("PATCH", there, edit | {"system_channel_id": str(at.channel_id)})
    assert (changed["name"], changed["afk_timeout"]) == ("New name", 60)
    await bot("PATCH", there, {"name": "x", "afk_timeout": 1}, expect=400, code=50035)
    await ben("PATCH", there, edit, expect=403, code=50013)
    role = await bot("POST", f"{there}/roles", {"name": "r", "color": 5, "permissions": "8"})
    assert (role["name"], role["color"], role["permissions"]) == ("r", 5, "8")
    one = f"{there}/roles/{role['id']}"
    await bot("GET", f"{there}/roles")
    await bot("GET", f"{there}/roles/member-counts")
    await bot("GET", one)
    await bot("PATCH", one, {"hoist": True, "mentionable": True, "colors": {"primary_color": 7}})
    await bot("PATCH", f"{there}/roles", [{"id": role["id"], "position": 2}])
    await ben("POST", f"{there}/roles", {"name": "r"}, expect=403, code=50013)
    await ben("PATCH", one, {"name": "r"}, expect=403, code=50013)
    await ben("PATCH", f"{there}/roles", [], expect=403, code=50013)
    await bot("POST", f"{there}/roles", {"name": ""}, expect=400, code=50035)
    of_ben = f"{there}/members/{at.ben_id}/roles/{role['id']}"
    await bot("PUT", of_ben, expect=204)
    assert role["id"] in (await bot("GET", f"{there}/members/{at.ben_id}"))["roles"]
    await bot("DELETE", of_ben, expect=204)
    await bot("PUT", f"{there}/members/{at.ben_id}/roles/1", expect=404, code=10011)
    await bot("DELETE", f"{there}/members/{at.ben_id}/roles/1", expect=404, code=10011)
    await bot("DELETE", one, expect=204)
    await bot("DELETE", one, expect=404, code=10011)
    await bot("GET", one, expect=404, code=10011)
    await bot("DELETE", f"{there}/roles/{at.guild.id}", expect=400, code=50028)


async def of_members(at: Place) -> None:
    bot, there, ben = at.bot, at.there, f"{at.there}/members/{at.ben_id}"
    await bot("GET", f"{there}/members?limit=10&after=0")
    await bot("GET", f"{there}/members?limit=0", expect=400, code=50035)
    await bot("GET", f"{there}/members/search?query=be&limit=5")
    await bot("GET", f"{there}/members/search?query=", expect=400, code=50035)
    await bot("GET", ben)
    await bot("GET", f"{there}/members/1", expect=404, code=10013)
    stranger = at.fake.world.add_user("stranger")
    await bot("GET", f"{there}/members/{stranger.id}", expect=404, code=10007)
    assert (await bot("PATCH", ben, {"nick": "Benny", "mute": True}))["nick"] == "Benny"
    until = "2099-01-01T00:00:00+00:00"
    await bot("PATCH", ben, {"communication_disabled_until": until}, expect=400, code=50035)
    await bot("PATCH", ben, {"communication_disabled_until": None, "roles": []})
    await at.ben("PATCH", f"{there}/members/{at.ada_id}", {"nick": "x"}, expect=403, code=50013)
    await bot("PATCH", f"{there}/members/@me", {"nick": "me"})
    await bot("PATCH", f"{there}/members/@me", {"nick": "x" * 33}, expect=400, code=50035)
    await at.ben("DELETE", f"{there}/members/{at.ada_id}", expect=403, code=50013)
    await bot("DELETE", ben, expect=204)
    ban = f"{there}/bans/{at.ben_id}"
    await bot("PUT", ban, {"delete_message_seconds": 0}, expect=204)
    await bot("GET", f"{there}/bans")
    await bot("GET", ban)
    await bot("DELETE", ban, expect=204)
    await bot("GET", ban, expect=404, code=10026)
    await bot("DELETE", ban, expect=404, code=10026)
    await bot("PUT", f"{there}/bans/1", {}, expect=404, code=10013)


async def of_channels(at: Place) -> None:
    bot, there = at.bot, at.there
    await bot("GET", f"{there}/channels")
    for kind in (0, 2, 4, 5, 13, 15):
        body = {"name": "New One", "type": kind, "topic": "t" if kind == 0 else None}
        made = await bot("POST", f"{there}/channels", body, expect=201)
        assert made["name"] == ("new-one" if kind in (0, 5, 15) else "New One")
        await bot("GET", f"/channels/{made['id']}")
    await bot("POST", f"{there}/channels", {"type": 0}, expect=400, code=50035)
    await at.ben("POST", f"{there}/channels", {"name": "x"}, expect=403, code=50013)
    await bot("PATCH", f"{there}/channels", [{"id": at.channel_id, "position": 3}], expect=204)
    await at.ben("PATCH", f"{there}/channels", [], expect=403, code=50013)
    edit = {"name": "B C", "topic": "new", "nsfw": True, "rate_limit_per_user": 5}
    assert (await bot("PATCH", at.here, edit))["name"] == "b-c"
    await bot("PATCH", at.here, {"rate_limit_per_user": 99999}, expect=400, code=50035)
    await bot("PATCH", at.here, {"parent_id": "1"}, expect=400, code=50035)
    await bot("POST", f"{at.here}/typing", expect=204)
    overwrite = f"{at.here}/permissions/{at.ben_id}"
    await at.ben("PUT", overwrite, {"type": 1, "allow": "0"}, expect=403, code=50013)
    await bot("PUT", overwrite, {"type": 1, "allow": "0", "deny": "1024"}, expect=204)
    await bot("PUT", overwrite, {"allow": "0"}, expect=400, code=50035)
    await at.ben("GET", at.here, expect=403, code=50001)
    await at.ben("POST", f"{at.here}/typing", expect=403, code=50001)
    await bot("DELETE", overwrite, expect=204)
    await bot("DELETE", overwrite, expect=404, code=10009)
    await bot("GET", "/channels/1", expect=404, code=10003)
    await at.ben("DELETE", at.here, expect=403, code=50013)
    await bot("DELETE", at.here)


async def of_threads(at: Place) -> None:
    bot, here = at.bot, at.here
    said = await bot("POST", f"{here}/messages", {"content": "topic"})
    start = f"{here}/messages/{said['id']}/threads"
    thread = await bot("POST", start, {"name": "t", "auto_archive_duration": 60}, expect=201)
    await bot("POST", start, {"name": "t"}, expect=400, code=160004)
    await bot("POST", f"{here}/threads", {"name": "p", "type": 11}, expect=201)
    private = await bot("POST", f"{here}/threads", {"name": "p", "type": 12}, expect=201)
    await bot("POST", f"{here}/threads", {"name": ""}, expect=400, code=50035)
    members = f"/channels/{thread['id']}/thread-members"
    await at.ada("PUT", f"{members}/@me", expect=204)
    await bot("PUT", f"{members}/{at.ben_id}", expect=204)
    await bot("GET", f"{members}?with_member=true&limit=10")
    await bot("GET", f"{members}/{at.ben_id}?with_member=true")
    await bot("GET", f"{members}/@me")
    await bot("DELETE", f"{members}/{at.ben_id}", expect=204)
    await bot("GET", f"{members}/{at.ben_id}", expect=404, code=10007)
    await at.ada("DELETE", f"{members}/@me", expect=204)
    await bot("GET", f"{here}/thread-members", expect=400, code=50024)
    await bot("PUT", f"{here}/thread-members/@me", expect=400, code=50024)
    await bot("DELETE", f"{here}/thread-members/@me", expect=400, code=50024)
    await bot("PUT", f"{here}/thread-members/{at.ben_id}", expect=400, code=50024)
    await bot("DELETE", f"{here}/thread-members/{at.ben_id}", expect=400, code=50024)
    await bot("GET", f"{at.there}/threads/active")
    await bot("GET", "/guilds/1/threads/active", expect=404, code=10004)
    await bot("GET", f"/channels/{thread['id']}/messages")
    await bot("POST", f"/channels/{thread['id']}/messages", {"content": "in it"})
    await at.ben("PATCH", f"/channels/{thread['id']}", {"locked": True}, expect=403, code=50013)
    for one in (thread, private):
        assert (await bot("PATCH", f"/channels/{one['id']}", {"archived": True}))["id"]
    await at.ada("PUT", f"{members}/@me", expect=400, code=50083)
    archived = f"{here}/threads/archived"
    [found] = (await bot("GET", f"{archived}/public?limit=10"))["threads"]
    assert found["id"] == thread["id"]
    await bot("GET", f"{archived}/public?before=never", expect=400, code=50035)
    [found] = (await bot("GET", f"{archived}/private"))["threads"]
    await at.ben("GET", f"{archived}/private", expect=403, code=50013)
    [found] = (await bot("GET", f"{here}/users/@me/threads/archived/private"))["threads"]
    assert found["id"] == private["id"]
    await bot("GET", "/channels/1/users/@me/threads/archived/private", expect=404, code=10003)
    forum = await bot("POST", f"{at.there}/channels", {"name": "f", "type": 15}, expect=201)
    posts = f"/channels/{forum['id']}/threads"
    post = await bot("POST", posts, {"name": "q", "message": {"content": "why?"}}, expect=201)
    assert post["message"]["id"] == post["id"]
    await bot("POST", posts, {"name": "q"}, expect=400, code=50035)
    await bot("POST", f"/channels/{forum['id']}/messages", {"content": "x"}, expect=400, code=50008)
