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


@pytest.mark.parametrize("name", ["DISCORD_API_URL", "MODEL_URL", "DISCORD_GATEWAY_URL"])
@pytest.mark.parametrize("place", ["ada:hunter2@host", "hunter2@host", ":hunter2@host"])
def test_an_address_has_no_credentials(
    monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    scheme = "wss" if "GATEWAY" in name else "https"
    monkeypatch.setenv(name, f"{scheme}://{place}/v1")
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert caught.value.lines == [f"{name}: should be an address without a user name or password."]


def test_a_broken_address_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_URL", "https://ada:hunter2@ho℀st/v1")
    with pytest.raises(SettingsError, match=r"^MODEL_URL: should be an address") as caught:
        load_settings(None)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "CUSTOM_"])
def test_a_model_has_some_time_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setenv(f"{prefix}MODEL_TIMEOUT", "inf")
    with pytest.raises(SettingsError, match=f"^{prefix}MODEL_TIMEOUT: should be a finite number"):
        load_settings(None)


@pytest.mark.parametrize("token", ["hunter2\nhunter2", "hunter2\n", "hunter 2", "hunter²"])
def test_a_token_is_one_printable_word(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", token)
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert caught.value.lines == [
        "DISCORD_TOKEN: should be one line of printable characters without spaces."
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"DISCORD_TOKEN=hunter2\xe4\n", ": cannot be read. It should be text in UTF-8."),
        (None, ": cannot be read (Is a directory)."),
        (
            b'LOG_LEVEL=info\n\nDISCORD_TOKEN="hunter2\nDATA_DIR=x\n',
            ", line 3: should be NAME=value, with each quote closed.",
        ),
    ],
    ids=["latin-1", "folder", "quote"],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes | None, line: str) -> None:
    path = tmp_path / ".env"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert caught.value.lines == [f"{path}{line}"]


def test_a_file_may_be_missing_or_begin_with_a_mark(tmp_path: Path) -> None:
    assert load_settings(tmp_path / ".env") == load_settings(None)
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfLOG_LEVEL=debug\n")
    assert load_settings(tmp_path / ".env").log_level == "debug"


def test_the_example_file_is_valid() -> None:
    example = Path(__file__).resolve().parents[1] / ".env.example"
    assert load_settings(example) == load_settings(None)


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "~/records")
    assert load_settings(None).data_dir == Path.home() / "records"


@pytest.mark.parametrize("name", ["DATA_DIR", "MODEL_PATH", "MODEL_CACHE_DIR"])
def test_a_home_folder_of_nobody_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "~nobody-of-that-name/records")
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert caught.value.lines == [
        f"{name}: ~nobody-of-that-name should be the home folder of somebody here."
    ]
