"""Logging to stderr: ours at the level that is set, other libraries' warnings."""

import logging
import sys

import discord

OURS = ("bot", "plugins")


def set_up_logging(level: str) -> None:
    """Log our modules from `level` on (debug, info, warning, error), all others from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    # The bot has no voice; that it cannot speak is no warning.
    discord.VoiceClient.warn_nacl = False
    discord.VoiceClient.warn_dave = False
