"""How a check reads: canonical rows, and what each system says of them, always of some studies or
people only, so that a run costs what it is bounded by and not what the store holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from hub.checks import names
from hub.database import Row
from hub.fold import is_gone, standing
from hub.model.spec import EntitySpec, entities
from hub.reader import Reader
from hub.things import Assertion

Record = dict[str, Any]  # column → value; a reference is the id of what it leads to
_ENVELOPE = ("id", "valid_from", "recorded_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one system says of one record now. `fields` by the names statements use (`study`, not
    `study_id`), only those it knows a value of; a reference is the id of what it leads to."""

    system: str
    role: str
    fields: Mapping[str, Any]
    at: Mapping[str, int]  # field → when it said so, microseconds

    def when(self, *fields: str) -> int:
        """When it last said one of these, of all its fields where none is named."""
        return max((self.at[name] for name in fields or self.at if name in self.at), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the store. `studies` (or `people`) bound it: their ids."""

    reader: Reader
    today: date
    now: int = 0  # microseconds
    studies: Sequence[str] = ()
    people: Sequence[str] = ()
    tolerances: Mapping[str, int | Decimal] = field(default_factory=dict)

    def days(self, name: str) -> int:
        """A tolerance in days (or of anything that is counted)."""
        return int(self.tolerances[name])

    def amount(self, name: str) -> Decimal:
        """A tolerance as an amount."""
        return Decimal(self.tolerances[name])

    def of_studies(self, entity: str) -> list[Record]:
        """The records of this kind that belong to the studies looked at."""
        return self.where(entity, "id" if entity == "Study" else "study_id", self.studies)

    def of_people(self, entity: str) -> list[Record]:
        """The records of this kind that are about the people looked at."""
        return self.where(entity, "id" if entity == "Person" else "person_id", self.people)

    def where(self, entity: str, column: str, values: Iterable[Any]) -> list[Record]:
        """The records whose `column` (study_id, enrollment_id …) has one of these values, in the
        order of their ids. What was merged away or withdrawn is not there, nor sealed fields."""
        spec = entities()[entity]
        columns = [*_ENVELOPE, *(f.column for f in spec.fields.values() if not f.sealed)]
        rows = self.reader.session.among(
            f"select {', '.join(columns)} from {spec.table.name} where superseded_by is null "
            f"and not withdrawn and {column} in {{members}} order by id",
            sorted({value for value in values if value is not None}),
        )
        ways = _ways(spec)
        return [_record(columns, row, ways) for row in rows]

    def said(self, entity: str, ids: Iterable[str]) -> dict[str, list[Statement]]:
        """What each system says of these records now, by id; systems that say it is gone are left
        out, and so is whoever says nothing. Two keys of one system are two statements."""
        spec = entities()[entity]
        if spec.sealed:
            raise ValueError(f"{entity} is sealed: a check reads nothing personal")
        keys = self._keys(spec.beside or spec.name, ids)
        live = self._assertions(entity, keys)
        homes = self._homes(live)
        found: dict[str, list[Statement]] = {}
        for x, (system, one) in keys.items():
            own = live.get(x, [])
            if own and not is_gone(own):
                found.setdefault(one, []).append(self._statement(system, own, homes))
        return found

    def name(self, entity: str, one: str | None) -> str:
        """What people call a record: ONC-101, S-0019, Ana Moreno (E217); "" where it has no name.
        Never an id, never anything personal of a participant."""
        return self.called(entity, [one] if one else []).get(one or "", "")

    def called(self, entity: str, ids: Iterable[str | None]) -> dict[str, str]:
        """The names of these records, by id; those without a name are left out."""
        return names.called(self.reader, entity, sorted({one for one in ids if one}))

    def _keys(self, owner: str, ids: Iterable[str]) -> dict[int, tuple[str, str]]:
        rows = self.reader.session.among(
            "select x, system, entity_id from xref where entity = ? and entity_id in {members} "
            "order by x",
            sorted(set(ids)),
            (owner,),
        )
        return {x: (system, one) for x, system, one in rows}

    def _assertions(self, entity: str, keys: Iterable[int]) -> dict[int, list[Assertion]]:
        rows = self.reader.session.among("select live from xref where x in {members}", sorted(keys))
        numbers = sorted({a for (live,) in rows for a in orjson.loads(live)})
        found: dict[int, list[Assertion]] = {}
        for a, x, name, seq, at, version, kind, said in self.reader.session.among(
            "select a, x, entity, seq, at, native_version, kind, said from assertion "
            "where a in {members} order by a",
            numbers,
        ):
            if name == entity:
                fields = orjson.loads(said) if said else {}
                one = Assertion(a, x, name, seq, at, version, kind, fields)
                found.setdefault(x, []).append(one)
        return found

    def _homes(self, live: Mapping[int, Sequence[Assertion]]) -> dict[int, str]:
        meant = {
            value["x"]
            for own in live.values()
            for assertion in own
            for value in assertion.fields.values()
            if type(value) is dict and "x" in value
        }
        rows = self.reader.session.among(
            "select x, entity_id from xref where x in {members}", sorted(meant)
        )
        return dict(rows)

    def _statement(
        self, system: str, own: Sequence[Assertion], homes: Mapping[int, str]
    ) -> Statement:
        fields: dict[str, Any] = {}
        at: dict[str, int] = {}
        for name, holder in standing(own).items():
            value = holder.fields[name]
            if type(value) is dict:  # a reference, or the word that there is no value
                value = homes.get(value["x"]) if "x" in value else None
            if value is not None:
                fields[name], at[name] = value, holder.at
        return Statement(system=system, role=self.reader.policy.role(system), fields=fields, at=at)


def _ways(spec: EntitySpec) -> dict[str, str]:
    kinds = {field.column: field.meta.kind for field in spec.fields.values()}
    return {column: kind for column, kind in kinds.items() if kind in ("flag", "texts")}


def _record(columns: Sequence[str], row: Row, ways: Mapping[str, str]) -> Record:
    made = dict(zip(columns, row, strict=True))
    for column, kind in ways.items():
        value = made.get(column)
        if kind == "flag" and value is not None:
            made[column] = bool(value)  # SQLite keeps flags as numbers
        elif type(value) is str:
            made[column] = orjson.loads(value)  # and lists as their text
    return made
