"""What a view showed on another day: the records of the asked studies as they were, laid out in
memory, and the same SQL over them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub import clock
from hub.database import Row, Session
from hub.history import Asked as Clocks
from hub.history import then_all
from hub.model.spec import EntitySpec, FieldSpec, entities
from hub.query import BadQuery
from hub.reader import Reader
from hub.render import Record
from hub.tables import metadata
from hub.views.place import Place
from hub.views.view import View
from hub.views.words import Words

MOST = 50_000  # records that are laid out for one question
_PLACES = ("Person", "Organization", "Location", "Participant")  # of no study; found by reference
_READ = re.compile(r"\b(?:from|join)\s+([a-z_]+)")
_ENVELOPE = ("id", "quality", "withdrawn", "superseded_by")


@contextmanager
def then(reader: Reader, view: View, clocks: Clocks, scope: list[str] | None) -> Iterator[Place]:
    """The place where the past can be asked. Raises BadQuery where no study is named, for what has
    no past, and for more records than can be laid out while somebody waits."""
    if scope is None:
        raise BadQuery("CROHUB-TOO-WIDE", "the past is asked of one study: expected study=")
    words = Words(dialect="sqlite", narrowed=True)
    needed = _needed(view, words)
    moment = clock.iso(clocks.as_of if clocks.as_of is not None else clocks.known_at or 0)
    with closing(sqlite3.connect(":memory:")) as raw:
        laid = _Laid(reader, clocks, Session(raw, "sqlite"), needed)
        laid.out(scope)
        yield Place(laid.session, words, scope, moment)


def _needed(view: View, words: Words) -> dict[str, EntitySpec]:
    """The entities that a view reads, by their tables."""
    by_table = {str(spec.table.name): spec for spec in entities().values()}
    names = set(_READ.findall(view.sql(words)))
    lacks = sorted(name for name in names if name in metadata.tables and name not in by_table)
    if lacks:
        raise BadQuery(
            "CROHUB-NO-PAST", f"{view.name} has no past: it tells how the hub itself stands"
        )
    return {name: by_table[name] for name in sorted(names & by_table.keys())}


@dataclass(slots=True)
class _Laid:
    """Lays records out in a database of its own."""

    reader: Reader
    clocks: Clocks
    session: Session
    needed: dict[str, EntitySpec]
    ids: dict[str, set[str]] = field(default_factory=dict)  # entity → what is laid out
    meant: dict[str, set[str]] = field(default_factory=dict)  # entity → what is referred to

    def out(self, scope: Sequence[str]) -> None:
        """The studies, what belongs to them, and what that refers to."""
        for table, spec in self.needed.items():
            self._make(table, spec)
        self._lay(entities()["Study"], scope)
        own = [s for s in self.needed.values() if s.name != "Study" and s.name not in _PLACES]
        while any(self._belonging(spec) for spec in own):
            pass
        while any(self._referred(spec) for spec in self.needed.values()):
            pass
        for table, spec in self.needed.items():
            self._index(table, spec)

    def _make(self, table: str, spec: EntitySpec) -> None:
        columns = ", ".join((*_ENVELOPE, *(one.column for one in spec.fields.values())))
        self.session.run(f"create table {table}({columns})")

    def _index(self, table: str, spec: EntitySpec) -> None:
        self.session.run(f"create index id_{table} on {table}(id)")
        for one in spec.fields.values():
            if one.meta.kind == "ref":
                self.session.run(f"create index {table}_{one.column} on {table}({one.column})")

    def _belonging(self, spec: EntitySpec) -> bool:
        """Lays out what says that it is of something that is laid out. False: nothing new."""
        refs = [one for one in spec.fields.values() if one.meta.kind == "ref"]
        study = next((one for one in refs if one.meta.of == "Study"), None)
        new: set[str] = set()
        for one in refs:
            if one.meta.of in _PLACES or not self.ids.get(one.meta.of):
                continue
            alone = f" and {study.column} is null" if study and one is not study else ""
            rows = self.reader.session.among(
                f"select id from {spec.table.name} where {one.column} in {{members}}{alone}",
                sorted(self.ids[one.meta.of]),
            )
            new |= {row[0] for row in rows}
        return self._lay(spec, sorted(new))

    def _referred(self, spec: EntitySpec) -> bool:
        return self._lay(spec, sorted(self.meant.get(spec.name, ())))

    def _lay(self, spec: EntitySpec, ids: Sequence[str]) -> bool:
        known = self.ids.setdefault(spec.name, set())
        new = [one for one in ids if one not in known]
        known.update(new)
        if sum(map(len, self.ids.values())) > MOST:
            raise BadQuery(
                "CROHUB-TOO-WIDE", f"more than {MOST} records: ask for the past of fewer studies"
            )
        if new and spec.table.name in self.needed:
            rows = self._today(spec, new) if spec.sealed else self._opened(spec, new)
            marks = ", ".join("?" * (len(_ENVELOPE) + len(spec.fields)))
            self.session.many(f"insert into {spec.table.name} values ({marks})", rows)
        return bool(new)

    def _opened(self, spec: EntitySpec, ids: Sequence[str]) -> list[Row]:
        rows: list[Row] = []
        for record in then_all(self.reader, spec, ids, self.clocks):
            rows.append(_row(spec, record))
            for one in spec.fields.values():
                if one.meta.kind == "ref" and record[one.name]:
                    self.meant.setdefault(one.meta.of, set()).add(record[one.name]["id"])
        if spec.name in _PLACES:  # it may be heard of later that it was there: its name is known
            rows += self._today(spec, sorted(set(ids) - {row[0] for row in rows}))
        return rows

    def _today(self, spec: EntitySpec, ids: Sequence[str]) -> list[Row]:
        """Records as they are; what is sealed stays sealed."""
        columns = ", ".join((*_ENVELOPE, *(one.column for one in spec.fields.values())))
        sql = f"select {columns} from {spec.table.name} where id in {{members}}"
        return self.reader.session.among(sql, list(ids))


def _row(spec: EntitySpec, record: Record) -> Row:
    envelope = (record["id"], record["quality"], int(record["withdrawn"]), None)
    return (*envelope, *(_cell(one, record[one.name]) for one in spec.fields.values()))


def _cell(one: FieldSpec, value: Any) -> Any:  # noqa: ANN401 - JSON
    if value is None or one.sealed:
        return None
    if one.meta.kind == "ref":
        return value["id"]
    if one.meta.kind == "texts":
        return orjson.dumps(value).decode()
    return int(value) if isinstance(value, bool) else value
