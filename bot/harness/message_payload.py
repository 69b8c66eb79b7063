"""A message as Discord's JSON, for who looks at it.

Shapes follow Discord's OpenAPI description: a field that Discord always sends is always here.
"""

from typing import Any
from urllib.parse import quote

from bot.harness import payloads
from bot.harness.model import (
    Attachment,
    Channel,
    Interaction,
    JsonObject,
    Message,
    MessageFlag,
    MessageType,
    Reaction,
)
from bot.harness.world import World

_WITH_REFERENCED = (
    MessageType.REPLY,
    MessageType.THREAD_STARTER_MESSAGE,
    MessageType.CONTEXT_MENU_COMMAND,
)


def message(
    world: World,
    said: Message,
    viewer_id: int,
    *,
    with_content: bool = True,
    with_reference: bool = True,
) -> JsonObject:
    """A message as a user sees it; without `with_content` as without the intent."""
    data: JsonObject = {
        "id": str(said.id),
        "type": int(said.type),
        "channel_id": str(said.channel_id),
        "author": payloads.user(world.users[said.author_id]),
        "tts": said.tts,
        "mention_everyone": said.mentions.everyone,
        "pinned": said.pinned,
        **_substance(world, said, with_content=with_content),
    }
    if said.reactions:
        data["reactions"] = [_reaction_count(r, viewer_id) for r in said.reactions.values()]
    if said.nonce is not None:
        data["nonce"] = said.nonce
    if said.thread_id is not None and said.thread_id in world.channels:
        data["thread"] = payloads.channel(world, world.channels[said.thread_id])
    if said.interaction is not None:
        data |= _interaction_fields(world, said.interaction)
    if said.snapshots:
        data["message_snapshots"] = [
            {"message": _substance(world, s, with_content=with_content) | {"type": int(s.type)}}
            for s in said.snapshots
        ]
    if said.reference is not None:
        data["message_reference"] = {
            "type": int(said.reference.type),
            "channel_id": str(said.reference.channel_id),
        }
        if said.reference.message_id is not None:
            data["message_reference"]["message_id"] = str(said.reference.message_id)
        if said.reference.guild_id is not None:
            data["message_reference"]["guild_id"] = str(said.reference.guild_id)
        if with_reference and said.type in _WITH_REFERENCED:
            data["referenced_message"] = _referenced(world, said, viewer_id, with_content)
    return data


def _substance(world: World, said: Message, *, with_content: bool) -> JsonObject:
    """What a message says, which is also what a forwarded one shows."""
    data: JsonObject = {
        "content": said.content if with_content else "",
        "timestamp": payloads.timestamp(said.created_at),
        "edited_timestamp": payloads.timestamp_or_none(said.edited_at),
        "mentions": [payloads.user(world.users[i]) for i in said.mentions.user_ids],
        "mention_roles": [str(i) for i in said.mentions.role_ids],
        "attachments": [],
        "embeds": [],
        "components": [],
        "flags": int(said.flags),
    }
    if with_content:
        files = [attachment(world, said, a) for a in said.attachments]
        data["attachments"] = files
        data["embeds"] = _with_addresses(said.embeds, files)
        data["components"] = _with_addresses(said.components, files)
    return data


def _with_addresses(tree: Any, files: list[JsonObject]) -> Any:  # noqa: ANN401 - JSON
    """The same with attachment://NAME replaced by where that file is served."""
    if not files or not tree:
        return tree
    if isinstance(tree, list):
        return [_with_addresses(item, files) for item in tree]
    if not isinstance(tree, dict):
        return tree
    shown = {key: _with_addresses(value, files) for key, value in tree.items()}
    for key in ("url", "proxy_url", "icon_url", "proxy_icon_url"):
        name = str(shown.get(key) or "").removeprefix("attachment://")
        file = next((f for f in files if f["filename"] == name), None)
        if file is not None:
            shown[key] = file["url"]
            if "proxy_url" in shown and "id" in shown:
                shown |= {"attachment_id": file["id"], "content_type": file["content_type"]}
    if shown.get("type") == 13:
        file = next((f for f in files if f["url"] == shown["file"]["url"]), None)
        shown |= {"name": file["filename"], "size": file["size"]} if file else {}
    return shown


def _referenced(
    world: World, said: Message, viewer_id: int, with_content: bool
) -> JsonObject | None:
    assert said.reference is not None  # noqa: S101 - the caller looked
    target = world.conversation.find(said.reference.channel_id, said.reference.message_id or 0)
    if target is None:
        return None
    own = target.author_id == viewer_id or viewer_id in target.mentions.user_ids
    return message(world, target, viewer_id, with_content=with_content or own, with_reference=False)


def _interaction_fields(world: World, use: Interaction) -> JsonObject:
    person = payloads.user(world.users[use.user_id])
    data: JsonObject = {
        "webhook_id": str(world.application.id),
        "application_id": str(world.application.id),
        "interaction_metadata": interaction_metadata(world, use),
    }
    if use.command_name is not None:
        data["interaction"] = {
            "id": str(use.id),
            "type": int(use.type),
            "name": use.command_name,
            "user": person,
        }
    return data


def interaction_metadata(world: World, use: Interaction) -> JsonObject:
    data: JsonObject = {
        "id": str(use.id),
        "type": int(use.type),
        "user": payloads.user(world.users[use.user_id]),
        "authorizing_integration_owners": integration_owners(use),
    }
    if use.command_name is not None:
        data |= {"name": use.command_name, "command_type": int(use.data.get("type", 1))}
    if use.source_message_id is not None:
        data["interacted_message_id"] = str(use.source_message_id)
    if use.parent is not None:
        data["triggering_interaction_metadata"] = interaction_metadata(world, use.parent)
    return data


def integration_owners(use: Interaction) -> JsonObject:
    """By which installs it came: "0" is a guild's ("0" in a direct message), "1" a person's."""
    return {str(int(install)): str(owner) for install, owner in use.owners.items()}


def attachment(world: World, said: Message, file: Attachment) -> JsonObject:
    data = _file(world, said.channel_id, file)
    if MessageFlag.EPHEMERAL in said.flags:
        data["ephemeral"] = True
    return data


def uploaded(world: World, channel: Channel, file: Attachment) -> JsonObject:
    """A file that was given to an interaction, and that is in no message."""
    return _file(world, channel.id, file) | {"ephemeral": True}


def _file(world: World, channel_id: int, file: Attachment) -> JsonObject:
    name = quote(file.filename)
    url = f"{world.cdn}attachments/{channel_id}/{file.id}/{name}"
    data: JsonObject = {
        "id": str(file.id),
        "filename": file.filename,
        "size": len(file.data),
        "url": url,
        "proxy_url": url,
        "content_type": file.content_type,
    }
    if file.description is not None:
        data["description"] = file.description
    return data


def _reaction_count(reaction: Reaction, viewer_id: int) -> JsonObject:
    return {
        "emoji": payloads.emoji(reaction),
        "count": len(reaction.user_ids),
        "count_details": {"burst": 0, "normal": len(reaction.user_ids)},
        "burst_colors": [],
        "me": viewer_id in reaction.user_ids,
        "me_burst": False,
    }
