"""How a finished model call becomes the exchange that is kept of it."""

import asyncio
from typing import TypeVar

from bot.agent.middleware import ModelCall
from bot.agent.models import LegibleSink, ModelRequest
from bot.store.records import Exchange
from plugins.reasoning.amendments import Amendments

LARGEST = 2**63

Number = TypeVar("Number", int, float)


def to_exchange(
    call: ModelCall, exchange_id: int, epoch: float, amendments: Amendments
) -> Exchange:
    """The record of one call. `epoch` is `time.time() - time.perf_counter()`, in seconds."""
    request, response, error, began, ended = call
    origin = request.origin
    output = response.text if response else part_of_an_answer(request, error)
    fallback = response.fallback if response is not None else getattr(error, "fallback", None)
    return Exchange(
        id=exchange_id,
        timestamp=int((epoch + began) * 1000),
        room_id=origin.room_id if origin else None,
        user_id=origin.user_id if origin else None,
        message_id=origin.message_id if origin else None,
        model_type=request.purpose,
        provider=response.provider if response else None,
        model=response.model if response else None,
        input=tuple(amendments.apply(message, began) for message in request.messages),
        output=output,
        reasoning=response.reasoning if response else None,
        finish_reason=response.finish_reason if response else None,
        success=response is not None,
        error=None if error is None else describe(error, begun=output is not None),
        fallback_from=f"{fallback.provider}/{fallback.model}" if fallback else None,
        fallback_reason=fallback.reason if fallback else None,
        latency_ms=round((ended - began) * 1000, 3),
        first_token_ms=measured(response.first_token_ms) if response else None,
        prompt_tokens=counted(response.prompt_tokens) if response else None,
        completion_tokens=counted(response.completion_tokens) if response else None,
    )


def measured(number: Number | None) -> Number | None:
    """What a model says of its own answer; None for what is no number, or none within 64 bits.

    What was said is worth keeping without it.
    """
    return number if isinstance(number, int | float) and abs(number) < LARGEST else None


def counted(number: int | None) -> int | None:
    """The same for what comes in whole numbers."""
    count = measured(number)
    return None if count is None or count % 1 else int(count)


def part_of_an_answer(request: ModelRequest, error: BaseException | None) -> str | None:
    """What people had been given of an answer when it was stopped; None if that was nothing."""
    sink = request.stream
    if not isinstance(error, asyncio.CancelledError) or not isinstance(sink, LegibleSink):
        return None
    return sink.text if sink.text.strip() else None


def describe(error: BaseException, *, begun: bool) -> str:
    """What failed, in one line; `begun` is whether a part of the answer was there."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled before it was whole" if begun else "cancelled before it was answered"
    return str(error) or type(error).__name__
