"""What people, and admins, can ask about what is recorded; all answers are for their eyes only."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace

from bot.agent.actions import Action, ActionButton, ActionContext, ActionResult, Attachment
from bot.agent.permissions import Permission
from bot.store.problems import StoreError
from bot.store.records import WorldKind
from plugins.privacy import my_data
from plugins.privacy.notices import EVERYWHERE, HERE, OPT_IN, OPT_OUT, lasting
from plugins.privacy.office import PrivacyOffice, Receipt
from plugins.privacy.policy import LONGEST_DAYS, Mode
from plugins.privacy.service import PLUGIN, PrivacyService

SHOW = "SHOW_PRIVACY"
MY_DATA = "MY_DATA"
FORGET_ME = "FORGET_ME"
FORGET_ME_NOW = "FORGET_ME_NOW"
SET_MODE = "SET_PRIVACY_MODE"
SET_RETENTION = "SET_RETENTION"
AND_OPT_OUT = "and-opt-out"

ZIP_BYTES = 1 << 20
MOST_BYTES = 8 << 20

Handler = Callable[[ActionContext], Awaitable[ActionResult]]


def privacy_actions() -> tuple[Action, ...]:
    """The `/privacy` commands, and what their buttons do."""
    return (
        command(SHOW, "show", "show what is recorded", "Who is recorded here, and you.", show),
        replace(
            command(OPT_OUT, "opt-out", "opt out", "Do not record me.", opt_out),
            parameter="here, or on every server and in direct messages",
            option="where",
            choices=(HERE, EVERYWHERE),
        ),
        replace(
            command(OPT_IN, "opt-in", "opt in", "Record me.", opt_in),
            parameter="here, or take back that I opted out everywhere",
            option="where",
            choices=(HERE, EVERYWHERE),
        ),
        command(MY_DATA, "my-data", "send your data", "Get all that is kept of me.", send_my_data),
        command(FORGET_ME, "forget-me", "forget you", "Delete all that is kept of me.", forget_me),
        Action(
            name=FORGET_ME_NOW,
            title="forget you",
            description="Delete all that is kept of me, at once.",
            handler=private(forget_me_now),
            anywhere=True,
        ),
        replace(
            command(SET_MODE, "mode", "change who is recorded", "Who is recorded here.", set_mode),
            parameter="everyone who was told and did not object, or only those who agree",
            option="who",
            choices=(Mode.NOTICE.value, Mode.OPT_IN.value),
            permission=Permission.MANAGE_GUILD,
        ),
        replace(
            command(
                SET_RETENTION,
                "retention",
                "change how long exchanges are kept",
                "For how many days exchanges are kept that nobody rated.",
                set_retention,
            ),
            parameter="days; 0 is for ever",
            option="days",
            permission=Permission.MANAGE_GUILD,
        ),
    )


def command(name: str, word: str, title: str, description: str, handler: Handler) -> Action:
    """An action that everyone may call, as `/privacy WORD`, in servers and in direct messages."""
    return Action(
        name=name,
        title=title,
        description=description,
        handler=private(handler),
        command=f"privacy {word}",
        anywhere=True,
    )


def private(handler: Handler) -> Handler:
    """The handler, with an answer for the caller's eyes only, and a sentence where a file fails."""

    async def handle(context: ActionContext) -> ActionResult:
        try:
            return replace(await handler(context), private=True)
        except StoreError as error:
            return ActionResult(f"❌ That could not be done: {error.public}", private=True)

    return handle


def service_of(context: ActionContext) -> PrivacyService:
    """The privacy service of the world. Raises StoreError when it does not run."""
    service = context.runtime.services.get(PLUGIN)
    if not isinstance(service, PrivacyService):
        problem = "The privacy service does not run here, so nothing is recorded; the log says why."
        raise StoreError(problem)
    return service


async def show(context: ActionContext) -> ActionResult:
    """Who is recorded here, for how long, whether the caller is, and what was not recorded."""
    service = service_of(context)
    await service.read()
    settings = service.settings
    people = await service.office.read_people()
    me = context.author.id
    opt_in_here = settings.mode is Mode.OPT_IN and service.world.kind is WorldKind.GUILD
    who = "only those who agree" if opt_in_here else "those who were told and did not object"
    recorded = service.rules.records(me, people)
    lines = [
        "**Privacy**",
        f"• Recorded here, while custom reasoning is on: {who}.",
        f"• An exchange is kept {lasting(settings)}.",
        f"• You are {'' if recorded else '**not** '}recorded here"
        + (", you opted out everywhere." if me in people.objections else "."),
        "`/privacy opt-out`, `opt-in`, `my-data`, `forget-me` change that.",
    ]
    if context.author.may(Permission.MANAGE_GUILD):
        refused = sum(service.rules.refused.values())
        lines.append(
            f"• Since the start {refused} exchanges were not recorded for these reasons: "
            + (", ".join(f"{why} ({n})" for why, n in service.rules.refused.most_common()) or "–")
            + f". Notices that could not be posted: {service.unannounced}."
        )
    return ActionResult("\n".join(lines))


async def opt_out(context: ActionContext) -> ActionResult:
    """Do not record the caller from this moment on, here or everywhere."""
    service = service_of(context)
    everywhere = context.text == EVERYWHERE
    where = "on any server that I am on, nor in direct messages" if everywhere else "here"
    unsaved = ""
    try:
        if everywhere:
            await service.office.object_everywhere(context.author.id)
        else:
            await service.office.set_consent(service, context.author.id, recorded=False)
    except StoreError as error:
        unsaved = (
            f"\n⚠️ It could not be saved yet, and is tried again; if I am stopped before, say it "
            f"again. {error.public}"
        )
    return ActionResult(
        f"✅ You are not recorded {where} from now on; I still answer you. "
        f"What was kept before stays until you use `/privacy forget-me`.{unsaved}"
    )


async def opt_in(context: ActionContext) -> ActionResult:
    """Record the caller here, where custom reasoning is on."""
    service = service_of(context)
    user_id = context.author.id
    people = await service.office.read_people()
    if context.text == EVERYWHERE:
        await service.office.withdraw_objection(user_id)
        return ActionResult(
            "✅ You opted out everywhere, and that is taken back. Where you opted out by itself, "
            "or only those who agree are recorded, it stays as it is; `/privacy show` tells."
        )
    if user_id in people.objections:
        return ActionResult(
            "You opted out everywhere, so you are not recorded here either. Take that back first.",
            buttons=(ActionButton("Take it back", OPT_IN, EVERYWHERE),),
        )
    await service.office.set_consent(service, user_id, recorded=True)
    return ActionResult(
        "✅ You agreed to be recorded here, where custom reasoning is on. "
        "`/privacy opt-out` takes it back."
    )


async def send_my_data(context: ActionContext) -> ActionResult:
    """All that is kept of the caller in every world, as a file."""
    office = service_of(context).office
    with office.one_at_a_time(context.author.id):
        return await collect(office, context.author.id)


async def collect(office: PrivacyOffice, user_id: int) -> ActionResult:
    """A person's data as a file, or why it cannot be sent."""
    people = await office.read_people()
    await office.records.settle()
    found, failed = await office.data_of(user_id)

    def as_file() -> Attachment:
        content = my_data.my_data(
            people.installation,
            user_id,
            found,
            failed,
            opted_out_everywhere=user_id in people.objections,
        )
        if len(content) > ZIP_BYTES:
            return Attachment("my-data.zip", my_data.packed(content))
        return Attachment(my_data.NAME, content)

    # A person's years of talk take seconds to write down, in which nobody else would be answered.
    file = await asyncio.to_thread(as_file)
    text = f"This is all that is kept of you: {my_data.entries(found)} entries"
    text += f" from {places(len(found))}."
    if failed:
        text += f" {places(len(failed))} could not be read; the file says why."
    if len(file.content) > MOST_BYTES:
        return ActionResult(
            f"{text} It is too large for Discord ({len(file.content) >> 20} MB). Ask whoever runs "
            f"this bot for it: `understudy my-data --user {user_id} -o my-data.zip` writes it."
        )
    return ActionResult(text, files=(file,))


async def forget_me(context: ActionContext) -> ActionResult:
    """Ask before everything is deleted."""
    return ActionResult(
        "This deletes what you said, what I answered you, your votes and corrections, and that "
        "you agreed to be recorded, in every server that I am on and in direct messages. It cannot "
        "be undone. An opt-out stays. To keep everything, dismiss this message.",
        buttons=(
            ActionButton("Delete", FORGET_ME_NOW, style="danger"),
            ActionButton("Delete, and opt out everywhere", FORGET_ME_NOW, AND_OPT_OUT, "danger"),
        ),
    )


async def forget_me_now(context: ActionContext) -> ActionResult:
    """Delete everything of the caller, and say how much that was."""
    office = service_of(context).office
    if context.text == AND_OPT_OUT:
        await office.object_everywhere(context.author.id)
    with office.one_at_a_time(context.author.id):
        receipt = await office.forget(context.author.id, context.asked_at)
    text = f"🗑️ {receipt.gone.rows} rows of yours are deleted, in {places(receipt.worlds)}."
    if receipt.failed:
        text += (
            f" {places(len(receipt.failed))} could not be changed just now; "
            "the file says why. It is tried again until it is done."
        )
    return ActionResult(text, files=(Attachment("receipt.json", written(receipt)),))


async def set_mode(context: ActionContext) -> ActionResult:
    """Set who is recorded in a server."""
    service = service_of(context)
    await service.read()
    if service.world.kind is WorldKind.DM:
        return ActionResult("In direct messages there is only you: use `/privacy opt-out`.")
    try:
        mode = Mode(context.text)
    except ValueError:
        return ActionResult(f"Say `{Mode.NOTICE}` or `{Mode.OPT_IN}`. Nothing was changed.")
    await service.set(replace(service.settings, mode=mode))
    if mode is Mode.OPT_IN:
        return ActionResult("✅ Only people who agree are recorded here from now on.")
    return ActionResult("✅ Everyone who was told and did not object is recorded here.")


async def set_retention(context: ActionContext) -> ActionResult:
    """Set for how long exchanges are kept that nobody rated."""
    service = service_of(context)
    await service.read()
    text = context.text.strip()
    if not text.isdecimal() or int(text[:6]) > LONGEST_DAYS:
        return ActionResult(f"Give days from 0 to {LONGEST_DAYS}. Nothing was changed.")
    settings = replace(service.settings, retention_days=int(text))
    await service.set(settings)
    return ActionResult(f"✅ An exchange is kept {lasting(settings)}.")


def written(receipt: Receipt) -> bytes:
    """A receipt as a file."""
    document = {
        "installation": receipt.installation,
        "time": my_data.clock(receipt.timestamp),
        "rows": asdict(receipt.gone),
        "worlds": receipt.worlds,
        "failed": dict(receipt.failed),
    }
    return json.dumps(document, indent=1).encode()


def places(count: int) -> str:
    """So many servers; direct messages count as one."""
    return "1 place" if count == 1 else f"{count} places"
