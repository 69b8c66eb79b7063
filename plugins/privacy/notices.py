"""What people are told before they are recorded."""

from bot.agent.actions import ActionButton, ActionResult
from bot.store.records import World, WorldKind
from plugins.privacy.policy import Mode, PrivacySettings

OPT_IN = "PRIVACY_OPT_IN"
OPT_OUT = "PRIVACY_OPT_OUT"
HERE, EVERYWHERE = "here", "everywhere"

KEPT = "my answer, what you said to me and the latest messages that I was shown with it"
RIGHTS = "`/privacy my-data` shows what is kept of you, `/privacy forget-me` deletes it."


def notice(world: World, settings: PrivacySettings) -> ActionResult:
    """The notice of a room."""
    where = "this server" if world.kind is WorldKind.GUILD else "our direct messages"
    kept = f"{KEPT} are kept for review, {lasting(settings)}."
    if settings.mode is Mode.OPT_IN and world.kind is WorldKind.GUILD:
        text = (
            f"📝 **In {where} I record exchanges with those who agree, and with nobody else.** "
            f"Of an exchange, {kept} Messages of people who did not agree are left out. "
            f"You can change your mind with `/privacy opt-out`. {RIGHTS}"
        )
        buttons = (
            ActionButton("Record me", OPT_IN, style="primary"),
            ActionButton("No", OPT_OUT, HERE),
        )
        return ActionResult(text, buttons=buttons)
    return ActionResult(
        f"📝 **Exchanges with me in {where} are recorded.** Of each, {kept} "
        f"If you do not want that: `/privacy opt-out`. {RIGHTS}"
    )


def lasting(settings: PrivacySettings) -> str:
    """How long an exchange is kept, in words."""
    if settings.retention_days == 0:
        return "until deleted"
    days = "1 day" if settings.retention_days == 1 else f"{settings.retention_days} days"
    return f"for {days}, or longer where somebody rated the answer"
