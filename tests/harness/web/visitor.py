"""Somebody at the page, in a real browser."""

from pathlib import Path

from playwright.async_api import Locator, Page, expect


class Visitor:
    """A page that shows a fake Discord as one person. `errors` are what went wrong in it."""

    def __init__(self, page: Page, shots: Path) -> None:
        self.page = page
        self.shots = shots
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.errors.append(said.text)
                if "Content Security Policy" in said.text or "TrustedHTML" in said.text
                else None
            ),
        )

    async def come(self, address: str, name: str) -> None:
        """Open the page as someone, and wait for its messages to be there."""
        await self.page.goto(f"{address}?as={name}")
        await expect(self.page.locator("#timeline .messages")).to_be_attached()
        await expect(self.page.get_by_text("Loading messages")).to_have_count(0)

    @property
    def box(self) -> Locator:
        return self.page.locator("#message-box")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def message(self, text: str) -> Locator:
        """The message that has a text."""
        return self.page.locator("li.message", has_text=text)

    def option(self, name: str) -> Locator:
        return self.page.get_by_role("option", name=name)

    def button(self, name: str, *, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    async def say(self, text: str) -> Locator:
        await self.box.fill(text)
        await self.box.press("Enter")
        await expect(self.message(text).last).to_be_visible()
        return self.message(text).last

    async def slash(self, name: str) -> None:
        """Pick a command from the popup, with its fields left to fill."""
        await self.box.press_sequentially(f"/{name}")
        await self.option(f"/{name}").first.click()

    async def act(self, message: Locator, action: str) -> None:
        """Use the bar of a message."""
        await message.hover()
        await message.get_by_role("button", name=action, exact=True).first.click()

    async def shot(self, name: str) -> None:
        await self.page.screenshot(path=self.shots / f"{name}.png")
