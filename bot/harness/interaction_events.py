"""What the gateway tells of interactions: all to the application, the outcome to the person.

The events for the person are those of Discord's own clients, which its documentation leaves out.
"""

from collections.abc import Iterator

from bot.harness.changes import (
    AutocompleteAnswered,
    Change,
    InteractionCreated,
    InteractionFailed,
    InteractionSucceeded,
    ModalOpened,
)
from bot.harness.interaction_payload import interaction_for_application
from bot.harness.message_events import place_of
from bot.harness.model import Interaction, JsonObject
from bot.harness.viewer import NO_INTENT, Dispatch, same_for_all
from bot.harness.world import World


def of_interactions(world: World, change: Change) -> Iterator[Dispatch]:
    """The events of a change of interactions; none for other changes."""
    match change:
        case InteractionCreated(use):
            yield _interaction_for_bot(world, use)
            yield _to_invoker("INTERACTION_CREATE", use, {})
        case InteractionSucceeded(use):
            yield _to_invoker("INTERACTION_SUCCESS", use, {})
        case InteractionFailed(use):
            yield _to_invoker("INTERACTION_FAILURE", use, {"reason_code": 2})
        case AutocompleteAnswered(use, choices):
            yield _to_invoker(
                "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE", use, {"choices": list(choices)}
            )
        case ModalOpened(use, modal):
            extra = place_of(use.guild_id, channel_id=use.channel_id) | modal
            extra["application"] = {"id": str(world.application.id), "name": world.application.name}
            yield _to_invoker("INTERACTION_MODAL_CREATE", use, extra)


def _interaction_for_bot(world: World, use: Interaction) -> Dispatch:
    data = interaction_for_application(world, use)
    bot_id = world.application.bot_id
    return same_for_all("INTERACTION_CREATE", data, lambda u: u == bot_id, NO_INTENT, use.guild_id)


def _to_invoker(name: str, use: Interaction, extra: JsonObject) -> Dispatch:
    data = extra | {"id": str(use.id), "nonce": use.nonce}
    return same_for_all(name, data, lambda u: u == use.user_id)
