# mypy: ignore-errors
"""The bot of test_clients.py with discord.py. Arguments: REST address, gateway, token."""

import sys

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

rest, gateway, token = sys.argv[1:]
Route.BASE = rest
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)


class Again(discord.ui.View):
    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.send_message(f"only for {interaction.user.name}", ephemeral=True)


class Bot(discord.Client):
    def __init__(self) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(intents=intents)
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_ready(self) -> None:
        print(f"ready {self.user.name} in {self.guilds[0].name}")

    async def on_message(self, message: discord.Message) -> None:
        if message.content != "hello":
            return
        print(f"saw {message.author.name}: {message.content}")
        reply = await message.reply(f"hello, {message.author.name}")
        await reply.edit(content=f"hello again, {message.author.name}")
        await message.add_reaction("👋")


bot = Bot()


@bot.tree.command(description="Answers.")
async def ping(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("pong", view=Again())


bot.run(token)
