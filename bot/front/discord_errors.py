"""What may go wrong on the way to Discord, and what may go well when it is tried again."""

import aiohttp
import discord

UNREACHED = (discord.HTTPException, aiohttp.ClientError, OSError)
"""Discord refused, did not answer, or the connection broke. OSError includes TimeoutError."""

PASSING = frozenset({408, 429})
"""Refusals that pass: too slow, and too many (discord.py has waited five times by then)."""


def is_final(error: BaseException) -> bool:
    """Whether trying again is pointless: it is gone, or not allowed, or wrong."""
    if not isinstance(error, discord.HTTPException) or error.status in PASSING:
        return False
    return 400 <= error.status < 500
