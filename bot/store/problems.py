"""What the store raises."""


class StoreError(Exception):
    """Something could not be kept or read. The message says what, why, and what to do about it.

    The message names files and is for the log; `public` is the same for people, without paths.
    """

    def __init__(self, message: str, public: str | None = None) -> None:
        super().__init__(message)
        self.public = message if public is None else public


class UnstorableError(StoreError):
    """It was on account of a value: others can be kept, this one never."""
