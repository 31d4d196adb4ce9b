"""How the API describes the routes of subscriptions: what they take and what they answer."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_TEXTS: Json = {"type": "array", "items": _TEXT, "maxItems": 100}
_WHY: Json = {"type": "string", "minLength": 1, "maxLength": 2000}
_KEY: Json = {"security": [{"key": []}]}
_PROBLEM: Json = {
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
}
_TEXTUAL = (
    "id", "name", "url", "owner", "state", "reason", "made_at", "last_error", "cursor", "trouble",
)  # fmt: skip
_SHOWN: Json = {
    "type": "object",
    "properties": {
        **dict.fromkeys(_TEXTUAL, _TEXT),
        **{name: {"type": "integer"} for name in ("delivered", "refused", "waiting", "behind")},
        "entities": _TEXTS,
        "studies": _TEXTS,
        "waits_since": {"type": ["string", "null"]},
    },
}  # fmt: skip
_STATES = {
    "400": "the body is not JSON, or says a name twice", "401": "no key that opens anything",
    "403": "the key lacks a scope", "404": "there is no such subscription of yours",
    "413": "the body is too long", "415": "the body is no JSON",
    "422": "not as described; `detail` says what was expected",
}  # fmt: skip


def _answers(status: str, schema: Json, *, later: bool = False) -> Json:
    made: Json = {name: {"description": says, **_PROBLEM} for name, says in _STATES.items()}
    content = {"application/json": {"schema": schema}}
    made[status] = {"description": "done", "content": content}
    if later:
        made["202"] = {"description": "stored; it is done in a moment", "content": content}
    return made


def _takes(properties: Json, required: list[str]) -> Json:
    schema = {"type": "object", "required": required, "properties": properties,
              "additionalProperties": False}  # fmt: skip
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_OBJECT: Json = {"type": "object"}
_WANTED: Json = {
    "url": _TEXT, "name": _TEXT, "entities": _TEXTS, "studies": _TEXTS, "since": _TEXT,
    "reason": _WHY,
}  # fmt: skip
LISTED: Json = {
    **_KEY,
    "responses": _answers(
        "200", {"type": "object", "properties": {"items": {"type": "array", "items": _SHOWN}}}
    ),
}
ONE: Json = {**_KEY, "responses": _answers("200", _SHOWN)}
MADE: Json = {
    **_KEY,
    **_takes(_WANTED, ["url", "reason"]),
    "responses": _answers("201", _OBJECT, later=True),
}
REASONED: Json = {
    **_KEY,
    **_takes({"reason": _WHY}, ["reason"]),
    "responses": _answers("200", _OBJECT, later=True),
}
PLAIN: Json = {**_KEY, "responses": _answers("200", _OBJECT)}
AGAIN: Json = {
    **_KEY,
    **_takes({"since": _TEXT, "reason": _WHY}, ["reason"]),
    "responses": _answers("200", _OBJECT, later=True),
}
