"""Op 8: a client asks the gateway for a guild's members and gets them in chunks.

Source: https://discord.com/developers/docs/events/gateway-events#request-guild-members
"""

import logging
from collections.abc import Iterator

from bot.harness import payloads
from bot.harness.model import Guild, JsonObject, Member
from bot.harness.viewer import Viewer
from bot.harness.world import World

log = logging.getLogger(__name__)

_MEMBERS_A_CHUNK = 1000


def member_chunks(world: World, viewer: Viewer, request: JsonObject) -> Iterator[JsonObject]:
    """The data of each GUILD_MEMBERS_CHUNK that answers a request, at least one a guild."""
    asked = request.get("guild_id")
    for guild_id in asked if isinstance(asked, list) else [asked]:
        guild = world.guilds.get(next(iter(_ids(guild_id)), 0))
        if guild is None or viewer.user_id not in guild.members:
            log.warning("members of an unknown guild %s were requested", guild_id)
            continue
        yield from _chunks_of(world, guild, request)


def _chunks_of(world: World, guild: Guild, request: JsonObject) -> Iterator[JsonObject]:
    asked = request.get("user_ids")
    wanted = None if asked is None else _ids(asked)
    found = _found(world, guild, wanted, request)
    chunks = [found[i : i + _MEMBERS_A_CHUNK] for i in range(0, len(found), _MEMBERS_A_CHUNK)]
    for index, members in enumerate(chunks or [[]]):
        chunk: JsonObject = {
            "guild_id": str(guild.id),
            "members": [payloads.member(world, m) for m in members],
            "chunk_index": index,
            "chunk_count": max(len(chunks), 1),
        }
        if wanted is not None:
            chunk["not_found"] = [str(i) for i in wanted if i not in guild.members]
        if request.get("presences"):
            chunk["presences"] = []
        if request.get("nonce") is not None:
            chunk["nonce"] = request["nonce"]
        yield chunk


def _found(
    world: World, guild: Guild, wanted: list[int] | None, request: JsonObject
) -> list[Member]:
    if wanted is not None:
        return [guild.members[i] for i in wanted if i in guild.members]
    query = str(request.get("query") or "").lower()
    limit = int(request.get("limit") or 0) or None
    members = guild.members.values()
    return [m for m in members if world.users[m.user_id].name.lower().startswith(query)][:limit]


def _ids(asked: object) -> list[int]:
    items = asked if isinstance(asked, list) else [asked]
    return [int(str(item)) for item in items if str(item).isdigit()]
