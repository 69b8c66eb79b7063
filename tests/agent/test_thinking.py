"""Thinking apart from the answer: whole, and cut anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.thinking import Split, ThinkingSplitter, split_thinking

RULES = {
    "no thinking": ("Hello there.", Split("Hello there.", None)),
    "thinking, then the answer": (
        "<think>\nwho is it?\n</think>\n\nHello.",
        Split("Hello.", "who is it?"),
    ),
    "opening tag missing": ("who is it?\n</think>\n\nHello.", Split("Hello.", "who is it?")),
    "nothing but thinking": ("<think>hm</think>\n", Split("", "hm")),
    "thinking cut off": ("<think>hm, let me", Split("", "hm, let me")),
    "empty thinking": ("<think>\n\n</think>\n\nHello.", Split("Hello.", None)),
    "two thoughts": ("<think>a</think>One <think>b</think>two", Split("One two", "a\nb")),
    "a mention, never closed": (
        "The <think> tag starts it.",
        Split("The <think> tag starts it.", None),
    ),
    "a pair in code": (
        "Use `<think>` and `</think>`.",
        Split("Use `<think>` and `</think>`.", None),
    ),
    "a closing tag in a fence": (
        "```py\nre.sub('</think>', '')\n```",
        Split("```py\nre.sub('</think>', '')\n```", None),
    ),
    "a closing tag after the thinking": (
        "<think>a</think>It ends with </think>.",
        Split("It ends with </think>.", "a"),
    ),
    "another tag": ("<thinker> </thin> < think>", Split("<thinker> </thin> < think>", None)),
    "white space": ("  \n ", Split("", None)),
}


@pytest.mark.parametrize(("text", "expected"), RULES.values(), ids=RULES)
def test_a_whole_text_is_taken_apart(text: str, expected: Split) -> None:
    assert split_thinking(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in RULES.values()], ids=RULES)
def test_a_stream_of_single_characters_gives_the_same(text: str) -> None:
    assert _streamed(list(text)) == split_thinking(text)


_PARTS = st.sampled_from(
    ["<think>", "</think>", "<thi", "nk>", "</", "`", "```", " ", "\n", "word", "<", ">", "é"]
)


@given(st.lists(_PARTS, max_size=20).map("".join), st.data())
def test_however_a_text_is_cut_the_parts_are_the_same(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    edges = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]
    assert _streamed(pieces) == split_thinking(text)


_WHOLE_PARTS = st.sampled_from(["<think>", "</think>", "`", " ", "\n", "word", "é"])


@given(st.lists(_WHOLE_PARTS, max_size=20).map("".join))
def test_nothing_but_tags_and_white_space_is_lost(text: str) -> None:
    split = split_thinking(text)
    kept = (split.reasoning or "") + split.answer
    assert _letters(kept) == _letters(text)


def test_what_turns_out_to_be_thinking_is_taken_back() -> None:
    sink = Sink()
    splitter = ThinkingSplitter(sink)
    splitter.feed("let me see")
    assert sink.text == "let me see"
    splitter.feed("\n</thi")
    splitter.feed("nk>\nHello.")
    assert (sink.text, sink.restarts) == ("Hello.", 1)
    assert splitter.finish() == Split("Hello.", "let me see")


def test_a_tag_that_is_only_begun_is_not_shown() -> None:
    sink = Sink()
    splitter = ThinkingSplitter(sink)
    splitter.feed("a </thin")
    assert sink.text == "a"
    splitter.feed("g>")
    assert sink.text == "a </thing>"


def test_thinking_in_a_field_of_its_own_stays_apart() -> None:
    sink = Sink()
    splitter = ThinkingSplitter(sink)
    splitter.think("who ")
    splitter.think("is it?")
    assert not splitter.answering
    splitter.feed("Hello.")
    assert splitter.answering
    assert splitter.finish() == Split("Hello.", "who is it?")


class Sink:
    """A stream sink that remembers what a person would see."""

    def __init__(self) -> None:
        self.text = ""
        self.restarts = 0

    def write(self, piece: str) -> None:
        self.text += piece

    def restart(self) -> None:
        self.text = ""
        self.restarts += 1


def _streamed(pieces: list[str]) -> Split:
    sink = Sink()
    splitter = ThinkingSplitter(sink)
    for piece in pieces:
        splitter.feed(piece)
    split = splitter.finish()
    assert sink.text == split.answer
    return split


def _letters(text: str) -> str:
    without_tags = text.replace("<think>", "").replace("</think>", "")
    return "".join(sorted(filter(str.isalpha, without_tags)))
