"""Thinking apart from the answer: models that write `<think>…</think>` into their text.

The rules, for a whole text and for a stream cut anywhere alike:

- `<think>` begins thinking and the next `</think>` ends it.
- The opening tag may be missing, because many chat templates write it into the prompt: then
  everything before the first `</think>` was thinking.
- Thinking that never ends is thinking if it began the text (the answer was cut off); in the
  middle of an answer the tag was only mentioned, and the text stays.
- A tag inside code (after an odd number of backticks) is text. People do ask about these tags.
- White space around the answer and around the thinking is dropped.
"""

import re
from dataclasses import dataclass

from bot.agent.models import StreamSink

_OPEN = "<think>"
_CLOSE = "</think>"
_TAG = re.compile(f"{_OPEN}|{_CLOSE}")


@dataclass(frozen=True, slots=True)
class Split:
    """A model's text taken apart. `answer` may be empty; `reasoning` is None if there was none."""

    answer: str
    reasoning: str | None


def split_thinking(text: str) -> Split:
    """Take a whole text apart."""
    splitter = ThinkingSplitter()
    splitter.feed(text)
    return splitter.finish()


class ThinkingSplitter:
    """Takes a text apart while it is being made.

    What is surely answer goes to `sink` at once: together the pieces are exactly `Split.answer`.
    When a `</think>` shows that it was thinking after all, the sink's `restart()` takes it back.
    """

    def __init__(self, sink: StreamSink | None = None) -> None:
        self._sink = sink
        self._pending = ""
        self._answer = ""
        self._written = 0
        self._thoughts: list[str] = []
        self._block: str | None = None
        self._block_in_answer = False
        self._has_thought = False

    @property
    def answering(self) -> bool:
        """Whether some of the answer is there."""
        return bool(self._answer)

    def feed(self, piece: str) -> None:
        """Take the next piece of the text, cut anywhere."""
        self._pending += piece
        while self._take_tag():
            pass

    def think(self, piece: str) -> None:
        """Take a piece of thinking that came apart from the text, in a field of its own."""
        self._has_thought = True
        self._thoughts.append(piece)

    def finish(self) -> Split:
        """The end of the text: hand out what was held back and return the parts."""
        if self._block is None:
            self._add_answer(self._pending)
        elif self._block_in_answer:
            unclosed, self._block = self._block, None
            self._add_answer(_OPEN + unclosed + self._pending)
        else:
            self._thoughts.append(self._block + self._pending)
        self._pending = ""
        reasoning = "".join(self._thoughts).strip()
        return Split(self._answer.strip(), reasoning or None)

    def _take_tag(self) -> bool:
        """Use up the pending text as far as its first tag; False when more text is needed."""
        if self._block is not None:
            return self._take_thought(self._block)
        tag = _TAG.search(self._pending)
        if tag is None:
            keep = _tag_begun(self._pending, _OPEN, _CLOSE)
            end = len(self._pending) - keep
            self._add_answer(self._pending[:end])
            self._pending = self._pending[end:]
            return False
        self._add_answer(self._pending[: tag.start()])
        self._pending = self._pending[tag.end() :]
        self._obey(tag.group())
        return True

    def _take_thought(self, block: str) -> bool:
        thought, close, rest = self._pending.partition(_CLOSE)
        if not close:
            end = len(self._pending) - _tag_begun(self._pending, _CLOSE)
            self._block = block + self._pending[:end]
            self._pending = self._pending[end:]
            return False
        self.think(block + thought + "\n")
        self._block = None
        self._pending = rest
        return True

    def _obey(self, tag: str) -> None:
        in_code = self._answer.count("`") % 2 == 1
        if in_code or (tag == _CLOSE and self._has_thought):
            self._add_answer(tag)
        elif tag == _OPEN:
            self._block = ""
            self._block_in_answer = self.answering
        else:
            self.think(self._answer + "\n")
            self._take_back()

    def _add_answer(self, text: str) -> None:
        self._answer += text if self._answer else text.lstrip()
        # White space is written only when more follows, so that none is left at the end.
        end = len(self._answer.rstrip())
        if self._sink is not None and end > self._written:
            self._sink.write(self._answer[self._written : end])
            self._written = end

    def _take_back(self) -> None:
        if self._sink is not None and self._written:
            self._sink.restart()
        self._answer = ""
        self._written = 0


def _tag_begun(text: str, *tags: str) -> int:
    """How many characters at the end of `text` may be the beginning of a tag."""
    longest = max(map(len, tags)) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in tags):
            return length
    return 0
