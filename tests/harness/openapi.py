"""Discord's own description of its API, and what an exchange with it would have to look like.

The description is OpenAPI 3.1, whose schemas are JSON Schema 2020-12, so `jsonschema` reads them.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.harness import RequestRecord

FILE = Path(
    os.environ.get("DISCORD_OPENAPI")
    or Path(__file__).parents[3] / "shared" / "data" / "discord" / "openapi.json"
)

OF_PEOPLE = {
    ("POST", "/interactions"),
    ("GET", "/users/@me/channels"),
    ("GET", "/channels/{channel_id}/application-command-index"),
    ("GET", "/oauth2/tokens"),
    ("POST", "/oauth2/authorize"),
    ("DELETE", "/oauth2/tokens/{authorization_id}"),
}
"""Routes of Discord's own clients, which the description, being for applications, leaves out."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the description."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.method, shape(self.path)


@dataclass(frozen=True, slots=True)
class _Template:
    pattern: re.Pattern[str]
    parameters: int
    path: str


class Description:
    """Finds the operation of an exchange and says what in the exchange does not fit it."""

    def __init__(self, document: dict[str, Any], jsonschema: Any) -> None:  # noqa: ANN401
        self._document = _corrected(document)
        self._of_clients = _lenient(self._document)
        self._jsonschema = jsonschema
        self._templates = sorted(
            (
                _Template(
                    re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), path.count("{"), path
                )
                for path in document["paths"]
            ),
            key=lambda template: template.parameters,
        )
        self._formats = _formats(jsonschema)
        self._validator = lru_cache(maxsize=None)(self._make_validator)

    def operations(self) -> Iterator[Operation]:
        for path, methods in self._document["paths"].items():
            for method, spec in methods.items():
                if method != "parameters":
                    yield Operation(method.upper(), path, spec)

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that serves a concrete path; words go before placeholders."""
        for template in self._templates:
            if template.pattern.match(path):
                spec = self._document["paths"][template.path].get(method.lower())
                if spec is not None:
                    return Operation(method, template.path, spec)
        return None

    def problems(self, record: RequestRecord) -> list[str]:
        """All that does not fit; a request that was refused may be as wrong as it likes."""
        operation = self.operation(record.method, record.path)
        if operation is None:
            return ["the operation is not described"]
        found = list(self._of_answer(operation, record))
        if record.status < 400:
            found += self._of_request(operation, record)
            found += self._of_query(operation, record)
        return found

    def of_object(self, schema: str, value: object) -> list[str]:
        """All that does not fit in an object of the description, by its name there."""
        return list(self._check("answer", {"$ref": f"#/components/schemas/{schema}"}, value))

    def _of_request(self, operation: Operation, record: RequestRecord) -> Iterator[str]:
        kind = self._of_clients["paths"][operation.path][operation.method.lower()]
        request = kind.get("requestBody")
        if request is None:
            return
        if record.body is None:
            if request.get("required"):
                yield "request: the body is missing"
            return
        content = request["content"]
        schema = content.get("application/json") or content["multipart/form-data"]
        yield from self._check("request", schema["schema"], record.body)

    def _of_query(self, operation: Operation, record: RequestRecord) -> Iterator[str]:
        described = {
            p["name"]: p for p in operation.spec.get("parameters", ()) if p["in"] == "query"
        }
        for name, parameter in described.items():
            if parameter.get("required") and name not in record.query:
                yield f"query: {name} is missing"
        for name, value in record.query.items():
            if name in described:
                schema = described[name]["schema"]
                yield from self._check(f"query {name}", schema, self._coerced(schema, value))

    def _of_answer(self, operation: Operation, record: RequestRecord) -> Iterator[str]:
        responses = operation.spec["responses"]
        status = str(record.status)
        described = responses.get(status) or responses.get(f"{status[0]}XX")
        if described is None:
            yield f"status {status} is not described"
            return
        content = self._resolved(described).get("content")
        if record.status == 429 and record.answer is None:
            return  # not Discord's answer but that of the network in front of it
        if content is None:
            if record.answer is not None:
                yield f"answer: there is a body with {status}"
            return
        yield from self._check("answer", content["application/json"]["schema"], record.answer)

    def _check(self, where: str, schema: dict[str, Any], value: object) -> Iterator[str]:
        document = self._document if where == "answer" else self._of_clients
        validator = self._validator(json.dumps(schema, sort_keys=True), document is self._document)
        for error in validator.iter_errors(value):
            deep = self._jsonschema.exceptions.best_match([error]) or error
            place = "/".join(map(str, deep.absolute_path))
            yield f"{where} at {place or 'its root'}: {deep.message[:300]}"

    def _make_validator(self, schema: str, strict: bool) -> Any:  # noqa: ANN401 - an untyped library
        # References in a schema are to the document, so the document is the root of each schema.
        document = self._document if strict else self._of_clients
        root = {"components": document["components"], **json.loads(schema)}
        return self._jsonschema.Draft202012Validator(root, format_checker=self._formats)

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self._document
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            node = target
        return node

    def _coerced(self, schema: dict[str, Any], value: str) -> object:
        kinds = self._kinds(schema)
        if "integer" in kinds and re.fullmatch(r"-?\d+", value):
            return int(value)
        if "boolean" in kinds and value.lower() in ("true", "false", "1", "0"):
            return value.lower() in ("true", "1")
        if "array" in kinds and "string" not in kinds:
            return value.split(",")
        return value

    def _kinds(self, schema: dict[str, Any]) -> set[str]:
        schema = self._resolved(schema)
        kind = schema.get("type")
        kinds = {kind} if isinstance(kind, str) else set(kind or ())
        for inner in (*schema.get("oneOf", ()), *schema.get("allOf", ())):
            kinds |= self._kinds(inner)
        return kinds


def shape(path: str) -> str:
    """A path without the names of its placeholders: /users/{user_id} is /users/{}."""
    return re.sub(r"\{\w+\}", "{}", path)


@cache
def description() -> Description:
    """Discord's description; the test that asks is skipped where it cannot be had."""
    if not FILE.exists():
        pytest.skip(f"Discord's OpenAPI description is not at {FILE}")
    jsonschema = pytest.importorskip("jsonschema")
    return Description(json.loads(FILE.read_text(encoding="utf-8")), jsonschema)


def available() -> bool:
    """Whether the description and the library that reads it are here."""
    return FILE.exists() and find_spec("jsonschema") is not None


def violations(records: Iterable[RequestRecord]) -> list[str]:
    """What does not fit in the exchanges of a server, but for what the description leaves out."""
    found = []
    of_people = {(method, shape(path)) for method, path in OF_PEOPLE}
    for record in records:
        path = shape(re.sub(r"(?<=/)\d+", "{}", record.path))
        if (record.method, path) in of_people or record.unknown:
            continue
        problems = description().problems(record)
        found += [f"{record.method} {record.path} {record.status}: {p}" for p in problems]
    return found


def _corrected(document: dict[str, Any]) -> dict[str, Any]:
    """The description without its known errors."""
    schemas = document["components"]["schemas"]
    # The codes of nested errors are names such as BASE_TYPE_MAX_LENGTH; the description reuses the
    # schema of the outer error, whose code is a number. The documentation shows names:
    # https://discord.com/developers/docs/reference#error-messages
    named = json.loads(json.dumps(schemas["Error"]))
    named["properties"]["code"]["type"] = "string"
    schemas["InnerErrors"]["properties"]["_errors"]["items"] = named
    # The description knows replies only; the documentation has forwards as type 1:
    # https://discord.com/developers/docs/resources/message#message-reference-types
    schemas["MessageReferenceType"]["oneOf"].append({"title": "FORWARD", "const": 1})
    # It wants a body with DELETE, where the documentation has no parameter and clients send none:
    # https://discord.com/developers/docs/resources/guild#remove-guild-ban
    unban = document["paths"]["/guilds/{guild_id}/bans/{user_id}"]["delete"]
    unban["requestBody"]["required"] = False
    return document


def _lenient(document: dict[str, Any]) -> dict[str, Any]:
    """The description for requests, which Discord reads more kindly than it says.

    Ids may be numbers, and discord.py sends them so. Permissions are strings, as everywhere since
    version 8 (https://discord.com/developers/docs/topics/permissions), and not only numbers.
    """
    lenient = dict(json.loads(json.dumps(document)))
    lenient["components"]["schemas"]["SnowflakeType"]["type"] = ["string", "integer"]
    _let_permissions_be_strings(lenient)
    return lenient


def _let_permissions_be_strings(node: object) -> None:
    if isinstance(node, list):
        for item in node:
            _let_permissions_be_strings(item)
    elif isinstance(node, dict):
        for name in ("permissions", "allow", "deny", "default_member_permissions"):
            field = node.get(name)
            if isinstance(field, dict) and field.get("type") == ["integer", "null"]:
                field["type"] = ["integer", "null", "string"]
        for inner in node.values():
            _let_permissions_be_strings(inner)


def _formats(jsonschema: Any) -> Any:  # noqa: ANN401 - an untyped library
    checker = jsonschema.FormatChecker(formats=())

    def register(name: str, fits: Callable[[Any], object]) -> None:
        checker.checks(name, raises=ValueError)(fits)

    register("date-time", lambda v: not isinstance(v, str) or _has_zone(v))
    register("uri", lambda v: not isinstance(v, str) or bool(urlsplit(v).scheme))
    register("snowflake", lambda v: not isinstance(v, str) or int(v) < 1 << 64)
    register("int32", lambda v: not isinstance(v, int) or -(1 << 31) <= v < 1 << 31)
    register("int64", lambda v: not isinstance(v, int) or -(1 << 63) <= v < 1 << 63)
    return checker


def _has_zone(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None
