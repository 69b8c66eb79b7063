"""What a channel has by its type alone.

Source: https://discord.com/developers/docs/resources/channel#channel-object
"""

from types import MappingProxyType

from bot.harness.model import ChannelType, JsonObject

_USUAL: "MappingProxyType[ChannelType, JsonObject]" = MappingProxyType(
    {
        ChannelType.VOICE: {"bitrate": 64_000, "user_limit": 0, "rtc_region": None},
        ChannelType.STAGE: {"bitrate": 64_000, "user_limit": 0, "rtc_region": None},
        ChannelType.FORUM: {
            "available_tags": [],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        },
    }
)


def usual_settings(channel_type: ChannelType) -> JsonObject:
    """The fields that only channels of this type have, as they are at first."""
    return dict(_USUAL.get(channel_type, {}))
