"""The buttons under an answer. What they need is in their ids, so they outlive a restart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self, cast

import discord


class Control(StrEnum):
    """What a button does; the value stands in its id."""

    STOP = "stop"
    REDO = "redo"
    CONTINUE = "more"
    UP = "up"
    DOWN = "down"
    REASONING = "why"
    FORGET = "forget"


SIGNS = {
    Control.STOP: "⏹️",
    Control.REDO: "🔁",
    Control.CONTINUE: "▶️",
    Control.UP: "👍",
    Control.DOWN: "👎",
    Control.REASONING: "💭",
    Control.FORGET: "🗑️",
}
WORDS = {Control.STOP: "Stop", Control.REDO: "Answer the edited question"}
"""Where a sign alone would not say enough; REDO's is for when there is something new to answer."""

A_ROW = 5


@dataclass(frozen=True, slots=True)
class AnswerRef:
    """Which answer: to which message (id) of whom (id), by which model request."""

    question_id: int
    asker_id: int
    request_id: int


class Pressed(Protocol):
    """The client: told of each press."""

    async def pressed(
        self, interaction: discord.Interaction, control: Control, answer: AnswerRef
    ) -> None:
        """Do what the button says, and respond to the interaction."""


CUSTOM_ID = re.compile(
    r"talk:(?P<control>[a-z]+):(?P<question>[0-9]{1,20}):(?P<asker>[0-9]{1,20})"
    r":(?P<request>[0-9]{1,20})"
)


class ControlButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=CUSTOM_ID):
    """A button of an answer that was pressed."""

    def __init__(
        self, button: discord.ui.Button[discord.ui.View], control: Control, answer: AnswerRef
    ) -> None:
        super().__init__(button)
        self.control = control
        self.answer = answer

    @classmethod
    async def from_custom_id(
        cls,
        _: discord.Interaction[Any],
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The button with this id."""
        answer = answer_of(match)
        button = cast("discord.ui.Button[discord.ui.View]", item)
        return cls(button, Control(match["control"]), answer)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Tell the client."""
        await cast("Pressed", interaction.client).pressed(interaction, self.control, self.answer)


def answer_of(match: re.Match[str]) -> AnswerRef:
    """Which answer a custom id belongs to."""
    return AnswerRef(int(match["question"]), int(match["asker"]), int(match["request"]))


def answer_under(message: discord.Message) -> AnswerRef | None:
    """Which answer's buttons are under a message, if any."""
    for row in message.components:
        for part in row.children if isinstance(row, discord.ActionRow) else ():
            match = CUSTOM_ID.fullmatch(part.custom_id or "")
            if match is not None:
                return answer_of(match)
    return None


class Buttons(discord.ui.View):
    """Buttons in rows of five, as Discord's JSON: every answer has some, and objects cost more.

    discord.py keeps nothing of it; who presses one is heard by ControlButton.
    """

    def __init__(self, buttons: Sequence[dict[str, Any]]) -> None:
        super().__init__(timeout=None)
        self._rows = [
            {"type": 1, "components": list(buttons[start : start + A_ROW])}
            for start in range(0, len(buttons), A_ROW)
        ]

    def to_components(self) -> list[dict[str, Any]]:
        """The rows."""
        return self._rows


def button(control: Control, answer: AnswerRef, label: str | None = None) -> dict[str, Any]:
    """One button; what has a word stands out.

    https://discord.com/developers/docs/components/reference#button
    """
    style = discord.ButtonStyle.primary if label else discord.ButtonStyle.secondary
    return {
        "type": discord.ComponentType.button.value,
        "style": style.value,
        "emoji": {"name": SIGNS[control]},
        "label": label,
        "custom_id": f"talk:{control}:{answer.question_id}:{answer.asker_id}:{answer.request_id}",
    }


def while_growing(answer: AnswerRef) -> Buttons:
    """The buttons of an answer that is being made."""
    return Buttons([button(Control.STOP, answer, WORDS[Control.STOP])])


def under_answer(
    answer: AnswerRef, *, reasoning: bool = False, edited: bool = False, can_redo: bool = True
) -> Buttons:
    """The buttons of a whole answer; `edited` says that the question was changed since."""
    redo = [button(Control.REDO, answer, WORDS[Control.REDO] if edited else None)]
    controls = [Control.CONTINUE, Control.UP, Control.DOWN, Control.REASONING, Control.FORGET]
    if not reasoning:
        controls.remove(Control.REASONING)
    others = [button(control, answer) for control in controls]
    return Buttons([*redo, *others] if can_redo else others)


def under_apology(answer: AnswerRef) -> Buttons:
    """The button under an apology."""
    return Buttons([button(Control.REDO, answer)])


async def change_buttons(
    message: discord.Message | discord.PartialMessage, view: discord.ui.View | None
) -> None:
    """Give a message other buttons, or none, and leave the rest. Raises one of UNREACHED."""
    # discord.Message.edit brings suppressed embeds back where it is not told otherwise.
    await discord.PartialMessage(channel=message.channel, id=message.id).edit(view=view)
