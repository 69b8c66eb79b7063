"""How much of a file is not text: `python -m tests.benchmarks.growth [--rows 40000]`.

For messages and answers of several lengths, the bytes of text that an exchange brings, each message
and answer counted once, and how many times as large are

- texts: a table of these texts alone
- barest: tables that also say who said each message, which one of Discord's it is, findable by
  that, and of each exchange where, by whom, what was shown and which message answered; no times,
  models, tokens or states, and rooms and people as small numbers
- ours: the file
"""

import argparse
import contextlib
import sqlite3
import tempfile
from pathlib import Path

from bot.store.engine import PAGE_SIZE
from tests.benchmarks.big_file import build

LENGTHS = ((90, 350), (150, 500), (200, 700), (250, 1_000))

TEXTS = """
    CREATE TABLE main.texts (id INTEGER PRIMARY KEY, content TEXT NOT NULL);
    INSERT INTO main.texts (content)
        SELECT content FROM big.messages WHERE content IS NOT NULL
        UNION ALL SELECT output FROM big.exchanges;
"""
BAREST = """
    CREATE TEMP TABLE rooms (id INTEGER PRIMARY KEY, room_id INTEGER UNIQUE);
    INSERT INTO temp.rooms (room_id) SELECT DISTINCT room_id FROM big.exchanges;
    CREATE TEMP TABLE people (id INTEGER PRIMARY KEY, user_id INTEGER UNIQUE);
    INSERT INTO temp.people (user_id) SELECT DISTINCT user_id FROM big.exchanges;
    CREATE TABLE main.messages (
        id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL UNIQUE, speaker INTEGER, content TEXT
    );
    INSERT INTO main.messages
        SELECT id, message_id, iif(exchange_id IS NULL, speaker, 0), content
        FROM big.messages ORDER BY id;
    CREATE TABLE main.exchanges (
        id INTEGER PRIMARY KEY, room INTEGER, person INTEGER, answered_after INTEGER,
        prompt TEXT NOT NULL, output TEXT
    );
    INSERT INTO main.exchanges
        SELECT e.id, r.id, p.id, a.id - q.id, e.prompt, e.output FROM big.exchanges e
        JOIN temp.rooms r USING (room_id) JOIN temp.people p USING (user_id)
        JOIN big.messages q ON q.message_id = e.message_id
        JOIN big.messages a ON a.message_id = e.reply_id
        ORDER BY e.id;
"""


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=40_000)
    args = parser.parse_args()
    for said, answered in LENGTHS:
        with tempfile.TemporaryDirectory() as folder:
            big = build(Path(folder), args.rows, said=said, answered=answered)
            sizes = {
                "texts": size_of(TEXTS, big.path, Path(folder) / "texts.sqlite3"),
                "barest": size_of(BAREST, big.path, Path(folder) / "barest.sqlite3"),
                "ours": big.path.stat().st_size,
            }
        times = ", ".join(f"{what} {size / big.new_text:.2f} ×" for what, size in sizes.items())
        beside = (sizes["ours"] - big.new_text) / args.rows
        print(f"{big.new_text / args.rows:,.0f} bytes of new text: {times}; +{beside:.0f} bytes")


def size_of(script: str, big: Path, path: Path) -> int:
    """The size of the file at `path` when the script has made it of the big one."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("ATTACH ? AS big", (str(big),))
        connection.executescript(f"BEGIN; {script} COMMIT;")
    return path.stat().st_size


if __name__ == "__main__":
    main()
