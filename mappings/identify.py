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


def identifiers(rules: Sequence[Identify], entity: EntitySpec, shop: Workshop) -> tuple[Add, ...]:
    return tuple(_adder(rule, entity, shop) for rule in rules)


def _adder(rule: Identify, entity: EntitySpec, shop: Workshop) -> Add:
    type_of, value_of, system_of = _values(rule, shop)
    blames = _blames(rule, entity)
    each = shop.medium.each(rule.each) if rule.each else _itself
    types = entity.identifiers
    unsaid = _authority(rule, shop)

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
            if one not in found:
                found.append(one)

    return add


def _values(rule: Identify, shop: Workshop) -> tuple[Value, Value, Value]:
    """Type, value and assigner, in the order they are read."""
    system = compiling.value(rule.system, shop) if rule.system else _nothing
    return compiling.value(rule.type, shop), compiling.value(rule.value, shop), system


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
    def blame(name: str, source: Rule) -> Blame:
        return Blame(
            entity=entity.name,
            field=f"identifiers.{name}",
            place=placed(source.place, rule.each),
            sealed=name == "value",
            policy=source.on_bad,
        )

    system = rule.system or rule.value
    return blame("type", rule.type), blame("value", rule.value), blame("system", system)


def _nothing(_document: Document, _element: Element) -> None:
    return None


def _itself(_document: Document, element: Element) -> tuple[Element, ...]:
    return (element,)
