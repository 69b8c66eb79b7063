"""In which stretches of time who asked, where and by which source: how pages find their rows.

An index on the rooms and people of exchanges would take several times as much of the file. A row
of `stretches` is for a stretch of 2^26 ms (18.6 hours) and one of: a person in a room by a source,
a room and a source, a source. Its number is made of these, the stretch first, so that all that is
written at a time lies together. It has a character for each part of 2^20 ms (17.5 minutes) that has
such an exchange. A room's or a person's id is in it by its remainder: of two that share one, either
is looked for where the other is, too. So it is where to look, and not what is there.
"""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import chain, groupby
from operator import itemgetter

Asked = tuple[int, int | None, int | None, int]
"""An exchange's id, its room's, its person's, and the number of its source."""
Part = tuple[int, str]
"""A row's number, and the character of one of its parts."""

STRETCH, PART = 48, 42
"""So many of an id's last bits are dropped."""
PEOPLE, ROOMS, SOURCES = 2**24 - 3, 2**14 - 3, 2**10
"""What is divided by: primes, and for sources' small numbers a power of two."""
FIRST = 32
"""The character of a stretch's first part: those before it are not for people to see."""

JOIN = """
    INSERT INTO stretches (id, parts) VALUES {rows} ON CONFLICT (id) DO UPDATE
    SET parts = parts || excluded.parts WHERE NOT instr(parts, excluded.parts)
"""
JOINED_AT_ONCE = 16
JOINS = [JOIN.format(rows=", ".join(["(?, ?)"] * count)) for count in range(JOINED_AT_ONCE + 1)]
"""By how many rows: a statement for each takes twice as long."""
LEAVE = "UPDATE stretches SET parts = replace(parts, ?2, '') WHERE id = ?1"
REMOVE_EMPTY = "DELETE FROM stretches WHERE id = ? AND parts = ''"
# One changed bit makes another kind of value of a number. It should keep no other from going.
ASKED = """
    id, CAST(room_id AS INTEGER), CAST(user_id AS INTEGER), coalesce(CAST(source AS INTEGER), 0)
"""
FIND_ASKED = f"""
    SELECT {ASKED} FROM exchanges WHERE id BETWEEN ? AND ? ORDER BY id
"""  # noqa: S608 - our own text
# Where the schema is damaged a row may be without its number.
FIND_NOTED = """
    SELECT id, coalesce(CAST(parts AS BLOB), x'') FROM stretches WHERE id IS NOT NULL ORDER BY id
"""
FORGET_STRETCH = "DELETE FROM stretches WHERE id BETWEEN ? AND ?"
EVERY_ID = (-(2**63), 2**63 - 1)
# Where nothing is noted of a vote it is looked at each time.
FIND_VOTES = """
    SELECT e.id, v.asked, CAST(e.user_id AS INTEGER),
        CAST(e.room_id AS INTEGER), coalesce(CAST(e.source AS INTEGER), 0)
    FROM votes v JOIN exchanges e ON e.id = v.exchange_id WHERE v.asked IS NOT NULL
"""
# A trigger notes it.
PLACE_VOTES = "UPDATE votes SET exchange_id = exchange_id WHERE exchange_id = ?"
SPAN = "SELECT (SELECT min(id) FROM stretches) >> 48, (SELECT max(id) FROM stretches) >> 48"
# The stretches come as they are counted, the newest first, as far as somebody goes on asking.
FIND = f"""
    WITH RECURSIVE counted (stretch) AS (
        SELECT ?1 UNION ALL SELECT stretch - 1 FROM counted WHERE stretch > ?2
    )
    SELECT c.stretch, CAST(s.parts AS TEXT) FROM counted c CROSS JOIN stretches s
    ON s.id BETWEEN c.stretch << {STRETCH} | ?3 AND c.stretch << {STRETCH} | ?4
    WHERE ?5 IS NULL
        OR s.id & {SOURCES - 1} IN (SELECT id & {SOURCES - 1} FROM sources WHERE model_type = ?5)
"""  # noqa: S608 - our own numbers


def number_of(place: int | None, room_id: int | None, source: int) -> int:
    """The end of a row's number: `place` is a person's id or, without a room, a room's."""
    return (
        (0 if place is None else place % PEOPLE) << 24
        | (0 if room_id is None else room_id % ROOMS) << 10
        | source & SOURCES - 1
    )


def parts_of(asked: Iterable[Asked]) -> set[Part]:
    """The parts that these exchanges are in."""
    parts = set()
    for exchange_id, room_id, user_id, source in asked:
        part = chr((exchange_id >> PART & 63) + FIRST)
        anybody = exchange_id >> STRETCH << STRETCH | source & SOURCES - 1
        parts.add((anybody, part))
        room = 0
        if room_id is not None:
            room = room_id % ROOMS << 10
            parts.add((anybody | room_id % PEOPLE << 24, part))
        if user_id is not None:
            parts.add((anybody | user_id % PEOPLE << 24 | room, part))
    return parts


def join_stretches(connection: sqlite3.Connection, asked: Iterable[Asked]) -> None:
    """Note where these exchanges are, as they are added. Raises one of FAILURES."""
    # In order: where a batch is large, each page of the file is changed once.
    parts = sorted(parts_of(asked))
    for start in range(0, len(parts), JOINED_AT_ONCE):
        some = parts[start : start + JOINED_AT_ONCE]
        connection.execute(JOINS[len(some)], tuple(chain.from_iterable(some)))


def leave_stretches(connection: sqlite3.Connection, gone: Iterable[Asked]) -> None:
    """Take out where these were, which are deleted, unless others are there. Raises FAILURES."""
    in_time = sorted(gone, key=itemgetter(0))
    left: set[Part] = set()
    for part, some in groupby(in_time, key=lambda one: one[0] >> PART):
        first = part << PART
        others = connection.execute(FIND_ASKED, (first, first | (1 << PART) - 1))
        left |= parts_of(some) - parts_of(others)
    connection.executemany(LEAVE, left)
    connection.executemany(REMOVE_EMPTY, ((number,) for number, _ in left))


def wrong_stretches(connection: sqlite3.Connection) -> Iterator[int]:
    """The stretches whose rows do not say where their exchanges are, in order of time.

    Reads every exchange, and holds the rows of one stretch. Raises one of FAILURES.
    """
    asked = groupby(connection.execute(FIND_ASKED, EVERY_ID), key=lambda one: one[0] >> STRETCH)
    noted = groupby(connection.execute(FIND_NOTED), key=lambda row: row[0] >> STRETCH)
    nothing = (None, ())
    noted_stretch, rows = next(noted, nothing)
    for stretch, some in asked:
        while noted_stretch is not None and noted_stretch < stretch:
            yield noted_stretch
            noted_stretch, rows = next(noted, nothing)
        signs = {}
        if noted_stretch == stretch:
            signs = dict(rows)
            noted_stretch, rows = next(noted, nothing)
        if not says_where(signs, some):
            yield stretch
    while noted_stretch is not None:
        yield noted_stretch
        noted_stretch, rows = next(noted, nothing)


def says_where(signs: Mapping[int, bytes], asked: Iterable[Asked]) -> bool:
    """Whether a stretch's rows, which may be damaged, have the parts of these, and no others."""
    left = sum(len(set(some)) for some in signs.values())
    for part, some in groupby(asked, key=lambda one: one[0] >> PART):
        numbers = {number for number, _ in parts_of(some)}
        if any((part & 63) + FIRST not in signs.get(number, b"") for number in numbers):
            return False
        left -= len(numbers)
    return left == 0


def rebuild_stretch(connection: sqlite3.Connection, stretch: int) -> None:
    """Put down anew where the exchanges of a stretch are. Raises one of FAILURES."""
    span = (stretch << STRETCH, (stretch + 1 << STRETCH) - 1)
    connection.execute(FORGET_STRETCH, span)
    asked = connection.execute(FIND_ASKED, span)
    for _, some in groupby(asked, key=lambda one: one[0] >> PART):
        join_stretches(connection, some)


def wrong_votes(connection: sqlite3.Connection) -> Iterator[int]:
    """The exchange of each vote of which it is noted wrongly who had asked.

    Not the vote's own numbers, which may be damaged. Raises one of FAILURES.
    """
    for exchange_id, asked, *who_asked in connection.execute(FIND_VOTES):
        if asked != number_of(*who_asked):
            yield exchange_id


def correct_votes(connection: sqlite3.Connection, exchange_ids: Iterable[int]) -> None:
    """Note anew of the votes on these who had asked. Raises one of FAILURES."""
    connection.executemany(PLACE_VOTES, ((exchange_id,) for exchange_id in exchange_ids))


def spans_with(
    connection: sqlite3.Connection,
    last_id: int,
    room_id: int | None,
    user_id: int | None,
    purpose: str | None,
) -> Generator[tuple[int, int]]:
    """Where to look for exchanges of all of these with ids up to `last_id`; one is given.

    First and last ids, the newest first. Close it before the connection is used to write. Raises
    one of FAILURES.
    """
    oldest, newest = connection.execute(SPAN).fetchone()
    if oldest is None:
        return
    newest = min(newest, last_id >> STRETCH)
    first, last = numbers(room_id, user_id)
    found = connection.execute(FIND, (newest, oldest, first, last, purpose))
    try:
        for stretch, rows in groupby(found, key=itemgetter(0)):
            signs = chain.from_iterable(parts for _, parts in rows)
            there = sorted({ord(one) - FIRST & 63 for one in signs})
            # Parts that follow each other are one span.
            while there:
                upper = lower = there.pop()
                while there and there[-1] == lower - 1:
                    lower = there.pop()
                begin = stretch << STRETCH
                first_id = begin | lower << PART
                if first_id <= last_id:
                    yield first_id, min(begin | (upper + 1 << PART) - 1, last_id)
    finally:
        found.close()


def numbers(room_id: int | None, user_id: int | None) -> tuple[int, int]:
    """The first and the last end of a number that these have."""
    if user_id is None:
        first = number_of(room_id, None, 0)
        return first, first | SOURCES - 1
    first = number_of(user_id, room_id, 0)
    return first, first | (SOURCES - 1 if room_id is not None else (1 << 24) - 1)


def mask_of(room_id: int | None, user_id: int | None) -> tuple[int, int]:
    """Which bits of the end of a person's number are given by these, and what they are."""
    mask = (0 if user_id is None else 2**24 - 1 << 24) | (0 if room_id is None else 2**14 - 1 << 10)
    return mask, number_of(user_id, room_id, 0)
