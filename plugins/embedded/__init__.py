"""The embedded model: a small language model inside this process, the default that needs nothing.

It needs the extra `local` (xllamacpp). Nothing of that is imported until the model is loaded.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bot.agent.models import Model, ModelError
from bot.agent.plugin import Plugin
from plugins.embedded.engine import Engine
from plugins.embedded.weights import FILE, find_weights, local_weights, model_name

if TYPE_CHECKING:
    from bot.agent.agent import Agent

__all__ = ["embedded_plugin", "find_weights", "local_weights", "model_name"]

DEFAULT_MODEL_CONTEXT = 1024
"""Tokens. It could take 8,192, but reads 130 a second on one core: an answer must begin soon."""

OTHER_MODEL_CONTEXT = 4096
"""Tokens, for a model that the operator chose in MODEL_PATH."""


def embedded_plugin(
    weights: Path, *, progress: Callable[[str], None] = lambda _: None, priority: int = -10
) -> Plugin:
    """The plugin that answers from the GGUF file `weights` (see `find_weights`).

    It loads when the plugin is added and lets go of the file and the memory when it is removed;
    `progress` is told in words. The low priority lets any other model answer first.
    Raises ModelError, one sentence for the operator, when the extra `local` is not installed.
    """
    if find_spec("xllamacpp") is None:
        raise ModelError(
            "There is no model to answer with: install the extra `local` "
            "(`pip install -e '.[local]'` where pyproject.toml is) or set MODEL_URL."
        )
    context = DEFAULT_MODEL_CONTEXT if weights.name == FILE else OTHER_MODEL_CONTEXT
    engine = Engine(weights, context=context, progress=progress)
    name = model_name(weights)

    async def load(_: "Agent") -> None:
        await engine.load()

    return Plugin(
        name="embedded",
        description=f"The language model {name}, inside this process.",
        models=(Model("embedded", name, engine.answer, priority=priority),),
        init=load,
        dispose=engine.close,
    )
