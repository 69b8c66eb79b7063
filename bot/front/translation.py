"""The commands in other languages: one file a language in `locales`, by the English names."""

import asyncio
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Place

FOLDER = Path(__file__).parent / "locales"
LOCALES: Mapping[discord.Locale, str] = {
    discord.Locale.german: "de",
    discord.Locale.french: "fr",
    discord.Locale.spain_spanish: "es",
    discord.Locale.latin_american_spanish: "es",
    discord.Locale.brazil_portuguese: "pt",
    discord.Locale.japanese: "ja",
}


class FileTranslator(app_commands.Translator):
    """Looks a name or a description up; what has no translation stays English."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._languages: dict[str, dict[str, Any]] = {}

    async def load(self) -> None:
        """Read the files. Raises OSError, or TOMLDecodeError."""
        self._languages = await asyncio.to_thread(read_languages, self._folder)

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The string in that language, or None."""
        language = self._languages.get(LOCALES.get(locale, ""))
        if language is None:
            return None
        found = look_up(language, context.location, context.data, string.message)
        return found if isinstance(found, str) else None


def read_languages(folder: Path) -> dict[str, dict[str, Any]]:
    """Every language's file."""
    return {
        language: tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))
        for language in sorted(set(LOCALES.values()))
    }


def look_up(
    language: Mapping[str, Any],
    place: Place,
    data: Any,  # noqa: ANN401 - a command, a group, a parameter or a choice
    english: str,
) -> object:
    """What a file has for a string at its place."""
    if place is Place.choice_name:
        return language.get("choices", {}).get(english)
    what = "name" if place.name.endswith("name") else "description"
    if place in (Place.parameter_name, Place.parameter_description):
        command = language.get(data.command.qualified_name, {})
        return command.get("options", {}).get(data.display_name, {}).get(what)
    return language.get(data.qualified_name, {}).get(what)
