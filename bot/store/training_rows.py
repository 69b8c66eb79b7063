"""The rows of the view `training_data`, read without it: several times as fast.

The view looks up every message of every prompt. But a channel's prompts overlap: here a message
is looked up once while it is being quoted, and prompts are put together from what is at hand.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

from bot.store.choosing import Choice
from bot.store.problems import StoreError

BATCH = 256
GENERATION_BYTES = 3 << 20
ENTRY_BYTES = 150
"""About what a fragment costs beside its text."""

IDS = ("id", "timestamp", "guild_id", "room_id", "user_id", "message_id", "reply_id")
NAMES = ("model_type", "provider", "model")
TEXTS = (
    *("output", "reasoning", "finish_reason", "success", "error", "fallback_from"),
    *("fallback_reason",),
)
NUMBERS = ("latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens")
VOTES = ("thumbs_up", "thumbs_down")
COLUMNS = (*IDS, *NAMES, "input", *TEXTS, *NUMBERS, *VOTES)

FROM = "FROM (SELECT *, (SELECT id FROM world WHERE kind = 'guild') AS guild_id FROM exchanges) e"
SELECT_VOTES = """
    SELECT exchange_id, sum(value > 0), sum(value < 0) FROM votes
    WHERE exchange_id BETWEEN ? AND ? GROUP BY exchange_id
"""
# What the view says of a prompt's elements. The role is the usual one.
SELECT_FRAGMENTS = """
    SELECT r.value, CAST(json_object('role', coalesce(m.role, t.role), 'content', coalesce(
        CASE m.state WHEN 1 THEN '[deleted]' WHEN 2 THEN '[not recorded]' END,
        CASE WHEN m.name IS NULL THEN '' ELSE m.name || ': ' END
            || coalesce(m.content, substr(o.output, m.start, m.length), t.content),
        '[deleted]'
    )) AS BLOB)
    FROM json_each(?) r
    LEFT JOIN messages m ON m.id = r.value
    LEFT JOIN texts t ON t.id = -r.value
    LEFT JOIN exchanges o ON o.id = m.exchange_id
"""

Reference = int | tuple[int, str]
Row = tuple[Any, ...]
"""An exchange's values in the order of COLUMNS; `input` is JSON text."""

decode_prompt = msgspec.json.Decoder(list[Reference]).decode
encode = msgspec.json.encode


@dataclass(slots=True)
class Batch:
    """Some exchanges, in order of id: each a row of id, prompt and what was selected."""

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


class Numbers(msgspec.Struct):
    """The end of an exchange's line. SQLite would round the first two to 15 digits."""

    latency_ms: float
    first_token_ms: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    thumbs_up: int
    thumbs_down: int


def read_json_lines(connection: sqlite3.Connection, choice: Choice) -> Iterator[Lines]:
    """The chosen rows as JSON objects, one a line, `input` as a list; in order of id.

    A batch at a time, in memory that does not grow with them. The caller keeps one transaction
    open meanwhile, and so sees one state of the file. Raises one of FAILURES, StoreError where a
    prompt is damaged.
    """
    before, after = (
        f"CAST(json_object({', '.join(f'{name!r}, {name}' for name in names)}) AS BLOB)"
        for names in ((*IDS, *NAMES), TEXTS)
    )
    for batch in read_batches(connection, choice, (before, after, *NUMBERS)):
        pieces: list[bytes] = []
        for (_, _, start, texts, latency, first, asked, answered), said, (up, down) in batch:
            end = encode(Numbers(latency, first, asked, answered, up, down))
            pieces += (start[:-1], b',"input":[', said, b"],", texts[1:-1], b",", end[1:], b"\n")
        yield lines(batch, pieces)


def read_csv(connection: sqlite3.Connection, choice: Choice) -> Iterator[Lines]:
    """The chosen rows as CSV (RFC 4180) below a line of names; otherwise like the JSON lines.

    `input` is JSON text. Every text is quoted: what is empty and not quoted is NULL.
    """
    yield Lines(0, 0, ",".join(COLUMNS).encode() + b"\r\n")
    before = "||','||".join((*map(csv_number, IDS), *map(csv_text, NAMES)))
    after = "||','||".join(map(csv_text, TEXTS))
    columns = (f"CAST({before} AS BLOB)", f"CAST({after} AS BLOB)", *NUMBERS)
    for batch in read_batches(connection, choice, columns):
        pieces: list[bytes] = []
        for (_, _, start, texts, *numbers), said, votes in batch:
            cells = ("" if cell is None else repr(cell) for cell in (*numbers, *votes))
            end = ",".join(cells).encode()
            said = said.replace(b'"', b'""')
            pieces += (start, b',"[', said, b']",', texts, b",", end, b"\r\n")
        yield lines(batch, pieces)


def csv_number(column: str) -> str:
    """The SQL of a cell without quotes."""
    return f"coalesce({column}, '')"


def csv_text(column: str) -> str:
    """The SQL of a cell in quotes, or of nothing for NULL."""
    if column == "success":
        return csv_number(column)
    return f"""coalesce('"' || replace({column}, '"', '""') || '"', '')"""


def read_rows(connection: sqlite3.Connection, choice: Choice) -> Iterator[list[Row]]:
    """The chosen rows as values in the order of COLUMNS, texts in UTF-8, `input` JSON text.

    Otherwise like the JSON lines.
    """
    texts = [f"CAST({name} AS BLOB)" if name != "success" else name for name in (*NAMES, *TEXTS)]
    start, end = 2, 2 + len(IDS) + len(NAMES)
    for batch in read_batches(connection, choice, (*IDS, *texts, *NUMBERS)):
        yield [(*row[start:end], b"[%b]" % said, *row[end:], *votes) for row, said, votes in batch]


def lines(batch: Batch, pieces: list[bytes]) -> Lines:
    """The pieces of a batch's lines, put together."""
    return Lines(len(batch.rows), batch.rows[-1][0], b"".join(pieces))


def read_batches(
    connection: sqlite3.Connection, choice: Choice, columns: Sequence[str]
) -> Iterator[Batch]:
    """The chosen exchanges, with these columns in SQL."""
    condition, values = choice.where()
    cursor = connection.execute(
        f"SELECT e.id, prompt, {', '.join(columns)} {FROM} WHERE {condition} ORDER BY e.id",
        values,
    )
    fragments = Fragments(connection)
    nobody = (0, 0)
    while rows := cursor.fetchmany(BATCH):
        try:
            prompts = [decode_prompt(row[1]) for row in rows]
        except msgspec.MsgspecError as error:
            problem = "is damaged: a prompt cannot be read. Run `understudy store repair`."
            raise StoreError(f"The file of records {problem}") from error
        known = fragments.of(set(chain.from_iterable(prompts)))
        counted = connection.execute(SELECT_VOTES, (rows[0][0], rows[-1][0]))
        votes = {exchange_id: (up, down) for exchange_id, up, down in counted}
        yield Batch(
            rows,
            [b",".join([known[reference] for reference in prompt]) for prompt in prompts],
            [votes.get(row[0], nobody) for row in rows],
        )


class Fragments:
    """Messages as they stand in prompts, by reference, as JSON; those of late are remembered."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._young: dict[Reference, bytes] = {}
        self._old: dict[Reference, bytes] = {}
        self._bytes = 0

    def of(self, references: set[Reference]) -> dict[Reference, bytes]:
        """A mapping that has all of these, until the next call."""
        if self._bytes > GENERATION_BYTES:
            # What is not asked for while the next generation fills is forgotten with this one.
            self._old, self._young, self._bytes = self._young, {}, 0
        missing = references - self._young.keys()
        returning = missing & self._old.keys()
        self._remember({reference: self._old[reference] for reference in returning})
        unknown = missing - returning
        if unknown:
            self._remember(self._read(unknown))
        return self._young

    def _read(self, references: set[Reference]) -> dict[Reference, bytes]:
        """These from the file."""
        pairs = [reference for reference in references if not isinstance(reference, int)]
        numbers = references.difference(pairs).union([number for number, _ in pairs])
        found = self._connection.execute(SELECT_FRAGMENTS, (encode(numbers).decode(),))
        fragments: dict[Reference, bytes] = dict(found)
        for number, role in pairs:
            # The same, said in another role than usual.
            _, _, content = fragments[number].partition(b',"content":')
            fragments[number, role] = b'{"role":%b,"content":%b' % (encode(role), content)
        return fragments

    def _remember(self, fragments: dict[Reference, bytes]) -> None:
        self._young.update(fragments)
        self._bytes += sum(map(len, fragments.values())) + ENTRY_BYTES * len(fragments)
