"""Votes, suggestions and what is to be forgotten, from the events to the file."""

import itertools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.agent.events import (
    DemonstrationSuggested,
    FeedbackGiven,
    ForgetExchange,
    ReplySent,
)
from bot.agent.models import ModelType
from bot.agent.permissions import Author, Permission
from bot.agent.runtime import AgentRuntime
from plugins.reasoning import reasoning_plugin
from tests.agents import GUILD, ScriptedModel, agent_with, ask
from tests.plugins.reasoning.test_service import DISABLE, ENABLE, act

ADMIN = Author(8, "ada", frozenset({Permission.MANAGE_GUILD}))
BEN, CLEO = 9, 10


@asynccontextmanager
async def recording(folder: Path) -> AsyncIterator[AgentRuntime]:
    async with (
        agent_with(folder, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        yield runtime


def select(folder: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / "guilds" / f"{GUILD.id}.sqlite3")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def votes(folder: Path) -> list[tuple[Any, ...]]:
    return select(folder, "SELECT thumbs_up, thumbs_down FROM training_data")


ORDERS = list(itertools.permutations(range(3)))


@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_votes_count_in_whatever_order_they_come(
    tmp_path: Path, order: Sequence[int]
) -> None:
    """Before the record, between it and the reply, or after: in one batch and in several."""
    for batches in (True, False):
        folder = tmp_path / str(batches)
        async with recording(folder) as runtime:
            request = ask()

            async def answer() -> None:
                await runtime.use_model(ModelType.TEXT_LARGE, request)  # noqa: B023

            steps: list[Callable[[], Awaitable[None]]] = [
                answer,
                lambda: runtime.emit(ReplySent(request.id, [81, 82])),  # noqa: B023
                lambda: runtime.emit(FeedbackGiven(82, BEN, -1)),
            ]
            if order.index(1) < order.index(0):
                # Nothing is posted before it is answered.
                continue
            for step in order:
                await steps[step]()
                if batches:
                    await runtime.store.drained()
            stats = await runtime.store.stats()
            assert (stats.thumbs_up, stats.thumbs_down) == (0, 1)
        assert votes(folder) == [(0, 1)]


async def test_one_vote_a_person_and_answer(tmp_path: Path) -> None:
    async with recording(tmp_path) as runtime:
        request = ask()
        await runtime.use_model(ModelType.TEXT_LARGE, request)
        await runtime.emit(ReplySent(request.id, [81, 82]))
        for feedback in (
            FeedbackGiven(81, BEN, 1),
            FeedbackGiven(82, BEN, -1),
            FeedbackGiven(81, CLEO, 1),
            FeedbackGiven(82, BEN, 0, withdrawn=1),
        ):
            await runtime.emit(feedback)
        stats = await runtime.store.stats()
        assert (stats.thumbs_up, stats.thumbs_down) == (1, 1)
        await runtime.emit(FeedbackGiven(82, BEN, 0, withdrawn=-1))
        await runtime.emit(FeedbackGiven(82, CLEO, 0))
        stats = await runtime.store.stats()
        assert (stats.thumbs_up, stats.thumbs_down) == (0, 0)
    assert votes(tmp_path) == [(0, 0)]


async def test_feedback_counts_while_the_service_is_off(tmp_path: Path) -> None:
    async with recording(tmp_path) as runtime:
        request = ask()
        await runtime.use_model(ModelType.TEXT_LARGE, request)
        await runtime.emit(ReplySent(request.id, [81]))
        await act(runtime, DISABLE)
        await runtime.emit(FeedbackGiven(81, BEN, 1))
        await runtime.emit(DemonstrationSuggested(81, BEN, "better"))
        await runtime.emit(DemonstrationSuggested(81, BEN, "much better"))
        await runtime.store.drained()
    assert votes(tmp_path) == [(1, 0)]
    assert select(tmp_path, "SELECT message_id, user_id, content FROM demonstrations") == [
        (81, BEN, "much better")
    ]


async def test_where_nothing_was_ever_kept_feedback_makes_no_file(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await runtime.emit(FeedbackGiven(81, BEN, 1))
        await runtime.emit(DemonstrationSuggested(81, BEN, "better"))
        await runtime.emit(ForgetExchange(5, 81, BEN))
        assert not runtime.store.exists


@pytest.mark.parametrize("early", [True, False], ids=["before the reply is told", "after"])
@pytest.mark.parametrize("drained", [True, False], ids=["one by one", "at once"])
async def test_a_forgotten_exchange_is_gone(tmp_path: Path, *, early: bool, drained: bool) -> None:
    async with recording(tmp_path) as runtime:
        request, other = ask("secret"), ask("kept", message_id=8)
        for asked in (request, other):
            await runtime.use_model(ModelType.TEXT_LARGE, asked)
        steps = [ReplySent(request.id, [81]), ForgetExchange(request.id, 81, BEN)]
        for step in reversed(steps) if early else steps:
            await runtime.emit(step)
            if drained:
                await runtime.store.drained()
        await runtime.emit(ReplySent(other.id, [82]))
        assert (await runtime.store.stats()).exchanges == 1
    assert select(tmp_path, "SELECT reply_id FROM training_data") == [(82,)]
