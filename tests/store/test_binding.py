"""What a process of the store's own binds cheaply comes out of a file as it went in."""

import subprocess
import sys
from pathlib import Path

import pytest

# Adapters are of a whole process, and this one is everybody's.
ROUND_TRIP = """
import sys
from pathlib import Path
from bot.store.binding import bind_cheaply
from bot.store.engine import Engine

engine = Engine(sys.argv[2] or None)
bind_cheaply(engine)
connection = engine.connect(Path(sys.argv[1]))
values = (None, True, False, b"", b"\\0words", "", "words", 0, -(2**63), 2**63 - 1, 0.5)
connection.execute("CREATE TABLE given (at INTEGER PRIMARY KEY, value)")
connection.executemany("INSERT INTO given VALUES (?, ?)", enumerate(values))
found = [value for (value,) in connection.execute("SELECT value FROM given ORDER BY at")]
assert found == list(values), found
assert found[2] is not None and type(found[1]) is int
assert (type(None), engine.module.PrepareProtocol) in engine.module.adapters
"""


@pytest.mark.parametrize("key", ["", "a key"])
def test_values_come_out_as_they_went_in(tmp_path: Path, key: str) -> None:
    """Nothing, booleans and bytes too, which have adapters then."""
    if key:
        pytest.importorskip("sqlcipher3", reason="the extra `encrypted` is not installed")
    run = subprocess.run(
        [sys.executable, "-c", ROUND_TRIP, str(tmp_path / "given.sqlite3"), key],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
