"""What our bot costs beside bare discord.py clients: `python -m tests.benchmarks.front`.

The fake Discord and each bot run in processes of their own. Five questions, in interleaved rounds:

1. How many messages a second that are for nobody does the bot take? The reference is a client with
   an empty `on_message`.
2. What does an answer cost the bot's process, with a model that answers at once? The reference is
   a client that sends Discord the same calls.
3. How long does it take to be ready with 1,000 servers, and how much memory is in use then? The
   reference is a client with discord.py's defaults.
4. How much memory does one more server take?
5. How many messages a second does a bare client take while it keeps an exchange of one in twenty,
   by the store or plainly by aiosqlite? The reference is one that keeps nothing.

`ours` is the whole bot with an instant model, `run` the same as `understudy run` starts it (with
all it imports, and the garbage collector as it sets it), `recording` with custom reasoning on.
`unwaiting` is a bare client that waits for servers no longer than ours.

Prints medians. Look at the ratios: the figures are those of a machine.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bot.harness import Person
from tests.benchmarks.gateway import blast, fake_discord

ROUNDS = 5
FRAMES = 40_000
CHAT = (
    "honestly I tried it last night and it was fine until the third boss, then my controller died "
    "😅 is anybody on later? I have to cook first but could be there around nine, ten at the latest"
)
QUESTIONS = 400
TOGETHER = 8
GUILDS = (1, 1_000, 3_000)
CHANNELS = 10

Figures = dict[str, list[float]]


class Bot:
    """A bot in a process of its own; `ready` is what it said when it was."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, float]) -> None:
        self.ready = ready
        self._process = process

    async def tell(self, asked: object) -> dict[str, float]:
        """Ask it something and have the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        return await said(self._process)


async def said(process: asyncio.subprocess.Process) -> dict[str, float]:
    assert process.stdout is not None
    told: dict[str, float] = json.loads(await process.stdout.readline())
    return told


@asynccontextmanager
async def bot(kind: str, about: dict[str, Any]) -> AsyncIterator[Bot]:
    """A bot of that kind, ready."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.bots", kind, json.dumps(about)),
        stdin=pipe,
        stdout=pipe,
    )
    try:
        yield Bot(process, await said(process))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def show_unaddressed(rounds: int) -> None:
    rates: Figures = defaultdict(list)
    cpu_rates: Figures = defaultdict(list)
    async with fake_discord("people: [ada]\nguilds: 1") as about:
        for _ in range(rounds):
            for kind in ("bare", "ours", "run"):
                told = await flooded(kind, about)
                rates[kind].append(told["rate"])
                cpu_rates[kind].append(told["cpu_rate"])
    print(f"1. Messages that are for nobody, {FRAMES:,} a round, {rounds} rounds, per second")
    show(rates, "bare", "{:10,.0f}")
    print("   the same, per second of CPU")
    show(cpu_rates, "bare", "{:10,.0f}")


async def flooded(kind: str, about: dict[str, Any]) -> dict[str, float]:
    """What a bot of that kind tells of a flood of messages."""
    async with bot(kind, about) as client:
        taking = asyncio.create_task(client.tell({"take": FRAMES}))
        await asyncio.to_thread(blast, about, FRAMES, CHAT)
        return await taking


async def show_answers(rounds: int) -> None:
    cpu: Figures = defaultdict(list)
    async with (
        fake_discord("people: [ada]\nguilds: [{name: Home, owner: ada}]") as about,
        Person(about["users"][0], about["rest"], about["gateway"]) as ada,
    ):
        for _ in range(rounds):
            for kind in ("echo", "ours", "run", "recording"):
                async with bot(kind, about) as client:
                    if kind == "recording":
                        await enable(ada, about)
                    await questions(ada, about, TOGETHER * 4)
                    before = await client.tell("stat")
                    await questions(ada, about, QUESTIONS)
                    after = await client.tell("stat")
                cpu[kind].append((after["cpu"] - before["cpu"]) / QUESTIONS * 1000)
    print(f"2. An answer to a mention, {QUESTIONS} a round, {TOGETHER} at once, ms of CPU")
    show(cpu, "echo", "{:10.3f}")


async def enable(ada: Person, about: dict[str, Any]) -> None:
    """Switch custom reasoning on, and see that it is."""
    mark = ada.mark()
    await ada.say(about["channel_id"], "enable custom reasoning")
    told = await ada.message_from(about["bot_user_id"], since=mark)
    if "is on" not in told.content and "enabled" not in told.content.lower():
        raise RuntimeError(f"custom reasoning was not enabled: {told.content}")


async def questions(ada: Person, about: dict[str, Any], count: int) -> None:
    """Ask, and wait for all answers."""
    limit = asyncio.Semaphore(TOGETHER)

    async def ask(number: int) -> None:
        async with limit:
            mark = ada.mark()
            mine = await ada.say(
                about["channel_id"], f"<@{about['bot_user_id']}> what is {number}?"
            )
            await ada.wait_for(
                lambda e: (e.data.get("message_reference") or {}).get("message_id") == mine["id"],
                since=mark,
                timeout=60,
            )

    await asyncio.gather(*(ask(number) for number in range(count)))


async def show_ready(rounds: int) -> None:
    seconds: dict[int, Figures] = {}
    memory: dict[int, Figures] = {}
    kinds = ("bare", "unwaiting", "ours", "run")
    for guilds in GUILDS:
        seconds[guilds], memory[guilds] = defaultdict(list), defaultdict(list)
        world = f"people: [ada]\nguilds: [{{name: G, count: {guilds}, channels: {CHANNELS}}}]"
        async with fake_discord(world) as about:
            for _ in range(rounds):
                for kind in kinds:
                    async with bot(kind, about) as client:
                        seconds[guilds][kind].append(client.ready["ready"])
                        memory[guilds][kind].append(client.ready["rss"] / 1e6)
    few, thousand, many = GUILDS
    print(f"3. Ready with {thousand:,} servers of {CHANNELS} channels, {rounds} rounds, in s")
    show(seconds[thousand], "bare", "{:10.2f}")
    print("   memory then, in MB (with 1 server: the second figure)")
    for kind in kinds:
        now, one = (statistics.median(memory[guilds][kind]) for guilds in (thousand, few))
        print(f"   {kind:12} {now:10.1f} {one:10.1f}")
    print("4. Memory a server, in KB")
    slopes: Figures = {
        kind: [
            (statistics.median(memory[many][kind]) - statistics.median(memory[few][kind]))
            * 1e3
            / (many - few)
        ]
        for kind in kinds
    }
    show(slopes, "bare", "{:10.2f}")


async def show_storing(rounds: int) -> None:
    rates: Figures = defaultdict(list)
    async with fake_discord("people: [ada]\nguilds: 1") as about:
        for _ in range(rounds):
            for kind in ("unwaiting", "storing", "storing_plainly"):
                rates[kind].append((await flooded(kind, about))["rate"])
    print(f"5. Messages of which one in twenty is kept, {FRAMES:,} a round, per second")
    show(rates, "unwaiting", "{:10,.0f}")


def show(figures: Figures, reference: str, form: str) -> None:
    beside = statistics.median(figures[reference])
    for kind, all_of_them in figures.items():
        figure = statistics.median(all_of_them)
        print(f"   {kind:12} {form.format(figure)}  {figure / beside:6.2f} x", flush=True)


PARTS: dict[str, Callable[[int], Any]] = {
    "unaddressed": show_unaddressed,
    "answers": show_answers,
    "ready": show_ready,
    "storing": show_storing,
}


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts (default: all)")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    for part in args.parts or PARTS:
        await PARTS[part](args.rounds)


if __name__ == "__main__":
    asyncio.run(main())
