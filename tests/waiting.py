"""Waiting for a condition, and not for a time."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return once something is the case. Raises TimeoutError when it is not by then."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)
