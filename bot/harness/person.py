"""A person: acts by the public REST API, and sees what a person sees."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from bot.harness.client import UserClient
from bot.harness.eventlog import Event, Predicate, SeenMessage, named
from bot.harness.filling import Filling, component_of, filled
from bot.harness.model import JsonObject
from bot.harness.slash import find_command, named_command, with_options, with_target


@dataclass(frozen=True, slots=True)
class Sent:
    """A use of a command, button or modal that was accepted; `id` is the interaction's."""

    id: str
    nonce: str
    since: int


class Person(UserClient):
    """Someone at a fake Discord, for use as `async with Person(who, rest, gateway) as ada`.

    `who` is an entry of `FakeDiscord.describe()["users"]`, or a token. All that they see is in
    `log`. Methods that act raise `Refused` where the server says no, with Discord's code.
    """

    # Saying and doing

    async def say(
        self,
        channel_id: str | int,
        text: str,
        *,
        reply_to: Mapping[str, Any] | str | int | None = None,
        files: Mapping[str, bytes] | None = None,
        **fields: object,
    ) -> JsonObject:
        """Send a message. `reply_to` is a message or its id; `fields` go into the body."""
        body: JsonObject = {"content": text, "nonce": self._nonce(), **fields}
        if reply_to is not None:
            body["message_reference"] = {"message_id": _id_of(reply_to)}
        return await self.object_of("POST", f"/channels/{channel_id}/messages", body, files)

    async def edit(self, message: Mapping[str, Any], text: str) -> JsonObject:
        return await self.object_of("PATCH", _path(message), {"content": text})

    async def delete(self, message: Mapping[str, Any]) -> None:
        await self.request("DELETE", _path(message))

    async def react(self, message: Mapping[str, Any], emoji: str) -> None:
        await self.request("PUT", f"{_path(message)}/reactions/{quote(emoji)}/@me")

    async def unreact(self, message: Mapping[str, Any], emoji: str) -> None:
        await self.request("DELETE", f"{_path(message)}/reactions/{quote(emoji)}/@me")

    async def clear_reactions(self, message: Mapping[str, Any], emoji: str | None = None) -> None:
        """Take all reactions off a message, or all of one emoji, as moderators may."""
        which = "" if emoji is None else f"/{quote(emoji)}"
        await self.request("DELETE", f"{_path(message)}/reactions{which}")

    async def type(self, channel_id: str | int) -> None:
        await self.request("POST", f"/channels/{channel_id}/typing")

    async def open_dm(self, user_id: str | int) -> JsonObject:
        return await self.object_of("POST", "/users/@me/channels", {"recipient_id": str(user_id)})

    async def open_group(self, *user_ids: str | int) -> JsonObject:
        """A new group direct message with these people."""
        body = {"recipients": [str(user_id) for user_id in user_ids]}
        return await self.object_of("POST", "/users/@me/channels", body)

    async def history(self, channel_id: str | int, *, limit: int = 50) -> list[JsonObject]:
        """The last messages, newest first."""
        path = f"/channels/{channel_id}/messages?limit={limit}"
        return cast("list[JsonObject]", await self.request("GET", path))

    # Interactions

    async def install_app(self, application_id: str | int) -> None:
        """Add the application to one's account, for use wherever one is."""
        path = f"/oauth2/authorize?client_id={application_id}&integration_type=1"
        await self.request("POST", f"{path}&scope=applications.commands", {"authorize": True})

    async def uninstall_app(self, application_id: str | int) -> None:
        """Take the application off one's account."""
        await self.request("DELETE", f"/oauth2/tokens/{application_id}")

    async def commands(self, channel_id: str | int) -> list[JsonObject]:
        """The commands on offer in a channel."""
        index = await self.object_of("GET", f"/channels/{channel_id}/application-command-index")
        return cast("list[JsonObject]", index["application_commands"])

    async def slash(
        self, guild_id: str | int | None, channel_id: str | int, command: str, **options: object
    ) -> Sent:
        """Run a slash command by its full name, such as "reasoning enable".

        Raises LookupError when no such command or option is on offer.
        """
        spec, path = find_command(await self.commands(channel_id), command)
        return await self._interact(2, guild_id, channel_id, with_options(spec, path, options))

    async def slash_with_files(
        self,
        guild_id: str | int | None,
        channel_id: str | int,
        command: str,
        files: Mapping[str, bytes],
        **options: object,
    ) -> Sent:
        """The same with files for options that take one, whose values are "0", "1" and so on."""
        spec, path = find_command(await self.commands(channel_id), command)
        data = with_options(spec, path, options)
        data["attachments"] = [{"id": str(i), "filename": n} for i, n in enumerate(files)]
        return await self._interact(2, guild_id, channel_id, data, files=files)

    async def use_on_user(
        self, guild_id: str | int | None, channel_id: str | int, command: str, user_id: str | int
    ) -> Sent:
        """Pick a command from a user's context menu. Raises LookupError."""
        spec = named_command(await self.commands(channel_id), command, 2)
        return await self._interact(2, guild_id, channel_id, with_target(spec, str(user_id)))

    async def use_on_message(self, message: Mapping[str, Any], command: str) -> Sent:
        """Pick a command from a message's context menu. Raises LookupError."""
        guild_id = self._guild_of(message)
        spec = named_command(await self.commands(message["channel_id"]), command, 3)
        data = with_target(spec, _id_of(message))
        return await self._interact(2, guild_id, message["channel_id"], data)

    async def autocomplete(
        self,
        guild_id: str | int | None,
        channel_id: str | int,
        command: str,
        focused: str,
        **options: object,
    ) -> list[JsonObject]:
        """The choices offered for the option `focused`, given what is typed so far in `options`."""
        spec, path = find_command(await self.commands(channel_id), command)
        data = with_options(spec, path, options, focused=focused)
        sent = await self._interact(4, guild_id, channel_id, data)
        answer = await self.wait_for(
            named("APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE", nonce=sent.nonce),
            timeout=5.0,
            since=sent.since,
        )
        return cast("list[JsonObject]", answer.data["choices"])

    async def click(
        self,
        message: Mapping[str, Any],
        which: str,
        *,
        values: list[str] | None = None,
    ) -> Sent:
        """Press a button, by its label or custom_id; with `values` choose in a select.

        Raises LookupError when the message, as it was given, has no such component.
        """
        component = component_of(message, which)
        data: JsonObject = {
            "component_type": component["type"],
            "custom_id": component["custom_id"],
        }
        if values is not None:
            data["values"] = values
        guild_id = self._guild_of(message)
        extra = {"message_id": message["id"], "message_flags": message.get("flags", 0)}
        return await self._interact(3, guild_id, message["channel_id"], data, extra)

    async def submit_modal(
        self,
        modal: Event,
        values: Mapping[str, Filling],
        files: Mapping[str, bytes] | None = None,
    ) -> Sent:
        """Fill a modal (an INTERACTION_MODAL_CREATE event), by custom_id.

        A text or a radio button is a string, what is chosen in a select a list, a checkbox a bool;
        for uploads the list has the numbers of `files` ("0", "1").
        """
        parts = [filled(component, values) for component in modal.data["components"]]
        data: JsonObject = {
            "id": modal.data["id"],
            "custom_id": modal.data["custom_id"],
            "components": parts,
        }
        guild_id, channel_id = modal.data.get("guild_id"), modal.data["channel_id"]
        return await self._interact(5, guild_id, channel_id, data, files=files)

    async def outcome(self, sent: Sent, *, timeout: float = 5.0) -> str:  # noqa: ASYNC109
        """INTERACTION_SUCCESS or INTERACTION_FAILURE, whichever an interaction led to."""
        names = ("INTERACTION_SUCCESS", "INTERACTION_FAILURE")
        event = await self.wait_for(
            lambda e: e.name in names and e.data["id"] == sent.id,
            timeout=timeout,
            since=sent.since,
        )
        return event.name

    async def answer_to(self, sent: Sent, *, timeout: float = 5.0) -> SeenMessage:  # noqa: ASYNC109
        """The first message that an interaction led to, once it shows more than "thinking"."""

        def shows(event: Event) -> bool:
            told = event.data.get("interaction_metadata") or {}
            return (
                event.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
                and told.get("id") == sent.id
                and not event.data["flags"] & 128
            )

        event = await self.wait_for(shows, timeout=timeout, since=sent.since)
        return self.log.messages[event.data["id"]]

    # Seeing

    def mark(self) -> int:
        """The position of the next event; see `wait_for`."""
        return self.log.mark()

    async def wait_for(
        self,
        predicate: Predicate,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the caller's word for it
        since: int | None = None,
    ) -> Event:
        """The first event that fits, from `since` on or (without it) from now on.

        Raises TimeoutError, or ConnectionError if the connection was lost.
        """
        return await self.log.wait_for(predicate, timeout=timeout, since=since)

    async def message_from(
        self,
        author_id: str | int,
        *,
        since: int,
        channel_id: str | int | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109 - the caller's word for it
        until: Callable[[SeenMessage], bool] = lambda seen: not seen.loading,
    ) -> SeenMessage:
        """The first message of an author that satisfies `until`, now or after some edits."""
        wanted = str(author_id)

        def fits(event: Event) -> bool:
            if event.name not in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
                return False
            seen = self.log.messages.get(event.data["id"])
            return (
                seen is not None
                and seen.created_at >= since
                and seen.author_id == wanted
                and channel_id in (None, seen.latest["channel_id"], int(seen.latest["channel_id"]))
                and until(seen)
            )

        event = await self.wait_for(fits, timeout=timeout, since=since)
        return self.log.messages[event.data["id"]]

    async def reply_after(
        self,
        since: int,
        author_id: str | int,
        *,
        channel_id: str | int | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109 - the caller's word for it
        quiet: float = 1.0,
    ) -> list[SeenMessage]:
        """The messages of an author since a mark, once they are settled.

        Discord has no word for "done": settled means that there is a message that is not "thinking"
        and that then, for `quiet` seconds, the author neither wrote, edited nor typed there. Who
        knows better what a finished answer looks like uses `message_from` with `until`.
        Raises TimeoutError when that does not come about.
        """
        wanted = str(author_id)
        place = None if channel_id is None else str(channel_id)

        def stirs(event: Event) -> bool:
            who = event.data.get("user_id") or event.data.get("author", {}).get("id")
            return (
                event.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE", "TYPING_START")
                and who == wanted
                and place in (None, event.data["channel_id"])
            )

        async with asyncio.timeout(timeout):
            position = since
            while True:
                replies = self.log.messages_since(since, author_id=wanted, channel_id=place)
                done = bool(replies) and not any(seen.loading for seen in replies)
                patience = quiet if done else timeout
                try:
                    event = await self.wait_for(stirs, timeout=patience, since=position)
                except TimeoutError:
                    if done:
                        return replies
                    raise
                position = event.position + 1

    # Inside

    async def _interact(
        self,
        kind: int,
        guild_id: str | int | None,
        channel_id: str | int,
        data: JsonObject,
        extra: JsonObject | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Sent:
        nonce, since = self._nonce(), self.mark()
        body: JsonObject = {
            "type": kind,
            "channel_id": str(channel_id),
            "session_id": self.session_id,
            "nonce": nonce,
            "data": data,
        } | (extra or {})
        if guild_id is not None:
            body["guild_id"] = str(guild_id)
        await self.request("POST", "/interactions", body, files)
        told = await self.wait_for(named("INTERACTION_CREATE", nonce=nonce), since=since)
        return Sent(told.data["id"], nonce, since)

    def _guild_of(self, message: Mapping[str, Any]) -> str | None:
        return message.get("guild_id") or self.log.guild_of.get(str(message["channel_id"]))

    def _nonce(self) -> str:
        return str(secrets.randbits(63))


def _id_of(message: Mapping[str, Any] | str | int) -> str:
    return str(message["id"]) if isinstance(message, Mapping) else str(message)


def _path(message: Mapping[str, Any]) -> str:
    return f"/channels/{message['channel_id']}/messages/{message['id']}"
