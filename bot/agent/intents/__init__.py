"""From what people write to the action they mean, or to none."""

from bot.agent.intents.explain import Explanation
from bot.agent.intents.intent import Intent, IntentCollision, Kind
from bot.agent.intents.language import Language, LanguageError, load_languages
from bot.agent.intents.matcher import IntentMatcher, Match, Outcome

__all__ = [
    "Explanation",
    "Intent",
    "IntentCollision",
    "IntentMatcher",
    "Kind",
    "Language",
    "LanguageError",
    "Match",
    "Outcome",
    "load_languages",
]
