import pytest

from bot.agent.intents import IntentMatcher, Language, load_languages
from plugins.reasoning.intents import INTENTS


@pytest.fixture(scope="session")
def languages() -> dict[str, Language]:
    return load_languages()


@pytest.fixture(scope="session")
def matcher(languages: dict[str, Language]) -> IntentMatcher:
    return IntentMatcher(INTENTS, languages)
