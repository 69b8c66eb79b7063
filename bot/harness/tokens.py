"""Tokens in Discord's form."""

import base64
import secrets


def new_token(user_id: int) -> str:
    """A token in Discord's form: clients read the user's id from its first part."""
    first = base64.b64encode(str(user_id).encode()).decode().rstrip("=")
    return f"{first}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(27)}"
