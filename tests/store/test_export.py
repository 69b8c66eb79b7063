"""What is exported is what the view `training_data` says, value by value."""

import contextlib
import csv
import io
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store import export, training_rows
from bot.store.applying import apply
from bot.store.choosing import Choice
from bot.store.engine import Engine
from bot.store.export import FORMATS
from bot.store.files import open_world, path_of
from bot.store.operations import (
    MessagesForgotten,
    Operation,
    ReplyAttached,
    TextEdited,
    VoteCast,
    encode,
)
from bot.store.problems import StoreError
from bot.store.reading import reading
from bot.store.records import ChatMessage
from bot.store.training_rows import LeftOut
from tests.store.filling import DM, GUILD, START, exchange, fill
from tests.store.filling import training_rows as view_rows

Rows = list[dict[str, Any]]

TEXTS = st.text(max_size=40) | st.sampled_from(
    ["", '"', "\\", "\x00", "\x7f", "\u2028", "a\x00b", "🍕🍕", "Answer", "[deleted]", "null"]
)
IDS = st.integers(1, 6)
MESSAGES = st.builds(
    ChatMessage,
    role=st.sampled_from(["system", "user", "assistant"]),
    content=TEXTS,
    name=st.none() | TEXTS,
    message_id=st.none() | IDS,
    author_id=st.none() | IDS,
    withheld=st.booleans(),
)
FLOATS = st.floats(0, 1e9)
EXCHANGES = st.builds(
    lambda number, messages, changes: exchange(number, *messages, **changes),
    st.integers(0, 5),
    st.lists(MESSAGES, min_size=1, max_size=5),
    st.fixed_dictionaries(
        {
            "output": st.none() | TEXTS,
            "reasoning": st.none() | TEXTS,
            "error": st.none() | TEXTS,
            "success": st.booleans(),
            "latency_ms": FLOATS,
            "first_token_ms": st.none() | FLOATS,
            "prompt_tokens": st.none() | st.integers(0, 2**62),
            "room_id": st.none() | st.integers(0, 2**63 - 1),
        }
    ),
)
EXCHANGE_IDS = st.integers(0, 5).map(lambda number: exchange(number).id)
OPERATIONS = st.one_of(
    EXCHANGES,
    st.builds(ReplyAttached, EXCHANGE_IDS, st.lists(IDS, min_size=1, max_size=2).map(tuple)),
    st.builds(TextEdited, IDS, TEXTS, st.just(START * 2)),
    st.builds(MessagesForgotten, st.tuples(IDS)),
    st.builds(VoteCast, IDS, IDS, st.sampled_from([1, -1, 0]), st.just(START)),
)


def from_jsonl(data: bytes) -> Rows:
    rows = [json.loads(line) for line in data.decode().split("\n") if line]
    return [{**row, "input": row["input"]} for row in rows]


def from_csv(data: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def from_parquet(data: bytes) -> Rows:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra export is not installed")
    rows: Rows = parquet.read_table(io.BytesIO(data)).to_pylist()
    return rows


def as_jsonl(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "input": json.loads(row["input"])}


def as_csv(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


READ: dict[str, tuple[Callable[[bytes], Rows], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "jsonl": (from_jsonl, as_jsonl),
    "csv": (from_csv, as_csv),
    "parquet": (from_parquet, dict),
}


def exported(
    connection: sqlite3.Connection,
    form: str,
    choice: Choice | None = None,
    left_out: LeftOut | None = None,
) -> Rows:
    data = b"".join(
        piece.text for piece in FORMATS[form](connection, choice or Choice(), left_out or LeftOut())
    )
    return READ[form][0](data)


def viewed(connection: sqlite3.Connection, form: str) -> Rows:
    return [READ[form][1](row) for row in view_rows(connection)]


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(OPERATIONS, max_size=6), max_size=5))
def test_every_format_says_what_the_view_says(
    batches: list[list[Operation]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("data")
    with contextlib.closing(open_world(folder, GUILD, Engine())) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for operations in batches:
            connection.execute("BEGIN")
            apply(connection, [encode(operation) for operation in operations])
            connection.execute("COMMIT")
        for form in FORMATS:
            found = exported(connection, form)
            assert found == viewed(connection, form)
            assert all(list(row) == list(training_rows.COLUMNS) for row in found)


@pytest.mark.parametrize("form", FORMATS)
def test_an_exchange_with_everything_in_it(tmp_path: Path, form: str) -> None:
    messages = (
        ChatMessage("system", "Be kind."),
        ChatMessage("user", "Hi\x00 ü🍕", "ben", 71, 9),
        ChatMessage("assistant", "Answer 0.", None, 72, 1),
    )
    first = exchange(0, *messages[:2], latency_ms=0.1 + 0.2, error='a\nb,"c"', room_id=2**63 - 1)
    operations: list[Operation] = [
        first,
        ReplyAttached(first.id, (72,)),
        VoteCast(72, 9, 1, START),
        VoteCast(72, 10, -1, START),
        exchange(1, *messages, success=False, output=None, first_token_ms=None),
    ]
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        found = exported(connection, form)
        assert found == viewed(connection, form)
        described = connection.execute("SELECT * FROM training_data").description
        assert [list(row) for row in found] == [[column[0] for column in described]] * 2


def test_a_message_said_in_another_role_and_one_that_is_missing(tmp_path: Path) -> None:
    said = ChatMessage("user", "hello", "ben", 71, 9)
    other = ChatMessage("assistant", "hello", "ben", 71, 9)
    with contextlib.closing(fill(tmp_path, [exchange(0, said), exchange(1, other)])) as connection:
        assert exported(connection, "jsonl") == viewed(connection, "jsonl")
        connection.execute("DELETE FROM messages")
        (first, second) = exported(connection, "jsonl")
        assert first["input"] == [{"role": "user", "content": "[deleted]"}]
        assert second["input"] == [{"role": None, "content": "[deleted]"}]
        assert [first, second] == viewed(connection, "jsonl")


def test_an_empty_text_is_not_null_in_csv(tmp_path: Path) -> None:
    with contextlib.closing(fill(tmp_path, [exchange(0, output="", error=None)])) as connection:
        text = b"".join(
            piece.text for piece in FORMATS["csv"](connection, Choice(), LeftOut())
        ).decode()
    (row,) = csv.reader([text.splitlines()[1].replace('""', "quoted")])
    assert row[training_rows.COLUMNS.index("output")] == "quoted"
    assert row[training_rows.COLUMNS.index("error")] == ""


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60, deadline=None)
@given(damaged=st.binary(max_size=12), others=st.lists(st.none() | TEXTS, max_size=3))
def test_a_damaged_letter_costs_that_letter(
    form: str, damaged: bytes, others: list[str | None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("data")
    outputs = ["", *others, None]
    exchanges = [exchange(number, output=text) for number, text in enumerate(outputs)]
    fill(folder, exchanges).close()
    with contextlib.closing(sqlite3.connect(path_of(folder, GUILD))) as connection, connection:
        for column in ("output", "reasoning", "error"):
            connection.execute(
                f"UPDATE exchanges SET {column} = CAST(? AS TEXT) WHERE id = ?",  # noqa: S608
                (damaged, exchanges[0].id),
            )
    with reading(folder, GUILD, Engine()) as connection:
        found = exported(connection, form)
    text = damaged.decode(errors="replace")
    assert [found[0][column] for column in ("output", "reasoning", "error")] == [text] * 3
    expected = [text, *others, None]
    if form == "csv":
        expected = ["" if text is None else text for text in expected]
    assert [row["output"] for row in found] == expected


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_letter_of_what_many_share_is_replaced(tmp_path: Path, form: str) -> None:
    said = ChatMessage("user", "hello", "ben", 71, 9)
    own = ChatMessage("system", "hello")
    fill(tmp_path, [exchange(0, own, said), exchange(2, own, said)]).close()
    with contextlib.closing(sqlite3.connect(path_of(tmp_path, GUILD))) as connection, connection:
        for place in ("messages SET content", "texts SET content", "sources SET provider"):
            connection.execute(f"UPDATE {place} = CAST(? AS TEXT)", (b"h\xffllo",))
    with reading(tmp_path, GUILD, Engine()) as connection:
        found = exported(connection, form)
    for row in found:
        quoted = row["input"] if form == "jsonl" else json.loads(row["input"])
        assert [one["content"] for one in quoted] == ["h\ufffdllo", "ben: h\ufffdllo"]
        assert row["provider"] == "h\ufffdllo"
    assert len(found) == 2


def test_a_parquet_file_of_many_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra export is not installed")
    monkeypatch.setattr(training_rows, "BATCH", 3)
    monkeypatch.setattr(export, "ROW_GROUP_BYTES", 2_000)
    operations = [exchange(number, output=str(number)) for number in range(50)]
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        assert exported(connection, "parquet") == viewed(connection, "parquet")
        data = b"".join(piece.text for piece in FORMATS["parquet"](connection, Choice(), LeftOut()))
    metadata = parquet.read_metadata(io.BytesIO(data))
    assert metadata.num_row_groups > 5
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(0).statistics
        assert statistics.has_min_max


def test_fragments_are_forgotten_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_rows, "BATCH", 3)
    monkeypatch.setattr(training_rows, "GENERATION_BYTES", 400)
    context: list[ChatMessage] = []
    operations: list[Operation] = []
    for number in range(60):
        context.append(ChatMessage("user", f"text {number}", "ben", 100 + number, 9))
        operations.append(exchange(number, context[0], *context[-6:]))
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        assert exported(connection, "jsonl") == viewed(connection, "jsonl")


@pytest.mark.parametrize(
    ("choice", "condition"),
    [
        (Choice(since=START + 10_000), f"timestamp >= {START + 10_000}"),
        (Choice(until=START + 10_000), f"timestamp < {START + 10_000}"),
        (Choice(purpose="coding"), "model_type = 'coding'"),
        (Choice(feedback="up"), "thumbs_up > 0"),
        (Choice(feedback="down"), "thumbs_down > 0"),
        (Choice(feedback="any"), "thumbs_up + thumbs_down > 0"),
        (Choice(feedback="none"), "thumbs_up + thumbs_down = 0"),
        (
            Choice(since=START + 4_000, purpose="coding", feedback="none"),
            f"timestamp >= {START + 4_000} AND model_type = 'coding' AND thumbs_up + thumbs_down=0",
        ),
    ],
    ids=str,
)
def test_only_what_was_chosen_is_exported(tmp_path: Path, choice: Choice, condition: str) -> None:
    operations: list[Operation] = []
    for number in range(24):
        made = exchange(number)
        operations += [made, ReplyAttached(made.id, (5_000 + number,))]
        if number % 3 == 0:
            operations.append(VoteCast(5_000 + number, 9, 1, START))
        if number % 4 == 0:
            operations.append(VoteCast(5_000 + number, 10, -1, START))
    with contextlib.closing(fill(tmp_path, operations)) as connection:
        query = f"SELECT id FROM training_data WHERE {condition} ORDER BY id"  # noqa: S608
        expected = [row[0] for row in connection.execute(query)]
        assert 0 < len(expected) < 24
        for form in ("jsonl", "parquet"):
            assert [row["id"] for row in exported(connection, form, choice)] == expected


def test_an_export_sees_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_rows, "BATCH", 2)
    fill(tmp_path, [exchange(number) for number in range(6)]).close()
    with reading(tmp_path, GUILD, Engine()) as connection:
        pieces = FORMATS["jsonl"](connection, Choice(), LeftOut())
        read = [next(pieces)]
        fill(tmp_path, [MessagesForgotten((1005,)), exchange(9)]).close()
        rows = from_jsonl(b"".join(piece.text for piece in [*read, *pieces]))
    assert len(rows) == 6
    assert rows[5]["input"][1]["content"] == "ben: Question 5?"


def test_a_world_without_a_file_is_not_given_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such file"), reading(tmp_path, DM, Engine()):
        pass
    assert not path_of(tmp_path, DM).parent.exists()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("damaged", [(0,), (1, 2), tuple(range(4, 8)), tuple(range(8))])
def test_what_has_a_damaged_prompt_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, damaged: Sequence[int]
) -> None:
    monkeypatch.setattr(training_rows, "BATCH", 2)
    exchanges = [exchange(number) for number in range(8)]
    left_out = LeftOut()
    with contextlib.closing(fill(tmp_path, exchanges)) as connection:
        connection.executemany(
            "UPDATE exchanges SET prompt = '[1,' WHERE id = ?",
            [(exchanges[number].id,) for number in damaged],
        )
        found = exported(connection, form, left_out=left_out)
    kept = [one.id for number, one in enumerate(exchanges) if number not in damaged]
    assert [int(row["id"]) for row in found] == kept
    assert left_out.count == len(damaged)
    assert left_out.ids == [exchanges[number].id for number in damaged][:5]


DAMAGED_COLUMNS = [
    *(f"exchanges.{name}" for name in training_rows.KINDS),
    *("exchanges.asked_after", "messages.content", "speakers.name", "speakers.role"),
    *("texts.content", "texts.role", "sources.model_type", "sources.provider", "sources.model"),
    "sources.finish_reason",
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("damaged", DAMAGED_COLUMNS)
def test_a_damaged_kind_of_value_costs_that_value(tmp_path: Path, form: str, damaged: str) -> None:
    """One bit makes bytes of a text, a text of bytes, another number of a number."""
    table, column = damaged.split(".")
    said = ChatMessage("user", "hello", "ben", 71, 9)
    fill(tmp_path, [exchange(0, ChatMessage("system", "Be kind."), said)]).close()
    for value in (b"b\xfftes", b"", "text", 1.5, 1e300, -(2**63)):
        with (
            contextlib.closing(sqlite3.connect(path_of(tmp_path, GUILD))) as connection,
            connection,
        ):
            connection.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608
        with reading(tmp_path, GUILD, Engine()) as connection:
            (row,) = exported(connection, form)
        assert (column == "model") == (row["model"] != "gpt")
