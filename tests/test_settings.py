"""Settings: what is wrong is said in a line each, and secrets stay secret."""

from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_defaults_are_complete() -> None:
    settings = load_settings(None)
    assert settings.data_dir == Path("data")
    assert settings.discord_token is None


def test_every_wrong_value_gets_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_API_URL", "discord.com")
    monkeypatch.setenv("DISCORD_GATEWAY_URL", "https://gateway.discord.gg")
    monkeypatch.setenv("MODEL_TIMEOUT", "soon")
    monkeypatch.setenv("CUSTOM_MODEL_TIMEOUT", "-1")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    names = [line.split(":")[0] for line in caught.value.lines]
    assert names == [
        "DISCORD_API_URL",
        "DISCORD_GATEWAY_URL",
        "MODEL_TIMEOUT",
        "CUSTOM_MODEL_TIMEOUT",
        "LOG_LEVEL",
    ]
    assert all("should" in line and "\n" not in line for line in caught.value.lines)


@pytest.mark.parametrize("prefix", ["", "CUSTOM_"])
def test_an_address_without_a_name_is_refused(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setenv(f"{prefix}MODEL_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(SettingsError, match=f"^{prefix}MODEL_NAME: is not set"):
        load_settings(None)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISCORD_TOKEN", "MODEL_API_KEY", "CUSTOM_MODEL_API_KEY"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("MODEL_TIMEOUT", "soon")
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert "hunter2" not in str(caught.value)
    monkeypatch.delenv("MODEL_TIMEOUT")
    assert "hunter2" not in repr(load_settings(None))


def test_the_example_file_is_valid() -> None:
    example = Path(__file__).resolve().parents[1] / ".env.example"
    assert load_settings(example) == load_settings(None)


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "~/records")
    assert load_settings(None).data_dir == Path.home() / "records"
