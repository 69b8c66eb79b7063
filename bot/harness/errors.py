"""Discord's errors: HTTP status, numeric code and sentence, and the nested `errors` of code 50035.

Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from enum import IntEnum

from bot.harness.model import JsonObject


class Code(IntEnum):
    GENERAL = 0
    UNKNOWN_APPLICATION = 10002
    UNKNOWN_CHANNEL = 10003
    UNKNOWN_GUILD = 10004
    UNKNOWN_MEMBER = 10007
    UNKNOWN_MESSAGE = 10008
    UNKNOWN_ROLE = 10011
    UNKNOWN_USER = 10013
    UNKNOWN_EMOJI = 10014
    UNKNOWN_WEBHOOK = 10015
    UNKNOWN_INTERACTION = 10062
    UNKNOWN_COMMAND = 10063
    UNKNOWN_OVERWRITE = 10009
    UNKNOWN_BAN = 10026
    BOTS_ONLY = 20002
    SLOWMODE = 20016
    TOO_MANY_PINS = 30003
    TOO_MANY_REACTIONS = 30010
    TOO_MANY_ROLES = 30005
    TOO_MANY_CHANNELS = 30013
    TOO_MANY_COMMANDS = 30032
    TOO_MANY_OLD_EDITS = 30046
    ENTITY_TOO_LARGE = 40005
    ALREADY_ACKNOWLEDGED = 40060
    TOO_MANY_FOLLOW_UPS = 40094
    MISSING_ACCESS = 50001
    DM_ACTION = 50003
    EDIT_OF_ANOTHER = 50005
    EMPTY_MESSAGE = 50006
    CANNOT_DM_USER = 50007
    NON_TEXT_CHANNEL = 50008
    MISSING_PERMISSIONS = 50013
    BULK_DELETE_COUNT = 50016
    WRONG_CHANNEL_FOR_PIN = 50019
    SYSTEM_MESSAGE = 50021
    WRONG_CHANNEL_TYPE = 50024
    INVALID_WEBHOOK_TOKEN = 50027
    INVALID_ROLE = 50028
    BULK_DELETE_AGE = 50034
    INVALID_FORM = 50035
    ARCHIVED_THREAD = 50083
    INVALID_JSON = 50109
    REACTION_BLOCKED = 90001
    REPLY_WITHOUT_HISTORY = 160002
    THREAD_EXISTS = 160004
    THREAD_LOCKED = 160005


_TEXTS: dict[Code, tuple[int, str]] = {
    Code.UNKNOWN_APPLICATION: (404, "Unknown Application"),
    Code.UNKNOWN_CHANNEL: (404, "Unknown Channel"),
    Code.UNKNOWN_GUILD: (404, "Unknown Guild"),
    Code.UNKNOWN_MEMBER: (404, "Unknown Member"),
    Code.UNKNOWN_MESSAGE: (404, "Unknown Message"),
    Code.UNKNOWN_ROLE: (404, "Unknown Role"),
    Code.UNKNOWN_USER: (404, "Unknown User"),
    Code.UNKNOWN_EMOJI: (400, "Unknown Emoji"),
    Code.UNKNOWN_WEBHOOK: (404, "Unknown Webhook"),
    Code.UNKNOWN_INTERACTION: (404, "Unknown interaction"),
    Code.UNKNOWN_COMMAND: (404, "Unknown application command"),
    Code.BOTS_ONLY: (403, "Only bots can use this endpoint"),
    Code.UNKNOWN_OVERWRITE: (404, "Unknown permission overwrite"),
    Code.UNKNOWN_BAN: (404, "Unknown Ban"),
    Code.SLOWMODE: (429, "This action cannot be performed due to slowmode rate limit."),
    Code.TOO_MANY_ROLES: (400, "Maximum number of server roles reached (250)"),
    Code.TOO_MANY_CHANNELS: (400, "Maximum number of server channels reached (500)"),
    Code.TOO_MANY_COMMANDS: (400, "Maximum number of application commands reached (100)."),
    Code.TOO_MANY_OLD_EDITS: (
        429,
        "Maximum number of edits to messages older than 1 hour reached. Try again later.",
    ),
    Code.ENTITY_TOO_LARGE: (413, "Request entity too large"),
    Code.DM_ACTION: (403, "Cannot execute action on a DM channel"),
    Code.CANNOT_DM_USER: (403, "Cannot send messages to this user"),
    Code.NON_TEXT_CHANNEL: (400, "Cannot send messages in a non-text channel"),
    Code.WRONG_CHANNEL_FOR_PIN: (400, "A message can only be pinned in its own channel"),
    Code.INVALID_ROLE: (400, "Invalid Role"),
    Code.REACTION_BLOCKED: (403, "Reaction blocked"),
    Code.THREAD_LOCKED: (403, "This thread is locked"),
    Code.TOO_MANY_PINS: (400, "Maximum number of pins reached (50)"),
    Code.TOO_MANY_REACTIONS: (400, "Maximum number of reactions reached (20)"),
    Code.ALREADY_ACKNOWLEDGED: (400, "Interaction has already been acknowledged."),
    Code.TOO_MANY_FOLLOW_UPS: (
        400,
        "This interaction has reached the maximum number of follow up messages",
    ),
    Code.MISSING_ACCESS: (403, "Missing Access"),
    Code.WRONG_CHANNEL_TYPE: (400, "Cannot execute action on this channel type"),
    Code.EDIT_OF_ANOTHER: (403, "Cannot edit a message authored by another user"),
    Code.EMPTY_MESSAGE: (400, "Cannot send an empty message"),
    Code.MISSING_PERMISSIONS: (403, "Missing Permissions"),
    Code.BULK_DELETE_COUNT: (
        400,
        (
            "Provided too few or too many messages to delete. "
            "Must provide at least 2 and fewer than 100 messages to delete"
        ),
    ),
    Code.INVALID_WEBHOOK_TOKEN: (401, "Invalid Webhook Token"),
    Code.BULK_DELETE_AGE: (
        400,
        "You can only bulk delete messages that are under 14 days old.",
    ),
    Code.INVALID_FORM: (400, "Invalid Form Body"),
    Code.SYSTEM_MESSAGE: (403, "Cannot execute action on a system message"),
    Code.ARCHIVED_THREAD: (400, "Thread is archived"),
    Code.INVALID_JSON: (400, "The request body contains invalid JSON."),
    Code.REPLY_WITHOUT_HISTORY: (
        400,
        "Cannot reply without permission to read message history",
    ),
    Code.THREAD_EXISTS: (400, "A thread has already been created for this message"),
}


class DiscordError(Exception):
    """An error answer. `status` and `headers` are HTTP's, `body` is the JSON of Discord's."""

    def __init__(
        self, code: Code, *, status: int | None = None, message: str | None = None
    ) -> None:
        default_status, default_message = _TEXTS.get(code, (400, "Bad Request"))
        self.code = code
        self.status = default_status if status is None else status
        self.headers: dict[str, str] = {}
        self.body: JsonObject = {"message": message or default_message, "code": int(code)}
        super().__init__(f"{self.status} {self.body}")


def unauthorized() -> DiscordError:
    """A missing, wrong or revoked token."""
    return DiscordError(Code.GENERAL, status=401, message="401: Unauthorized")


def not_found() -> DiscordError:
    """A route that does not exist."""
    return DiscordError(Code.GENERAL, status=404, message="404: Not Found")


def wrong_method() -> DiscordError:
    """A route that exists, but not with this method."""
    return DiscordError(Code.GENERAL, status=405, message="405: Method Not Allowed")


def internal() -> DiscordError:
    """A mishap of the server's own."""
    return DiscordError(Code.GENERAL, status=500, message="500: Internal Server Error")


def invalid_form(path: str, code: str, message: str) -> DiscordError:
    """Code 50035 for one field, given by its dotted path ("embeds.0.title").

    `code` is Discord's name for what is wrong, such as BASE_TYPE_MAX_LENGTH.
    """
    error = DiscordError(Code.INVALID_FORM)
    nested: JsonObject = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(path.split(".")):
        nested = {key: nested}
    error.body["errors"] = nested
    return error


def too_long(path: str, limit: int) -> DiscordError:
    """Code 50035 for a text that is longer than `limit`."""
    return invalid_form(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")


def out_of_range(path: str, low: int, high: int) -> DiscordError:
    """Code 50035 for a number or a count outside of its limits."""
    return invalid_form(path, "NUMBER_TYPE_RANGE", f"int value should be between {low} and {high}.")


def wrong_length(path: str, low: int, high: int) -> DiscordError:
    """Code 50035 for a text or list whose length is outside of its limits."""
    return invalid_form(
        path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length."
    )


def required(path: str) -> DiscordError:
    """Code 50035 for a field that is missing."""
    return invalid_form(path, "BASE_TYPE_REQUIRED", "This field is required")
