"""From plain words to sentences of tokens."""

import re
from dataclasses import dataclass

# A word keeps its apostrophes and hyphens ("don't", "re-enable"); whether a hyphen joins or
# divides is the lexicon's to say. The possessive quantifiers keep hostile input linear.
_TOKEN = re.compile(
    r"@?\w++(?:['\-]\w++)*+'?|[.!?;…。！？\n]++|\ufffc|🚫|[^\s]",
)
_EMOTICON = re.compile(r"(?<!\S)(?:[:;=]-?[)(dp3/|]+|x+d+|<3+|\^+_*\^+|:'\)+)(?!\S)")
# What is glued to a word like this is code, not speech: a call, a path, an option.
_CODE = re.compile(r"(?<=\w)\(|::|(?<!\S)--?(?=\w)")
# People who are used to other bots put a sign before the command ("!enable …"). It becomes one
# that nobody types, for a stroke between words means something else.
SIGN = "\u2044"
_SIGN = re.compile(r"^\s*[/!$-](?=[^\W\d])")
_ARROW = re.compile(r"[-=]+>")
_ENDS = frozenset(".!?;…。！？\n")
_SILENT = frozenset('¿¡*"')


@dataclass(frozen=True, slots=True)
class Sentence:
    """The tokens of one sentence and whether it ended with a question mark."""

    tokens: tuple[str, ...]
    asks: bool


def sentences(words: str) -> list[Sentence]:
    """Divide plain words into sentences; empty ones are left out."""
    found: list[Sentence] = []
    tokens: list[str] = []
    if ">" in words:
        words = _ARROW.sub(" → ", words)
    words = _SIGN.sub(f"{SIGN} ", _EMOTICON.sub(" ", words))
    for token in _TOKEN.findall(_CODE.sub(" \ufffd ", words)):
        if token[0] in _ENDS:
            if tokens:
                found.append(Sentence(tuple(tokens), asks="?" in token or "？" in token))
                tokens = []
        elif token not in _SILENT:
            tokens.append(token)
    if tokens:
        found.append(Sentence(tuple(tokens), asks=False))
    return found
