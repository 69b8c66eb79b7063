"""The pages of the settings panel: what each shows, and what its parts do."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import discord

from bot.agent.models import Purpose
from bot.agent.recording import DISABLE, ENABLE, SET_RETENTION
from bot.front.agent_settings import (
    LONGEST_NAME,
    LONGEST_PROMPT,
    AgentSettings,
    BadSettingError,
    Mode,
)
from bot.front.panel.history import changes_page
from bot.front.panel.parts import (
    Field,
    Form,
    PanelButton,
    PanelChannelSelect,
    PanelRoleSelect,
    PanelSelect,
)
from bot.front.panel.state import PURPOSES, State

if TYPE_CHECKING:
    from bot.front.panel.panel import SettingsPanel

SHOWN_PROMPT = 600
SHOWN_CHANNELS = 25
MOST_OPTIONS = 25
USUAL = "-"

Parts = list[discord.ui.Item[Any]]
Interaction = discord.Interaction[Any]

MODES = {
    Mode.MENTION: ("When it is spoken to", "mentions, replies, its own threads"),
    Mode.ALWAYS: ("Always", "every message of a person"),
    Mode.AMBIENT: ("When it fits", "a model decides for each message"),
    Mode.NEVER: ("Never", "not even when it is mentioned"),
}


class Page(StrEnum):
    """The pages, in the order of the list."""

    OVERVIEW = "overview"
    PERSONA = "persona"
    CHANNELS = "channels"
    ACCESS = "access"
    MODELS = "models"
    REASONING = "reasoning"
    CHANGES = "changes"

    @property
    def heading(self) -> str:
        """What people read."""
        return TITLES[self]


TITLES = {
    Page.OVERVIEW: "Overview",
    Page.PERSONA: "Persona",
    Page.CHANNELS: "Channels",
    Page.ACCESS: "Who, and how often",
    Page.MODELS: "Models",
    Page.REASONING: "Custom reasoning and records",
    Page.CHANGES: "Changes",
}


def body_of(panel: "SettingsPanel", state: State) -> Parts:
    """The parts of the page that a panel is on."""
    title = discord.ui.TextDisplay[Any](f"## ⚙️ {panel.page.heading}")
    if panel.page is Page.CHANGES:
        return [title, discord.ui.TextDisplay(changes_page(state.audit))]
    return [title, *PAGES[panel.page](panel, state)]


def overview(_: "SettingsPanel", state: State) -> Parts:
    """All in one look."""
    settings = state.settings
    lines = [
        f"**Persona**: {persona_in_short(settings)}",
        f"**Channels**: {channels_in_short(settings)}",
        f"**Who**: {who(settings)}",
        f"**Cooldowns**: {cooldowns(settings)}",
        f"**Models**: {models_in_short(settings)}",
        f"**Links**: {'shown with a preview' if settings.unfurl_links else 'without preview'}",
    ]
    if state.recording is not None:
        lines.append(f"**Custom reasoning and records**: {'on' if state.recording else 'off'}")
    if state.retention_days is not None:
        lines.append(f"**Kept for**: {lasting(state.retention_days)}")
    return [
        discord.ui.TextDisplay("\n".join(lines)),
        discord.ui.TextDisplay("-# Every change counts at once, and is listed under Changes."),
    ]


def persona(panel: "SettingsPanel", state: State) -> Parts:
    """Who the agent is, and how it writes."""
    settings = state.settings
    shown = {
        "name": settings.name or "",
        "system_prompt": settings.system_prompt or "",
        "temperature": "" if settings.temperature is None else f"{settings.temperature:g}",
        "max_tokens": "" if settings.max_tokens is None else str(settings.max_tokens),
    }

    async def filled(interaction: Interaction, values: Mapping[str, str]) -> None:
        # Only what this admin changed: another may have changed the rest meanwhile.
        changed = {name: text for name, text in values.items() if text.strip() != shown[name]}
        panel.drafts = dict(values)
        if await panel.change(interaction, lambda _: read_persona(changed)):
            panel.drafts = {}

    async def pressed(interaction: Interaction) -> None:
        # What was refused can be mended: it is not to be typed again.
        at_first = shown | panel.drafts
        fields = [
            Field("name", "Name", at_first["name"], longest=LONGEST_NAME),
            Field(
                "system_prompt",
                "System prompt",
                at_first["system_prompt"],
                "What the model is told about itself. Empty: as the operator has it.",
                LONGEST_PROMPT,
                long=True,
            ),
            Field("temperature", "Temperature", at_first["temperature"], "0 to 2; empty: usual"),
            Field(
                "max_tokens", "Longest answer", at_first["max_tokens"], "In tokens; empty: usual"
            ),
        ]
        await panel.ask(interaction, Form("Persona", fields, filled, panel.apologise))

    prompt = shown["system_prompt"]
    cut = prompt[:SHOWN_PROMPT] + (" […]" if len(prompt) > SHOWN_PROMPT else "")
    quoted = "".join(f"\n> {line}" for line in discord.utils.escape_markdown(cut).splitlines())
    text = (
        f"**Name**: {discord.utils.escape_markdown(shown['name']) or 'the usual'}\n"
        f"**Temperature**: {shown['temperature'] or 'the usual'}\n"
        f"**Longest answer**: {shown['max_tokens'] + ' tokens' if shown['max_tokens'] else 'usual'}"
        f"\n**System prompt**: {quoted or 'the usual'}"
    )
    edit = PanelButton("Edit", panel.named("persona"), pressed, discord.ButtonStyle.primary)
    return [discord.ui.TextDisplay(text), discord.ui.ActionRow(edit)]


def read_persona(values: Mapping[str, str]) -> dict[str, Any]:
    """What was filled in, as settings take it. Raises BadSettingError."""
    changes: dict[str, Any] = dict(values)
    for name, read, what in (
        ("temperature", float, "The temperature"),
        ("max_tokens", int, "The longest answer"),
    ):
        if name in changes:
            changes[name] = number(changes[name], read, what)
    return changes


def number(text: str, read: type[float] | type[int], what: str) -> float | int | None:
    """A number that somebody typed, with a comma or a point; None for nothing."""
    if not text.strip():
        return None
    try:
        return read(text.strip().replace(",", "."))
    except ValueError:
        raise BadSettingError(f"{what} should be a number.") from None


def channels(panel: "SettingsPanel", state: State) -> Parts:
    """When it answers, channel by channel."""
    settings = state.settings

    async def channel_chosen(interaction: Interaction, values: Sequence[Any]) -> None:
        panel.channel_id, panel.note = values[0].id, ""
        await panel.show(interaction)

    async def mode_chosen(interaction: Interaction, values: Sequence[str]) -> None:
        channel_id = panel.channel_id
        if channel_id is None:
            await panel.show(interaction)
            return
        mode = None if values[0] == USUAL else Mode(values[0])
        await panel.change(interaction, lambda now: {"modes": with_mode(now, channel_id, mode)})

    set_here = [
        f"<#{channel_id}>: {MODES[mode][0].lower()}" for channel_id, mode in settings.modes.items()
    ]
    more = len(set_here) - SHOWN_CHANNELS
    listed = "\n".join(set_here[:SHOWN_CHANNELS]) + (f"\n… and {more} more" if more > 0 else "")
    select = PanelChannelSelect(panel.named("channel"), panel.channel_id, channel_chosen)
    parts: Parts = [
        discord.ui.TextDisplay(listed or "It answers everywhere when it is spoken to."),
        discord.ui.ActionRow(select),
    ]
    if panel.channel_id is not None:
        mode = settings.modes.get(panel.channel_id)
        options = [
            discord.SelectOption(
                label="As everywhere", value=USUAL, description="or, in a thread, as its channel"
            ),
            *(
                discord.SelectOption(label=label, value=value, description=text)
                for value, (label, text) in MODES.items()
            ),
        ]
        for option in options:
            option.default = option.value == (mode or USUAL)
        modes = PanelSelect(panel.named("mode"), "When it answers there", options, mode_chosen)
        parts.append(discord.ui.ActionRow(modes))
    return parts


def with_mode(settings: AgentSettings, channel_id: int, mode: Mode | None) -> dict[int, Mode]:
    """The modes with this one for the channel; None leaves it to the others."""
    modes = {other: kept for other, kept in settings.modes.items() if other != channel_id}
    return modes if mode is None else modes | {channel_id: mode}


def access(panel: "SettingsPanel", state: State) -> Parts:
    """Who may use it, how often, and whether links unfold."""
    settings = state.settings
    shown = {
        "person_cooldown": f"{settings.person_cooldown:g}",
        "channel_cooldown": f"{settings.channel_cooldown:g}",
    }
    known = [role for role in sorted(settings.allowed_roles) if panel.guild.get_role(role)]
    role_ids = known[: PanelRoleSelect.MOST]

    async def roles_chosen(interaction: Interaction, values: Sequence[Any]) -> None:
        chosen = {role.id for role in values}
        # Only what this admin changed: another may have changed the rest meanwhile.
        added, removed = chosen - set(role_ids), set(role_ids) - chosen
        removed |= settings.allowed_roles if not chosen else settings.allowed_roles - set(known)
        await panel.change(
            interaction, lambda now: {"allowed_roles": (now.allowed_roles | added) - removed}
        )

    async def filled(interaction: Interaction, values: Mapping[str, str]) -> None:
        changed = {name: text for name, text in values.items() if text.strip() != shown[name]}
        await panel.change(
            interaction,
            lambda _: {
                name: number(text, float, "A cooldown") or 0.0 for name, text in changed.items()
            },
        )

    async def cooldowns_pressed(interaction: Interaction) -> None:
        fields = [
            Field("person_cooldown", "Seconds for a person", shown["person_cooldown"]),
            Field("channel_cooldown", "Seconds for a channel", shown["channel_cooldown"]),
        ]
        await panel.ask(interaction, Form("Cooldowns", fields, filled, panel.apologise))

    # The id says what is wanted: a press that comes twice does it once.
    wanted = not settings.unfurl_links

    async def links_pressed(interaction: Interaction) -> None:
        await panel.change(interaction, lambda _: {"unfurl_links": wanted})

    return [
        discord.ui.TextDisplay(f"**Who may use it**: {who(settings)}"),
        discord.ui.ActionRow(PanelRoleSelect(panel.named("roles"), role_ids, roles_chosen)),
        discord.ui.Section(
            f"**Cooldowns**: {cooldowns(settings)}",
            accessory=PanelButton("Set", panel.named("cooldowns"), cooldowns_pressed),
        ),
        discord.ui.Section(
            "**Links in answers**: "
            + ("shown with a preview" if settings.unfurl_links else "without preview"),
            accessory=PanelButton(
                "Show previews" if wanted else "Hide previews",
                panel.named(f"links-{'on' if wanted else 'off'}"),
                links_pressed,
            ),
        ),
    ]


def models(panel: "SettingsPanel", state: State) -> Parts:
    """Which model is asked for what."""
    parts: Parts = []
    for purpose, (label, _) in PURPOSES.items():
        offered = list(state.models[purpose])
        chosen = state.settings.models.get(purpose)
        if chosen is not None and chosen not in dict(offered):
            offered.insert(0, (chosen, "not here at present; the usual one answers"))
        options = [discord.SelectOption(label="The usual", value=USUAL, default=chosen is None)]
        options += [
            discord.SelectOption(
                label=provider[:100],
                value=provider[:100],
                description=name[:100],
                default=provider == chosen,
            )
            for provider, name in dict(offered[: MOST_OPTIONS - 1]).items()
        ]
        select = PanelSelect(
            panel.named(f"model-{purpose}"), label, options, model_chosen(panel, purpose)
        )
        parts += [discord.ui.TextDisplay(f"**{label}**"), discord.ui.ActionRow(select)]
    return parts


def model_chosen(panel: "SettingsPanel", purpose: Purpose) -> Any:  # noqa: ANN401 - a part's `Chosen`
    """What happens when a model is chosen for a purpose."""

    async def chosen(interaction: Interaction, values: Sequence[str]) -> None:
        provider = "" if values[0] == USUAL else values[0]
        await panel.change(interaction, lambda now: {"models": {**now.models, purpose: provider}})

    return chosen


def reasoning(panel: "SettingsPanel", state: State) -> Parts:
    """Custom reasoning, and with it the records."""
    wanted = not state.recording

    async def toggled(interaction: Interaction) -> None:
        await panel.run_action(interaction, ENABLE if wanted else DISABLE)

    async def filled(interaction: Interaction, values: Mapping[str, str]) -> None:
        await panel.run_action(interaction, SET_RETENTION, values["days"].strip())

    async def days_pressed(interaction: Interaction) -> None:
        days = "" if state.retention_days is None else str(state.retention_days)
        fields = [Field("days", "Days", days, "0 is for ever", required=True)]
        await panel.ask(
            interaction, Form("How long exchanges are kept", fields, filled, panel.apologise)
        )

    parts: Parts = [
        discord.ui.Section(
            f"**Custom reasoning**: {'on' if state.recording else 'off'}",
            "**Records**: " + ("every exchange is recorded" if state.recording else "none is made"),
            accessory=PanelButton(
                "Turn on" if wanted else "Turn off",
                panel.named(f"reasoning-{'on' if wanted else 'off'}"),
                toggled,
                discord.ButtonStyle.primary if wanted else discord.ButtonStyle.danger,
            ),
        )
    ]
    if state.can_retain:
        days = state.retention_days
        kept = "not known at present" if days is None else lasting(days)
        parts.append(
            discord.ui.Section(
                f"**Kept for**: {kept}",
                accessory=PanelButton("Set", panel.named("retention"), days_pressed),
            )
        )
    return parts


def persona_in_short(settings: AgentSettings) -> str:
    """The persona, in a few words."""
    name = discord.utils.escape_markdown(settings.name or "") or "the usual name"
    prompt = "a prompt of its own" if settings.system_prompt else "the usual prompt"
    return f"{name}, {prompt}"


def models_in_short(settings: AgentSettings) -> str:
    """The models that were chosen, in a few words."""
    chosen = [
        f"{PURPOSES[purpose][0].lower()} by {discord.utils.escape_markdown(provider)}"
        for purpose, provider in settings.models.items()
    ]
    return ", ".join(chosen) or "the usual ones"


def channels_in_short(settings: AgentSettings) -> str:
    """In how many channels it answers otherwise than by mention."""
    special = counted(len(settings.modes), "channel")
    return f"{special} set apart" if settings.modes else "wherever it is spoken to"


def counted(number: int, what: str) -> str:
    """So many of something."""
    return f"{number or 'no'} {what}" if number < 2 else f"{number} {what}s"


def who(settings: AgentSettings) -> str:
    """Who may use it, in words."""
    if not settings.allowed_roles:
        return "everybody"
    roles = sorted(settings.allowed_roles)
    more = f" and {len(roles) - 10} more roles" if len(roles) > 10 else ""
    return ", ".join(f"<@&{role}>" for role in roles[:10]) + more + ", and admins"


def cooldowns(settings: AgentSettings) -> str:
    """The cooldowns, in words."""
    parts = [
        f"{seconds:g} s for a {whose}"
        for whose, seconds in (
            ("person", settings.person_cooldown),
            ("channel", settings.channel_cooldown),
        )
        if seconds
    ]
    return ", ".join(parts) or "none"


def lasting(days: int) -> str:
    """How long exchanges are kept that nobody rated, in words."""
    return (
        "ever, until somebody deletes them"
        if days == 0
        else f"{counted(days, 'day')}, rated ones longer"
    )


PAGES = {
    Page.OVERVIEW: overview,
    Page.PERSONA: persona,
    Page.CHANNELS: channels,
    Page.ACCESS: access,
    Page.MODELS: models,
    Page.REASONING: reasoning,
}
