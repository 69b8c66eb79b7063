"""What the bytes of a database file tell without opening it: whether it is encrypted."""

import struct
from pathlib import Path

from bot.store.engine import PAGE_SIZE
from bot.store.errors import PLAIN

PAGES_LOOKED_AT = 64
# Kind, first free block, cells, where their content begins, and bytes between that are left over.
PAGE_HEADER = struct.Struct(">BHHHB")
# By kind, where the cells' places are listed from.
CELLS_FROM = {2: 12, 5: 12, 10: 8, 13: 8}
MOST_LEFT_OVER = 60
SMALLEST_PAGE = 512


def is_plain(path: Path) -> bool | None:
    """Whether a file is not encrypted; None for one that is empty. Raises OSError.

    Where its header is lost the other pages tell: those of a plain one have headers of their own.
    """
    with path.open("rb") as stream:
        begin = stream.read(len(PLAIN))
        if begin == PLAIN or not begin:
            return True if begin else None
        most_pages = stream.seek(0, 2) // SMALLEST_PAGE
        headers = []
        for number in range(1, PAGES_LOOKED_AT):
            stream.seek(number * PAGE_SIZE)
            headers.append(stream.read(PAGE_HEADER.size))
    found = [header for header in headers if len(header) == PAGE_HEADER.size]
    return sum(is_of_a_page(header, most_pages) for header in found) > len(found) / 2


def is_of_a_page(header: bytes, most_pages: int) -> bool:
    """Whether a page of a database may begin so; a few in 100,000 random ones do.

    https://www.sqlite.org/fileformat2.html#b_tree_pages; other pages begin with the next one's
    number, or with zeros.
    """
    if int.from_bytes(header[:4]) <= most_pages:
        return True
    kind, free, cells, content, left_over = PAGE_HEADER.unpack(header)
    if kind not in CELLS_FROM or free >= PAGE_SIZE or left_over > MOST_LEFT_OVER:
        return False
    cells_end = CELLS_FROM[kind] + 2 * int(cells)
    return cells_end <= int(content) <= PAGE_SIZE
