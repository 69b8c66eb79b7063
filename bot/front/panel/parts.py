"""The buttons, selects and forms of the panel: each tells a function of the page it is on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord

Pressed = Callable[[discord.Interaction[Any]], Awaitable[None]]
Chosen = Callable[[discord.Interaction[Any], Sequence[Any]], Awaitable[None]]
Filled = Callable[[discord.Interaction[Any], Mapping[str, str]], Awaitable[None]]

Failed = Callable[[discord.Interaction[Any], Exception], Awaitable[None]]

FORM_SECONDS = 900.0


class PanelButton(discord.ui.Button[Any]):
    """A button that tells `pressed`."""

    def __init__(
        self,
        label: str,
        custom_id: str,
        pressed: Pressed,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    ) -> None:
        super().__init__(label=label, custom_id=custom_id, style=style)
        self._pressed = pressed

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """It was pressed."""
        await self._pressed(interaction)


class PanelSelect(discord.ui.Select[Any]):
    """A list of which one is chosen."""

    def __init__(
        self,
        custom_id: str,
        placeholder: str,
        options: list[discord.SelectOption],
        chosen: Chosen,
    ) -> None:
        super().__init__(custom_id=custom_id, placeholder=placeholder, options=options)
        self._chosen = chosen

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Something was chosen."""
        await self._chosen(interaction, self.values)


class PanelChannelSelect(discord.ui.ChannelSelect[Any]):
    """A channel or thread of the server."""

    TYPES = (
        discord.ChannelType.text,
        discord.ChannelType.news,
        discord.ChannelType.forum,
        discord.ChannelType.voice,
        discord.ChannelType.public_thread,
        discord.ChannelType.private_thread,
        discord.ChannelType.news_thread,
    )

    def __init__(self, custom_id: str, chosen_id: int | None, chosen: Chosen) -> None:
        kind = discord.SelectDefaultValueType.channel
        default = [discord.SelectDefaultValue(id=chosen_id, type=kind)] if chosen_id else []
        super().__init__(
            custom_id=custom_id,
            placeholder="A channel or thread",
            channel_types=list(self.TYPES),
            default_values=default,
        )
        self._chosen = chosen

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """A channel was chosen."""
        await self._chosen(interaction, self.values)


class PanelRoleSelect(discord.ui.RoleSelect[Any]):
    """Any number of the server's roles."""

    MOST = 25

    def __init__(self, custom_id: str, role_ids: Sequence[int], chosen: Chosen) -> None:
        kind = discord.SelectDefaultValueType.role
        super().__init__(
            custom_id=custom_id,
            placeholder="Everybody; or choose roles",
            min_values=0,
            max_values=self.MOST,
            default_values=[discord.SelectDefaultValue(id=role, type=kind) for role in role_ids],
        )
        self._chosen = chosen

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Roles were chosen, or none."""
        await self._chosen(interaction, self.values)


@dataclass(frozen=True, slots=True)
class Field:
    """A text of a form: `name` is its key, `value` what it reads at first."""

    name: str
    label: str
    value: str
    hint: str | None = None
    longest: int = 20
    long: bool = False
    required: bool = False


class Form(discord.ui.Modal):
    """Some texts to fill in; tells `filled` of them by name."""

    def __init__(self, title: str, fields: Sequence[Field], filled: Filled, failed: Failed) -> None:
        super().__init__(title=title, timeout=FORM_SECONDS)
        self._filled = filled
        self._failed = failed
        self._inputs: dict[str, discord.ui.TextInput[Any]] = {}
        for field in fields:
            style = discord.TextStyle.paragraph if field.long else discord.TextStyle.short
            text: discord.ui.TextInput[Any] = discord.ui.TextInput(
                custom_id=field.name,
                style=style,
                default=field.value or None,
                required=field.required,
                max_length=field.longest,
            )
            self._inputs[field.name] = text
            self.add_item(
                discord.ui.Label(text=field.label, description=field.hint, component=text)
            )

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """It was sent."""
        await self._filled(interaction, {name: text.value for name, text in self._inputs.items()})

    async def on_error(  # type: ignore[override] # discord.py's own modal has it so
        self, interaction: discord.Interaction[Any], error: Exception, /
    ) -> None:
        """Something broke on the way."""
        await self._failed(interaction, error)
