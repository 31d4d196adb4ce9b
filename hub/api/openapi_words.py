"""How the API describes what people say: answers to questions, merges and their undoing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.api.records import served
from hub.checks import CHECKS
from hub.decisions import ANSWERS
from hub.model.spec import EntitySpec
from hub.worklists import STATES

Json = dict[str, Any]
Operation = Callable[[EntitySpec | None, str, list[Json], str], Json]
_REASON: Json = {"type": "string", "description": "why: it enters the audit"}
_ACCEPTED = "what a check found is accepted as it is, until systems say something else of it"
_STATE: Json = {"type": "string", "enum": list(ANSWERS)}


def paths(prefix: str, operation: Operation) -> Json:
    """The routes of `hub.api.words`."""
    include: Json = {
        "name": "include", "in": "query", "schema": {"type": "string"},
        "description": "records: the records it is about; phi: also what is sealed of them",
    }  # fmt: skip
    conditions: Json = {
        "type": "array",
        "items": {"type": "string"},
        "description": "all must hold: weight>=20, entity=Person, fields.email.level=same",
    }
    one, all_ = f"{prefix}/decisions/{{id}}", f"{prefix}/decisions"
    answer = {"state": _STATE, "reason": _REASON}
    day: Json = {"type": "string", "description": "the last day it is accepted; none: for good"}
    rule = {"kind": {"type": "string"}, "where": conditions, **answer}
    made: Json = {
        one: {
            "get": operation(None, "one question", [_id(), include], ""),
            "post": _body(operation(None, "answers it", [_id()], ""), answer),
        },
        f"{one}/lift": {
            "post": _body(operation(None, "ends an override", [_id()], ""), {"reason": _REASON})
        },
        all_: {"post": _body(operation(None, "answers all that meet a rule", [], ""), rule)},
        f"{prefix}/findings/{{id}}/sign-off": {
            "post": _body(
                operation(None, _ACCEPTED, [_id()], ""), {"until": day, "reason": _REASON}
            )
        },
        **_checks(operation),
    }
    for spec in served().values():
        made |= _of(f"{prefix}/{spec.plural}/{{id}}", spec, operation)
    return made


def _of(path: str, spec: EntitySpec, operation: Operation) -> Json:
    text: Json = {"type": "string"}
    says = {
        "merge": ("this record and another are one; the older id stays", {"other": text}),
        "unmerge": ("this record is no part of another any more", {}),
        "split": ("a system's key is not of this record", {"system": text, "key": text}),
        "override": (
            "a field is what a person says, until its time is over; null: it has no value",
            {"field": text, "value": {}, "until": {"type": "string", "format": "date-time"}},
        ),
    }
    return {
        f"{path}/{do}": {
            "post": _body(operation(spec, told, [_id()], ""), {**given, "reason": _REASON})
        }
        for do, (told, given) in says.items()
    }


def _checks(operation: Operation) -> Json:
    """The routes of `hub.api.checks`."""
    name: Json = {
        "name": "name", "in": "path", "required": True,
        "schema": {"type": "string", "enum": list(CHECKS)},
    }  # fmt: skip
    asked = [
        _text("study", "of one study, by its id"),
        _text("cursor", "where the page before ended"),
        _text("state", f"{', '.join(STATES)} or any"),
        _text("limit", "at most so many"),
    ]
    return {
        "/checks": {"get": operation(None, "what no single system can see", [], "")},
        "/checks/{name}": {"get": operation(None, "what a check has found", [name, *asked], "")},
    }


def _text(name: str, says: str) -> Json:
    kind = "integer" if name == "limit" else "string"
    return {"name": name, "in": "query", "description": says, "schema": {"type": kind}}


def _id() -> Json:
    return {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _body(described: Json, properties: Json) -> Json:
    required = [name for name in properties if name not in ("where", "until")]
    schema = {"type": "object", "required": required, "properties": properties}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described | {"requestBody": body}
