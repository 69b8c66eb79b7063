"""The privacy office: what concerns all worlds at once, and the work that is done at night."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.store.forgetting import Forgotten
from bot.store.installation import Installation
from bot.store.lingering import LINGERS
from bot.store.personal import LARGE_FILE, PersonalRecords, now
from bot.store.problems import StoreError
from bot.store.quoting import Quoted
from bot.store.records import World, WorldKind
from plugins.privacy.people import People
from plugins.privacy.policy import PrivacySettings
from plugins.privacy.service import PrivacyService

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
DAY_SECONDS = 86_400.0
ROUND_SECONDS = 30.0
RETRY_ROUNDS = 20
FIRST_NIGHT_SECONDS = 300.0
DEPARTED_DAYS = 30
SET_ASIDE = "it is damaged and was set aside; whoever runs this bot can repair or delete it"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `forget-me` did, without a word of anybody's. `failed` is why, by world."""

    installation: str
    timestamp: int
    gone: Forgotten
    worlds: int
    failed: Mapping[str, str]


@dataclass(slots=True)
class Backlog:
    """What is still to be done: files to be written anew, objections to be put on disk, and people
    who are to be forgotten.
    """

    unwiped: set[World] = field(default_factory=set)
    objections: set[int] = field(default_factory=set)
    owed: dict[int, set[World]] = field(default_factory=dict)


class PrivacyOffice:
    """One for the process. `people` is None while it cannot be read: then nobody is recorded.

    `absent` are servers that the bot is not in, and since when (ms).
    `prune_backups` deletes backups that are too old, in a thread, once a day; what was forgotten is
    forgotten again for `backup_days`, so that a backup that is restored meanwhile brings nothing
    back. Without `deletes_departed` the records of servers that the bot is not in stay.
    """

    def __init__(
        self,
        records: PersonalRecords,
        installation: Installation,
        *,
        backup_days: int = 30,
        prune_backups: Callable[[], object] | None = None,
        deletes_departed: bool = True,
    ) -> None:
        self.records = records
        self.people: People | None = None
        self._installation = installation
        self._backup_days = backup_days
        self._prune_backups = prune_backups
        self._deletes_departed = deletes_departed
        self._services: dict[World, PrivacyService] = {}
        self._unsaved: dict[tuple[World, int], bool] = {}
        self._backlog = Backlog()
        self.absent: dict[int, int] = {}
        self._logged: set[str] = set()
        self._asking: set[int] = set()
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read what holds for the whole installation, and begin the office's hours."""
        with contextlib.suppress(StoreError):
            await self.read_people()
        self._task = asyncio.create_task(self._hours(), name="privacy office")

    async def close(self) -> None:
        """End what is under way; it goes on with the next start."""
        self.records.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def read_people(self) -> People:
        """Who objected everywhere and who was forgotten. Raises StoreError."""
        async with self._reading:
            if self.people is None:
                standing = await asyncio.to_thread(self._installation.read)
                for user_id, world in standing.owed:
                    self._backlog.owed.setdefault(user_id, set()).add(world)
                objections = {*standing.objections, *self._backlog.objections}
                self.people = People(standing.id, objections, dict(standing.forgotten))
            return self.people

    def enter(self, service: PrivacyService) -> None:
        """A world is in use."""
        self._services[service.world] = service

    def leave(self, service: PrivacyService) -> None:
        """A world is not in use any more."""
        if self._services.get(service.world) is service:
            del self._services[service.world]

    # Consent

    def unsaved_consents(self, world: World) -> dict[int, bool]:
        """What people of a world said that could not be put on disk yet."""
        return {user: said for (place, user), said in self._unsaved.items() if place == world}

    async def set_consent(self, service: PrivacyService, user_id: int, recorded: bool) -> None:
        """A person agrees or objects, from this moment on; on return it is on disk.

        Raises StoreError when it is not; it counts until the bot ends, and is tried again.
        """
        service.rules.consents[user_id] = recorded
        self._unsaved[service.world, user_id] = recorded
        await self.records.set_consent(service.world, user_id, recorded)
        self._unsaved.pop((service.world, user_id), None)

    async def object_everywhere(self, user_id: int) -> None:
        """A person wants to be recorded nowhere, from this moment on; on return it is on disk.

        Raises StoreError when it is not; it counts until the bot ends, and is tried again.
        """
        self._backlog.objections.add(user_id)
        people = await self.read_people()
        people.objections.add(user_id)
        await asyncio.to_thread(self._installation.object, user_id, now())
        self._backlog.objections.discard(user_id)

    async def withdraw_objection(self, user_id: int) -> None:
        """A person takes that back. Raises StoreError; then nothing was changed."""
        people = await self.read_people()
        await asyncio.to_thread(self._installation.withdraw_objection, user_id)
        self._backlog.objections.discard(user_id)
        people.objections.discard(user_id)

    # What people may ask for

    @contextlib.contextmanager
    def one_at_a_time(self, user_id: int) -> Iterator[None]:
        """A person's request that goes through all files. Raises StoreError if one is under way."""
        if user_id in self._asking:
            raise StoreError("Another request of yours is under way. Wait for its answer.")
        self._asking.add(user_id)
        try:
            yield
        finally:
            self._asking.discard(user_id)

    async def data_of(self, user_id: int) -> tuple[dict[str, Any], dict[str, str]]:
        """All that is kept of a person, by world; and why it could not be read, by world."""
        found: dict[str, Any] = {}
        failed: dict[str, str] = {}
        for world in await self.records.worlds_with(user_id):
            try:
                data = await self.records.person_data(world, user_id)
            except StoreError as error:
                log.error("What %s has of a person cannot be read: %s", world, error)
                failed[str(world)] = error.public
                continue
            if any(data.values()):
                found[str(world)] = data
        return found, failed

    async def forget(self, user_id: int, asked_at: int | None = None) -> Receipt:
        """Forget a person in every world, from before this moment. Raises StoreError.

        It is noted first, so that what fails, or is cut short, is done later. `asked_at` is this
        moment by Discord's clock (ms), which the ids of what they said are of: ours may be slow.
        """
        people = await self.read_people()
        moment = people.forgotten[user_id] = max(now(), asked_at or 0)
        await asyncio.to_thread(self._installation.note_forgotten, user_id, moment)
        self._forget_agreement(user_id)
        problem = await self._attempt(self.records.settle())
        worlds = await self._worlds_with(user_id, problem)
        await self._note_owed(user_id, set(worlds))
        gone, counted = Forgotten(), 0
        failed: dict[World, str] = {}
        for world in worlds:
            try:
                rows = await self._forget_in(world, user_id, moment)
            except StoreError as error:
                log.error("A person is not forgotten in %s yet: %s", world, error)
                failed[world] = error.public
                continue
            gone += rows
            counted += rows.rows > 0
        await self._note_owed(user_id, set(failed))
        problem = await self._attempt(self.records.settle()) or problem
        told = {str(world): reason for world, reason in failed.items()}
        told |= {str(world): LINGERS for world in worlds if world in self.records.lingering}
        told |= dict.fromkeys(await asyncio.to_thread(self.records.set_aside, user_id), SET_ASIDE)
        if problem is not None:
            told["inbox"] = problem
        log.info("Forgot a person: %d rows in %d worlds, %d failed", gone.rows, counted, len(told))
        return Receipt(people.installation, moment, gone, counted, told)

    async def answered(self, user_id: int, asked_at: int, posted_at: int) -> None:
        """A question of a person's was answered (ms): if they were forgotten between, up to then.

        Or the answer, which is younger, would be kept where somebody's later question quotes it.
        """
        forgotten = None if self.people is None else self.people.forgotten.get(user_id)
        if self.people is not None and forgotten is not None and asked_at <= forgotten < posted_at:
            self.people.forgotten[user_id] = posted_at
            noting = asyncio.to_thread(self._installation.note_forgotten, user_id, posted_at)
            await self._attempt(noting)

    # What the front notices in Discord

    async def present(self, guild_ids: Collection[int]) -> None:
        """The bot is in these servers and no others."""
        if not self._deletes_departed:
            return
        standing = await asyncio.to_thread(self._installation.read)
        for guild_id in guild_ids:
            if guild_id in standing.departures:
                await self.joined(guild_id)
        for world in await asyncio.to_thread(self.records.worlds):
            if world.kind is WorldKind.GUILD and world.id not in guild_ids:
                self.absent[world.id] = standing.departures.get(world.id, now())
                if world.id not in standing.departures:
                    await self.left(world.id)

    async def joined(self, guild_id: int) -> None:
        """The bot was added to a server: what is kept of it stays."""
        self.absent.pop(guild_id, None)
        await asyncio.to_thread(self._installation.forget_departure, guild_id)

    async def left(self, guild_id: int) -> None:
        """The bot was removed from a server: its file is deleted after DEPARTED_DAYS."""
        if not self._deletes_departed:
            return
        moment = now()
        await asyncio.to_thread(self._installation.note_departure, guild_id, moment)
        self.absent.setdefault(guild_id, moment)
        log.warning(
            "The bot is not in server %d any more; its records are deleted in %d days",
            guild_id,
            DEPARTED_DAYS,
        )

    async def rooms_gone(self, world: World, room_ids: Sequence[int]) -> None:
        """Channels or threads were deleted: what was said in them is forgotten."""
        if (service := self._services.get(world)) is not None:
            service.rules.gone.update(room_ids)
        count = await self.records.forget_rooms(world, room_ids)
        log.info("Forgot %d exchanges of deleted channels of %s", count, world)

    async def member_gone(self, world: World, user_id: int) -> None:
        """Somebody is no member of a server any more: they are forgotten in its file."""
        await self._forget_in(world, user_id, now())

    def worlds(self) -> Sequence[World]:
        """Every world of which something is kept."""
        return self.records.worlds()

    async def authors(self, world: World) -> Sequence[int]:
        """Everyone of whom something is kept there."""
        return await self.records.authors(world)

    async def rooms(self, world: World) -> Sequence[int]:
        """Every room with something kept."""
        return await self.records.rooms(world)

    async def quoted(self, world: World, since: int, a_room: int) -> Mapping[int, Sequence[Quoted]]:
        """What was quoted since that time (ms): the newest `a_room` messages of each room."""
        return await self.records.quoted(world, since, a_room)

    async def asked_for(
        self, world: World, room_id: int, message_ids: Sequence[int]
    ) -> Sequence[int]:
        """The ids of the questions of a room, with texts, whose answers these messages carried."""
        return await self.records.asked_for(world, room_id, message_ids)

    # Hours

    def wipe_soon(self, world: World) -> None:
        """Something was deleted in a world: its file is written anew in a while.

        A large file waits for the night.
        """
        if self.records.size(world) <= LARGE_FILE:
            self._backlog.unwiped.add(world)

    async def round(self) -> None:
        """Write the files anew from which something was deleted, and save what is not saved."""
        for world in list(self._backlog.unwiped):
            self._backlog.unwiped.discard(world)
            if await self._attempt(self.records.wipe(world)) is not None:
                self._backlog.unwiped.add(world)
        for world in list(self.records.lingering):
            await self._attempt(self.records.empty_log(world))
        for (world, user_id), recorded in list(self._unsaved.items()):
            if await self._attempt(self.records.set_consent(world, user_id, recorded)) is None:
                self._unsaved.pop((world, user_id), None)
        for user_id in list(self._backlog.objections):
            await self._attempt(self.object_everywhere(user_id))

    async def catch_up(self) -> None:
        """Forget people where that has not been possible so far."""
        people = await self.read_people()
        for user_id, worlds in list(self._backlog.owed.items()):
            made_up_for = set()
            for world in worlds:
                forgetting = self._forget_in(world, user_id, people.forgotten.get(user_id, now()))
                if await self._attempt(forgetting) is None:
                    made_up_for.add(world)
            if made_up_for:
                # They may have asked again meanwhile, and it may have failed elsewhere.
                left = self._backlog.owed.get(user_id, set()) - made_up_for
                await self._note_owed(user_id, left)

    async def night(self) -> Counter[str]:
        """What is done once a day. Returns how many rows or files went, by kind."""
        done: Counter[str] = Counter()
        people = await self.read_people()
        await self.catch_up()
        since = now() - self._backup_days * DAY_MS
        again = {user: moment for user, moment in people.forgotten.items() if moment >= since}
        for guild_id, moment in list(self.absent.items()):
            if moment <= now() - DEPARTED_DAYS * DAY_MS:
                done["worlds"] += await self._delete_departed(guild_id)
        for world in await asyncio.to_thread(self.records.worlds):
            if again:
                with contextlib.suppress(StoreError):
                    done["forgotten"] += (await self.records.forget_people(world, again)).rows
            done["expired"] += await self._expire(world)
        if self._prune_backups is not None:
            await asyncio.to_thread(self._prune_backups)
        return done

    async def _hours(self) -> None:
        """Round after round, and a night once a day; what fails is logged, and tried again."""
        night = time.monotonic() + FIRST_NIGHT_SECONDS
        rounds = 0
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            rounds += 1
            try:
                await self.round()
                if time.monotonic() >= night:
                    night = time.monotonic() + DAY_SECONDS
                    log.info("The night's work is done: %s", dict(await self.night()))
                elif rounds % RETRY_ROUNDS == 0:
                    await self.catch_up()
            except Exception:
                log.exception("The privacy office failed; it goes on in a while")

    async def _expire(self, world: World) -> int:
        """Let go of what is older than a world wants it kept. Returns how many exchanges."""
        try:
            found = await self.records.agreements(world)
            days = PrivacySettings.from_json(found.setting).retention_days
            before = now() - days * DAY_MS if days else 0
            return await self.records.expire(world, before)
        except StoreError as error:
            log.error("What is too old stays in %s for another day: %s", world, error)
            return 0

    async def _delete_departed(self, guild_id: int) -> int:
        try:
            await self.records.delete_world(World(WorldKind.GUILD, guild_id))
            await asyncio.to_thread(self._installation.forget_departure, guild_id)
        except StoreError as error:
            log.error("The records of server %d are not deleted yet: %s", guild_id, error)
            return 0
        del self.absent[guild_id]
        log.warning("The records of server %d are deleted: the bot was removed", guild_id)
        return 1

    async def _worlds_with(self, user_id: int, problem: str | None) -> list[World]:
        """Where to forget a person; everywhere while it is not known what is still to come."""
        if problem is None:
            return await self.records.worlds_with(user_id)
        return await self.records.worlds_open_to(user_id)

    async def _forget_in(self, world: World, user_id: int, moment: int) -> Forgotten:
        gone = await self.records.forget_people(world, {user_id: moment})
        if (service := self._services.get(world)) is not None:
            service.forget_agreement(user_id)
        return gone

    def _forget_agreement(self, user_id: int) -> None:
        """Forget that a person agreed, also where no file has it yet."""
        for service in self._services.values():
            service.forget_agreement(user_id)
        for world, other_id in [key for key, recorded in self._unsaved.items() if recorded]:
            if other_id == user_id:
                del self._unsaved[world, other_id]

    async def _note_owed(self, user_id: int, worlds: set[World]) -> None:
        if worlds:
            self._backlog.owed[user_id] = worlds
        else:
            self._backlog.owed.pop(user_id, None)
        await asyncio.to_thread(self._installation.note_owed, user_id, worlds)

    async def _attempt(self, work: Awaitable[object]) -> str | None:
        """Why it could not be done, for people; None when it was. The log has each reason once."""
        try:
            await work
        except StoreError as error:
            if str(error) not in self._logged:
                log.error("Not done yet, it is tried again: %s", error)
                self._logged.add(str(error))
            return error.public
        self._logged.clear()
        return None
