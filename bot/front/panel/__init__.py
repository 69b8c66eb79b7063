"""`/agent settings`: one panel for all that an admin sets."""

from bot.front.panel.panel import Panels, SettingsPanel

__all__ = ["Panels", "SettingsPanel"]
