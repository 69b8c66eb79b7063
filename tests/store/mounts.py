"""Small disks and read-only ones, mounted in a process that has its mounts to itself.

`test_mounted.py` runs the tests of `mounted.py` that way: nothing of it is left when they end.
"""

import os
import subprocess
import sys
from pathlib import Path

ALLOWED = "UNDERSTUDY_TEST_MOUNTS"
"""The kind of file system to mount, in the environment of a process that may."""
NEEDS = {"tmpfs": "root, or user namespaces", "ext4": "root, loop devices and mkfs.ext4"}
ROOT = Path(__file__).resolve().parents[2]
BLOCK = 4096


def in_own_mounts(kind: str, *command: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a command whose mounts nobody else sees, and which may make some."""
    # Without being root, by being root in a user namespace of its own.
    how = "-m" if os.geteuid() == 0 else "-rm"
    return subprocess.run(
        ["unshare", how, "--propagation", "private", *command],  # noqa: S607
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), ALLOWED: kind},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def why_not(kind: str, folder: Path) -> str | None:
    """Why such a file system cannot be mounted here; None where it can."""
    if sys.platform != "linux":
        return "mounts as Linux does"
    program = "import sys; from pathlib import Path; from tests.store.mounts import SmallDisk; "
    program += "SmallDisk(Path(sys.argv[1]), 8)"
    try:
        tried = in_own_mounts(kind, sys.executable, "-c", program, folder / "probe")
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    if tried.returncode:
        return f"{kind} cannot be mounted here: that takes {NEEDS[kind]}"
    return None


class SmallDisk:
    """A file system of so many MB at `folder`, that can be filled up and given room again."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        self._names = folder / "names"
        folder.mkdir(parents=True, exist_ok=True)
        if os.environ[ALLOWED] == "tmpfs":
            options = f"size={megabytes}m,nr_inodes=500,mode=700"
            mount("-t", "tmpfs", "-o", options, "tmpfs", folder)
        else:
            image = folder.with_name(f"{folder.name}.image")
            with image.open("wb") as stream:
                stream.truncate(megabytes << 20)
            made = ("mkfs.ext4", "-q", "-F", "-m", "0", "-N", "500", image)
            subprocess.run(made, check=True)
            mount("-o", "loop", image, folder)

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave: int = 0) -> None:
        """Take up all room but so many bytes."""
        size = (self.free - leave) // BLOCK * BLOCK
        with self._ballast.open("ab") as stream:
            while size > 0:
                try:
                    os.posix_fallocate(stream.fileno(), stream.seek(0, os.SEEK_END), size)
                except OSError:
                    # What keeps account of the blocks takes some, too.
                    size = size // 2 // BLOCK * BLOCK
                else:
                    size = min(size, (self.free - leave) // BLOCK * BLOCK)

    def use_up_names(self) -> None:
        """Make files until no further one can be made."""
        self._names.mkdir(exist_ok=True)
        for number in range(1000):
            try:
                (self._names / str(number)).touch()
            except OSError:
                return

    def make_room(self) -> None:
        """Delete what took it up."""
        self._ballast.unlink(missing_ok=True)
        for path in self._names.glob("*"):
            path.unlink()


def make_read_only(folder: Path) -> None:
    """Nobody can write below this folder, not even root."""
    mount("--bind", folder, folder)
    mount("-o", "remount,bind,ro", folder)


def make_writable(folder: Path) -> None:
    """Below this folder it can be written again."""
    mount("-o", "remount,bind,rw", folder)


def mount(*arguments: str | Path) -> None:
    """Mount something, where nobody else sees it."""
    if ALLOWED not in os.environ:
        raise RuntimeError("Run `pytest tests/store/test_mounted.py`: others would see the mounts.")
    subprocess.run(["mount", *arguments], check=True)  # noqa: S607
