"""From what was typed to plain words: safety first, then the marks around the words.

Text that holds anything invisible, reordering or look-alike is refused whole. What is quoted
(quotes, code, block quotes, struck or hidden text) becomes one `QUOTED` mark that no grammar
consumes, except where the marks stand around the whole message or around a bare name.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

MAX_LENGTH = 500
QUOTED = "\ufffc"

# The letters people write the shipped languages with. Others are refused rather than mapped:
# a Cyrillic "а" is not an "a", and neither is a fullwidth or mathematical one.
_LETTER = re.compile(r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0152\u0153\u1e9eªº]")
_CJK = "\u3005\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_CJK_LETTER = re.compile(f"[{_CJK}]")
_CJK_RUN = re.compile(f"[{_CJK}]+")
_SPACES = frozenset(
    "\t\n\r \u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_MORE_SPACES = frozenset("\u202f\u205f\u3000")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ZWJ, _VS15, _VS16, _KEYCAP = "\u200d", "\ufe0e", "\ufe0f", "\u20e3"
# Letters drawn as symbols: circled, squared and regional ones that do not form a flag.
_DRAWN_LETTERS = re.compile(
    "[\u2100-\u2121\u2123-\u2138\u213a-\u214f\u2460-\u24ff\u2800\U0001f100-\U0001f1e5]"
)
_REFUSING = frozenset("🚫❌⛔🙅👎✖✗✘❎🛑")

_MENTION = re.compile(r"<@!?\d+>")
_EMOTE = re.compile(r"<a?:\w{1,40}:\d{1,25}>")
_URL = re.compile(r"https?://\S+")
_FENCE = re.compile(r"```.*?```", re.DOTALL)
_BLOCK_QUOTE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_HIDDEN = re.compile(r"~~[^~]+~~|\|\|[^|]+\|\|")
_SPAN = re.compile(
    r"``([^`\n]+)``|`([^`\n]+)`|\"([^\"\n]+)\"|“([^“”\n]+)[”“]|„([^„“”\n]+)[“”]"
    r"|«([^«»\n]+)»|「([^「」\n]+)」|『([^『』\n]+)』|‘([^‘’\n]+)’"
    r"|(?<![^\s(])'([^'\n]+)'(?![^\s.,;:!?)])"
)
_STRONG = re.compile(r"\*\*|__|\*(?=\S)|(?<=\S)\*|(?<!\w)_|_(?!\w)")
_HEADING = re.compile(r"^[ \t]*#{1,3} ", re.MULTILINE)
_WHOLE_FENCE = re.compile(r"```(?:\w*\n)?([^`]+)```")


@dataclass(frozen=True, slots=True)
class Plain:
    """The words of a message, lower case, without the marks.

    `refused` says why the text may not be acted on, or is empty. `mentions` tells that a user
    mention was taken out; `in_quotes` that quotes stood around the whole message.
    """

    words: str
    refused: str = ""
    mentions: bool = False
    in_quotes: bool = False


def plain(text: str, is_name: Callable[[str], bool]) -> Plain:
    """Return the plain words of `text`; `is_name` says which quoted pieces are just a name."""
    if len(text) > MAX_LENGTH:
        return Plain("", refused=f"it is longer than {MAX_LENGTH} characters")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        refused = _hidden_or_look_alike(text)
        if refused:
            return Plain("", refused=refused)
        text = _without_emoji(text).replace("’", "'")
    elif _CONTROL.search(text):
        return Plain("", refused="it holds control characters")
    mentions = False
    if "<" in text:
        text, mentioned = _MENTION.subn(" ", text)
        mentions = mentioned > 0
        text = _EMOTE.sub(" ", text)
    text, in_quotes = _unwrapped(text.strip(), is_name)
    return Plain(text.lower(), mentions=mentions, in_quotes=in_quotes)


def _hidden_or_look_alike(text: str) -> str:
    """Return why the text must not be trusted, or nothing."""
    for index, char in enumerate(text):
        if char < "\x80":
            if _CONTROL.match(char):
                return "it holds control characters"
        elif not (_LETTER.match(char) or _CJK_LETTER.match(char)):
            refused = _refused_character(text, index)
            if refused:
                return refused
    return ""


def _refused_character(text: str, index: int) -> str:
    char = text[index]
    category = unicodedata.category(char)
    if char in _SPACES or char in _MORE_SPACES:
        return ""
    if char == _ZWJ:
        joins = (
            0 < index < len(text) - 1 and _is_emoji(text[index - 1]) and _is_emoji(text[index + 1])
        )
        return "" if joins else "it holds invisible characters"
    if char in (_VS15, _VS16, _KEYCAP):
        follows = index > 0 and (_is_emoji(text[index - 1]) or text[index - 1] in "0123456789#*")
        return "" if follows else "it holds invisible characters"
    if _DRAWN_LETTERS.match(char) or category[0] in "LN":
        return (
            "it holds letters that only look like others, or of an alphabet no language here uses"
        )
    if category[0] in "CMZ":
        return "it holds invisible or combining characters"
    return ""


def _is_emoji(char: str) -> bool:
    return char in (_VS16, _ZWJ) or unicodedata.category(char) in ("So", "Sk", "Sm")


def _without_emoji(text: str) -> str:
    """Drop decoration; a sign that refuses ("🚫") stays, as a word that no grammar consumes."""
    if not any(char > "\u2000" for char in text):
        return text
    kept = []
    for char in text:
        if char in _REFUSING:
            kept.append(" 🚫 ")
        elif char in (_ZWJ, _VS15, _VS16, _KEYCAP) or unicodedata.category(char) in ("So", "Sk"):
            kept.append(" ")
        else:
            kept.append(char)
    return _CJK_RUN.sub(r" \g<0> ", "".join(kept))


def _unwrapped(text: str, is_name: Callable[[str], bool]) -> tuple[str, bool]:
    """Take off the marks; return the text and whether quotes stood around all of it."""
    in_quotes = False
    if "`" in text:
        fence = _WHOLE_FENCE.fullmatch(text)
        if fence and "\n" not in fence[1].strip():
            text = fence[1].strip()
        text = _FENCE.sub(QUOTED, text)
    if ">" in text:
        text = _BLOCK_QUOTE.sub(QUOTED, text)
    if "~~" in text or "||" in text:
        text = _HIDDEN.sub(QUOTED, text)
    whole = _SPAN.fullmatch(_STRONG.sub("", text)) if text else None
    if whole:
        in_quotes = "`" not in whole[0]
        text = next(group for group in whole.groups() if group)
    else:
        text = _SPAN.sub(lambda span: _span(span, is_name), text)
    if "*" in text or "_" in text:
        text = _STRONG.sub("", text)
    if "#" in text:
        text = _HEADING.sub("", text)
    if "://" in text:
        text = _URL.sub(QUOTED, text)
    return text, in_quotes


def _span(span: re.Match[str], is_name: Callable[[str], bool]) -> str:
    content = next(group for group in span.groups() if group)
    return content if is_name(content.strip().lower()) else f" {QUOTED} "
