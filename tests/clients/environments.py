"""An environment for each library, with nothing in it but the library, kept for the next run."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

BOTS = Path(__file__).parent / "bots"
INSTALL_SECONDS = 180
REASON_LENGTH = 400


class Unavailable(Exception):  # noqa: N818 - the reason of a skip
    """The library cannot be had on this machine now; the text says why."""


class Library(Protocol):
    """A client library: its name, the bot written with it, and how to get and run it."""

    @property
    def name(self) -> str: ...

    @property
    def key(self) -> str:
        """Changes with everything that makes an environment another one."""
        ...

    def install(self, folder: Path) -> None:
        """Fill an empty folder. Raises Unavailable."""
        ...

    def command(self, environment: Path, scratch: Path) -> list[str]:
        """What runs the bot, before its own arguments; `scratch` is an empty folder for it."""
        ...


@dataclass(frozen=True, slots=True)
class PythonLibrary:
    """A library for Python; `requirements` are pip's."""

    name: str
    bot: str
    requirements: tuple[str, ...]

    @property
    def key(self) -> str:
        return _key(self.name, sys.base_prefix, platform.python_version(), *self.requirements)

    def install(self, folder: Path) -> None:
        # Our own pip installs into it: to put one in first would take longer than the library.
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries=1"]
        _run([*pip, "--python", str(_python(folder)), "install", *self.requirements])

    def command(self, environment: Path, scratch: Path) -> list[str]:
        return [str(_python(environment)), "-u", str(BOTS / self.bot)]


@dataclass(frozen=True, slots=True)
class NodeLibrary:
    """A library for Node; `version` is a range of npm's."""

    name: str
    bot: str
    version: str

    @property
    def key(self) -> str:
        return _key(self.name, self.version)

    def install(self, folder: Path) -> None:
        npm = _program("npm")
        folder.mkdir()
        package = {"private": True, "dependencies": {self.name: self.version}}
        (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
        quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        lean = ["--ignore-scripts", "--no-package-lock", "--omit=optional", "--fetch-retries=1"]
        _run([npm, "install", *quiet, *lean], folder)

    def command(self, environment: Path, scratch: Path) -> list[str]:
        # Node looks for a module's imports beside the module.
        bot = shutil.copy(BOTS / self.bot, scratch)
        (scratch / "node_modules").symlink_to(environment / "node_modules")
        return [_program("node"), str(bot)]


def environment(library: Library, kept: Path) -> Path:
    """The folder of a library's environment in `kept`, made if it is not there yet.

    Raises Unavailable.
    """
    folder = kept / library.key
    if folder.exists():
        return folder
    # Renamed into place: an environment is whole or not there, whoever else makes the same one.
    unfinished = kept / f"{library.key}.{os.getpid()}"
    try:
        library.install(unfinished)
        unfinished.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _key(name: str, *parts: str) -> str:
    return f"{name}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not on this machine")
    return found


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"not installed within {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        errors = [line for line in told if "error" in line.lower()] or told
        raise Unavailable(f"the installation failed: {'; '.join(errors[:3])[:REASON_LENGTH]}")
