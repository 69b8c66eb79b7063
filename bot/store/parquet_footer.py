"""One Parquet file of several, each of one group of rows and all of one schema.

A writer keeps 40 KB for each group of its file until the end, when it writes the footer that says
where they are. Here each group is written as a file of its own, of whose footer only the entry of
the group is kept: 2 KB. Footers are structs in Thrift's compact protocol:
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md and
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from typing import Union

MAGIC = b"PAR1"
TAIL = 4 + len(MAGIC)
LARGEST_ORDINAL = 2**15 - 1

# The kinds of values; those of integers lie between BYTE and DOUBLE.
FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 2, 3, 7, 8, 9, 10, 12
MANY = 15

# Fields of FileMetaData.
NUM_ROWS, ROW_GROUPS = 3, 4
ROWS, GROUPS, OFFSET, ORDINAL = "rows", "groups", "offset", "ordinal"

Fields = dict[int, Union[str, "Fields"]]
Place = tuple[str, int, int]
"""What a value is, where it begins and where it ends."""
# What of a RowGroup depends on where it is: its `columns`, of them `meta_data` (of that the places
# of pages of data, of the index and of the dictionary) and `file_offset`; its own; its `ordinal`.
PLACES: Fields = {
    1: {2: OFFSET, 3: {9: OFFSET, 10: OFFSET, 11: OFFSET}},
    5: OFFSET,
    7: ORDINAL,
}


class Footer:
    """The footer of a file to which groups are added."""

    def __init__(self, empty: memoryview) -> None:
        """Of the same schema as this file without any rows."""
        footer, _ = parts(empty)
        found: list[Place] = []
        walk(footer, 0, {NUM_ROWS: ROWS, ROW_GROUPS: GROUPS}, found)
        (_, rows, after_rows), (_, groups, after_groups) = found
        # What stands before, between and after the two.
        self._schema = footer[:rows]
        self._between = footer[after_rows:groups]
        self._rest = footer[after_groups:]
        self._groups: list[bytes] = []
        self._rows = 0
        self._end = len(MAGIC)

    def add(self, file: memoryview) -> bytes:
        """Note the only group of this file; returns its pages, which come next in ours.

        Raises ValueError for a file of another kind than the one without rows.
        """
        footer, pages = parts(file)
        rows = len(self._schema)
        one_group = self._between + bytes([1 << 4 | STRUCT])
        begin = after_varint(footer, rows)
        if footer[:rows] != self._schema or not footer.startswith(one_group, begin):
            raise ValueError("not a Parquet file of this schema with one group of rows")
        begin += len(one_group)
        found: list[Place] = []
        end = walk(footer, begin, PLACES, found)
        self._groups.append(self._placed(footer[:end], begin, found))
        self._rows += integer_at(footer, rows)
        self._end += len(pages)
        return bytes(pages)

    def _placed(self, footer: bytes, last: int, found: list[Place]) -> bytes:
        """The group from `last` to the end as it stands in our file."""
        pieces: list[bytes] = []
        for what, begin, end in found:
            place = min(len(self._groups), LARGEST_ORDINAL)
            if what == OFFSET:
                place = integer_at(footer, begin)
                # 0 is no place.
                place += place and self._end - len(MAGIC)
            pieces += (footer[last:begin], integer(place))
            last = end
        return b"".join((*pieces, footer[last:]))

    def end(self) -> bytes:
        """What comes after all pages."""
        count = bytes([MANY << 4 | STRUCT]) + varint(len(self._groups))
        rows = integer(self._rows)
        before = (self._schema, rows, self._between, count)
        footer = b"".join((*before, *self._groups, self._rest))
        return footer + len(footer).to_bytes(4, "little") + MAGIC


def parts(file: memoryview) -> tuple[bytes, memoryview]:
    """The footer and the pages of a file."""
    begin = len(file) - TAIL - int.from_bytes(file[-TAIL : -len(MAGIC)], "little")
    return bytes(file[begin:-TAIL]), file[len(MAGIC) : begin]


def walk(data: bytes, at: int, wanted: Fields, found: list[Place]) -> int:
    """Go past the struct that begins here; adds what is wanted in it, and where its value is.

    Returns where it ends.
    """
    number = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            number = integer_at(data, at)
            at = after_varint(data, at)
        what = wanted.get(number)
        if isinstance(what, dict):
            count, _, at = list_at(data, at) if kind == LIST else (1, STRUCT, at)
            for _ in range(count):
                at = walk(data, at, what, found)
            continue
        begin = at
        if BYTE < kind < DOUBLE:
            # Almost all are: twice as fast as by a call.
            while data[at] > 127:
                at += 1
            at += 1
        else:
            at = skip(data, at, kind)
        if what is not None:
            found.append((what, begin, at))
    return at + 1


def skip(data: bytes, at: int, kind: int) -> int:
    """Where a field's value ends. Raises ValueError for a map: footers have none."""
    if kind == BINARY:
        return after_varint(data, at) + varint_at(data, at)
    if BYTE < kind < DOUBLE:
        return after_varint(data, at)
    if kind == STRUCT:
        return walk(data, at, {}, [])
    if kind in {LIST, SET}:
        count, of, at = list_at(data, at)
        for _ in range(count):
            # A field that is true or false says so in its kind.
            at = skip(data, at, BYTE if of <= FALSE else of)
        return at
    if kind > DOUBLE:
        raise ValueError(f"a footer with a value of kind {kind}")
    return at + (0 if kind <= FALSE else 1 if kind == BYTE else 8)


def list_at(data: bytes, at: int) -> tuple[int, int, int]:
    """How many a list has, of which kind, and where they begin."""
    head = data[at]
    if head >> 4 < MANY:
        return head >> 4, head & 15, at + 1
    return varint_at(data, at + 1), head & 15, after_varint(data, at + 1)


def after_varint(data: bytes, at: int) -> int:
    """Where the number that begins here ends."""
    while data[at] > 127:
        at += 1
    return at + 1


def varint_at(data: bytes, at: int) -> int:
    """The number that begins here, without a sign."""
    found = shift = 0
    while (byte := data[at]) > 127:
        found |= (byte & 127) << shift
        shift += 7
        at += 1
    return found | byte << shift


def integer_at(data: bytes, at: int) -> int:
    """The number that begins here, with a sign."""
    found = varint_at(data, at)
    return found >> 1 ^ -(found & 1)


def integer(number: int) -> bytes:
    """A number that is not negative, where there could be a sign."""
    return varint(number << 1)


def varint(number: int) -> bytes:
    """A number without a sign."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes((*found, number))
