"""A big guild's file, as years of a busy server would make it: rooms whose contexts roll on."""

import contextlib
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bot.store.applying import apply
from bot.store.engine import Engine
from bot.store.files import open_world, path_of
from bot.store.operations import Operation, ReplyAttached, VoteCast, encode
from bot.store.records import DISCORD_EPOCH, ChatMessage, Exchange, World, WorldKind

WORLD = World(WorldKind.GUILD, 1574079678635835395)
ROOMS = 400
START = 1_700_000_000_000
SYSTEM = ChatMessage("system", "You are a helpful assistant in a Discord server. " * 4)
WORDS = """
the of and a to in is you that it he was for on are with as his they at be this from have or by one
had not but what all were when we there can an your which their said if do will each about how up
out them then she many some so these would other into has more her two like him see time could no
make than first been its who now people my made over did down only way find server channel deploy
patch guild raid role 🍕 ünïcode "quoted"
"""


@dataclass(slots=True)
class BigFile:
    """The file, and how many bytes of text were new in it: each message and answer once."""

    path: Path
    new_text: int = 0


class Room:
    """One channel: people talk, and every few messages somebody asks the bot."""

    def __init__(self, number: int, texts: "Texts", context: int) -> None:
        self.id = START + number
        self.context: deque[ChatMessage] = deque(maxlen=context)
        self.texts = texts

    def said(self, message_id: int, author: int, length: int) -> ChatMessage:
        message = ChatMessage(
            "user", self.texts.take(length), f"member{author}", message_id, START + author
        )
        self.context.append(message)
        return message


class Texts:
    """Slices of a long text of random words; counts their bytes."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.pool = " ".join(chance.choices([*WORDS.split(), "two\nlines"], k=1_500_000))
        self.bytes = 0

    def take(self, length: int) -> str:
        length = max(2, int(length * self.chance.uniform(0.3, 1.7)))
        start = self.chance.randrange(len(self.pool) - length)
        text = self.pool[start : start + length]
        self.bytes += len(text.encode())
        return text


def operations(rows: int, texts: Texts, said: int, answered: int) -> Iterator[list[Operation]]:
    """What is done to the file for so many exchanges, in lists for one an exchange."""
    chance = texts.chance
    rooms = [Room(number, texts, context=10) for number in range(ROOMS)]
    for number in range(rows):
        if number % ROOMS == 0:
            chance.shuffle(rooms)
        room = rooms[number % ROOMS]
        timestamp = START + number * 30_000
        first = (timestamp - DISCORD_EPOCH) << 22
        author = chance.randrange(500)
        for i in range(chance.randrange(3)):
            room.said(first + i, chance.randrange(500), said)
        question = room.said(first + 5, author, said)
        output = texts.take(answered)
        exchange = Exchange(
            id=first + 6,
            timestamp=timestamp,
            room_id=room.id,
            user_id=question.author_id,
            message_id=question.message_id,
            model_type="planning",
            provider="openai_compatible",
            model="understudy-7b",
            input=(SYSTEM, *room.context),
            output=output,
            reasoning=None,
            finish_reason="stop",
            success=True,
            error=None,
            fallback_from=None,
            fallback_reason=None,
            latency_ms=chance.uniform(200, 4000),
            first_token_ms=chance.uniform(100, 400),
            prompt_tokens=600,
            completion_tokens=80,
        )
        room.context.append(ChatMessage("assistant", output, None, first + 7, 1))
        made: list[Operation] = [exchange, ReplyAttached(first + 6, (first + 7,))]
        if chance.random() < 0.05:
            value = 1 if chance.random() < 0.7 else -1
            made.append(VoteCast(first + 7, START + author, value, timestamp + 5_000))
        yield made


def build(folder: Path, rows: int, *, said: int = 90, answered: int = 350) -> BigFile:
    """Write the file below this folder; the same for the same arguments.

    `said` and `answered` are mean lengths in characters of members' messages and of answers.
    """
    texts = Texts(random.Random(1))  # noqa: S311 - made-up words
    with contextlib.closing(open_world(folder, WORLD, Engine())) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        made = operations(rows, texts, said, answered)
        # A batch has no room twice: an answer is in the file before it is quoted.
        while batch := list(islice(made, ROOMS)):
            connection.execute("BEGIN")
            apply(connection, [encode(operation) for few in batch for operation in few])
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return BigFile(path_of(folder, WORLD), texts.bytes)
