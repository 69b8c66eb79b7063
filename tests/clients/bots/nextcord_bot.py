# mypy: ignore-errors
"""The bot of test_clients.py with nextcord. Arguments: REST address, gateway (unused), token."""

import sys

import nextcord
from nextcord.http import Route

rest, _, token = sys.argv[1:]
Route.BASE = rest

intents = nextcord.Intents.default()
intents.message_content = True
bot = nextcord.Client(intents=intents)


class Again(nextcord.ui.View):
    @nextcord.ui.button(label="Again", custom_id="again")
    async def again(self, _: nextcord.ui.Button, interaction: nextcord.Interaction) -> None:
        await interaction.response.send_message(f"only for {interaction.user.name}", ephemeral=True)


@bot.event
async def on_ready() -> None:
    print(f"ready {bot.user.name} in {bot.guilds[0].name}")


@bot.event
async def on_message(message: nextcord.Message) -> None:
    if message.content != "hello":
        return
    print(f"saw {message.author.name}: {message.content}")
    reply = await message.reply(f"hello, {message.author.name}")
    await reply.edit(content=f"hello again, {message.author.name}")
    await message.add_reaction("👋")


@bot.slash_command(description="Answers.")
async def ping(interaction: nextcord.Interaction) -> None:
    await interaction.response.send_message("pong", view=Again())


bot.run(token)
