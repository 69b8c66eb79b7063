"""What a call of `use_model` costs: `python -m tests.benchmarks.use_model`.

The reference, in the same run, is the original `use_model` itself with a model that answers at
once. Prints the smallest of many rounds, because everything else is other programs' noise.
"""

import asyncio
import gc
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

from bot.agent.models import Model, ModelRequest, ModelResponse, ModelType, UseModel
from bot.agent.permissions import Author, Permission
from bot.agent.plugin import Plugin
from plugins.reasoning import reasoning_plugin
from plugins.reasoning.service import ReasoningService
from tests.agents import GUILD, OTHER_GUILD, agent_with, ask

CALLS = 500
ROUNDS = 400
ADMIN = Author(8, "ada", frozenset({Permission.MANAGE_GUILD}))
ANSWER = ModelResponse("hello", "bench", "instant")


async def answer(_: ModelRequest) -> ModelResponse:
    """Answer at once."""
    return ANSWER


async def round_of(use_model: UseModel, request: ModelRequest) -> float:
    """Nanoseconds a call, over one round."""
    began = perf_counter_ns()
    for _ in range(CALLS):
        await use_model(ModelType.TEXT_LARGE, request)
    return (perf_counter_ns() - began) / CALLS


async def main() -> None:
    """Measure in turns, print the table."""
    plugin = Plugin("bench", "answers at once", models=(Model("bench", "instant", answer),))
    request = ask()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            agent_with(Path(folder), plugin, reasoning_plugin()) as agent,
            agent.runtime(GUILD) as on,
            agent.runtime(OTHER_GUILD) as off,
        ):
            nothing_enabled = off.use_model
            await on.run_action("ENABLE_REASONING_SERVICE", ADMIN, 5)
            service = on.services["reasoning"]
            if not isinstance(service, ReasoningService):
                raise TypeError("the reasoning service is not there")
            calls: dict[str, Callable[[], UseModel]] = {
                "the original, called directly": lambda: agent.use_model,
                "nothing enabled": lambda: nothing_enabled,
                "another guild enabled": lambda: off.use_model,
                "this guild enabled, full capture": lambda: on.use_model,
            }
            best = dict.fromkeys(calls, float("inf"))
            gc.collect()
            gc.freeze()
            for _ in range(ROUNDS):
                for name, get in calls.items():
                    best[name] = min(best[name], await round_of(get(), request))
                await service.recorder.flush()
            print(f"nothing enabled is the original itself: {nothing_enabled is agent.use_model}")
            print(f"another guild: is the original itself:  {off.use_model is agent.use_model}")
    reference = best["the original, called directly"]
    for name, nanoseconds in best.items():
        print(
            f"{name:34} {nanoseconds:6.0f} ns  {nanoseconds - reference:+5.0f} ns  "
            f"{nanoseconds / reference:5.2f} x"
        )


if __name__ == "__main__":
    asyncio.run(main())
