"""Op 8: a client asks the gateway for a guild's members and gets them in chunks.

Source: https://discord.com/developers/docs/events/gateway-events#request-guild-members
"""

import logging
from collections.abc import Iterator

from bot.harness import payloads
from bot.harness.gateway_codes import Close, GatewayClosed
from bot.harness.model import Guild, JsonObject, Member
from bot.harness.viewer import Intent, Viewer
from bot.harness.world import World

log = logging.getLogger(__name__)

_MEMBERS_A_CHUNK = 1000
_FOUND_LIMIT = 100
_NONCE_BYTES = 32


def member_chunks(world: World, viewer: Viewer, request: JsonObject) -> Iterator[JsonObject]:
    """The data of each GUILD_MEMBERS_CHUNK that answers a request, at least one a guild.

    Raises 4002 for a request that says neither whom nor how, and 4014 for all members of a guild
    without the intent.
    """
    if "query" not in request and "user_ids" not in request:
        raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.")
    if _wants_all(request) and viewer.bot and Intent.GUILD_MEMBERS not in viewer.intents:
        raise GatewayClosed(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
    asked = request.get("guild_id")
    for guild_id in asked if isinstance(asked, list) else [asked]:
        guild = world.guilds.get(next(iter(_ids(guild_id)), 0))
        if guild is None or viewer.user_id not in guild.members:
            log.warning("members of an unknown guild %s were requested", guild_id)
            continue
        yield from _chunks_of(world, guild, viewer, request)


def _wants_all(request: JsonObject) -> bool:
    return "user_ids" not in request and not request.get("query") and not request.get("limit")


def _chunks_of(
    world: World, guild: Guild, viewer: Viewer, request: JsonObject
) -> Iterator[JsonObject]:
    wanted = _ids(request["user_ids"])[:_FOUND_LIMIT] if "user_ids" in request else None
    found = _found(world, guild, wanted, request)
    chunks = [found[i : i + _MEMBERS_A_CHUNK] for i in range(0, len(found), _MEMBERS_A_CHUNK)]
    with_presences = request.get("presences") and Intent.GUILD_PRESENCES in viewer.intents
    nonce = request.get("nonce")
    for index, members in enumerate(chunks or [[]]):
        chunk: JsonObject = {
            "guild_id": str(guild.id),
            "members": [payloads.member(world, m) for m in members],
            "chunk_index": index,
            "chunk_count": max(len(chunks), 1),
        }
        if wanted is not None:
            chunk["not_found"] = [str(i) for i in wanted if i not in guild.members]
        if with_presences:
            online = [m.user_id for m in members if m.user_id in world.presences]
            chunk["presences"] = [payloads.presence(world, user_id) for user_id in online]
        if nonce is not None and len(str(nonce).encode()) <= _NONCE_BYTES:
            chunk["nonce"] = nonce
        yield chunk


def _found(
    world: World, guild: Guild, wanted: list[int] | None, request: JsonObject
) -> list[Member]:
    if wanted is not None:
        return [guild.members[i] for i in wanted if i in guild.members]
    query = str(request.get("query") or "").lower()
    limit = int(request.get("limit") or 0)
    members = list(guild.members.values())
    if not query and not limit:
        return members
    named = [m for m in members if _named(world, m, query)]
    return named[: min(limit or _FOUND_LIMIT, _FOUND_LIMIT)]


def _named(world: World, member: Member, query: str) -> bool:
    name = world.users[member.user_id].name
    return name.lower().startswith(query) or (member.nick or "").lower().startswith(query)


def _ids(asked: object) -> list[int]:
    items = asked if isinstance(asked, list) else [asked]
    return [int(str(item)) for item in items if str(item).isdigit()]
