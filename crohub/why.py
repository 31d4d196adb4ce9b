"""A field's story for a person: the record found by the name it is known by, told in sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from hub import filters, repository
from hub.because import SAME
from hub.model.spec import EntitySpec, by_plural, entities
from hub.principal import Principal
from hub.provenance import Story
from hub.query import Condition, Query, Sought, View
from hub.reader import Reader
from hub.render import Record

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST = 20  # records that are named where several are meant


def entity(said: str) -> EntitySpec | None:
    """The entity a person means: Enrollment, enrollment or enrollments."""
    by_name = {name.lower(): spec for name, spec in entities().items()}
    found = by_name.get(said.lower().replace("-", "").replace("_", ""))
    return found or by_plural().get(said.lower())


def find(reader: Reader, principal: Principal, spec: EntitySpec, said: str) -> list[str]:
    """The ids of the records that are meant: an id, TYPE|value, or the value of an identifier or
    of the field they are known by. Raises hub.query.BadQuery and hub.principal.Forbidden."""
    if _ID.fullmatch(said.lower()):
        return [said.lower()]
    if "|" in said:
        return _held(reader, principal, spec, filters.sought(spec, said))
    found: dict[str, None] = {}
    label = spec.fields.get(spec.label)
    if label is not None and not label.sealed:
        is_called = Condition(column=label.column, kind="text", test="", value=said)
        query = Query(conditions=(is_called,), limit=_MOST, view=View(fields=frozenset({"id"})))
        page = repository.page(reader, principal, spec, query)
        found |= dict.fromkeys(one["id"] for one in page.items)
    for kind in spec.identifiers.values():
        if (kind.sensitivity or spec.sensitivity) not in ("phi", "unblinding"):
            held = _held(reader, principal, spec, Sought(kind.type, said))
            found |= dict.fromkeys(held)
    return list(found)


def _held(reader: Reader, principal: Principal, spec: EntitySpec, sought: Sought) -> list[str]:
    query = Query(identifiers=(sought,), limit=_MOST, view=View(fields=frozenset({"id"})))
    return [one["id"] for one in repository.page(reader, principal, spec, query).items]


def within(
    reader: Reader, principal: Principal, spec: EntitySpec, ids: Sequence[str], said: str
) -> list[str]:
    """Those of the records that refer to one that is known as `said`: of a study, say."""
    kinds = {known.meta.of for known in spec.fields.values() if known.meta.kind == "ref"}
    meant = {one for kind in kinds for one in find(reader, principal, entities()[kind], said)}
    records = _referring(reader, principal, spec, ids)
    return [one for one, refs in records.items() if meant & {ref["id"] for ref in refs.values()}]


def apart(
    reader: Reader, principal: Principal, spec: EntitySpec, ids: Sequence[str]
) -> Iterator[str]:
    """A line for each record, with the names of those it refers to."""
    for one, refs in _referring(reader, principal, spec, ids).items():
        named = [f"{field} {ref['label']}" for field, ref in refs.items() if ref.get("label")]
        yield "  ".join([one, *named])


def _referring(
    reader: Reader, principal: Principal, spec: EntitySpec, ids: Sequence[str]
) -> dict[str, dict[str, Record]]:
    view = View(include=frozenset({"labels"}))
    found = {one: repository.get(reader, principal, spec, one, view) or {} for one in ids}
    return {
        one: {n: v for n, v in record.items() if isinstance(v, dict) and "id" in v}
        for one, record in found.items()
    }


def lines(story: Story) -> Iterator[str]:
    """The story in sentences."""
    yield f"{story.entity} {story.name or story.id}"
    for one in story.fields:
        yield ""
        yield _is_now(one)
        if one["said_by"]:
            yield f"  said by   {_voice(one['said_by'])}"
        rule = one["rule"]
        order = f": {', '.join(rule['order'])}" if rule["order"] else ""
        yield f"  because   {rule['because']}"
        yield f"  rule      {rule['entry']} by {rule['by']}{order}"
        for other in one["others"]:
            yield _beside(other)


def _beside(other: Record) -> str:
    if other["because"] == SAME:
        return f"  so also   {_voice(other)}"
    return f"  but       {_voice(other)} says {shown(other['value'])}: {other['because']}"


def _is_now(one: Record) -> str:
    """state is enrolled since 2 March 2026, 07:00 UTC"""
    since = f" since {_time(one['since'])}" if one["since"] else ""
    value = f"is {shown(one['value'])}" if one["value"] is not None else "has no value"
    return f"{one['field']} {value}{since}"


def _voice(voice: Record) -> str:
    role = f" ({voice['role']})" if voice["role"] else ""
    at = f", {_time(voice['at'])}" if voice["at"] else ""
    source = voice["source"]
    read = ""
    if source:
        read = f" of {source['connection']}"
        if source["pipeline"]:
            read += f", read by {source['pipeline']} under revision {source['revision']}"
    return f"{voice['system']}{role}{at}, in message {voice['message']}{read}"


def shown(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value as people read it: of a record its name."""
    if value is None:
        return "nothing"
    if isinstance(value, dict) and "id" in value:
        return f"{value['entity']} {value.get('label') or value['id']}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _time(said: str) -> str:
    """2 March 2026, 07:00 UTC"""
    at = datetime.fromisoformat(said)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
