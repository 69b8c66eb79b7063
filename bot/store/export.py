"""Exporting a world's exchanges, as JSON lines, CSV or Parquet, in memory that does not grow."""

import io
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from bot.store.choosing import Choice
from bot.store.training_rows import COLUMNS, Lines, read_csv, read_json_lines, read_rows

# Each group takes memory until the end, each column has buffers of the size of a page.
ROW_GROUP_BYTES = 6 << 20
PAGE_BYTES = 8 << 10
ROWS_A_STEP = 32
# Of few different values; for all others a dictionary would only take time and memory.
PARQUET_DICTIONARIES = ["model_type", "provider", "model", "finish_reason", "fallback_from"]
# What people select by; each takes memory for every group of rows until the end.
PARQUET_STATISTICS = ("id", "timestamp")
PARQUET_TEXTS = {
    *("model_type", "provider", "model", "input", "output", "reasoning", "finish_reason"),
    *("error", "fallback_from", "fallback_reason"),
}


def read_parquet(connection: sqlite3.Connection, choice: Choice) -> Iterator[Lines]:
    """The chosen rows as a Parquet file, compressed by zstd; `input` is JSON text.

    Raises ModuleNotFoundError without pyarrow.
    """
    import pyarrow
    from pyarrow import parquet

    # The default pool keeps half as much again for later.
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    schema = pyarrow.schema(
        [(name, "string" if name in PARQUET_TEXTS else "int64") for name in COLUMNS]
    )
    written = Written()
    last_id = 0
    with parquet.ParquetWriter(
        written,
        schema,
        compression="zstd",
        use_dictionary=PARQUET_DICTIONARIES,
        data_page_size=PAGE_BYTES,
        write_batch_size=ROWS_A_STEP,
        write_statistics=list(PARQUET_STATISTICS),
    ) as writer:
        waiting: list[Any] = []
        for rows in read_rows(connection, choice):
            columns = [
                pyarrow.array(column, field.type)
                for column, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            waiting.append(pyarrow.RecordBatch.from_arrays(columns, schema=schema))
            if sum(batch.nbytes for batch in waiting) >= ROW_GROUP_BYTES:
                writer.write_table(pyarrow.Table.from_batches(waiting))
                waiting.clear()
            last_id = rows[-1][0]
            yield Lines(len(rows), last_id, written.take())
        if waiting:
            writer.write_table(pyarrow.Table.from_batches(waiting))
    yield Lines(0, last_id, written.take())


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
