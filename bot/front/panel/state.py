"""What the settings panel shows: what is set in a server, and what there is to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.agent.agent import Agent
from bot.agent.models import ModelType, Purpose
from bot.agent.recording import SET_RETENTION, is_recording, retention_of
from bot.front.agent_settings import AgentSettings
from bot.front.settings_book import SettingsBook
from bot.store.problems import StoreError
from bot.store.records import World, WorldKind

PURPOSES = {
    Purpose.PLANNING: ("Answers", ModelType.TEXT_LARGE),
    Purpose.SHOULD_RESPOND: ("Deciding whether to answer", ModelType.TEXT_SMALL),
    Purpose.CODING: ("Code", ModelType.TEXT_LARGE),
}


@dataclass(frozen=True, slots=True)
class State:
    """What is set and what there is to choose from.

    `recording` is None where nothing could record. `retention_days` is None where nothing deletes
    what was kept, or while that is not known; `can_retain` says whether it can be set.
    """

    settings: AgentSettings
    recording: bool | None
    retention_days: int | None
    can_retain: bool
    models: Mapping[Purpose, Sequence[tuple[str, str]]]
    audit: Sequence[Mapping[str, Any]]


async def read_state(
    agent: Agent, book: SettingsBook, guild: discord.Guild, *, audited: bool
) -> State:
    """How it stands in a server; with the list of changes if `audited`. Raises StoreError."""
    world = World(WorldKind.GUILD, guild.id)
    async with agent.runtime(world) as runtime:
        try:
            days = retention_of(runtime)
        except StoreError:
            days = None
        return State(
            settings=await book.of(runtime),
            recording=is_recording(runtime),
            retention_days=days,
            can_retain=any(action.name == SET_RETENTION for action in agent.actions),
            models={
                purpose: [(m.provider, m.name) for m in agent.models if model_type in m.types]
                for purpose, (_, model_type) in PURPOSES.items()
            },
            audit=await book.audit(world) if audited else (),
        )
