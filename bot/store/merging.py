"""Adding the records of one file to another of the same world."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bot.store.applying import apply
from bot.store.exchange_rows import COLUMNS, ID, TIMESTAMP, keep_exchanges
from bot.store.operations import (
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
    encode,
)

AT_ONCE = 200
LOST = "[lost]"
DELETED, WITHHELD = 1, 2

SELECT_MESSAGES = """
    SELECT m.id, m.role, m.name, coalesce(m.content, substr(o.output, m.start, m.length)),
        m.message_id, m.author_id, m.state, m.seen_at, o.id IS NOT NULL
    FROM messages m LEFT JOIN exchanges o ON o.id = m.exchange_id
    WHERE m.id IN (SELECT value FROM json_each(?))
"""
# The first one is known from the exchange, too.
FIND_REPLIES = """
    WITH ids AS (SELECT value AS id FROM json_each(:ids))
    SELECT * FROM (
        SELECT id, reply_id FROM exchanges WHERE id IN ids AND reply_id IS NOT NULL
    )
    UNION ALL
    SELECT * FROM (
        SELECT exchange_id, message_id FROM messages WHERE exchange_id IN ids
        ORDER BY start, message_id
    )
"""
# Whoever objected, in whichever file, is taken at their latest word.
MERGE_CONSENTS = """
    INSERT INTO consents VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET
        recorded = excluded.recorded, timestamp = excluded.timestamp
    WHERE excluded.timestamp > timestamp
"""
RECOUNT = """
    UPDATE counters SET (exchanges, failures, fallbacks, last_timestamp) = (
        SELECT count(*), coalesce(sum(NOT success), 0),
            coalesce(sum(fallback_from IS NOT NULL), 0), max(timestamp)
        FROM exchanges
    )
"""

Reference = int | tuple[int, str]
decode_prompt = msgspec.json.Decoder(list[Reference]).decode


def merge(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    progress: Callable[[int], None] = lambda count: None,
) -> Counter[str]:
    """Add what the target does not have, in transactions of a few rows each.

    Of the settings nothing is taken: whether to record at all is for people to say again. Texts
    that no exchange quotes are left out. Returns how many exchanges, votes and so on were new;
    merging again adds nothing. Raises one of FAILURES.
    """
    added: Counter[str] = Counter()
    with_transaction(target, lambda: merge_decisions(source, target, added))
    last = -(2**63)
    columns = ", ".join(COLUMNS)
    while rows := source.execute(
        f"SELECT {columns}, prompt FROM exchanges WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
        (last, AT_ONCE),
    ).fetchall():
        few = [list(row) for row in rows]
        with_transaction(target, lambda few=few: merge_exchanges(source, target, few, added))
        last = rows[-1][ID]
        progress(len(rows))
    with_transaction(target, lambda: merge_feedback(source, target, added))
    with_transaction(target, lambda: target.execute(RECOUNT))
    return added


def with_transaction(connection: sqlite3.Connection, work: Callable[[], object]) -> None:
    """Do this as a whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def merge_decisions(
    source: sqlite3.Connection, target: sqlite3.Connection, added: Counter[str]
) -> None:
    """What people decided: objections, and messages that they deleted."""
    before = target.total_changes
    target.executemany(MERGE_CONSENTS, source.execute("SELECT * FROM consents"))
    added["consents"] += target.total_changes - before
    before = target.total_changes
    target.executemany(
        "INSERT OR IGNORE INTO notices VALUES (?, ?)", source.execute("SELECT * FROM notices")
    )
    added["notices"] += target.total_changes - before
    gone = source.execute("SELECT message_id, role FROM messages WHERE state = 1").fetchall()
    target.executemany(
        "INSERT OR IGNORE INTO messages (message_id, role, state) VALUES (?, ?, 1)", gone
    )
    for start in range(0, len(gone), AT_ONCE):
        ids = tuple(row[0] for row in gone[start : start + AT_ONCE])
        apply(target, [encode(MessagesForgotten(ids))])


def merge_exchanges(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    rows: Sequence[list[Any]],
    added: Counter[str],
) -> None:
    """Exchanges with all that they quote, and the messages that carried their outputs."""
    known = {
        row[0]
        for row in target.execute(
            "SELECT id FROM exchanges WHERE id IN (SELECT value FROM json_each(?))",
            (json_list([row[ID] for row in rows]),),
        )
    }
    new = [row for row in rows if row[ID] not in known]
    if not new:
        return
    prompts = [read_prompt(row[-1]) for row in new]
    references = {number for prompt in prompts for number in map(number_of, prompt)}
    quoted = quoted_messages(source, references)
    texts = quoted_texts(source, references)
    operations: list[Operation] = []
    for row, prompt in zip(new, prompts, strict=True):
        row[-1] = [message(reference, quoted, texts) for reference in prompt]
        for number in map(number_of, prompt):
            if number in quoted:
                _, _, _, content, message_id, _, state, seen_at, _ = quoted[number]
                if state == 0 and content is not None and seen_at > row[TIMESTAMP]:
                    operations.append(TextEdited(message_id, content, seen_at))
    keep_exchanges(target, new)
    operations += replies(source, [row[ID] for row in new])
    apply(target, [encode(operation) for operation in operations])
    added["exchanges"] += len(new)


def read_prompt(prompt: str) -> list[Reference]:
    """The references of a prompt; none of one that is damaged."""
    try:
        return decode_prompt(prompt)
    except msgspec.MsgspecError:
        return []


def number_of(reference: Reference) -> int:
    """The number alone."""
    return reference if isinstance(reference, int) else reference[0]


def quoted_messages(source: sqlite3.Connection, numbers: set[int]) -> dict[int, tuple[Any, ...]]:
    """The rows of these messages, by number."""
    found = source.execute(SELECT_MESSAGES, (json_list(numbers),))
    return {row[0]: row for row in found}


def quoted_texts(source: sqlite3.Connection, numbers: set[int]) -> dict[int, tuple[str, str]]:
    """Role and content of our own texts, by the number that prompts have for them."""
    found = source.execute(
        "SELECT -id, role, content FROM texts WHERE -id IN (SELECT value FROM json_each(?))",
        (json_list(numbers),),
    )
    return {number: (role, content) for number, role, content in found}


def message(
    reference: Reference,
    quoted: dict[int, tuple[Any, ...]],
    texts: dict[int, tuple[str, str]],
) -> tuple[Any, ...]:
    """A prompt's message as an exchange has it: role, content, name, message, author, withheld."""
    number = number_of(reference)
    role = None if isinstance(reference, int) else reference[1]
    if number in texts:
        usual, content = texts[number]
        return (role or usual, content, None, None, None, False)
    if number not in quoted:
        return (role or "user", LOST, None, None, None, False)
    _, usual, name, content, message_id, author_id, state, _, is_of_output = quoted[number]
    if state in (DELETED, WITHHELD):
        return (role or usual, "", None, message_id, author_id, state == WITHHELD)
    if content is None and not is_of_output:
        # Not under the message's id: another file may know what it said.
        return (role or usual, LOST, None, None, None, False)
    return (role or usual, content or "", name, message_id, author_id, False)


def replies(source: sqlite3.Connection, ids: Sequence[int]) -> list[Operation]:
    """Which messages carried the outputs of these exchanges, the first one first."""
    carried: dict[int, dict[int, None]] = defaultdict(dict)
    for exchange_id, message_id in source.execute(FIND_REPLIES, {"ids": json_list(ids)}):
        carried[exchange_id][message_id] = None
    return [ReplyAttached(one, tuple(messages)) for one, messages in carried.items()]


def merge_feedback(
    source: sqlite3.Connection, target: sqlite3.Connection, added: Counter[str]
) -> None:
    """Votes, and what people would rather have read."""
    before = target.execute("SELECT count(*) FROM votes").fetchone()[0]
    votes = source.execute("SELECT message_id, user_id, value, timestamp FROM votes")
    while few := votes.fetchmany(AT_ONCE):
        apply(target, [encode(VoteCast(*row)) for row in few])
    added["votes"] += target.execute("SELECT count(*) FROM votes").fetchone()[0] - before
    changes = target.total_changes
    target.executemany(
        "INSERT OR IGNORE INTO demonstrations VALUES (?, ?, ?, ?)",
        source.execute("SELECT * FROM demonstrations"),
    )
    added["demonstrations"] += target.total_changes - changes


def json_list(numbers: Sequence[int] | set[int]) -> str:
    """As `json_each` takes them."""
    return msgspec.json.encode(list(numbers)).decode()
