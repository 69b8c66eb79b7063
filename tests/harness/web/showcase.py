"""A small real bot (discord.py) that offers one of everything a person can use."""

import asyncio
from typing import Any

import discord
from discord import app_commands, ui

COLOURS = ("red", "green", "blue", "grey")


class Form(ui.Modal, title="Tell us more"):
    name: ui.TextInput["Form"] = ui.TextInput(label="Name", placeholder="Your name", max_length=20)
    story: ui.TextInput["Form"] = ui.TextInput(
        label="Story", style=discord.TextStyle.paragraph, required=False
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"{self.name.value} says: {self.story.value}")


class Survey(ui.Modal, title="Survey"):
    """Every other kind of field."""

    colour: ui.Label["Survey"] = ui.Label(
        text="Colour",
        description="Any that you like",
        component=ui.Select(options=[discord.SelectOption(label=c) for c in COLOURS]),
    )
    size: ui.Label["Survey"] = ui.Label(
        text="Size",
        component=ui.RadioGroup(options=[discord.RadioGroupOption(label=s) for s in "SML"]),
    )
    extras: ui.Label["Survey"] = ui.Label(
        text="Extras",
        component=ui.CheckboxGroup(
            options=[discord.CheckboxGroupOption(label=e) for e in ("salt", "sugar")]
        ),
    )
    sure: ui.Label["Survey"] = ui.Label(text="Sure", component=ui.Checkbox())
    proof: ui.Label["Survey"] = ui.Label(text="Proof", component=ui.FileUpload())

    async def on_submit(self, interaction: discord.Interaction) -> None:
        colour, size, extras, sure, proof = (
            label.component
            for label in (self.colour, self.size, self.extras, self.sure, self.proof)
        )
        assert isinstance(colour, ui.Select)
        assert isinstance(size, ui.RadioGroup)
        assert isinstance(extras, ui.CheckboxGroup)
        assert isinstance(sure, ui.Checkbox)
        assert isinstance(proof, ui.FileUpload)
        data = await proof.values[0].read()
        told = (*colour.values, size.value, *extras.values, sure.value, data.decode())
        await interaction.response.send_message(" ".join(map(str, told)))


class Panel(ui.View):
    """Buttons and every kind of select; each answers with what it was given."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.Button(label="Docs", url="https://example.com/docs"))

    @ui.button(label="Approve", style=discord.ButtonStyle.success, custom_id="approve")
    async def approve(self, interaction: discord.Interaction, _: ui.Button["Panel"]) -> None:
        await interaction.response.edit_message(content="Approved.", view=None)

    @ui.button(label="Whisper", style=discord.ButtonStyle.primary, custom_id="whisper")
    async def whisper(self, interaction: discord.Interaction, _: ui.Button["Panel"]) -> None:
        await interaction.response.send_message("Only for you.", ephemeral=True)

    @ui.button(label="Ignore", style=discord.ButtonStyle.danger, custom_id="ignore")
    async def ignore(self, _: discord.Interaction, __: ui.Button["Panel"]) -> None:
        """Never answers."""

    @ui.button(label="Closed", custom_id="closed", disabled=True)
    async def closed(self, _: discord.Interaction, __: ui.Button["Panel"]) -> None:
        """Can not be pressed."""

    @ui.select(
        custom_id="colours",
        placeholder="Colours",
        min_values=1,
        max_values=2,
        options=[discord.SelectOption(label=c, description=f"The colour {c}") for c in COLOURS],
    )
    async def colours(self, interaction: discord.Interaction, it: ui.Select["Panel"]) -> None:
        await _told(interaction, it.values)

    @ui.select(cls=ui.UserSelect, custom_id="user", placeholder="A person")
    async def user(self, interaction: discord.Interaction, it: ui.UserSelect["Panel"]) -> None:
        await _told(interaction, it.values)

    @ui.select(cls=ui.RoleSelect, custom_id="role", placeholder="A role")
    async def role(self, interaction: discord.Interaction, it: ui.RoleSelect["Panel"]) -> None:
        await _told(interaction, it.values)


class Selects(ui.View):
    @ui.select(cls=ui.ChannelSelect, custom_id="channel", placeholder="A channel")
    async def channel(
        self, interaction: discord.Interaction, it: ui.ChannelSelect["Selects"]
    ) -> None:
        await _told(interaction, it.values)

    @ui.select(cls=ui.MentionableSelect, custom_id="mentionable", placeholder="Someone")
    async def mentionable(
        self, interaction: discord.Interaction, it: ui.MentionableSelect["Selects"]
    ) -> None:
        await _told(interaction, it.values)


class Layout(ui.LayoutView):
    """Components V2."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        go: ui.Button[Layout] = ui.Button(label="Open", custom_id="open")
        box: ui.Container[Layout] = ui.Container(
            ui.TextDisplay("## Weekly report\nThe understudy **stepped in** 12 times."),
            ui.Section("Latency p50 is `212 ms`.", accessory=go),
            ui.Separator(spacing=discord.SeparatorSpacing.large),
            ui.Section("A picture beside", accessory=ui.Thumbnail("attachment://dot.png")),
            ui.MediaGallery(discord.MediaGalleryItem("attachment://dot.png", description="A dot")),
            ui.File("attachment://report.txt"),
            ui.ActionRow(ui.Button(label="Later", custom_id="later")),
            accent_colour=discord.Colour(0x5560E6),
        )
        self.add_item(box)


class Showcase(discord.Client):
    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), guild_ready_timeout=0.05)
        self.tree: app_commands.CommandTree[Showcase] = app_commands.CommandTree(self)
        self.ready = asyncio.Event()
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        _add_commands(self.tree)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_ready(self) -> None:
        self.ready.set()

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            self.heard.put_nowait(message)

    def member(self, name: str) -> discord.Member:
        return next(m for m in self.guilds[0].members if m.name == name)

    def channel(self, name: str) -> discord.TextChannel:
        return next(c for c in self.guilds[0].text_channels if c.name == name)


def _add_commands(tree: app_commands.CommandTree[Showcase]) -> None:
    @tree.command(description="Ask a question")
    @app_commands.describe(question="What you want to know", style="How to answer")
    @app_commands.choices(style=[app_commands.Choice(name=n, value=n) for n in ("brief", "long")])
    async def ask(interaction: discord.Interaction, question: str, style: str = "plain") -> None:
        await interaction.response.send_message(f"{style} answer to: {question}")

    @tree.command(description="Choose a colour")
    async def colour(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(f"colour {name}")

    @colour.autocomplete("name")
    async def _(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=c, value=f"#{c}") for c in COLOURS if typed in c]

    @tree.command(description="One option of every kind")
    async def pick(
        interaction: discord.Interaction,
        who: discord.Member,
        where: discord.TextChannel,
        role: discord.Role,
        sure: bool,
        many: app_commands.Range[int, 1, 10],
        much: float = 0.5,
    ) -> None:
        told = f"{who.name} {where.name} {role.name} {sure} {many} {much}"
        await interaction.response.send_message(told)

    @tree.command(description="Fill a form")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())

    @tree.command(description="Fill a survey")
    async def survey(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Survey())

    @tree.command(description="Show a file")
    async def show(interaction: discord.Interaction, file: discord.Attachment) -> None:
        data = await file.read()
        await interaction.response.send_message(f"{file.filename}: {data.decode()}")

    @tree.command(description="Whisper")
    async def secret(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("A secret.", ephemeral=True)

    @tree.command(description="Think first")
    async def think(interaction: discord.Interaction) -> None:
        await interaction.response.defer()

    @tree.context_menu(name="Quote")
    async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"Quoted: {message.content}")

    group = app_commands.Group(
        name="reasoning",
        description="Custom reasoning",
        default_permissions=discord.Permissions(manage_guild=True),
    )

    @group.command(description="Switch it on")
    async def enable(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Custom reasoning is on.", ephemeral=True)

    tree.add_command(group)


async def _told(interaction: discord.Interaction, values: list[Any]) -> None:
    names = [value if isinstance(value, str) else value.name for value in values]
    await interaction.response.send_message(f"chose {', '.join(names)}")
