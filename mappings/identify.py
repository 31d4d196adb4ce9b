"""Identifiers of a thing, one or one for each element, as closures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hub.model.base import IdentifierType
from hub.model.spec import EntitySpec
from hub.statement import Complaint, Identifier
from mappings import compile as compiling
from mappings.compile import Value, Workshop
from mappings.complaints import Blame, placed
from mappings.media.medium import Document, Element
from mappings.spec import Identify, Rule
from mappings.values import BadValue

# Adds the identifiers of one thing; complaints about bad ones go to the second list.
Add = Callable[[Any, Any, str, list[Identifier], list[Complaint]], None]
_SetDays = Callable[[Any, Any, str, Identifier, list[Complaint]], None]


def identifiers(rules: Sequence[Identify], entity: EntitySpec, shop: Workshop) -> tuple[Add, ...]:
    return tuple(_adder(rule, entity, shop) for rule in rules)


def _adder(rule: Identify, entity: EntitySpec, shop: Workshop) -> Add:
    type_of, value_of, system_of = _values(rule, shop)
    blames = _blames(rule, entity)
    each = shop.medium.each(rule.each) if rule.each else _itself
    types = entity.identifiers
    unsaid = _authority(rule, shop)
    when = _days(rule, entity, shop)

    def add(
        document: Document,
        element: Element,
        key: str,
        found: list[Identifier],
        notes: list[Complaint],
    ) -> None:
        for item in each(document, element):
            reading = 0
            try:
                type_ = type_of(document, item)
                if type(type_) is not str:
                    continue  # nothing says what it is
                if type_ not in types:
                    raise BadValue("unknown-identifier-type", ", ".join(types), type_)
                reading = 1
                value = value_of(document, item)
                if type(value) is not str:
                    continue
                reading = 2
                system = system_of(document, item)
            except BadValue as bad:
                notes.append(blames[reading].complaint(bad, key))
                continue
            if system is None and unsaid and _is_own(types[type_]):
                system = unsaid
            one = Identifier(type_, value, system if type(system) is str else "")
            when(document, item, key, one, notes)
            if one not in found:
                found.append(one)

    return add


def _values(rule: Identify, shop: Workshop) -> tuple[Value, Value, Value]:
    """Type, value and assigner, in the order they are read."""
    system = compiling.value(rule.system, shop) if rule.system else _nothing
    return compiling.value(rule.type, shop), compiling.value(rule.value, shop), system


def _days(rule: Identify, entity: EntitySpec, shop: Workshop) -> _SetDays:
    """Sets the first and the last day of an identifier, where the mapping reads them. One that
    cannot be read is left out, and noted."""
    read = [
        (name, compiling.value(source, shop, kind="date"), _blame(rule, entity, name, source))
        for name, source in (("since", rule.since), ("until", rule.until))
        if source
    ]

    def days(
        document: Document, item: Element, key: str, one: Identifier, notes: list[Complaint]
    ) -> None:
        for name, get, blame in read:
            try:
                day = get(document, item)
            except BadValue as bad:
                notes.append(blame.complaint(bad, key))
                continue
            if type(day) is str:
                setattr(one, name, day)

    return days if read else _no_days


def _authority(rule: Identify, shop: Workshop) -> str:
    """Who assigns a number for which the message names nobody, in the words of the hub."""
    if not (rule.system and shop.medium.authority):
        return ""
    steps = compiling.cut_up(rule.system, shop, "text").steps
    said = compiling.chain(steps)(shop.medium.authority)
    return said if isinstance(said, str) else ""


def _is_own(kind: IdentifierType) -> bool:
    """Whether the sender's authority is one that assigns such numbers: not a country's, and not
    one of those that other houses give out."""
    return kind.assigned and kind.strong and kind.type != "national_id"


def _blames(rule: Identify, entity: EntitySpec) -> tuple[Blame, Blame, Blame]:
    system = rule.system or rule.value
    read = (("type", rule.type), ("value", rule.value), ("system", system))
    kind, value, assigner = (_blame(rule, entity, name, source) for name, source in read)
    return kind, value, assigner


def _blame(rule: Identify, entity: EntitySpec, name: str, source: Rule) -> Blame:
    return Blame(
        entity=entity.name,
        field=f"identifiers.{name}",
        place=placed(source.place, rule.each),
        sealed=name == "value",
        policy=source.on_bad,
    )


def _no_days(
    _document: Document, _item: Element, _key: str, _one: Identifier, _notes: list[Complaint]
) -> None:
    return None


def _nothing(_document: Document, _element: Element) -> None:
    return None


def _itself(_document: Document, element: Element) -> tuple[Element, ...]:
    return (element,)
