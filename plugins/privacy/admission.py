"""What may be kept of an exchange, by one world's rules: decided at once, from memory."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from bot.store.consenting import Agreements
from bot.store.records import ChatMessage, Exchange, World, WorldKind, time_of
from plugins.privacy.people import People
from plugins.privacy.policy import Mode, PrivacySettings

NOT_RECORDED = "[not recorded]"
REMEMBERED = 256

UNREAD = "it is not known who agreed"
NO_NOTICE = "nobody was told there yet"
ROOM_GONE = "the channel was deleted"
NOBODY = "nobody asked"
NOT_AGREED = "who asked did not agree"
FORGOTTEN = "who asked was forgotten meanwhile"


@dataclass(slots=True)
class Admission:
    """The rules of one world. `settings` is None while they cannot be read: then nothing is kept.

    `noticed` are the rooms where people were told, `gone` those that were deleted since the start,
    `subjects` whom the bot's messages were for. `refused` counts what was not kept, by the reason.
    """

    world: World
    people: Callable[[], People | None]
    settings: PrivacySettings | None = None
    consents: dict[int, bool] = field(default_factory=dict)
    noticed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    subjects: dict[int, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    def take(self, found: Agreements, settings: PrivacySettings) -> None:
        """What the world's file says; what was noted since the start comes on top."""
        self.settings = settings
        self.consents = {**found.consents, **self.consents}
        self.noticed |= found.noticed
        self.subjects = {**found.subjects, **self.subjects}

    def admit(self, exchange: Exchange) -> tuple[Exchange | None, str | None]:
        """The exchange as it may be kept; or None, and the reason."""
        people = self.people()
        reason = self._against(exchange, people)
        if reason is not None or people is None:
            self.refused[reason or UNREAD] += 1
            return None, reason or UNREAD
        messages = tuple(self._quotable(said, exchange, people) for said in exchange.input)
        return replace(exchange, input=messages), None

    def records(self, user_id: int, people: People) -> bool:
        """Whether this person is recorded here."""
        consent = self.consents.get(user_id)
        if self.settings is None or user_id in people.objections or consent is False:
            return False
        opt_in = self.settings.mode is Mode.OPT_IN and self.world.kind is WorldKind.GUILD
        return consent is True or not opt_in

    def note_reply(self, user_id: int, message_id: int) -> None:
        """A message of the bot's was for this person."""
        self.subjects[message_id] = user_id
        if len(self.subjects) > REMEMBERED:
            del self.subjects[next(iter(self.subjects))]

    def _against(self, exchange: Exchange, people: People | None) -> str | None:
        """Why nothing of it may be kept; None when it may."""
        user_id = exchange.user_id
        if self.settings is None or people is None:
            return UNREAD
        if exchange.room_id in self.gone:
            return ROOM_GONE
        if exchange.room_id not in self.noticed:
            return NO_NOTICE
        if user_id is None:
            return NOBODY
        if not self.records(user_id, people):
            return NOT_AGREED
        return FORGOTTEN if exchange.timestamp <= people.forgotten.get(user_id, -1) else None

    def _quotable(self, said: ChatMessage, exchange: Exchange, people: People) -> ChatMessage:
        """A message of the prompt, or the place where it stood."""
        if said.role == "system" and said.message_id is None and said.author_id is None:
            return said
        person = self._person(said)
        time = exchange.timestamp if said.message_id is None else time_of(said.message_id)
        if (
            not said.withheld
            and person is not None
            and self.records(person, people)
            and time > people.forgotten.get(person, -1)
        ):
            return said
        # Without an id there is no place to keep: the store would take it for a text of our own.
        content = NOT_RECORDED if said.message_id is None else ""
        return replace(
            said, content=content, name=None, author_id=None, subject_id=None, withheld=True
        )

    def _person(self, said: ChatMessage) -> int | None:
        """Whose text it is, or for whom the bot said it; None when that is not known."""
        if said.role != "assistant":
            return said.author_id
        if self.world.kind is WorldKind.DM:
            return self.world.id
        if said.subject_id is not None:
            return said.subject_id
        return None if said.message_id is None else self.subjects.get(said.message_id)
