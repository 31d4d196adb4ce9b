"""A FHIR search as it stands in a URL, read into filters of the canonical records.

What is unknown is refused with the names that are known: a client that asks for less than it
gets would take all records for those it wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from crohub.fhir import systems
from crohub.fhir.codes import Codes
from crohub.fhir.kind import Kind, Param
from crohub.fhir.kinds import KINDS, pointing_to
from crohub.fhir.scene import Version
from hub import dates, filters
from hub.model.spec import EntitySpec, entities
from hub.query import BadQuery, Sought, shown

PAGE, LARGEST = 50, 200  # resources of a page: when nothing is said, at most
RESULT = ("_count", "_sort", "_summary", "_elements", "_include", "_revinclude", "_total",
          "_format", "_pretty", "_cursor")  # fmt: skip
COMMON = ("_id", "_lastUpdated")
SUMMARIES = ("true", "false", "count", "text", "data")
PROVENANCE = "Provenance:target"
_PREFIXES = ("eq", "ge", "gt", "le", "lt", "sa", "eb")
_DATE = re.compile(r"([a-z]{2})?(.+)", re.DOTALL)
_MODIFIERS = {"string": ("", "contains", "exact"), "flag": ("", "missing"),
              "date": ("", "missing"), "token": ("", "missing")}  # fmt: skip
_TESTS = {"ge": ("ge",), "gt": ("gt",), "le": ("le",), "lt": ("lt",), "sa": ("gt",),
          "eb": ("lt",), "eq": ("ge", "le")}  # fmt: skip
_NOBODY = "none"  # no id looks like this: the filter of a search that nothing can meet

Params = Sequence[tuple[str, str]]
Resolve = Callable[[str, str], str | None]  # (entity, id) → the id after all merges


@dataclass(slots=True)
class Asked:
    """A search. `filters` are canonical ones; of each list in `identifiers` one must be had;
    `said` are the parameters that the links of the answer repeat."""

    filters: list[tuple[str, str]] = field(default_factory=list)
    identifiers: list[list[Sought]] = field(default_factory=list)
    count: int = PAGE
    sort: str = "id"
    cursor: str = ""
    summary: str = "false"
    elements: tuple[str, ...] = ()
    total: bool = False
    includes: list[str] = field(default_factory=list)
    revincludes: list[str] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asking:
    """Reads the searches of one resource type."""

    kind: Kind
    version: Version
    codes: Codes
    resolve: Resolve

    @property
    def spec(self) -> EntitySpec:
        """The entity whose records are shown."""
        return entities()[self.kind.entity]

    def read(self, params: Params) -> Asked:
        """Raises BadQuery naming what is unknown or unreadable."""
        asked = Asked(said=[one for one in params if one[0] not in ("_cursor", "_count")])
        once: set[str] = set()
        known = {param.name: param for param in self.kind.offered(self.version)}
        for said, value in params:
            name, _, modifier = said.partition(":")
            if said in RESULT:
                if said in once and said not in ("_include", "_revinclude"):
                    raise BadQuery("CROHUB-BAD-VALUE", f"{said} is given twice")
                once.add(said)
                self._result(asked, said, value)
            elif said in COMMON:
                own = [("id__in", value.lower())]
                asked.filters += own if said == "_id" else updated(value)
            elif name in known:
                self._param(asked, known[name], modifier, value)
            else:
                raise self._unknown(name, (*known, *COMMON, *RESULT))
        return asked

    def _unknown(self, name: str, known: Sequence[str]) -> BadQuery:
        return BadQuery(
            "CROHUB-UNKNOWN-PARAMETER",
            f"{shown(name)} does not search {self.kind.type} in {self.version}; expected one of: "
            f"{', '.join(known)}",
        )

    def _result(self, asked: Asked, name: str, value: str) -> None:
        if name == "_count":
            asked.count = min(_whole(value), LARGEST)
        elif name == "_sort":
            asked.sort = self._sort(value)
        elif name == "_summary":
            asked.summary = _one_of(name, value, SUMMARIES)
        elif name == "_elements":
            asked.elements = tuple(one for one in value.split(",") if one)
        elif name == "_total":
            asked.total = _one_of(name, value, ("none", "estimate", "accurate")) != "none"
        elif name == "_include":
            asked.includes.append(self._link(name, value, self.includes()))
        elif name == "_revinclude":
            asked.revincludes.append(self._link(name, value, self.revincludes()))
        elif name == "_cursor":
            asked.cursor = value

    def includes(self) -> list[str]:
        """What `_include` knows."""
        return [f"{self.kind.type}:{name}" for name in self.kind.links(self.version)]

    def revincludes(self) -> list[str]:
        """What `_revinclude` knows."""
        return [*pointing_to(self.kind.type, self.version), PROVENANCE]

    def _link(self, name: str, value: str, known: list[str]) -> str:
        source, _, rest = value.partition(":")
        link = f"{source}:{rest.partition(':')[0]}"
        if link not in known:
            raise BadQuery(
                "CROHUB-UNKNOWN-INCLUDE", f"{name}: expected one of: {', '.join(known) or 'none'}"
            )
        return link

    def _sort(self, value: str) -> str:
        way, name = ("-", value[1:]) if value.startswith("-") else ("", value)
        known = {"_id": "id", "_lastUpdated": "recorded_at"} | {
            one.name: one.field
            for one in self.kind.offered(self.version)
            if one.field in self.kind.dates
        }
        if name not in known:
            raise BadQuery("CROHUB-UNKNOWN-SORT", f"_sort: expected one of: {', '.join(known)}")
        return way + known[name]

    def _param(self, asked: Asked, param: Param, modifier: str, value: str) -> None:
        if param.search == "identifier" and not modifier:
            asked.identifiers.append([s for one in value.split(",") for s in self._sought(one)])
            return
        if param.search == "reference":
            asked.filters.append((f"{param.field}__in", self._referred(param, modifier, value)))
            return
        allowed = _MODIFIERS.get(param.search, ("",))
        if modifier not in allowed:
            expected = ", ".join(f"{param.name}:{one}" if one else param.name for one in allowed)
            raise BadQuery("CROHUB-UNKNOWN-PARAMETER", f"{param.name}: expected {expected}")
        if modifier == "missing":
            asked.filters.append((f"{param.field}__missing", value))
            return
        asked.filters += self._field(param, modifier, value)

    def _field(self, param: Param, modifier: str, value: str) -> list[tuple[str, str]]:
        if param.search == "string":
            return [(param.field + ("" if modifier == "exact" else "__contains"), value)]
        if param.search == "date":
            clock = self.spec.fields[param.field].meta.kind == "instant"
            return dated(param.name, param.field, value, clock=clock)
        if param.search == "flag":
            return [(param.field, _one_of(param.name, _code(value), ("true", "false")))]
        words = [word for one in value.split(",") for word in self._words(param, _code(one))]
        return [(f"{param.field}__in", ",".join(words))] if words else [("id", _NOBODY)]

    def _words(self, param: Param, code: str) -> list[str]:
        """The canonical words for one of FHIR's."""
        if param.inbound:
            meaning = self.codes.meaning(param.inbound, code)
            return [meaning] if meaning else []
        table = param.table_of(self.version)
        if not table:
            return [code]
        found = self.codes.means(table, code)
        if not found:
            known = ", ".join(self.codes.words(table))
            raise BadQuery("CROHUB-BAD-VALUE", f"{param.name}: expected one of: {known}")
        return found

    def _referred(self, param: Param, modifier: str, value: str) -> str:
        if modifier not in ("", param.target):
            raise BadQuery(
                "CROHUB-UNKNOWN-PARAMETER", f"{param.name}: expected {param.name}:{param.target}"
            )
        entity, found = KINDS[param.target].entity, []
        for one in value.split(","):
            type_, _, own = one.rstrip("/").rpartition("/")
            if type_ and type_.rpartition("/")[2] != param.target:
                raise BadQuery("CROHUB-BAD-VALUE", f"{param.name}: expected {param.target}/id")
            found.append(self.resolve(entity, own.lower()) or _NOBODY)
        return ",".join(found)

    def _sought(self, value: str) -> list[Sought]:
        """What a token `system|value` may be; without a system any number of the record."""
        system, bar, number = value.rpartition("|")
        spec = self.spec
        if not number:
            raise BadQuery("CROHUB-BAD-VALUE", "identifier: expected system|value or value")
        if not bar or not system:
            return [filters.sought_of(spec, type_, number, None) for type_ in spec.identifiers]
        type_, assigner = systems.parse(self.codes, system)
        if type_ not in spec.identifiers:
            return []
        return [filters.sought_of(spec, type_, number, assigner)]


def dated(name: str, column: str, value: str, *, clock: bool) -> list[tuple[str, str]]:
    """A date with its prefix; `2026-03` is any day of that month. Where the field has no `clock`,
    the day that a moment lies in is partly before it and partly after."""
    prefix, said = _prefixed(name, value)
    if dates.is_date(said):
        return [(f"{column}__{test}", said) for test in _TESTS[prefix]]
    if not _is_moment(said):
        raise BadQuery("CROHUB-BAD-VALUE", f"{name}: expected a date such as ge2026-03-01")
    if clock:
        return [(f"{column}__{test}", said) for test in _TESTS[prefix]]
    partly = {"gt": "ge", "lt": "le"}.get(prefix, prefix)
    return [(f"{column}__{test}", said[:10]) for test in _TESTS[partly]]


def updated(value: str) -> list[tuple[str, str]]:
    """`_lastUpdated`: a moment, or a whole day, month or year in UTC."""
    prefix, said = _prefixed("_lastUpdated", value)
    try:
        first, behind = _span(said)
    except (ValueError, OverflowError):  # behind the last year there is
        raise BadQuery("CROHUB-BAD-VALUE", "_lastUpdated: expected a date or moment") from None
    bounds = {
        "ge": [("ge", first)], "gt": [("ge", behind)], "sa": [("ge", behind)],
        "lt": [("lt", first)], "eb": [("lt", first)], "le": [("lt", behind)],
        "eq": [("ge", first), ("lt", behind)],
    }  # fmt: skip
    return [(f"recorded_at__{test}", at.isoformat()) for test, at in bounds[prefix]]


def _span(said: str) -> tuple[datetime, datetime]:
    """The first moment that is meant, and the first one behind it."""
    if dates.is_date(said):
        first = dates.to_datetime(said)
        if len(said) == 10:
            return first, first + timedelta(days=1)
        month = first.replace(day=28) + timedelta(days=4)
        behind = month.replace(day=1) if len(said) == 7 else first.replace(year=first.year + 1)
        return first, behind
    if not _is_moment(said):
        raise ValueError(said)
    at = datetime.fromisoformat(said.replace(" ", "+"))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    step = timedelta(microseconds=1) if "." in said else timedelta(seconds=1)
    return at, at + step


def _is_moment(said: str) -> bool:
    try:
        datetime.fromisoformat(said.replace(" ", "+"))
    except ValueError:
        return False
    return "T" in said


def _prefixed(name: str, value: str) -> tuple[str, str]:
    match = _DATE.fullmatch(value)
    prefix, said = (match[1] or "eq", match[2]) if match else ("", "")
    if prefix not in _PREFIXES:
        raise BadQuery(
            "CROHUB-BAD-VALUE", f"{name}: expected a date with one of: {', '.join(_PREFIXES)}"
        )
    return prefix, said


def _code(token: str) -> str:
    """The code of `system|code`; whose it is the field says already."""
    return token.rpartition("|")[2]


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise BadQuery("CROHUB-BAD-VALUE", f"{name}: expected one of: {', '.join(known)}")
    return value


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise BadQuery("CROHUB-BAD-VALUE", "_count: expected a whole number")
    return int(value[:9])
