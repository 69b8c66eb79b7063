"""The application and its commands, global and of one guild."""

from typing import Any

from bot.harness import errors, payloads
from bot.harness.api import Route
from bot.harness.call import Call, Reply
from bot.harness.command_forms import CHAT_INPUT, MESSAGE, USER, check_command
from bot.harness.errors import Code, DiscordError
from bot.harness.installs import Install, owners_of_command
from bot.harness.model import Command, JsonObject

_LIMITS = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}


async def get_application(call: Call) -> JsonObject:
    if not call.user.bot:
        raise DiscordError(Code.BOTS_ONLY)
    return payloads.application(call.world)


async def list_commands(call: Call) -> list[JsonObject]:
    guild_id = _scope(call)
    shown = [payloads.command(call.world, c) for c in _commands(call, guild_id)]
    return shown if call.query_flag("with_localizations") else [_untranslated(c) for c in shown]


async def replace_commands(call: Call) -> list[JsonObject]:
    """Bulk overwrite: what is not in the list is gone; what is keeps its id by type and name."""
    guild_id = _scope(call)
    specs = call.items
    for index, spec in enumerate(specs):
        check_command(spec, (str(index),))
    _refuse_too_many([int(spec.get("type") or CHAT_INPUT) for spec in specs])
    before = {(c.type, c.name): c for c in _commands(call, guild_id)}
    for command in before.values():
        del call.world.commands[command.id]
    return [payloads.command(call.world, _put(call, guild_id, spec, before)) for spec in specs]


async def create_command(call: Call) -> Reply:
    """Create or, with a name that is taken, replace."""
    guild_id = _scope(call)
    check_command(call.json)
    before = {(c.type, c.name): c for c in _commands(call, guild_id)}
    spec = (int(call.json.get("type") or CHAT_INPUT), str(call.json["name"]))
    _refuse_too_many([kind for kind, _ in {*before, spec}])
    command = _put(call, guild_id, call.json, before)
    known = (command.type, command.name) in before
    return Reply(200 if known else 201, payloads.command(call.world, command))


async def get_command(call: Call) -> JsonObject:
    return payloads.command(call.world, _command(call))


async def edit_command(call: Call) -> JsonObject:
    command = _command(call)
    spec = command.spec | call.json
    check_command(spec)
    command.spec, command.version = _present(spec), call.world.new_id()
    return payloads.command(call.world, command)


async def delete_command(call: Call) -> None:
    del call.world.commands[_command(call).id]


async def list_for_person(call: Call) -> JsonObject:
    """What a person's client asks for to offer commands in a channel."""
    world, channel = call.world, call.channel()
    offered = [
        known
        for known in world.commands.values()
        if owners_of_command(world, known, call.user.id, channel)
    ]
    bot = payloads.user(world.bot)
    return {
        "applications": [{"id": str(world.application.id), "name": world.bot.name, "bot": bot}],
        "application_commands": [payloads.command(call.world, c) for c in offered],
    }


async def authorize(call: Call) -> JsonObject:
    """A person adds the application to their account, as the page does that the invite opens.

    Source: https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow
    """
    if call.user.bot:
        raise DiscordError(Code.MISSING_ACCESS)
    if call.query_id("client_id") != call.world.application.id:
        raise DiscordError(Code.UNKNOWN_APPLICATION)
    if call.query_number("integration_type", Install.GUILD, 0, 1) != Install.USER:
        # How a bot comes to a guild is the world's to say (`World.add_bot`).
        raise errors.invalid_form("integration_type", "BASE_TYPE_CHOICES", "Not supported.")
    call.world.install_for(call.user)
    return {"location": "https://discord.com/oauth2/authorized"}


async def deauthorize(call: Call) -> None:
    """A person takes the application off their account; its id stands for the authorization's."""
    if call.id("authorization_id") != call.world.application.id:
        raise DiscordError(Code.UNKNOWN_APPLICATION)
    call.world.uninstall_for(call.user)


async def list_authorized(call: Call) -> list[JsonObject]:
    """The applications on a person's account."""
    app = call.world.application
    known = {"id": str(app.id), "name": app.name, "bot": payloads.user(call.world.bot)}
    one = {"id": str(app.id), "application": known, "scopes": ["applications.commands"]}
    return [one] if call.user.id in call.world.installed_by else []


def _scope(call: Call) -> int | None:
    """Which commands the path means: a guild's id, or None for the global ones."""
    if not call.user.bot:
        raise DiscordError(Code.BOTS_ONLY)
    if call.id("application_id") != call.world.application.id:
        raise DiscordError(Code.MISSING_ACCESS)
    if "guild_id" not in call.request.match_info:
        return None
    guild = call.world.guilds.get(call.id("guild_id"))
    if guild is None or call.user.id not in guild.members:
        raise DiscordError(Code.MISSING_ACCESS)
    return guild.id


def _refuse_too_many(kinds: list[int]) -> None:
    for kind, limit in _LIMITS.items():
        if kinds.count(kind) > limit:
            raise DiscordError(Code.TOO_MANY_COMMANDS)


def _commands(call: Call, guild_id: int | None) -> list[Command]:
    return [c for c in call.world.commands.values() if c.guild_id == guild_id]


def _command(call: Call) -> Command:
    guild_id = _scope(call)
    command = call.world.commands.get(call.id("command_id"))
    if command is None or command.guild_id != guild_id:
        raise DiscordError(Code.UNKNOWN_COMMAND)
    return command


def _put(
    call: Call,
    guild_id: int | None,
    spec: JsonObject,
    before: dict[tuple[int, str], Command],
) -> Command:
    known = before.get((int(spec.get("type") or CHAT_INPUT), str(spec["name"])))
    same = known is not None and known.spec == _present(spec)
    command = Command(
        id=known.id if known else call.world.new_id(),
        version=known.version if known and same else call.world.new_id(),
        application_id=call.world.application.id,
        guild_id=guild_id,
        spec=_present(spec),
    )
    call.world.commands[command.id] = command
    return command


def _present(spec: Any) -> Any:  # noqa: ANN401 - JSON
    """A command without what is null in it, which is as good as not given."""
    if isinstance(spec, list):
        return [_present(item) for item in spec]
    if isinstance(spec, dict):
        return {key: _present(value) for key, value in spec.items() if value is not None}
    return spec


def _untranslated(shown: Any) -> Any:  # noqa: ANN401 - JSON
    """A command as a list shows it that was not asked for translations."""
    if isinstance(shown, list):
        return [_untranslated(item) for item in shown]
    if isinstance(shown, dict):
        left_out = ("name_localizations", "description_localizations")
        return {k: _untranslated(value) for k, value in shown.items() if k not in left_out}
    return shown


_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"

ROUTES = [
    Route("GET", "/oauth2/applications/@me", get_application),
    Route("GET", "/applications/@me", get_application),
    *(
        Route(method, base + tail, handler)
        for base in (_GLOBAL, _GUILD)
        for method, tail, handler in (
            ("GET", "", list_commands),
            ("PUT", "", replace_commands),
            ("POST", "", create_command),
            ("GET", "/{command_id}", get_command),
            ("PATCH", "/{command_id}", edit_command),
            ("DELETE", "/{command_id}", delete_command),
        )
    ),
    Route("GET", "/channels/{channel_id}/application-command-index", list_for_person),
    Route("GET", "/oauth2/tokens", list_authorized),
    Route("POST", "/oauth2/authorize", authorize),
    Route("DELETE", "/oauth2/tokens/{authorization_id}", deauthorize),
]
