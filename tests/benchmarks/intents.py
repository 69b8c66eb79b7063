"""What intents cost: `python -m tests.benchmarks.intents`.

The gate is compared to `str.casefold()` of the same messages, in the same run, so that the ratio
means something on any machine. The full reading is of the labelled messages in the tests.
"""

import statistics
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bot.agent.intents import IntentMatcher, load_languages
from bot.commands.intents import read_examples
from plugins.reasoning.intents import INTENTS

CASES = sorted((Path(__file__).resolve().parents[1] / "agent/intents/cases").glob("*.jsonl"))
CHAT = (
    "lol yeah that was wild, did you see the game last night?",
    "anyone up for some ranked in like 20 mins?",
    "I think the deploy failed again, checking the logs now",
    "morning all",
    "the new patch is so broken they need to nerf that champion asap tbh",
    "ok",
    "can someone share the link to the doc from yesterday's meeting please?",
    "brb food 🍕",
    "does the bot know how to play chess or nah",
)


def microseconds(call: Callable[[], object], number: int) -> float:
    """Return the least time of a call: whatever is more is other programs' noise."""
    return min(timeit.repeat(call, number=number, repeat=7)) / number * 1e6


def main() -> None:
    """Measure and print."""
    start = timeit.default_timer()
    languages = load_languages()
    matcher = IntentMatcher(INTENTS, languages)
    print(f"reading the languages and building the matcher: {timeit.default_timer() - start:.2f} s")

    gate = sum(microseconds(partial(matcher.might_match, text), 20_000) for text in CHAT)
    fold = sum(microseconds(text.casefold, 20_000) for text in CHAT)
    print(f"gate: {gate / len(CHAT):.2f} µs a message, {gate / fold:.1f} x casefold")

    texts = [example.text for path in CASES for example in read_examples(path)]
    texts = [text for text in texts if matcher.might_match(text)]
    times = [microseconds(partial(matcher.match, text, addressed=True), 20) for text in texts]
    times.sort()
    print(
        f"full reading of {len(times)} messages: median {statistics.median(times):.0f} µs, "
        f"95 % under {times[int(0.95 * len(times))]:.0f} µs, "
        f"99 % under {times[int(0.99 * len(times))]:.0f} µs, longest {times[-1]:.0f} µs"
    )


if __name__ == "__main__":
    main()
