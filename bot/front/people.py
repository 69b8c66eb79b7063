"""Discord's members, channels and texts as the agent knows them."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import discord

from bot.agent.permissions import Author, Permission
from bot.store.records import LARGEST, ChatMessage, Role, World, WorldKind

LONGEST_NAME = 32
PLAIN = re.compile(rf"\w(?:[\w .'-]{{0,{LONGEST_NAME - 2}}}\w)?", re.ASCII)
"""Most names, which need no closer look."""

ROLES = frozenset({"system", "user", "assistant", "developer", "tool"})


def author_of(person: discord.abc.User, guild: discord.Guild | None) -> Author:
    """The person with their rights, from our own view of the guild's roles.

    Outside a guild one is one's own admin.
    """
    allowed = guild is None or (
        isinstance(person, discord.Member) and person.guild_permissions.manage_guild
    )
    permissions = frozenset({Permission.MANAGE_GUILD} if allowed else ())
    return Author(person.id, person.display_name, permissions)


def world_of(guild: discord.Guild | None, person: discord.abc.User) -> World:
    """The guild's world, or the person's own."""
    if guild is not None:
        return World(WorldKind.GUILD, guild.id)
    return World(WorldKind.DM, person.id)


def home_of(interaction: discord.Interaction[Any]) -> discord.Guild | None:
    """The guild of an interaction where the bot is a member; None everywhere else.

    Who has the bot on their own account uses it in guilds that it is not in. Those have no file
    here: what is done there belongs to the person's own world.
    """
    guild = interaction.guild
    return None if guild is None or interaction.client.get_guild(guild.id) is None else guild


def is_elsewhere(interaction: discord.Interaction[Any]) -> bool:
    """Whether it comes from where the bot is not: another guild, other people's messages."""
    return home_of(interaction) is None and not interaction.context.dm_channel


def place_of_start(thread: discord.Thread) -> discord.abc.Messageable | None:
    """Where the message stands that a thread began with, which has the thread's id."""
    place = thread if isinstance(thread.parent, discord.ForumChannel) else thread.parent
    return place if isinstance(place, discord.abc.Messageable) else None


def without_mention(message: discord.Message, me: discord.abc.User) -> str:
    """What was said, without the mention of the bot or of its own role."""
    content = message.content
    if "<@" in content:
        content = content.replace(f"<@{me.id}>", "").replace(f"<@!{me.id}>", "")
        # Looked for among all roles of the guild: there may be hundreds.
        role = message.guild.self_role if "<@&" in content and message.guild is not None else None
        if role is not None:
            content = content.replace(f"<@&{role.id}>", "")
    return content.strip()


def readable(message: discord.Message, me: discord.abc.User) -> str:
    """A message's text with names for mentions and without the one of the bot."""
    if "@" not in message.content and "<" not in message.content:
        return message.content.strip()
    text = message.clean_content
    guild = message.guild
    mine = {me.display_name} if guild is None else {me.display_name, guild.me.display_name}
    text = without_names(text, mine)
    # Looked for among all roles of the guild, so only where a name is left.
    if "@" in text and guild is not None and guild.self_role is not None:
        text = without_names(text, {guild.self_role.name})
    return text.strip()


def without_names(text: str, names: Iterable[str]) -> str:
    """A text without the mentions of these names."""
    return re.sub(rf"@(?:{'|'.join(map(re.escape, names))})(?!\w)", "", text)


def speaker(name: str) -> str:
    """A person's name as a prompt has it: one line, of letters that end no name and begin no role.

    A name is what somebody chose; none may look like the end of a name and the beginning of
    another speaker, or of a role.
    """
    if PLAIN.fullmatch(name) and name.casefold() not in ROLES:
        return name
    plain = unicodedata.normalize("NFKC", name)
    kept = "".join(
        " " if sign.isspace() or sign in ":[]<>|`" else sign
        for sign in plain
        if sign.isspace() or not unicodedata.category(sign).startswith("C")
    )
    words = " ".join(kept.split())[:LONGEST_NAME].strip()
    if words.casefold() in ROLES:
        return f"member {words}"
    return words or "somebody"


def chat_message(
    message: discord.Message, me: discord.abc.User, text: str, name: str | None = None
) -> ChatMessage:
    """A message, which reads `text`, as a part of a prompt: the bot's own words, or a person's.

    `name` is what its author is called, if the message itself does not tell.
    """
    if message.author.id == me.id:
        return said("assistant", message.content, None, message.id, me.id, subject_of(message))
    called = None if message.guild is None else speaker(name or message.author.display_name)
    return said("user", text, called, message.id, message.author.id)


def said(
    role: Role,
    content: str,
    name: str | None,
    message_id: int,
    author_id: int,
    subject_id: int | None = None,
) -> ChatMessage:
    """What somebody said, as a part of a prompt.

    What has an id that no record has room for is answered all the same, and not recorded.
    """
    if max(message_id, author_id, subject_id or 0) < LARGEST:
        return ChatMessage(role, content, name, message_id, author_id, subject_id=subject_id)
    # Without any id it would be recorded as a text of our own.
    place = message_id if message_id < LARGEST else 0
    return ChatMessage(role, content, name, place, withheld=True)


def subject_of(message: discord.Message) -> int | None:
    """Whom a message of the bot's answers, where Discord tells; None where it does not."""
    if message.interaction_metadata is not None:
        return message.interaction_metadata.user.id
    question = message.reference.resolved if message.reference else None
    return question.author.id if isinstance(question, discord.Message) else None
