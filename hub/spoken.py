"""What is said in canonical words, as it is kept: no mapping stands between it and the record.

A write through the API is such a message. Its bytes say who spoke, in which order it stands
(`lane`), which version of a record was seen, and the statements.
"""

from __future__ import annotations

from typing import Any

import orjson

from hub.model.check import check
from hub.statement import (
    REMOVED,
    Complaint,
    Gone,
    Identifier,
    Meaning,
    Ref,
    Seen,
    Stated,
    Statement,
    plain_value,
)

MEDIA = "application/vnd.crohub.spoken+json"
PIPELINE = "~spoken"  # of messages that need none: no file can have this name
STREAM = "records"


def written(by: str, lane: str, meaning: Meaning) -> bytes:
    """The message that means `meaning`. The same words are the same bytes."""
    seen = meaning.seen
    body = {
        "by": by,
        "lane": lane,
        "seen": [seen.entity, seen.id, seen.version] if seen else None,
        "statements": [_plain(one) for one in meaning.statements],
    }
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def meaning(body: bytes) -> Meaning:
    """The inverse of `written`. A field that its entity does not take (any more) is left out and
    complained of. Raises ValueError for anything else."""
    try:
        said = orjson.loads(body)
        found = [_statement(one) for one in said["statements"]]
        seen = Seen(*said["seen"]) if said["seen"] else None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("expected a message in canonical words") from error
    return Meaning(
        statements=tuple(one for one, _ in found),
        complaints=tuple(complaint for _, several in found for complaint in several),
        seen=seen,
    )


def lane(body: bytes, media: str) -> str | None:
    """In which order a message stands."""
    try:
        found = orjson.loads(body)["lane"] if media == MEDIA else None
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _plain(one: Statement) -> dict[str, Any]:
    if isinstance(one, Gone):
        return {"gone": True, "entity": one.entity, "key": one.key, "at": one.at}
    if not isinstance(one, Stated):
        raise TypeError("expected what is stated or gone")
    return {
        "entity": one.entity, "key": one.key, "of": one.of, "at": one.at,
        "complete": one.complete,
        "identifiers": [given.told for given in one.identifiers],
        "fields": {name: plain_value(value) for name, value in one.fields.items()},
    }  # fmt: skip


def _statement(said: dict[str, Any]) -> tuple[Statement, list[Complaint]]:
    entity, key = said["entity"], said["key"]
    if said.get("gone"):
        return Gone(entity=entity, key=key, at=said["at"]), []
    given = {name: _value(value) for name, value in said["fields"].items()}
    fields, faults = check(entity, given)
    stated = Stated(
        entity=entity,
        key=key,
        fields=fields,
        identifiers=tuple(Identifier(*one) for one in said["identifiers"]),
        complete=said["complete"],
        at=said["at"],
        of=said["of"],
    )
    return stated, [
        Complaint(rule=f.rule, place=f.field, expected=f.expected, entity=entity, key=key,
                  field=f.field)
        for f in faults
    ]  # fmt: skip


def _value(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return value
    if value.get("removed"):
        return REMOVED
    identifiers = tuple(Identifier(*one) for one in value["identifiers"])
    return Ref(value["ref"], value["key"], identifiers, value.get("id", ""))
