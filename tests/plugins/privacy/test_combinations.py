"""The promises of the privacy page where several things happen at once, or in odd order."""

from pathlib import Path

from bot.harness import FakeDiscord
from tests.front.test_housekeeping import heard, question
from tests.grepping import files_with
from tests.plugins.privacy.place import command, watched


async def test_what_who_opted_out_edits_is_not_recorded(tmp_path: Path) -> None:
    """The old text goes, the one in its place is not kept; also where the bot was down."""
    async with FakeDiscord() as fake:
        async with watched(tmp_path, fake) as stage:
            first, second = [await question(stage, f"{n} version") for n in ("1st", "2nd")]
            await command(stage, stage.ben, "opt-out")
            await stage.ben.edit(first.latest, "confidential now")
            await heard(stage, tmp_path, "1st version", "confidential now")
            ben = stage.ben
        async with ben:
            await ben.edit(second.latest, "confidential later")
        async with watched(tmp_path, fake, enabled=False) as stage:
            await heard(stage, tmp_path, "2nd version")
            assert files_with(tmp_path, "confidential") == []
