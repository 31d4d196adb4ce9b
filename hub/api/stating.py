"""Reads the body of a write: what a system says of one record, every mistake of it at once.

null says that there is no value any more. A reference is our own id, or {"id"}, {"key"} (as the
same system knows it) or {"identifier": {"type", "value", "assigner"}}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub import dates, repository
from hub.api.errors import Problem
from hub.enrich import sealed_type
from hub.model import check
from hub.model.spec import EntitySpec, FieldSpec, entities
from hub.principal import Principal
from hub.reader import SCOPES, Reader, scope_for, sealed_parts
from hub.statement import REMOVED, Identifier, Ref, Stated

Json = dict[str, Any]
_LONGEST = 400  # characters of a key or an identifier
_MOST = 50  # identifiers of one record
_ABOUT = ("assigner", "since", "until")  # of an identifier, beside its type and value
_KINDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number",
          list: "a list", dict: "an object"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Of:
    """What a write is about: the record of `spec` that the system knows as `key`. `id`: our own id
    of it, "" for a new one. `complete`: a field that is not there has no value any more."""

    spec: EntitySpec
    key: str
    id: str = ""
    complete: bool = False


@dataclass(slots=True)
class Stating:
    """One body on its way to statements; the mistakes that were found in it."""

    reader: Reader
    principal: Principal
    faults: list[Json] = field(default_factory=list)

    def statements(self, of: Of, given: Json) -> tuple[Stated, ...]:
        """What `given` states. Raises Problem naming every mistake, and Forbidden for what is
        sealed without its scope."""
        parts = sealed_parts(of.spec.name)
        at = self._at(given.get("at"))
        own = {n: v for n, v in given.items() if n not in (*parts, "identifiers", "at")}
        identifiers = tuple(self._identifiers(of.spec, given.get("identifiers")))
        made = [
            Stated(
                entity=of.spec.name, key=of.key, of=of.id, complete=of.complete, at=at,
                fields=self._fields(of.spec, own, ""), identifiers=identifiers,
            )
        ]  # fmt: skip
        for name, part in parts.items():
            if name in given:
                self.principal.must(scope_for(part))
                fields = self._part(part, name, given[name])
                made.append(
                    Stated(entity=part.name, key=of.key, at=at, complete=of.complete, fields=fields)
                )
        self.refuse()
        return tuple(made)

    def refuse(self) -> None:
        """Raises Problem where something was wrong."""
        if not self.faults:
            return
        first = self.faults[0]
        fault = Problem(422, detail=f"{first['field']}: expected {first['expected']}")
        fault.more = {"errors": self.faults}
        raise fault

    def fault(self, name: str, expected: str, found: Any) -> None:  # noqa: ANN401 - JSON
        """Notes a mistake: what was found is told by its kind, never by its value."""
        kind = "nothing" if found is None else _KINDS.get(type(found), "something else")
        self.faults.append({"field": name, "expected": expected, "found": kind})

    def _at(self, value: Any) -> str:  # noqa: ANN401 - JSON
        if value is None:
            return ""
        if not isinstance(value, str) or not dates.is_instant(value) or "T" not in value:
            self.fault("at", "a moment such as 2026-03-01T08:30Z", value)
            return ""
        return value

    def _part(self, part: EntitySpec, name: str, given: Any) -> Json:  # noqa: ANN401 - JSON
        if not isinstance(given, dict):
            self.fault(name, f"an object with fields of {part.name}", given)
            return {}
        return self._fields(part, given, f"{name}.")

    def _fields(self, spec: EntitySpec, given: Json, before: str) -> Json:
        values = {name: self._value(spec, name, value, before) for name, value in given.items()}
        taken, faults = check.check(spec.name, values)
        told = {fault["field"] for fault in self.faults}
        for fault in faults:
            if f"{before}{fault.field}" not in told:
                known = fault.rule == "unknown-field"
                expected = f"one of: {', '.join(spec.fields)}" if known else fault.expected
                self.fault(f"{before}{_shown(fault.field)}", expected, given[fault.field])
        return taken

    def _value(self, spec: EntitySpec, name: str, value: Any, before: str) -> Any:  # noqa: ANN401
        if value is None:
            return REMOVED
        field = spec.fields.get(name)
        if field and field.sealed and not spec.sealed:
            self.principal.must(SCOPES[field.sensitivity])
        if field and field.meta.kind == "ref":
            return self._reference(field, f"{before}{name}", value)
        return value

    def _reference(self, field: FieldSpec, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        spec = entities()[field.meta.of]
        match value if isinstance(value, dict) else {"id": value}:
            case {"id": str() as one, **rest} if set(rest) <= {"entity", "label"}:
                one = one.lower()
                if rest.get("entity", spec.name) == spec.name and self._is_there(spec, one):
                    return Ref(spec.name, id=one)
            case {"key": str() as key, **rest} if not rest and 0 < len(key) <= _LONGEST:
                return Ref(spec.name, key=key)
            case {"identifier": dict() as said, **rest} if not rest:
                return Ref(spec.name, identifiers=tuple(self._identifiers(spec, [said], name)))
        self.fault(name, f"the id of a {spec.name}, or its key or an identifier", value)
        return value

    def _is_there(self, spec: EntitySpec, one: str) -> bool:
        return repository.current(self.reader, self.principal, spec, one) is not None

    def _identifiers(
        self,
        spec: EntitySpec,
        given: Any,  # noqa: ANN401 - JSON
        name: str = "identifiers",
    ) -> Iterator[Identifier]:
        if given is None:
            return
        if not isinstance(given, list) or len(given) > _MOST:
            self.fault(name, f"a list of at most {_MOST}", given)
            return
        for one in given:
            if found := _identifier(spec, one):
                if scope := sealed_type(spec, found.type):
                    self.principal.must(scope)
                yield found
            else:
                types = ", ".join(spec.identifiers) or "none"
                self.fault(name, f'{{"type", "value", "assigner"}}, the types: {types}', one)


def _identifier(spec: EntitySpec, given: Any) -> Identifier | None:  # noqa: ANN401 - JSON
    match given:
        case {"type": str() as type_, "value": str() as value, **rest} if set(rest) <= set(_ABOUT):
            said = [text for name in _ABOUT if isinstance(text := rest.get(name) or "", str)]
            if len(said) < len(_ABOUT) or not all(map(_is_text, (value, *said))):
                return None
            if any(day and not dates.is_date(day) for day in said[1:]):
                return None
            if type_.lower() in spec.identifiers and value:
                return Identifier(type_.lower(), value, *said)
    return None


def _is_text(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable()


def _shown(name: str) -> str:
    """A name that was sent, as far as it may be repeated."""
    return name if name.isascii() and name.isidentifier() and len(name) <= 60 else "a field"


def plain(given: Any, names: Mapping[str, str]) -> Json:  # noqa: ANN401 - JSON
    """The body as an object without `names`, which are of another verb. Raises Problem."""
    if not isinstance(given, dict):
        raise Problem(422, detail="expected an object with fields of the record")
    for name, why in names.items():
        if name in given:
            raise Problem(422, detail=f"{name}: {why}")
    return given
