"""The environments of the libraries: made once, whole or not at all, with a reason if not."""

from pathlib import Path
from shutil import which

import pytest

from .environments import Library, NodeLibrary, PythonLibrary, Unavailable, environment


class Local(PythonLibrary):
    """Needs nothing from anywhere, and counts how often it is installed."""

    installations = 0

    def install(self, folder: Path) -> None:
        type(self).installations += 1
        folder.mkdir()


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    first = environment(Local("local", "local_bot.py", ("one",)), tmp_path)
    again = environment(Local("local", "local_bot.py", ("one",)), tmp_path)
    other = environment(Local("local", "local_bot.py", ("two",)), tmp_path)
    assert first == again != other
    assert Local.installations == 2
    assert sorted(tmp_path.iterdir()) == sorted([first, other])


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        (PythonLibrary("absent", "absent_bot.py", ("./absent.whl",)), r"failed: .*absent\.whl"),
        pytest.param(
            NodeLibrary("absent", "absent_bot.mjs", "file:./absent.tgz"),
            r"failed: .*absent\.tgz",
            marks=pytest.mark.skipif(which("npm") is None, reason="npm is not on this machine"),
        ),
    ],
    ids=["pip", "npm"],
)
def test_what_cannot_be_installed_says_why_and_leaves_nothing(
    library: Library, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match=reason):
        environment(library, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_machine_without_npm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="npm is not on this machine"):
        environment(NodeLibrary("some", "some_bot.mjs", "^1.0.0"), tmp_path)
    assert not list(tmp_path.iterdir())
