"""The data folder that the commands about records work on."""

from pathlib import Path

import pytest

from tests.commands.recorded import COUNT
from tests.store.filling import DM, exchange, fill


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands work on."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    monkeypatch.setenv("DATA_DIR", str(data))
    monkeypatch.delenv("STORE_KEY", raising=False)
    fill(data, [exchange(number) for number in range(COUNT)]).close()
    fill(data, [exchange(number) for number in range(3)], DM).close()
    return data
