"""Writes what a batch decided: one `executemany` a table."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import orjson

from hub import feeds, tables, young
from hub.context import Changes, Context
from hub.database import Row
from hub.model.spec import FieldSpec, entities
from hub.seal import Keyring
from hub.things import Thing

_ENVELOPE = (
    "id", "version", "valid_from", "recorded_at", "quality", "withdrawn", "superseded_by",
    "provenance",
)  # fmt: skip

# a finding of a message or a record; those of checks have more (`hub.checks.keeping`)
_FINDING = (
    "id", "digest", "rule", "x", "entity", "entity_id", "field", "place", "found", "expected",
    "seq", "opened_at", "closed_at", "owner",
)  # fmt: skip

_STAYS = ("digest", "entity", "system", "native", "home_id", "young")  # with a key

_PERIOD = "update identifier set since = ?, until = ? where find = ? and digest = ? and x = ?"


@cache
def columns_of(table: Any) -> tuple[str, ...]:  # noqa: ANN401 - sqlalchemy Table
    """The column names of a table as plain text (orjson and drivers refuse quoted names)."""
    return tuple(str(column.name) for column in table.columns)


def write(context: Context, changes: Changes) -> None:
    """Assertions, keys, identifiers, ties, versions, records and findings, in that order."""
    session = context.session
    session.insert(tables.assertion, columns_of(tables.assertion), changes.assertions)
    _write_xrefs(context, changes)
    session.insert(tables.identifier, columns_of(tables.identifier), changes.identifiers)
    session.many(_PERIOD, changes.periods)
    links = list(changes.links.values())
    session.upsert(tables.same_as, columns_of(tables.same_as), links, ("kept_x", "retired_x"))
    relations = list(changes.relations.values())
    session.upsert(
        tables.relation, columns_of(tables.relation), relations, ("kind", "one_x", "other_x")
    )
    session.insert(tables.version, columns_of(tables.version), changes.versions)
    _write_things(context, changes)
    session.insert(tables.finding, _FINDING, changes.findings)
    session.many(
        "update finding set found = ?, expected = ?, place = ? where id = ?", changes.reworded
    )
    session.many("update finding set closed_at = ? where id = ?", changes.closed)


def _write_xrefs(context: Context, changes: Changes) -> None:
    born = [x for x in changes.xrefs if x in changes.new_xrefs]
    new = [_xref_row(context, x) for x in born]
    old = [_xref_row(context, x) for x in changes.xrefs if x not in changes.new_xrefs]
    context.session.insert(tables.xref, columns_of(tables.xref), new)
    context.session.upsert(tables.xref, columns_of(tables.xref), old, ("x",), stay=_STAYS)
    young.remember(context, born)
    feeds.fed(context, {(row[2], row[3]) for row in new})


def _xref_row(context: Context, x: int) -> Row:
    xref = context.world.by_number[x]
    live = "[" + ",".join([str(assertion.a) for assertion in xref.live]) + "]"
    return (
        xref.x, xref.digest, xref.entity, xref.system, xref.native, xref.home_id,
        xref.entity_id, live, young.born(context),
    )  # fmt: skip


def _write_things(context: Context, changes: Changes) -> None:
    new: dict[str, list[Row]] = {}
    old: dict[str, list[Row]] = {}
    for key, thing in changes.things.items():
        rows = new if key in changes.new_things else old
        rows.setdefault(thing.entity, []).append(_thing_row(context, thing))
    for entity, own in new.items():
        spec = entities()[entity]
        context.session.insert(spec.table, _columns(entity), own)
    for entity, own in old.items():
        spec = entities()[entity]
        context.session.upsert(spec.table, _columns(entity), own, ("id",))


@cache
def _fields(entity: str) -> tuple[FieldSpec, ...]:
    return tuple(entities()[entity].fields.values())


@cache
def _columns(entity: str) -> tuple[str, ...]:
    return (*_ENVELOPE, *(str(field.column) for field in _fields(entity)))


def _thing_row(context: Context, thing: Thing) -> Row:
    return (
        thing.id, thing.n, thing.valid_from, thing.recorded_at, thing.quality, thing.withdrawn,
        thing.superseded_by, provenance_text(thing.provenance), *_cells(context.keyring, thing),
    )  # fmt: skip


class _Kept(NamedTuple):
    """How a field is kept: its place in the row, the end of its cell's place where it is sealed,
    and whether it is a list."""

    position: int
    sealed_at: bytes | None
    texts: bool


@cache
def _kept(entity: str) -> dict[str, _Kept]:
    return {
        field.name: _Kept(
            position, field.column.encode() if field.sealed else None, field.meta.kind == "texts"
        )
        for position, field in enumerate(_fields(entity))
    }


def _cells(keyring: Keyring, thing: Thing) -> list[Any]:
    kept, seal, dumps = _kept(thing.entity), keyring.seal, orjson.dumps
    row = cell_place(thing.entity, thing.id, "")
    cells: list[Any] = [None] * len(kept)
    for name, value in thing.golden.items():
        if name not in kept:
            continue  # a field of an earlier release
        position, sealed_at, texts = kept[name]
        if sealed_at is not None:
            cells[position] = seal(dumps(value), row + sealed_at)
        else:
            cells[position] = dumps(value).decode() if texts else value
    return cells


@cache
def _table_name(entity: str) -> str:
    return str(entities()[entity].table.name)


def cell_place(entity: str, one: str, column: str) -> bytes:
    """table|row|column of a sealed cell."""
    return f"{_table_name(entity)}|{one}|{column}".encode()


def version_place(v: int) -> bytes:
    """Where a version's cell is sealed for."""
    return f"version|{v}|sealed".encode()


def provenance_text(provenance: dict[str, int]) -> str:
    """Which assertion won each field, short: "17" when one won them all, else
    {"17": ["sex", …], …}."""
    winners = set(provenance.values())
    if len(winners) <= 1:
        return str(winners.pop()) if winners else ""
    grouped: dict[str, list[str]] = {}
    for name, a in provenance.items():
        grouped.setdefault(str(a), []).append(name)
    return orjson.dumps(grouped).decode()


def read_provenance(text: str, names: list[str]) -> dict[str, int]:
    """The inverse of `provenance_text` for a record that has these fields."""
    if not text:
        return {}
    if text[0] != "{":
        return dict.fromkeys(names, int(text))
    return {name: int(a) for a, own in orjson.loads(text).items() for name in own}
