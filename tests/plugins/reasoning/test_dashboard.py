"""The dashboard: the figures of the last day as text, and as a picture that says the same."""

import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.agent.events import FeedbackGiven, ReplySent
from bot.agent.models import ModelError, ModelType
from bot.agent.runtime import AgentRuntime
from bot.store.activity import Activity, Counted, snowflake_at
from plugins.reasoning import reasoning_plugin
from plugins.reasoning.chart import AMBER, BACK, BLUE, RED, draw
from plugins.reasoning.dashboard import DAY_MS, day_lines, description
from tests.agents import GUILD, ScriptedModel, agent_with, ask
from tests.plugins.reasoning.test_service import ADMIN, ENABLE, STATUS, act


async def busy_day(runtime: AgentRuntime, custom: ScriptedModel) -> None:
    """One answer by the custom model, one by the lead in its place, one vote."""
    await act(runtime, ENABLE)
    request = ask("one")
    await runtime.use_model(ModelType.TEXT_LARGE, request)
    await runtime.emit(ReplySent(request.id, [81]))
    await runtime.emit(FeedbackGiven(81, 9, 1))
    custom.fails_with = ModelError("down")
    await runtime.use_model(ModelType.TEXT_LARGE, ask("two", message_id=8))


async def test_the_status_has_figures_and_a_picture_with_a_description(tmp_path: Path) -> None:
    custom = ScriptedModel("custom")
    async with (
        agent_with(
            tmp_path, ScriptedModel().plugin(), custom.plugin(None), reasoning_plugin()
        ) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await busy_day(runtime, custom)
        result = await runtime.run_action(STATUS, ADMIN, 5)
    assert "Records collected: 2" in result.text
    assert "Feedback: 👍 1 · 👎 0" in result.text
    assert "Last 24 hours: 2 exchanges · fell back 1 · failed 0 · 👍 1 👎 0" in result.text
    assert "Latency: p50 " in result.text
    assert "Tokens: 6 in prompts · 0 in answers" in result.text
    (chart,) = result.files
    assert chart.name.endswith(".png")
    assert chart.description is not None
    assert "2 exchanges · fell back 1" in chart.description
    assert len(chart.description) <= 1024
    image = Image.open(io.BytesIO(chart.content))
    assert image.format == "PNG"


async def test_a_day_without_exchanges_has_no_picture(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        result = await runtime.run_action(STATUS, ADMIN, 5)
        assert "Last 24 hours: no exchanges" in result.text
        assert not result.files
        assert not runtime.store.exists


async def test_what_is_older_than_a_day_is_not_in_it(tmp_path: Path) -> None:
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await act(runtime, ENABLE)
        old = snowflake_at(time.time_ns() // 1_000_000 - DAY_MS - 60_000)
        await runtime.use_model(ModelType.TEXT_LARGE, replace(ask(), id=old))
        text = (await runtime.run_action(STATUS, ADMIN, 5)).text
    assert "Records collected: 1" in text
    assert "Last 24 hours: no exchanges" in text


async def test_without_pillow_the_figures_are_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    custom = ScriptedModel("custom")
    async with (
        agent_with(tmp_path, ScriptedModel().plugin(), reasoning_plugin()) as agent,
        agent.runtime(GUILD) as runtime,
    ):
        await busy_day(runtime, custom)
        result = await runtime.run_action(STATUS, ADMIN, 5)
    assert "Last 24 hours: 2 exchanges" in result.text
    assert not result.files


def test_a_failure_among_thousands_is_seen() -> None:
    bucket = Counted(5_000, 1, 2, 0, 100.0, 200.0, 10, 10)
    colours = colours_of(Activity(0, DAY_MS, bucket, (bucket,) * 24))
    assert {BLUE, AMBER, RED, BACK} <= colours


counts = st.builds(
    Counted,
    exchanges=st.integers(0, 10**6),
    p50=st.none() | st.floats(0, 1e7),
    p95=st.none() | st.floats(0, 1e7),
    prompt_tokens=st.integers(0, 10**12),
    completion_tokens=st.integers(0, 10**12),
)


@settings(deadline=None, max_examples=20)
@given(st.lists(counts, min_size=24, max_size=24))
def test_every_day_can_be_drawn_and_described(buckets: list[Counted]) -> None:
    total = Counted(sum(bucket.exchanges for bucket in buckets), p50=1.0, p95=1.0)
    activity = Activity(0, DAY_MS, total, tuple(buckets), 10**6, 10**6, cut=True)
    assert draw(activity).startswith(b"\x89PNG")
    assert len(description(activity)) <= 1024
    assert all(len(line) < 200 for line in day_lines(activity))


def colours_of(activity: Activity) -> set[str]:
    image = Image.open(io.BytesIO(draw(activity))).convert("RGB")
    found = image.getcolors(1 << 20) or []
    return {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in found}  # type: ignore[misc]
