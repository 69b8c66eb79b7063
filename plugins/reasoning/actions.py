"""Enable, disable, status: what the three actions do and what they say.

Names, similes and the look of the replies are ElizaOS's training plugin's (facts: upstream).
"""

from bot.agent.actions import Action, ActionContext, ActionResult
from bot.agent.models import Model
from bot.agent.permissions import Permission
from bot.store.records import RecordStats
from plugins.reasoning.dashboard import day_chart, day_lines, read_day
from plugins.reasoning.intents import INTENTS
from plugins.reasoning.service import PLUGIN, ReasoningService, ReasoningStatus

ENABLE = "ENABLE_REASONING_SERVICE"
DISABLE = "DISABLE_REASONING_SERVICE"
STATUS = "CHECK_REASONING_STATUS"
EXPLAIN = "EXPLAIN_INTENT"


def reasoning_actions() -> tuple[Action, ...]:
    """The three actions of the service, and the one that explains what is understood."""
    return (
        Action(
            name=ENABLE,
            similes=(
                "ACTIVATE_REASONING_SERVICE",
                "TURN_ON_REASONING",
                "START_REASONING_SERVICE",
            ),
            title="enable custom reasoning",
            description="Turn on the custom reasoning service of this server.",
            handler=enable,
            intent=INTENTS[ENABLE],
            command="reasoning enable",
            permission=Permission.MANAGE_GUILD,
        ),
        Action(
            name=DISABLE,
            similes=(
                "DEACTIVATE_REASONING_SERVICE",
                "TURN_OFF_REASONING",
                "STOP_REASONING_SERVICE",
            ),
            title="disable custom reasoning",
            description="Turn off the custom reasoning service and put the original model back.",
            handler=disable,
            intent=INTENTS[DISABLE],
            command="reasoning disable",
            permission=Permission.MANAGE_GUILD,
        ),
        Action(
            name=STATUS,
            similes=("REASONING_STATUS", "REASONING_SERVICE_STATUS"),
            title="check reasoning status",
            description="Show whether custom reasoning is on, and what it has recorded.",
            handler=check_status,
            intent=INTENTS[STATUS],
            command="reasoning status",
        ),
        Action(
            name=EXPLAIN,
            title="explain an intent",
            description="Show what the bot makes of a text, and why it would or would not act.",
            handler=explain_intent,
            command="reasoning explain-intent",
            parameter="what somebody might say to the bot",
            permission=Permission.MANAGE_GUILD,
        ),
    )


async def enable(context: ActionContext) -> ActionResult:
    """Turn the service on; the same again says that it is on already."""
    service = service_of(context)
    was_enabled = service.state.enabled
    unsaved = await service.enable(context.author.id)
    status = await service.status()
    if was_enabled:
        lines = ["✅ **Custom reasoning is already enabled.**", records_line(status)]
    else:
        lines = [
            "✅ **Custom Reasoning Service Enabled!**",
            "• " + answering_line(status),
            "• Exchanges with me here are recorded for review, in a file of this place's own.",
            "• If anything about it fails, the original model answers.",
            "Say “disable custom reasoning” or use `/reasoning disable` to turn it off.",
        ]
    return ActionResult("\n".join([*lines, *trouble_lines(status, unsaved)]))


async def disable(context: ActionContext) -> ActionResult:
    """Turn the service off; the records stay."""
    service = service_of(context)
    was_enabled = service.state.enabled or service.unread is not None
    unsaved = await service.disable(context.author.id)
    status = await service.status()
    if was_enabled:
        lines = [
            "✅ **Custom Reasoning Service Disabled**",
            "• The original model is back; nothing is recorded from now on.",
            f"• Records preserved: {count(status.stats)}",
        ]
    else:
        lines = ["✅ **Custom reasoning is already disabled.**", records_line(status)]
    return ActionResult("\n".join([*lines, *trouble_lines(status, unsaved)]))


async def check_status(context: ActionContext) -> ActionResult:
    """Tell how it stands."""
    status = await service_of(context).status()
    day = await read_day(context.runtime)
    state = status.state
    if status.unread is not None:
        head = f"⚠️ unknown: the state could not be read: {status.unread}"
        toggle = "Use `/reasoning enable` or `/reasoning disable` to set it anew."
    elif state.enabled:
        head = "🟢 **Active**"
        toggle = "Say “disable custom reasoning” or use `/reasoning disable` to turn it off."
    else:
        head = "🔴 **Disabled**"
        toggle = "Say “enable custom reasoning” or use `/reasoning enable` to turn it on."
    if state.since is not None:
        done = "enabled" if state.enabled else "disabled"
        head += f" · {done} {moment(state.since)} by {named(state.by)}"
    lines = [
        "📊 **Custom Reasoning Service Status**",
        head,
        "• " + answering_line(status),
        "• " + records_line(status),
    ]
    if status.stats is not None:
        lines.append(
            f"• Fell back to the original: {status.stats.fallbacks} · "
            f"failed: {status.stats.failures}"
        )
        lines.append(f"• Feedback: 👍 {status.stats.thumbs_up} · 👎 {status.stats.thumbs_down}")
    lines += ["• " + line for line in day_lines(day)]
    lines.append("• " + keeping_line(status))
    if status.lingering is not None:
        lines.append(f"• ⚠️ {status.lingering}")
    if status.lost_anywhere is not None:
        lines.append(f"• ⚠️ {status.lost_anywhere}")
    if status.waiting:
        lines.append(f"• Waiting for the disk: {status.waiting}")
    lines.append(toggle)
    return ActionResult("\n".join(lines), private=True, files=await day_chart(day))


async def explain_intent(context: ActionContext) -> ActionResult:
    """Tell what was recognised in a text; nothing is done."""
    match = context.runtime.agent.matcher.match(context.text, addressed=True)
    # A quote: neither the text nor what is said of it can end it.
    lines = [f"> {line}" for line in str(match.explanation).splitlines()]
    return ActionResult("\n".join(lines)[:1_900], private=True)


def service_of(context: ActionContext) -> ReasoningService:
    """The service of the world that the action was called in."""
    service = context.runtime.services[PLUGIN]
    if not isinstance(service, ReasoningService):
        raise TypeError(f"the service {PLUGIN!r} is another plugin's")
    return service


def answering_line(status: ReasoningStatus) -> str:
    """Which model answers, and which steps in for it."""
    if status.answering is None:
        return "Answers: no model. Set MODEL_URL or install the extra `local`."
    line = f"Answers: {model_name(status.answering)}"
    if status.fallback is not None:
        line += f", and {model_name(status.fallback)} where it fails"
    elif status.state.enabled:
        line += "; no custom model is set"
    return line


def records_line(status: ReasoningStatus) -> str:
    """How many exchanges there are, and when the last one was."""
    line = f"Records collected: {count(status.stats)}"
    if status.stats is not None and status.stats.last_timestamp is not None:
        line += f" · last activity {moment(status.stats.last_timestamp)}"
    return line


def keeping_line(status: ReasoningStatus) -> str:
    """Whether exchanges are being kept, and if not, why and how many were lost."""
    lost = lost_part(status)
    if status.unread is not None:
        return f"Recording: ⚠️ nothing is being kept until the state can be read{lost}"
    if not status.state.enabled:
        return f"Recording: off{lost}"
    if status.problem is not None:
        return f"Recording: ⚠️ nothing is being kept{lost}. {status.problem}"
    if status.held_up is not None:
        return f"Recording: ⚠️ exchanges are kept, and wait for their file{lost}. {status.held_up}"
    why = f" (the last one: {status.loss})" if status.loss is not None else ""
    withheld = f", but for {status.withheld} that privacy left out" if status.withheld else ""
    return f"Recording: every exchange is being kept{withheld}{lost}{why}"


def lost_part(status: ReasoningStatus) -> str:
    """How much was not kept, as the end of a line; nothing where all was."""
    if not status.unchanged:
        return f"; {status.dropped} not kept since the start" if status.dropped else ""
    changes = f"{status.unchanged} changes to them"
    if not status.dropped:
        return f"; {changes} not kept since the start"
    return f"; {status.dropped} not kept since the start, and {changes}"


def trouble_lines(status: ReasoningStatus, unsaved: str | None) -> list[str]:
    """What an admin has to know when the disk does not play along."""
    lines = []
    if unsaved is not None:
        lines.append(f"⚠️ This could not be saved and lasts until a restart. {unsaved}")
    elif (status.problem or status.held_up) and status.state.enabled:
        lines.append(f"⚠️ {keeping_line(status)}")
    return lines


def count(stats: RecordStats | None) -> str:
    """The number of exchanges, or that it is not known."""
    return "unknown" if stats is None else str(stats.exchanges)


def model_name(model: Model) -> str:
    """A model as people see it."""
    return f"`{model.name}` ({model.provider})"


def moment(milliseconds: int) -> str:
    """A time that each reader's client shows in their own way."""
    return f"<t:{milliseconds // 1000}:R>"


def named(user_id: int | None) -> str:
    """A person's mention; of who was forgotten there is no id (the records have 0)."""
    return f"<@{user_id}>" if user_id else "somebody who was forgotten"
