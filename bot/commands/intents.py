"""The command `understudy intents`: what messages lead to, and why."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.agent.intents import IntentMatcher, Outcome
from plugins.reasoning.intents import INTENTS

WRONG_INPUT = 2
NO_LABEL = "none"


class BadFileError(Exception):
    """The file of messages cannot be read; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a file: a message and, if it is labelled, what it should lead to."""

    text: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a message led to; `got` is the label of the action that was matched."""

    example: Example
    outcome: Outcome
    action: str | None
    got: str


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "intents",
        help="show which messages would switch custom reasoning, and why",
        description="Read messages and show what each would lead to; nothing is switched.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "file", nargs="?", type=Path, help='a file with {"text": …, "label": …} on each line'
    )
    what.add_argument("--explain", metavar="TEXT", help="say why one message leads to what it does")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    parser.add_argument(
        "--unaddressed", action="store_true", help="as if the messages were not said to the bot"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the outcomes; return 0, or 2 when the file is wrong."""
    matcher = IntentMatcher(INTENTS)
    if args.explain is not None:
        print(explained(matcher, args.explain, addressed=not args.unaddressed))
        return 0
    try:
        examples = list(read_examples(args.file))
    except BadFileError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    results = [measured(matcher, example, addressed=not args.unaddressed) for example in examples]
    show = _as_json if args.json else _as_text
    for line in show(results):
        print(line)
    return 0


def explained(matcher: IntentMatcher, text: str, *, addressed: bool = True) -> str:
    """Return a few lines of plain text: what was recognised and why it did or didn't act."""
    return str(matcher.match(text, addressed=addressed).explanation)


def read_examples(path: Path) -> Iterator[Example]:
    """Yield the messages of a JSON lines file; raise `BadFileError` naming a wrong line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadFileError(f"{path} cannot be read: {reason}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _example(f"{path}, line {number}", line)


def _example(place: str, line: str) -> Example:
    try:
        data = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadFileError(f"{place}: this is not JSON") from error
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        raise BadFileError(f'{place}: it needs an object with a "text"')
    label = data.get("label")
    if label is not None and not isinstance(label, str):
        raise BadFileError(f"{place}: the label must be a string")
    return Example(data["text"], label)


def measured(matcher: IntentMatcher, example: Example, *, addressed: bool) -> Result:
    """Match one message."""
    match = matcher.match(example.text, addressed=addressed)
    got = matcher.intents[match.action].label if match.action else NO_LABEL
    return Result(example, match.outcome, match.action, got)


def is_wrong(result: Result) -> bool:
    """Say whether an action was taken that the label does not ask for."""
    label = result.example.label
    return result.outcome is Outcome.ACT and label is not None and result.got != label


def summary(results: Iterable[Result]) -> dict[str, int]:
    """Count what matters of labelled messages."""
    labelled = [result for result in results if result.example.label is not None]
    true = [result for result in labelled if result.example.label != NO_LABEL]
    right = [result for result in true if result.got == result.example.label]
    return {
        "messages": len(labelled),
        "true": len(true),
        "act": sum(result.outcome is Outcome.ACT for result in right),
        "act_or_ask": len(right),
        "wrong": sum(is_wrong(result) for result in labelled),
        "asked_needlessly": sum(
            result.outcome is Outcome.ASK
            for result in labelled
            if result.got != result.example.label
        ),
    }


def confusion(results: Iterable[Result]) -> Mapping[tuple[str, str], int]:
    """Count the pairs of what should be and what was ("enable act", "status ask", "none")."""
    return Counter(
        (result.example.label, _outcome(result))
        for result in results
        if result.example.label is not None
    )


def _outcome(result: Result) -> str:
    return NO_LABEL if result.action is None else f"{result.got} {result.outcome}"


def _as_json(results: list[Result]) -> Iterator[str]:
    for result in results:
        line: dict[str, object] = {"text": result.example.text}
        if result.example.label is not None:
            line["label"] = result.example.label
        line |= {"outcome": result.outcome, "action": result.action, "got": result.got}
        yield json.dumps(line, ensure_ascii=False)
    table: dict[str, dict[str, int]] = {}
    for (label, outcome), count in sorted(confusion(results).items()):
        table.setdefault(label, {})[outcome] = count
    yield json.dumps({"summary": summary(results), "confusion": table}, ensure_ascii=False)


def _as_text(results: list[Result]) -> Iterator[str]:
    for result in results:
        mark = " <- wrong" if is_wrong(result) else ""
        action = f" {result.action}" if result.action else ""
        text = " / ".join(result.example.text.splitlines())
        yield f"{result.outcome:4}{action}  {text}{mark}"
    counts = confusion(results)
    if counts:
        yield ""
        yield from _table(counts)
        yield ""
        yield from _totals(summary(results))


def _table(counts: Mapping[tuple[str, str], int]) -> Iterator[str]:
    labels = sorted({label for label, _ in counts})
    outcomes = sorted({outcome for _, outcome in counts})
    first = max(len(label) for label in (*labels, "should be"))
    yield "  ".join(("should be".ljust(first), *outcomes))
    for label in labels:
        cells = (str(counts.get((label, o), 0) or "·").rjust(len(o)) for o in outcomes)
        yield "  ".join((label.ljust(first), *cells))


def _totals(totals: Mapping[str, int]) -> Iterator[str]:
    true = totals["true"]
    if true:
        yield f"acted on {totals['act'] / true:.1%} of {true} true commands and questions"
        yield f"acted or asked on {totals['act_or_ask'] / true:.1%}"
    yield f"wrong actions: {totals['wrong']} of {totals['messages']} messages"
    yield f"asked needlessly: {totals['asked_needlessly']}"
