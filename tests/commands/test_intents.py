import json
from pathlib import Path

import pytest

from bot.cli import main

LINES = [
    {"text": "enable custom reasoning", "label": "enable"},
    {"text": "custom reasoning is cool", "label": "none"},
    {"text": "is custom reasoning on?", "label": "disable"},
]


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    path = tmp_path / "messages.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in LINES) + "\n", encoding="utf-8")
    return path


def test_each_line_and_the_table_are_printed(
    messages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["intents", str(messages)]) == 0
    out = capsys.readouterr().out
    assert "act  ENABLE_REASONING_SERVICE  enable custom reasoning\n" in out
    assert "none  custom reasoning is cool\n" in out
    assert "is custom reasoning on? <- wrong" in out
    assert "wrong actions: 1 of 3 messages" in out
    assert "should be" in out


def test_json_lines_end_with_a_summary(messages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intents", str(messages), "--json"]) == 0
    *lines, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {
        "text": "enable custom reasoning",
        "label": "enable",
        "outcome": "act",
        "action": "ENABLE_REASONING_SERVICE",
        "got": "enable",
    }
    assert [line["outcome"] for line in lines] == ["act", "none", "act"]
    assert last["summary"]["wrong"] == 1
    assert last["confusion"]["disable"] == {"status act": 1}


def test_labels_may_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text('{"text": "bro turn on custom reasoning"}\n', encoding="utf-8")
    assert main(["intents", str(path)]) == 0
    assert capsys.readouterr().out.startswith("act  ENABLE_REASONING_SERVICE")
    assert main(["intents", str(path), "--unaddressed"]) == 0
    assert capsys.readouterr().out == "none  bro turn on custom reasoning\n"


def test_one_message_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intents", "--explain", "don't enable custom reasoning"]) == 0
    assert "negation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1: this is not JSON"),
        ('{"text": "a"}\n\n[1]', "line 3: it needs an object"),
        ('{"label": "enable"}', 'with a "text"'),
        ('{"text": "a", "label": 3}', "the label must be a string"),
    ],
)
def test_a_wrong_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(content, encoding="utf-8")
    assert main(["intents", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intents", str(tmp_path / "nothing.jsonl")]) == 2
    assert "nothing.jsonl cannot be read" in capsys.readouterr().err


def test_a_file_may_begin_with_a_mark_and_have_half_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "marked.jsonl"
    path.write_text(json.dumps({"text": "a \ud800"}), encoding="utf-8-sig")
    assert main(["intents", str(path)]) == 0
    assert capsys.readouterr().out == "none  a \\ud800\n"
    assert main(["intents", str(path), "--json"]) == 0
    path.write_text("", encoding="utf-8")
    assert main(["intents", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] != ""
