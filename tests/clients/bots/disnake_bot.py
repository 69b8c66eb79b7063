# mypy: ignore-errors
"""The bot of test_clients.py with disnake. Arguments: REST address, gateway (unused), token."""

import sys

import disnake
from disnake.ext import commands
from disnake.http import Route

rest, _, token = sys.argv[1:]
Route.BASE = rest

intents = disnake.Intents.default()
intents.message_content = True
bot = commands.InteractionBot(intents=intents)


class Again(disnake.ui.View):
    @disnake.ui.button(label="Again", custom_id="again")
    async def again(self, _: disnake.ui.Button, interaction: disnake.MessageInteraction) -> None:
        await interaction.response.send_message(f"only for {interaction.user.name}", ephemeral=True)


@bot.event
async def on_ready() -> None:
    print(f"ready {bot.user.name} in {bot.guilds[0].name}")


@bot.event
async def on_message(message: disnake.Message) -> None:
    if message.content != "hello":
        return
    print(f"saw {message.author.name}: {message.content}")
    reply = await message.reply(f"hello, {message.author.name}")
    await reply.edit(content=f"hello again, {message.author.name}")
    await message.add_reaction("👋")


@bot.slash_command(description="Answers.")
async def ping(interaction: disnake.ApplicationCommandInteraction) -> None:
    await interaction.response.send_message("pong", view=Again())


bot.run(token)
