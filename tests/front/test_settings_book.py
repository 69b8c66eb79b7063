"""What the book of settings remembers, and what it looks up again."""

from pathlib import Path

import pytest

from bot.front import settings_book
from bot.front.agent_settings import DEFAULTS
from bot.front.open_channels import OpenChannels
from bot.front.settings_book import SettingsBook
from bot.store.records import World, WorldKind
from tests.agents import ScriptedModel, agent_with


async def test_no_setting_is_lost_however_many_servers_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_book, "MOST_USUAL", 2)
    async with agent_with(tmp_path, ScriptedModel().plugin()) as agent:
        book = SettingsBook(agent, OpenChannels(None))
        worlds = [World(WorldKind.GUILD, number) for number in range(1, 9)]
        for world in worlds[:4]:
            await book.change(world, 7, name=f"name {world.id}")
        for _ in range(2):
            for world in worlds:
                async with agent.runtime(world) as runtime:
                    settings = await book.of(runtime)
                assert settings.name == (f"name {world.id}" if world.id <= 4 else None)
        assert set(book._read) == set(worlds[:4])
        assert list(book._usual) == worlds[-2:]
        await book.change(worlds[0], 7, name="")
        assert worlds[0] not in book._read
        await book.change(worlds[7], 7, name="eighth")
        async with agent.runtime(worlds[7]) as runtime:
            assert (await book.of(runtime)).name == "eighth"
        await book.forget(worlds[7])
        assert worlds[7] not in book._read


async def test_direct_messages_leave_nothing(tmp_path: Path) -> None:
    async with agent_with(tmp_path, ScriptedModel().plugin()) as agent:
        book = SettingsBook(agent, OpenChannels(None))
        for number in range(1, 9):
            async with agent.runtime(World(WorldKind.DM, number)) as runtime:
                assert await book.of(runtime) is DEFAULTS
        assert not book._read
        assert not book._usual
