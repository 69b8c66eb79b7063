"""Playing a script: each line is said, its answer awaited and printed."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.commands.trial.stage import NoAnswerError, Reply, Stage


class ScriptError(Exception):
    """The script cannot be played: which line, and what it should be."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line to say: its number in the file, who says it, and what."""

    number: int
    name: str
    text: str


def read_script(path: Path) -> list[Line]:
    """The lines of a script, without blank ones and `#` comments. Raises ScriptError."""
    try:
        raw = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: cannot be read ({error}).") from error
    lines = []
    for number, line in enumerate(raw.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, text = line.partition(":")
        if not colon or not name.strip() or not text.strip():
            raise ScriptError(f"{path}, line {number}: should be `NAME: text`, is {line!r}.")
        lines.append(Line(number, name.strip(), text.strip()))
    return lines


async def play(stage: Stage, lines: list[Line], *, timeout: float, as_json: bool) -> int:  # noqa: ASYNC109
    """Say every line and print what comes back. Returns 1 if a line got none, or an apology.

    Without any answer it ends there: what follows may build on it.
    """
    for line in lines:
        if line.name not in stage.people:
            known = ", ".join(stage.people)
            raise ScriptError(
                f"Line {line.number}: nobody is called {line.name!r}; there is {known}."
            )
    code = 0
    for line in lines:
        if not as_json:
            print(f"{line.name} ({stage.roles[line.name]}): {line.text}", flush=True)
        try:
            replies = await stage.say(line.name, line.text, timeout)
        except NoAnswerError as error:
            name_line(line, str(error))
            return 1
        print(described(line, replies) if as_json else transcript(replies), flush=True)
        if any(reply.failed for reply in replies):
            name_line(line, "the bot could not answer")
            code = 1
    return code


def name_line(line: Line, wrong: str) -> None:
    """Say which line did not get its answer, and why."""
    print(f"Line {line.number} ({line.name}: {line.text}): {wrong}", file=sys.stderr)


def transcript(replies: list[Reply]) -> str:
    """The bot's answer as people read it."""
    return "\n".join(
        f"Understudy{' (only you can see this)' if reply.ephemeral else ''}: {reply.text}"
        for reply in replies
    )


def described(line: Line, replies: list[Reply]) -> str:
    """The line and its answer as one JSON object."""
    return json.dumps(
        {
            "line": line.number,
            "name": line.name,
            "text": line.text,
            "reply": "\n".join(reply.text for reply in replies),
            "ephemeral": any(reply.ephemeral for reply in replies),
            "buttons": [label for reply in replies for label in reply.buttons],
            "failed": any(reply.failed for reply in replies),
        },
        ensure_ascii=False,
    )
