"""The pytest plugin, as others use it: in a project and a process of their own."""

import re
from pathlib import Path
from typing import Any

import discord
import discord.app_commands
import pytest

from bot.harness.scene import Scene
from bot.harness.trace import load

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "testing-your-bot.md"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project that has the plugin and nothing else of ours."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest('pytest_plugins = ["bot.harness.pytest_plugin"]')
    return pytester


WORLD = """
import pytest
from bot.harness import World

@pytest.fixture
def fake_discord_world():
    world = World("Helper")
    world.add_person("dora", world.add_guild("Home"))
    return world

@pytest.mark.asyncio
async def test_it(fake_discord):
    dora = await fake_discord.person("dora")
    assert (await fake_discord.say("hi", by="dora"))["author"]["id"] == dora.id
    assert fake_discord.world.bot.name == "Helper"
    with pytest.raises(LookupError, match="nobody is called 'ada'; there are dora"):
        await fake_discord.say("hi")
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_in_a_project_of_its_own(project: pytest.Pytester, mode: str) -> None:
    """The page's example passes, fails once its bot is wrong, and worlds can be exchanged."""
    example = examples()[0]
    assert len([line for line in example.splitlines() if line.strip()]) <= 22
    wrong = example.replace('f"hello {', 'f"goodbye {')
    project.makepyfile(
        test_example=example,
        test_wrong=wrong.replace('"hello ben"', '"hello ben", timeout=0.3'),
        test_world=WORLD,
    )
    done = project.runpytest_subprocess(
        *("-p", "no:cacheprovider", "-o", f"asyncio_mode={mode}"), "--fake-discord-traces=traces"
    )
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*the bot did not say 'hello ben', but ?'goodbye ben'?*"])
    kept = {path.name: load(path) for path in (project.path / "traces").iterdir()}
    assert len(kept) == 3
    example_trace = next(entries for name, entries in kept.items() if "example" in name)
    assert any(e.is_dispatch("INTERACTION_CREATE") for e in example_trace)


class Buttons(discord.ui.View):
    @discord.ui.button(label="Press")
    async def press(
        self, interaction: discord.Interaction, _: "discord.ui.Button[Buttons]"
    ) -> None:
        await interaction.response.edit_message(content="pressed", view=None)

    @discord.ui.button(label="Whisper")
    async def whisper(
        self, interaction: discord.Interaction, _: "discord.ui.Button[Buttons]"
    ) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.edit_original_response(content="psst")


class Clicked(discord.Client):
    async def on_message(self, message: discord.Message) -> None:
        if message.content == "menu":
            await message.channel.send("choose", view=Buttons())
            await message.channel.send("or not")


async def test_clicks_and_edits() -> None:
    async with Scene() as discord_of_ours:
        intents = discord.Intents.all()
        async with discord_of_ours.run(Clicked(intents=intents, guild_ready_timeout=0.05)):
            await discord_of_ours.say("menu", by="ben")
            menu = await discord_of_ours.expect_reply("choose")
            assert (await discord_of_ours.expect_reply()).content == "or not"
            await discord_of_ours.click(menu, "Whisper", by="ben")
            whispered = await discord_of_ours.expect_reply(lambda seen: seen.ephemeral)
            assert whispered.content == "psst"
            await discord_of_ours.click(menu, "Press", by="ben")
            await discord_of_ours.expect_edit(menu, "pressed")
            with pytest.raises(AssertionError, match="the bot said nothing within"):
                await discord_of_ours.expect_reply(timeout=0.05)
            with pytest.raises(AssertionError, match="it reads 'pressed', not 'never'"):
                await discord_of_ours.expect_edit(menu, "never", timeout=0.05)


async def test_the_page_says_how_to_be_where_the_bot_is_not() -> None:
    client = discord.Client(intents=discord.Intents.none(), guild_ready_timeout=0.05)
    tree = discord.app_commands.CommandTree(client)
    contexts: list[object] = []

    @tree.command(description="Are you there?")
    async def ping(interaction: discord.Interaction) -> None:
        contexts.append(interaction.context.to_array())
        await interaction.response.send_message("pong")

    example: dict[str, Any] = {}
    exec(examples()[1], example)  # noqa: S102 - our own page
    async with Scene() as ours, ours.run(client):
        await tree.sync()
        await example["abroad"](ours)
        assert contexts == [[0], [2], [2]]
        said = await ours.say("x")
        with pytest.raises(LookupError, match="no command 'Quote'"):
            await ours.use_on_message(said, "Quote")


async def test_a_client_that_cannot_log_in() -> None:
    async with Scene() as ours:
        ours.server.allow_privileged_intents(False)
        client = discord.Client(intents=discord.Intents.all(), guild_ready_timeout=0.05)
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with ours.run(client):
                pass
        assert client.is_closed()
