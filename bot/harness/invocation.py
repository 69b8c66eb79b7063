"""A person's use of a command or component, checked and completed as Discord does it.

Discord checks the options against the command's own description and adds to the data what the ids
in it stand for (`resolved`).
"""

from typing import Any

from bot.harness import errors, message_payload, payloads
from bot.harness.call import Call, snowflake
from bot.harness.errors import Code, DiscordError
from bot.harness.model import Channel, Command, JsonObject
from bot.harness.permissions import ALL, Permission

_SUBCOMMAND, _SUBCOMMAND_GROUP = 1, 2
_STRING, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _ROLE, _MENTIONABLE, _NUMBER, _ATTACHMENT = range(
    3, 12
)
_TYPES: dict[int, tuple[type, ...]] = {
    _STRING: (str,),
    _INTEGER: (int,),
    _BOOLEAN: (bool,),
    _NUMBER: (int, float),
}


def command_data(call: Call, channel: Channel, *, complete: bool) -> tuple[Command, JsonObject]:
    """The command that a request names, and the data that its application receives.

    `complete` is False for autocompletion, where options may be missing or half typed. Raises 10063
    for no such command here, 50013 for who may not use it, 50035 for options that do not fit.
    """
    given: JsonObject = call.json.get("data") or {}
    command = call.world.commands.get(snowflake(given.get("id"), "data.id"))
    if command is None or command.guild_id not in (None, channel.guild_id):
        raise DiscordError(Code.UNKNOWN_COMMAND)
    _check_allowed(call, channel, command)
    options: list[JsonObject] = given.get("options") or []
    if complete:
        _check_options(command.spec.get("options") or [], options, "data.options")
    data: JsonObject = {"id": str(command.id), "name": command.name, "type": command.type}
    if options:
        data["options"] = options
    if command.guild_id is not None:
        data["guild_id"] = str(command.guild_id)
    if given.get("target_id") is not None:
        data["target_id"] = str(given["target_id"])
    resolved = _resolve(call, channel, options, given)
    if resolved:
        data["resolved"] = resolved
    return command, data


def component_data(
    call: Call, channel: Channel, component: JsonObject, given: JsonObject
) -> JsonObject:
    """The data that an application receives for a pressed button or a made selection."""
    data: JsonObject = {
        "custom_id": component["custom_id"],
        "component_type": component["type"],
        "id": component["id"],
    }
    if "values" in given:
        data["values"] = given["values"]
        resolved: JsonObject = {}
        for value in given["values"]:
            if component["type"] in (5, 6, 7, 8):
                _resolve_any(call, channel, str(value), resolved)
        if resolved:
            data["resolved"] = resolved
    return data


def resolved_component(components: list[JsonObject], custom_id: object) -> JsonObject | None:
    """The component with a custom id, however deep it is."""
    for component in components:
        if custom_id is not None and component.get("custom_id") == custom_id:
            return component
        inner = [*component.get("components", ()), component.get("accessory")]
        found = resolved_component([part for part in inner if part], custom_id)
        if found is not None:
            return found
    return None


def _check_allowed(call: Call, channel: Channel, command: Command) -> None:
    spec = command.spec
    if channel.guild_id is None:
        contexts = spec.get("contexts")
        if spec.get("dm_permission") is False or (contexts is not None and 1 not in contexts):
            raise DiscordError(Code.UNKNOWN_COMMAND)
        return
    needed = spec.get("default_member_permissions")
    if needed is None:
        return
    have = call.world.guild_permissions(call.world.guilds[channel.guild_id], call.user.id)
    # "0" is for administrators alone.
    wanted = Permission(int(needed)) or ALL
    if have & wanted != wanted:
        raise DiscordError(Code.MISSING_PERMISSIONS)


def _check_options(specs: list[JsonObject], options: list[JsonObject], path: str) -> None:
    known = {spec["name"]: spec for spec in specs}
    given = {option.get("name"): option for option in options}
    for index, option in enumerate(options):
        spec = known.get(str(option.get("name")))
        if spec is None:
            raise errors.invalid_form(f"{path}.{index}", "UNKNOWN_OPTION", "Unknown option")
        _check_option(spec, option, f"{path}.{index}")
    if any(spec["type"] in (_SUBCOMMAND, _SUBCOMMAND_GROUP) for spec in specs):
        if len(options) != 1:
            raise errors.required(path)
        return
    for spec in specs:
        if spec.get("required") and spec["name"] not in given:
            raise errors.required(f"{path}.{spec['name']}")


def _check_option(spec: JsonObject, option: JsonObject, path: str) -> None:
    if spec["type"] in (_SUBCOMMAND, _SUBCOMMAND_GROUP):
        _check_options(spec.get("options") or [], option.get("options") or [], f"{path}.options")
        return
    value = option.get("value")
    types = _TYPES.get(spec["type"])
    if types is not None and type(value) not in types:
        raise errors.invalid_form(f"{path}.value", "OPTION_TYPE", "Value has the wrong type.")
    choices = spec.get("choices")
    if choices and value not in [choice["value"] for choice in choices]:
        raise errors.invalid_form(f"{path}.value", "BASE_TYPE_CHOICES", "Value is no choice.")
    low, high = spec.get("min_value"), spec.get("max_value")
    if isinstance(value, int | float) and (
        (low is not None and value < low) or (high is not None and value > high)
    ):
        raise errors.invalid_form(f"{path}.value", "NUMBER_TYPE_RANGE", "Value is out of range.")


def _resolve(
    call: Call, channel: Channel, options: list[JsonObject], given: JsonObject
) -> JsonObject:
    resolved: JsonObject = {}
    for option in _leaves(options):
        value = str(option.get("value"))
        if option.get("type") in (_USER, _CHANNEL, _ROLE, _MENTIONABLE):
            _resolve_any(call, channel, value, resolved)
    target = given.get("target_id")
    if target is not None:
        _resolve_any(call, channel, str(target), resolved)
    return resolved


def _leaves(options: list[JsonObject]) -> list[JsonObject]:
    found: list[JsonObject] = []
    for option in options:
        found += _leaves(option["options"]) if option.get("options") else [option]
    return found


def _resolve_any(call: Call, channel: Channel, text: str, resolved: dict[str, Any]) -> None:
    """Add what an id stands for: a user with membership, a role, a channel or a message."""
    world, wanted = call.world, int(text) if text.isdigit() else 0
    guild = world.guilds.get(channel.guild_id or 0)
    if wanted in world.users:
        resolved.setdefault("users", {})[text] = payloads.user(world.users[wanted])
        if guild is not None and wanted in guild.members:
            member = payloads.member(world, guild.members[wanted], with_user=False)
            member["permissions"] = str(int(world.permissions(channel, wanted)))
            resolved.setdefault("members", {})[text] = member
    elif guild is not None and wanted in guild.roles:
        resolved.setdefault("roles", {})[text] = payloads.role(guild.roles[wanted])
    elif wanted in channel.messages:
        message = message_payload.message(world, channel.messages[wanted], world.bot.id)
        resolved.setdefault("messages", {})[text] = message
    elif wanted in world.channels:
        place = world.channels[wanted]
        shown = payloads.channel_for(world, place, world.bot.id)
        shown["permissions"] = str(int(world.permissions(place, call.user.id)))
        resolved.setdefault("channels", {})[text] = shown
