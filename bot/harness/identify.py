"""Who identifies at the gateway, with which intents and shard, and whether they may now.

Source: https://discord.com/developers/docs/events/gateway#identifying
"""

from bot.harness.gateway_codes import Close, GatewayClosed, SessionInvalid
from bot.harness.model import Guild, JsonObject, User
from bot.harness.ratelimits import Limits
from bot.harness.viewer import ALL_INTENTS, PRIVILEGED, Intent, Viewer
from bot.harness.world import World

_STATUSES = ("online", "idle", "dnd", "invisible", "offline")


def as_object(data: object) -> JsonObject:
    """The data of a frame. Raises 4002 for what is no object."""
    if not isinstance(data, dict):
        raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.")
    return data


def token_of(data: JsonObject) -> str:
    return str(data.get("token", "")).removeprefix("Bot ")


def user_of(world: World, token: str) -> User:
    """Whose token it is. Raises 4004 for nobody's."""
    user = world.user_of(token)
    if user is None:
        raise GatewayClosed(Close.AUTHENTICATION_FAILED, "Authentication failed.")
    return user


def viewer_of(world: World, user: User, data: JsonObject) -> Viewer:
    """What an IDENTIFY asks to see. Raises 4010, 4013 or 4014."""
    return Viewer(user.id, user.bot, _intents(world, user, data), _shard(data))


def guilds_for(world: World, viewer: Viewer) -> list[Guild]:
    """The guilds of a viewer's shard."""
    shard, count = viewer.shard
    mine = world.guilds_of(viewer.user_id)
    return [g for g in mine if not viewer.bot or (g.id >> 22) % count == shard]


def admit(world: World, limits: Limits, viewer: Viewer, guilds: list[Guild]) -> None:
    """Count the start of a bot's session.

    Raises SessionInvalid when its neighbours in the same bucket of `max_concurrency` started less
    than five seconds ago, 4004 when all starts of the day are used up (the token is void then),
    and 4011 for too many guilds on a shard.
    """
    if not viewer.bot:
        return
    most = limits.rates.guilds_per_shard
    if most is not None and len(guilds) > most:
        raise GatewayClosed(Close.SHARDING_REQUIRED, "Sharding required.")
    if not limits.admit_identify(viewer.user_id, viewer.shard[0]):
        raise SessionInvalid
    if not limits.admit_session(viewer.user_id):
        world.set_token(world.users[viewer.user_id], None)
        raise GatewayClosed(Close.AUTHENTICATION_FAILED, "Authentication failed.")


def presence_of(data: object) -> JsonObject | None:
    """A presence as others see it, None for one that nobody sees. Raises 4002 for what is none."""
    given = as_object(data)
    status = given.get("status") or "online"
    activities = given.get("activities") or []
    if status not in _STATUSES or not isinstance(activities, list):
        raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.")
    if status in ("invisible", "offline"):
        return None
    return {"status": status, "activities": activities}


def _intents(world: World, user: User, data: JsonObject) -> Intent:
    if not user.bot:
        return ALL_INTENTS
    asked = data.get("intents")
    if not isinstance(asked, int) or isinstance(asked, bool) or asked & ~int(ALL_INTENTS):
        raise GatewayClosed(Close.INVALID_INTENTS, "Invalid intent(s).")
    if asked & int(PRIVILEGED) and not world.privileged_intents:
        raise GatewayClosed(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
    return Intent(asked)


def _shard(data: JsonObject) -> tuple[int, int]:
    match data.get("shard"):
        case None:
            return 0, 1
        case [int(shard), int(count)] if 0 <= shard < count:
            return shard, count
        case _:
            raise GatewayClosed(Close.INVALID_SHARD, "Invalid shard.")
