"""A record as it is compared: its fields and numbers in plain form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.matching import words
from hub.matching.weights import Traits

Fields = Mapping[str, Any]
_PHONE_FIELDS = ("phone", "mobile_phone", "work_phone")
_CHARTS = ("mrn", "research_id")
_SHORTEST = 7  # digits of a telephone number that tells anything


class Number(NamedTuple):
    """One identifier of a record."""

    type: str
    assigner: str
    digest: bytes
    value: str
    strong: bool
    single: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One record to be compared: `blocks` are texts that it shares with those worth comparing."""

    id: str
    traits: Traits = field(repr=False)
    blocks: frozenset[str] = field(repr=False)


def subject(entity: str, one: str, fields: Fields, numbers: Sequence[Number]) -> Subject:
    """The subject that a record's golden fields (sealed ones opened) and identifiers make."""
    traits, blocks = _MAKERS[entity]
    own = traits(fields, numbers)
    keys = frozenset(f"{entity}|{text}" for text in blocks(own, numbers))
    return Subject(id=one, traits=own, blocks=keys)


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _families(fields: Fields) -> tuple[str, ...]:
    names = ("family_name", "previous_family_name")
    return tuple(name for n in names if (name := words.name(_text(fields, n))))


def _given(fields: Fields, name: str = "given_name") -> str:
    first = words.plain(_text(fields, name)).split()
    return first[0] if first else ""


def _phones(fields: Fields) -> frozenset[str]:
    found = (words.digits(_text(fields, name)) for name in _PHONE_FIELDS)
    return frozenset(number[-_SHORTEST:] for number in found if len(number) >= _SHORTEST)


def _emails(fields: Fields) -> frozenset[str]:
    address = _text(fields, "email").strip().casefold()
    return frozenset((address,)) if "@" in address else frozenset()


def _weak(numbers: Iterable[Number]) -> frozenset[bytes]:
    return frozenset(n.digest for n in numbers if not n.strong and n.type != "other")


def _singles(numbers: Iterable[Number], types: Sequence[str] = ()) -> dict[Any, frozenset[bytes]]:
    """Single-valued numbers but those of `types`, by type and assigner."""
    found: dict[tuple[str, str], frozenset[bytes]] = {}
    for n in numbers:
        if n.single and n.type not in types:
            key = (n.type, n.assigner)
            found[key] = found.get(key, frozenset()) | {n.digest}
    return found


def _patient(fields: Fields, numbers: Sequence[Number]) -> Traits:
    return {
        "family_name": _families(fields),
        "given_name": _given(fields),
        "birth_date": _text(fields, "birth_date") or str(fields.get("year_of_birth") or ""),
        "sex": _text(fields, "sex").replace("unknown", ""),
        "postal_code": _text(fields, "postal_code").replace(" ", "").upper(),
        "email": _emails(fields),
        "phone": _phones(fields),
        "numbers": _weak(numbers),
        "chart_numbers": _singles([n for n in numbers if n.type in _CHARTS]),
        "national_numbers": _singles(numbers, _CHARTS),
    }


def _staff(fields: Fields, numbers: Sequence[Number]) -> Traits:
    department = words.words(_text(fields, "department"))
    return {
        "family_name": _families(fields),
        "given_name": _given(fields),
        "middle_name": _given(fields, "middle_name"),
        "email": _emails(fields),
        "phone": _phones(fields),
        "department": (department,) if department else (),
        "numbers": _weak(numbers),
        "national_numbers": _singles(numbers),
    }


def _organization(fields: Fields, numbers: Sequence[Number]) -> Traits:
    names = [_text(fields, "name"), *(fields.get("alias") or ())]
    site = _text(fields, "website").casefold().partition("//")[2] or _text(fields, "website")
    host = site.split("/")[0].removeprefix("www.").casefold()
    return {
        "name": tuple(told for n in names if (told := words.words(n))),
        "city": words.plain(_text(fields, "city")),
        "country": _text(fields, "country"),
        "postal_code": _text(fields, "postal_code").replace(" ", "").upper(),
        "website": frozenset((host,)) if host else frozenset(),
        "phone": _phones(fields),
        "kind": _text(fields, "kind").replace("other", ""),
        "national_numbers": _singles(numbers),
    }


def _patient_blocks(traits: Traits, numbers: Sequence[Number]) -> Iterable[str]:
    given, born = words.sound(traits["given_name"]), traits["birth_date"]
    for family in traits["family_name"]:
        if born:
            yield f"family|{words.sound(family)}|{born[:4]}"
        if given:
            yield f"names|{words.sound(family)}|{given}"
    if given and len(born) == 10:
        yield f"given|{given}|{born}"
    yield from _reached(traits)
    for n in numbers:
        if n.type in ("mrn", "patient_id", "other") and (number := words.digits(n.value)):
            yield f"number|{number.lstrip('0')}"


def _staff_blocks(traits: Traits, numbers: Sequence[Number]) -> Iterable[str]:
    for family in traits["family_name"]:
        yield f"names|{words.sound(family)}|{traits['given_name'][:1]}"
    yield from _reached(traits)
    for n in numbers:
        if not n.strong:
            yield f"number|{n.type}|{n.value.casefold()}"


def _organization_blocks(traits: Traits, _numbers: Sequence[Number]) -> Iterable[str]:
    for told in traits["name"]:
        # two telling words, whatever stands around them; a name of one word by itself
        longest = sorted(set(told), key=lambda word: (-len(word), word))[:3]
        if len(longest) == 1:
            yield f"word|{longest[0]}"
        for word in longest[1:]:
            yield "words|" + "|".join(sorted((longest[0], word)))
        yield f"sounds|{words.sound(told[0])}|{words.sound(told[-1])}|{traits['city'][:4]}"
    for host in traits["website"]:
        yield f"site|{host}"


def _reached(traits: Traits) -> Iterable[str]:
    for address in traits["email"]:
        yield f"email|{address}"
    for number in traits["phone"]:
        yield f"phone|{number}"


_Make = Callable[[Fields, Sequence[Number]], Traits]
_Block = Callable[[Traits, Sequence[Number]], Iterable[str]]
_MAKERS: MappingProxyType[str, tuple[_Make, _Block]] = MappingProxyType(
    {
        "Participant": (_patient, _patient_blocks),
        "Person": (_staff, _staff_blocks),
        "Organization": (_organization, _organization_blocks),
    }
)
ENTITIES = tuple(_MAKERS)
