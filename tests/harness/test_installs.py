"""The application on people's accounts: its commands where its bot is not."""

from typing import Any

import discord
import pytest
from discord import app_commands

from bot.harness import FakeDiscord, Permission, Person, Refused
from bot.harness.model import Channel, Guild, User

from .conftest import Recorder, person


def user(fake: FakeDiscord, name: str) -> User:
    return next(u for u in fake.world.users.values() if u.name == name)


def elsewhere(fake: FakeDiscord) -> tuple[Guild, str]:
    """A guild without the bot, whose members are Ada and Ben, and its channel."""
    guild = fake.world.add_guild("Elsewhere", bot=False)
    for name in ("ada", "ben"):
        fake.world.add_member(guild, user(fake, name))
    return guild, str(guild.channel_ids[0])


async def offer(bot: Recorder, answer: Any) -> None:  # noqa: ANN401
    """Four commands by the name of their installs, and one in a message's menu."""
    bot.tree.clear_commands(guild=None)

    async def run(interaction: discord.Interaction) -> None:
        await answer(interaction)

    async def on_message(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"read: {message.content}")

    for name, guilds, users in (
        ("both", True, True),
        ("guilds", True, False),
        ("mine", False, True),
    ):
        command: Any = app_commands.Command(name=name, description="d", callback=run)
        command.allowed_installs = app_commands.AppInstallationType(guild=guilds, user=users)
        bot.tree.add_command(command)
    usual: Any = app_commands.Command(name="usual", description="d", callback=run)
    bot.tree.add_command(usual)
    menu = app_commands.ContextMenu(name="Read", callback=on_message)
    menu.allowed_installs = app_commands.AppInstallationType(guild=False, user=True)
    bot.tree.add_command(menu)
    await bot.tree.sync()


async def names(someone: Person, channel: Channel | str) -> set[str]:
    place = channel.id if isinstance(channel, Channel) else channel
    return {command["name"] for command in await someone.commands(place)}


async def test_who_is_offered_what_where(
    bot: Recorder, fake: FakeDiscord, ada: Person, general: str
) -> None:
    await offer(bot, lambda _: None)
    world, me = fake.world, user(fake, "ada")
    _, there = elsewhere(fake)
    with_bot, with_ben = world.open_dm(me, world.bot), world.open_dm(me, user(fake, "ben"))
    group = world.add_group_dm(me, user(fake, "ben"), user(fake, "cleo"))
    of_guild, of_person = {"both", "guilds", "usual"}, {"both", "mine", "usual", "Read"}
    assert await names(ada, general) == await names(ada, with_bot) == of_guild
    for place in (there, with_ben, group):
        assert await names(ada, place) == set()
    await ada.install_app(world.application.id)
    assert await names(ada, general) == await names(ada, with_bot) == of_guild | of_person
    for place in (there, with_ben, group):
        assert await names(ada, place) == of_person
    world.application.integration_types = (0,)
    assert await names(ada, there) == {"both", "mine", "Read"}
    await ada.uninstall_app(world.application.id)
    assert await names(ada, there) == set()


async def test_contexts_limit_where(bot: Recorder, fake: FakeDiscord, ada: Person) -> None:
    world, me = fake.world, user(fake, "ada")
    _, there = elsewhere(fake)
    await ada.install_app(world.application.id)
    places = {
        "guild": there,
        "dm_channel": str(world.open_dm(me, world.bot).id),
        "private_channel": str(world.open_dm(me, user(fake, "ben")).id),
    }
    for context in places:
        await offer(bot, lambda _: None)
        for command in bot.tree.get_commands():
            assert isinstance(command, app_commands.Command | app_commands.ContextMenu)
            command.allowed_contexts = app_commands.AppCommandContext(**{context: True})
        await bot.tree.sync()
        offered = {name for name, place in places.items() if await names(ada, place)}
        assert offered == {context}


async def test_an_interaction_from_a_guild_without_the_bot(
    bot: Recorder, fake: FakeDiscord, ada: Person, ben: Person
) -> None:
    guild, there = elsewhere(fake)
    seen: list[discord.Interaction] = []

    async def answer(interaction: discord.Interaction) -> None:
        seen.append(interaction)
        await interaction.response.send_message("here I am")
        assert isinstance(interaction.channel, discord.TextChannel)
        for attempt in (interaction.channel.send("x"), bot.fetch_channel(int(there))):
            with pytest.raises(discord.Forbidden) as caught:
                await attempt
            assert caught.value.code == 50001
        with pytest.raises(discord.Forbidden):
            await interaction.channel.fetch_message(1)
        original = await interaction.original_response()
        await original.edit(content="and changed")

    await offer(bot, answer)
    await ada.install_app(fake.world.application.id)
    mark = ben.mark()
    sent = await ada.slash(guild.id, there, "both")
    told = await ada.answer_to(sent)
    await ada.wait_for(lambda _: told.content == "and changed", since=0)
    [used] = seen
    assert used.guild_id == guild.id
    assert bot.get_guild(guild.id) is None
    assert not used.is_guild_integration()
    assert used.is_user_integration()
    assert used.context.guild
    assert not used.context.dm_channel
    assert used.app_permissions == discord.Permissions(
        attach_files=True, embed_links=True, mention_everyone=True
    )
    owners = told.latest["interaction_metadata"]["authorizing_integration_owners"]
    assert owners == {"1": ada.id}
    assert (await ben.message_from(told.author_id, since=mark)).content == "and changed"
    # Its gateway brings nothing of a guild that it is not in, not even its own words.
    assert not bot.all("message")
    assert not bot.all("raw_message_edit")
    assert not bot.all("guild_join")


async def test_between_people_and_in_groups(
    bot: Recorder, fake: FakeDiscord, ada: Person, ben: Person
) -> None:
    world, me = fake.world, user(fake, "ada")
    seen: list[discord.Interaction] = []

    async def answer(interaction: discord.Interaction) -> None:
        seen.append(interaction)
        await interaction.response.send_message("here I am")

    await offer(bot, answer)
    world.install_for(me)
    places = (
        world.open_dm(me, user(fake, "ben")),
        world.channel(int((await ben.open_group(ada.id, user(fake, "cleo").id))["id"])),
    )
    with pytest.raises(Refused, match="50007"):
        await ben.open_group(ada.id, world.bot.id)
    for place, kind in zip(places, (discord.DMChannel, discord.GroupChannel), strict=True):
        mark = ben.mark()
        await ada.slash(None, place.id, "mine")
        heard = await ben.message_from(world.bot.id, since=mark, channel_id=place.id)
        assert heard.content == "here I am"
        used = seen[-1]
        assert used.context.private_channel
        assert used.guild is None
        assert isinstance(used.channel, kind)
        assert used.app_permissions.attach_files
        assert not used.app_permissions.send_messages
        assert {int(c["id"]) for c in await ben.request("GET", "/users/@me/channels")} >= {place.id}
    said = await ben.say(places[1].id, "a word")
    read = await ada.answer_to(await ada.use_on_message(said, "Read"))
    assert read.content == "read: a word"
    with pytest.raises(LookupError):
        await ben.slash(None, places[0].id, "mine")
    assert not bot.all("message")


async def test_five_follow_ups_where_the_bot_is_not(
    bot: Recorder, fake: FakeDiscord, ada: Person, guild_id: str, general: str
) -> None:
    guild, there = elsewhere(fake)
    codes: list[int] = []

    async def answer(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("0")
        try:
            for number in range(1, 8):
                await interaction.followup.send(str(number), wait=True)
        except discord.HTTPException as error:
            codes.append(error.code)
            await interaction.edit_original_response(content="no more")
        else:
            await interaction.edit_original_response(content="all")

    await offer(bot, answer)
    await ada.install_app(fake.world.application.id)
    first = await ada.answer_to(await ada.slash(guild.id, there, "both"))
    await ada.wait_for(lambda _: first.content == "no more", since=0)
    assert codes == [40094]
    assert len(await ada.history(there)) == 6
    at_home = await ada.answer_to(await ada.slash(guild_id, general, "both"))
    await ada.wait_for(lambda _: at_home.content == "all", since=0)


async def test_without_the_permission_only_the_person_sees_it(
    bot: Recorder, fake: FakeDiscord, ada: Person, ben: Person
) -> None:
    guild, there = elsewhere(fake)
    guild.roles[guild.id].permissions &= ~Permission.USE_EXTERNAL_APPS
    await offer(bot, lambda i: i.response.send_message("psst"))
    await ada.install_app(fake.world.application.id)
    told = await ada.answer_to(await ada.slash(guild.id, there, "both"))
    assert told.ephemeral
    assert await ben.history(there) == []


async def test_a_button_belongs_to_who_used_the_command(
    bot: Recorder, fake: FakeDiscord, ada: Person, ben: Person
) -> None:
    guild, there = elsewhere(fake)
    owners: list[object] = []

    async def answer(interaction: discord.Interaction) -> None:
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="Press", custom_id="press"))
        await interaction.response.send_message("a button", view=view)

    async def pressed(interaction: discord.Interaction) -> None:
        owners.append(interaction._integration_owners)
        await interaction.response.send_message(f"by {interaction.user.name}")

    await offer(bot, answer)
    bot.on_component = pressed
    await ada.install_app(fake.world.application.id)
    mark = ben.mark()
    await ada.slash(guild.id, there, "both")
    shown = await ben.message_from(fake.world.bot.id, since=mark)
    by_ben = await ben.answer_to(await ben.click(shown.latest, "Press"))
    assert by_ben.content == "by ben"
    assert owners == [{1: int(ada.id)}]


async def test_an_application_may_not_let_people(fake: FakeDiscord, ada: Person) -> None:
    fake.world.application.integration_types = (0,)
    with pytest.raises(Refused) as caught:
        await ada.install_app(fake.world.application.id)
    assert caught.value.code == 50035


async def test_a_stranger_can_only_write_to_the_bot(bot: Recorder, fake: FakeDiscord) -> None:
    """Who shares no guild with the bot has no commands of it until they add it."""
    stranger = fake.world.add_person("dora")
    channel = fake.world.open_dm(stranger, fake.world.bot)
    await offer(bot, lambda i: i.response.send_message("hello"))
    async with person(fake, "dora") as dora:
        assert await names(dora, channel) == set()
        await dora.install_app(fake.world.application.id)
        assert await names(dora, channel) == {"both", "mine", "usual", "Read"}
        told = await dora.answer_to(await dora.slash(None, channel.id, "both"))
        assert told.content == "hello"
