"""A small world to begin with: one guild, two channels, an admin and two members."""

from bot.harness.permissions import Permission
from bot.harness.world import World


def sample_world(name: str = "Understudy") -> World:
    """A world whose bot is called `name`, with the people ada (admin), ben and cleo (members)."""
    world = World(name)
    guild = world.add_guild("Sample Server", channels=("general", "workshop"))
    admin = world.add_role(guild, "Admin", Permission.ADMINISTRATOR)
    world.add_person("ada", guild, roles=[admin])
    world.add_person("ben", guild)
    world.add_person("cleo", guild)
    return world
