"""Registering the commands with Discord: only when they differ from what is there."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from discord import app_commands
from discord.http import Route

log = logging.getLogger(__name__)

Payload = Mapping[str, Any]


async def sync_commands(tree: app_commands.CommandTree[Any]) -> bool:
    """Register the tree's commands, in all languages, if they differ from what Discord has.

    Returns whether it did. Registering is limited to 200 a day, reading is not. Raises
    HTTPException.
    """
    translator = tree.translator
    ours: list[Payload] = [
        command.to_dict(tree)
        if translator is None
        else await command.get_translated_payload(tree, translator)
        for command in tree.get_commands()
    ]
    if same_commands(ours, await registered(tree)):
        return False
    await tree.sync()
    log.info("Slash commands were registered with Discord")
    return True


async def registered(tree: app_commands.CommandTree[Any]) -> Sequence[Payload]:
    """The commands that Discord has, with their translations, which discord.py does not ask for.

    https://docs.discord.com/developers/interactions/application-commands#get-global-application-commands
    """
    route = Route(
        "GET",
        "/applications/{application_id}/commands?with_localizations=true",
        application_id=tree.client.application_id,
    )
    found: Sequence[Payload] = await tree.client.http.request(route)
    return found


def same_commands(ours: Sequence[Payload], theirs: Sequence[Payload]) -> bool:
    """Whether both lists have the same commands, whatever their order and filled-in defaults."""
    known = {key(command): command for command in theirs}
    return {key(command) for command in ours} == known.keys() and all(
        same(command, known[key(command)]) for command in ours
    )


def key(command: Payload) -> tuple[int, str]:
    """What a command is known by."""
    return command.get("type") or 1, command["name"]


def same(ours: Payload, theirs: Payload) -> bool:
    """Whether a command is registered as it is here."""
    if essence(ours) != essence(theirs):
        return False
    # What we leave open is as the application is set up in the developer portal.
    installs = ours.get("integration_types")
    return installs is None or sorted(installs) == sorted(theirs.get("integration_types") or ())


def essence(command: Payload) -> tuple[Any, ...]:
    """What makes a command, or an option of one, what it is."""
    needed = command.get("default_member_permissions")
    contexts = command.get("contexts")
    if contexts is None and command.get("dm_permission") is False:
        contexts = [0]
    return (
        *key(command),
        command.get("description") or "",
        command.get("name_localizations") or {},
        command.get("description_localizations") or {},
        None if needed is None else str(needed),
        None if contexts is None else sorted(contexts),
        bool(command.get("required")),
        bool(command.get("autocomplete")),
        sorted(command.get("channel_types") or ()),
        [
            (choice["name"], choice["value"], choice.get("name_localizations") or {})
            for choice in command.get("choices") or ()
        ],
        [essence(option) for option in command.get("options") or ()],
    )
