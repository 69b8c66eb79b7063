"""A message body from the wire, checked: what Discord refuses is refused here, in its words.

Source: https://discord.com/developers/docs/resources/message#create-message
"""

from dataclasses import replace

from bot.harness import components, embeds, errors
from bot.harness.call import Call, Upload
from bot.harness.conversation import Draft
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import Flag, Form, Id, ListOf, Number, Text, check
from bot.harness.mentions import FORM as ALLOWED_MENTIONS
from bot.harness.mentions import check_allowed, mentions
from bot.harness.model import (
    Attachment,
    Channel,
    JsonObject,
    Message,
    MessageFlag,
    MessageType,
    Reference,
    ReferenceType,
)
from bot.harness.permissions import Permission
from bot.harness.world import World

CONTENT_LIMIT = 2000
NONCE_LIMIT = 25
FILES_LIMIT = 10
FILE_BYTES_LIMIT = 10 * 1024 * 1024

_SETTABLE = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.EPHEMERAL
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.IS_COMPONENTS_V2
)
_ATTACHMENT = Form(
    {"id": Id(), "filename": Text(1, 1024), "description": Text(0, 1024)}, frozenset({"id"})
)
_REFERENCE = Form(
    {
        "type": Number(0, 1),
        "message_id": Id(),
        "channel_id": Id(),
        "guild_id": Id(),
        "fail_if_not_exists": Flag(),
    },
    frozenset({"message_id"}),
)
_BODY = Form(
    {
        "content": Text(0, CONTENT_LIMIT),
        "tts": Flag(),
        "flags": Number(0),
        "allowed_mentions": ALLOWED_MENTIONS,
        "message_reference": _REFERENCE,
        "attachments": ListOf(_ATTACHMENT, 0, FILES_LIMIT),
        "enforce_nonce": Flag(),
    }
)


def new_draft(
    call: Call, channel: Channel, author_id: int, body: JsonObject, *, may_be_empty: bool = False
) -> Draft:
    """A new message from a request body and its uploads.

    Raises 50006 when there is nothing in it, 50035 where a limit is passed.
    """
    _check(body)
    world = call.world
    flags = MessageFlag(int(body.get("flags") or 0)) & _SETTABLE
    draft = Draft(
        content=_content(body),
        flags=flags,
        embeds=embeds.checked(body.get("embeds")),
        components=_components(world, body, flags),
        attachments=_attachments(world, body, call.uploads),
        nonce=_nonce(body),
        tts=bool(body.get("tts")),
    )
    _refer(call, channel, body, draft)
    draft.mentions = mentions(world, channel, author_id, draft.content, body, draft.reference)
    _refuse_mixture(flags, draft.content, draft.embeds)
    if not may_be_empty and not draft.snapshots:
        _refuse_empty(draft.content, draft.embeds, draft.components, draft.attachments)
    return draft


def apply_edit(call: Call, channel: Channel, message: Message, body: JsonObject) -> None:
    """Change the fields of a message that a PATCH names; the others stay.

    Raises as `new_draft` does, and then nothing has changed.
    """
    _check(body)
    flags = _edited_flags(message, body)
    content = _content(body) if "content" in body else message.content
    shown = embeds.checked(body["embeds"]) if "embeds" in body else message.embeds
    parts = message.components
    if "components" in body:
        parts = _components(call.world, body, flags)
    files = message.attachments
    if "attachments" in body or call.uploads:
        kept = body.get("attachments")
        files = _kept(message.attachments, kept) + _attachments(call.world, body, call.uploads)
    _refuse_mixture(flags, content, shown)
    _refuse_empty(content, shown, parts, files)
    message.content, message.embeds, message.flags = content, shown, flags
    message.components, message.attachments = parts, files
    if "content" in body or "allowed_mentions" in body:
        message.mentions = mentions(
            call.world, channel, message.author_id, content, body, message.reference
        )


def _check(body: JsonObject) -> None:
    check(_BODY, body)
    check_allowed(body)


def _content(body: JsonObject) -> str:
    # Discord trims the ends of what people write.
    return str(body.get("content") or "").strip()


def _components(world: World, body: JsonObject, flags: MessageFlag) -> list[JsonObject]:
    v2 = MessageFlag.IS_COMPONENTS_V2 in flags
    return components.checked(body.get("components"), v2=v2, new_id=world.new_id)


def _edited_flags(message: Message, body: JsonObject) -> MessageFlag:
    """Embeds can be suppressed and shown again; Components V2 cannot be taken back."""
    if body.get("flags") is None:
        return message.flags
    asked = MessageFlag(int(body["flags"]))
    kept = message.flags & ~MessageFlag.SUPPRESS_EMBEDS
    return kept | (asked & (MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2))


def _nonce(body: JsonObject) -> str | int | None:
    nonce: str | int | None = body.get("nonce")
    if len(str(nonce or "")) > NONCE_LIMIT:
        raise errors.too_long("nonce", NONCE_LIMIT)
    return nonce


def _attachments(world: World, body: JsonObject, uploads: list[Upload]) -> list[Attachment]:
    if len(uploads) > FILES_LIMIT:
        raise errors.too_long("files", FILES_LIMIT)
    described = {str(a.get("id")): a for a in body.get("attachments") or ()}
    files = []
    for upload in uploads:
        told = described.get(upload.number, {})
        files.append(new_attachment(world, upload, told))
    return files


def new_attachment(world: World, upload: Upload, told: JsonObject) -> Attachment:
    """A file with what its description says of it. Raises 40005 for one that is too large."""
    if len(upload.data) > FILE_BYTES_LIMIT:
        raise DiscordError(Code.ENTITY_TOO_LARGE)
    return Attachment(
        id=world.new_id(),
        filename=str(told.get("filename") or upload.filename),
        content_type=upload.content_type,
        data=upload.data,
        description=told.get("description"),
    )


def _kept(attachments: list[Attachment], named: list[JsonObject] | None) -> list[Attachment]:
    if named is None:
        return list(attachments)
    ids = {str(a.get("id")) for a in named}
    return [a for a in attachments if str(a.id) in ids]


def _refer(call: Call, channel: Channel, body: JsonObject, draft: Draft) -> None:
    """Make the draft a reply or a forward, as the body says."""
    given = body.get("message_reference")
    if not given:
        return
    if int(given.get("type") or 0) == ReferenceType.FORWARD:
        _forward(call, given, draft)
        return
    if call.account is not None and not call.may(channel, Permission.READ_MESSAGE_HISTORY):
        raise DiscordError(Code.REPLY_WITHOUT_HISTORY)
    target = channel.messages.get(int(given["message_id"]))
    if target is None or target.ephemeral_to is not None:
        if given.get("fail_if_not_exists", True):
            raise errors.invalid_form(
                "message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message"
            )
        return
    if target.is_system:
        raise errors.invalid_form(
            "message_reference",
            "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE",
            "Cannot reply to a system message",
        )
    draft.type = MessageType.REPLY
    draft.reference = Reference(channel.id, target.id, channel.guild_id)


def _forward(call: Call, given: JsonObject, draft: Draft) -> None:
    if given.get("channel_id") is None:
        raise errors.required("message_reference.channel_id")
    source = call.world.channel(int(given["channel_id"]))
    call.need(source, Permission.READ_MESSAGE_HISTORY)
    target = source.messages.get(int(given["message_id"]))
    if target is None or target.ephemeral_to is not None or target.is_system:
        raise errors.invalid_form(
            "message_reference", "MESSAGE_REFERENCE_CANNOT_BE_FORWARDED", "Unknown message"
        )
    draft.reference = Reference(source.id, target.id, source.guild_id, ReferenceType.FORWARD)
    # What is forwarded stays as it was, whatever becomes of the original.
    draft.snapshots = [replace(target)]


def _refuse_mixture(flags: MessageFlag, content: str, shown: list[JsonObject]) -> None:
    if MessageFlag.IS_COMPONENTS_V2 in flags and (content or shown):
        raise errors.invalid_form(
            "content" if content else "embeds",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )


def _refuse_empty(
    content: str,
    shown: list[JsonObject],
    parts: list[JsonObject],
    files: list[Attachment],
) -> None:
    if not (content or shown or parts or files):
        raise DiscordError(Code.EMPTY_MESSAGE)
