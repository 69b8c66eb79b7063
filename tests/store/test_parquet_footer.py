"""One Parquet file of several, read by pyarrow."""

import io
from typing import Any

import pytest

from bot.store.parquet_footer import MAGIC, Footer

parquet = pytest.importorskip("pyarrow.parquet", reason="the extra export is not installed")
import pyarrow  # noqa: E402

SCHEMA = pyarrow.schema([("id", "int64"), ("kind", "string"), ("text", "string")])


def written(*rows: dict[str, Any], schema: Any = SCHEMA) -> memoryview:  # noqa: ANN401
    sink = pyarrow.BufferOutputStream()
    with parquet.ParquetWriter(sink, schema, use_dictionary=["kind"]) as writer:
        if rows:
            writer.write_table(pyarrow.Table.from_pylist(list(rows), schema))
    return memoryview(sink.getvalue())


def together(groups: list[list[dict[str, Any]]]) -> bytes:
    footer = Footer(written())
    pages = [footer.add(written(*rows)) for rows in groups]
    return b"".join((MAGIC, *pages, footer.end()))


# One, and more than a short list's header and than a number of one or of two bytes can count.
@pytest.mark.parametrize("count", [0, 1, 14, 15, 200, 20_000])
def test_a_file_has_the_rows_of_all(count: int) -> None:
    groups = [
        [{"id": i, "kind": ("a", None)[i % 2], "text": "x" * i} for i in range(n, n + 3)]
        for n in range(0, 30, 3)
    ]
    files = [written(*rows) for rows in groups]
    footer = Footer(written())
    pages = [footer.add(files[number % len(files)]) for number in range(count)]
    data = io.BytesIO(b"".join((MAGIC, *pages, footer.end())))
    metadata = parquet.read_metadata(data)
    assert (metadata.num_row_groups, metadata.num_rows) == (count, 3 * count)
    expected = [row for number in range(count) for row in groups[number % len(groups)]]
    assert parquet.read_table(data).to_pylist() == expected


def test_every_group_is_found_by_itself() -> None:
    groups = [[{"id": n, "kind": "k", "text": str(n)}] for n in range(40)]
    file = parquet.ParquetFile(io.BytesIO(together(groups)))
    for number in (39, 0, 17):
        assert file.read_row_group(number).to_pylist() == groups[number]
        statistics = file.metadata.row_group(number).column(0).statistics
        assert (statistics.min, statistics.max) == (number, number)


def test_a_file_of_another_kind_is_refused() -> None:
    footer = Footer(written())
    other = pyarrow.schema([("id", "int64"), ("name", "string")])
    with pytest.raises(ValueError, match="of this schema"):
        footer.add(written({"id": 1, "name": "a"}, schema=other))
    with pytest.raises(ValueError, match="of this schema"):
        footer.add(written())
