"""`/agent settings`: one panel for all that an admin sets."""

from bot.front.panel.panel import SettingsPanel

__all__ = ["SettingsPanel"]
