"""What Discord cannot show, made readable: tables and formulas go where they are left as they are.

Discord knows no Markdown tables: one becomes a code block, its columns in line. It knows no LaTeX
and eats its backslashes, underscores and asterisks: a formula becomes code. What is code already
stays as it is; a single dollar sign is money.
"""

import re
import unicodedata
from collections.abc import Iterator

FENCE = re.compile(r"^ {0,3}(```+|~~~+)", re.MULTILINE)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
DIVIDER = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
# Bounded, so that a text full of openings and no ends takes no time to look through.
DISPLAY = re.compile(r"\$\$(.{1,600}?)\$\$|\\\[(.{1,600}?)\\\]", re.DOTALL)
INLINE = re.compile(
    r"\\\((.{1,300}?)\\\)"
    r"|(?<![\w$\\])\$(?![\s$])([^$\n]{0,300}?[\\^_][^$\n]{0,300}?)(?<!\s)\$(?![\w$])"
)
WIDEST_TABLE = 100


def presentable(text: str) -> str:
    """`text` with tables and formulas as code. A text that is so already is left as it is."""
    if not any(mark in text for mark in ("|", "$", "\\(", "\\[")):
        return text
    return "".join(
        part if is_code else with_formulas(with_tables(part)) for is_code, part in blocks(text)
    )


def blocks(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces: fenced code (also one that is not closed yet), and what is between."""
    position = 0
    while (opening := FENCE.search(text, position)) is not None:
        fence = opening[1]
        yield False, text[position : opening.start()]
        closing = re.compile(rf"^ {{0,3}}{re.escape(fence)}\s*$", re.MULTILINE)
        closed = closing.search(text, opening.end())
        end = len(text) if closed is None else closed.end()
        yield True, text[opening.start() : end]
        position = end
    yield False, text[position:]


def with_tables(text: str) -> str:
    """The text with its tables in code blocks."""
    lines = text.split("\n")
    shown: list[str] = []
    index = 0
    while index < len(lines):
        end = table_end(lines, index)
        if end == index:
            shown.append(lines[index])
            index += 1
            continue
        shown += ["```", *aligned(lines[index:end]), "```"]
        index = end
    return "\n".join(shown)


def table_end(lines: list[str], start: int) -> int:
    """The line behind the table that begins at `start`; `start` if none does."""
    if start + 1 >= len(lines) or "|" not in lines[start]:
        return start
    divider = lines[start + 1]
    if "|" not in divider or DIVIDER.match(divider) is None:
        return start
    if len(cells_of(lines[start])) != len(cells_of(divider)):
        return start
    end = start + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    return end


def cells_of(line: str) -> list[str]:
    """The cells of a table's line."""
    inner = re.sub(r"(?<!\\)\|$", "", line.strip().removeprefix("|"))
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", inner)]


def aligned(lines: list[str]) -> list[str]:
    """A table's lines with columns in line, or as they are where that would be too wide."""
    header, _, *body = (cells_of(line) for line in lines)
    rows = [header, *body]
    columns = range(len(header))
    widths = [max(width(row[i]) if i < len(row) else 0 for row in rows) for i in columns]
    plain = [line.replace("```", "'''") for line in lines]
    if sum(widths) + 3 * len(widths) > WIDEST_TABLE:
        return plain
    shown = [
        " | ".join(padded(row[i] if i < len(row) else "", widths[i]) for i in columns).rstrip()
        for row in rows
    ]
    shown.insert(1, "-+-".join("-" * size for size in widths))
    return [line.replace("```", "'''") for line in shown]


def width(text: str) -> int:
    """How many columns a text takes in a fixed font."""
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def padded(text: str, size: int) -> str:
    """`text` filled up to `size` columns."""
    return text + " " * (size - width(text))


def with_formulas(text: str) -> str:
    """The text with its formulas as code; what is code in it stays."""
    shown: list[str] = []
    position = 0
    # The tables are fences of ours by this time.
    for is_code, part in blocks(text):
        if is_code:
            shown.append(part)
            continue
        position = 0
        for span in CODE_SPAN.finditer(part):
            shown += [formulas(part[position : span.start()]), span[0]]
            position = span.end()
        shown.append(formulas(part[position:]))
    return "".join(shown)


def formulas(text: str) -> str:
    """The formulas of a text without code, as code."""
    text = DISPLAY.sub(displayed, text)
    return INLINE.sub(in_line, text)


def in_line(found: re.Match[str]) -> str:
    """A formula within a line."""
    formula = (found[1] or found[2]).strip()
    return found[0] if "`" in formula else f"`{formula}`"


def displayed(found: re.Match[str]) -> str:
    """A formula on lines of its own."""
    formula = (found[1] or found[2]).strip()
    if "`" in formula:
        return found[0]
    before = "" if found.start() == 0 or found.string[found.start() - 1] == "\n" else "\n"
    after = "" if found.string[found.end() : found.end() + 1] in ("", "\n") else "\n"
    return f"{before}```latex\n{formula}\n```{after}"
