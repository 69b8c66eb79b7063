"""An OpenAI-compatible endpoint: what it answers, and every way in which it does not."""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from bot.agent.models import ImageInput, ModelError, ModelHandler, ModelRequest, ModelResponse
from bot.agent.plugin import Plugin
from bot.store.records import ChatMessage
from plugins.openai_compatible import Endpoint, openai_plugin
from plugins.openai_compatible.chat import ChatModel
from tests.model_server import ModelServer, ReasoningStyle, Reply

KEY = "sk-very-secret"
MESSAGES = (ChatMessage("system", "Be brief."), ChatMessage("user", "hi", name="Ada"))

STYLES: list[ReasoningStyle] = ["reasoning", "reasoning_content", "tags", "closing_tag"]
both_ways = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


class Sink:
    """A stream sink that remembers what a person would see."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.restarts = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def write(self, piece: str) -> None:
        self.pieces.append(piece)

    def restart(self) -> None:
        self.pieces.clear()
        self.restarts += 1


class Asker:
    """Asks endpoints, and closes what it opened."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.sink = Sink()
        self._opened: list[ChatModel] = []

    async def model(
        self, *, url: str = "", timeout: float = 10.0, attempts: int = 1, key: str | None = KEY
    ) -> ModelHandler:
        endpoint = Endpoint(
            provider="custom",
            url=url or self.server.url,
            name="m",
            api_key=None if key is None else SecretStr(key),
            timeout=timeout,
            attempts=attempts,
            priority=None,
        )
        chat = ChatModel(endpoint)
        self._opened.append(chat)
        await chat.open()
        return chat.answer

    async def ask(
        self, *, streamed: bool = False, url: str = "", timeout: float = 10.0, attempts: int = 1
    ) -> ModelResponse:
        model = await self.model(url=url, timeout=timeout, attempts=attempts)
        return await model(ModelRequest(MESSAGES, stream=self.sink if streamed else None))

    async def failure(
        self, *, streamed: bool = False, url: str = "", timeout: float = 10.0, attempts: int = 1
    ) -> str:
        with pytest.raises(ModelError) as caught:
            await self.ask(streamed=streamed, url=url, timeout=timeout, attempts=attempts)
        return str(caught.value)

    async def close(self) -> None:
        for chat in self._opened:
            await chat.close()


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def asker(server: ModelServer) -> AsyncIterator[Asker]:
    asker = Asker(server)
    yield asker
    await asker.close()


# What it answers


@both_ways
async def test_an_answer_comes_whole_with_its_counts(asker: Asker, streamed: bool) -> None:
    asker.server.script(Reply("Hello Ada.", usage=(21, 3)))
    response = await asker.ask(streamed=streamed)
    assert (response.text, response.reasoning) == ("Hello Ada.", None)
    assert (response.provider, response.model) == ("custom", "m")
    assert (response.prompt_tokens, response.completion_tokens) == (21, 3)
    assert response.finish_reason == "stop"
    assert (response.first_token_ms is not None) == streamed
    assert asker.sink.text == ("Hello Ada." if streamed else "")


@both_ways
@pytest.mark.parametrize("count", [10**30, 2**63, -1])
async def test_a_count_that_is_none_is_left_out(asker: Asker, streamed: bool, count: int) -> None:
    asker.server.script(Reply("Hello Ada.", usage=(count, 2**63 - 1)))
    response = await asker.ask(streamed=streamed)
    assert (response.prompt_tokens, response.completion_tokens) == (None, 2**63 - 1)


@both_ways
async def test_half_characters_are_replaced(asker: Asker, streamed: bool) -> None:
    """JSON can carry half of a surrogate pair, which nothing behind it takes."""
    asker.server.script(Reply("Hello \ud83d Ada \U0001f600.", reasoning="Hm \udc00"))
    response = await asker.ask(streamed=streamed)
    assert (response.text, response.reasoning) == ("Hello \ufffd Ada \U0001f600.", "Hm \ufffd")
    assert asker.sink.text == (response.text if streamed else "")


async def test_pieces_come_as_they_are_made(asker: Asker) -> None:
    asker.server.script(Reply(pieces=["Hel", "lo."], hold_after=1))
    asker.server.hold()
    answer = asyncio.create_task(asker.ask(streamed=True))
    await asker.server.received(1)
    async with asyncio.timeout(10):
        while not asker.sink.pieces:
            await asyncio.sleep(0)
    assert asker.sink.pieces == ["Hel"]
    asker.server.release()
    assert (await answer).text == "Hello."


@both_ways
async def test_the_request_is_sent_as_it_was_made(asker: Asker, streamed: bool) -> None:
    model = await asker.model()
    sink = asker.sink if streamed else None
    await model(ModelRequest(MESSAGES, temperature=0.0, max_tokens=5, stream=sink))
    await model(ModelRequest(MESSAGES, stream=sink))
    asked, plain = asker.server.requests
    assert asked.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Ada: hi"},
    ]
    assert (asked.body["model"], asked.body["temperature"], asked.body["max_tokens"]) == ("m", 0, 5)
    assert asked.body.get("stream_options") == ({"include_usage": True} if streamed else None)
    assert not {"temperature", "max_tokens"} & plain.body.keys()
    assert asked.headers["Authorization"] == f"Bearer {KEY}"


async def test_nothing_from_the_environment_is_sent(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-other")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-other")
    model = await asker.model(key=None)
    await model(ModelRequest(MESSAGES))
    sent = asker.server.requests[0].headers
    assert not {"Authorization", "OpenAI-Organization", "OpenAI-Project"} & set(sent)


@both_ways
@pytest.mark.parametrize("style", STYLES)
async def test_thinking_is_kept_apart(asker: Asker, style: ReasoningStyle, streamed: bool) -> None:
    asker.server.script(Reply("Hello.", reasoning="who is it?", style=style))
    response = await asker.ask(streamed=streamed)
    assert (response.text, response.reasoning) == ("Hello.", "who is it?")
    if streamed:
        assert asker.sink.text == "Hello."
        assert asker.sink.restarts == (1 if style == "closing_tag" else 0)


async def test_tags_may_be_cut_anywhere(asker: Asker) -> None:
    text = "<think>\nwho?\n</think>\n\nHello."
    asker.server.script(Reply(pieces=list(text)))
    response = await asker.ask(streamed=True)
    assert (response.text, response.reasoning) == ("Hello.", "who?")
    assert (asker.sink.text, asker.sink.restarts) == ("Hello.", 0)


@both_ways
async def test_an_answer_at_its_length_limit_is_an_answer(asker: Asker, streamed: bool) -> None:
    asker.server.script(Reply("Hello and", finish_reason="length"))
    response = await asker.ask(streamed=streamed)
    assert (response.text, response.finish_reason) == ("Hello and", "length")


@both_ways
async def test_missing_counts_are_none(asker: Asker, streamed: bool) -> None:
    asker.server.script(Reply(usage=None))
    response = await asker.ask(streamed=streamed)
    assert (response.prompt_tokens, response.completion_tokens) == (None, None)


async def test_a_whole_answer_may_leave_out_why_it_ended(asker: Asker) -> None:
    asker.server.script(Reply("Hello.", finish_reason=None))
    assert (await asker.ask()).finish_reason == "stop"


# Every way in which it does not answer

NO_COMPLETION = "custom model 'm' answered with something that is no chat completion"
EMPTY = "custom model 'm' gave an empty answer"
CUT = "custom model 'm' stopped in the middle of its answer (no finish reason)"
ERROR = "custom model 'm' broke off with an error"

FAILURES = {
    "html": (Reply(fault="html"), NO_COMPLETION, NO_COMPLETION),
    "text": (Reply(fault="text"), NO_COMPLETION, NO_COMPLETION),
    "malformed": (Reply("a b c", fault="malformed"), NO_COMPLETION, NO_COMPLETION),
    "no choices": (Reply(fault="no_choices"), NO_COMPLETION, CUT),
    "empty": (Reply(fault="empty"), EMPTY, EMPTY),
    "white space": (Reply(" \n\t "), EMPTY, EMPTY),
    "null": (Reply(fault="no_content"), EMPTY, EMPTY),
    "error": (
        Reply("a b c", fault="error"),
        "custom model 'm' answered with an error",
        ERROR,
    ),
    "only thinking": (
        Reply("", reasoning="hm"),
        "custom model 'm' thought, but gave an empty answer",
        "custom model 'm' thought, but gave an empty answer",
    ),
    "only thinking in tags": (
        Reply("", reasoning="hm", style="tags"),
        "custom model 'm' thought, but gave an empty answer",
        "custom model 'm' thought, but gave an empty answer",
    ),
    "401": (
        Reply(status=401),
        "custom model 'm' answered 401 Unauthorized (is its API key right?)",
        "custom model 'm' answered 401 Unauthorized (is its API key right?)",
    ),
    "404": (
        Reply(status=404),
        "custom model 'm' answered 404 Not Found (are its URL and its name right?)",
        "custom model 'm' answered 404 Not Found (are its URL and its name right?)",
    ),
    "429": (
        Reply(status=429),
        "custom model 'm' answered 429 Too Many Requests (too many requests)",
        "custom model 'm' answered 429 Too Many Requests (too many requests)",
    ),
    "500": (
        Reply(status=500),
        "custom model 'm' answered 500 Internal Server Error",
        "custom model 'm' answered 500 Internal Server Error",
    ),
    "503": (
        Reply(status=503),
        "custom model 'm' answered 503 Service Unavailable",
        "custom model 'm' answered 503 Service Unavailable",
    ),
}


@both_ways
@pytest.mark.parametrize(("reply", "whole", "stream"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_says_what_happened(
    asker: Asker, reply: Reply, whole: str, stream: str, streamed: bool
) -> None:
    asker.server.script(reply)
    assert await asker.failure(streamed=streamed) == (stream if streamed else whole)
    assert len(asker.server.requests) == 1


async def test_a_stream_that_just_ends_is_a_failure(asker: Asker) -> None:
    asker.server.script(Reply("one two three", fault="cut_stream", cut_after=2))
    assert await asker.failure(streamed=True) == CUT
    assert asker.sink.text == "one two"


async def test_a_connection_that_breaks_is_a_failure(asker: Asker) -> None:
    asker.server.script(Reply("one two three", fault="broken_stream"))
    message = await asker.failure(streamed=True, attempts=3)
    assert message == "custom model 'm' broke the connection"
    assert len(asker.server.requests) == 1


@both_ways
async def test_nobody_there(asker: Asker, streamed: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        message = await asker.failure(streamed=streamed, url=url)
    assert message == "custom model 'm' could not be reached"


@both_ways
@pytest.mark.parametrize("fault", ["hang", "trickle"])
async def test_the_time_limit_bounds_the_whole_call(
    asker: Asker, fault: str, streamed: bool
) -> None:
    asker.server.script(Reply(fault="hang" if fault == "hang" else "trickle"))
    message = await asker.failure(streamed=streamed, timeout=0.3, attempts=3)
    assert message == "custom model 'm' took longer than 0.3 s"
    assert len(asker.server.requests) == 1
    await asker.server.abandoned()


async def test_cancelling_hangs_up(asker: Asker) -> None:
    asker.server.script(Reply(fault="hang"))
    answer = asyncio.create_task(asker.ask(streamed=True))
    await asker.server.received(1)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    await asker.server.abandoned()


@pytest.mark.parametrize("reply", [Reply(status=401), Reply(status=500), Reply(fault="html")])
async def test_the_key_is_never_told(
    asker: Asker, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asker.server.script(reply, reply)
    model = await asker.model(attempts=2)
    with pytest.raises(ModelError) as caught:
        await model(ModelRequest(MESSAGES))
    logging.getLogger("test").exception("it failed", exc_info=caught.value)
    assert KEY not in caplog.text
    endpoint = Endpoint("custom", "http://user:pass@127.0.0.1/v1", "m", KEY)
    assert KEY not in repr(endpoint)
    assert "pass" not in repr(endpoint)


# Another try


@both_ways
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_passing_failure_is_tried_again(asker: Asker, status: int, streamed: bool) -> None:
    asker.server.script(Reply(status=status, headers={"Retry-After": "0"}), "Hello.")
    response = await asker.ask(streamed=streamed, attempts=3)
    assert response.text == "Hello."
    assert len(asker.server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_lasting_failure_is_not(asker: Asker, status: int) -> None:
    asker.server.script(Reply(status=status))
    await asker.failure(attempts=3)
    assert len(asker.server.requests) == 1


async def test_tries_are_counted(asker: Asker) -> None:
    asker.server.default = Reply(status=503, headers={"Retry-After": "0"})
    await asker.failure(attempts=3)
    assert len(asker.server.requests) == 3


async def test_a_wait_beyond_the_time_limit_is_not_begun(asker: Asker) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    asker.server.script(Reply(status=429, headers={"Retry-After": later}))
    async with asyncio.timeout(5):
        message = await asker.failure(attempts=3, timeout=60)
    assert message.startswith("custom model 'm' answered 429")
    assert len(asker.server.requests) == 1


async def test_the_wait_asked_for_is_kept(asker: Asker) -> None:
    asker.server.script(Reply(status=429, headers={"Retry-After": "0.3"}), "Hello.")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asker.ask(attempts=2)
    assert loop.time() - began >= 0.3


async def test_after_the_first_piece_there_is_no_other_try(asker: Asker) -> None:
    asker.server.script(Reply("one two three", fault="broken_stream", cut_after=2))
    await asker.failure(streamed=True, attempts=3)
    assert asker.sink.text == "one two"
    assert len(asker.server.requests) == 1


async def test_before_the_first_piece_there_is(asker: Asker) -> None:
    asker.server.script(Reply(fault="broken_stream", cut_after=0), "Hello.")
    response = await asker.ask(streamed=True, attempts=2)
    assert (response.text, asker.sink.text) == ("Hello.", "Hello.")
    assert len(asker.server.requests) == 2


# The plugin


def test_the_plugin_offers_one_model_by_its_provider() -> None:
    plugin: Plugin = openai_plugin(Endpoint("custom", "http://127.0.0.1/v1", "m", priority=None))
    (model,) = plugin.models
    assert (model.provider, model.name, model.priority) == ("custom", "m", None)


async def test_a_model_that_is_not_started_says_so() -> None:
    chat = ChatModel(Endpoint("custom", "http://127.0.0.1/v1", "m"))
    with pytest.raises(ModelError, match="custom model 'm' is not started"):
        await chat.answer(ModelRequest(MESSAGES))


def test_making_the_plugin_does_not_import_the_sdk() -> None:
    script = (
        "import sys; from plugins.openai_compatible import Endpoint, openai_plugin; "
        "openai_plugin(Endpoint('openai', 'http://127.0.0.1/v1', 'm')); "
        "sys.exit('openai' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], check=False)
    assert result.returncode == 0


@pytest.mark.parametrize("vision", [False, True])
async def test_images_go_to_models_that_see(server: ModelServer, vision: bool) -> None:
    chat = ChatModel(Endpoint("lead", server.url, "m", vision=vision))
    await chat.open()
    image = ImageInput(7, "cat.png", "image/png", b"png")
    said = ChatMessage("user", "what is this?", message_id=7)
    await chat.answer(ModelRequest((said,), images=(image,)))
    await chat.close()
    (asked,) = server.requests
    (message,) = asked.body["messages"]
    seen = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
    ]
    assert message["content"] == (seen if vision else "what is this?")
