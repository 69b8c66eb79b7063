"""Slash commands, buttons and modals: the real client answers, people see."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from bot.harness import FakeDiscord, Permission, Person, Refused

from .conftest import Recorder, person, running

Answer = Callable[[discord.Interaction], Any]


def button(label: str, custom_id: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label=label, custom_id=custom_id))
    return view


async def offer(bot: Recorder, answer: Answer, name: str = "ask") -> None:
    """Register one global command that answers so."""
    bot.tree.clear_commands(guild=None)

    @bot.tree.command(name=name, description="A question")
    async def ask(interaction: discord.Interaction) -> None:
        await answer(interaction)

    await bot.tree.sync()


async def test_sync_echoes_and_keeps_ids(bot: Recorder, fake: FakeDiscord) -> None:
    group = app_commands.Group(
        name="reasoning",
        description="Reasoning",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    @group.command(name="enable", description="Switch on")
    async def enable(interaction: discord.Interaction) -> None: ...

    bot.tree.add_command(group)
    [first] = await bot.tree.sync()
    [second] = await bot.tree.sync()
    assert first.id == second.id
    [fetched] = await bot.tree.fetch_commands()
    assert fetched.default_member_permissions == discord.Permissions(manage_guild=True)
    guild = bot.guilds[0]
    bot.tree.copy_global_to(guild=guild)
    [in_guild] = await bot.tree.sync(guild=guild)
    assert in_guild.guild_id == guild.id
    assert in_guild.id != first.id
    assert len(fake.world.commands) == 2


async def test_immediate_answer(
    bot: Recorder, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    await offer(bot, lambda i: i.response.send_message(f"hello {i.user.name}"))
    mark = ben.mark()
    sent = await ada.slash(guild_id, general, "ask")
    answer = await ada.answer_to(sent)
    assert answer.content == "hello ada"
    assert answer.latest["type"] == 20
    assert answer.latest["interaction_metadata"]["user"]["id"] == ada.id
    assert await ada.outcome(sent) == "INTERACTION_SUCCESS"
    assert (await ben.message_from(answer.author_id, since=mark)).content == "hello ada"
    assert not [e for e in ben.log.events() if e.name.startswith("INTERACTION")]


async def test_ephemeral_is_for_one_person(
    bot: Recorder, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    await offer(bot, lambda i: i.response.send_message("secret", ephemeral=True))
    mark = ben.mark()
    answer = await ada.answer_to(await ada.slash(guild_id, general, "ask"))
    assert answer.ephemeral
    assert "guild_id" not in answer.latest
    await ada.say(general, "public")
    await ben.wait_for(lambda e: e.name == "MESSAGE_CREATE", since=mark)
    assert [m.content for m in ben.log.messages_since(mark)] == ["public"]
    assert [m["content"] for m in await ada.history(general)] == ["public"]
    with pytest.raises(Refused, match="10008"):
        await ada.request("GET", f"/channels/{general}/messages/{answer.latest['id']}")


async def test_deferred_edited_and_followed_up(
    bot: Recorder, ada: Person, guild_id: str, general: str
) -> None:
    async def answer(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        original = await interaction.original_response()
        assert original.flags.loading
        await interaction.edit_original_response(content="thought")
        extra = await interaction.followup.send("more", wait=True)
        await extra.edit(content="much more")
        third = await interaction.followup.send("oops", wait=True)
        await third.delete()

    await offer(bot, answer)
    mark = ada.mark()
    sent = await ada.slash(guild_id, general, "ask")
    first = await ada.answer_to(sent)
    assert (first.content, first.ephemeral, first.edits) == ("thought", True, 1)
    await ada.wait_for(lambda e: e.name == "MESSAGE_DELETE", since=mark)
    more = ada.log.messages_since(mark)[1]
    assert (more.content, more.ephemeral) == ("much more", False)
    assert len(ada.log.messages_since(mark)) == 2


async def test_first_follow_up_fills_the_deferral(
    bot: Recorder, ada: Person, guild_id: str, general: str
) -> None:
    async def answer(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.followup.send("here", wait=True)

    await offer(bot, answer)
    mark = ada.mark()
    seen = await ada.answer_to(await ada.slash(guild_id, general, "ask"))
    assert (seen.content, seen.loading) == ("here", False)
    assert len(ada.log.messages_since(mark)) == 1


async def test_options_subcommands_and_autocomplete(
    bot: Recorder, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    group = app_commands.Group(name="note", description="Notes")
    inner = app_commands.Group(name="of", description="Of someone", parent=group)

    @inner.command(name="add", description="Add a note")
    async def add(
        interaction: discord.Interaction,
        who: discord.Member,
        text: str,
        times: app_commands.Range[int, 1, 3] = 1,
    ) -> None:
        await interaction.response.send_message(f"{who.name}: {text * times}")

    @add.autocomplete("text")
    async def suggest(
        interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current.upper(), value=current)]

    bot.tree.add_command(group)
    await bot.tree.sync()
    sent = await ada.slash(guild_id, general, "note of add", who=ben.id, text="ab", times=2)
    assert (await ada.answer_to(sent)).content == "ben: abab"
    choices = await ada.autocomplete(guild_id, general, "note of add", "text", text="ab")
    assert [(c["name"], c["value"]) for c in choices] == [("AB", "ab")]
    wrong: list[dict[str, object]] = [{}, {"text": 1}, {"text": "", "times": 4}]
    for given in wrong:
        with pytest.raises(Refused, match="50035"):
            await ada.slash(guild_id, general, "note of add", who=ben.id, **given)
    with pytest.raises(LookupError, match="no subcommand"):
        await ada.slash(guild_id, general, "note of remove")


async def test_default_permissions_are_enforced(
    bot: Recorder, fake: FakeDiscord, ada: Person, ben: Person, guild_id: str, general: str
) -> None:
    @bot.tree.command(name="manage", description="For managers")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.guild_only()
    async def manage(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("done")

    await bot.tree.sync()
    assert (await ada.answer_to(await ada.slash(guild_id, general, "manage"))).content == "done"
    with pytest.raises(Refused, match="50013"):
        await ben.slash(guild_id, general, "manage")
    guild = fake.world.guild(int(guild_id))
    role = fake.world.add_role(guild, "Manager", Permission.MANAGE_GUILD)
    fake.world.set_roles(guild, fake.world.user(int(ben.id)), [role])
    assert (await ben.answer_to(await ben.slash(guild_id, general, "manage"))).content == "done"
    dm = await ada.open_dm(fake.describe()["bot_user_id"])
    assert await ada.commands(dm["id"]) == []
    [known] = await ada.commands(general)
    unlisted = {"type": 2, "channel_id": dm["id"], "data": {"id": known["id"]}}
    with pytest.raises(Refused, match="10063"):
        await ada.request("POST", "/interactions", unlisted)


async def test_buttons(bot: Recorder, ada: Person, ben: Person, general: str) -> None:
    async def pressed(interaction: discord.Interaction) -> None:
        match dict(interaction.data or {}).get("custom_id"):
            case "update":
                await interaction.response.edit_message(content="updated", view=None)
            case "whisper":
                await interaction.response.send_message("psst", ephemeral=True)

    bot.on_component = pressed
    channel = bot.get_partial_messageable(int(general))
    view = button("Whisper", "whisper").add_item(
        discord.ui.Button(label="Update", custom_id="update")
    )
    mark = ada.mark()
    message = await channel.send("choose", view=view)
    seen = await ada.message_from(message.author.id, since=mark)
    whisper = await ada.answer_to(await ada.click(seen.latest, "Whisper"))
    assert (whisper.content, whisper.ephemeral) == ("psst", True)
    assert whisper.latest["message_reference"]["message_id"] == seen.latest["id"]
    sent = await ben.click(seen.latest, "update")
    assert await ben.outcome(sent) == "INTERACTION_SUCCESS"
    await ada.wait_for(
        lambda e: e.name == "MESSAGE_UPDATE" and e.data["content"] == "updated", since=mark
    )
    assert seen.latest["components"] == []
    with pytest.raises(LookupError, match="Whisper"):
        await ada.click(seen.latest, "Whisper")


async def test_modal(bot: Recorder, ada: Person, guild_id: str, general: str) -> None:
    class Form(discord.ui.Modal, title="Form"):
        answer: discord.ui.TextInput["Form"] = discord.ui.TextInput(label="Answer")

        async def on_submit(self, interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"you said {self.answer.value}")

    form = Form()
    await offer(bot, lambda i: i.response.send_modal(form))
    mark = ada.mark()
    await ada.slash(guild_id, general, "ask")
    modal = await ada.wait_for(lambda e: e.name == "INTERACTION_MODAL_CREATE", since=mark)
    assert modal.data["title"] == "Form"
    sent = await ada.submit_modal(modal, {form.answer.custom_id: "yes"})
    assert (await ada.answer_to(sent)).content == "you said yes"


async def test_an_unanswered_interaction_fails(
    pointed: Callable[[FakeDiscord], None],
) -> None:
    async with FakeDiscord(respond_within=0.05) as fake:
        pointed(fake)
        told = fake.describe()
        async with running(Recorder(), fake) as bot, person(fake, "ada") as ada:
            late = asyncio.Event()
            codes = asyncio.Queue[int]()

            async def answer(interaction: discord.Interaction) -> None:
                await late.wait()
                try:
                    await interaction.response.send_message("too late")
                except discord.NotFound as error:
                    codes.put_nowait(error.code)

            await offer(bot, answer)
            sent = await ada.slash(told["guild_id"], told["channel_id"], "ask")
            assert await ada.outcome(sent) == "INTERACTION_FAILURE"
            late.set()
            assert await asyncio.wait_for(codes.get(), 5) == 10062


async def test_answers_that_discord_refuses(
    bot: Recorder, fake: FakeDiscord, ada: Person, guild_id: str, general: str
) -> None:
    codes = asyncio.Queue[int]()

    async def answer(interaction: discord.Interaction) -> None:
        hook = f"{fake.rest}/webhooks/{interaction.application_id}/{interaction.token}"
        url = f"{fake.rest}/interactions/{interaction.id}/{interaction.token}/callback"
        async with aiohttp.ClientSession() as http:
            for address, body in (
                (hook, {"content": "too early"}),
                (url, {"type": 4, "data": {"content": ""}}),
                (url, {"type": 4, "data": {"content": "fine"}}),
                (url, {"type": 4, "data": {"content": "twice"}}),
            ):
                async with http.post(address, json=body) as response:
                    told = await response.json() if response.status != 204 else {"code": 0}
                    codes.put_nowait(told["code"])

    await offer(bot, answer)
    await ada.slash(guild_id, general, "ask")
    assert [await asyncio.wait_for(codes.get(), 5) for _ in range(4)] == [10015, 50006, 0, 40060]


async def test_a_token_lasts_15_minutes(pointed: Callable[[FakeDiscord], None]) -> None:
    async with FakeDiscord() as fake:
        pointed(fake)
        told = fake.describe()
        async with running(Recorder(), fake) as bot, person(fake, "ada") as ada:
            await offer(bot, lambda i: i.response.send_message("hi"))
            sent = await ada.slash(told["guild_id"], told["channel_id"], "ask")
            await ada.answer_to(sent)
            use = fake.interactions.by_id(int(sent.id))
            assert use is not None
            hook = discord.Webhook.partial(fake.world.application.id, use.token, client=bot)
            use.created_at -= 15 * 60 - 5
            await hook.send("still good")
            use.created_at -= 10
            with pytest.raises(discord.HTTPException) as refused:
                await hook.send("too late")
            assert refused.value.code == 50027
