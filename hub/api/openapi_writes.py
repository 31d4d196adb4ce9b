"""How the API describes writes: what may be said of a record, and what the answer tells."""

from __future__ import annotations

from hub.api.openapi_parts import (
    BODY,
    Json,
    a_body,
    an_object,
    of,
    operation,
    parameter,
    record_id,
)
from hub.model.base import Meta
from hub.model.shape import sealed_beside
from hub.model.spec import EntitySpec

_MATCH = parameter(
    "If-Match", 'the ETag of the record as it was read, or "*": whatever it is now',
    where="header",
)  # fmt: skip
_ONCE = parameter(
    "Idempotency-Key", "the request is carried out once; again, it is answered the same",
    where="header",
)  # fmt: skip
_KINDS = {"integer": "integer", "flag": "boolean", "texts": "[string]"}
_REFERENCE = "Refer"


def schemas(specs: list[EntitySpec]) -> Json:
    """The bodies and answers by name."""
    made: Json = {
        _REFERENCE: {
            "description": "another record: its id, the same system's key of it, an identifier",
            "anyOf": [
                {"type": "string", "format": "uuid"},
                an_object(id="string", entity_="string", label_="string?"),
                an_object(key="string", closed=True),
                an_object(identifier="$ShownIdentifier", closed=True),
            ],
        }
    }
    for spec in specs:
        made[f"{spec.name}Write"] = _written(spec)
        made[f"{spec.name}New"] = _written(spec, key_="string")
        made[f"{spec.name}Written"] = an_object(
            "what came of it. `done` false: it is stored and not settled yet, and there is no "
            "record to show",
            done="boolean", system="string", key="string", message="integer",
            record_=f"${spec.name}WithSealed", outvoted_="[$Outvoted]", state_="string",
        )  # fmt: skip
    return made


def paths(path: str, spec: EntitySpec) -> tuple[Json, Json]:
    """The operations on the list and on one record."""
    written, given = f"${spec.name}Written", f"${spec.name}Write"

    def one(says: str, body: Json | None, also: tuple[str, ...] = ()) -> Json:
        return operation(
            spec.name, says, written, [record_id(), _MATCH, _ONCE], body=body,
            statuses=("200", "202"), can_be=("409", "412", "422", "428", *also),
        )  # fmt: skip

    merge = ("application/merge-patch+json",)
    new = operation(
        spec.name, "says something of a new record, as the key's system", written, [_ONCE],
        body=a_body(f"${spec.name}New"), statuses=("201", "202"), can_be=BODY,
    )  # fmt: skip
    return {"post": new}, {
        "put": one("says all that the key's system has to say of it", a_body(given)),
        "patch": one("says some fields of it; null: no value any more", a_body(given, also=merge)),
        "delete": one("the key's system has it no more; its last values stay", None),
    }


def _written(spec: EntitySpec, **more: str) -> Json:
    fields: dict[str, str | Json] = {
        f"{name}_": _kind(field.meta) for name, field in spec.fields.items()
    }
    if spec.identifiers:
        fields["identifiers_"] = "[$HeldIdentifier]"
    for part, sealed in sealed_beside(spec.name).items():
        inner = {f"{name}_": _kind(field.meta) for name, field in sealed.fields.items()}
        fields[f"{part}_"] = an_object(**inner, closed=True)
    at: Json = {"type": "string", "description": "since when it is so; now, where it is not said"}
    return an_object(spec.says, closed=True, **fields, at_=at, **more)


def _kind(meta: Meta) -> Json:
    if meta.kind == "ref":
        return {"anyOf": [of(f"${_REFERENCE}"), {"type": "null"}], "description": meta.says}
    if meta.kind == "code":
        return {"enum": [*meta.codes, None], "type": ["string", "null"], "description": meta.says}
    return of(f"{_KINDS.get(meta.kind, 'string')}?") | {"description": meta.says}
