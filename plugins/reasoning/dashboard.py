"""The last day in figures: as text, and as a picture that says the same."""

import asyncio
import logging
import time

from bot.agent.actions import Attachment
from bot.agent.runtime import AgentRuntime
from bot.store.activity import MOST_ROWS, Activity
from bot.store.problems import StoreError
from plugins.reasoning.chart import draw

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
HOURS = 24


async def read_day(runtime: AgentRuntime) -> Activity | None:
    """The last 24 hours of a runtime's world, by the hour; None when they cannot be read."""
    now = time.time_ns() // 1_000_000 + 1
    try:
        return await runtime.store.activity(now - DAY_MS, now, HOURS)
    except StoreError as error:
        log.error("The activity of %s cannot be read: %s", runtime.world, error)
        return None


def day_lines(activity: Activity | None) -> list[str]:
    """The figures of the day."""
    if activity is None:
        return ["Last 24 hours: unknown"]
    total = activity.total
    if not total.exchanges:
        return ["Last 24 hours: no exchanges"]
    cut = f" (the newest {MOST_ROWS:,})" if activity.cut else ""
    noun = "exchange" if total.exchanges == 1 else "exchanges"
    lines = [f"Last 24 hours: {total.exchanges:,} {noun}{cut}"]
    lines[0] += f" · fell back {total.fallbacks:,} · failed {total.failures:,}"
    lines[0] += f" · 👍 {activity.thumbs_up:,} 👎 {activity.thumbs_down:,}"
    if total.p50 is not None and total.p95 is not None:
        lines.append(f"Latency: p50 {seconds(total.p50)} · p95 {seconds(total.p95)}")
    if total.prompt_tokens or total.completion_tokens:
        lines.append(
            f"Tokens: {total.prompt_tokens:,} in prompts · {total.completion_tokens:,} in answers"
        )
    return lines


async def day_chart(activity: Activity | None) -> tuple[Attachment, ...]:
    """The picture of the day; none for a day without exchanges, or without Pillow."""
    if activity is None or not activity.total.exchanges:
        return ()
    try:
        picture = await asyncio.to_thread(draw, activity)
    except ImportError as error:
        log.info("There is no chart: %s", error)
        return ()
    return (Attachment("last-24-hours.png", picture, description(activity)),)


def description(activity: Activity) -> str:
    """What the picture shows, for who cannot see it."""
    busiest = max(range(len(activity.buckets)), key=lambda i: activity.buckets[i].exchanges)
    ago = len(activity.buckets) - busiest
    return (
        "Bar charts of the last 24 hours by the hour: exchanges, latency, tokens. "
        + ". ".join(day_lines(activity))
        + f". The busiest hour began {ago} h ago, with "
        f"{activity.buckets[busiest].exchanges:,} exchanges."
    )


def seconds(milliseconds: float) -> str:
    """A duration."""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    return (
        f"{milliseconds / 1000:.2g} s" if milliseconds < 10_000 else f"{milliseconds / 1000:.0f} s"
    )
