"""All that is kept of a person, as a file: by `/privacy my-data`, or by the operator."""

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NAME = "my-data.json"

Worlds = Mapping[str, Mapping[str, list[dict[str, Any]]]]
"""What each world has of a person, by kind: see `forgetting.person_data`."""


def my_data(
    installation: str,
    user_id: int,
    worlds: Worlds,
    not_readable: Mapping[str, str],
    *,
    opted_out_everywhere: bool,
) -> bytes:
    """The document, as JSON. `not_readable` is why some worlds could not be read."""
    document = {
        "installation": installation,
        "time": clock(),
        "user_id": user_id,
        "opted_out_everywhere": opted_out_everywhere,
        "worlds": worlds,
        "not_readable": not_readable,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def entries(worlds: Worlds) -> int:
    """How many rows these are."""
    return sum(len(rows) for kinds in worlds.values() for rows in kinds.values())


def packed(document: bytes) -> bytes:
    """The document in a zip archive, which everybody can open."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, document)
    return target.getvalue()


def clock(milliseconds: int | None = None) -> str:
    """A time, or this moment, for people and programs."""
    time = (
        datetime.now(UTC)
        if milliseconds is None
        else datetime.fromtimestamp(milliseconds / 1000, UTC)
    )
    return time.isoformat(timespec="seconds")
