"""Looking for a text in the bytes of all files, in every form that it may have there."""

import contextlib
import json
from pathlib import Path


def forms_of(text: str) -> set[bytes]:
    """The text as the bytes that a file may hold it in."""
    escaped = json.dumps(text)[1:-1]
    return {
        text.encode(),
        escaped.encode(),
        json.dumps(escaped)[1:-1].encode(),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
    }


def files_with(folder: Path, *texts: str) -> list[str]:
    """The files below the folder that have one of these texts in any form, and which."""
    forms = [(text, form) for text in texts for form in forms_of(text)]
    found = set()
    for path in sorted(folder.rglob("*")):
        # SQLite takes away files of its own at any time.
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            content = path.read_bytes()
            found |= {f"{path.name}: {text}" for text, form in forms if form in content}
    return sorted(found)
