"""A large file is not written anew while people wait, but in the night."""

from pathlib import Path

import pytest

from bot.harness import FakeDiscord
from bot.store import personal
from plugins.privacy import office
from tests.grepping import files_with
from tests.plugins.privacy.place import command, office_of, press, settled, watched


async def test_a_large_file_is_written_anew_in_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "LARGE_FILE", 0)
    monkeypatch.setattr(office, "LARGE_FILE", 0)
    async with FakeDiscord() as fake, watched(tmp_path, fake) as stage:
        await stage.ask(stage.ben, "words of a large file")
        await settled(stage)
        (world,) = office_of(stage).worlds()
        await press(stage.ben, await command(stage, stage.ben, "forget-me"), "Delete")
        assert not await office_of(stage).records.is_clean(world)
        office_of(stage).wipe_soon(world)
        await office_of(stage).round()
        assert not await office_of(stage).records.is_clean(world)
        await office_of(stage).night()
        assert await office_of(stage).records.is_clean(world)
        assert files_with(tmp_path, "words of a large file") == []
