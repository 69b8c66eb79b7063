"""Every kind of interaction and of message, by the real client: it reads what the server sends."""

import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import discord
import pytest

from bot.harness import FakeDiscord, Permission, Person, Refused
from bot.harness.model import ChannelType

from .conftest import Recorder


@pytest.fixture
def mighty(fake: FakeDiscord) -> None:
    """The bot is an administrator and stands above all."""
    [guild] = fake.world.guilds.values()
    guild.owner_id = fake.world.bot.id


def room(bot: Recorder, channel_id: str) -> discord.TextChannel:
    channel = bot.get_channel(int(channel_id))
    assert isinstance(channel, discord.TextChannel)
    return channel


async def test_every_type_of_option(
    bot: Recorder, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    @bot.tree.command(name="all", description="All")
    async def every(
        interaction: discord.Interaction,
        text: str,
        whole: int,
        real: float,
        yes: bool,
        who: discord.Member,
        where: discord.TextChannel,
        role: discord.Role,
        any_of: discord.Member | discord.Role,
        file: discord.Attachment,
    ) -> None:
        read = (await file.read()).decode()
        told = [text, whole, real, yes, who.name, where.name, role.name, any_of.name, read]
        await interaction.response.send_message(" ".join(map(str, told)))

    await bot.tree.sync()
    sent = await ada.slash_with_files(
        guild_id,
        general,
        "all",
        {"note.txt": b"written"},
        text="t",
        whole=2,
        real=1.5,
        yes=True,
        who=ben.id,
        where=general,
        role=guild_id,
        any_of=ben.id,
        file="0",
    )
    answer = await ada.answer_to(sent)
    assert answer.content == "t 2 1.5 True ben general @everyone ben written"


async def test_options_take_channels_of_their_types(
    bot: Recorder, fake: FakeDiscord, ada: Person, guild_id: str, general: str
) -> None:
    @bot.tree.command(name="join", description="Join")
    async def join(interaction: discord.Interaction, where: discord.VoiceChannel) -> None:
        await interaction.response.send_message(where.name)

    await bot.tree.sync()
    with pytest.raises(Refused, match="50035"):
        await ada.slash(guild_id, general, "join", where=general)
    voice = fake.world.add_channel(fake.world.guild(int(guild_id)), "v", type=ChannelType.VOICE)
    answer = await ada.answer_to(await ada.slash(guild_id, general, "join", where=str(voice.id)))
    assert answer.content == "v"


async def test_context_menus(
    bot: Recorder, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    @bot.tree.context_menu(name="Who is this")
    async def who(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(member.name, ephemeral=True)

    @bot.tree.context_menu(name="Shout")
    async def shout(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(message.content.upper())

    await bot.tree.sync()
    answer = await ada.answer_to(await ada.use_on_user(guild_id, general, "Who is this", ben.id))
    assert (answer.content, answer.ephemeral, answer.latest["type"]) == ("ben", True, 23)
    said = await ben.say(general, "quiet")
    answer = await ada.answer_to(await ada.use_on_message(said, "Shout"))
    assert answer.content == "QUIET"
    with pytest.raises(LookupError):
        await ada.use_on_message(said, "Who is this")


async def test_every_select(
    bot: Recorder, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    async def chosen(interaction: discord.Interaction, item: Any) -> None:  # noqa: ANN401
        await interaction.response.send_message(
            ", ".join(getattr(v, "name", v) for v in item.values)
        )

    class Choose(discord.ui.View):
        @discord.ui.select(options=[discord.SelectOption(label=c) for c in "abc"], max_values=2)
        async def letters(self, interaction: discord.Interaction, item: Any) -> None:  # noqa: ANN401
            await chosen(interaction, item)

        @discord.ui.select(cls=discord.ui.UserSelect)
        async def users(self, interaction: discord.Interaction, item: Any) -> None:  # noqa: ANN401
            await chosen(interaction, item)

        @discord.ui.select(cls=discord.ui.RoleSelect)
        async def roles(self, interaction: discord.Interaction, item: Any) -> None:  # noqa: ANN401
            await chosen(interaction, item)

        @discord.ui.select(cls=discord.ui.MentionableSelect, max_values=2)
        async def both(self, interaction: discord.Interaction, item: Any) -> None:  # noqa: ANN401
            await chosen(interaction, item)

        @discord.ui.select(cls=discord.ui.ChannelSelect, channel_types=[discord.ChannelType.text])
        async def places(self, interaction: discord.Interaction, item: Any) -> None:  # noqa: ANN401
            await chosen(interaction, item)

    mark = ada.mark()
    message = await room(bot, general).send("choose", view=Choose())
    seen = await ada.message_from(message.author.id, since=mark)
    custom_ids = [row["components"][0]["custom_id"] for row in seen.latest["components"]]
    picks = [["a", "c"], [ben.id], [guild_id], [ben.id, guild_id], [general]]
    shown = ["a, c", "ben", "@everyone", "ben, @everyone", "general"]
    for custom_id, values, expected in zip(custom_ids, picks, shown, strict=True):
        sent = await ada.click(seen.latest, custom_id, values=values)
        assert (await ada.answer_to(sent)).content == expected
    with pytest.raises(Refused, match="50035"):
        await ada.click(seen.latest, custom_ids[4], values=[guild_id])


async def test_a_modal_of_many_kinds(
    bot: Recorder, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    class Form(discord.ui.Modal, title="Form"):
        name: discord.ui.Label[Any] = discord.ui.Label(
            text="Name", component=discord.ui.TextInput(custom_id="name", max_length=5)
        )
        letter: discord.ui.Label[Any] = discord.ui.Label(
            text="Letter",
            component=discord.ui.Select(
                custom_id="letter", options=[discord.SelectOption(label=c) for c in "ab"]
            ),
        )
        friend: discord.ui.Label[Any] = discord.ui.Label(
            text="Friend", component=discord.ui.UserSelect(custom_id="friend")
        )

        async def on_submit(self, interaction: discord.Interaction) -> None:
            parts: list[Any] = [label.component for label in (self.name, self.letter, self.friend)]
            told = [parts[0].value, *parts[1].values, parts[2].values[0].name]
            await interaction.response.send_message(" ".join(told))

    @bot.tree.command(name="form", description="A form")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())

    await bot.tree.sync()
    mark = ada.mark()
    await ada.slash(guild_id, general, "form")
    modal = await ada.wait_for(lambda e: e.name == "INTERACTION_MODAL_CREATE", since=mark)
    with pytest.raises(Refused, match="50035"):
        await ada.submit_modal(modal, {"name": "too long", "letter": ["a"], "friend": [ben.id]})
    sent = await ada.submit_modal(modal, {"name": "Ada", "letter": ["b"], "friend": [ben.id]})
    assert (await ada.answer_to(sent)).content == "Ada b ben"


async def test_components_v2(bot: Recorder, ada: Person, general: str) -> None:
    class Press(discord.ui.Button[Any]):
        async def callback(self, interaction: discord.Interaction) -> None:
            await interaction.response.send_message("pressed")

    view = discord.ui.LayoutView()
    section: discord.ui.Section[Any] = discord.ui.Section("beside", accessory=Press(label="Go"))
    gallery: discord.ui.MediaGallery[Any] = discord.ui.MediaGallery(
        discord.MediaGalleryItem("attachment://a.txt")
    )
    view.add_item(discord.ui.Container(section, discord.ui.Separator(), accent_color=7))
    view.add_item(gallery).add_item(discord.ui.TextDisplay("# Text"))
    mark = ada.mark()
    file = discord.File(io.BytesIO(b"x"), "a.txt")
    message = await room(bot, general).send(view=view, file=file)
    assert message.flags.components_v2
    seen = await ada.message_from(message.author.id, since=mark)
    sent = await ada.click(seen.latest, "Go")
    assert (await ada.answer_to(sent)).content == "pressed"
    read = await room(bot, general).fetch_message(message.id)
    shown = discord.ui.LayoutView.from_message(read)
    assert [type(item).__name__ for item in shown.children] == [
        "Container",
        "MediaGallery",
        "TextDisplay",
    ]


async def test_forwards_pins_and_embeds(
    bot: Recorder, ada: Person, general: str, mighty: None
) -> None:
    said = await ada.say(general, "worth it")
    heard = await bot.until("message", lambda m: m.content == "worth it")
    forwarded = await heard.forward(heard.channel)
    await ada.edit(said, "changed")
    [snapshot] = (await heard.channel.fetch_message(forwarded.id)).message_snapshots
    assert snapshot.content == "worth it"
    await heard.pin()
    assert [m.id async for m in heard.channel.pins()] == [heard.id]
    notice = await bot.until("message", lambda m: m.type is discord.MessageType.pins_add)
    assert notice.reference.message_id == heard.id
    await heard.unpin()
    assert [m async for m in heard.channel.pins()] == []
    embed = discord.Embed(title="T", colour=5).add_field(name="n", value="v").set_footer(text="f")
    sent = await heard.channel.send(embed=embed)
    assert sent.embeds[0].to_dict()["fields"] == [{"name": "n", "value": "v", "inline": True}]


async def test_a_guild_is_run_by_the_client(
    bot: Recorder, fake: FakeDiscord, ben: Person, general: str, mighty: None
) -> None:
    guild = bot.guilds[0]
    role = await guild.create_role(name="Helper", colour=discord.Colour.red(), hoist=True)
    member = await guild.fetch_member(int(ben.id))
    await member.add_roles(role)
    await member.edit(nick="Benny")
    await bot.until("member_update", lambda pair: pair[1].nick == "Benny")
    member = await guild.fetch_member(int(ben.id))
    assert (member.nick, member.roles[-1].name) == ("Benny", "Helper")
    assert await role.edit(name="Helpers", permissions=discord.Permissions(16))
    await member.timeout(timedelta(minutes=1))
    assert (await guild.fetch_member(int(ben.id))).is_timed_out()
    await member.timeout(None)
    category = await guild.create_category("Group")
    text = await guild.create_text_channel("Some Talk", category=category, topic="t")
    assert (text.name, text.category_id) == ("some-talk", category.id)
    await text.set_permissions(role, view_channel=False)
    fetched = await guild.fetch_channel(text.id)
    assert isinstance(fetched, discord.TextChannel)
    assert fetched.overwrites_for(role).view_channel is False
    voice = await guild.create_voice_channel("Voice")
    await voice.delete()
    forum = await guild.create_forum("Questions")
    post = await forum.create_thread(name="Why", content="why?")
    assert post.message.content == "why?"
    thread = await text.create_thread(name="t", type=discord.ChannelType.public_thread)
    await thread.add_user(discord.Object(int(ben.id)))
    assert {m.id for m in await thread.fetch_members()} == {int(ben.id), fake.world.bot.id}
    await thread.edit(archived=True)
    assert [t.id async for t in text.archived_threads()] == [thread.id]
    assert [t.id for t in await guild.active_threads()] == [post.thread.id]
    await guild.edit(name="Run", verification_level=discord.VerificationLevel.high)
    await role.delete()
    await guild.kick(member)
    await bot.until("member_remove")
    assert not fake.unknown_routes


async def test_a_bot_that_may_not(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    guild = bot.guilds[0]
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: guild.create_role(name="x"),
        lambda: guild.create_text_channel("x"),
        lambda: guild.edit(name="xx"),
        lambda: room(bot, general).edit(topic="x"),
    ]
    for attempt in attempts:
        with pytest.raises(discord.Forbidden) as refused:
            await attempt()
        assert refused.value.code == 50013
    user = fake.world.user(int(ada.id))
    user.accepts_direct_messages = False
    with pytest.raises(discord.Forbidden) as refused:
        await (await bot.fetch_user(user.id)).send("hello")
    assert refused.value.code == 50007
    assert Permission.ADMINISTRATOR not in fake.world.guild_permissions(
        fake.world.guild(guild.id), fake.world.bot.id
    )
