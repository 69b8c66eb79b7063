"""The bot on a person's own account: in servers that it is not in, with others, in groups."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.front.message_menus import ELSEWHERE
from bot.front.slash_commands import NOT_A_MEMBER
from bot.harness import FakeDiscord, Person, SeenMessage, sample_world
from bot.harness.model import Channel, Guild
from bot.harness.permissions import Permission
from tests.agents import ScriptedModel
from tests.front.scene import Scene, scene
from tests.plugins.privacy.place import settled

Place = tuple[str | None, str]
EVERYWHERE = {"ask", "privacy", "Regenerate", "Suggest a better answer", "Forget this message"}
IN_PRIVATE = {"ask", "privacy"}


@dataclass(frozen=True, slots=True)
class Abroad:
    """A server without the bot, where Ben manages and Ada is a member, and two private places."""

    stage: Scene
    guild: Guild
    pair: Channel
    group: Channel

    @property
    def there(self) -> Place:
        return str(self.guild.id), str(self.guild.channel_ids[0])

    @property
    def places(self) -> list[Place]:
        return [self.there, (None, str(self.pair.id)), (None, str(self.group.id))]

    async def slash(self, place: Place, command: str, /, **options: object) -> SeenMessage:
        """Ben runs a command somewhere."""
        ben = self.stage.ben
        guild_id, channel_id = place
        return await ben.answer_to(await ben.slash(guild_id, channel_id, command, **options))

    def files(self) -> set[str]:
        """The worlds that have a file."""
        found = self.stage.data.rglob("*.sqlite3")
        return {f"{p.parent.name}/{p.stem}" for p in found} & self.worlds()

    def worlds(self) -> set[str]:
        ben = self.stage.ben.id
        return {f"guilds/{self.guild.id}", f"dms/{ben}", f"guilds/{self.stage.guild_id}"}


@asynccontextmanager
async def abroad(data: Path, model: ScriptedModel | None = None) -> AsyncIterator[Abroad]:
    world = sample_world()
    people = {user.name: user for user in world.users.values()}
    ada, ben, cleo = people["ada"], people["ben"], people["cleo"]
    guild = world.add_guild("Elsewhere", owner=cleo, bot=False)
    world.add_member(guild, ada)
    world.add_member(guild, ben, roles=[world.add_role(guild, "Admin", Permission.ADMINISTRATOR)])
    world.install_for(ben)
    pair, group = world.open_dm(ben, ada), world.add_group_dm(ada, ben, cleo)
    async with (
        FakeDiscord(world) as fake,
        scene(data, fake=fake, with_privacy=True, model=model) as stage,
    ):
        yield Abroad(stage, guild, pair, group)


async def offered(person: Person, place: Place) -> set[str]:
    return {command["name"] for command in await person.commands(place[1])}


async def test_what_is_offered_where(tmp_path: Path) -> None:
    async with abroad(tmp_path) as at:
        ben = at.stage.ben
        assert await offered(ben, at.there) == EVERYWHERE
        for place in at.places[1:]:
            assert await offered(ben, place) == IN_PRIVATE
        at_home = {"agent", "records", "reasoning", *EVERYWHERE}
        assert await offered(ben, (at.stage.guild_id, at.stage.channel_id)) == at_home
        for place in at.places:
            assert await offered(at.stage.ada, place) == set()


async def test_asking_where_the_bot_is_not_records_nothing(tmp_path: Path) -> None:
    """Not in the other server's file, nor in one's own, which records."""
    async with abroad(tmp_path) as at:
        stage, ben = at.stage, at.stage.ben
        dm = await ben.open_dm(stage.bot_id)
        await stage.say_in(dm["id"], ben, "enable custom reasoning")
        await stage.say_in(dm["id"], ben, "hi")
        await stage.say(stage.ada, "enable custom reasoning")
        before = at.files()
        for place in at.places:
            answer = await at.slash(place, "ask", question="a secret")
            assert (answer.content, answer.ephemeral) == ("hello", False)
            assert "a secret" in stage.model.calls[-1].messages[-1].content
        answer = await at.slash((None, dm["id"]), "ask", question="not one")
        await settled(stage)
        assert at.files() == before == at.worlds() - {f"guilds/{at.guild.id}"}
        said = [row["input"] for row in stage.rows(f"dms/{ben.id}.sqlite3")]
        assert any("not one" in text for text in said)
        assert not any("a secret" in text for text in said)
        # Of a place that it is not in, the bot's gateway brings nothing.
        assert {guild.id for guild in stage.client.guilds} == {int(stage.guild_id)}


async def test_the_settings_of_another_server_do_not_count(tmp_path: Path) -> None:
    async with abroad(tmp_path) as at:
        stage = at.stage
        await stage.slash(stage.ada, "agent mode", channel=stage.channel_id, mode="never")
        assert (await at.slash(at.there, "ask", question="hi")).content == "hello"
        assert at.files() <= {f"guilds/{stage.guild_id}"}


async def test_a_long_answer_keeps_to_five_follow_ups(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number} " + "word " * 60 for number in range(28))
    async with abroad(tmp_path, ScriptedModel(text=text)) as at:
        since = at.stage.ben.mark()
        await at.slash(at.there, "ask", question="much")
        await at.stage.ben.wait_for(
            lambda event: "paragraph 27" in str(event.data.get("content")), since=since
        )
        at.stage.model.text = text * 2
        assert "in the file" in (await at.slash(at.there, "ask", question="more")).content


@pytest.mark.parametrize("number", range(3))
async def test_privacy_is_about_ones_own(tmp_path: Path, number: int) -> None:
    async with abroad(tmp_path) as at:
        stage, place = at.stage, at.places[number]
        shown = await at.slash(place, "privacy show")
        assert shown.ephemeral
        assert "not a member here" in shown.content
        assert "You are recorded here" in shown.content
        await at.slash(place, "privacy opt-out")
        assert "You are **not** recorded here" in (await at.slash(place, "privacy show")).content
        # At home nothing has changed.
        at_home = await stage.slash(stage.ben, "privacy show")
        assert "You are recorded here" in at_home.content
        assert "not a member" not in at_home.content
        assert f"guilds/{at.guild.id}" not in at.files()
        assert f"dms/{stage.ben.id}" in at.files()
        # One is one's own admin there, and changes what is one's own.
        await at.slash(place, "privacy retention", days="3")
        assert "for 3 days" in (await at.slash(place, "privacy show")).content
        assert "for 30 days" in (await stage.slash(stage.ben, "privacy show")).content
        sent = await at.slash(place, "privacy my-data")
        assert len(sent.latest["attachments"]) == 1


async def test_forgetting_oneself_works_from_anywhere(tmp_path: Path) -> None:
    async with abroad(tmp_path) as at:
        stage, ben = at.stage, at.stage.ben
        await stage.say(stage.ada, "enable custom reasoning")
        await stage.ask(ben, "remember this")
        asked = await at.slash(at.there, "privacy forget-me")
        done = await ben.answer_to(await ben.click(asked.latest, "Delete"))
        assert "are deleted" in done.content
        await settled(stage)
        assert not [row for row in stage.rows() if "remember this" in row["input"]]


async def test_menus_say_calmly_what_they_cannot(tmp_path: Path) -> None:
    async with abroad(tmp_path) as at:
        ben = at.stage.ben
        said = await at.stage.ada.say(at.there[1], "a word")
        for name in sorted(EVERYWHERE - IN_PRIVATE):
            answer = await ben.answer_to(await ben.use_on_message(said, name))
            assert (answer.content, answer.ephemeral) == (ELSEWHERE, True)


async def test_a_question_is_forgotten_in_direct_messages_without_a_common_server(
    tmp_path: Path,
) -> None:
    async with abroad(tmp_path) as at:
        stage = at.stage
        world = stage.fake.world
        dora = world.add_person("dora")
        world.install_for(dora)
        entry: dict[str, Any] = {"token": dora.token}
        async with Person(entry, stage.fake.rest, stage.fake.gateway) as person:
            dm = await person.open_dm(stage.bot_id)
            await stage.say_in(dm["id"], person, "enable custom reasoning")
            sent = await person.slash(None, dm["id"], "ask", question="a secret")
            answer = await person.answer_to(sent)
            await settled(stage)
            assert "a secret" in stage.rows(f"dms/{dora.id}.sqlite3")[-1]["input"]
            used = await person.use_on_message(answer.latest, "Forget this message")
            assert "gone from the records" in (await person.answer_to(used)).content
            await settled(stage)
            texts = str(stage.rows(f"dms/{dora.id}.sqlite3"))
            assert "a secret" not in texts


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("agent why", {}),
        ("agent settings", {}),
        ("agent check", {}),
        ("records list", {}),
        ("records export", {}),
        ("reasoning status", {}),
        ("reasoning enable", {}),
    ],
)
async def test_an_admins_command_that_is_offered_all_the_same(
    tmp_path: Path, command: str, options: dict[str, object]
) -> None:
    """As where an earlier version registered it for everybody's account."""
    async with abroad(tmp_path) as at:
        for known in at.stage.fake.world.commands.values():
            known.spec["integration_types"] = [0, 1]
        answer = await at.slash(at.there, command, **options)
        assert (answer.content, answer.ephemeral) == (NOT_A_MEMBER, True)
        assert f"guilds/{at.guild.id}" not in at.files()
