"""One world's privacy: who is recorded, and the notice before anybody is."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable
from weakref import WeakValueDictionary

from bot.agent.rooms import Room, RoomError
from bot.agent.runtime import AgentRuntime
from bot.store.problems import StoreError
from bot.store.records import Exchange, World, time_of
from plugins.privacy.admission import REMEMBERED, Admission
from plugins.privacy.notices import notice
from plugins.privacy.policy import PrivacySettings

if TYPE_CHECKING:
    from plugins.privacy.office import PrivacyOffice

log = logging.getLogger(__name__)

PLUGIN = "privacy"
RECORDING_SERVICE = "reasoning"
UNREAD_SECONDS = 5.0
POST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked, and when (ms)."""

    user_id: int
    timestamp: int


@runtime_checkable
class Recording(Protocol):
    """The service that records, as far as it matters here."""

    @property
    def recording(self) -> bool:
        """Whether exchanges are recorded at present."""


class PrivacyService:
    """Says of each exchange what may be kept of it; `unread` says why nothing may, for people."""

    def __init__(self, runtime: AgentRuntime, office: "PrivacyOffice") -> None:
        self.office = office
        self.unread: str | None = None
        self.unannounced = 0
        self._runtime = runtime
        self._rules = Admission(runtime.world, lambda: office.people)
        self._asked: dict[int, Asked] = {}
        self._unread_since = 0.0
        self._setting = asyncio.Lock()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    async def start(cls, runtime: AgentRuntime, office: "PrivacyOffice") -> Self:
        """The service of this runtime, with what its world's file says, if that can be read."""
        service = cls(runtime, office)
        office.enter(service)
        await service.read()
        return service

    async def stop(self) -> None:
        """Nothing of it is on its way anywhere."""
        self.office.leave(self)

    @property
    def world(self) -> World:
        """Whose rules these are."""
        return self._runtime.world

    @property
    def rules(self) -> Admission:
        """Who is recorded, and what was not."""
        return self._rules

    @property
    def settings(self) -> PrivacySettings:
        """What the server has set. Raises StoreError when that cannot be read."""
        if self._rules.settings is None:
            raise StoreError(self.unread or "It is not known yet.")
        return self._rules.settings

    def admit(self, exchange: Exchange) -> Exchange | None:
        """The exchange as it may be kept; None where nothing of it may."""
        if exchange.user_id is not None:
            self._asked[exchange.id] = Asked(exchange.user_id, exchange.timestamp)
            if len(self._asked) > REMEMBERED:
                del self._asked[next(iter(self._asked))]
        admitted, reason = self._rules.admit(exchange)
        if admitted is None:
            log.debug("Exchange %d of %s is not recorded: %s", exchange.id, self.world, reason)
        return admitted

    def records(self, user_id: int) -> bool:
        """Whether this person is recorded here; not while that is unknown."""
        people = self.office.people
        return people is not None and self._rules.records(user_id, people)

    def forget_agreement(self, user_id: int) -> None:
        """Forget that a person agreed. An objection stays, or they would be recorded again."""
        if self._rules.consents.get(user_id) is True:
            del self._rules.consents[user_id]

    async def note_reply(self, request_id: int, message_ids: Sequence[int]) -> None:
        """These messages of the bot's carry the answer to a request."""
        asked = self._asked.pop(request_id, None)
        if asked is None:
            return
        for message_id in message_ids:
            self._rules.note_reply(asked.user_id, message_id)
        posted = max(map(time_of, message_ids), default=0)
        await self.office.answered(asked.user_id, asked.timestamp, posted)

    async def read(self) -> None:
        """Read the world's file, where that has not been possible so far."""
        if self._rules.settings is not None:
            return
        try:
            await self.office.read_people()
            found = await self.office.records.agreements(self.world)
            settings = PrivacySettings.from_json(found.setting)
        except StoreError as error:
            if error.public != self.unread:
                log.error("Who agreed to be recorded is unknown, so nothing is: %s", error)
            self.unread, self._unread_since = error.public, time.monotonic()
            return
        self.unread = None
        self._rules.take(found, settings)
        self._rules.consents.update(self.office.unsaved_consents(self.world))

    async def announce(self, room: Room) -> None:
        """Tell people in a room that they are recorded, once, before anybody is."""
        recorder = self._runtime.services.get(RECORDING_SERVICE)
        if not isinstance(recorder, Recording) or not recorder.recording:
            return
        if self._rules.settings is None:
            if time.monotonic() - self._unread_since < UNREAD_SECONDS:
                return
            await self.read()
        turn = self._turns.setdefault(room.id, asyncio.Lock())
        async with turn:
            if self._rules.settings is None or room.id in self._rules.noticed:
                return
            if room.parent_id in self._rules.noticed:
                # Whoever is in a thread sees the channel that it belongs to.
                self._rules.noticed.add(room.id)
                return
            await self._post_notice(room, self._rules.settings)

    async def set(self, settings: PrivacySettings) -> None:
        """What the server has set is this; on return it is on disk. Raises StoreError.

        Where people were told something else than what is the case from here on, they are told
        again before anybody is recorded.
        """
        async with self._setting:
            before = self.settings
            longer = settings.retention_days or float("inf")
            longer_than_told = longer > (before.retention_days or longer)
            tell_again = before.mode is not settings.mode or longer_than_told
            if tell_again:
                self._rules.noticed.clear()
            value = settings.to_json()
            await self.office.records.set_setting(self.world, value, tell_again=tell_again)
            self._rules.settings = settings

    async def _post_notice(self, room: Room, settings: PrivacySettings) -> None:
        try:
            async with asyncio.timeout(POST_SECONDS):
                await room.post(notice(self.world, settings))
        except (RoomError, TimeoutError) as error:
            self.unannounced += 1
            log.debug("No notice in room %d, so nothing of it is recorded: %r", room.id, error)
            return
        async with self._setting:
            if self._rules.settings is not settings:
                # It told what was the case when it was begun.
                return
            self._rules.noticed.add(room.id)
            try:
                await self.office.records.note_notice(self.world, room.id)
            except StoreError as error:
                log.error("The notice in room %d may be posted again: %s", room.id, error)
