"""Discord's members, channels and texts as the agent knows them."""

import re

import discord

from bot.agent.permissions import Author, Permission
from bot.store.records import ChatMessage, World, WorldKind


def author_of(person: discord.abc.User, guild: discord.Guild | None) -> Author:
    """The person with their rights, from our own view of the guild's roles.

    Outside a guild one is one's own admin.
    """
    if isinstance(person, discord.Member):
        allowed = person.guild_permissions.manage_guild
    else:
        allowed = guild is None
    permissions = frozenset({Permission.MANAGE_GUILD} if allowed else ())
    return Author(person.id, person.display_name, permissions)


def world_of(guild: discord.Guild | None, person: discord.abc.User) -> World:
    """The guild's world, or the person's own."""
    if guild is not None:
        return World(WorldKind.GUILD, guild.id)
    return World(WorldKind.DM, person.id)


def without_mention(message: discord.Message, me: discord.abc.User) -> str:
    """What was said, without the mention of the bot or of its own role."""
    content = message.content.replace(f"<@{me.id}>", "").replace(f"<@!{me.id}>", "")
    role = message.guild.self_role if message.guild is not None else None
    if role is not None:
        content = content.replace(f"<@&{role.id}>", "")
    return content.strip()


def readable(message: discord.Message, me: discord.abc.User) -> str:
    """A message's text with names for mentions and without the one of the bot."""
    mine = {me.display_name}
    if message.guild is not None:
        mine.add(message.guild.me.display_name)
        if message.guild.self_role is not None:
            mine.add(message.guild.self_role.name)
    names = "|".join(map(re.escape, mine))
    return re.sub(rf"@(?:{names})(?!\w)", "", message.clean_content).strip()


def chat_message(message: discord.Message, me: discord.abc.User) -> ChatMessage:
    """A message as a part of a prompt: the bot's own as its words, others' with their names."""
    if message.author.id == me.id:
        return ChatMessage(
            "assistant",
            message.content,
            message_id=message.id,
            author_id=me.id,
            subject_id=subject_of(message),
        )
    return ChatMessage(
        "user",
        readable(message, me),
        name=None if message.guild is None else message.author.display_name,
        message_id=message.id,
        author_id=message.author.id,
    )


def subject_of(message: discord.Message) -> int | None:
    """Whom a message of the bot's answers, where Discord tells; None where it does not."""
    if message.interaction_metadata is not None:
        return message.interaction_metadata.user.id
    question = message.reference.resolved if message.reference else None
    return question.author.id if isinstance(question, discord.Message) else None
