"""The pieces of an OpenAPI description: schemas in a word, parameters, operations, problems."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

Json = dict[str, Any]
JSON, PROBLEM = "application/json", "application/problem+json"
REF = "#/components/schemas/{model}"
UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
SECURITY: Json = {"key": {"type": "http", "scheme": "bearer", "description": "an API key"}}
# what a failure means; each operation says which of them it can answer with
PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "400": "a parameter is unknown or unreadable; `code` and `detail` say which",
        "401": "no key, or one that is unknown, expired or revoked",
        "403": "the key lacks a scope, or may see some studies only",
        "404": "there is no such thing, or it is outside of the key's grants",
        "409": "it cannot be done as things stand; `detail` says why",
        "412": "the record has changed since the version that If-Match names",
        "413": "the body is too long",
        "414": "the address is too long",
        "415": "the body is of another media type",
        "422": "the body is not what is expected; `errors` names each field",
        "428": "If-Match is missing",
        "503": "too much at once, or not ready; Retry-After says when to come again",
    }
)
ALWAYS = ("400", "401", "403", "414", "503")
BODY = ("409", "413", "415", "422")
PATH = ("404",)
_VERBS = {"get": "get", "post": "create", "put": "replace", "patch": "change", "delete": "withdraw"}


def of(word: str | Json) -> Json:
    """A schema in a word: string, integer, boolean, number, object, anything, `$Name` of a
    component, `[…]` a list of it, `…?` that or null, `a|b` one of these texts."""
    if isinstance(word, dict):
        return word
    if word.endswith("?"):
        return nullable(of(word[:-1]))
    if word.startswith("["):
        return {"type": "array", "items": of(word[1:-1])}
    if word.startswith("$"):
        return {"$ref": REF.format(model=word[1:])}
    if "|" in word:
        return {"type": "string", "enum": word.split("|")}
    return {} if word == "anything" else {"type": word}


def nullable(schema: Json) -> Json:
    """That or null."""
    if "$ref" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema | {"type": [schema["type"], "null"]}


def an_object(says: str = "", /, *, closed: bool = False, **fields: str | Json) -> Json:
    """An object of these fields, all of them there but those whose name ends with an underscore;
    `closed`: there are no others."""
    made: Json = {"type": "object", "description": says} if says else {"type": "object"}
    required = [name for name in fields if not name.endswith("_")]
    made |= {"required": required} if required else {}
    made["properties"] = {name.removesuffix("_"): of(word) for name, word in fields.items()}
    return made | ({"additionalProperties": False} if closed else {})


def a_page(item: str | Json) -> Json:
    """A page of a list."""
    following: Json = {"type": ["string", "null"], "description": "the cursor of the next page"}
    return an_object(items={"type": "array", "items": of(item)}, next=following)


def counts() -> Json:
    """Numbers by name."""
    return {"type": "object", "additionalProperties": {"type": "integer"}}


def parameter(name: str, says: str, word: str | Json = "string", *, where: str = "query") -> Json:
    """A parameter of the query, or `where` it is: in the path or a header."""
    made: Json = {"name": name, "in": where, "description": says, "schema": of(word)}
    return made | {"required": True} if where == "path" else made


def record_id() -> Json:
    """The id of a record in a path."""
    schema = {"type": "string", "format": "uuid", "pattern": f"^{UUID}$"}
    return parameter("id", "the record's id", schema, where="path")


def a_body(
    schema: str | Json, says: str = "", *, also: Sequence[str] = (), must: bool = True
) -> Json:
    """The body of a request."""
    content = {media: {"schema": of(schema)} for media in (JSON, *also)}
    made: Json = {"required": must, "content": content}
    return made | {"description": says} if says else made


def operation(
    tag: str,
    says: str,
    gives: str | Json = "object",
    parameters: Sequence[Json] = (),
    *,
    body: Json | None = None,
    statuses: Sequence[str] = ("200",),
    media: Sequence[str] = (JSON,),
    can_be: Sequence[str] = (),
) -> Json:
    """One operation that answers with `gives`; `can_be`: problems beside those that all have."""
    answers: Json = {}
    for status in statuses:
        content = {one: {"schema": of(gives)} for one in media}
        answers[status] = {"description": _DONE.get(status, "done"), "content": content}
    in_path = PATH if any(p["in"] == "path" for p in parameters) else ()
    for status in sorted({*ALWAYS, *in_path, *(BODY if body else ()), *can_be}):
        answers[status] = a_problem(status)
    made: Json = {"tags": [tag], "summary": says, "parameters": list(parameters)}
    made |= {"requestBody": body} if body else {}
    return made | {"responses": answers, "security": [{"key": []}]}


def a_problem(status: str) -> Json:
    """The answer that says a failure."""
    return {"$ref": f"#/components/responses/problem{status}"}


def problems() -> Json:
    """Every such answer, by name."""
    content = {PROBLEM: {"schema": of("$Problem")}}
    return {
        f"problem{status}": {"description": says, "content": content}
        for status, says in PROBLEMS.items()
    }


def finished(description: Json) -> Json:
    """The whole description with a name for every operation, made of its verb and path: what a
    generated client calls it by. Whoever needs no key says so by `security: []`."""
    for path, operations in description["paths"].items():
        for verb, one in operations.items():
            one["operationId"] = name_of(verb, path)
            one.setdefault("security", [{"key": []}])
            for status in ALWAYS if one["security"] else ():
                one["responses"].setdefault(status, a_problem(status))
            if "requestBody" not in one:
                one["responses"].pop("422", None)
    description["components"]["responses"] = problems()
    return description


def name_of(verb: str, path: str) -> str:
    """create_studies, get_studies_by_id, list_studies, merge_studies …"""
    parts = [part for part in path.removeprefix("/api/v1").split("/") if part]
    words = [_word(part) for part in parts]
    if verb == "get" and parts and not parts[-1].startswith("{"):
        return "_".join(["list" if len(parts) == 1 else "get", *words])
    return "_".join([_VERBS[verb], *words])


def _word(part: str) -> str:
    if part.startswith("{"):
        return "by_" + part.strip("{}").partition(":")[0]
    return re.sub(r"[^a-z0-9]+", "_", part.lower())


_DONE = {
    "201": "it is settled; Location is the record's address",
    "202": "it is stored and not settled yet",
}
