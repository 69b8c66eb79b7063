"""How a prompt is stored: as a JSON list of references to what it quotes.

What it quotes has a number: a message of Discord's its own, a text of ours the negative of its
own. Each is written as the difference to the one before it in the list (the first: to 0), as
contexts roll on and the numbers in them lie close together; it stands in `[difference, role]`
where the prompt has it in another role than usual. The view `training_data` reads the same in SQL.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from operator import sub
from typing import Annotated

import msgspec
from msgspec import Meta

from bot.store.problems import StoreError

Reference = int | tuple[int, str]
"""The number of what is quoted; with a role where that is another than usual."""

LARGEST = 2**63 - 1
USUAL = 2**40
"""A difference within which no prompt adds up to a number that SQLite's integers cannot hold."""

encode = msgspec.json.encode
decode_usual = msgspec.json.Decoder(list[Annotated[int, Meta(ge=-USUAL, le=USUAL)]]).decode
decode_any = msgspec.json.Decoder(list[Reference]).decode


UNREADABLE = (
    "The file of records is damaged: a prompt cannot be read. Run `understudy store repair`."
)


def write_prompt(references: Sequence[Reference]) -> str:
    """The references as they are stored."""
    try:
        # Almost always they are numbers alone.
        return encode(list(map(sub, references, chain((0,), references)))).decode()
    except TypeError:
        return write_any(references)


def write_any(references: Iterable[Reference]) -> str:
    """The same, of a prompt with other roles in it."""
    stored: list[Reference] = []
    last = 0
    for reference in references:
        number = number_of(reference)
        step, last = number - last, number
        stored.append(step if isinstance(reference, int) else (step, reference[1]))
    return encode(stored).decode()


def read_prompt(prompt: str | bytes) -> list[Reference]:
    """What `write_prompt` was given, from text or UTF-8. Raises StoreError for what is damaged."""
    try:
        return list(accumulate(decode_usual(prompt)))
    except msgspec.MsgspecError:
        return read_any(prompt)


def read_any(prompt: str | bytes) -> list[Reference]:
    """The same, of a prompt with other roles or large numbers in it."""
    text = prompt.decode(errors="replace") if isinstance(prompt, bytes) else prompt
    try:
        stored = decode_any(text)
    except msgspec.MsgspecError as error:
        raise StoreError(UNREADABLE) from error
    steps = list(map(number_of, stored))
    numbers = list(accumulate(steps))
    if any(abs(number) > LARGEST for number in (*steps, *numbers)):
        raise StoreError(UNREADABLE)
    return [
        number if isinstance(step, int) else (number, step[1])
        for number, step in zip(numbers, stored, strict=True)
    ]


def number_of(reference: Reference) -> int:
    """The number alone."""
    return reference if isinstance(reference, int) else reference[0]


def quoted_by(prompts: Iterable[str]) -> set[int]:
    """The numbers of all that these prompts quote. Raises StoreError for a damaged one."""
    return {number_of(reference) for prompt in prompts for reference in read_prompt(prompt)}
