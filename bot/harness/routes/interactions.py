"""Interactions: a person uses a command, component or modal, and the application's first answer."""

from bot.harness import errors
from bot.harness.api import Route
from bot.harness.call import Call, Reply, snowflake
from bot.harness.conversation import Draft
from bot.harness.drafts import apply_edit, new_draft
from bot.harness.errors import Code, DiscordError
from bot.harness.interaction_payload import callback_response
from bot.harness.invocation import command_data, component_data, resolved_component
from bot.harness.model import (
    Channel,
    Interaction,
    InteractionType,
    MessageFlag,
)
from bot.harness.permissions import Permission

_CHOICES_LIMIT = 25


async def create_interaction(call: Call) -> None:
    """What a person's client sends when they run a command, press a button or submit a modal."""
    if call.user.bot:
        raise DiscordError(Code.MISSING_ACCESS)
    body = call.json
    channel = call.world.channel(snowflake(body.get("channel_id"), "channel_id"))
    call.need(channel)
    match body.get("type"):
        case InteractionType.APPLICATION_COMMAND:
            _use_command(call, channel, InteractionType.APPLICATION_COMMAND)
        case InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE:
            _use_command(call, channel, InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE)
        case InteractionType.MESSAGE_COMPONENT:
            _use_component(call, channel)
        case InteractionType.MODAL_SUBMIT:
            _submit_modal(call, channel)
        case _:
            raise errors.invalid_form("type", "BASE_TYPE_CHOICES", "Value must be one of 2 to 5.")


async def answer(call: Call) -> Reply | None:
    """The application's first answer, by its callback type."""
    use = call.interactions.unanswered(call.id("interaction_id"), call.text("token"))
    kind = call.json.get("type")
    data = call.json.get("data") or {}
    match kind:
        case 4:
            channel = call.world.channel(use.channel_id)
            draft = new_draft(call, channel, call.world.bot.id, data)
            call.interactions.reply(use, draft)
        case 5:
            ephemeral = MessageFlag(int(data.get("flags") or 0)) & MessageFlag.EPHEMERAL
            call.interactions.reply(use, Draft(flags=MessageFlag.LOADING | ephemeral))
        case 6:
            call.interactions.acknowledge(use)
        case 7:
            _update_source(call, use, data)
        case 8:
            _give_choices(call, use, data)
        case 9:
            _open_modal(call, use, data)
        case _:
            raise errors.invalid_form(
                "type", "BASE_TYPE_CHOICES", "Value must be one of {1, 4, 5, 6, 7, 8, 9, 10, 12}."
            )
    if call.query_flag("with_response"):
        return Reply(200, callback_response(call.world, use, int(kind)))
    return None


def _nonce(call: Call) -> str | None:
    nonce = call.json.get("nonce")
    return None if nonce is None else str(nonce)


def _use_command(call: Call, channel: Channel, kind: InteractionType) -> None:
    call.need(channel, Permission.USE_APPLICATION_COMMANDS)
    complete = kind is InteractionType.APPLICATION_COMMAND
    command, data = command_data(call, channel, complete=complete)
    call.interactions.open(
        call.user, channel, kind, data, nonce=_nonce(call), command_name=command.name
    )


def _use_component(call: Call, channel: Channel) -> None:
    message_id = snowflake(call.json.get("message_id"), "message_id")
    message = call.world.conversation.find(channel.id, message_id)
    if message is None or message.ephemeral_to not in (None, call.user.id):
        raise DiscordError(Code.UNKNOWN_MESSAGE)
    given = call.json.get("data") or {}
    component = resolved_component(message.components, given.get("custom_id"))
    if component is None or component.get("disabled"):
        raise errors.invalid_form(
            "data.custom_id", "COMPONENT_VALIDATION_FAILED", "Component validation failed"
        )
    call.interactions.open(
        call.user,
        channel,
        InteractionType.MESSAGE_COMPONENT,
        component_data(call, channel, component, given),
        nonce=_nonce(call),
        source=message,
        parent=message.interaction,
    )


def _submit_modal(call: Call, channel: Channel) -> None:
    given = call.json.get("data") or {}
    # The modal's own id is the interaction that opened it; a real client sends it along.
    opener_id = given.get("id")
    opener = call.interactions.by_id(snowflake(opener_id, "data.id")) if opener_id else None
    source = None
    if opener is not None and opener.source_message_id is not None:
        source = call.world.conversation.find(channel.id, opener.source_message_id)
    data = {"custom_id": given.get("custom_id"), "components": given.get("components") or []}
    call.interactions.open(
        call.user,
        channel,
        InteractionType.MODAL_SUBMIT,
        data,
        nonce=_nonce(call),
        source=source,
        parent=opener,
    )


def _update_source(call: Call, use: Interaction, data: dict[str, object]) -> None:
    message = call.world.conversation.find(use.channel_id, use.source_message_id or 0)
    if message is None:
        raise DiscordError(Code.UNKNOWN_MESSAGE)
    apply_edit(call, call.world.channel(use.channel_id), message, data)
    call.interactions.acknowledge(use)
    call.world.conversation.edited(message)


def _give_choices(call: Call, use: Interaction, data: dict[str, object]) -> None:
    choices = data.get("choices")
    if not isinstance(choices, list):
        raise errors.required("data.choices")
    if len(choices) > _CHOICES_LIMIT:
        raise errors.too_long("data.choices", _CHOICES_LIMIT)
    call.interactions.choices(use, choices)


def _open_modal(call: Call, use: Interaction, data: dict[str, object]) -> None:
    for name in ("custom_id", "title", "components"):
        if not data.get(name):
            raise errors.required(f"data.{name}")
    call.interactions.modal(use, data)


ROUTES = [
    Route("POST", "/interactions", create_interaction),
    Route("POST", "/interactions/{interaction_id}/{token}/callback", answer, open=True),
]
