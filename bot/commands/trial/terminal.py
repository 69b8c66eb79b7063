"""Chatting in the terminal: a prompt, the bot's answers as they stream, Ctrl-D to leave."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

from bot.commands.standard_streams import OutputError
from bot.commands.trial.stage import NoAnswerError, Stage
from bot.harness import SeenMessage

HELP = """\
You are in #general of a fake server, with the bot Understudy.
  any text          say it to the bot (it hears it as if you mentioned it)
  /reasoning enable | disable | status
                    a slash command; / alone lists them
  /agent mode channel:#general mode:always
                    one with options; "quote" what has colons in it
  /click LABEL      press a button under the last message
  /as NAME          be someone else: {people}
  /help             this
Ctrl-D ends it. To begin: say hi, then “enable custom reasoning”, then “check reasoning status”.
"""


async def chat(stage: Stage, *, timeout: float) -> int:  # noqa: ASYNC109
    """Talk until the input ends. Returns 0."""
    name = next(iter(stage.people))
    people = ", ".join(f"{who} ({role})" for who, role in stage.roles.items())
    print(HELP.format(people=people))
    lines = InputLines()
    while True:
        line = await lines.read(f"{name} ({stage.roles[name]})> ")
        if line is None:
            print("\nGoodbye.")
            return 0
        if line == "/as" or line.startswith("/as "):
            name = switch(stage, line.removeprefix("/as").strip(), name)
        elif line == "/help":
            print(HELP.format(people=people))
        elif line:
            await converse(stage, name, line, timeout)


def switch(stage: Stage, wanted: str, current: str) -> str:
    """Who one is after `/as wanted`."""
    if wanted in stage.people:
        return wanted
    unknown = f"There is nobody called {wanted!r}. " if wanted else f"You are {current}. "
    print(f"{unknown}There is: {', '.join(stage.people)}.")
    return current


async def converse(stage: Stage, name: str, line: str, timeout: float) -> None:  # noqa: ASYNC109
    """Say one line and show the answer as it grows."""
    screen = Screen(stage.names.readable)
    try:
        replies = await stage.say(name, line, timeout, on_change=screen.show)
    except NoAnswerError as error:
        print(error if "\n" in str(error) else f"({error})")
        return
    screen.finish([reply.text for reply in replies], private=replies[0].ephemeral)
    if replies[-1].buttons:
        print(*(f"[{label}]" for label in replies[-1].buttons), " (press one: /click LABEL)")


class Screen:
    """Shows messages that grow; what was printed cannot be taken back, only followed."""

    def __init__(self, readable: Callable[[str], str]) -> None:
        self._readable = readable
        self._printed: list[str] = []
        self._ids: list[str] = []

    def show(self, message: SeenMessage) -> None:
        """A message of the bot as it is now."""
        message_id = str(message.latest["id"])
        if message_id not in self._ids:
            self._ids.append(message_id)
        self._print(self._ids.index(message_id), self._readable(message.content))

    def finish(self, texts: list[str], *, private: bool) -> None:
        """The whole answer: what is missing of it is printed."""
        for index, text in enumerate(texts):
            self._print(index, text, private=private)
        print()

    def _print(self, index: int, text: str, *, private: bool = False) -> None:
        if index == len(self._printed):
            start = "\n" if index else ""
            print(f"{start}Understudy{' (only you can see this)' if private else ''}: ", end="")
            self._printed.append("")
        before = self._printed[index]
        if text == before:
            return
        if text.startswith(before):
            print(text[len(before) :], end="", flush=True)
        else:
            print(f"\nUnderstudy (edited): {text}", end="", flush=True)
        self._printed[index] = text


@contextlib.contextmanager
def terminal_kept() -> Iterator[None]:
    """The terminal is as it was when the block ends, whatever happens in it.

    readline switches the echo off while it prompts, and Ctrl-C ends us without its cleaning up.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):  # Windows has none, and readline neither
            import termios

            if sys.stdin.isatty():
                fd = sys.stdin.fileno()
                stack.enter_context(contextlib.suppress(termios.error))  # it is gone by then
                stack.callback(termios.tcsetattr, fd, termios.TCSANOW, termios.tcgetattr(fd))
        yield


class InputLines:
    """Lines from standard input, read by a thread of their own so that the loop goes on."""

    def __init__(self) -> None:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - gives `input` editing and history
        self._loop = asyncio.get_running_loop()

    async def read(self, prompt: str) -> str | None:
        """The next line, or None at the end of the input."""
        answer: asyncio.Future[str | None] = self._loop.create_future()

        def ask() -> None:
            try:
                line: str | None = input(prompt).strip()
            except (EOFError, OSError, ValueError, OutputError):
                line = None
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(settle, line)

        def settle(line: str | None) -> None:
            if not answer.done():
                answer.set_result(line)

        # A daemon: Ctrl-C must not wait for a last line.
        threading.Thread(target=ask, name="input", daemon=True).start()
        sys.stdout.flush()
        return await answer
