"""The buttons under the bot's answers, for tests: which there are, and pressing them."""

from collections.abc import Mapping
from typing import Any

from bot.harness import Person
from bot.harness.person import Sent
from tests.front.scene import Scene


def buttons(message: Mapping[str, Any]) -> dict[str, str]:
    """The signs of the buttons under a message, and their ids."""
    return {
        component["emoji"]["name"].rstrip("\ufe0f"): component["custom_id"]
        for row in message.get("components") or ()
        for component in row["components"]
    }


async def press(person: Person, message: Mapping[str, Any], sign: str) -> Sent:
    """Press a button by its sign."""
    return await person.click(message, buttons(message)[sign])


async def told(person: Person, message: Mapping[str, Any], sign: str) -> str:
    """Press a button that is answered for this person alone."""
    answer = await person.answer_to(await press(person, message, sign))
    assert answer.ephemeral
    return answer.content


async def shows(
    stage: Scene, person: Person, message: Mapping[str, Any], text: str, *signs: str
) -> Mapping[str, Any]:
    """Wait until a message reads so and has these buttons; the message then."""

    def fits(data: Mapping[str, Any]) -> bool:
        return data.get("content") == text and set(signs) <= buttons(data).keys()

    seen = person.log.messages[message["id"]]
    if fits(seen.latest):
        return seen.latest
    event = await person.wait_for(
        lambda event: (
            event.name == "MESSAGE_UPDATE"
            and event.data["id"] == message["id"]
            and fits(person.log.messages[message["id"]].latest)
        ),
        since=0,
    )
    return person.log.messages[event.data["id"]].latest
