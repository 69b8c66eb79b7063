"""A person's use of a command, checked and completed as Discord does it.

Discord checks the options against the command's own description and adds to the data what the ids
in it stand for (`resolved`).
"""

from bot.harness import errors
from bot.harness.call import Call, snowflake
from bot.harness.command_forms import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    CHAT_INPUT,
    INTEGER,
    MENTIONABLE,
    MESSAGE,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    SUBCOMMAND_GROUP,
    USER,
    USER_OPTION,
)
from bot.harness.drafts import new_attachment
from bot.harness.errors import Code, DiscordError
from bot.harness.installs import Owners, owners_of_command
from bot.harness.model import Channel, Command, JsonObject
from bot.harness.permissions import ALL, Permission
from bot.harness.resolved import Resolved

_TYPES: dict[int, tuple[type, ...]] = {
    STRING: (str,),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    NUMBER: (int, float),
}
_TEXT_LIMIT = 6000


def command_data(
    call: Call, channel: Channel, *, complete: bool
) -> tuple[Command, Owners, JsonObject]:
    """The command that a request names, its installs, and the data that its application receives.

    `complete` is False for autocompletion, where options may be missing or half typed. Raises 10063
    for no such command here, 50013 for who may not use it, 50035 for options that do not fit.
    """
    given: JsonObject = call.json.get("data") or {}
    command = call.world.commands.get(snowflake(given.get("id"), "data.id"))
    owners = owners_of_command(call.world, command, call.user.id, channel) if command else None
    if command is None or not owners:
        raise DiscordError(Code.UNKNOWN_COMMAND)
    _check_allowed(call, channel, command)
    resolved = Resolved(call.world, channel, call.user)
    data: JsonObject = {"id": str(command.id), "name": command.name, "type": command.type}
    if command.guild_id is not None:
        data["guild_id"] = str(command.guild_id)
    if command.type == CHAT_INPUT:
        options: list[JsonObject] = given.get("options") or []
        if complete:
            _check_options(call, command.spec.get("options") or [], options, "data.options")
        if options:
            data["options"] = _with_files(call, options, given, resolved)
        for option in _leaves(options):
            _resolve(option, resolved, complete=complete)
    else:
        data["target_id"] = _target(command, given, resolved)
    if resolved.data:
        data["resolved"] = resolved.data
    return command, owners, data


def _check_allowed(call: Call, channel: Channel, command: Command) -> None:
    needed = command.spec.get("default_member_permissions")
    if channel.guild_id is None or needed is None:
        return
    have = call.world.guild_permissions(call.world.guilds[channel.guild_id], call.user.id)
    # "0" is for administrators alone.
    wanted = Permission(int(needed)) or ALL
    if have & wanted != wanted:
        raise DiscordError(Code.MISSING_PERMISSIONS)


def _target(command: Command, given: JsonObject, resolved: Resolved) -> str:
    target = str(snowflake(given.get("target_id"), "data.target_id"))
    if command.type == USER and not resolved.add_user(target):
        raise DiscordError(Code.UNKNOWN_USER)
    if command.type == MESSAGE and not resolved.add_message(target):
        raise DiscordError(Code.UNKNOWN_MESSAGE)
    return target


def _check_options(
    call: Call, specs: list[JsonObject], options: list[JsonObject], path: str
) -> None:
    known = {spec["name"]: spec for spec in specs}
    given = {option.get("name"): option for option in options}
    for index, option in enumerate(options):
        spec = known.get(str(option.get("name")))
        if spec is None:
            raise errors.invalid_form(f"{path}.{index}", "UNKNOWN_OPTION", "Unknown option")
        _check_option(call, spec, option, f"{path}.{index}")
    if any(spec["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP) for spec in specs):
        if len(options) != 1:
            raise errors.required(path)
        return
    for spec in specs:
        if spec.get("required") and spec["name"] not in given:
            raise errors.required(f"{path}.{spec['name']}")


def _check_option(call: Call, spec: JsonObject, option: JsonObject, path: str) -> None:
    if spec["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP):
        inner = option.get("options") or []
        _check_options(call, spec.get("options") or [], inner, f"{path}.options")
        return
    value, place = option.get("value"), f"{path}.value"
    types = _TYPES.get(spec["type"])
    if types is not None and type(value) not in types:
        raise errors.invalid_form(place, "OPTION_TYPE", "Value has the wrong type.")
    if spec["type"] == CHANNEL and spec.get("channel_types"):
        channel = call.world.channels.get(snowflake(value, place))
        if channel is None or channel.type not in spec["channel_types"]:
            raise errors.invalid_form(place, "OPTION_TYPE", "Channel has the wrong type.")
    choices = spec.get("choices")
    if choices and value not in [choice["value"] for choice in choices]:
        raise errors.invalid_form(place, "BASE_TYPE_CHOICES", "Value is no choice.")
    low, high = spec.get("min_value"), spec.get("max_value")
    if isinstance(value, int | float) and (
        (low is not None and value < low) or (high is not None and value > high)
    ):
        raise errors.invalid_form(place, "NUMBER_TYPE_RANGE", "Value is out of range.")
    if isinstance(value, str) and spec["type"] == STRING:
        shortest, longest = spec.get("min_length") or 0, spec.get("max_length") or _TEXT_LIMIT
        if not shortest <= len(value) <= longest:
            raise errors.wrong_length(place, shortest, longest)


def _leaves(options: list[JsonObject]) -> list[JsonObject]:
    found: list[JsonObject] = []
    for option in options:
        found += _leaves(option["options"]) if option.get("options") else [option]
    return found


def _resolve(option: JsonObject, resolved: Resolved, *, complete: bool) -> None:
    ways = {
        USER_OPTION: resolved.add_user,
        CHANNEL: resolved.add_channel,
        ROLE: resolved.add_role,
        MENTIONABLE: resolved.add_mentionable,
    }
    add = ways.get(option.get("type") or 0)
    if add is not None and not add(str(option.get("value"))) and complete:
        name = option.get("name")
        raise errors.invalid_form(f"data.options.{name}.value", "OPTION_TYPE", "Unknown id.")


def _with_files(
    call: Call, options: list[JsonObject], given: JsonObject, resolved: Resolved
) -> list[JsonObject]:
    """The options with the numbers of uploaded files replaced by the ids they were given."""
    told = {str(a.get("id")): a for a in given.get("attachments") or ()}
    uploads = {upload.number: upload for upload in call.uploads}
    seen = []
    for option in options:
        if option.get("options"):
            seen.append(option | {"options": _with_files(call, option["options"], given, resolved)})
        elif option.get("type") == ATTACHMENT and str(option.get("value")) in uploads:
            number = str(option["value"])
            file = new_attachment(call.world, uploads[number], told.get(number, {}))
            call.world.uploads[file.id] = file
            resolved.add_attachment(file)
            seen.append(option | {"value": str(file.id)})
        else:
            seen.append(option)
    return seen
