"""Exchanges as people read them: one in a line, one in full."""

import discord

from bot.front.splitting import LIMIT
from bot.store.pages import ExchangeSummary

SHORT = 60
LONG = 700
LONGEST_CHOICE = 100


def in_a_line(exchange: ExchangeSummary) -> str:
    """One line of a list, with the id by which it is shown in full."""
    votes = f" 👍{exchange.thumbs_up}" if exchange.thumbs_up else ""
    votes += f" 👎{exchange.thumbs_down}" if exchange.thumbs_down else ""
    who = f"<@{exchange.user_id}>" if exchange.user_id else "nobody"
    where = f" <#{exchange.room_id}>" if exchange.room_id else ""
    return (
        f"{mark(exchange)} `{exchange.id}` <t:{exchange.timestamp // 1000}:R> {who}{where}{votes}\n"
        f"-# {plain(exchange.question or '(not kept)', SHORT)} → "
        f"{plain(exchange.output or exchange.error or '(not kept)', SHORT)}"
    )


def in_full(exchange: ExchangeSummary) -> str:
    """All that is known of one, as one message; long texts are cut, and say so."""
    lines = [
        f"{mark(exchange)} **Exchange** `{exchange.id}` · <t:{exchange.timestamp // 1000}:f>",
        f"• Asked by <@{exchange.user_id}> in <#{exchange.room_id}> · {exchange.model_type}",
        f"• Answered by {code(exchange.model)} ({plain(exchange.provider or '?', 40)}) "
        f"in {exchange.latency_ms / 1000:.2f} s"
        + (f" · ended: {plain(exchange.finish_reason, 20)}" if exchange.finish_reason else ""),
    ]
    if exchange.fallback_from:
        why = plain(exchange.fallback_reason or "", 150)
        lines.append(f"• In place of {code(exchange.fallback_from)}: {why}")
    if exchange.error:
        lines.append(f"• Failed: {plain(exchange.error, 150)}")
    lines.append(f"• 👍 {exchange.thumbs_up} · 👎 {exchange.thumbs_down}")
    lines += ["**Question**", quoted(exchange.question), "**Answer**", quoted(exchange.output)]
    return "\n".join(lines)[:LIMIT]


def as_choice(exchange: ExchangeSummary) -> str:
    """What autocompletion offers: no Markdown is shown there, and no times."""
    when = discord.utils.snowflake_time(exchange.id).strftime("%Y-%m-%d %H:%M UTC")
    said = " ".join((exchange.question or exchange.output or "(not kept)").split())
    return f"{when} {exchange.name or ''}: {said}"[:LONGEST_CHOICE]


def mark(exchange: ExchangeSummary) -> str:
    """How it went, as a sign."""
    if not exchange.success:
        return "❌"
    return "↩️" if exchange.fallback_from else "✅"


def plain(text: str, longest: int) -> str:
    """A text on one line, without Markdown, cut to a length."""
    line = " ".join(text.split())
    cut = line[: longest - 1] + "…" if len(line) > longest else line
    return discord.utils.escape_mentions(discord.utils.escape_markdown(cut, as_needed=False))


def code(name: str | None) -> str:
    """A name as code."""
    return f"`{(name or '?').replace('`', chr(39))[:80]}`"


def quoted(text: str | None) -> str:
    """A text as a quotation, cut where it is long."""
    if text is None:
        return "> (not kept)"
    shown = "\n".join(f"> {line}" for line in discord.utils.escape_mentions(text).splitlines())
    return shown[:LONG] + " […]" if len(shown) > LONG else shown
