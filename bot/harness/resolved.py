"""What ids in an interaction stand for: the `resolved` data that Discord adds for applications.

Source: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from typing import Any

from bot.harness import message_payload, payloads
from bot.harness.model import Attachment, Channel, User
from bot.harness.world import World


class Resolved:
    """Collects, for a person in a channel, what ids stand for. `data` is empty if nothing was."""

    def __init__(self, world: World, channel: Channel, person: User) -> None:
        self.data: dict[str, Any] = {}
        self._world = world
        self._channel = channel
        self._person = person
        self._guild = world.guilds.get(channel.guild_id or 0)

    def add_user(self, text: str) -> bool:
        """A user, with their membership; False (and nothing is added) if there is none."""
        world, user_id = self._world, _number(text)
        if user_id not in world.users:
            return False
        self.data.setdefault("users", {})[text] = payloads.user(world.users[user_id])
        if self._guild is not None and user_id in self._guild.members:
            member = payloads.member(world, self._guild.members[user_id], with_user=False)
            member["permissions"] = str(int(world.permissions(self._channel, user_id)))
            # Discord leaves these out here; the user is beside.
            del member["deaf"], member["mute"]
            self.data.setdefault("members", {})[text] = member
        return True

    def add_role(self, text: str) -> bool:
        role = self._guild.roles.get(_number(text)) if self._guild else None
        if role is None:
            return False
        self.data.setdefault("roles", {})[text] = payloads.role(role)
        return True

    def add_channel(self, text: str) -> bool:
        world, place = self._world, self._world.channels.get(_number(text))
        if place is None or place.guild_id != self._channel.guild_id:
            return False
        shown = payloads.channel_for(world, place, world.bot.id)
        shown["permissions"] = str(int(world.permissions(place, self._person.id)))
        self.data.setdefault("channels", {})[text] = shown
        return True

    def channel_type(self, text: str) -> int | None:
        place = self._world.channels.get(_number(text))
        return int(place.type) if place else None

    def add_mentionable(self, text: str) -> bool:
        return self.add_user(text) or self.add_role(text)

    def add_message(self, text: str) -> bool:
        message = self._channel.messages.get(_number(text))
        if message is None:
            return False
        shown = message_payload.message(self._world, message, self._world.bot.id)
        self.data.setdefault("messages", {})[text] = shown
        return True

    def add_attachment(self, file: Attachment) -> None:
        shown = message_payload.uploaded(self._world, self._channel, file)
        self.data.setdefault("attachments", {})[str(file.id)] = shown


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
