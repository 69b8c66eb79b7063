"""The rows of the view `training_data`, read without it: several times as fast.

The view looks up every message of every prompt. But a channel's prompts overlap: here a message
is looked up once while it is being quoted, and prompts are put together from what is at hand.
"""

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

import msgspec

from bot.store.choosing import ASKED_AT, Choice
from bot.store.problems import StoreError
from bot.store.prompts import Reference, number_of, read_prompt

BATCH = 384
NAMED = 5
NOBODY = (0, 0)
GENERATION_BYTES = 3 << 19
ENTRY_BYTES = 150
"""About what a fragment costs beside its text."""

IDS = ("id", "timestamp", "guild_id", "room_id", "user_id", "message_id", "reply_id")
NAMES = ("model_type", "provider", "model")
ANSWER = ("output", "reasoning")
FAILURE = ("success", "error", "fallback_from", "fallback_reason")
NUMBERS = ("latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens")
VOTES = ("thumbs_up", "thumbs_down")
COLUMNS = (*IDS, *NAMES, "input", *ANSWER, "finish_reason", *FAILURE, *NUMBERS, *VOTES)

# Lists of numbers are JSON but for the brackets and the nulls.
CSV_IDS = f"json_array({', '.join(IDS)})"
CSV_NUMBERS = f"json_array({', '.join(NUMBERS)})"
CSV_FAILURE = """
    success || CASE WHEN coalesce(error, fallback_from, fallback_reason) IS NULL THEN ',,,,' ELSE
        ',' || coalesce('"' || replace(error, '"', '""') || '"', '') ||
        ',' || coalesce('"' || replace(fallback_from, '"', '""') || '"', '') ||
        ',' || coalesce('"' || replace(fallback_reason, '"', '""') || '"', '') || ','
    END
"""

# One changed bit makes another kind of value of a text or a number: what JSON and Parquet have no
# place for. As what it should be it costs itself alone.
KINDS = {
    **dict.fromkeys((*IDS[3:], "success", *NUMBERS), "INTEGER"),
    **dict.fromkeys((*ANSWER, *FAILURE[1:]), "TEXT"),
}
CAST_COLUMNS = ", ".join(f"CAST(e.{name} AS {kind}) AS {name}" for name, kind in KINDS.items())
EXCHANGES = f"""
    SELECT e.id, e.source, e.prompt, {CAST_COLUMNS}, CAST(c.finish_reason AS TEXT) AS finish_reason,
        CAST({ASKED_AT} AS INTEGER) AS timestamp,
        (SELECT id FROM world WHERE kind = 'guild') AS guild_id
    FROM exchanges e LEFT JOIN sources c ON c.id = e.source
"""  # noqa: S608 - our own text
SELECT_SOURCES = f"""
    SELECT id, {", ".join(f"CAST({name} AS TEXT)" for name in (*NAMES, "finish_reason"))}
    FROM sources
"""  # noqa: S608 - our own names
SELECT_VOTES = """
    SELECT exchange_id, sum(value > 0), sum(value < 0) FROM votes
    WHERE exchange_id BETWEEN ? AND ? GROUP BY exchange_id
"""
# What the view says of a prompt's elements. The role is the usual one. One line for each in the
# list: all in one step, in which other threads run. JSON has line feeds only escaped.
SELECT_MESSAGES = """
    SELECT CAST(group_concat(json_object('role', CAST(s.role AS TEXT), 'content', coalesce(
        CASE m.state WHEN 1 THEN '[deleted]' WHEN 2 THEN '[not recorded]' END,
        CASE WHEN s.name IS NULL THEN '' ELSE s.name || ': ' END
            || coalesce(m.content, substr(o.output, m.start, m.length)),
        '[deleted]'
    )), char(10)) AS BLOB)
    FROM json_each(?) r
    LEFT JOIN messages m ON m.id = r.value
    LEFT JOIN speakers s ON s.id = m.speaker
    LEFT JOIN exchanges o ON o.id = m.exchange_id
"""
SELECT_TEXTS = """
    SELECT -id, CAST(json_object(
        'role', CAST(role AS TEXT), 'content', CAST(content AS TEXT)
    ) AS BLOB)
    FROM texts WHERE id IN (SELECT -value FROM json_each(?))
"""
MISSING = b'{"role":null,"content":"[deleted]"}'

Row = tuple[Any, ...]
Columns = list[Sequence[Any]]
"""The values of some exchanges, column by column."""
Source = tuple[str | None, str | None, str | None, str | None]
Part = TypeVar("Part")
UNKNOWN: Source = (None, None, None, None)

encode = msgspec.json.encode


@dataclass(slots=True)
class Batch:
    """Some exchanges, in order of id: each a row of id, prompt, source and what was selected."""

    rows: list[Row]
    inputs: list[bytes]
    votes: list[tuple[int, int]]

    def __iter__(self) -> Iterator[tuple[Row, bytes, tuple[int, int]]]:
        """Row, messages of its input as JSON, and votes, of each."""
        return zip(self.rows, self.inputs, self.votes, strict=True)


@dataclass(frozen=True, slots=True)
class Lines:
    """Some exchanges as text: how many, up to which id."""

    count: int
    last_id: int
    text: bytes


@dataclass(slots=True)
class LeftOut:
    """The exchanges whose prompts cannot be read: how many, and the ids of the first few."""

    count: int = 0
    ids: list[int] = field(default_factory=list)

    def note(self, exchange_id: int) -> None:
        """Another one."""
        self.count += 1
        if len(self.ids) < NAMED:
            self.ids.append(exchange_id)


class Numbers(msgspec.Struct, gc=False):
    """The end of an exchange's line of JSON."""

    latency_ms: int
    first_token_ms: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    thumbs_up: int
    thumbs_down: int


def read_json_lines(
    connection: sqlite3.Connection, choice: Choice, left_out: LeftOut
) -> Iterator[Lines]:
    """The chosen rows as JSON objects, one a line, `input` as a list; in order of id.

    A batch at a time, in memory that does not grow with them. The caller keeps one transaction
    open meanwhile, and so sees one state of the file. Nobody wants to train on half a prompt: what
    has one that is damaged is noted in `left_out`. Raises one of FAILURES.
    """
    texts = (*ANSWER, "finish_reason", *FAILURE)
    columns = (json_object(IDS), json_object(texts), *NUMBERS)
    names = by_source(
        connection,
        lambda source: b',%b,"input":[' % encode(dict(zip(NAMES, source[:3], strict=True)))[1:-1],
    )
    for batch in read_batches(connection, choice, left_out, columns):
        pieces: list[bytes] = []
        for row, said, (up, down) in batch:
            _, _, source, ids, rest, latency, first, asked, answered = row
            end = encode(Numbers(latency, first, asked, answered, up, down))
            pieces += (ids[:-1], names[source], said, b"],", mended(rest)[1:-1], b",")
            pieces += (end[1:], b"\n")
        yield lines(batch, pieces)


def json_object(columns: Sequence[str]) -> str:
    """The SQL of a JSON object with these."""
    return as_bytes(f"json_object({', '.join(f'{name!r}, {name}' for name in columns)})")


def as_bytes(text: str) -> str:
    """The SQL of a text's bytes: several times as fast to read as the text."""
    return f"CAST({text} AS BLOB)"


def read_csv(connection: sqlite3.Connection, choice: Choice, left_out: LeftOut) -> Iterator[Lines]:
    """The chosen rows as CSV (RFC 4180) below a line of names; otherwise like the JSON lines.

    `input` is JSON text. Every text is quoted: what is empty and not quoted is NULL.
    """
    yield Lines(0, 0, ",".join(COLUMNS).encode() + b"\r\n")
    names = by_source(
        connection, lambda source: b',%b,"[' % b",".join(map(csv_text, map(in_utf8, source[:3])))
    )
    reasons = by_source(connection, lambda source: b",%b," % csv_text(in_utf8(source[3])))
    columns = (CSV_IDS, *ANSWER, CSV_FAILURE, CSV_NUMBERS)
    for batch in read_batches(connection, choice, left_out, map(as_bytes, columns), in_csv):
        pieces: list[bytes] = []
        for (_, _, source, ids, output, reasoning, why, numbers), said, votes in batch:
            pieces += (csv_numbers(ids), names[source], said, b']",', csv_text(output), b",")
            pieces += (csv_text(reasoning), reasons[source], mended(why), csv_numbers(numbers))
            pieces.append(b",0,0\r\n" if votes == NOBODY else b",%d,%d\r\n" % votes)
        yield lines(batch, pieces)


def in_csv(said: bytes) -> bytes:
    """A part of a text in quotes."""
    return said.replace(b'"', b'""')


def csv_numbers(found: bytes) -> bytes:
    """A JSON list of numbers, as cells."""
    return found[1:-1].replace(b"null", b"")


def csv_text(text: bytes | None) -> bytes:
    """A cell in quotes, or nothing for NULL."""
    return b"" if text is None else b'"%b"' % mended(text).replace(b'"', b'""')


def in_utf8(text: str | None) -> bytes | None:
    """Its bytes."""
    return None if text is None else text.encode()


def mended(text: bytes) -> bytes:
    """The same in UTF-8, whatever the disk made of it."""
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return text.decode(errors="replace").encode()
    return text


def read_columns(
    connection: sqlite3.Connection, choice: Choice, left_out: LeftOut
) -> Iterator[Columns]:
    """The chosen rows, each batch of them as columns in the order of COLUMNS.

    Texts are UTF-8 unless they are damaged. `input` has the messages of each without the brackets
    of its list. Otherwise like the JSON lines.
    """
    sources = by_source(connection, lambda source: tuple(map(in_utf8, source)))
    success, *why = FAILURE
    texts = [as_bytes(name) for name in (*ANSWER, *why)]
    columns = (*IDS[1:], *texts[:2], success, *texts[2:], *NUMBERS)
    for batch in read_batches(connection, choice, left_out, columns):
        number, _, source, *found = zip(*batch.rows, strict=True)
        *names, reason = zip(*map(sources.__getitem__, source), strict=True)
        ids, answer, others = found[:6], found[6:8], found[8:]
        votes = zip(*batch.votes, strict=True)
        yield [number, *ids, *names, batch.inputs, *answer, reason, *others, *votes]


def lines(batch: Batch, pieces: list[bytes]) -> Lines:
    """The pieces of a batch's lines, put together."""
    return Lines(len(batch.rows), batch.rows[-1][0], b"".join(pieces))


def by_source(connection: sqlite3.Connection, make: Callable[[Source], Part]) -> Mapping[int, Part]:
    """What is made of purpose, provider, model and finish reason, by the source's number.

    Of a source that is lost, of nothing.
    """
    found = connection.execute(SELECT_SOURCES)
    return defaultdict(lambda: make(UNKNOWN), {row[0]: make(row[1:]) for row in found})


def read_batches(
    connection: sqlite3.Connection,
    choice: Choice,
    left_out: LeftOut,
    columns: Iterable[str],
    change: Callable[[bytes], bytes] | None = None,
) -> Iterator[Batch]:
    """The chosen exchanges, with these columns in SQL.

    `change` is done to each message of their inputs.
    """
    condition, values = choice.where()
    cursor = connection.execute(
        f"SELECT id, {as_bytes('prompt')}, source, {', '.join(columns)}"  # noqa: S608 - our own texts
        f" FROM ({EXCHANGES} WHERE {condition}) ORDER BY id",
        values,
    )
    fragments = Fragments(connection, change)
    while rows := cursor.fetchmany(BATCH):
        try:
            prompts = [read_prompt(row[1]) for row in rows]
        except StoreError:
            rows, prompts = read_one_by_one(rows, left_out)
            if not rows:
                continue
        known = fragments.of(set(chain.from_iterable(prompts)))
        counted = connection.execute(SELECT_VOTES, (rows[0][0], rows[-1][0]))
        votes = {exchange_id: (up, down) for exchange_id, up, down in counted}
        yield Batch(
            rows,
            [b",".join(map(known.__getitem__, prompt)) for prompt in prompts],
            [votes.get(row[0], NOBODY) for row in rows],
        )


def read_one_by_one(rows: list[Row], left_out: LeftOut) -> tuple[list[Row], list[list[Reference]]]:
    """The rows whose prompts can be read, and these."""
    readable, prompts = [], []
    for row in rows:
        try:
            prompts.append(read_prompt(row[1]))
        except StoreError:
            left_out.note(row[0])
        else:
            readable.append(row)
    return readable, prompts


class Fragments:
    """Messages as they stand in prompts, by reference, as JSON; those of late are remembered."""

    def __init__(
        self, connection: sqlite3.Connection, change: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._connection = connection
        self._change = change
        self._young: dict[Reference, bytes] = {}
        self._old: dict[Reference, bytes] = {}
        self._bytes = 0

    def of(self, references: set[Reference]) -> dict[Reference, bytes]:
        """A mapping that has all of these, until the next call."""
        if self._bytes > GENERATION_BYTES:
            # What is not asked for while the next generation fills is forgotten with this one.
            self._old, self._young, self._bytes = self._young, {}, 0
        # Not by `-` and `&`: those go through all that is remembered.
        missing = references.difference(self._young)
        returning = {one: self._old[one] for one in missing if one in self._old}
        self._remember(returning)
        unknown = missing.difference(returning)
        if unknown:
            self._remember(self._read(unknown))
        return self._young

    def _read(self, references: set[Reference]) -> dict[Reference, bytes]:
        """These from the file."""
        pairs = [reference for reference in references if not isinstance(reference, int)]
        # In their order: those of one page one after the other.
        numbers: list[Any] = sorted(set(map(number_of, references)) if pairs else references)
        first = bisect_left(numbers, 0)
        fragments: dict[Reference, bytes] = dict.fromkeys(numbers[:first], MISSING)
        if first:
            for number, text in self._select(SELECT_TEXTS, numbers[:first]):
                fragments[number] = mended(text)
        if first < len(numbers):
            ((found,),) = self._select(SELECT_MESSAGES, numbers[first:])
            fragments.update(zip(numbers[first:], mended(found).split(b"\n"), strict=True))
        for number, role in pairs:
            # The same, said in another role than usual.
            _, _, content = fragments[number].partition(b',"content":')
            fragments[number, role] = b'{"role":%b,"content":%b' % (encode(role), content)
        if self._change is None:
            return fragments
        return {reference: self._change(text) for reference, text in fragments.items()}

    def _select(self, query: str, numbers: Sequence[Any]) -> Iterable[Any]:
        """What the query finds of these."""
        return self._connection.execute(query, (encode(numbers).decode(),))

    def _remember(self, fragments: dict[Reference, bytes]) -> None:
        self._young.update(fragments)
        self._bytes += sum(map(len, fragments.values())) + ENTRY_BYTES * len(fragments)
