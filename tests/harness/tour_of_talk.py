"""The part of the walk that is about messages, their components, commands and interactions."""

from typing import Any

import aiohttp

from bot.harness.model import Interaction

from .place import Place


async def of_messages(at: Place) -> None:
    bot, here = at.bot, at.here
    messages = f"{here}/messages"
    file = {"attachments": [{"id": "0", "filename": "a b.txt", "description": "d"}]}
    said = await bot("POST", messages, {"content": "with a file", **file}, files={"x": b"data"})
    async with aiohttp.request("GET", said["attachments"][0]["url"]) as response:
        assert await response.read() == b"data"
    embed: dict[str, Any] = {
        "title": "t",
        "description": "d",
        "color": 1,
        "url": "https://example.com",
        "timestamp": "2026-01-01T00:00:00+00:00",
        "author": {"name": "a", "icon_url": "https://example.com/i.png"},
        "footer": {"text": "f"},
        "image": {"url": "attachment://x.png"},
        "fields": [{"name": "n", "value": "v"}],
    }
    shown = await bot("POST", messages, {"embeds": [embed]}, files={"x.png": b"image"})
    assert shown["embeds"][0]["image"]["url"] == shown["attachments"][0]["url"]
    one = f"{messages}/{said['id']}"
    reply = {"content": "re", "message_reference": {"message_id": said["id"]}, "nonce": "n"}
    assert (await bot("POST", messages, reply))["referenced_message"]["id"] == said["id"]
    forward = {"type": 1, "message_id": said["id"], "channel_id": str(at.channel_id)}
    forwarded = await bot("POST", messages, {"message_reference": forward})
    assert forwarded["message_snapshots"][0]["message"]["content"] == "with a file"
    await bot("GET", f"{messages}?limit=3&before={forwarded['id']}")
    await bot("GET", f"{messages}?limit=101", expect=400, code=50035)
    await bot("GET", one)
    await bot("GET", f"{messages}/1", expect=404, code=10008)
    await bot("PATCH", one, {"content": "edited", "attachments": []})
    await at.ben("PATCH", one, {"content": "x"}, expect=403, code=50005)
    await bot("POST", messages, {}, expect=400, code=50006)
    await bot("POST", messages, {"embeds": [{"title": "x" * 257}]}, expect=400, code=50035)
    long = [{"description": "x" * 4000}, {"description": "x" * 2001}]
    await bot("POST", messages, {"embeds": long}, expect=400, code=50035)
    await of_reactions(at, one)
    for pins, status in ((f"{messages}/pins", "items"), (f"{here}/pins", None)):
        await bot("PUT", f"{pins}/{said['id']}", expect=204)
        listed = await bot("GET", pins)
        assert len(listed[status] if status else listed) == 1
        await bot("DELETE", f"{pins}/{said['id']}", expect=204)
        await bot("PUT", f"{pins}/1", expect=404, code=10008)
        await bot("DELETE", f"{pins}/1", expect=404, code=10008)
    await bot("GET", f"{messages}/pins?limit=99", expect=400, code=50035)
    await bot("GET", "/channels/1/pins", expect=404, code=10003)
    ids = [(await bot("POST", messages, {"content": "x"}))["id"] for _ in range(2)]
    await bot("POST", f"{messages}/bulk-delete", {"messages": ids}, expect=204)
    await bot("POST", f"{messages}/bulk-delete", {"messages": ids[:1]}, expect=400, code=50016)
    await bot("DELETE", one, expect=204)
    await bot("DELETE", one, expect=404, code=10008)


async def of_reactions(at: Place, message: str) -> None:
    bot = at.bot
    one = f"{message}/reactions/%F0%9F%91%8D"
    await bot("PUT", f"{one}/@me", expect=204)
    await at.ada("PUT", f"{message}/reactions/party:123456/@me", expect=204)
    await bot("GET", message)
    await bot("GET", f"{one}?limit=5")
    await bot("GET", f"{one}?limit=101", expect=400, code=50035)
    await bot("PUT", f"{message}/reactions/words/@me", expect=400, code=10014)
    await bot("DELETE", f"{one}/@me", expect=204)
    await bot("DELETE", f"{one}/@me", expect=400, code=10014)
    await bot("DELETE", f"{message}/reactions/party:123456/{at.ada_id}", expect=204)
    await at.ben("DELETE", f"{one}/{at.ada_id}", expect=403, code=50013)
    await bot("PUT", f"{one}/@me", expect=204)
    await bot("DELETE", one, expect=204)
    await at.ben("DELETE", one, expect=403, code=50013)
    await bot("DELETE", f"{message}/reactions", expect=204)
    await at.ben("DELETE", f"{message}/reactions", expect=403, code=50013)


BUTTON = {"type": 2, "style": 1, "label": "Press", "custom_id": "press"}
OPTIONS = [{"label": "A", "value": "a"}, {"label": "B", "value": "b", "description": "second"}]
SELECTS = [
    {"type": 3, "custom_id": "strings", "options": OPTIONS, "max_values": 2},
    {"type": 5, "custom_id": "users"},
    {"type": 6, "custom_id": "roles"},
    {"type": 7, "custom_id": "mentionables", "max_values": 2},
    {"type": 8, "custom_id": "channels", "channel_types": [0]},
]
LINK = {"type": 2, "style": 5, "label": "Go", "url": "https://example.com"}
ROWS = [{"type": 1, "components": [BUTTON, LINK]}] + [
    {"type": 1, "components": [select]} for select in SELECTS[:4]
]
LAYOUT = [
    {"type": 10, "content": "# Text"},
    {"type": 14, "spacing": 2},
    {
        "type": 9,
        "components": [{"type": 10, "content": "beside"}],
        "accessory": {"type": 11, "media": {"url": "attachment://x.png"}},
    },
    {"type": 12, "items": [{"media": {"url": "https://example.com/i.png"}}]},
    {"type": 13, "file": {"url": "attachment://x.png"}},
    {
        "type": 17,
        "accent_color": 3,
        "components": [
            {"type": 9, "components": [{"type": 10, "content": "in"}], "accessory": BUTTON},
            {"type": 1, "components": [SELECTS[4]]},
        ],
    },
]
V2 = 1 << 15


async def of_components(at: Place) -> None:
    bot, messages = at.bot, f"{at.here}/messages"
    said = await bot("POST", messages, {"content": "rows", "components": ROWS})
    await bot("PATCH", f"{messages}/{said['id']}", {"components": []})
    new = {"flags": V2, "components": LAYOUT}
    shown = await bot("POST", messages, new, files={"x.png": b"image"})
    file = next(c for c in shown["components"] if c["type"] == 13)
    assert (file["name"], file["size"]) == ("x.png", 5)
    await bot("GET", f"{messages}/{shown['id']}")


async def of_commands(at: Place) -> None:
    bot = at.bot
    leaf = {"type": 3, "name": "text", "description": "d", "required": True, "max_length": 9}
    group = {"type": 2, "name": "group", "description": "d"}
    sub = {"type": 1, "name": "sub", "description": "d", "options": [leaf]}
    spec = {
        "name": "root",
        "description": "d",
        "options": [group | {"options": [sub]}],
        "default_member_permissions": "32",
        "contexts": [0, 1],
        "integration_types": [0],
        "name_localizations": {"de": "wurzel"},
    }
    menu = {"name": "Look at", "type": 3}
    for base in (f"{at.app}/commands", f"{at.app}/guilds/{at.guild.id}/commands"):
        made = await bot("POST", base, spec, expect=201)
        await bot("POST", base, spec)
        await bot("GET", base)
        await bot("GET", f"{base}/{made['id']}")
        await bot("PATCH", f"{base}/{made['id']}", {"description": "new"})
        await bot("PATCH", f"{base}/{made['id']}", {"description": ""}, expect=400, code=50035)
        await bot("PUT", base, [spec, menu])
        await bot("PUT", base, [{"name": "UPPER", "description": "d"}], expect=400, code=50035)
        await bot("POST", base, {"name": "x"}, expect=400, code=50035)
        await bot("DELETE", f"{base}/{made['id']}", expect=204)
        for method in ("GET", "DELETE"):
            await bot(method, f"{base}/{made['id']}", expect=404, code=10063)
        await at.ada("GET", base, expect=403, code=20002)
    await at.ada("GET", f"{at.here}/application-command-index")
    await at.ada("GET", "/channels/1/application-command-index", expect=404, code=10003)
    await of_installs(at)


async def of_installs(at: Place) -> None:
    """A person adds the application to their account, and takes it off again."""
    own = str(at.fake.world.application.id)
    path = f"/oauth2/authorize?integration_type=1&client_id={own}"
    await at.bot("POST", path, {}, expect=403, code=50001)
    await at.ada("POST", path.replace(own, "1"), {}, expect=404, code=10002)
    await at.ada("POST", path.replace("type=1", "type=0"), {}, expect=400, code=50035)
    await at.ada("POST", path, {"authorize": True})
    assert [one["id"] for one in await at.ada("GET", "/oauth2/tokens")] == [own]
    await at.ada("DELETE", "/oauth2/tokens/1", expect=404, code=10002)
    await at.ada("DELETE", f"/oauth2/tokens/{own}", expect=204)
    assert await at.ada("GET", "/oauth2/tokens") == []


ALL_OPTIONS = [
    {"type": kind, "name": f"o{kind}", "description": "d"} for kind in (3, 4, 5, 6, 7, 8, 9, 10, 11)
]


async def of_interactions(at: Place) -> None:
    bot = at.bot
    base = f"{at.app}/guilds/{at.guild.id}/commands"
    slash = {"name": "all", "description": "d", "options": ALL_OPTIONS}
    made = await bot("PUT", base, [slash, {"name": "Who", "type": 2}, {"name": "What", "type": 3}])
    ids = {command["name"]: command["id"] for command in made}
    values = ["text", 1, True, str(at.ben_id), str(at.channel_id), str(at.guild.id)]
    values += [str(at.guild.id), 1.5, "0"]
    options = [
        {"type": o["type"], "name": o["name"], "value": v}
        for o, v in zip(ALL_OPTIONS, values, strict=True)
    ]
    data = {"id": ids["all"], "name": "all", "type": 1, "options": options}
    use = await at.use(2, data | {"attachments": [{"id": "0"}]}, files={"f.txt": b"given"})
    assert set(use.data["resolved"]) == {"users", "members", "channels", "roles", "attachments"}
    [file] = use.data["resolved"]["attachments"].values()
    async with aiohttp.request("GET", file["url"]) as response:
        assert await response.read() == b"given"
    await _of_answers(at, use)
    said = await bot("POST", f"{at.here}/messages", {"content": "x", "components": ROWS})
    for name, kind, target in (("Who", 2, str(at.ben_id)), ("What", 3, said["id"])):
        use = await at.use(2, {"id": ids[name], "name": name, "type": kind, "target_id": target})
        assert use.data["target_id"] == target
        callback = f"/interactions/{use.id}/{use.token}/callback?with_response=true"
        answer = await bot("POST", callback, {"type": 4, "data": {"content": "seen"}})
        assert answer["resource"]["message"]["type"] == 23
    await _of_components_used(at, said["id"])
    hook = f"/webhooks/{at.fake.world.application.id}/unknown"
    await bot("POST", hook, {"content": "x"}, expect=404, code=10015)


async def _of_answers(at: Place, use: Interaction) -> None:
    """Deferred and ephemeral, filled in, followed up."""
    bot = at.bot
    callback = f"/interactions/{use.id}/{use.token}/callback"
    await bot("POST", callback, {"type": 6}, expect=400, code=50035)
    await bot("POST", callback, {"type": 5, "data": {"flags": 64}}, expect=204)
    await bot("POST", callback, {"type": 5}, expect=400, code=40060)
    await bot("POST", "/interactions/1/x/callback", {"type": 5}, expect=404, code=10062)
    hook = f"/webhooks/{at.fake.world.application.id}/{use.token}"
    original = f"{hook}/messages/@original"
    await bot("PATCH", original, {"content": "filled", "components": ROWS[:1]})
    await bot("GET", original)
    await bot("PATCH", original, {"content": "x" * 2001}, expect=400, code=50035)
    more = await bot("POST", f"{hook}?wait=true", {"content": "more"})
    await bot("POST", hook, {"content": ""}, expect=400, code=50006)
    one = f"{hook}/messages/{more['id']}"
    await bot("PATCH", one, {"content": "much more"}, files={"f.txt": b"x"})
    await bot("GET", one)
    await bot("DELETE", one, expect=204)
    for method in ("GET", "DELETE"):
        await bot(method, one, expect=404, code=10008)
    await bot("PATCH", one, {"content": "x"}, expect=404, code=10008)
    await bot("DELETE", original, expect=204)
    for method in ("GET", "DELETE"):
        await bot(method, original, expect=404, code=10008)


async def _of_components_used(at: Place, message_id: str) -> None:
    chosen = {
        "press": None,
        "strings": ["a", "b"],
        "users": [str(at.ben_id)],
        "roles": [str(at.guild.id)],
        "mentionables": [str(at.ben_id), str(at.guild.id)],
    }
    answers: list[dict[str, Any]] = [
        {"type": 7, "data": {"content": "updated"}},
        {"type": 6},
        {"type": 4, "data": {"content": "chosen", "flags": 64}},
        {"type": 5},
        {"type": 9, "data": MODAL},
    ]
    for (name, values), answer in zip(chosen.items(), answers, strict=True):
        data: dict[str, Any] = {"component_type": 2, "custom_id": name}
        data |= {} if values is None else {"values": values}
        use = await at.use(3, data, message_id=message_id)
        callback = f"/interactions/{use.id}/{use.token}/callback?with_response=true"
        await at.bot("POST", callback, answer)
    await _of_modal(at, use)


MODAL = {
    "custom_id": "form",
    "title": "Form",
    "components": [
        {"type": 10, "content": "Please"},
        {
            "type": 18,
            "label": "Text",
            "component": {"type": 4, "custom_id": "text", "style": 1, "max_length": 10},
        },
        {"type": 18, "label": "Pick", "component": {**SELECTS[0]}},
        {"type": 18, "label": "Who", "component": {**SELECTS[1], "required": False}},
        {"type": 18, "label": "File", "component": {"type": 19, "custom_id": "file"}},
        {
            "type": 18,
            "label": "One",
            "component": {"type": 21, "custom_id": "one", "options": OPTIONS},
        },
    ],
}


async def _of_modal(at: Place, opener: Interaction) -> None:
    filled = [
        {"type": 18, "component": {"type": 4, "custom_id": "text", "value": "yes"}},
        {"type": 18, "component": {"type": 3, "custom_id": "strings", "values": ["a"]}},
        {"type": 18, "component": {"type": 19, "custom_id": "file", "values": ["0"]}},
        {"type": 18, "component": {"type": 21, "custom_id": "one", "value": "b"}},
    ]
    data = {"id": str(opener.id), "custom_id": "form", "components": filled}
    use = await at.use(5, data, files={"f.txt": b"given"})
    assert use.data["components"][1]["component"]["value"] == "yes"
    assert len(use.data["resolved"]["attachments"]) == 1
    callback = f"/interactions/{use.id}/{use.token}/callback?with_response=true"
    await at.bot("POST", callback, {"type": 4, "data": {"content": "thanks"}})
