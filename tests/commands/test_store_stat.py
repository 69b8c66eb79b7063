"""`understudy store stat`, as an operator calls it."""

from pathlib import Path

import pytest

from bot.cli import main
from bot.store.engine import Engine
from bot.store.inbox import Inbox
from bot.store.operations import encode
from tests.commands.recorded import COUNT
from tests.store.filling import GUILD, exchange

pytestmark = pytest.mark.usefixtures("folder")


def test_stat_shows_sizes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inbox = Inbox(folder, Engine())
    inbox.append([(GUILD, *encode(exchange(300)))])
    assert main(["store", "stat"]) == 0
    inbox.close()
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in shown[1:3]] == ["3", str(COUNT)]
    assert shown[3] == "in the inbox: 1 operations; the bot is not running"
