"""Splitting a long answer into messages that Discord takes, code blocks whole in each."""

import re

LIMIT = 2_000
CLOSING = "\n```"
FENCE = re.compile(r"```(\w{0,20}(?=\n|$))?")


def split_message(text: str, limit: int = LIMIT) -> list[str]:
    """`text` in parts of at most `limit` characters, cut at a paragraph, a line or a word.

    A code block that is cut is closed in one part and opened again, with its language, in the
    next. As a text grows, all parts but the last stay as they are, so it can be streamed.
    """
    parts: list[str] = []
    opening = ""
    while len(opening) + len(text) + len(CLOSING) > limit:
        cut = find_cut(text, limit - len(opening) - len(CLOSING))
        head, text = text[:cut], text[cut:].removeprefix("\n")
        part = opening + head
        opening = reopening(part)
        parts.append(part + CLOSING if opening else part)
    if text or not parts:
        part = opening + text
        parts.append(part + CLOSING if reopening(part) else part)
    return parts


def find_cut(text: str, room: int) -> int:
    """Where to cut: behind the last paragraph, line or word that fits, else at `room`."""
    window = text[: room + 1]
    for boundary in ("\n\n", "\n", " "):
        cut = window.rfind(boundary, room // 2)
        if cut > 0:
            return before_dangling_fence(text, cut)
    return before_dangling_fence(text, room)


def before_dangling_fence(text: str, cut: int) -> int:
    """`cut`, or the start of a fence that it would split or leave as the last thing of a part."""
    line = text.rfind("\n", 0, cut) + 1
    # Looked at as the part would end, too: a first word of code would be taken for a language.
    for end in (cut, cut + len("```")):
        for fence in FENCE.finditer(text, line, end):
            if 0 < fence.start() < cut <= fence.end():
                return before_dangling_fence(text, fence.start())
    return cut


def reopening(part: str) -> str:
    """The line that opens the code block again which is still open at the end of `part`."""
    language: str | None = None
    for fence in FENCE.finditer(part):
        language = (fence.group(1) or "") if language is None else None
    return "" if language is None else f"```{language}\n"
