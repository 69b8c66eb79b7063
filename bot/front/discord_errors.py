"""What may go wrong on the way to Discord, and what may go well when it is tried again."""

import aiohttp
import discord

UNREACHED = (discord.HTTPException, aiohttp.ClientError, OSError)
"""Discord refused, did not answer, or the connection broke. OSError includes TimeoutError."""


def is_final(error: BaseException) -> bool:
    """Whether trying again is pointless: it is gone, or not allowed, or wrong."""
    return isinstance(error, discord.HTTPException) and 400 <= error.status < 500
