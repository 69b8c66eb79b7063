"""The answers that are being made, and those that were given last."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bot.agent.models import ModelError, ModelResponse, StreamSink
from bot.front.controls import AnswerRef

REMEMBERED = 500
REMEMBERED_QUESTIONS = 4_096


class Fate(Enum):
    """What became of an answer that is being made."""

    WANTED = "it is waited for"
    STOPPED = "someone pressed stop: what is there stays"
    WITHDRAWN = "the question is gone: nothing stays"


class Asking:
    """An answer that is being made to a question, which read `question` when it began."""

    def __init__(self, question_id: int, question: str) -> None:
        self.question_id = question_id
        self.question = question
        self.fate = Fate.WANTED
        self.edited = False
        self._call: asyncio.Task[ModelResponse] | None = None
        self._sink: StreamSink | None = None

    async def ask(
        self, call: "asyncio.Task[ModelResponse]", sink: StreamSink
    ) -> ModelResponse | None:
        """The response of a model call that was begun, or None when it was ended by `end`.

        `sink` is where it streams to; of what is withdrawn nothing stays there.

        Raises what the call raises; being cancelled cancels the call.
        """
        self._call, self._sink = call, sink
        if self.fate is not Fate.WANTED:
            call.cancel()
        try:
            return await call
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            if self.fate is Fate.WANTED:
                raise ModelError("the call was given up before it was answered") from None
            return None

    def end(self, fate: Fate) -> None:
        """Stop asking. A question that is gone outweighs a stop."""
        if self.fate is not Fate.WITHDRAWN:
            self.fate = fate
        if self.fate is Fate.WITHDRAWN and self._sink is not None:
            self._sink.restart()
        if self._call is not None:
            self._call.cancel()


@dataclass(slots=True)
class Given:
    """An answer that was given: in which messages (ids), to which text."""

    ref: AnswerRef
    question: str
    message_ids: Sequence[int]
    reasoning: str | None
    edited: bool = False


class Answers:
    """What is known of answers in this process; the buttons' ids tell the rest."""

    def __init__(self) -> None:
        self._asking: dict[int, Asking] = {}
        self._given: OrderedDict[int, Given] = OrderedDict()
        self._latest: dict[int, int] = {}
        self._part_of: dict[int, int] = {}
        self._taken: OrderedDict[int, None] = OrderedDict()

    def take(self, message_id: int) -> bool:
        """Whether a message comes for the first time: Discord may dispatch one twice."""
        if message_id in self._taken:
            return False
        self._taken[message_id] = None
        if len(self._taken) > REMEMBERED_QUESTIONS:
            self._taken.popitem(last=False)
        return True

    def begin(self, question_id: int, question: str) -> Asking | None:
        """Begin an answer; None while one to the same question is being made."""
        if question_id in self._asking:
            return None
        asking = self._asking[question_id] = Asking(question_id, question)
        return asking

    def end(self, asking: Asking) -> None:
        """It is over, however it ended."""
        if self._asking.get(asking.question_id) is asking:
            del self._asking[asking.question_id]

    def asking(self, question_id: int) -> Asking | None:
        """The answer that is being made to a question."""
        return self._asking.get(question_id)

    def remember(self, given: Given) -> None:
        """An answer was given: it is found by its last message, which has the buttons."""
        message_id = given.message_ids[-1]
        self._given[message_id] = given
        self._latest[given.ref.question_id] = message_id
        self._part_of.update((part, message_id) for part in given.message_ids)
        if len(self._given) > REMEMBERED:
            self.forget(next(iter(self._given)))

    def given_in(self, message_id: int) -> Given | None:
        """The answer whose last message this is."""
        return self._given.get(message_id)

    def given_to(self, question_id: int) -> Given | None:
        """The latest answer to a question."""
        return self._given.get(self._latest.get(question_id, 0))

    def last_of(self, message_id: int) -> int:
        """The last message of the answer that this one is a part of, as far as that is known."""
        return self._part_of.get(message_id, message_id)

    def forget(self, message_id: int) -> None:
        """A message is gone: the answer that it was a part of can be written over no more."""
        last_id = self.last_of(message_id)
        given = self._given.pop(last_id, None)
        if given is None:
            return
        for part in given.message_ids:
            if self._part_of.get(part) == last_id:
                del self._part_of[part]
        if self._latest.get(given.ref.question_id) == last_id:
            del self._latest[given.ref.question_id]
