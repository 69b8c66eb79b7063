"""Splitting a long answer into messages that Discord takes, code blocks whole in each."""

import re

LIMIT = 2_000
CLOSING = "\n```"
LANGUAGE = 20
FENCE = re.compile(rf"```(\w{{0,{LANGUAGE}}}(?=\n|$))?")


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
    floor = room // 2
    for boundary in ("\n\n", "\n", " "):
        cut = window.rfind(boundary, floor)
        if cut > 0:
            return before_dangling_fence(window, cut, floor)
    return before_dangling_fence(window, room, floor)


def before_dangling_fence(window: str, cut: int, floor: int) -> int:
    """`cut`, or the start of a fence that it would split or leave as the last thing of a part.

    Never below `floor`: a text of nothing but fences is cut anywhere. Looks one character beyond
    the cut and no further, so that a text that grows is cut in the same place.
    """
    while True:
        word = cut
        while word > floor and cut - word < LANGUAGE and window[word - 1].isalnum():
            word -= 1
        ticks = word
        while ticks > floor and window[ticks - 1] == "`":
            ticks -= 1
        inside = word == cut and window[cut : cut + 1] == "`"
        if ticks in (word, floor) or (word - ticks < len("```") and not inside):
            return cut
        cut = ticks


def reopening(part: str) -> str:
    """The line that opens the code block again which is still open at the end of `part`."""
    language: str | None = None
    for fence in FENCE.finditer(part):
        language = (fence.group(1) or "") if language is None else None
    return "" if language is None else f"```{language}\n"
