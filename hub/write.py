"""Writes what a batch decided: one `executemany` a table."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import orjson

from hub import tables
from hub.context import Changes, Context
from hub.database import Row
from hub.model.spec import EntitySpec, FieldSpec, entities
from hub.seal import Keyring
from hub.things import Thing

_ENVELOPE = (
    "id", "version", "valid_from", "recorded_at", "quality", "withdrawn", "superseded_by",
    "provenance",
)  # fmt: skip


def columns_of(table: Any) -> tuple[str, ...]:  # noqa: ANN401 - sqlalchemy Table
    """The column names of a table as plain text (orjson and drivers refuse quoted names)."""
    return tuple(str(column.name) for column in table.columns)


def write(context: Context, changes: Changes) -> None:
    """Assertions, keys, identifiers, ties, versions, records and findings, in that order."""
    session = context.session
    session.insert(tables.assertion, columns_of(tables.assertion), changes.assertions)
    xrefs = [_xref_row(context, x) for x in changes.xrefs]
    session.upsert(tables.xref, columns_of(tables.xref), xrefs, ("x",))
    session.insert(tables.identifier, columns_of(tables.identifier), changes.identifiers)
    links = list(changes.links.values())
    session.upsert(tables.same_as, columns_of(tables.same_as), links, ("kept_x", "retired_x"))
    version_columns = tuple(c for c in columns_of(tables.version) if c != "xid")
    session.insert(tables.version, version_columns, changes.versions)
    _write_things(context, changes)
    session.insert(tables.finding, columns_of(tables.finding), changes.findings)
    for row in changes.closed:
        session.run("update finding set closed_at = ? where id = ?", row)


def _xref_row(context: Context, x: int) -> Row:
    xref = context.world.by_number[x]
    live = "[" + ",".join([str(assertion.a) for assertion in xref.live]) + "]"
    return (
        xref.x, xref.digest, xref.entity, xref.system, xref.native, xref.home_id,
        xref.entity_id, live,
    )  # fmt: skip


def _write_things(context: Context, changes: Changes) -> None:
    rows: dict[str, list[Row]] = {}
    for thing in changes.things.values():
        rows.setdefault(thing.entity, []).append(_thing_row(context, changes.now, thing))
    for entity, own in rows.items():
        spec = entities()[entity]
        context.session.upsert(spec.table, _columns(spec), own, ("id",))


@cache
def _fields(entity: str) -> tuple[FieldSpec, ...]:
    return tuple(entities()[entity].fields.values())


def _columns(spec: EntitySpec) -> tuple[str, ...]:
    return (*_ENVELOPE, *(str(field.column) for field in _fields(spec.name)))


def _thing_row(context: Context, now: int, thing: Thing) -> Row:
    envelope = (
        thing.id, thing.n, thing.valid_from, now, thing.quality, thing.withdrawn,
        thing.superseded_by, provenance_text(thing.provenance),
    )  # fmt: skip
    return envelope + tuple(_cells(context.keyring, thing))


class _Kept(NamedTuple):
    """How a field is kept: its place in the row, its column, sealed or not, a list or not."""

    position: int
    column: str
    sealed: bool
    texts: bool


@cache
def _kept(entity: str) -> dict[str, _Kept]:
    return {
        field.name: _Kept(position, str(field.column), field.sealed, field.meta.kind == "texts")
        for position, field in enumerate(_fields(entity))
    }


def _cells(keyring: Keyring, thing: Thing) -> list[Any]:
    kept = _kept(thing.entity)
    cells: list[Any] = [None] * len(kept)
    for name, value in thing.golden.items():
        if name not in kept:
            continue  # a field of an earlier release
        position, column, sealed, texts = kept[name]
        if sealed:
            place = cell_place(thing.entity, thing.id, column)
            cells[position] = keyring.seal(orjson.dumps(value), place)
        else:
            cells[position] = orjson.dumps(value).decode() if texts else value
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
