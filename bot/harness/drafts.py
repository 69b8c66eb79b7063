"""A message body from the wire, checked: what Discord refuses is refused here, in its words."""

import re
from itertools import count

from bot.harness import errors
from bot.harness.call import Call, Upload, snowflake
from bot.harness.conversation import Draft
from bot.harness.errors import Code, DiscordError
from bot.harness.model import (
    Attachment,
    Channel,
    JsonObject,
    Mentions,
    Message,
    MessageFlag,
    MessageType,
    Reference,
)
from bot.harness.permissions import Permission
from bot.harness.world import World

CONTENT_LIMIT = 2000
EMBEDS_LIMIT = 10
EMBED_TEXT_LIMIT = 6000
NONCE_LIMIT = 25

_SETTABLE = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.EPHEMERAL
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.IS_COMPONENTS_V2
)
_USER_MENTION = re.compile(r"<@!?(\d+)>")
_ROLE_MENTION = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


def new_draft(
    call: Call, channel: Channel, author_id: int, body: JsonObject, *, may_be_empty: bool = False
) -> Draft:
    """A new message from a request body and its uploads.

    Raises 50006 when there is nothing in it, 50035 where a limit is passed.
    """
    world = call.world
    reference = _reference(call, channel, body)
    draft = Draft(
        content=_content(body),
        flags=MessageFlag(int(body.get("flags") or 0)) & _SETTABLE,
        embeds=_embeds(body),
        components=components(body),
        attachments=_attachments(world, body, call.uploads),
        reference=reference,
        nonce=_nonce(body),
        tts=bool(body.get("tts")),
    )
    if reference is not None:
        draft.type = MessageType.REPLY
    draft.mentions = mentions(world, channel, author_id, draft.content, body, reference)
    if MessageFlag.IS_COMPONENTS_V2 in draft.flags and (draft.content or draft.embeds):
        raise errors.invalid_form(
            "content" if draft.content else "embeds",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )
    if not may_be_empty:
        _refuse_empty(draft.content, draft.embeds, draft.components, draft.attachments)
    return draft


def apply_edit(call: Call, channel: Channel, message: Message, body: JsonObject) -> None:
    """Change the fields of a message that a PATCH names; the others stay.

    Raises as `new_draft` does, and then nothing has changed.
    """
    content = _content(body) if "content" in body else message.content
    embeds = _embeds(body) if "embeds" in body else message.embeds
    parts = components(body) if "components" in body else message.components
    files = message.attachments
    if "attachments" in body or call.uploads:
        kept = body.get("attachments")
        files = _kept(message.attachments, kept) + _attachments(call.world, body, call.uploads)
    _refuse_empty(content, embeds, parts, files)
    message.content, message.embeds = content, embeds
    message.components, message.attachments = parts, files
    if "flags" in body:
        changeable = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2
        asked = MessageFlag(int(body["flags"] or 0)) & changeable
        message.flags = (message.flags & ~MessageFlag.SUPPRESS_EMBEDS) | asked
    if "content" in body or "allowed_mentions" in body:
        message.mentions = mentions(
            call.world, channel, message.author_id, content, body, message.reference
        )


def mentions(
    world: World,
    channel: Channel,
    author_id: int,
    content: str,
    body: JsonObject,
    reference: Reference | None,
) -> Mentions:
    """Who a message pings: what its content names and its `allowed_mentions` let through."""
    allowed = body.get("allowed_mentions")
    rules: JsonObject = allowed if isinstance(allowed, dict) else {}
    parse = rules.get("parse", [] if allowed is not None else ["users", "roles", "everyone"])
    users = {int(i): None for i in _USER_MENTION.findall(content) if int(i) in world.users}
    if "users" not in parse:
        wanted = {int(i) for i in rules.get("users") or ()}
        users = {i: None for i in users if i in wanted}
    if reference is not None and rules.get("replied_user", allowed is None):
        target = world.conversation.find(reference.channel_id, reference.message_id)
        if target is not None and target.author_id != author_id:
            users.setdefault(target.author_id)
    may_ping_all = Permission.MENTION_EVERYONE in world.permissions(channel, author_id)
    return Mentions(
        user_ids=tuple(users),
        role_ids=_roles(world, channel, content, parse, rules, may_ping_all=may_ping_all),
        everyone="everyone" in parse and may_ping_all and bool(_EVERYONE.search(content)),
    )


def components(body: JsonObject) -> list[JsonObject]:
    """The components of a body, each with the `id` that Discord gives to those without one."""
    given = body.get("components") or []
    if not isinstance(given, list):
        raise errors.invalid_form("components", "LIST_TYPE_CONVERT", "Only iterables may be used.")
    numbers = count(1)
    return [_numbered(component, numbers) for component in given]


def _numbered(component: JsonObject, numbers: "count[int]") -> JsonObject:
    number = next(numbers)
    numbered: JsonObject = {"id": number} | component
    numbered["id"] = component.get("id") or number
    for key in ("components", "accessory", "component"):
        inner = component.get(key)
        if isinstance(inner, list):
            numbered[key] = [_numbered(part, numbers) for part in inner]
        elif isinstance(inner, dict):
            numbered[key] = _numbered(inner, numbers)
    return numbered


def _content(body: JsonObject) -> str:
    content = str(body.get("content") or "")
    if len(content) > CONTENT_LIMIT:
        raise errors.too_long("content", CONTENT_LIMIT)
    # Discord trims the ends of what people write.
    return content.strip()


def _embeds(body: JsonObject) -> list[JsonObject]:
    embeds = body.get("embeds") or []
    if len(embeds) > EMBEDS_LIMIT:
        raise errors.too_long("embeds", EMBEDS_LIMIT)
    if sum(map(_embed_text, embeds)) > EMBED_TEXT_LIMIT:
        raise errors.invalid_form(
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
            f"Embed size exceeds maximum size of {EMBED_TEXT_LIMIT}",
        )
    return [{"type": "rich"} | embed for embed in embeds]


def _embed_text(embed: JsonObject) -> int:
    total = len(embed.get("title") or "") + len(embed.get("description") or "")
    total += len((embed.get("footer") or {}).get("text") or "")
    total += len((embed.get("author") or {}).get("name") or "")
    for part in embed.get("fields") or ():
        total += len(part.get("name") or "") + len(part.get("value") or "")
    return total


def _nonce(body: JsonObject) -> str | int | None:
    nonce: str | int | None = body.get("nonce")
    if len(str(nonce or "")) > NONCE_LIMIT:
        raise errors.too_long("nonce", NONCE_LIMIT)
    return nonce


def _attachments(world: World, body: JsonObject, uploads: list[Upload]) -> list[Attachment]:
    described = {str(a.get("id")): a for a in body.get("attachments") or ()}
    files = []
    for upload in uploads:
        number = upload.field.removeprefix("files[").removesuffix("]")
        told = described.get(number, {})
        files.append(
            Attachment(
                id=world.new_id(),
                filename=str(told.get("filename") or upload.filename),
                content_type=upload.content_type,
                data=upload.data,
                description=told.get("description"),
            )
        )
    return files


def _kept(attachments: list[Attachment], named: list[JsonObject] | None) -> list[Attachment]:
    if named is None:
        return list(attachments)
    ids = {str(a.get("id")) for a in named}
    return [a for a in attachments if str(a.id) in ids]


def _reference(call: Call, channel: Channel, body: JsonObject) -> Reference | None:
    given = body.get("message_reference")
    if not given:
        return None
    target_id = snowflake(given.get("message_id"), "message_reference.message_id")
    if call.account is not None and not call.may(channel, Permission.READ_MESSAGE_HISTORY):
        raise DiscordError(Code.REPLY_WITHOUT_HISTORY)
    target = channel.messages.get(target_id)
    if target is None or target.ephemeral_to is not None:
        if given.get("fail_if_not_exists", True):
            raise errors.invalid_form(
                "message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message"
            )
        return None
    return Reference(channel.id, target_id, channel.guild_id)


def _roles(
    world: World,
    channel: Channel,
    content: str,
    parse: list[str],
    rules: JsonObject,
    *,
    may_ping_all: bool,
) -> tuple[int, ...]:
    if channel.guild_id is None:
        return ()
    roles = world.guilds[channel.guild_id].roles
    named = {int(i): None for i in _ROLE_MENTION.findall(content) if int(i) in roles}
    wanted = {int(i) for i in rules.get("roles") or ()}
    return tuple(
        i
        for i in named
        if (roles[i].mentionable or may_ping_all) and ("roles" in parse or i in wanted)
    )


def _refuse_empty(
    content: str,
    embeds: list[JsonObject],
    parts: list[JsonObject],
    files: list[Attachment],
) -> None:
    if not (content or embeds or parts or files):
        raise DiscordError(Code.EMPTY_MESSAGE)
