"""Each test of `mounted.py`, run by itself in a process that has its mounts to itself."""

import sys
from pathlib import Path

import pytest

from tests.store import mounted
from tests.store.mounts import NEEDS, in_own_mounts, why_not

TESTS = [name for name in vars(mounted) if name.startswith("test_")]


@pytest.fixture(scope="session", params=list(NEEDS))
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A kind of file system that can be mounted here."""
    kind: str = request.param
    reason = why_not(kind, tmp_path_factory.mktemp("mounts"))
    if reason is not None:
        pytest.skip(reason)
    return kind


@pytest.mark.parametrize("name", TESTS)
def test_on_a_real_file_system(kind: str, name: str, tmp_path: Path) -> None:
    chosen = f"{mounted.__file__}::{name}"
    options = ("-q", "-p", "no:cacheprovider", "--basetemp", tmp_path / "inner")
    done = in_own_mounts(kind, sys.executable, "-m", "pytest", *options, chosen)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout, done.stdout
