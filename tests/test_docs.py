"""What the pages show is run."""

import re
from pathlib import Path
from typing import Any

from bot.agent.actions import ActionResult
from bot.agent.messages import Message
from bot.agent.permissions import Author
from plugins.reasoning import reasoning_plugin
from tests.agents import GUILD, agent_with

DOCS = Path(__file__).resolve().parents[1] / "docs"


def example(page: str) -> dict[str, Any]:
    """The names that the page's first Python example defines."""
    found = re.search(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)
    assert found is not None
    names: dict[str, Any] = {}
    exec(compile(found[1], page, "exec"), names)  # noqa: S102 - our own page
    return names


async def test_the_example_plugin_rolls_dice(tmp_path: Path) -> None:
    plugin = example("plugins.md")["dice_plugin"]()
    async with (
        agent_with(tmp_path, reasoning_plugin(), plugin) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        message = Message(1, 5, Author(9, "ben"), "please roll the dice", addressed=True)
        result = await runtime.handle_message(message)
    assert isinstance(result, ActionResult)
    assert result.text == "🎲 ben rolls a 4."
