"""Ctrl-C while the modules of a command are loaded, which takes a good part of a second."""

import contextlib
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.commands.processes import LIMIT_SECONDS, ROOT, clean_environment

# Python imports it by itself. It tells of the module, and keeps whoever imports it waiting.
WAITS_AT_A_MODULE = """
import os, sys

class Waits:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["WAIT_AT"]:
            try:
                os.write(int(os.environ["TELLS"]), b"here")
                os.read(int(os.environ["WAITS"]), 1)
            except KeyboardInterrupt:
                raise ImportError("as pydantic's Rust has it")

sys.meta_path.insert(0, Waits())
"""


def console_script() -> str:
    """The program that the installed `understudy` is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module, name = project["project"]["scripts"]["understudy"].split(":")
    return f"import sys; from {module} import {name}; sys.exit({name}())"


@pytest.mark.parametrize("call", [["-c", console_script()], ["-m", "bot"]], ids=["script", "bot"])
@pytest.mark.parametrize(
    ("moment", "command"),
    [
        ("bot.cli", "doctor"),
        ("argparse", "doctor"),
        ("bot.settings", "run"),
        ("pydantic", "--help"),
        ("bot.commands.store", "store"),
        ("discord", "run"),
        ("bot.commands.trial", "try"),
        ("bot.commands.fake_discord", "--help"),
    ],
)
def test_it_ends_quietly_while_it_loads(
    call: list[str], moment: str, command: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(WAITS_AT_A_MODULE, encoding="utf-8")
    with contextlib.ExitStack() as stack:
        told, tells, waits, _ = [
            stack.enter_context(os.fdopen(end, mode, buffering=0))
            for pipe in (os.pipe(), os.pipe())
            for end, mode in zip(pipe, ("rb", "wb"), strict=True)
        ]
        numbers = {"TELLS": str(tells.fileno()), "WAITS": str(waits.fileno())}
        environment = clean_environment({"WAIT_AT": moment, **numbers})
        environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, *call, command],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(tells.fileno(), waits.fileno()),
            )
        )
        tells.close()
        assert told.read(4) == b"here"
        process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=LIMIT_SECONDS)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (130, b"", b"")
