"""The metrics page over a socket; and that every loss is on it, in the log and in the status."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml  # type: ignore[import-untyped]

from bot.agent.agent import Agent
from bot.agent.metrics import Metric
from bot.agent.models import ModelType
from bot.agent.permissions import Author, Permission
from bot.agent.plugin import Plugin
from bot.compose import make_client, serving_metrics
from bot.harness import FakeDiscord, Person
from bot.metrics_page import metrics_page
from bot.settings import Settings, SettingsError
from bot.store.problems import StoreError
from bot.store.sqlite import SqliteStore
from plugins.reasoning import reasoning_plugin
from plugins.reasoning.actions import ENABLE, STATUS
from plugins.reasoning.losses import Losses
from tests.agents import GUILD, OTHER_GUILD, ScriptedModel, agent_with, ask
from tests.commands.processes import at, understudy
from tests.metrics import scraped
from tests.model_server import ModelServer, Reply
from tests.store.filling import exchange
from tests.waiting import until

DOCS = Path(__file__).resolve().parents[1] / "docs"
ADA = Author(1, "ada", frozenset({Permission.MANAGE_GUILD}))
LARGE = ModelType.TEXT_LARGE
BOUND = 1 << 20


async def said(person: Person, about: dict[str, int | str], text: str, expect: str) -> None:
    """Say something to the bot, and wait for what it says."""
    since = person.mark()
    await person.say(about["channel_id"], f"<@{about['bot_user_id']}> {text}")
    await person.message_from(
        about["bot_user_id"],
        since=since,
        timeout=20,
        until=lambda message: expect in message.content,
    )


async def test_the_bot_tells_how_it_is_doing(tmp_path: Path) -> None:
    async with (
        FakeDiscord() as fake,
        ModelServer(default="From the lead.") as lead,
        ModelServer(default="From the understudy.") as custom,
    ):
        about = fake.describe()
        (ada,) = [user for user in about["users"] if user["name"] == "ada"]
        settings = at(
            fake,
            tmp_path,
            MODEL_URL=lead.url,
            MODEL_NAME="lead",
            CUSTOM_MODEL_URL=custom.url,
            CUSTOM_MODEL_NAME="understudy-1",
            METRICS_PORT="0",
        )
        async with (
            Person(ada, fake.rest, fake.gateway) as person,
            understudy(tmp_path, "run", settings=settings) as bot,
        ):
            address = (await bot.said("Metrics at ")).rsplit(maxsplit=1)[-1]
            assert address.startswith("http://127.0.0.1:")
            await bot.said("Ready as")
            await said(person, about, "hello", "From the lead.")
            await said(person, about, "enable custom reasoning", "Enabled!")
            await said(person, about, "hello", "From the understudy.")
            custom.script(Reply(status=503))
            await said(person, about, "hello", "From the lead.")
            lead.script(Reply(status=400))
            custom.script(Reply(status=503))
            await said(person, about, "hello", "could not answer")
            await person.say(about["channel_id"], "nobody in particular")
            await said(person, about, "check reasoning status", "Records collected: 3")
            numbers = await scraped(address)
            async with aiohttp.ClientSession() as session, session.get(address) as response:
                text = await response.text()
            assert await bot.end() == 0
    assert numbers["understudy_connected"] == 1
    assert numbers["understudy_guilds"] == 1
    assert numbers["understudy_records_well"] == 1
    assert numbers["understudy_answers_total[answered]"] == 3
    assert numbers["understudy_answers_total[failed]"] == 1
    assert numbers["understudy_exchanges_total[answered]"] == 1
    assert numbers["understudy_exchanges_total[fell_back]"] == 1
    assert numbers["understudy_exchanges_total[failed]"] == 1
    assert numbers["understudy_exchange_seconds_total"] > 0
    assert numbers["understudy_messages_total[nobody]"] >= 1
    # Three exchanges, and in which messages their answers are.
    assert numbers["understudy_records_kept_total"] >= 5
    assert numbers["understudy_records_waiting"] == numbers["understudy_records_unmoved"] == 0
    assert numbers["understudy_records_dropped_total[exchange]"] == 0
    assert "process_resident_memory_bytes" in text
    assert not any(str(number) in text for number in (about["guild_id"], ada["id"]))
    page = (DOCS / "metrics.md").read_text(encoding="utf-8").partition("## What to be woken for")[0]
    described = set(re.findall(r"^\| `(\w+)", page, re.M))
    # Discord's own keep-alive has not been answered yet.
    told = {name.partition("[")[0] for name in numbers} | {"understudy_gateway_latency_seconds"}
    assert described == told


@pytest.fixture
def stopped() -> Iterator[list[int]]:
    """Processes that were stopped, and go on at the end in any case."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def test_what_a_stalled_disk_costs_is_in_status_log_and_metrics(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stopped: list[int]
) -> None:
    model = ScriptedModel(text="word " * 2_000)
    async with (
        SqliteStore(tmp_path, most_waiting_bytes=BOUND) as store,
        Agent(store, idle_seconds=0.0) as agent,
        metrics_page("127.0.0.1", 0, [agent.metrics]) as address,
    ):
        for plugin in (model.plugin(), reasoning_plugin()):
            await agent.register(plugin)
        for world in (GUILD, OTHER_GUILD):
            async with agent.runtime(world) as runtime:
                await runtime.run_action(ENABLE, ADA, 5)
        async with agent.runtime(GUILD) as runtime:
            await runtime.use_model(LARGE, ask())
            await until(lambda: store.counts().kept == 1)
            process = store.writing._writer
            assert isinstance(process, subprocess.Popen)
            os.kill(process.pid, signal.SIGSTOP)
            stopped.append(process.pid)
            for _ in range(400):
                await runtime.use_model(LARGE, ask())
            await until(lambda: store.counts().waiting_bytes > BOUND // 2)
            while_stalled = await scraped(address)
            os.kill(process.pid, signal.SIGCONT)
            await until(lambda: store.counts().waiting == 0)
        # Nobody needs the runtime, so it goes; what it lost is still known.
        await agent.let_go_of_idle(asyncio.get_running_loop().time() + 60)
        async with agent.runtime(GUILD) as runtime:
            status = (await runtime.run_action(STATUS, ADA, 5)).text
        async with agent.runtime(OTHER_GUILD) as runtime:
            other = (await runtime.run_action(STATUS, ADA, 5)).text
        numbers = await scraped(address)
    dropped = numbers["understudy_records_dropped_total[exchange]"]
    assert dropped > 100
    assert numbers["understudy_records_dropped_total[change]"] == 0
    assert numbers["understudy_records_kept_total"] == 401 - dropped
    assert while_stalled["understudy_records_dropped_total[exchange]"] == dropped
    assert 0 < while_stalled["understudy_records_waiting_bytes"] <= BOUND
    assert while_stalled["understudy_records_waiting_limit_bytes"] == BOUND
    assert while_stalled["understudy_records_waiting"] == 400 - dropped
    assert f"Records collected: {401 - dropped:.0f} " in status
    assert f"; {dropped:.0f} not kept since the start" in status
    assert "not kept" not in other
    first, rest = (record.getMessage() for record in caplog.records)
    assert first.startswith("Exchanges are not kept: More than 1 MB of records were waiting")
    assert rest.startswith(f"{dropped - 1:.0f} more records were not kept; since the start")


def test_the_page_wakes_nobody_by_what_is_not_there() -> None:
    """Its examples can be read, and their metrics are those of the table."""
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    scraping, alerts = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.S))
    assert scraping["scrape_configs"][0]["job_name"] == "understudy"
    told = dict(re.findall(r"^\| `(\w+)(.*?)\|", page, re.M))
    for rule in alerts["groups"][0]["rules"]:
        for name, labels in re.findall(r"(understudy_\w+)(\{.*?\})?", rule["expr"]):
            assert name in told
            assert labels in told[name]


async def test_what_waits_for_a_server_s_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "guilds").write_text("a file where the folder should be")
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        metrics_page("127.0.0.1", 0, [agent.metrics]) as address,
    ):
        async with agent.runtime(GUILD) as runtime:
            await runtime.run_action(ENABLE, ADA, 5)
            for _ in range(3):
                await runtime.use_model(LARGE, ask())
        counts = agent._store.counts
        await until(lambda: counts().unmoved == 3 and counts().held_up == 1)
        numbers = await scraped(address)
        assert numbers["understudy_files_held_up"] == 1
        assert numbers["understudy_records_unmoved"] == 3
        (tmp_path / "guilds").unlink()
        await until(lambda: counts().unmoved == counts().held_up == 0)


async def test_a_writer_knows_what_the_one_before_has_told(tmp_path: Path) -> None:
    (tmp_path / "guilds").write_text("a file where the folder should be")
    async with SqliteStore(tmp_path) as store:
        await store.world(GUILD).write([exchange(number) for number in range(3)])
        await until(lambda: store.counts().unmoved == 3)
        process = store.writing._writer
        assert isinstance(process, subprocess.Popen)
        process.kill()
        (tmp_path / "guilds").unlink()
        await until(lambda: store.counts().unmoved == 0)


async def test_a_writer_that_always_ends_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent:
        store = agent._store
        assert isinstance(store, SqliteStore)
        store.writing._in_process = False
        with monkeypatch.context() as broken:
            broken.setattr("bot.store.writing.WRITER", "bot.store.no_such_module")
            async with agent.runtime(GUILD) as runtime:
                await runtime.run_action(ENABLE, ADA, 5)
                await runtime.use_model(LARGE, ask())
                await until(lambda: not store.counts().well)
                status = (await runtime.run_action(STATUS, ADA, 5)).text
        assert "nothing is being kept. The writer of the records ends again and again" in status
        assert "Waiting for the disk: 1" in status
        await until(lambda: store.counts().well and store.counts().waiting == 0)
        assert store.counts().kept == 1


async def test_what_is_lost_at_the_end_is_told_also_to_the_impatient(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stopped: list[int]
) -> None:
    store = SqliteStore(tmp_path)
    told: list[StoreError | None] = []
    store.world(GUILD).submit(exchange(1), told.append)
    await until(lambda: told == [None])
    process = store.writing._writer
    assert isinstance(process, subprocess.Popen)
    os.kill(process.pid, signal.SIGSTOP)
    stopped.append(process.pid)
    for number in (2, 3):
        store.world(GUILD).submit(exchange(number), told.append)
    closing = asyncio.create_task(store.close())
    await until(lambda: "2 records are not on disk yet" in caplog.text)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert "2 records were not on disk when the bot was stopped" in caplog.text
    assert [type(error) for error in told[1:]] == [StoreError] * 2
    os.kill(process.pid, signal.SIGCONT)
    await store.close()


async def test_losses_are_told_once_a_minute_with_their_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    losses = Losses(quiet_seconds=0.2)
    full, odd = StoreError("the disk is full"), StoreError("no valid Unicode")
    for _ in range(5):
        losses.exchange(GUILD, str(full), full)
    losses.exchange(OTHER_GUILD, str(odd), odd)
    losses.change(GUILD, full)
    assert (losses.exchanges, losses.changes) == (6, 1)
    assert (losses.of(GUILD).exchanges, losses.of(OTHER_GUILD).reason) == (5, "no valid Unicode")
    await until(lambda: len(caplog.records) == 3)
    assert [record.getMessage() for record in caplog.records] == [
        "Exchanges are not kept: the disk is full",
        "Exchanges are not kept: no valid Unicode",
        "5 more records were not kept; since the start 6 exchanges and 1 changes to them",
    ]
    await until(lambda: losses._timer is None)
    losses.change(GUILD, full)
    losses.change(GUILD, full)
    assert caplog.records[3].getMessage().endswith("is not in the records: the disk is full")
    losses.close()
    assert caplog.records[4].getMessage().startswith("1 more records were not kept")
    assert losses._timer is None
    losses.change(GUILD, full)
    assert len(caplog.records) == 6, "what is lost after the plugin was taken away is told, too"
    losses.close()


async def test_many_reasons_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    losses = Losses()
    for number in range(1_000):
        losses.change(GUILD, StoreError(f"reason {number}"))
    losses.close()
    assert len(caplog.records) < 20
    assert caplog.records[-1].getMessage().endswith("0 exchanges and 1000 changes to them")


async def test_a_plugin_that_cannot_tell_hides_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterator[Metric]:
        yield Metric("understudy_half", "Half of it.", 1)
        raise RuntimeError("the gears jammed")

    def whole() -> list[Metric]:
        return [
            Metric("understudy_dice_total", "Dice.", 4, counter=True, labels={"die": "a \"'\n"})
        ]

    plugins = (Plugin("broken", "…", metrics=broken), Plugin("dice", "…", metrics=whole))
    odd: Any
    for odd in (
        {"name": "under study"},
        {"value": None},
        {"value": 10**400},
        {"about": "\ud800"},
        {"labels": {"status": 503}},
        {"labels": {"a b": "c"}},
    ):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            Metric(**{"name": "understudy_odd", "about": "Odd.", "value": 1, **odd})
    async with (
        agent_with(tmp_path, *plugins) as agent,
        metrics_page("127.0.0.1", 0, [agent.metrics]) as address,
    ):
        numbers = await scraped(address)
        assert numbers["understudy_dice_total[a \"'\n]"] == 4
        assert "understudy_half" not in numbers
        await agent.unload("dice")
        assert not any("dice" in name for name in await scraped(address))
    assert "the gears jammed" in caplog.text


async def test_there_is_nothing_but_the_page(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path) as agent,
        metrics_page("127.0.0.1", 0, [agent.metrics]) as address,
        aiohttp.ClientSession() as session,
    ):
        for path in ("/", "/metrics/x", "/../metrics.."):
            async with session.get(address.replace("/metrics", path)) as response:
                assert response.status == 404
        async with session.post(address, data=b"x") as response:
            assert response.status == 405
        async with session.get(address, params={"name[]": "understudy_runtimes"}) as response:
            assert "understudy_runtimes 0.0" in await response.text()
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with session.get(address, headers=accept) as response:
            assert (await response.text()).endswith("# EOF\n")
    with pytest.raises(aiohttp.ClientConnectionError):
        await scraped(address)


async def test_a_page_that_cannot_be_is_told(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            settings = at(fake, tmp_path, METRICS_PORT=port, MODEL_PATH="/nothing")
            async with understudy(tmp_path, "run", settings=settings) as bot:
                line = await bot.said(
                    f"METRICS_PORT: the metrics page cannot be on 127.0.0.1, port {port}"
                )
                assert "in use" in line
                assert await bot.ended() == 2


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "192.0.2.1"])
async def test_a_host_that_is_none_is_told(tmp_path: Path, host: str) -> None:
    settings = Settings(_env_file=None, metrics_port=0, metrics_host=host, data_dir=tmp_path)
    async with agent_with(tmp_path) as agent, make_client(agent, settings) as client:
        with pytest.raises(SettingsError, match="METRICS_HOST an address of this machine"):
            async with serving_metrics(settings, agent, client):
                pass


async def test_without_the_extra_it_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "bot.metrics_page")
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    settings = Settings(_env_file=None, metrics_port=0, data_dir=tmp_path)
    async with agent_with(tmp_path) as agent, make_client(agent, settings) as client:
        with pytest.raises(SettingsError, match="Install the extra `metrics`"):
            async with serving_metrics(settings, agent, client):
                pass


def test_a_bot_without_the_page_has_none_of_it_in_memory() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import sys, bot.commands.run; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "bot.commands.run" in found
    assert "bot.metrics_page" not in found
    assert not any(name.startswith(("prometheus_client", "aiohttp.web")) for name in found)


async def test_off_there_is_no_page(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    async with (
        agent_with(tmp_path) as agent,
        make_client(agent, settings) as client,
        serving_metrics(settings, agent, client) as address,
    ):
        assert address is None
        # Not connected, which is told all the same.
        numbers = {metric.name: metric.value for metric in client.metrics()}
        assert numbers["understudy_connected"] == 0
