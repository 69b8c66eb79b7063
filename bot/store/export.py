"""Exporting a world's exchanges, as JSON lines, CSV or Parquet, in memory that does not grow."""

import os
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from typing import Any

from bot.store.choosing import Choice
from bot.store.parquet_footer import MAGIC, Footer
from bot.store.training_rows import (
    COLUMNS,
    Columns,
    LeftOut,
    Lines,
    mended,
    read_columns,
    read_csv,
    read_json_lines,
)

# Two groups are in memory, one of them being written; each takes 2 KB until the end.
ROW_GROUP_BYTES = 2 << 20
PAGE_BYTES = 64 << 10
ROWS_A_STEP = 32
# Of few different values; for all others a dictionary would only take time and memory.
PARQUET_DICTIONARIES = ["model_type", "provider", "model", "finish_reason", "fallback_from"]
# What people select by; each takes memory for every group of rows until the end.
PARQUET_STATISTICS = ("id", "timestamp")
PARQUET_TEXTS = {
    *("model_type", "provider", "model", "input", "output", "reasoning", "finish_reason"),
    *("error", "fallback_from", "fallback_reason"),
}


def read_parquet(
    connection: sqlite3.Connection, choice: Choice, left_out: LeftOut
) -> Iterator[Lines]:
    """The chosen rows as a Parquet file, compressed by Snappy; `input` is JSON text.

    A thread of its own encodes and compresses while the next rows are read. Raises
    ModuleNotFoundError without pyarrow.
    """
    pyarrow = load_pyarrow()
    schema = pyarrow.schema(
        [(name, "string" if name in PARQUET_TEXTS else "int64") for name in COLUMNS]
    )
    footer = Footer(parquet_file(schema, []))
    last_id = 0
    yield Lines(0, 0, MAGIC)
    with ThreadPoolExecutor(1, "parquet") as thread:
        writing: Future[memoryview] | None = None
        waiting: list[Any] = []
        size = 0
        for columns in read_columns(connection, choice, left_out):
            waiting.append(record_batch(columns, schema))
            size += waiting[-1].nbytes
            last_id = columns[0][-1]
            written = b""
            if size >= ROW_GROUP_BYTES:
                if writing is not None:
                    written = footer.add(writing.result())
                writing = thread.submit(parquet_file, schema, waiting)
                waiting, size = [], 0
            yield Lines(len(columns[0]), last_id, written)
        if writing is not None:
            yield Lines(0, last_id, footer.add(writing.result()))
        if waiting:
            yield Lines(0, last_id, footer.add(parquet_file(schema, waiting)))
    yield Lines(0, last_id, footer.end())


def parquet_file(schema: Any, batches: list[Any]) -> memoryview:  # noqa: ANN401 - pyarrow has no types
    """A file with these rows as its only group, or without any."""
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.parquet.ParquetWriter(
        sink,
        schema,
        compression="snappy",
        use_dictionary=PARQUET_DICTIONARIES,
        data_page_size=PAGE_BYTES,
        write_batch_size=ROWS_A_STEP,
        write_statistics=list(PARQUET_STATISTICS),
    ) as writer:
        if batches:
            writer.write_table(pyarrow.Table.from_batches(list(map(in_utf8, batches))))
    return memoryview(sink.getvalue())


def in_utf8(batch: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The same rows; what is damaged in their texts is replaced."""
    import pyarrow

    try:
        batch.validate(full=True)
    except pyarrow.ArrowInvalid:
        return pyarrow.RecordBatch.from_arrays(
            [
                text_by_text(values.cast("binary").to_pylist()) if name in PARQUET_TEXTS else values
                for name, values in zip(COLUMNS, batch.columns, strict=True)
            ],
            schema=batch.schema,
        )
    return batch


def load_pyarrow() -> Any:  # noqa: ANN401 - it has no types
    """The library, with the system's allocator: its own would keep 15 MB more for later.

    It reads the name from the environment when it is loaded; a later `set_memory_pool` is not
    heard by what writes Parquet. Raises ModuleNotFoundError.
    """
    os.putenv("ARROW_DEFAULT_MEMORY_POOL", "system")
    import pyarrow.parquet

    return pyarrow


def record_batch(columns: Columns, schema: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The columns as pyarrow has them."""
    import pyarrow

    arrays = []
    for field, values in zip(schema, columns, strict=True):
        if field.name == "input":
            arrays.append(text_array(values, b"[", b"]"))
        elif field.name in PARQUET_TEXTS:
            arrays.append(text_array(values))
        else:
            arrays.append(number_array(values))
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def number_array(numbers: Sequence[Any]) -> Any:  # noqa: ANN401
    """Numbers of 64 bits; twice as fast as pyarrow's own way where none is missing."""
    import pyarrow

    try:
        found = array("q", numbers)
    except TypeError:
        return pyarrow.array(numbers, "int64")
    return pyarrow.Int64Array.from_buffers(
        pyarrow.int64(), len(found), [None, pyarrow.py_buffer(found)]
    )


def text_array(texts: Sequence[bytes | None], begin: bytes = b"", end: bytes = b"") -> Any:  # noqa: ANN401
    """Texts, each between `begin` and `end`; not all of them checked to be UTF-8.

    Put together in one piece: several times as fast as handing them over one by one.
    """
    import pyarrow

    if texts.count(texts[0]) == len(texts):
        return pyarrow.repeat(text_by_text(texts[:1], begin, end)[0], len(texts))
    whole = [text for text in texts if text is not None]
    if len(whole) < len(texts):
        return text_by_text(texts, begin, end)
    # Between two texts stand the end of one and the begin of the next.
    together = (end + begin).join((b"", *whole, b""))
    added = len(end + begin)
    offsets = accumulate((len(text) + added for text in whole), initial=len(end))
    return pyarrow.StringArray.from_buffers(
        len(whole), pyarrow.py_buffer(array("i", offsets)), pyarrow.py_buffer(together)
    )


def text_by_text(texts: Sequence[bytes | None], begin: bytes = b"", end: bytes = b"") -> Any:  # noqa: ANN401
    """The same, of any texts."""
    import pyarrow

    return pyarrow.array(
        [None if text is None else b"%b%b%b" % (begin, mended(text), end) for text in texts],
        "string",
    )


FORMATS: dict[str, Callable[[sqlite3.Connection, Choice, LeftOut], Iterator[Lines]]] = {
    "jsonl": read_json_lines,
    "csv": read_csv,
    "parquet": read_parquet,
}
