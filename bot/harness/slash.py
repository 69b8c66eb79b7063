"""Slash commands by name: from "reasoning enable" to the data that a client sends."""

from collections.abc import Mapping

from bot.harness.model import JsonObject


def find_command(commands: list[JsonObject], full_name: str) -> tuple[JsonObject, list[JsonObject]]:
    """The command of a full name, and the groups and subcommand on the way to its end.

    A guild's own command goes before a global one. Raises LookupError if there is none.
    """
    first, *rest = full_name.removeprefix("/").split()
    command = named_command(commands, first, 1)
    path: list[JsonObject] = []
    here = command
    for name in rest:
        inner = [o for o in here.get("options") or () if o["type"] in (1, 2)]
        chosen = next((o for o in inner if o["name"] == name), None)
        if chosen is None:
            known = ", ".join(o["name"] for o in inner) or "none"
            raise LookupError(f"{here['name']!r} has no subcommand {name!r}; it has {known}")
        path.append(chosen)
        here = chosen
    return command, path


def named_command(commands: list[JsonObject], name: str, kind: int) -> JsonObject:
    """The command of a name and type. Raises LookupError if there is none."""
    named = [c for c in commands if c["name"] == name and c.get("type", 1) == kind]
    if not named:
        known = ", ".join(sorted(c["name"] for c in commands)) or "none"
        raise LookupError(f"no command {name!r}; there are {known}")
    return max(named, key=lambda c: c.get("guild_id") is not None)


def with_target(command: JsonObject, target_id: str) -> JsonObject:
    """The interaction data for a command of the context menu, used on a user or a message."""
    return with_options(command, [], {}) | {"target_id": target_id}


def with_options(
    command: JsonObject,
    path: list[JsonObject],
    options: Mapping[str, object],
    *,
    focused: str | None = None,
) -> JsonObject:
    """The interaction data for a command with its options.

    Raises LookupError for an option that the command does not have.
    """
    leaf = path[-1] if path else command
    specs = {o["name"]: o for o in leaf.get("options") or ()}
    filled: list[JsonObject] = []
    for name, value in options.items():
        if name not in specs:
            known = ", ".join(sorted(specs)) or "none"
            raise LookupError(f"{leaf['name']!r} has no option {name!r}; it has {known}")
        option: JsonObject = {"type": specs[name]["type"], "name": name, "value": value}
        if name == focused:
            option["focused"] = True
        filled.append(option)
    for step in reversed(path):
        filled = [{"type": step["type"], "name": step["name"], "options": filled}]
    data: JsonObject = {
        "version": command["version"],
        "id": command["id"],
        "name": command["name"],
        "type": command.get("type", 1),
        "options": filled,
        "attachments": [],
    }
    if command.get("guild_id") is not None:
        data["guild_id"] = command["guild_id"]
    return data
