"""How the API describes what people say: answers to questions, merges and their undoing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.api.records import served
from hub.decisions import ANSWERS
from hub.model.spec import EntitySpec

Json = dict[str, Any]
Operation = Callable[[EntitySpec | None, str, list[Json], str], Json]
_REASON: Json = {"type": "string", "description": "why: it enters the audit"}
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


def _id() -> Json:
    return {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _body(described: Json, properties: Json) -> Json:
    required = [name for name in properties if name not in ("where", "until")]
    schema = {"type": "object", "required": required, "properties": properties}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described | {"requestBody": body}
