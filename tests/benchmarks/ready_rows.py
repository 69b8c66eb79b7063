"""What SQLite alone takes for the rows of servers' files, so that a drain has something to be held
against: two processes insert rows that are ready, and read, compare and refer to nothing."""

import gc
import multiprocessing
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from bot.store.batches import BATCH
from bot.store.binding import bind_cheaply
from bot.store.engine import Engine
from bot.store.files import open_world, path_of
from bot.store.records import World
from bot.store.transactions import transaction

TABLES = ("messages", "exchanges")
PROCESSES = 2
PATIENCE_SECONDS = 120.0

Row = tuple[Any, ...]


def insert_ready_rows(worlds: Sequence[World], filled: Path, empty: Path) -> float:
    """The seconds until the messages and exchanges of the files in `filled` are in others, too.

    Those in `empty` are made first, and are not yet part of the time.
    """
    for world in worlds:
        open_world(empty, world, Engine()).close()
    spawned = multiprocessing.get_context("spawn")
    ready: Queue[None] = spawned.Queue()
    begin = spawned.Event()
    shares = [worlds[number::PROCESSES] for number in range(PROCESSES)]
    processes = [
        spawned.Process(target=insert, args=(share, filled, empty, ready, begin), daemon=True)
        for share in shares
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.get(timeout=PATIENCE_SECONDS)
    os.sync()
    began = time.perf_counter()
    begin.set()
    for _ in processes:
        ready.get(timeout=PATIENCE_SECONDS)
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return seconds


def insert(
    worlds: Sequence[World], filled: Path, empty: Path, ready: "Queue[None]", begin: Event
) -> None:
    """One process: read its worlds' rows, and put them into the other files once it may."""
    engine = Engine()
    bind_cheaply(engine)
    rows = {world: {table: rows_of(filled, world, table) for table in TABLES} for world in worlds}
    gc.freeze()
    ready.put(None)
    begin.wait()
    for world, tables in rows.items():
        with closing(open_world(empty, world, engine)) as connection:
            transactions = -(-len(tables["exchanges"]) // BATCH)
            for number in range(transactions):
                with transaction(connection):
                    for table, of_it in tables.items():
                        first, end = (len(of_it) * n // transactions for n in (number, number + 1))
                        insert_rows(connection, table, of_it[first:end])
    ready.put(None)


def insert_rows(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    """Add these to a table."""
    places = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608


def rows_of(folder: Path, world: World, table: str) -> list[Row]:
    """All rows of a table of a world's file, in order."""
    with closing(Engine().connect(path_of(folder, world), read_only=True)) as connection:
        found: list[Row] = connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()  # noqa: S608
    return found
