"""The fields of a guild's channel and of a thread: what they may be, and taking them over.

Source: https://discord.com/developers/docs/resources/channel#modify-channel
"""

from bot.harness.forms import Choice, Flag, Form, Id, ListOf, Number, Text
from bot.harness.model import Channel, ChannelType, JsonObject, Overwrite, OverwriteType
from bot.harness.world import World

ARCHIVE_MINUTES = Choice((60, 1440, 4320, 10080))
SLOWMODE = Number(0, 21_600)
OVERWRITE = Form(
    {"type": Choice((0, 1)), "allow": Number(0), "deny": Number(0), "id": Id()},
)
CHANNEL = Form(
    {
        "name": Text(1, 100),
        "type": Choice((0, 2, 4, 5, 13, 15)),
        "position": Number(0),
        "topic": Text(0, 4096),
        "bitrate": Number(8000, 384_000),
        "user_limit": Number(0, 10_000),
        "nsfw": Flag(),
        "rate_limit_per_user": SLOWMODE,
        "parent_id": Id(),
        "permission_overwrites": ListOf(OVERWRITE, 0, 100),
        "default_auto_archive_duration": ARCHIVE_MINUTES,
        "default_thread_rate_limit_per_user": SLOWMODE,
        "available_tags": ListOf(Form({"name": Text(0, 50)}, frozenset({"name"})), 0, 20),
    }
)
THREAD = Form(
    {
        "name": Text(1, 100),
        "archived": Flag(),
        "locked": Flag(),
        "invitable": Flag(),
        "auto_archive_duration": ARCHIVE_MINUTES,
        "rate_limit_per_user": SLOWMODE,
        "applied_tags": ListOf(Id(), 0, 5),
    }
)

# Named like this, channels that are written in have no capitals and no spaces.
_LOWERED = (ChannelType.TEXT, ChannelType.ANNOUNCEMENT, ChannelType.FORUM)
_SETTINGS = (
    "bitrate",
    "user_limit",
    "rtc_region",
    "video_quality_mode",
    "default_auto_archive_duration",
    "default_thread_rate_limit_per_user",
    "default_sort_order",
    "default_forum_layout",
    "default_reaction_emoji",
    "default_tag_setting",
)


def apply(world: World, channel: Channel, changes: JsonObject) -> None:
    """Take over the fields of a body that `CHANNEL` found right. Tells nobody."""
    if changes.get("name"):
        channel.name = named(channel.type, changes["name"])
    if "topic" in changes:
        channel.topic = changes["topic"] or None
    if changes.get("position") is not None:
        channel.position = int(changes["position"])
    if changes.get("nsfw") is not None:
        channel.nsfw = changes["nsfw"]
    if changes.get("rate_limit_per_user") is not None:
        channel.slowmode_seconds = int(changes["rate_limit_per_user"])
    if "parent_id" in changes:
        channel.parent_id = int(changes["parent_id"]) if changes["parent_id"] else None
    if changes.get("permission_overwrites") is not None:
        given = [overwrite(int(o["id"]), o) for o in changes["permission_overwrites"]]
        channel.overwrites = {o.id: o for o in given}
    _apply_settings(world, channel, changes)


def named(channel_type: ChannelType, name: str) -> str:
    return name.lower().replace(" ", "-") if channel_type in _LOWERED else name


def overwrite(overwrite_id: int, given: JsonObject) -> Overwrite:
    return Overwrite(
        id=overwrite_id,
        type=OverwriteType(int(given.get("type") or 0)),
        allow=int(given.get("allow") or 0),
        deny=int(given.get("deny") or 0),
    )


def _apply_settings(world: World, channel: Channel, changes: JsonObject) -> None:
    for name in _SETTINGS:
        if changes.get(name) is not None:
            channel.settings[name] = changes[name]
    if changes.get("available_tags") is not None:
        channel.settings["available_tags"] = [
            {
                "id": str(tag.get("id") or world.new_id()),
                "name": tag["name"],
                "moderated": bool(tag.get("moderated")),
                "emoji_id": tag.get("emoji_id"),
                "emoji_name": tag.get("emoji_name"),
            }
            for tag in changes["available_tags"]
        ]
