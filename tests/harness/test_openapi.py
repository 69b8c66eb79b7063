"""Every route, held against Discord's own description of its API."""

import re
from collections.abc import Iterator

from bot.harness import FakeDiscord, Intent, RequestRecord, routes

from . import tour
from .openapi import OF_PEOPLE, Description, description, shape, violations
from .test_gateway_rules import identified

BESIDE_THE_DESCRIPTION = {("GET", "/channels/{}/thread-members/@me")}
"""Routes that Discord serves by way of a placeholder: @me is a user id here."""

WITHOUT_ERRORS = {
    ("GET", "/gateway"),
    ("GET", "/gateway/bot"),
    ("GET", "/users/@me"),
    ("GET", "/users/@me/guilds"),
    ("GET", "/oauth2/applications/@me"),
    ("GET", "/soundboard-default-sounds"),
    ("GET", "/guilds/{}/roles"),
    ("GET", "/guilds/{}/roles/member-counts"),
    ("GET", "/guilds/{}/channels"),
    ("GET", "/guilds/{}/bans"),
}
"""Nothing in a request to these can be wrong but the token or the guild, as in all others."""

# What issue 4 names, by resource, as the description has it.
NAMED = """
GET /gateway                          GET /gateway/bot
GET /users/@me                        PATCH /users/@me
GET /users/{}                         GET /users/@me/guilds
GET /users/@me/guilds/{}/member       DELETE /users/@me/guilds/{}
POST /users/@me/channels
GET /applications/@me                 GET /oauth2/applications/@me
GET /applications/{}/commands         POST /applications/{}/commands
PUT /applications/{}/commands         GET /applications/{}/commands/{}
PATCH /applications/{}/commands/{}    DELETE /applications/{}/commands/{}
GET /applications/{}/guilds/{}/commands         POST /applications/{}/guilds/{}/commands
PUT /applications/{}/guilds/{}/commands         GET /applications/{}/guilds/{}/commands/{}
PATCH /applications/{}/guilds/{}/commands/{}    DELETE /applications/{}/guilds/{}/commands/{}
GET /guilds/{}                        PATCH /guilds/{}
GET /guilds/{}/members                GET /guilds/{}/members/search
GET /guilds/{}/members/{}             PATCH /guilds/{}/members/{}
PATCH /guilds/{}/members/@me          DELETE /guilds/{}/members/{}
PUT /guilds/{}/members/{}/roles/{}    DELETE /guilds/{}/members/{}/roles/{}
GET /guilds/{}/roles                  POST /guilds/{}/roles
PATCH /guilds/{}/roles                GET /guilds/{}/roles/{}
PATCH /guilds/{}/roles/{}             DELETE /guilds/{}/roles/{}
GET /guilds/{}/channels               POST /guilds/{}/channels
PATCH /guilds/{}/channels             GET /guilds/{}/threads/active
GET /channels/{}                      PATCH /channels/{}
DELETE /channels/{}                   POST /channels/{}/typing
PUT /channels/{}/permissions/{}       DELETE /channels/{}/permissions/{}
GET /channels/{}/messages             POST /channels/{}/messages
GET /channels/{}/messages/{}          PATCH /channels/{}/messages/{}
DELETE /channels/{}/messages/{}       POST /channels/{}/messages/bulk-delete
PUT /channels/{}/messages/{}/reactions/{}/@me   DELETE /channels/{}/messages/{}/reactions/{}/@me
DELETE /channels/{}/messages/{}/reactions/{}/{} GET /channels/{}/messages/{}/reactions/{}
DELETE /channels/{}/messages/{}/reactions/{}    DELETE /channels/{}/messages/{}/reactions
GET /channels/{}/messages/pins        PUT /channels/{}/messages/pins/{}
DELETE /channels/{}/messages/pins/{}  GET /channels/{}/pins
PUT /channels/{}/pins/{}              DELETE /channels/{}/pins/{}
POST /channels/{}/threads             POST /channels/{}/messages/{}/threads
GET /channels/{}/thread-members       GET /channels/{}/thread-members/{}
PUT /channels/{}/thread-members/@me   DELETE /channels/{}/thread-members/@me
PUT /channels/{}/thread-members/{}    DELETE /channels/{}/thread-members/{}
GET /channels/{}/threads/archived/public        GET /channels/{}/threads/archived/private
GET /channels/{}/users/@me/threads/archived/private
POST /interactions/{}/{}/callback     POST /webhooks/{}/{}
GET /webhooks/{}/{}/messages/@original          PATCH /webhooks/{}/{}/messages/@original
DELETE /webhooks/{}/{}/messages/@original       GET /webhooks/{}/{}/messages/{}
PATCH /webhooks/{}/{}/messages/{}     DELETE /webhooks/{}/{}/messages/{}
"""


def named() -> set[tuple[str, str]]:
    return set(re.findall(r"([A-Z]+) (/\S+)", NAMED))


def served() -> set[tuple[str, str]]:
    """The operations of the server that are an application's."""
    people = {(method, shape(path)) for method, path in OF_PEOPLE}
    return {(r.method, shape(r.path)) for r in routes.ALL} - people - BESIDE_THE_DESCRIPTION


def exercised(
    records: Iterator[RequestRecord], discord: Description, *, failed: bool
) -> set[tuple[str, str]]:
    found = set()
    for record in records:
        operation = discord.operation(record.method, record.path)
        if operation is not None and (record.status >= 400) is failed:
            found.add(operation.key)
    return found


def test_what_is_served_is_described_and_complete() -> None:
    described = {operation.key for operation in description().operations()}
    assert served() - described == set()
    assert named() - described == set()
    assert named() - served() == set()


async def test_every_exchange_fits_the_description(fake: FakeDiscord) -> None:
    discord = description()
    await tour.whole(fake)
    assert violations(fake.requests) == []
    assert not fake.unknown_routes
    assert served() - exercised(iter(fake.requests), discord, failed=False) == set()
    unfailed = served() - exercised(iter(fake.requests), discord, failed=True)
    assert unfailed == WITHOUT_ERRORS & served()


IN_EVENTS = {
    "GUILD_CREATE": ("GuildResponse", None),
    "GUILD_UPDATE": ("GuildResponse", None),
    "CHANNEL_CREATE": ("GuildChannelResponse", None),
    "CHANNEL_UPDATE": ("GuildChannelResponse", None),
    "CHANNEL_DELETE": ("GuildChannelResponse", None),
    "THREAD_CREATE": ("ThreadResponse", None),
    "THREAD_UPDATE": ("ThreadResponse", None),
    "MESSAGE_CREATE": ("MessageResponse", None),
    "MESSAGE_UPDATE": ("MessageResponse", None),
    "GUILD_MEMBER_UPDATE": ("GuildMemberResponse", None),
    "GUILD_ROLE_CREATE": ("GuildRoleResponse", "role"),
    "GUILD_ROLE_UPDATE": ("GuildRoleResponse", "role"),
    "GUILD_MEMBER_REMOVE": ("UserResponse", "user"),
    "GUILD_BAN_ADD": ("UserResponse", "user"),
    "GUILD_BAN_REMOVE": ("UserResponse", "user"),
    "USER_UPDATE": ("UserPIIResponse", None),
    "INTERACTION_CREATE": ("UserResponse", "member.user"),
}
"""The objects of the description that events carry, and under which key."""


async def test_events_carry_the_same_objects(fake: FakeDiscord) -> None:
    discord = description()
    seen = set()
    async with identified(fake, sum(Intent)) as (socket, _):
        await tour.whole(fake)
        marker = fake.world.add_guild("marker")
        while True:
            frame = await socket.receive_json()
            if frame["t"] in IN_EVENTS:
                seen.add(frame["t"])
                schema, key = IN_EVENTS[frame["t"]]
                value = frame["d"]
                for step in key.split(".") if key else ():
                    value = value[step]
                assert discord.of_object(schema, value) == [], frame
            if frame["t"] == "GUILD_CREATE" and frame["d"]["id"] == str(marker.id):
                break
    assert seen == set(IN_EVENTS)
