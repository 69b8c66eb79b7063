"""The client libraries that the fake Discord is tried with, and their versions."""

from .environments import Library, NodeLibrary, PythonLibrary

LIBRARIES: tuple[Library, ...] = (
    PythonLibrary("discord.py", "discord_py_bot.py", ("discord.py>=2.7,<2.8",)),
    PythonLibrary("py-cord", "py_cord_bot.py", ("py-cord>=2.8,<2.9",)),
    PythonLibrary(
        "nextcord",
        "nextcord_bot.py",
        (
            "nextcord>=2.6,<2.7",
            # It imports what these have, and does not ask for them.
            "setuptools<81",
            "audioop-lts; python_version >= '3.13'",
        ),
    ),
    PythonLibrary("disnake", "disnake_bot.py", ("disnake>=2.12,<2.13",)),
    PythonLibrary("hikari", "hikari_bot.py", ("hikari>=2.7,<2.8",)),
    NodeLibrary("discord.js", "discord_js_bot.mjs", "^14.26.0"),
    NodeLibrary("oceanic.js", "oceanic_js_bot.mjs", "^1.15.0"),
)
