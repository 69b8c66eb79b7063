"""Interactions: a person uses a command, component or modal, and the application's first answer."""

from bot.harness import errors
from bot.harness.api import Route
from bot.harness.call import Call, Reply, snowflake
from bot.harness.components import checked_modal
from bot.harness.conversation import Draft
from bot.harness.drafts import apply_edit, new_draft
from bot.harness.errors import Code, DiscordError
from bot.harness.forms import Anything, Form, ListOf, Text, check
from bot.harness.interaction_payload import callback_response
from bot.harness.invocation import command_data
from bot.harness.model import (
    Channel,
    Interaction,
    InteractionType,
    JsonObject,
    MessageFlag,
)
from bot.harness.permissions import Permission
from bot.harness.selection import component_data, modal_data

_CHOICE = Form({"name": Text(1, 100), "value": Anything()}, frozenset({"name", "value"}))
_CHOICES = Form({"choices": ListOf(_CHOICE, 0, 25)}, frozenset({"choices"}))
_MODAL = Form(
    {"custom_id": Text(1, 100), "title": Text(1, 45), "components": ListOf(Anything(), 1, 40)},
    frozenset({"custom_id", "title", "components"}),
)

# Which callback types fit which interaction.
_ANSWERS = {
    InteractionType.APPLICATION_COMMAND: (4, 5, 9),
    InteractionType.MESSAGE_COMPONENT: (4, 5, 6, 7, 9),
    InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE: (8,),
    InteractionType.MODAL_SUBMIT: (4, 5, 6, 7),
}


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
    if kind not in _ANSWERS[use.type]:
        among = ", ".join(map(str, _ANSWERS[use.type]))
        raise errors.invalid_form("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{among}}}.")
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
    if call.query_flag("with_response"):
        return Reply(200, callback_response(call.world, use, int(kind)))
    return None


def _nonce(call: Call) -> str | None:
    nonce = call.json.get("nonce")
    return None if nonce is None else str(nonce)


def _use_command(call: Call, channel: Channel, kind: InteractionType) -> None:
    call.need(channel, Permission.USE_APPLICATION_COMMANDS)
    complete = kind is InteractionType.APPLICATION_COMMAND
    command, owners, data = command_data(call, channel, complete=complete)
    name = _full_name(command.name, data.get("options") or [])
    call.interactions.open(
        call.user,
        channel,
        kind,
        data,
        nonce=_nonce(call),
        command_name=name,
        owners=owners,
    )


def _full_name(name: str, options: list[JsonObject]) -> str:
    """A command's name with those of the group and subcommand that were used."""
    for option in options:
        if option.get("type") in (1, 2):
            return _full_name(f"{name} {option['name']}", option.get("options") or [])
    return name


def _use_component(call: Call, channel: Channel) -> None:
    message_id = snowflake(call.json.get("message_id"), "message_id")
    message = call.world.conversation.find(channel.id, message_id)
    if message is None or message.ephemeral_to not in (None, call.user.id):
        raise DiscordError(Code.UNKNOWN_MESSAGE)
    call.interactions.open(
        call.user,
        channel,
        InteractionType.MESSAGE_COMPONENT,
        component_data(call, channel, message.components, call.json.get("data") or {}),
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
    modal = opener.modal if opener is not None else None
    data = modal_data(call, channel, modal, given)
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
    check(_CHOICES, data, ("data",))
    choices = data["choices"]
    call.interactions.choices(use, list(choices) if isinstance(choices, list) else [])


def _open_modal(call: Call, use: Interaction, data: dict[str, object]) -> None:
    check(_MODAL, data, ("data",))
    parts = checked_modal(data["components"], ("data", "components"), call.world.new_id)
    call.interactions.modal(use, data | {"components": parts})


ROUTES = [
    Route("POST", "/interactions", create_interaction),
    Route("POST", "/interactions/{interaction_id}/{token}/callback", answer, open=True),
]
