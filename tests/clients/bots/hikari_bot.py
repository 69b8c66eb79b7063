# mypy: ignore-errors
"""The bot of test_clients.py with hikari. Arguments: REST address, gateway (unused), token."""

import sys

import hikari

rest, _, token = sys.argv[1:]
bot = hikari.GatewayBot(
    token,
    rest_url=rest,
    intents=hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.MESSAGE_CONTENT,
    banner=None,
)


@bot.listen()
async def on_starting(_: hikari.StartingEvent) -> None:
    application = await bot.rest.fetch_application()
    ping = bot.rest.slash_command_builder("ping", "Answers.")
    await bot.rest.set_application_commands(application, [ping])


@bot.listen()
async def on_guild(event: hikari.GuildAvailableEvent) -> None:
    # The guilds of hikari's READY are ids alone.
    print(f"ready {bot.get_me().username} in {event.guild.name}")


@bot.listen()
async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
    if event.content != "hello":
        return
    print(f"saw {event.author.username}: {event.content}")
    reply = await event.message.respond(f"hello, {event.author.username}", reply=True)
    await reply.edit(f"hello again, {event.author.username}")
    await event.message.add_reaction("👋")


@bot.listen()
async def on_command(event: hikari.CommandInteractionCreateEvent) -> None:
    row = bot.rest.build_message_action_row()
    row.add_interactive_button(hikari.ButtonStyle.SECONDARY, "again", label="Again")
    await event.interaction.create_initial_response(
        hikari.ResponseType.MESSAGE_CREATE, "pong", component=row
    )


@bot.listen()
async def on_component(event: hikari.ComponentInteractionCreateEvent) -> None:
    await event.interaction.create_initial_response(
        hikari.ResponseType.MESSAGE_CREATE,
        f"only for {event.interaction.user.username}",
        flags=hikari.MessageFlag.EPHEMERAL,
    )


bot.run(check_for_updates=False)
