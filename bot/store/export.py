"""Exporting a world's exchanges, as JSON lines, CSV or Parquet, in memory that does not grow."""

import csv
import io
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from bot.store.choosing import Choice
from bot.store.training_rows import COLUMNS, Lines, Row, read_json_lines, read_rows

ROW_GROUP_BYTES = 4 << 20
PARQUET_NUMBERS = {"latency_ms": "float64", "first_token_ms": "float64"}
PARQUET_TEXTS = {
    *("model_type", "provider", "model", "input", "output", "reasoning", "finish_reason"),
    *("error", "fallback_from", "fallback_reason"),
}


def read_csv(connection: sqlite3.Connection, choice: Choice) -> Iterator[Lines]:
    """The chosen rows as CSV (RFC 4180) under a line of names; NULL is empty, `input` JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = last_id = 0
    for rows in read_rows(connection, choice):
        writer.writerows(rows)
        yield Lines(len(rows), rows[-1][0], text.getvalue().encode())
        count, last_id = count + len(rows), rows[-1][0]
        text.seek(0)
        text.truncate()
    if not count:
        yield Lines(0, last_id, text.getvalue().encode())


def read_parquet(connection: sqlite3.Connection, choice: Choice) -> Iterator[Lines]:
    """The chosen rows as a Parquet file, compressed by zstd; `input` is JSON text.

    Raises ModuleNotFoundError without pyarrow.
    """
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema(
        [
            (name, "string" if name in PARQUET_TEXTS else PARQUET_NUMBERS.get(name, "int64"))
            for name in COLUMNS
        ]
    )
    written = Written()
    last_id = 0
    with parquet.ParquetWriter(written, schema, compression="zstd") as writer:
        for rows in gathered(read_rows(connection, choice)):
            columns = [
                pyarrow.array(column, field.type)
                for column, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
            last_id = rows[-1][0]
            yield Lines(len(rows), last_id, written.take())
    yield Lines(0, last_id, written.take())


def gathered(batches: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """Batches joined up to about ROW_GROUP_BYTES of text each."""
    waiting: list[Row] = []
    size = 0
    for rows in batches:
        waiting += rows
        size += sum(len(value) for row in rows for value in row if isinstance(value, str))
        if size >= ROW_GROUP_BYTES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


class Written(io.RawIOBase):
    """A file that is taken away piece by piece while it is being written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever has bytes
        """Add to the end."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        """How much was written in all."""
        return self._size

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


FORMATS: dict[str, Callable[[sqlite3.Connection, Choice], Iterator[Lines]]] = {
    "jsonl": read_json_lines,
    "csv": read_csv,
    "parquet": read_parquet,
}
