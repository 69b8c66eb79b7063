"""Changes that wait for the store: none is lost to another that comes while it is made."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.store.records import World, WorldKind
from bot.store.sqlite import SqliteWorldStore
from plugins.reasoning.changes import Changes


class HeldStore(SqliteWorldStore):
    """The real store, whose first deletion waits until it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(World(WorldKind.GUILD, 1), path)
        self.deleting = asyncio.Event()
        self.go_on = asyncio.Event()
        self.log: list[str] = []

    async def attach_reply(self, exchange_id: str, message_ids: Sequence[int]) -> None:
        self.log.append("attach")
        await super().attach_reply(exchange_id, message_ids)

    async def delete_messages(self, message_ids: Sequence[int]) -> None:
        self.log.append("delete")
        self.deleting.set()
        await self.go_on.wait()
        await super().delete_messages(message_ids)


async def apply_all(changes: Changes, store: HeldStore) -> None:
    while len(changes):
        await changes.apply_next(store)


async def test_a_deletion_that_is_asked_for_again_meanwhile_is_made_again(tmp_path: Path) -> None:
    """The message turned out to be a reply while it was being deleted as a mere message."""
    store = HeldStore(tmp_path / "1.sqlite3")
    changes = Changes(lambda _: True)
    changes.delete([81])
    applying = asyncio.ensure_future(apply_all(changes, store))
    await store.deleting.wait()
    changes.attach_reply("r", [81])
    changes.delete([81])
    store.go_on.set()
    await applying
    await store.close()
    assert store.log == ["delete", "attach", "delete"]
    assert len(changes) == 0


async def test_a_deletion_that_is_cancelled_still_waits(tmp_path: Path) -> None:
    store = HeldStore(tmp_path / "1.sqlite3")
    changes = Changes(lambda _: True)
    changes.delete([81, 82])
    applying = asyncio.ensure_future(apply_all(changes, store))
    await store.deleting.wait()
    applying.cancel()
    await asyncio.wait([applying])
    assert changes.deletions == 2
