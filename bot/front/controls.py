"""The buttons under an answer. What they need is in their ids, so they outlive a restart."""

import re
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


class ControlButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=re.compile(
        r"talk:(?P<control>[a-z]+):(?P<question>[0-9]{1,20}):(?P<asker>[0-9]{1,20})"
        r":(?P<request>[0-9]{1,20})"
    ),
):
    """One button of an answer."""

    def __init__(self, control: Control, answer: AnswerRef, label: str | None = None) -> None:
        self.control = control
        self.answer = answer
        super().__init__(
            discord.ui.Button(
                style=discord.ButtonStyle.primary if label else discord.ButtonStyle.secondary,
                emoji=SIGNS[control],
                label=label,
                custom_id=f"talk:{control}:{answer.question_id}:{answer.asker_id}"
                f":{answer.request_id}",
            )
        )

    @classmethod
    async def from_custom_id(
        cls,
        _: discord.Interaction[Any],
        __: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The button that was pressed."""
        answer = AnswerRef(int(match["question"]), int(match["asker"]), int(match["request"]))
        return cls(Control(match["control"]), answer)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Tell the client."""
        await cast("Pressed", interaction.client).pressed(interaction, self.control, self.answer)


def while_growing(answer: AnswerRef) -> discord.ui.View:
    """The buttons of an answer that is being made."""
    return view_of(ControlButton(Control.STOP, answer, WORDS[Control.STOP]))


def under_answer(
    answer: AnswerRef, *, reasoning: bool = False, edited: bool = False, can_redo: bool = True
) -> discord.ui.View:
    """The buttons of a whole answer; `edited` says that the question was changed since."""
    buttons = [ControlButton(Control.REDO, answer, WORDS[Control.REDO] if edited else None)]
    controls = [Control.CONTINUE, Control.UP, Control.DOWN, Control.REASONING, Control.FORGET]
    if not reasoning:
        controls.remove(Control.REASONING)
    buttons += [ControlButton(control, answer) for control in controls]
    return view_of(*buttons[0 if can_redo else 1 :])


def under_apology(answer: AnswerRef) -> discord.ui.View:
    """The button under an apology."""
    return view_of(ControlButton(Control.REDO, answer))


def view_of(*buttons: ControlButton) -> discord.ui.View:
    """Buttons in a row (or two); nothing of it is kept in memory."""
    view = discord.ui.View(timeout=None)
    for button in buttons:
        view.add_item(button)
    return view
