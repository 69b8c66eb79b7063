"""Worlds' files with something in them, made without a bot."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.store.applying import apply
from bot.store.engine import Engine
from bot.store.files import open_world
from bot.store.operations import Operation, encode
from bot.store.records import DISCORD_EPOCH, ChatMessage, Exchange, World, WorldKind

GUILD = World(WorldKind.GUILD, 1574079678635835395)
DM = World(WorldKind.DM, 42)
START = 1_700_000_000_000


def snowflake(timestamp: int, number: int = 0) -> int:
    """An id of that time."""
    return ((timestamp - DISCORD_EPOCH) << 22) + number


def exchange_of(**values: object) -> Exchange:
    """An exchange with these values, and plain ones where none is given."""
    plain: dict[str, Any] = {
        "id": snowflake(START),
        "timestamp": START,
        "room_id": 5,
        "user_id": 9,
        "message_id": None,
        "model_type": "planning",
        "provider": "openai",
        "model": "gpt",
        "input": (ChatMessage("system", "Be kind."),),
        "output": "fine",
        "reasoning": None,
        "finish_reason": "stop",
        "success": True,
        "error": None,
        "fallback_from": None,
        "fallback_reason": None,
        "latency_ms": 12.0,
        "first_token_ms": None,
        "prompt_tokens": 11,
        "completion_tokens": 4,
    }
    return Exchange(**(plain | values))


def exchange(number: int, *messages: ChatMessage, **changes: object) -> Exchange:
    """The exchange of that number, a second after the one before."""
    timestamp = START + number * 1000
    asked = ChatMessage("user", f"Question {number}?", "ben", 1000 + number, 90 + number % 4)
    values: dict[str, object] = {
        "id": snowflake(timestamp, number),
        "timestamp": timestamp,
        "room_id": 5 + number % 3,
        "user_id": asked.author_id,
        "message_id": asked.message_id,
        "model_type": ("planning", "coding")[number % 2],
        "input": messages or (ChatMessage("system", "Be kind."), asked),
        "output": f"Answer {number}.",
        "first_token_ms": 3.25,
    }
    return exchange_of(**(values | changes))


def fill(
    folder: Path,
    operations: Sequence[Operation],
    world: World = GUILD,
    engine: Engine | None = None,
) -> sqlite3.Connection:
    """Apply these to a world's file in one transaction. Returns its connection."""
    connection = open_world(folder, world, engine or Engine())
    connection.execute("BEGIN")
    apply(connection, [encode(operation) for operation in operations])
    connection.execute("COMMIT")
    return connection


def training_rows(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """The rows of the view, by column."""
    cursor = connection.execute("SELECT * FROM training_data ORDER BY id")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
