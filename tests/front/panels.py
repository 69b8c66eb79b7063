"""The settings panel, for tests: opened, read and used as a person does."""

from collections.abc import Mapping
from typing import Any

from bot.harness import Event, Person
from tests.front.scene import Scene


class OpenPanel:
    """A panel as a person sees it. Each use waits for what it shows then."""

    def __init__(self, stage: Scene, person: Person, message: Mapping[str, Any]) -> None:
        self.stage = stage
        self.person = person
        self.message = message

    @property
    def text(self) -> str:
        """All that can be read on it."""
        return "\n".join(part["content"] for part in parts(self.message) if part["type"] == 10)

    @property
    def names(self) -> dict[str, str]:
        """The custom ids of its parts by what they are called in them."""
        ids = [part["custom_id"] for part in parts(self.message) if part.get("custom_id")]
        return {custom_id.split(":")[2]: custom_id for custom_id in ids}

    def part(self, name: str) -> Mapping[str, Any]:
        """One of its parts."""
        return next(p for p in parts(self.message) if p.get("custom_id") == self.names[name])

    async def use(self, name: str, *values: str) -> str:
        """Press, or choose `values`; what can be read then."""
        given = list(values) if self.part(name)["type"] != 2 else None
        since = self.person.mark()
        await self.person.click(self.message, self.names[name], values=given)
        return await self.changed(since)

    async def turn_to(self, page: str) -> str:
        """Go to a page."""
        return await self.use("page", page)

    async def form(self, name: str) -> Event:
        """Press a button that opens a form."""
        sent = await self.person.click(self.message, self.names[name])
        return await self.person.wait_for(
            lambda event: event.name == "INTERACTION_MODAL_CREATE", since=sent.since
        )

    async def fill(self, part: str, /, **values: str) -> str:
        """Open a form and send it with some values changed; what the panel shows then."""
        return await self.send(await self.form(part), **values)

    async def send(self, form: Event, /, **values: str) -> str:
        """Send a form that was opened."""
        at_first = {
            part["component"]["custom_id"]: part["component"].get("value", "")
            for part in form.data["components"]
        }
        since = self.person.mark()
        await self.person.submit_modal(form, at_first | values)
        return await self.changed(since)

    async def changed(self, since: int) -> str:
        """What can be read once it was edited."""
        event = await self.person.wait_for(
            lambda event: event.name == "MESSAGE_UPDATE" and event.data["id"] == self.message["id"],
            since=since,
        )
        self.message = {**self.message, **event.data}
        return self.text


async def opened(stage: Scene, person: Person) -> OpenPanel:
    """Open a panel by the command."""
    answer = await stage.slash(person, "agent settings")
    assert answer.ephemeral
    return OpenPanel(stage, person, answer.latest)


def parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All components of a message, however deep."""
    pending = list(message.get("components") or ())
    found = []
    while pending:
        part = pending.pop(0)
        found.append(part)
        inner = list(part.get("components") or ())
        inner += [part["accessory"]] if part.get("accessory") else []
        pending = inner + pending
    return found
