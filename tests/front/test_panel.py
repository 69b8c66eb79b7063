"""The settings panel: everything that is set, by whom, and under what goes wrong."""

import asyncio
from pathlib import Path

import pytest

from bot.agent.actions import Action, ActionContext, ActionResult
from bot.agent.models import Purpose
from bot.agent.permissions import Permission
from bot.agent.plugin import Plugin
from bot.front.agent_settings import AgentSettings, Mode
from bot.front.panel import panel as panel_module
from bot.harness import FakeDiscord, Refused, sample_world
from bot.harness.faults import Answer
from bot.harness.permissions import Permission as DiscordPermission
from bot.harness.world import World as FakeWorld
from bot.store.records import World, WorldKind
from tests.agents import ScriptedModel
from tests.front.panels import OpenPanel, opened
from tests.front.scene import Scene, scene

MANAGE_GUILD = DiscordPermission.MANAGE_GUILD


def world_of(stage: Scene) -> World:
    return World(WorldKind.GUILD, int(stage.guild_id))


async def settings_of(stage: Scene) -> AgentSettings:
    async with stage.agent.runtime(world_of(stage)) as runtime:
        return await stage.client.book.of(runtime)


async def test_the_persona_is_set_and_in_effect_with_the_next_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        panel = await opened(stage, stage.ada)
        assert "the usual prompt" in panel.text
        await panel.turn_to("persona")
        text = await panel.fill(
            "persona", name="Robo", system_prompt="Speak like a robot.", temperature="0,5"
        )
        assert "Saved" in text
        assert "> Speak like a robot." in text
        await stage.ask(stage.ben, "hi")
        request = stage.model.calls[-1]
        assert request.messages[0].content == "Speak like a robot.\nYour name is Robo."
        assert (request.temperature, request.max_tokens) == (0.5, None)
        text = await panel.fill("persona", system_prompt="", max_tokens="64")
        assert "System prompt**: the usual" in text
        assert await settings_of(stage) == AgentSettings(
            name="Robo", temperature=0.5, max_tokens=64
        )


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("temperature", "hot", "should be a number"),
        ("temperature", "3", "from 0 to 2"),
        ("max_tokens", "3", "from 16 to"),
        ("max_tokens", "100.5", "should be a number"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_can_be_mended(
    tmp_path: Path, field: str, value: str, why: str
) -> None:
    async with scene(tmp_path) as stage:
        panel = await opened(stage, stage.ada)
        await panel.turn_to("persona")
        text = await panel.fill("persona", system_prompt="A long one.", **{field: value})
        assert why in text
        assert "Nothing was changed" in text
        assert await settings_of(stage) == AgentSettings()
        form = await panel.form("persona")
        typed = {
            part["component"]["custom_id"]: part["component"].get("value")
            for part in form.data["components"]
        }
        assert (typed["system_prompt"], typed[field]) == ("A long one.", value)
        await panel.send(form, **{field: ""})
        assert await settings_of(stage) == AgentSettings(system_prompt="A long one.")


async def test_a_channels_mode(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        panel = await opened(stage, stage.ada)
        await panel.turn_to("channels")
        assert "mode" not in panel.names
        await panel.use("channel", stage.channel_id)
        text = await panel.use("mode", "always")
        assert f"<#{stage.channel_id}>: always" in text
        (answer,) = await stage.say(stage.ben, "nobody is mentioned here")
        assert answer.content == "hello"
        text = await panel.use("mode", "-")
        assert "when it is spoken to" in text
        assert await settings_of(stage) == AgentSettings()
        assert int(stage.channel_id) not in stage.client.open_channels


async def test_who_how_often_and_links(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        guild = stage.fake.world.guilds[int(stage.guild_id)]
        role = str(next(role.id for role in guild.roles.values() if role.id != guild.id))
        panel = await opened(stage, stage.ada)
        await panel.turn_to("access")
        assert f"<@&{role}>" in await panel.use("roles", role)
        text = await panel.fill("cooldowns", person_cooldown="2.5", channel_cooldown="0")
        assert "2.5 s for a person" in text
        assert "shown with a preview" in await panel.use("links-on")
        assert await settings_of(stage) == AgentSettings(
            allowed_roles=frozenset({int(role)}), person_cooldown=2.5, unfurl_links=True
        )
        assert "everybody" in await panel.use("roles")
        assert "from 0 to 3600" in await panel.fill("cooldowns", person_cooldown="99999")


async def test_models_by_purpose(tmp_path: Path) -> None:
    other = ScriptedModel("other", "from the other one")
    async with scene(tmp_path, other.plugin(None)) as stage:
        panel = await opened(stage, stage.ada)
        await panel.turn_to("models")
        await panel.use(f"model-{Purpose.PLANNING}", "other")
        (answer,) = await stage.ask(stage.ben, "hi")
        assert answer.content == "from the other one"
        await stage.agent.unload("other")
        assert "planning" in panel.names[f"model-{Purpose.PLANNING}"]
        await panel.turn_to("models")
        options = panel.part(f"model-{Purpose.PLANNING}")["options"]
        assert (
            "not here at present"
            in next(o for o in options if o["value"] == "other")["description"]
        )
        await panel.use(f"model-{Purpose.PLANNING}", "-")
        assert await settings_of(stage) == AgentSettings()


async def test_custom_reasoning_is_switched_and_every_change_is_listed(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        panel = await opened(stage, stage.ada)
        await panel.turn_to("reasoning")
        assert "retention" not in panel.names
        text = await panel.use("reasoning-on")
        assert "Enabled!" in text
        assert "Custom reasoning**: on" in text
        await stage.say(stage.ada, "disable custom reasoning")
        await panel.turn_to("persona")
        await panel.fill("persona", name="Robo")
        text = await panel.turn_to("changes")
        ada = f"<@{stage.ada.id}>"
        assert [line.split(ada)[1] for line in text.splitlines() if ada in line] == [
            " name: the usual → `Robo`",
            " custom reasoning: on → off",
            " custom reasoning: off → on",
        ]


async def test_how_long_records_are_kept_goes_by_the_action(tmp_path: Path) -> None:
    class Rules:
        retention_days = 30

    class Service:
        settings = Rules()

        async def stop(self) -> None:
            pass

    service = Service()

    async def start(_: object) -> Service:
        return service

    async def handle(context: ActionContext) -> ActionResult:
        service.settings.retention_days = int(context.text)
        return ActionResult("All right.")

    action = Action("SET_RETENTION", "keep", "keep", handle, permission=Permission.MANAGE_GUILD)
    privacy = Plugin("privacy", "rules", actions=(action,), services={"privacy": start})
    async with scene(tmp_path, privacy) as stage:
        panel = await opened(stage, stage.ada)
        assert "30 days" in panel.text
        await panel.turn_to("reasoning")
        text = await panel.fill("retention", days="7")
        assert "All right." in text
        assert "7 days" in text
        assert "days kept: `30` → `7`" in await panel.turn_to("changes")


async def test_how_long_records_are_kept_is_the_privacy_plugins(tmp_path: Path) -> None:
    async with scene(tmp_path, with_privacy=True) as stage:
        panel = await opened(stage, stage.ada)
        await panel.turn_to("reasoning")
        assert "30 days" in panel.text
        assert "7 days" in await panel.fill("retention", days="7")
        assert "30" not in await panel.fill("retention", days="many")
        await stage.slash(stage.ada, "privacy retention", days="9")
        text = await panel.turn_to("changes")
        assert "days kept: `30` → `7`" in text
        assert "days kept: `7` → `9`" in text


async def test_members_get_no_panel(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        with pytest.raises((Refused, LookupError)):
            await stage.slash(stage.ben, "agent settings")


async def test_a_member_who_gets_at_an_admins_panel_can_do_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        panel = await opened(stage, stage.ada)
        # Discord would not let him see it. We do not rely on that.
        message = stage.fake.world.conversation.find(
            int(stage.channel_id), int(panel.message["id"])
        )
        assert message is not None
        message.ephemeral_to = int(stage.ben.id)
        sent = await stage.ben.click(panel.message, panel.names["page"], values=["persona"])
        answer = await stage.ben.answer_to(sent)
        assert "Only the admin" in answer.content
        assert answer.ephemeral


@pytest.mark.parametrize("through_form", [False, True], ids=["by a press", "by a form"])
async def test_who_is_no_admin_any_more_can_do_nothing(
    tmp_path: Path, *, through_form: bool
) -> None:
    """Also in a form that was opened while they were."""
    async with FakeDiscord(with_dora()) as fake, scene(tmp_path, fake=fake) as stage:
        dora = stage.people["dora"]
        panel = await opened(stage, dora)
        await panel.turn_to("persona")
        form = await panel.form("persona")
        guild = fake.world.guilds[int(stage.guild_id)]
        fake.world.set_roles(guild, fake.world.user(int(dora.id)), [])
        if through_form:
            text = await panel.send(form, name="Robo")
        else:
            text = await panel.turn_to("access")
        assert "lack **Manage Server**" in text
        assert not panel.names
        assert await settings_of(stage) == AgentSettings()


async def test_two_admins_do_not_undo_each_others_changes(tmp_path: Path) -> None:
    async with FakeDiscord(with_dora()) as fake, scene(tmp_path, fake=fake) as stage:
        first, second = await opened(stage, stage.ada), await opened(stage, stage.people["dora"])
        for panel in (first, second):
            await panel.turn_to("persona")
        early = await first.form("persona")
        await second.fill("persona", system_prompt="By the second.")
        assert "By the second." in await first.send(early, name="By the first")
        assert await settings_of(stage) == AgentSettings(
            name="By the first", system_prompt="By the second."
        )
        text = await first.turn_to("changes")
        assert [
            line.split("<@")[1].split(">")[0] for line in text.splitlines() if "<@" in line
        ] == [
            stage.ada.id,
            stage.people["dora"].id,
        ]


async def test_two_admins_who_change_the_same_thing_are_told(tmp_path: Path) -> None:
    async with FakeDiscord(with_dora()) as fake, scene(tmp_path, fake=fake) as stage:
        first, second = await opened(stage, stage.ada), await opened(stage, stage.people["dora"])
        for panel in (first, second):
            await panel.turn_to("persona")
        early = await first.form("persona")
        assert "Somebody else" not in await second.fill("persona", name="By the second")
        text = await first.send(early, name="By the first")
        assert "Somebody else had changed this since you looked: name." in text
        assert (await settings_of(stage)).name == "By the first"
        text = await first.turn_to("changes")
        assert "By the second" in text
        # What one has seen is not overtaken, and what both wanted is nobody's loss.
        await first.turn_to("persona")
        assert "Somebody else" not in await first.fill("persona", name="Once more")
        await second.turn_to("persona")
        await first.fill("persona", temperature="1")
        assert "Somebody else" not in await second.fill("persona", temperature="1")
        await first.turn_to("access")
        await second.turn_to("access")
        await first.use("links-on")
        assert "Somebody else" not in await second.use("links-on")
        assert (await settings_of(stage)).unfurl_links


async def test_two_admins_who_set_the_mode_of_a_channel(tmp_path: Path) -> None:
    async with FakeDiscord(with_dora()) as fake, scene(tmp_path, fake=fake) as stage:
        general, workshop = map(str, next(iter(fake.world.guilds.values())).channel_ids)
        first, second = await opened(stage, stage.ada), await opened(stage, stage.people["dora"])
        for panel, channel_id in ((first, general), (second, workshop)):
            await panel.turn_to("channels")
            await panel.use("channel", channel_id)
        await first.use("mode", "always")
        assert "Somebody else" not in await second.use("mode", "never")
        await second.use("channel", general)
        await first.use("mode", "ambient")
        assert "Somebody else had changed this since you looked: mode." in await second.use(
            "mode", "never"
        )
        assert (await settings_of(stage)).modes == {
            int(general): Mode.NEVER,
            int(workshop): Mode.NEVER,
        }


async def test_two_admins_who_choose_roles_take_none_from_each_other(tmp_path: Path) -> None:
    async with FakeDiscord(with_dora()) as fake, scene(tmp_path, fake=fake) as stage:
        guild = next(iter(fake.world.guilds.values()))
        one, two, gone = (fake.world.add_role(guild, name) for name in ("one", "two", "gone"))
        await stage.client.book.change(world_of(stage), 1, allowed_roles=[gone.id])
        fake.world.remove_role(guild, gone)
        first, second = await opened(stage, stage.ada), await opened(stage, stage.people["dora"])
        for panel in (first, second):
            await panel.turn_to("access")
        await first.use("roles", str(one.id))
        await second.use("roles", str(two.id))
        assert (await settings_of(stage)).allowed_roles == {one.id, two.id}
        await first.turn_to("access")
        await second.use("roles", str(one.id))
        assert (await settings_of(stage)).allowed_roles == {one.id}
        assert "everybody" in await first.use("roles")


def with_dora() -> FakeWorld:
    """The sample world, and a second admin who does not own it."""
    world = sample_world()
    guild = next(iter(world.guilds.values()))
    world.add_person("dora", guild, roles=[world.add_role(guild, "Staff", MANAGE_GUILD)])
    return world


async def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        world, book = world_of(stage), stage.client.book

        async def open_channel(number: int) -> None:
            await book.update(
                world, number, lambda now: {"modes": {**now.modes, number: Mode.ALWAYS}}
            )

        await asyncio.gather(*map(open_channel, range(1, 21)))
        settings = await settings_of(stage)
        assert settings.modes.keys() == set(range(1, 21))
        assert len(await book.audit(world)) == 20


async def test_it_closes_by_itself_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "OPEN_SECONDS", 0.3)
    async with scene(tmp_path) as stage:
        since = stage.ada.mark()
        panel = await opened(stage, stage.ada)
        assert "has closed" in await panel.changed(since)
        assert not panel.names


async def test_a_restart_leaves_no_panel_that_does_nothing(tmp_path: Path) -> None:
    async with FakeDiscord() as fake, scene(tmp_path, fake=fake) as stage:
        since = stage.ada.mark()
        panel = await opened(stage, stage.ada)
        closing = asyncio.create_task(stage.client.close())
        assert "has closed" in await panel.changed(since)
        await closing


async def test_after_a_crash_a_panel_closes_at_the_first_press(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with scene(tmp_path, fake=fake) as stage:
            panel = await opened(stage, stage.ada)
            # It cannot tidy up, as after a power cut.
            fake.faults.cause(Answer("PATCH /webhooks/*/*/messages/*", 500, times=50))
        fake.faults.clear()
        async with scene(tmp_path, fake=fake) as stage:
            again = OpenPanel(stage, stage.ada, panel.message)
            assert "has closed" in await again.use("page", "persona")


async def test_an_interaction_that_expired_breaks_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        panel = await opened(stage, stage.ada)
        stage.fake.faults.cause(Answer("POST /interactions/*/*/callback", 404))
        await stage.ada.click(panel.message, panel.names["page"], values=["persona"])
        text = await panel.turn_to("access")
        assert "Who may use it" in text


async def test_a_storm_of_limits_is_waited_out(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        panel = await opened(stage, stage.ada)
        await panel.turn_to("access")
        stage.fake.faults.cause(Answer("PATCH /webhooks/*/*/messages/*", 429, times=2))
        assert "shown with a preview" in await panel.use("links-on")
        assert (await settings_of(stage)).unfurl_links
