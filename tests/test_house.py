"""The house rules that a machine can check: rooms, lint, types, and what the pages promise."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[1]

# Which of our own packages each room may import, from the ground up.
ROOMS = {
    "bot.store": {"bot.store"},
    "bot.agent": {"bot.agent", "bot.store"},
    "bot.front": {"bot.front", "bot.agent", "bot.store"},
    "bot.harness": {"bot.harness"},
    "bot.settings": set[str](),
    "plugins": {"bot.agent", "bot.store"},
}
FOREIGN = {
    "bot.store": {"discord"},
    "bot.agent": {"discord", "aiosqlite", "asyncpg", "sqlite3"},
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("bot", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def test_every_import_runs_down_the_list_of_rooms() -> None:
    wrong = []
    for name, tree in modules():
        room = next((room for room in ROOMS if within(name, room)), None)
        if room is None:
            continue
        allowed = ROOMS[room] | ({".".join(name.split(".")[:2])} if room == "plugins" else set())
        for imported in imports(tree):
            ours = within(imported, "bot") or within(imported, "plugins")
            if ours and not any(within(imported, package) for package in allowed):
                wrong.append(f"{name} imports {imported}")
            if any(within(imported, package) for package in FOREIGN.get(room, ())):
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_only_settings_read_the_environment() -> None:
    wrong = [
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and name != "bot.settings"
    ]
    assert not wrong


def test_env_example_is_the_settings() -> None:
    """Each setting is there, with its description above it and its default behind it."""
    expected = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else str(field.default)
        expected += [f"# {field.description}", f"{name.upper()}={default}"]
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line] == expected


def test_the_ci_runs_the_readme_s_command_word_for_word() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [block.strip() for block in re.findall(r"```sh\n(.*?)```", readme, re.S)]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "\n" not in commands[0]
    assert "\n" not in commands[1]
    assert commands[0].endswith("understudy try")
    assert commands[1] in ci


def test_links_in_the_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


@pytest.mark.parametrize(
    "tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join
)
@pytest.mark.timeout(240)
def test_lint_and_types_are_clean(tool: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
