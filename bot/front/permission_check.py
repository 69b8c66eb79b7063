"""What the bot may do in a server and what it lacks, in words, with a link that mends it."""

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import discord

log = logging.getLogger(__name__)

NEEDED: Mapping[str, str] = MappingProxyType(
    {
        "view_channel": "to see what is said to it",
        "send_messages": "to answer",
        "send_messages_in_threads": "to answer in threads",
        "read_message_history": "to know what was said before, and to reply to a message",
        "attach_files": "for very long answers, charts and exports",
        "embed_links": "for previews of links, where an admin allows them",
    }
)
"""Every permission that the bot asks for, and what it is for."""


def needed_permissions() -> discord.Permissions:
    """All that the bot asks for, and no more."""
    return discord.Permissions(**dict.fromkeys(NEEDED, True))


def missing(held: discord.Permissions) -> list[str]:
    """What of NEEDED is not held."""
    return [name for name in NEEDED if not getattr(held, name)]


def permissions_in(channel: Any) -> discord.Permissions | None:  # noqa: ANN401 - any of discord.py's
    """What the bot may do in a channel, as far as is known here; None where nothing is known."""
    guild: discord.Guild | None = getattr(channel, "guild", None)
    if guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return None
    try:
        return channel.permissions_for(guild.me)
    except discord.ClientException:
        # A thread whose channel is not known.
        return None


def invite(application_id: int, guild: discord.Guild | None = None) -> str:
    """A link that adds the bot with all that it needs; in a server where it is, it adds those."""
    return discord.utils.oauth_url(
        application_id,
        permissions=needed_permissions(),
        guild=discord.utils.MISSING if guild is None else guild,
        scopes=("bot", "applications.commands"),
    )


def log_missing(guilds: Iterable[discord.Guild], application_id: int) -> None:
    """A line in the log for each server in which something is lacking."""
    for guild in guilds:
        if lacking := missing(guild.me.guild_permissions):
            log.warning(
                "In the server %s (%d) I lack: %s. This link grants it: %s",
                guild.name,
                guild.id,
                ", ".join(map(spelled, lacking)),
                invite(application_id, guild),
            )


def report(guild: discord.Guild, channel: object, application_id: int) -> str:
    """What the bot may and may not do in a server and in one of its channels, for its admins."""
    here = permissions_in(channel)
    everywhere = missing(guild.me.guild_permissions)
    lines = ["**Permissions in this server**", *(f"❌ {line}" for line in reasons(everywhere))]
    if not everywhere:
        lines.append("✅ All that I need.")
    only_here = [] if here is None else [name for name in missing(here) if name not in everywhere]
    if only_here:
        lines += [
            "**In this channel** its own permissions take away:",
            *(f"❌ {line}" for line in reasons(only_here)),
            "A channel's permissions are changed in the channel's settings.",
        ]
    if everywhere:
        lines.append(f"[This link]({invite(application_id, guild)}) adds what is missing.")
    return "\n".join(lines)


def reasons(names: Iterable[str]) -> list[str]:
    """What each of these is for."""
    return [f"**{spelled(name)}**, {NEEDED[name]}" for name in names]


def spelled(name: str) -> str:
    """A permission as Discord's settings call it."""
    return name.replace("_", " ").title().replace(" In ", " in ")
