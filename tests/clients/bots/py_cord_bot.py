# mypy: ignore-errors
"""The bot of test_clients.py with py-cord. Arguments: REST address, gateway (unused), token."""

import sys

import discord
from discord.http import Route

rest, _, token = sys.argv[1:]
Route.API_BASE_URL = rest

intents = discord.Intents.default()
intents.message_content = True
bot = discord.Bot(intents=intents)


class Again(discord.ui.View):
    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, _: discord.ui.Button, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"only for {interaction.user.name}", ephemeral=True)


@bot.event
async def on_ready() -> None:
    print(f"ready {bot.user.name} in {bot.guilds[0].name}")


@bot.event
async def on_message(message: discord.Message) -> None:
    if message.content != "hello":
        return
    print(f"saw {message.author.name}: {message.content}")
    reply = await message.reply(f"hello, {message.author.name}")
    await reply.edit(content=f"hello again, {message.author.name}")
    await message.add_reaction("👋")


@bot.slash_command(description="Answers.")
async def ping(context: discord.ApplicationContext) -> None:
    await context.respond("pong", view=Again())


bot.run(token)
