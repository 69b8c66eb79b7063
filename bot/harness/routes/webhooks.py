"""What an application says after its first answer: follow-ups, and edits of what it answered."""

from bot.harness import message_payload
from bot.harness.api import Route
from bot.harness.call import Call
from bot.harness.drafts import apply_edit, new_draft
from bot.harness.errors import Code, DiscordError
from bot.harness.model import Interaction, JsonObject, Message, MessageFlag


async def create_follow_up(call: Call) -> JsonObject:
    use = _interaction(call)
    channel = call.world.channel(use.channel_id)
    draft = new_draft(call, channel, call.world.bot.id, call.json)
    call.interactions.count_follow_up(use)
    return _show(call, call.interactions.follow_up(use, draft))


async def get_answer(call: Call) -> JsonObject:
    return _show(call, _message(call, _interaction(call)))


async def edit_answer(call: Call) -> JsonObject:
    use = _interaction(call)
    message = _message(call, use)
    # The first edit of a deferred answer is its content, not a correction of it.
    deferred = MessageFlag.LOADING in message.flags
    apply_edit(call, call.world.channel(use.channel_id), message, call.json)
    message.flags &= ~MessageFlag.LOADING
    call.world.conversation.edited(message, by_author=not deferred)
    return _show(call, message)


async def delete_answer(call: Call) -> None:
    use = _interaction(call)
    message = _message(call, use)
    call.world.conversation.delete(call.world.channel(use.channel_id), [message])


def _interaction(call: Call) -> Interaction:
    if call.id("application_id") != call.world.application.id:
        raise DiscordError(Code.UNKNOWN_WEBHOOK)
    return call.interactions.answered(call.text("token"))


def _message(call: Call, use: Interaction) -> Message:
    """@original, or one of the messages that this interaction led to."""
    if "message_id" not in call.request.match_info:
        message = call.interactions.original(use)
    else:
        message = call.world.conversation.find(use.channel_id, call.id("message_id"))
        if message is not None and message.interaction is not use and message.id != use.original_id:
            message = None
    if message is None:
        raise DiscordError(Code.UNKNOWN_MESSAGE)
    return message


def _show(call: Call, message: Message) -> JsonObject:
    return message_payload.message(call.world, message, call.world.bot.id)


_WEBHOOK = "/webhooks/{application_id}/{token}"

ROUTES = [
    Route("POST", _WEBHOOK, create_follow_up, open=True),
    *(
        Route(method, f"{_WEBHOOK}/messages/{which}", handler, open=True)
        for which in ("@original", "{message_id}")
        for method, handler in (
            ("GET", get_answer),
            ("PATCH", edit_answer),
            ("DELETE", delete_answer),
        )
    ),
]
