"""The records of one study, read for an export: page by page, as somebody may see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hub import filters, repository
from hub.model.spec import entities
from hub.principal import Principal
from hub.query import Condition, Query, View
from hub.reader import Reader
from hub.render import Record

_PAGE = 500
_STANDING = Condition("withdrawn", "flag", "", value=False)


@dataclass(frozen=True, slots=True)
class Records:
    """The means of reading, on somebody's behalf. `said`: who said each field is read as well."""

    reader: Reader
    principal: Principal
    said: bool = True

    def one(self, entity: str, id: str) -> Record | None:
        """One record with its identifiers, or the one it was merged into."""
        spec = entities()[entity]
        return repository.get(self.reader, self.principal, spec, id, self._view(entity))

    def pages(
        self, entity: str, by: str, ids: Sequence[str], *, sort: str = "id"
    ) -> Iterator[list[Record]]:
        """The records whose reference `by` points to one of `ids`, in pages."""
        spec = entities()[entity]
        condition = Condition(spec.fields[by].column, "ref", "in", list(ids))
        order = filters.parse(spec, [("sort", sort)]).order
        query = Query(conditions=(condition, _STANDING), order=order, limit=_PAGE,
                      view=self._view(entity))  # fmt: skip
        while ids:
            page = repository.page(self.reader, self.principal, spec, query)
            yield page.items
            if page.next is None:
                return
            onward = filters.parse(spec, [("sort", sort), ("cursor", page.next)])
            query = replace(query, after=onward.after)

    def all(self, entity: str, by: str, ids: Sequence[str], *, sort: str = "id") -> list[Record]:
        """The same at once: for what a study has few of."""
        return [one for page in self.pages(entity, by, ids, sort=sort) for one in page]

    def grouped(self, entity: str, by: str, ids: Sequence[str]) -> dict[str, list[Record]]:
        """By what they point to."""
        found: defaultdict[str, list[Record]] = defaultdict(list)
        for one in self.all(entity, by, ids):
            found[one[by]["id"]].append(one)
        return found

    def called(self, entity: str, ids: Sequence[str]) -> dict[str, Record]:
        """These records by id, with their identifiers."""
        spec = entities()[entity]
        found: dict[str, Record] = {}
        for start in range(0, len(ids), _PAGE):
            condition = Condition("id", "text", "in", list(ids[start : start + _PAGE]))
            query = Query(conditions=(condition,), limit=_PAGE, view=self._view(entity))
            page = repository.page(self.reader, self.principal, spec, query)
            found |= {one["id"]: one for one in page.items}
        return found

    def _view(self, entity: str) -> View:
        identified = bool(entities()[entity].identifiers)
        include = frozenset({"labels", "identifiers"} if identified else {"labels"})
        return View(include=include, provenance=self.said)


def number(record: Record, *types: str) -> str | None:
    """The record's identifier of the first of these types that it has."""
    for type_ in types:
        for one in record.get("identifiers", ()):
            if one["type"] == type_:
                return str(one["value"])
    return None
