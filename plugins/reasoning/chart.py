"""The chart of a day: exchanges, latency and tokens by the hour, as a small picture.

Dark letters would vanish on Discord's dark background and light ones on its light one: the
picture brings its own background. Pillow is imported where it is drawn, not when the bot starts.
"""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bot.store.activity import Activity, Counted

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT = 1100, 720
MARGIN = 36
TITLE_SIZE, LABEL_SIZE = 34, 28
"""Discord shows it at half its size."""
BACK, GRID, INK, PALE = "#1e1f22", "#3f4147", "#f2f3f5", "#b5bac1"
BLUE, AMBER, RED, VIOLET = "#5b9dff", "#ffb02e", "#ff6b6b", "#b794f6"

Layer = tuple[str, str, Callable[[Counted], float]]
"""A part of each bar: what it is called, its colour, and how high it is. The first is lowest."""

EXCHANGES: Sequence[Layer] = (
    ("answered", BLUE, lambda c: c.exchanges - c.fallbacks_answered - c.failures),
    ("fell back", AMBER, lambda c: c.fallbacks_answered),
    ("failed", RED, lambda c: c.failures),
)
LATENCY: Sequence[Layer] = (
    ("p50", BLUE, lambda c: (c.p50 or 0) / 1000),
    ("up to p95", VIOLET, lambda c: ((c.p95 or 0) - (c.p50 or 0)) / 1000),
)
TOKENS: Sequence[Layer] = (
    ("prompts", BLUE, lambda c: c.prompt_tokens),
    ("answers", VIOLET, lambda c: c.completion_tokens),
)
PLOTS: Sequence[tuple[str, Sequence[Layer], str]] = (
    ("Exchanges", EXCHANGES, "at most {} an hour"),
    ("Latency", LATENCY, "slowest hour {} s"),
    ("Tokens", TOKENS, "at most {} an hour"),
)


def draw(activity: Activity) -> bytes:
    """The picture as a PNG file. Raises ImportError without Pillow."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, HEIGHT), BACK)
    pen = ImageDraw.Draw(image)
    each = (HEIGHT - MARGIN - 32) // len(PLOTS)
    for number, (title, layers, scale) in enumerate(PLOTS):
        plot(pen, activity, title, layers, scale, MARGIN // 2 + number * each, each)
    write(pen, (MARGIN, HEIGHT - 44), "24 hours ago", LABEL_SIZE, PALE)
    write(pen, (WIDTH // 2, HEIGHT - 44), "12 hours ago", LABEL_SIZE, PALE, "ma")
    write(pen, (WIDTH - MARGIN, HEIGHT - 44), "now", LABEL_SIZE, PALE, "ra")
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def plot(
    pen: "ImageDraw",
    activity: Activity,
    title: str,
    layers: Sequence[Layer],
    scale: str,
    top: int,
    height: int,
) -> None:
    """One of the plots: a bar for each stretch of time; `scale` says how high the highest is."""
    write(pen, (MARGIN, top), title, TITLE_SIZE, INK)
    right = WIDTH - MARGIN
    for name, colour, _ in reversed(layers):
        right -= int(pen.textlength(name, font=font(LABEL_SIZE)))
        write(pen, (right, top + 5), name, LABEL_SIZE, PALE)
        pen.rectangle((right - 30, top + 11, right - 10, top + 31), fill=colour)
        right -= 56
    bottom, high = top + height - 16, top + 54
    highest = max(sum(part(c) for _, _, part in layers) for c in activity.buckets)
    told = scale.format(shown(highest)) if highest else "nothing"
    behind = MARGIN + int(pen.textlength(title, font=font(TITLE_SIZE))) + 28
    write(pen, (behind, top + 5), told, LABEL_SIZE, PALE)
    pen.line((MARGIN, high, WIDTH - MARGIN, high), fill=GRID)
    pen.line((MARGIN, bottom, WIDTH - MARGIN, bottom), fill=GRID, width=2)
    step = (WIDTH - 2 * MARGIN) / len(activity.buckets)
    for number, counted in enumerate(activity.buckets):
        left, level = MARGIN + number * step, float(bottom)
        for _, colour, part in layers:
            if (value := part(counted)) > 0:
                # What there is, is seen: a failure among thousands is two pixels high.
                upper = level - max(2.0, value / highest * (bottom - high))
                pen.rectangle((left + 4, upper, left + step - 4, level - 1), fill=colour)
                level = upper


def write(
    pen: "ImageDraw", place: tuple[int, int], text: str, size: int, colour: str, anchor: str = "la"
) -> None:
    """Write a text; `anchor` says which point of it is at `place`, in Pillow's letters."""
    pen.text(place, text, font=font(size), fill=colour, anchor=anchor)


def font(size: int):  # type: ignore[no-untyped-def]  # noqa: ANN201 - one of Pillow's two
    """Pillow's own font."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def shown(value: float) -> str:
    """A number in few letters."""
    for limit, sign in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{sign}"
    return f"{value:.3g}"
