"""`use_model`: the original when nothing is around it, and never called twice by our fault."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.agent.middleware import CallNext, ModelCall, ModelMiddleware
from bot.agent.models import ModelError, ModelRequest, ModelResponse, ModelType, NoModelHandlerError
from bot.agent.runtime import AgentRuntime
from tests.agents import GUILD, OTHER_GUILD, ScriptedModel, agent_with, ask

LARGE = ModelType.TEXT_LARGE


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def runtime(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[AgentRuntime]:
    async with agent_with(tmp_path, model.plugin()) as agent, agent.runtime(GUILD) as runtime:
        yield runtime


async def passing(request: ModelRequest, call_next: CallNext) -> ModelResponse:
    return await call_next(request)


def marking(name: str, trace: list[str]) -> ModelMiddleware:
    async def mark(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        trace.append(name)
        return await call_next(request)

    return mark


async def test_without_anything_around_it_it_is_the_original(runtime: AgentRuntime) -> None:
    original = runtime.original_use_model
    assert runtime.use_model is original
    assert runtime.use_model is runtime.agent.use_model
    registration = runtime.add_model_middleware("test", passing)
    assert runtime.use_model is not original
    registration.remove()
    assert runtime.use_model is original


async def test_another_guild_keeps_the_original(tmp_path: Path, model: ScriptedModel) -> None:
    async with (
        agent_with(tmp_path, model.plugin()) as agent,
        agent.runtime(GUILD) as one,
        agent.runtime(OTHER_GUILD) as other,
    ):
        one.add_model_middleware("test", passing)
        assert other.use_model is other.original_use_model


async def test_raising_before_the_call_asks_the_original_once(
    runtime: AgentRuntime, model: ScriptedModel
) -> None:
    async def broken(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        raise RuntimeError("before")

    runtime.add_model_middleware("test", broken)
    response = await runtime.use_model(LARGE, ask())
    assert response.text == "hello"
    assert len(model.calls) == 1


async def test_raising_after_a_success_keeps_that_answer(
    runtime: AgentRuntime, model: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        await call_next(request)
        raise RuntimeError("after")

    runtime.add_model_middleware("test", broken)
    response = await runtime.use_model(LARGE, ask())
    assert response.text == "hello"
    assert len(model.calls) == 1
    assert "after the model answered" in caplog.text


@pytest.mark.parametrize("swallow", [False, True])
async def test_a_failure_of_the_model_is_raised_as_it_is(
    runtime: AgentRuntime, model: ScriptedModel, swallow: bool
) -> None:
    async def translating(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        try:
            return await call_next(request)
        except ModelError as error:
            if swallow:
                raise RuntimeError("something else") from error
            raise

    model.fails_with = ModelError("down")
    runtime.add_model_middleware("test", translating)
    with pytest.raises(ModelError, match="down"):
        await runtime.use_model(LARGE, ask())
    assert len(model.calls) == 1


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
async def test_asking_next_again_repeats_the_outcome(
    runtime: AgentRuntime, model: ScriptedModel, fails: bool, at_once: bool
) -> None:
    outcomes: list[ModelResponse | BaseException] = []

    async def twice(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        if at_once:
            calls = [call_next(request), call_next(request)]
            outcomes.extend(await asyncio.gather(*calls, return_exceptions=True))
        else:
            for _ in range(2):
                outcomes.extend(await asyncio.gather(call_next(request), return_exceptions=True))
        return await call_next(request)

    async def tick(_: ModelRequest) -> None:
        await asyncio.sleep(0)

    model.before = tick
    model.fails_with = ModelError("down") if fails else None
    runtime.add_model_middleware("test", twice)
    if fails:
        with pytest.raises(ModelError, match="down"):
            await runtime.use_model(LARGE, ask())
    else:
        assert (await runtime.use_model(LARGE, ask())).text == "hello"
    assert outcomes[0] is outcomes[1]
    assert len(model.calls) == 1


async def test_asking_next_again_after_a_time_limit_asks_nobody(
    runtime: AgentRuntime, model: ScriptedModel
) -> None:
    async def hang(_: ModelRequest) -> None:
        await asyncio.Event().wait()

    async def impatient(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        try:
            async with asyncio.timeout(0.01):
                return await call_next(request)
        except TimeoutError:
            return await call_next(request)

    model.before = hang
    runtime.add_model_middleware("test", impatient)
    with pytest.raises(ModelError, match="given up"):
        await runtime.use_model(LARGE, ask())
    assert len(model.calls) == 1


async def test_a_middleware_may_answer_in_place_of_a_failure(
    runtime: AgentRuntime, model: ScriptedModel
) -> None:
    async def fallback(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        try:
            return await call_next(request)
        except ModelError:
            return ModelResponse("instead", "test", "test")

    model.fails_with = ModelError("down")
    runtime.add_model_middleware("test", fallback)
    assert (await runtime.use_model(LARGE, ask())).text == "instead"
    assert len(model.calls) == 1


async def test_cancellation_passes_through(runtime: AgentRuntime, model: ScriptedModel) -> None:
    started = asyncio.Event()

    async def hang(_: ModelRequest) -> None:
        started.set()
        await asyncio.Event().wait()

    model.before = hang
    runtime.add_model_middleware("test", passing)
    call = asyncio.ensure_future(runtime.use_model(LARGE, ask()))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(model.calls) == 1


async def test_a_time_limit_of_a_middleware_is_its_own_error(
    runtime: AgentRuntime, model: ScriptedModel
) -> None:
    async def hang(_: ModelRequest) -> None:
        await asyncio.Event().wait()

    async def limited(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        async with asyncio.timeout(0.01):
            return await call_next(request)

    model.before = hang
    runtime.add_model_middleware("test", limited)
    with pytest.raises(TimeoutError):
        await runtime.use_model(LARGE, ask())
    assert len(model.calls) == 1


async def test_a_call_in_flight_keeps_its_chain(
    runtime: AgentRuntime, model: ScriptedModel
) -> None:
    """Removed and added while a call hangs: that call ends as it began."""
    started, go_on = asyncio.Event(), asyncio.Event()
    trace: list[str] = []

    async def wait(_: ModelRequest) -> None:
        started.set()
        await go_on.wait()

    async def around(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        response = await call_next(request)
        trace.append("around")
        return response

    model.before = wait
    registration = runtime.add_model_middleware("test", around)
    call = asyncio.ensure_future(runtime.use_model(LARGE, ask()))
    await started.wait()
    registration.remove()
    runtime.add_model_middleware("test", marking("new", trace))
    go_on.set()
    assert (await call).text == "hello"
    assert trace == ["around"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_middlewares_are_removed_in_either_order(
    runtime: AgentRuntime, order: tuple[int, int]
) -> None:
    trace: list[str] = []
    registrations = [
        runtime.add_model_middleware("test", marking(name, trace)) for name in ("in", "out")
    ]
    await runtime.use_model(LARGE, ask())
    assert trace == ["out", "in"]
    trace.clear()
    registrations[order[0]].remove()
    registrations[order[0]].remove()
    await runtime.use_model(LARGE, ask())
    assert trace == [["in", "out"][order[1]]]
    registrations[order[1]].remove()
    assert runtime.use_model is runtime.original_use_model


async def test_removal_long_after_the_plugin_is_gone_does_nothing(runtime: AgentRuntime) -> None:
    mine = runtime.add_model_middleware("mine", passing)
    others = runtime.add_model_middleware("others", passing)
    runtime.remove_owner("mine")
    folded = runtime.use_model
    mine.remove()
    assert runtime.use_model is folded
    others.remove()
    assert runtime.use_model is runtime.original_use_model


async def test_toggling_while_calls_are_in_flight(
    runtime: AgentRuntime, model: ScriptedModel
) -> None:
    async def tick(_: ModelRequest) -> None:
        await asyncio.sleep(0)

    async def toggle() -> None:
        for _ in range(50):
            registration = runtime.add_model_middleware("test", passing)
            await asyncio.sleep(0)
            registration.remove()

    model.before = tick
    calls = [runtime.use_model(LARGE, ask()) for _ in range(100)]
    responses = await asyncio.gather(toggle(), *calls)
    assert [response.text for response in responses[1:] if response] == ["hello"] * 100
    assert len(model.calls) == 100
    assert runtime.use_model is runtime.original_use_model


async def test_the_request_tells_the_type_that_was_asked_for(
    runtime: AgentRuntime, model: ScriptedModel
) -> None:
    runtime.add_model_middleware("test", passing)
    await runtime.use_model(ModelType.REASONING_SMALL, ask())
    assert model.calls[0].model_type is ModelType.REASONING_SMALL


async def test_pieces_of_a_broken_middleware_are_taken_back(runtime: AgentRuntime) -> None:
    shown: list[str] = []

    class Sink:
        def write(self, piece: str) -> None:
            shown.append(piece)

        def restart(self) -> None:
            shown.clear()

    async def broken(request: ModelRequest, call_next: CallNext) -> ModelResponse:
        assert request.stream is not None
        request.stream.write("nonsense")
        raise RuntimeError("before")

    runtime.add_model_middleware("test", broken)
    await runtime.use_model(LARGE, ask().override(stream=Sink()))
    assert shown == ["hello"]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("raises", [False, True])
async def test_a_hook_is_told_and_can_change_nothing(
    runtime: AgentRuntime, model: ScriptedModel, fails: bool, raises: bool
) -> None:
    told: list[ModelCall] = []

    def hook(call: ModelCall) -> None:
        told.append(call)
        if raises:
            raise RuntimeError("a hook broke")

    model.fails_with = ModelError("down") if fails else None
    runtime.add_model_middleware("test", passing)
    registration = runtime.add_model_hook("test", hook)
    request = ask()
    if fails:
        with pytest.raises(ModelError, match="down"):
            await runtime.use_model(LARGE, request)
    else:
        assert (await runtime.use_model(LARGE, request)).text == "hello"
    assert len(model.calls) == len(told) == 1
    asked, response, error, began, ended = told[0]
    assert asked is request
    assert (response is None, error is None) == (fails, not fails)
    assert began <= ended
    registration.remove()


async def test_no_handler_says_which_types_exist(tmp_path: Path) -> None:
    async with agent_with(tmp_path) as agent, agent.runtime(GUILD) as runtime:
        with pytest.raises(NoModelHandlerError, match=r"No model handler for TEXT_LARGE.*none"):
            await runtime.use_model(LARGE, ask())


async def test_the_highest_priority_answers_and_a_stand_by_never_by_itself(tmp_path: Path) -> None:
    low, high, stand_by = ScriptedModel("low"), ScriptedModel("high"), ScriptedModel("custom")
    for order in itertools.permutations([low.plugin(-10), high.plugin(5), stand_by.plugin(None)]):
        async with agent_with(tmp_path, *order) as agent, agent.runtime(GUILD) as runtime:
            assert (await runtime.use_model(LARGE, ask())).provider == "high"
            found = agent.models.find(LARGE, "custom")
            assert found is not None
            assert found.provider == "custom"
            await agent.unload("high")
            assert (await runtime.use_model(LARGE, ask())).provider == "low"
