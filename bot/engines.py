"""From settings to what opens the records' files; light, for commands that need nothing else."""

import importlib.util

from bot.settings import Settings, SettingsError
from bot.store.engine import Engine

NOT_ENCRYPTING = (
    "STORE_KEY: is set, but what encrypts is not installed. "
    "Run `pip install -e '.[encrypted]'` where pyproject.toml is."
)


def engine_of(settings: Settings) -> Engine:
    """What opens the records' files. Raises SettingsError for a key that nothing here can use."""
    if settings.store_key is None:
        return Engine()
    if importlib.util.find_spec("sqlcipher3") is None:
        raise SettingsError([NOT_ENCRYPTING])
    return Engine(settings.store_key.get_secret_value())
