"""Which messages were attended to lately: a resume brings some of them again."""

MOST = 4_096


class Attended:
    """Remembers the ids of the last messages, `most` of them."""

    def __init__(self, most: int = MOST) -> None:
        self._ids: dict[int, None] = {}
        self._most = most

    def is_new(self, message_id: int) -> bool:
        """Whether it is the first time that this id is asked for; it is remembered."""
        if message_id in self._ids:
            return False
        self._ids[message_id] = None
        if len(self._ids) > self._most:
            del self._ids[next(iter(self._ids))]
        return True
