"""Reading a file while somebody makes or closes it."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.engine import Engine
from bot.store.files import make_private, open_world, path_of
from bot.store.problems import StoreError
from bot.store.reading import open_to_read
from tests.store.filling import GUILD


def test_a_file_that_is_just_being_made_is_read_when_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(tmp_path, GUILD)
    make_private(path)
    monkeypatch.setattr(time, "sleep", lambda _: open_world(tmp_path, GUILD, Engine()).close())
    with closing(open_to_read(path, Engine())) as connection:
        assert connection.execute("SELECT exchanges FROM counters").fetchone() == (0,)


def test_a_file_that_stays_so_is_told_of(tmp_path: Path) -> None:
    path = path_of(tmp_path, GUILD)
    make_private(path)
    with pytest.raises(StoreError, match="earlier version"):
        open_to_read(path, Engine())
