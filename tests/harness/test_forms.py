"""Bodies that Discord refuses: each limit is kept, and named as Discord names it."""

from typing import Any

import pytest

from bot.harness import FakeDiscord

from .place import Place, place
from .tour_of_talk import BUTTON, LAYOUT, LINK, OPTIONS, V2


def row(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(parts)}


def button(custom_id: str = "b", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": 2, "style": 1, "label": "B", "custom_id": custom_id, **fields}


def select(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": 3, "custom_id": "s", "options": OPTIONS, **fields}


def text(content: str) -> dict[str, Any]:
    return {"type": 10, "content": content}


def many(count: int) -> list[dict[str, Any]]:
    return [{"label": str(i), "value": str(i)} for i in range(count)]


def codes(node: dict[str, Any], path: str = "") -> dict[str, str]:
    """The places that nested errors name, with the first code of each."""
    if "_errors" in node:
        return {path: node["_errors"][0]["code"]}
    found: dict[str, str] = {}
    for key, inner in node.items():
        found |= codes(inner, f"{path}.{key}" if path else key)
    return found


async def refused(at: Place, body: dict[str, Any]) -> dict[str, str]:
    answer = await at.bot("POST", f"{at.here}/messages", body, expect=400, code=50035)
    return codes(answer["errors"])


LENGTH, MAX = "BASE_TYPE_BAD_LENGTH", "BASE_TYPE_MAX_LENGTH"
FIRST = "components.0.components.0"


@pytest.mark.parametrize(
    ("components", "errors"),
    [
        ([row(*(button(str(i)) for i in range(6)))], {"components.0.components": LENGTH}),
        ([row(button(str(i))) for i in range(6)], {"components": MAX}),
        ([row()], {"components.0.components": LENGTH}),
        ([row(button("x" * 101))], {f"{FIRST}.custom_id": LENGTH}),
        ([row(button(label="x" * 81))], {f"{FIRST}.label": MAX}),
        (
            [row(button("a"), button("a"))],
            {"components.0.components.1.custom_id": "COMPONENT_CUSTOM_ID_DUPLICATED"},
        ),
        (
            [row(button(), select())],
            {"components.0.components": "COMPONENT_LAYOUT_WIDTH_EXCEEDED"},
        ),
        ([row(select(options=many(26)))], {f"{FIRST}.options": LENGTH}),
        ([row(select(max_values=3))], {f"{FIRST}.max_values": "SELECT_COMPONENT_INVALID_RANGE"}),
        (
            [row(select(options=[*many(1), *many(1)]))],
            {f"{FIRST}.options.1.value": "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"},
        ),
        (
            [row(LINK | {"custom_id": "x"})],
            {f"{FIRST}.custom_id": "BUTTON_COMPONENT_CUSTOM_ID_URL"},
        ),
        (
            [row({"type": 2, "style": 1, "label": "x"})],
            {f"{FIRST}.custom_id": "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED"},
        ),
        ([text("x")], {"components.0.type": "UNION_TYPE_CHOICES"}),
        ([BUTTON], {"components.0.type": "UNION_TYPE_CHOICES"}),
        ([row({"type": 5})], {f"{FIRST}.custom_id": "BASE_TYPE_REQUIRED"}),
    ],
)
async def test_components(
    fake: FakeDiscord, components: list[dict[str, Any]], errors: dict[str, str]
) -> None:
    async with place(fake) as at:
        assert await refused(at, {"content": "x", "components": components}) == errors


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {"components": [text("x")] * 41},
            {"components": MAX},
        ),
        (
            {"components": [{"type": 17, "components": [text("x")] * 40}]},
            {"components": "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"},
        ),
        (
            {"components": [text("x" * 4000), text("x")]},
            {"components": "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"},
        ),
        ({"components": [text("x" * 4001)]}, {"components.0.content": LENGTH}),
        (
            {"components": [text("x")], "content": "x"},
            {"content": "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"},
        ),
        (
            {"components": [text("x")], "embeds": [{"title": "x"}]},
            {"embeds": "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"},
        ),
        (
            {"components": [{"type": 9, "components": [text("x")]}]},
            {"components.0.accessory": "BASE_TYPE_REQUIRED"},
        ),
    ],
)
async def test_components_v2(
    fake: FakeDiscord, body: dict[str, Any], errors: dict[str, str]
) -> None:
    async with place(fake) as at:
        assert await refused(at, {"flags": V2, **body}) == errors


async def test_forty_components_and_4000_characters_are_fine(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        body = {"flags": V2, "components": [text("x" * 100)] * 40}
        said = await at.bot("POST", f"{at.here}/messages", body)
        assert [c["id"] for c in said["components"]] == list(range(1, 41))
        one = f"{at.here}/messages/{said['id']}"
        await at.bot("PATCH", one, {"content": "x"}, expect=400, code=50035)
        await at.bot("PATCH", one, {"flags": 0, "components": LAYOUT[:2]})
        assert (await at.bot("GET", one))["flags"] & V2


@pytest.mark.parametrize(
    ("embed", "errors"),
    [
        ({"title": "x" * 257}, {"title": MAX}),
        ({"description": "x" * 4097}, {"description": MAX}),
        ({"fields": [{"name": "x", "value": "x"}] * 26}, {"fields": MAX}),
        ({"fields": [{"name": "", "value": "x"}]}, {"fields.0.name": LENGTH}),
        ({"fields": [{"name": "x" * 257, "value": "x"}]}, {"fields.0.name": LENGTH}),
        ({"fields": [{"value": "x" * 1025, "name": "x"}]}, {"fields.0.value": LENGTH}),
        ({"footer": {"text": "x" * 2049}}, {"footer.text": MAX}),
        ({"author": {"name": "x" * 257}}, {"author.name": MAX}),
        ({"color": 1 << 24}, {"color": "NUMBER_TYPE_MAX"}),
        ({"timestamp": "today"}, {"timestamp": "DATE_TIME_TYPE_PARSE"}),
        ({"url": "gopher://x"}, {"url": "URL_TYPE_INVALID_SCHEME"}),
        ({"image": {"url": "x"}}, {"image.url": "URL_TYPE_INVALID_SCHEME"}),
    ],
)
async def test_embeds(fake: FakeDiscord, embed: dict[str, Any], errors: dict[str, str]) -> None:
    async with place(fake) as at:
        expected = {f"embeds.0.{place}": code for place, code in errors.items()}
        assert await refused(at, {"embeds": [embed]}) == expected


async def test_embeds_together(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        assert await refused(at, {"embeds": [{"title": "x"}] * 11}) == {"embeds": MAX}
        fine: list[dict[str, Any]] = [{"description": "x" * 3000}] * 2
        await at.bot("POST", f"{at.here}/messages", {"embeds": fine})
        too_much = [*fine, {"title": "x"}]
        assert await refused(at, {"embeds": too_much}) == {"embeds.2": "MAX_EMBED_SIZE_EXCEEDED"}


async def test_everything_wrong_is_told_at_once(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        body = {"content": 1, "tts": "yes", "allowed_mentions": {"parse": ["all"]}}
        assert await refused(at, body) == {
            "content": "STRING_TYPE_CONVERT",
            "tts": "BOOLEAN_TYPE_CONVERT",
            "allowed_mentions.parse.0": "BASE_TYPE_CHOICES",
        }
        both = {"parse": ["users"], "users": ["1"]}
        told = await refused(at, {"content": "x", "allowed_mentions": both})
        assert told == {"allowed_mentions": "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"}


def option(name: str = "o", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": 3, "name": name, "description": "d", **fields}


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"name": "Upper"}, {"name": "APPLICATION_COMMAND_INVALID_NAME"}),
        ({"name": "x" * 33}, {"name": LENGTH}),
        ({"description": ""}, {"description": "BASE_TYPE_REQUIRED"}),
        ({"description": "x" * 101}, {"description": MAX}),
        ({"options": [option(str(i)) for i in range(26)]}, {"options": MAX}),
        (
            {"options": [option(choices=[{"name": str(i), "value": "v"} for i in range(26)])]},
            {"options.0.choices": MAX},
        ),
        (
            {"options": [option("a"), option("b", required=True)]},
            {"options.1": "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"},
        ),
        (
            {"options": [option("a"), option("a")]},
            {"options.1": "APPLICATION_COMMAND_OPTIONS_NAME_INVALID"},
        ),
        (
            {"type": 3, "options": [option()]},
            {
                "options": "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                "description": "APPLICATION_COMMAND_DESCRIPTION_INVALID",
            },
        ),
    ],
)
async def test_commands(fake: FakeDiscord, spec: dict[str, Any], errors: dict[str, str]) -> None:
    async with place(fake) as at:
        body = {"name": "fine", "description": "d"} | spec
        path = f"{at.app}/commands"
        answer = await at.bot("POST", path, body, expect=400, code=50035)
        assert codes(answer["errors"]) == errors
        answer = await at.bot("PUT", path, [body], expect=400, code=50035)
        assert codes(answer["errors"]) == {f"0.{place}": code for place, code in errors.items()}


async def test_too_many_commands(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        specs = [{"name": f"c{i}", "description": "d"} for i in range(101)]
        await at.bot("PUT", f"{at.app}/commands", specs, expect=400, code=30032)
        await at.bot("PUT", f"{at.app}/commands", specs[:100])
        await at.bot("POST", f"{at.app}/commands", specs[100], expect=400, code=30032)


async def test_bodies_that_are_no_json(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        url = f"{fake.rest}{at.here}/messages"
        headers = {"Content-Type": "application/json"}
        for raw in (b"{", b"[]", b'"text"'):
            async with at.bot.http.post(url, data=raw, headers=headers) as response:
                told = await response.json()
                assert (response.status, told["code"]) == (400, 50109)
        async with at.bot.http.delete(f"{fake.rest}/gateway") as response:
            assert response.status == 405
            assert await response.json() == {"message": "405: Method Not Allowed", "code": 0}
        large = {"big.bin": b"x" * (10 * 1024 * 1024 + 1)}
        await at.bot("POST", f"{at.here}/messages", {}, expect=413, code=40005, files=large)


async def test_selections_have_to_fit(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        body = {"content": "x", "components": [row(select(max_values=2)), row(button())]}
        said = await at.bot("POST", f"{at.here}/messages", body)

        async def use(custom_id: str, values: list[str] | None) -> int:
            data: dict[str, Any] = {"component_type": 3, "custom_id": custom_id}
            data |= {} if values is None else {"values": values}
            request = {"type": 3, "channel_id": str(at.channel_id), "message_id": said["id"]}
            url = f"{fake.rest}/interactions"
            async with at.ada.http.post(url, json=request | {"data": data}) as response:
                return response.status

        assert await use("s", ["a", "b"]) == 204
        assert await use("b", None) == 204
        for values in ([], ["c"], ["a", "b", "a"]):
            assert await use("s", values) == 400
        assert await use("gone", None) == 400


async def test_autocomplete_choices(fake: FakeDiscord) -> None:
    async with place(fake) as at:
        spec = {"name": "c", "description": "d", "options": [option(autocomplete=True)]}
        [made] = await at.bot("PUT", f"{at.app}/commands", [spec])
        typed = {"type": 3, "name": "o", "value": "x", "focused": True}
        data = {"id": made["id"], "name": "c", "type": 1, "options": [typed]}
        use = await at.use(4, data)
        callback = f"/interactions/{use.id}/{use.token}/callback"
        await at.bot("POST", callback, {"type": 4, "data": {}}, expect=400, code=50035)
        choices = [{"name": str(i), "value": str(i)} for i in range(26)]
        body = {"type": 8, "data": {"choices": choices}}
        answer = await at.bot("POST", callback, body, expect=400, code=50035)
        assert codes(answer["errors"]) == {"data.choices": MAX}
        await at.bot("POST", callback, {"type": 8, "data": {"choices": choices[:25]}}, expect=204)
