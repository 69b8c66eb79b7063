"""People are forgotten while another program of ours reads the file: a backup, an export."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.harness import FakeDiscord
from plugins.privacy.office import SET_ASIDE
from tests.commands.processes import Understudy, at, understudy
from tests.front.scene import Scene
from tests.grepping import files_with
from tests.plugins.privacy.place import (
    command,
    file_of,
    inputs,
    office_of,
    press,
    settled,
    watched,
)

SECRETS = ("Ben's question", "Ben's answer", "Ben's remark")
BYSTANDERS = ("Cleo's question", "Cleo's answer")
MEGABYTE = 1 << 20


async def talk(stage: Scene, megabytes: int) -> None:
    """Ben and Cleo ask something; so much stands in the file besides."""
    stage.model.text = "Ben's answer"
    await stage.ask(stage.ben, "Ben's question")
    await stage.ben.say(stage.channel_id, "Ben's remark")
    stage.model.text = "Cleo's answer"
    await stage.ask(stage.people["cleo"], "Cleo's question")
    await settled(stage)
    path = stage.data / "guilds" / f"{stage.guild_id}.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE exchanges SET reasoning = ? WHERE output = ?",
            ("so it went on " * (megabytes * MEGABYTE // 14), "Cleo's answer"),
        )
    assert len(files_with(stage.data, *SECRETS)) >= 3


async def forgotten(stage: Scene) -> Any:  # noqa: ANN401 - JSON
    """Ben has himself forgotten; the receipt."""
    answer = await press(stage.ben, await command(stage, stage.ben, "forget-me"), "Delete")
    receipt = await file_of(answer)
    assert receipt["rows"]["exchanges"] == 1
    assert receipt["rows"]["messages"] >= 2
    assert "Another program reads that file" in receipt["failed"][f"guild:{stage.guild_id}"]
    assert SET_ASIDE not in str(receipt)
    assert [secret for secret in SECRETS if secret in str(receipt) + str(answer.content)] == []
    return receipt


async def gone(stage: Scene, folder: Path) -> None:
    """Nobody reads any more: with the next round all of it is gone from the files, their logs and
    the inbox, and others' words are not.
    """
    await office_of(stage).round()
    assert not office_of(stage).records.lingering
    assert files_with(folder, *SECRETS) == []
    for text in BYSTANDERS:
        assert files_with(folder, text) != [], text
    assert all("Ben" not in said for prompt in inputs(stage) for said in prompt)


async def test_while_a_backup_is_made(tmp_path: Path) -> None:
    """The backup is of before; who comes back from it is forgotten again in the night."""
    data = tmp_path / "data"
    async with FakeDiscord() as fake:
        async with watched(data, fake) as stage:
            await talk(stage, 40)
            settings = at(fake, tmp_path)
            async with understudy(tmp_path, "store", "backup", settings=settings) as backup:
                await copying(backup, data)
                await forgotten(stage)
                backup.process.send_signal(signal.SIGCONT)
                assert await backup.ended() == 0, backup.errors
            (place,) = (data / "backups").iterdir()
            assert len(files_with(place, *SECRETS)) >= 3
            place = place.rename(tmp_path / "kept elsewhere")
            await gone(stage, data)
        copy = place / "guilds" / f"{stage.guild_id}.sqlite3"
        copy.replace(data / "guilds" / copy.name)
        async with watched(data, fake, enabled=False) as stage:
            await office_of(stage).night()
            assert files_with(data, *SECRETS) == []


async def copying(backup: Understudy, data: Path) -> None:
    """Stop a backup's process in the middle of the file that is copied."""

    def begun() -> bool:
        return any(
            path.stat().st_size > MEGABYTE
            for path in (data / "backups").glob("*.partial/guilds/*.sqlite3")
        )

    async with asyncio.timeout(20):
        while not begun():
            await asyncio.sleep(0)
    backup.process.send_signal(signal.SIGSTOP)
    assert [*(data / "backups").glob("*.partial")] != []


async def test_while_an_export_is_written(tmp_path: Path) -> None:
    """What is exported is of before, and whole."""
    data, pipe = tmp_path / "data", tmp_path / "pipe"
    os.mkfifo(pipe)
    async with FakeDiscord() as fake, watched(data, fake) as stage:
        await talk(stage, 2)
        arguments = ("export", "--guild", stage.guild_id, "-o", str(pipe))
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            async with understudy(tmp_path, *arguments, settings=at(fake, tmp_path)) as export:
                begin: list[bytes] = []
                async with asyncio.timeout(20):
                    while not begin:
                        begin = some(reader)
                        await asyncio.sleep(0.001)
                await forgotten(stage)
                written = b"".join(begin)
                while export.process.returncode is None:
                    written += b"".join(some(reader))
                    await asyncio.sleep(0.001)
                assert await export.ended() == 0, export.errors
                written += b"".join(some(reader))
        finally:
            os.close(reader)
        assert written.count(b"\n") == 2
        assert b"Ben's question" in written
        await gone(stage, data)


def some(reader: int) -> list[bytes]:
    """What there is to read from a pipe; nothing where nothing is."""
    try:
        return [read] if (read := os.read(reader, MEGABYTE)) else []
    except BlockingIOError:
        return []
