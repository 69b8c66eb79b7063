"""Reading a damaged SQLite file page by page: every row that lies on pages that are whole.

No tree is followed, so that a page that is lost costs what was on it and nothing else.
https://www.sqlite.org/fileformat2.html
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER = b"SQLite format 3\x00"
HEADER_SIZE = 100
PAGE_SIZES = tuple(2**power for power in range(9, 17))
EARLIER_PAGE_SIZE, USUAL_PAGE_SIZE = 8192, 16_384
LOOKED_AT = 8 * USUAL_PAGE_SIZE
TABLE_LEAF, TABLE_INTERIOR, INDEX_LEAF, INDEX_INTERIOR = 0x0D, 0x05, 0x0A, 0x02
CELLS_AT = {TABLE_LEAF: 8, INDEX_LEAF: 8, INDEX_INTERIOR: 12}
WAL_HEADER, FRAME_HEADER = 32, 24
FIXED = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Serial types of integers: how many bytes they take."""

Record = tuple[int | None, list[Any]]
"""A row: its rowid (None for tables without), and its values."""


class NotARecordError(Exception):
    """These bytes are no row."""


class DamagedFile:
    """A plain SQLite file of which parts may be anything, with its log."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._stream = path.open("rb")
        size = path.stat().st_size
        header = self._read(0, LOOKED_AT)
        is_whole = header[:16] == HEADER and len(header) >= HEADER_SIZE
        self.version = struct.unpack(">i", header[60:64])[0] if is_whole else None
        self.page_size = find_page_size(header)
        reserved = header[20] if is_whole and header[20] < 64 else 0
        self._usable = self.page_size - reserved
        self._log: dict[int, bytes] = {}
        log = path.with_name(f"{path.name}-wal")
        if log.exists():
            self._log = dict(read_log(log.read_bytes(), self.page_size))
        self.pages = max([-(-size // self.page_size), *self._log])
        self.broken_pages = 0
        self.broken_rows = 0

    def close(self) -> None:
        """Let go of it."""
        self._stream.close()

    def records(self) -> Iterator[Record]:
        """Every row of every table, and every entry of every index, in no order.

        `broken_pages` and `broken_rows` count what looked like one and could not be read.
        """
        for number in range(1, self.pages + 1):
            page = self.page(number)
            if page is None:
                self.broken_pages += 1
                continue
            start = 100 if number == 1 else 0
            kind = page[start]
            if kind in CELLS_AT:
                yield from self._cells(page, start, kind)
            elif kind != TABLE_INTERIOR and any(page) and not self._is_plausible_other(page):
                self.broken_pages += 1

    def page(self, number: int) -> bytes | None:
        """A page, from the log if it is there; None where the file has ended."""
        if number in self._log:
            return self._log[number]
        found = self._read((number - 1) * self.page_size, self.page_size)
        return found if len(found) == self.page_size else None

    def _read(self, start: int, length: int) -> bytes:
        self._stream.seek(start)
        return self._stream.read(length)

    def _is_plausible_other(self, page: bytes) -> bool:
        """Whether it may be the rest of a long row, or free: it begins with a page's number."""
        return int.from_bytes(page[:4], "big") <= self.pages

    def _cells(self, page: bytes, start: int, kind: int) -> Iterator[Record]:
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        first = start + CELLS_AT[kind]
        if first + 2 * count > self._usable:
            self.broken_pages += 1
            return
        for at in range(first, first + 2 * count, 2):
            place = int.from_bytes(page[at : at + 2], "big")
            try:
                if not first + 2 * count <= place < self._usable:
                    raise NotARecordError
                yield self._cell(page, place, kind)
            except (NotARecordError, IndexError, struct.error, UnicodeDecodeError):
                self.broken_rows += 1

    def _cell(self, page: bytes, at: int, kind: int) -> Record:
        if kind == INDEX_INTERIOR:
            at += 4
        length, at = varint(page, at)
        rowid = None
        if kind == TABLE_LEAF:
            rowid, at = varint(page, at)
        return rowid, values(self._payload(page, at, length, kind))

    def _payload(self, page: bytes, at: int, length: int, kind: int) -> bytes:
        """A row's bytes, also those on overflow pages."""
        usable = self._usable
        most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        if length <= most:
            payload = page[at : at + length]
            if len(payload) < length or at + length > usable:
                raise NotARecordError
            return payload
        if length > self.pages * self.page_size:
            raise NotARecordError
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
        pieces, left = [page[at : at + local]], length - local
        following = int.from_bytes(page[at + local : at + local + 4], "big")
        while left > 0:
            overflow = self.page(following) if 1 < following <= self.pages else None
            if overflow is None:
                raise NotARecordError
            pieces.append(overflow[4 : min(usable, 4 + left)])
            left -= len(pieces[-1])
            following = int.from_bytes(overflow[:4], "big")
            if left > 0 and following == 0:
                raise NotARecordError
        if following != 0:
            # The last page of a chain points nowhere: this one is another's.
            raise NotARecordError
        return b"".join(pieces)


def find_page_size(begin: bytes) -> int:
    """As the header says; where that is lost, as our files have it, now or earlier.

    `begin` are the first pages.
    """
    size = int.from_bytes(begin[16:18], "big")
    size = 65_536 if size == 1 else size
    if begin[:16] == HEADER and size in PAGE_SIZES:
        return size
    # Where only the smaller pages begin: in larger ones that is amid the rows.
    middles = begin[EARLIER_PAGE_SIZE::USUAL_PAGE_SIZE]
    smaller = sum(kind in (TABLE_LEAF, TABLE_INTERIOR, *CELLS_AT) for kind in middles)
    return EARLIER_PAGE_SIZE if smaller > len(middles) / 2 else USUAL_PAGE_SIZE


def read_log(log: bytes, page_size: int) -> Iterator[tuple[int, bytes]]:
    """The pages of all committed transactions of a write-ahead log, later ones later."""
    if len(log) < WAL_HEADER or int.from_bytes(log[8:12], "big") != page_size:
        return
    order = ">" if log[3] & 1 else "<"
    salts = log[16:24]
    sums = checksum(log[:24], (0, 0), order)
    if sums != struct.unpack(">II", log[24:32]):
        return
    waiting: list[tuple[int, bytes]] = []
    step = FRAME_HEADER + page_size
    for at in range(WAL_HEADER, len(log) - step + 1, step):
        header, page = log[at : at + FRAME_HEADER], log[at + FRAME_HEADER : at + step]
        number, size_after, *_ = struct.unpack(">IIIIII", header)
        sums = checksum(page, checksum(header[:8], sums, order), order)
        if header[8:16] != salts or sums != struct.unpack(">II", header[16:24]):
            return
        waiting.append((number, page))
        if size_after:
            yield from waiting
            waiting.clear()


def checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """https://www.sqlite.org/fileformat2.html#checksum_algorithm"""
    first, second = sums
    numbers = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends. Raises IndexError."""
    number = 0
    for position in range(at, at + 8):
        byte = data[position]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, position + 1
    number = number << 8 | data[at + 8]
    return (number - 2**64 if number >= 2**63 else number), at + 9


def values(payload: bytes) -> list[Any]:
    """The values of a row. Raises NotARecordError, IndexError or UnicodeDecodeError."""
    end, at = varint(payload, 0)
    if not 0 < end <= len(payload):
        raise NotARecordError
    kinds = []
    while at < end:
        kind, at = varint(payload, at)
        kinds.append(kind)
    if at != end:
        raise NotARecordError
    found: list[Any] = []
    for kind in kinds:
        value, at = one_value(payload, at, kind)
        found.append(value)
    if at != len(payload):
        raise NotARecordError
    return found


def one_value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    """A value of this serial type, and where it ends."""
    if kind == 0:
        return None, at
    if kind in FIXED:
        end = at + FIXED[kind]
        return int.from_bytes(taken(payload, at, end), "big", signed=True), end
    if kind == 7:
        return struct.unpack(">d", taken(payload, at, at + 8))[0], at + 8
    if kind in (8, 9):
        return kind - 8, at
    if kind < 12:
        raise NotARecordError
    end = at + (kind - 12) // 2
    piece = taken(payload, at, end)
    return (piece.decode() if kind % 2 else piece), end


def taken(payload: bytes, at: int, end: int) -> bytes:
    """These bytes. Raises NotARecordError if there are fewer."""
    if end > len(payload):
        raise NotARecordError
    return payload[at:end]
