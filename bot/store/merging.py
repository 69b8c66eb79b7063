"""Adding the records of one file to another of the same world."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bot.store.applying import apply
from bot.store.choosing import ASKED_AT
from bot.store.exchange_rows import ID, TIMESTAMP, keep_exchanges
from bot.store.message_rows import read_replies
from bot.store.operations import (
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
    encode,
)
from bot.store.problems import StoreError
from bot.store.prompts import Reference, number_of, read_prompt
from bot.store.records import LARGEST, time_of
from bot.store.speakers import Speaker, number_speakers
from bot.store.transactions import transaction

AT_ONCE = 200
LOST = "[lost]"
DELETED, WITHHELD = 1, 2

SELECT_MESSAGES = """
    SELECT m.id, s.role, s.name, coalesce(m.content, substr(o.output, m.start, m.length)),
        m.message_id, s.author_id, m.state, m.seen_after, o.id IS NOT NULL, s.subject_id
    FROM messages m LEFT JOIN speakers s ON s.id = m.speaker
        LEFT JOIN exchanges o ON o.id = m.exchange_id
    WHERE m.id IN (SELECT value FROM json_each(?))
"""
# A source that is lost leaves an exchange whose purpose is not known.
SELECT_EXCHANGES = f"""
    SELECT e.id, {ASKED_AT}, e.room_id, e.user_id, e.message_id,
        coalesce(c.model_type, '{LOST}'), c.provider, c.model, e.output, e.reasoning,
        c.finish_reason, e.success, e.error, e.fallback_from, e.fallback_reason, e.latency_ms,
        e.first_token_ms, e.prompt_tokens, e.completion_tokens, e.prompt
    FROM exchanges e LEFT JOIN sources c ON c.id = e.source WHERE e.id > ? ORDER BY e.id LIMIT ?
"""  # noqa: S608 - our own texts
# What was deleted without being there has left its id (see `tombstones`).
FIND_KNOWN = """
    WITH given AS (SELECT value AS id FROM json_each(?))
    SELECT id FROM exchanges WHERE id IN given
    UNION ALL SELECT message_id FROM messages WHERE message_id IN given AND state = 1
"""
FIND_REPLIES = """
    SELECT id, reply_id, parts FROM exchanges
    WHERE id IN (SELECT value FROM json_each(?)) AND reply_id IS NOT NULL
"""
# Whoever objected, in whichever file, is taken at their latest word.
MERGE_CONSENTS = """
    INSERT INTO consents VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET
        recorded = excluded.recorded, timestamp = excluded.timestamp
    WHERE excluded.timestamp > timestamp
"""
RECOUNT = f"""
    UPDATE counters SET (exchanges, failures, fallbacks, last_timestamp) = (
        SELECT count(*), coalesce(sum(NOT success), 0),
            coalesce(sum(fallback_from IS NOT NULL), 0), max({ASKED_AT})
        FROM exchanges e
    )
"""  # noqa: S608 - our own text


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
    with transaction(target):
        merge_decisions(source, target, added)
    last = -(2**63)
    while rows := source.execute(SELECT_EXCHANGES, (last, AT_ONCE)).fetchall():
        few = [list(row) for row in rows]
        with transaction(target):
            merge_exchanges(source, target, few, added)
        last = rows[-1][ID]
        progress(len(rows))
    with transaction(target):
        merge_feedback(source, target, added)
        target.execute(RECOUNT)
    return added


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
    gone = source.execute(
        "SELECT m.message_id, coalesce(s.role, 'user') FROM messages m"
        " LEFT JOIN speakers s ON s.id = m.speaker WHERE m.state = 1"
    ).fetchall()
    nobody: dict[str, Speaker] = {role: (None, role, None, None) for _, role in gone}
    numbers = number_speakers(target, nobody.values())
    target.executemany(
        "INSERT OR IGNORE INTO messages (message_id, speaker, state, seen_after)"
        " VALUES (?, ?, 1, 0)",
        [(message_id, numbers[nobody[role]]) for message_id, role in gone],
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
    known = {row[0] for row in target.execute(FIND_KNOWN, (json_list([row[ID] for row in rows]),))}
    new = [row for row in rows if row[ID] not in known]
    if not new:
        return
    prompts = [readable(row[-1]) for row in new]
    references = {number for prompt in prompts for number in map(number_of, prompt)}
    quoted = quoted_messages(source, references)
    texts = quoted_texts(source, references)
    operations: list[Operation] = []
    places: dict[tuple[Any, ...], int] = {}
    for row, prompt in zip(new, prompts, strict=True):
        said = [message(reference, quoted, texts) for reference in prompt]
        row[-1] = [places.setdefault(one, len(places)) for one in said]
        for number in map(number_of, prompt):
            if number in quoted:
                _, _, _, content, message_id, _, state, seen_after, *_ = quoted[number]
                seen_at = min(time_of(message_id) + seen_after, LARGEST - 1)
                if state == 0 and content is not None and seen_at > row[TIMESTAMP]:
                    operations.append(TextEdited(message_id, content, seen_at))
    keep_exchanges(target, [tuple(row) for row in new], list(places))
    operations += replies(source, [row[ID] for row in new])
    apply(target, [encode(operation) for operation in operations])
    added["exchanges"] += len(new)


def readable(prompt: str) -> list[Reference]:
    """The references of a prompt; none of one that is damaged."""
    try:
        return read_prompt(prompt)
    except StoreError:
        return []


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
    """A prompt's message as `exchange_rows.Said` has it."""
    number = number_of(reference)
    role = None if isinstance(reference, int) else reference[1]
    if number in texts:
        usual, content = texts[number]
        return (role or usual, content, None, None, None, False, None)
    if number not in quoted:
        return (role or "user", LOST, None, None, None, False, None)
    (_, usual, name, content, message_id, author_id, state, _, is_of_output, subject_id) = quoted[
        number
    ]
    if state in (DELETED, WITHHELD):
        of = role or usual or "user"
        return (of, "", None, message_id, author_id, state == WITHHELD, subject_id)
    if usual is None:
        # Words that nobody could be asked about, or have forgotten.
        return (role or "user", LOST, None, None, None, False, None)
    if content is None and not is_of_output:
        # Not under the message's id: another file may know what it said.
        return (role or usual, LOST, None, None, None, False, None)
    return (role or usual, content or "", name, message_id, author_id, False, subject_id)


def replies(source: sqlite3.Connection, ids: Sequence[int]) -> list[Operation]:
    """Which messages carried the outputs of these exchanges, the first one first."""
    return [
        ReplyAttached(exchange_id, tuple(read_replies(reply_id, parts)))
        for exchange_id, reply_id, parts in source.execute(FIND_REPLIES, (json_list(ids),))
    ]


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
