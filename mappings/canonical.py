"""Paths into the canonical record, for outbound mappings: `study.identifier(nct)`.

step.step.step      each step but the last follows a reference, or goes to the sealed part beside
                    and from there back
Delegation(person)  as a step: all that refer to the record so; Delegation(person, status=active):
                    of which that is so. The path leads to a list then
identifier(mrn)     the first identifier of a type; identifier(mrn, UH): of one assigner;
                    identifier(mrn).system: its assigner
key                 how the target system knows it, where it is known there
other_keys          a list: how else the target knows it, where others say that it is all one
id                  how the hub knows it, for a target that keeps our number beside its own
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from hub.model.spec import EntitySpec, entities
from hub.statement import Identifier
from mappings.media.medium import Document, Element, Get, GetAll, Medium
from mappings.mistakes import one_of
from mappings.values import BadPath, BadValue


class CanonicalView(Protocol):
    """One canonical record as a pipeline may show it to one target."""

    @property
    def id(self) -> str:
        """How the hub knows the record."""
        ...

    def get(self, field: str) -> Any:  # noqa: ANN401 - a canonical value
        """The value of a field, None when there is none. Instants in canonical text."""
        ...

    def follow(self, step: str) -> CanonicalView | None:
        """The record that the reference field `step` points to, or the sealed part beside this
        one whose entity is called `step`; None when it is not known yet."""
        ...

    def find(self, entity: str, /, **wanted: str) -> Sequence[CanonicalView]:
        """Records of `entity` that have these values in these fields now, for functions; a
        reference is found by the `id` of what it points to."""
        ...

    def referring(
        self, entity: str, field: str, having: tuple[str, str] | None = None
    ) -> Sequence[CanonicalView]:
        """The records of `entity` whose reference `field` points to this one; with `having`, a
        field and its value, those of which that is so."""
        ...

    def identifiers(self, type: str) -> Sequence[Identifier]:
        """Identifiers of one type, best first."""
        ...

    def native_key(self) -> str | None:
        """The key by which the target knows this record."""
        ...

    def other_keys(self) -> Sequence[str]:
        """The target's other keys of this record, those of what others say is the same."""
        ...


Step = Callable[[CanonicalView], Any]
_OWN = ("key", "other_keys", "id")  # of every record, beside its fields

_STEP = re.compile(
    r"(?P<name>[A-Za-z_]\w*)"
    r"(?:\((?P<type>[\w]+)(?:,\s*(?P<assigner>[^()]+))?\)(?P<system>\.system)?)?"
)


def medium(entity: EntitySpec) -> Medium:
    """The canonical record of `entity` as something that rules can read from."""

    def one(path: str) -> Get:
        find = compile_path(path, entity)
        return lambda view, _element: find(view)

    def every(path: str) -> GetAll:
        find = compile_path(path, entity)

        def values(view: Document, _element: Element) -> Sequence[Any]:
            found = find(view)
            return () if found is None else found if isinstance(found, list) else (found,)

        return values

    return Medium(
        read=_unreadable, one=one, all=every, each=_no_each, unread=lambda _view, _paths: [],
        text=False,
    )  # fmt: skip


def _unreadable(_body: bytes, _media: str) -> NoReturn:
    raise BadValue("no-body", "a canonical record, which has no bytes")


def _no_each(path: str) -> NoReturn:
    raise BadPath(f"each {path!r}", "no `each` in an outbound mapping")


def compile_path(path: str, entity: EntitySpec) -> Step:
    """Reads `path` from a view of `entity`; None when any step on the way is not known.

    Raises BadPath for what the entities on the way do not have.
    """
    hops: list[_Hop] = []
    rest = path
    while True:
        match = _STEP.match(rest)
        if match is None:
            raise BadPath(f"the path {path[:60]!r}", "steps such as study.identifier(nct)")
        after = rest[match.end() :]
        if not after:
            return _along(hops, _last(match, entity, path))
        if not after.startswith(".") or (match["type"] and match["name"] == "identifier"):
            raise BadPath(f"{after[:20]!r} in the path {path[:60]!r}", "the end, or . and a step")
        if match["type"]:
            entity, hop = _back(match, entity)
        else:
            entity, hop = _next(match["name"], entity), _Hop(name=match["name"])
        hops.append(hop)
        rest = after[1:]


def compile_reference(path: str, entity: EntitySpec) -> Callable[[CanonicalView], Any]:
    """The record that `path` leads to from a view of `entity`, such as enrollment.participant;
    None when a step on the way is not known. Raises BadPath as `compile_path` does."""
    ways = path.split(".")
    for way in ways:
        entity = _next(way, entity)
    return _along([_Hop(name=way) for way in ways], lambda view: view)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    """A step on the way: the reference or sealed part `name`, or, with `of`, the records of that
    entity whose reference `name` points here."""

    name: str
    of: str = ""
    having: tuple[str, str] | None = None

    def go(self, view: CanonicalView) -> Sequence[CanonicalView]:
        if self.of:
            return view.referring(self.of, self.name, self.having)
        found = view.follow(self.name)
        return (found,) if found else ()


def _back(match: re.Match[str], entity: EntitySpec) -> tuple[EntitySpec, _Hop]:
    """The step from a record to those that refer to it."""
    known = entities()
    name, way = match["name"], match["type"]
    if name not in known:
        raise BadPath(f"the step {match[0]!r}", one_of(name, known))
    field = known[name].fields.get(way)
    if field is None or field.meta.kind != "ref" or field.meta.of != entity.name:
        names = [f.name for f in known[name].fields.values() if f.meta.of == entity.name]
        raise BadPath(f"{name} refers to no {entity.name} by {way!r}", one_of(way, names))
    return known[name], _Hop(name=way, of=name, having=_having(match["assigner"], known[name]))


def _having(said: str | None, entity: EntitySpec) -> tuple[str, str] | None:
    if said is None:
        return None
    name, _, value = (part.strip() for part in said.partition("="))
    field = entity.fields.get(name)
    if field is None or not value:
        raise BadPath(f"{said!r} of {entity.name}", "a field and its value, such as status=active")
    if field.meta.codes and value not in field.meta.codes:
        raise BadPath(f"the code {value!r}", one_of(value, field.meta.codes))
    return name, value


def _next(name: str, entity: EntitySpec) -> EntitySpec:
    known = entities()
    field = entity.fields.get(name)
    if field and field.meta.kind == "ref":
        return known[field.meta.of]
    beside = known.get(name)
    if beside and (entity.name == beside.beside or entity.beside == name):
        return beside
    names = [f.name for f in entity.fields.values() if f.meta.kind == "ref"]
    names += [spec.name for spec in known.values() if spec.beside == entity.name]
    names += [entity.beside] if entity.beside else []
    raise BadPath(f"the step {name!r} from {entity.name}", one_of(name, names))


def _last(match: re.Match[str], entity: EntitySpec, path: str) -> Step:
    name = match["name"]
    if match["type"]:
        return _identifier(match, entity)
    if name == "key":
        return lambda view: view.native_key()
    if name == "other_keys":
        return lambda view: list(view.other_keys()) or None
    if name == "id":
        return lambda view: view.id
    field = entity.fields.get(name)
    if field is None:
        raise BadPath(f"{entity.name} has no {name!r}", one_of(name, [*entity.fields, *_OWN]))
    if field.meta.kind == "ref":
        raise BadPath(f"the reference {path[:60]!r}", f"a step on, such as {name}.key")
    return lambda view: view.get(name)


def _identifier(match: re.Match[str], entity: EntitySpec) -> Step:
    type_, assigner = match["type"].lower(), (match["assigner"] or "").strip()
    if match["name"] != "identifier":
        raise BadPath(f"{match[0]!r}", "identifier(type)")
    if type_ not in entity.identifiers:
        found = f"{entity.name} has no identifier {type_!r}"
        raise BadPath(found, one_of(type_, entity.identifiers))
    system = bool(match["system"])

    def find(view: CanonicalView) -> str | None:
        for one in view.identifiers(type_):
            if not assigner or one.assigner == assigner:
                return (one.assigner or None) if system else one.value
        return None

    return find


def _along(hops: Sequence[_Hop], last: Step) -> Step:
    if not hops:
        return last
    several = any(hop.of for hop in hops)

    def walk(view: CanonicalView) -> Any:  # noqa: ANN401 - a canonical value, or a list of such
        here: list[CanonicalView] = [view]
        for hop in hops:
            here = [found for one in here for found in hop.go(one)]
        said = [value for one in here if (value := last(one)) is not None]
        if several:
            return said or None
        return said[0] if said else None

    return walk
