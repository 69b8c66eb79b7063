"""The composition root: from settings to an agent with its plugins, a Discord client, metrics."""

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from bot.agent.agent import Agent
from bot.agent.models import ModelError
from bot.engines import engine_of
from bot.front.client import UnderstudyClient
from bot.front.conversation import ConversationOptions
from bot.settings import Settings, SettingsError
from bot.store.backup import prune_backups
from bot.store.errors import explain_folder
from bot.store.installation import Installation
from bot.store.locking import in_use
from bot.store.personal import PersonalRecords
from bot.store.setting_aside import kept_until, not_repaired_in
from bot.store.sqlite import SqliteStore
from plugins.embedded import embedded_plugin, find_weights
from plugins.openai_compatible import Endpoint, openai_plugin
from plugins.privacy import privacy_plugin
from plugins.privacy.office import PrivacyOffice
from plugins.reasoning import reasoning_plugin

log = logging.getLogger(__name__)

NOT_REPAIRED = (
    "%s is damaged and was not repaired yet. It is deleted on %.10s, as what people have deleted "
    "since may be in it: run `understudy store repair` before"
)
NO_METRICS = (
    "METRICS_PORT: is set, and what the metrics page needs is not installed. Install the extra "
    "`metrics`: `pip install -e '.[metrics]'` where pyproject.toml is."
)
NO_PAGE = (
    "METRICS_PORT: the metrics page cannot be on {host}, port {port} ({reason}). It should be a "
    "free port, and METRICS_HOST an address of this machine."
)

Progress = Callable[[str], None]


@asynccontextmanager
async def running_agent(
    settings: Settings, progress: Progress, *, made_up: bool = False
) -> AsyncIterator[Agent]:
    """The agent with all its plugins; `progress` is told what is being loaded.

    `made_up` is whether its Discord is: then that it is not in a server says nothing.

    Without any model it runs all the same, and says in one sentence how to get one. Raises
    SettingsError for settings that cannot be used here.
    """
    require_readable(settings.data_dir)
    store = SqliteStore(settings.data_dir, engine_of(settings))
    async with in_use(settings.data_dir), store, Agent(store) as agent:
        without = await add_models(agent, settings, progress)
        if without is not None:
            log.error("%s", without)
        office = privacy_office(store, settings.backup_days, made_up=made_up)
        await agent.register(privacy_plugin(office))
        await agent.register(reasoning_plugin(settings.custom_model_timeout))
        yield agent


def require_readable(folder: Path) -> None:
    """Raises SettingsError where this account may not look into what is there already."""
    for place in (folder, folder / "inbox"):
        try:
            os.listdir(place)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise SettingsError([explain_folder(error, place)]) from None


def privacy_office(store: SqliteStore, backup_days: int, *, made_up: bool = False) -> PrivacyOffice:
    """The privacy office of this store's installation, which backups outlive for so many days."""

    def prune() -> None:
        for path in prune_backups(store.folder, backup_days, datetime.now(UTC)):
            log.info("%s: older than %d days, deleted", path, backup_days)
        for path in not_repaired_in(store.folder):
            log.warning(NOT_REPAIRED, path, kept_until(path, backup_days))

    return PrivacyOffice(
        PersonalRecords(store),
        Installation(store.folder, store.engine),
        backup_days=backup_days,
        prune_backups=prune,
        deletes_departed=not made_up,
    )


async def add_models(agent: Agent, settings: Settings, progress: Progress) -> str | None:
    """Register the lead (an endpoint, or else the embedded model) and the custom model.

    Returns None, or the sentence that says why there is no lead and how to get one.
    """
    without = None
    if settings.model_url is not None:
        await agent.register(openai_plugin(lead_endpoint(settings, settings.model_url)))
    else:
        try:
            await add_embedded(agent, settings, progress)
        except ModelError as error:
            without = str(error)
    if settings.custom_model_url is not None:
        await agent.register(openai_plugin(custom_endpoint(settings, settings.custom_model_url)))
    return without


async def add_embedded(agent: Agent, settings: Settings, progress: Progress) -> None:
    """Register the embedded model. Raises ModelError, one sentence, when it cannot be had."""
    weights = await find_weights(
        settings.model_cache_dir, given=settings.model_path, progress=progress
    )
    await agent.register(embedded_plugin(weights, progress=progress))


def lead_endpoint(settings: Settings, url: str) -> Endpoint:
    """The model that answers everywhere by default."""
    return Endpoint(
        provider="openai",
        url=url,
        name=settings.model_name or "",
        api_key=settings.model_api_key,
        timeout=settings.model_timeout,
        attempts=3,
        priority=0,
        vision=settings.model_vision,
    )


def custom_endpoint(settings: Settings, url: str) -> Endpoint:
    """The model that answers first where custom reasoning is on; asked once, then the lead is."""
    return Endpoint(
        provider="custom",
        url=url,
        name=settings.custom_model_name or "",
        api_key=settings.custom_model_api_key,
        timeout=settings.custom_model_timeout,
        attempts=1,
        priority=None,
    )


def make_client(
    agent: Agent, settings: Settings, on_handled: Callable[[int], None] | None = None
) -> UnderstudyClient:
    """The Discord client in front of the agent."""
    options = ConversationOptions(
        system_prompt=settings.system_prompt,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        context_messages=settings.context_messages,
        context_characters=settings.context_characters,
    )
    return UnderstudyClient(
        agent,
        options,
        on_handled=on_handled,
        open_channels_file=settings.data_dir / "open_channels.json",
    )


@asynccontextmanager
async def serving_metrics(
    settings: Settings, agent: Agent, client: UnderstudyClient
) -> AsyncIterator[str | None]:
    """The metrics page of both while the block runs, if one is set: its address.

    Raises SettingsError where there can be none.
    """
    host, port = settings.metrics_host, settings.metrics_port
    if port is None:
        yield None
        return
    try:
        # Whoever wants no page has none of it in memory.
        from bot.metrics_page import metrics_page
    except ModuleNotFoundError:
        raise SettingsError([NO_METRICS]) from None
    async with AsyncExitStack() as stack:
        page = metrics_page(host, port, [agent.metrics, client.metrics])
        try:
            address = await stack.enter_async_context(page)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            lines = [NO_PAGE.format(host=host, port=port, reason=reason)]
            raise SettingsError(lines) from None
        yield address
