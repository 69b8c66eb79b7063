"""All settings: read once from the environment and `.env`, checked, and passed on.

No other module reads the environment. `.env.example` lists the same with the same defaults.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

from dotenv.parser import Binding, parse_stream
from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict
from yarl import URL


def require_scheme(*schemes: str) -> AfterValidator:
    """Checks that an address is absolute and of one of these schemes, and has no slash behind."""

    def check(value: str, info: ValidationInfo) -> str:
        try:
            url = URL(value)
        except ValueError:
            # Its message may quote a password.
            raise ValueError(f"should be an address like {schemes[0]}://host/path") from None
        if url.scheme not in schemes or not url.host:
            raise ValueError(f"should be an address like {schemes[0]}://host/path")
        if url.user is not None or url.password is not None:
            raise ValueError("should be an address without a user name or password")
        return value.rstrip("/")

    return AfterValidator(check)


def require_printable(secret: SecretStr) -> SecretStr:
    """Checks that a secret can stand in an HTTP header."""
    if re.fullmatch(r"[!-~]+", secret.get_secret_value()) is None:
        raise ValueError("should be one line of printable characters without spaces")
    return secret


def expand_home(path: Path) -> Path:
    """The path with the home folder of whoever is named by `~` or `~name`."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"{path.parts[0]} should be the home folder of somebody here") from None


Token = Annotated[SecretStr, AfterValidator(require_printable)]
Folder = Annotated[Path, AfterValidator(expand_home)]
HttpAddress = Annotated[str, require_scheme("https", "http")]
SocketAddress = Annotated[str, require_scheme("wss", "ws")]


class Settings(BaseSettings):
    """What an operator can set; each name in upper case is the variable's."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", env_ignore_empty=True, extra="ignore"
    )

    discord_token: Token | None = Field(
        None, description="The bot's token, from the Discord developer portal (Bot, Reset Token)."
    )
    discord_api_url: HttpAddress = Field(
        "https://discord.com/api/v10", description="The REST API; another for a compatible server."
    )
    discord_gateway_url: SocketAddress = Field(
        "wss://gateway.discord.gg", description="The gateway; another for a compatible server."
    )
    data_dir: Folder = Field(
        Path("data"), description="The folder for the records, one SQLite file a server."
    )
    store_key: Token | None = Field(
        None,
        description="The key that encrypts the records; see docs/store.md.",
    )
    backup_days: int = Field(
        30, ge=1, le=3_650, description="Days after which a backup is deleted."
    )
    model_url: HttpAddress | None = Field(
        None,
        description="An OpenAI-compatible endpoint, up to and with /v1. Empty: embedded model.",
    )
    model_name: str | None = Field(None, description="The model's name at MODEL_URL.")
    model_api_key: Token | None = Field(None, description="The key for MODEL_URL, if any.")
    model_timeout: float = Field(
        120.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a whole answer of MODEL_URL may take.",
    )
    model_vision: bool = Field(
        False, description="Whether the model at MODEL_URL takes images: true or false."
    )
    model_path: Folder | None = Field(
        None, description="A GGUF file for the embedded model, instead of the packaged one."
    )
    model_cache_dir: Folder = Field(
        Path("~/.cache/understudy"),
        description="Where the embedded model's weights go if they have to be fetched.",
    )
    custom_model_url: HttpAddress | None = Field(
        None, description="The custom model's OpenAI-compatible endpoint, up to and with /v1."
    )
    custom_model_name: str | None = Field(
        None, description="The custom model's name at CUSTOM_MODEL_URL."
    )
    custom_model_api_key: Token | None = Field(
        None, description="The key for CUSTOM_MODEL_URL, if any."
    )
    custom_model_timeout: float = Field(
        30.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds the custom model has before the original answers.",
    )
    system_prompt: str = Field(
        "You are a helpful assistant named Understudy.",
        description="What the model is told about itself; one short line for the embedded model.",
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="The sampling temperature; empty: the model's own."
    )
    max_tokens: int | None = Field(
        None,
        ge=16,
        le=32_768,
        description="The most tokens that one answer may have; empty: the model's own.",
    )
    context_messages: int = Field(
        12, ge=0, le=100, description="How many earlier messages the model is shown at most."
    )
    context_characters: int = Field(
        6_000, ge=200, le=1_000_000, description="How many characters these may have together."
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="The port of the metrics page, for Prometheus; 0: any free one. Empty: none.",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="The address that the metrics page is on; here: this machine only."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged to stderr: debug, info, warning or error."
    )


class SettingsError(Exception):
    """Settings that are missing or wrong: `lines` has one clear sentence for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Read and check the settings. Raises SettingsError; no value of a secret is in it."""
    if env_file is not None:
        check_file(env_file)
    try:
        settings = Settings(_env_file=env_file)
    except ValidationError as error:
        raise SettingsError([describe(item) for item in error.errors()]) from None
    lines = [
        f"{prefix}MODEL_NAME: is not set. It should name the model to use at {prefix}MODEL_URL."
        for prefix, url, name in (
            ("", settings.model_url, settings.model_name),
            ("CUSTOM_", settings.custom_model_url, settings.custom_model_name),
        )
        if url is not None and not name
    ]
    if lines:
        raise SettingsError(lines)
    return settings


def check_file(path: Path) -> None:
    """Raises SettingsError for a file that would be passed over, as a whole or in part."""
    try:
        if not (path.is_file() or path.is_dir()):
            return
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read ({error.strerror})."]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: cannot be read. It should be text in UTF-8."]) from None
    lines = [
        f"{path}, line {line_of(item)}: should be NAME=value, with each quote closed."
        for item in bindings
        if item.error
    ]
    if lines:
        raise SettingsError(lines)


def line_of(item: Binding) -> int:
    """The line that a statement of `.env` begins at; the blank ones before it belong to it."""
    text = item.original.string
    return item.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def describe(item: object) -> str:
    """One line for one of pydantic's errors: the variable, and what it should be."""
    if not isinstance(item, dict):
        raise TypeError("not an error of pydantic's")
    name = "_".join(str(part) for part in item["loc"]).upper()
    message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"{name}: {message}."
