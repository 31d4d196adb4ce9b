"""Reads records as resources: one, or a page of a search with what is included beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crohub.fhir import shaping
from crohub.fhir.asking import PROVENANCE, Asked
from crohub.fhir.codes import Codes
from crohub.fhir.kind import Kind, Part
from crohub.fhir.kinds import KINDS
from crohub.fhir.scene import Json, Scene, Version
from hub import filters, repository
from hub.enrich import sealed_type
from hub.model.spec import EntitySpec, entities
from hub.principal import PHI, Principal
from hub.query import Condition, Query, Sought, View
from hub.reader import Reader
from hub.render import Record

_TOLD = 20  # records of a page whose provenance is told with it: it is worked out anew each time
_FOUND = 500  # records that a number without its system may find
_INCLUDED = 1000  # resources that point to those of one page
_CHILDREN = 500  # child records read at once
_STANDING = Condition("withdrawn", "flag", "", value=False)


@dataclass(slots=True)
class Found:
    """A page: its own resources, those beside them, what could not be shown, and where to go on."""

    matches: list[Json] = field(default_factory=list)
    included: list[Json] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Searching:
    """The means of reading, on somebody's behalf."""

    reader: Reader
    principal: Principal
    codes: Codes
    version: Version

    def one(self, kind: Kind, one: str) -> tuple[Json | None, str | None]:
        """The resource, and the id it has after all merges, None where there is none to see. A
        record that nobody stands by any more has an id and no resource."""
        survivor = repository.current(self.reader, self.principal, entities()[kind.entity], one)
        if survivor is None or survivor != one:
            return None, survivor
        conditions = (*kind.only, _STANDING, Condition("id", "text", "", one))
        records = self._page(kind, Query(conditions=conditions, limit=1)).items
        made = self._written(kind, records, [], strict=True)
        return (made[0] if made else None), one

    def resolve(self, entity: str, one: str) -> str | None:
        """The id that a record has after all merges, where it may be seen."""
        return repository.current(self.reader, self.principal, entities()[entity], one)

    def page(self, kind: Kind, asked: Asked) -> Found:
        """A page of a search; without resources where only their number is asked for."""
        query = self._query(kind, asked)
        found = Found()
        if asked.total or asked.summary == "count" or not asked.count:
            found.total = self._count(kind, query)
        if asked.summary == "count" or not asked.count:
            return found
        page = self._page(kind, query)
        found.next = page.next
        found.matches = self._written(kind, page.items, found.notes)
        for link in dict.fromkeys(asked.includes):
            self._include(found, kind, link, page.items)
        for link in dict.fromkeys(asked.revincludes):
            if link != PROVENANCE:
                self._point(found, link, page.items)
        return found

    def _query(self, kind: Kind, asked: Asked) -> Query:
        spec = entities()[kind.entity]
        count = min(asked.count, _TOLD) if PROVENANCE in asked.revincludes else asked.count
        params = [*asked.filters, ("sort", asked.sort), ("limit", str(count or 1))]
        if asked.cursor:
            params.append(("cursor", asked.cursor))
        query = filters.parse(spec, params)
        conditions = [*query.conditions, *kind.only, _STANDING]
        identifiers: list[Sought] = []
        for any_of in asked.identifiers:
            if len(any_of) == 1:
                identifiers += any_of
            else:
                conditions.append(Condition("id", "text", "in", self._having(spec, any_of)))
        return replace(query, conditions=tuple(conditions), identifiers=tuple(identifiers))

    def _having(self, spec: EntitySpec, any_of: Sequence[Sought]) -> list[str]:
        """Ids of records with one of these numbers; of personal ones only where the principal
        may search by them."""
        ids: dict[str, None] = {}
        for sought in any_of:
            scope = sealed_type(spec, sought.type)
            if scope and not self.principal.may(scope):
                continue
            query = Query(identifiers=(sought,), limit=_FOUND, view=View(fields=frozenset({"id"})))
            page = repository.page(self.reader, self.principal, spec, query)
            ids |= {record["id"]: None for record in page.items}
        return list(ids)

    def _count(self, kind: Kind, query: Query) -> int:
        return repository.counted(
            self.reader, self.principal, entities()[kind.entity], replace(query, after=None)
        )

    def _page(self, kind: Kind, query: Query) -> repository.Page:
        spec = entities()[kind.entity]
        include = {"labels", *(("identifiers",) if spec.identifiers else ())}
        view = View(include=frozenset(include | ({kind.sealed} if kind.sealed else set())))
        if kind.sealed:
            self.principal.must(PHI)
        return repository.page(self.reader, self.principal, spec, replace(query, view=view))

    def _written(
        self, kind: Kind, records: Sequence[Record], notes: list[str], *, strict: bool = False
    ) -> list[Json]:
        scene = Scene(version=self.version, codes=self.codes, parts=self._parts(kind, records))
        made = []
        for record in records:
            try:
                written = kind.write(record, scene)
                made.append(shaping.finish(kind, self.version, written, record))
            except shaping.NotWritable as fault:
                if strict:
                    raise
                notes.append(str(fault))
        return made

    def _parts(self, kind: Kind, records: Sequence[Record]) -> dict[str, dict[str, list[Record]]]:
        ids = [record["id"] for record in records]
        return {
            part.name: self._children(part, ids)
            for part in kind.parts
            if self.version in part.versions and ids
        }

    def _children(self, part: Part, ids: list[str]) -> dict[str, list[Record]]:
        spec = entities()[part.entity]
        order = filters.parse(spec, [("sort", part.sort)]).order
        column = spec.fields[part.by].column
        conditions = (Condition(column, "ref", "in", ids), _STANDING)
        query = Query(conditions=conditions, order=order, limit=_CHILDREN,
                      view=View(include=frozenset({"labels"})))  # fmt: skip
        found: defaultdict[str, list[Record]] = defaultdict(list)
        while True:
            page = repository.page(self.reader, self.principal, spec, query)
            for record in page.items:
                found[record[part.by]["id"]].append(record)
            if page.next is None:
                return found
            query = replace(query, after=filters.parse(
                spec, [("sort", part.sort), ("cursor", page.next)]
            ).after)  # fmt: skip

    def _include(self, found: Found, kind: Kind, link: str, records: Iterable[Record]) -> None:
        param = kind.links(self.version)[link.partition(":")[2]]
        target = KINDS[param.target]
        ids = sorted({one["id"] for record in records if (one := record[param.field])})
        self._beside(found, target, Condition("id", "text", "in", ids), len(ids))

    def _point(self, found: Found, link: str, records: Sequence[Record]) -> None:
        source, _, name = link.partition(":")
        kind = KINDS[source]
        column = entities()[kind.entity].fields[kind.links(self.version)[name].field].column
        ids = [record["id"] for record in records]
        more = self._beside(found, kind, Condition(column, "ref", "in", ids), _INCLUDED)
        if more:
            found.notes.append(
                f"more than {_INCLUDED} are found by _revinclude={link}: search {source} instead"
            )

    def _beside(self, found: Found, kind: Kind, which: Condition, most: int) -> bool:
        if not which.value:
            return False
        page = self._page(kind, Query(conditions=(which, *kind.only, _STANDING), limit=most))
        known = {_place(one) for one in (*found.matches, *found.included)}
        made = self._written(kind, page.items, found.notes)
        found.included += [one for one in made if _place(one) not in known]
        return page.next is not None


def _place(resource: Json) -> tuple[Any, Any]:
    return resource["resourceType"], resource["id"]
