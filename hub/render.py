"""A stored row as the record an answer shows: the way of each column, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import orjson

from hub.clock import iso
from hub.database import Row
from hub.model.spec import EntitySpec, FieldSpec, entities

Record = dict[str, Any]
Way = Callable[[Any], Any]

moment = lru_cache(maxsize=8192)(iso)  # records settled together share their moments
_FLAG = {0: False, 1: True, None: None}.__getitem__  # SQLite keeps flags as numbers
ALWAYS = "id"


@dataclass(frozen=True, slots=True)
class Sheet:
    """Which columns to read and what to do with those that are not shown as they are stored."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    ways: tuple[tuple[int, Way], ...]  # by place; a way leaves None alone

    def records(self, rows: Sequence[Row]) -> list[Record]:
        """The records in `rows`, whose first columns are this sheet's.

        Column by column: a page has many rows and few columns that need work.
        """
        cells: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, way in self.ways:
            if cells:
                cells[place] = map(way, cells[place])
        names = self.names
        return [dict(zip(names, row, strict=False)) for row in zip(*cells, strict=True)]


@cache
def sheet(entity: str, fields: frozenset[str] = frozenset()) -> Sheet:
    """The sheet of an entity's `fields` (empty: all), in the order of its file; `id` is always
    there. Sealed columns are not: `hub.unsealed` opens them where that is allowed."""
    spec = entities()[entity]
    ways = dict(_envelope())
    columns = {name: name for name in ways}
    for field in spec.fields.values():
        if not field.sealed:
            columns[field.name], ways[field.name] = field.column, _way(field)
    names = [n for n in columns if not fields or n in fields or n == ALWAYS]
    kept = tuple((place, way) for place, n in enumerate(names) if (way := ways[n]) is not None)
    return Sheet(tuple(names), tuple(str(columns[n]) for n in names), kept)


def shown_values(spec: EntitySpec, fields: Iterable[tuple[str, Any]]) -> Record:
    """Fields as a version or statement holds them, in the form they have in an answer."""
    made: Record = {}
    for name, value in fields:
        meta = spec.fields[name].meta
        made[name] = _reference(meta.of, value) if meta.kind == "ref" else value
    return made


def _envelope() -> dict[str, Way | None]:
    return {
        "id": None, "version": None, "valid_from": moment, "recorded_at": moment, "quality": None,
        "withdrawn": _FLAG, "superseded_by": None, "ext": _json,
    }  # fmt: skip


def _way(field: FieldSpec) -> Way | None:
    if field.meta.kind == "ref":
        return partial(_reference, field.meta.of)
    ways: dict[str, Way] = {"flag": _FLAG, "texts": _json}
    return ways.get(field.meta.kind)


def _reference(entity: str, one: str | None) -> Record | None:
    return None if one is None else {"entity": entity, "id": one}


def _json(value: Any) -> Any:  # noqa: ANN401 - JSON: SQLite keeps its text, psycopg reads it
    return orjson.loads(value) if type(value) is str else value
