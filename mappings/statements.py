"""A mapping's statements as closures: from a document to what it says of each thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.model.spec import EntitySpec, entities
from hub.statement import Complaint, Gone, Identifier, SameAs, Stated, Statement
from mappings import compile as compiling
from mappings.compile import Condition, Workshop
from mappings.complaints import Blame
from mappings.identify import identifiers
from mappings.media.medium import Document, Element, GetAll
from mappings.spec import Leaving, Rule, Same, Spec, Test, Thing
from mappings.stores import Fields, store
from mappings.texts import Putting, TakeTexts, Text, is_text, take_texts
from mappings.values import BadValue, NotUnderstood

LONGEST_KEY = 400


@dataclass(slots=True)
class Said:
    """What one message has said so far."""

    statements: list[Statement] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)


# Reads one document and adds what it says.
Say = Callable[[Any, Said], None]
# The same for one element of `each` (None: the document itself).
_SayOne = Callable[[Any, Any, Said], None]


@dataclass(frozen=True, slots=True)
class Program:
    """One compiled mapping: what does it say, what is gone when the record is gone."""

    name: str
    said: tuple[Say, ...]
    gone: tuple[Say, ...]


def program(spec: Spec, shop: Workshop) -> Program:
    """The closures of one mapping."""
    said = [_need(path, spec.name, shop) for path in spec.needs]
    said += [_over_each(_state(thing, shop), thing, shop) for thing in spec.things]
    said += [_over_each(_leave(leaving, shop), leaving, shop) for leaving in spec.gone]
    said += [_over_each(_merge(same, shop), same, shop) for same in spec.same]
    gone = [
        _over_each(_leave(_as_leaving(thing), shop), _as_leaving(thing), shop)
        for thing in spec.things
    ]
    return Program(spec.name, tuple(said), tuple(gone))


def _need(path: str, mapping: str, shop: Workshop) -> Say:
    """Refuses a message that the mapping is chosen for and that lacks what it is about."""
    get, removed = shop.medium.one(path), shop.medium.removed

    def check(document: Document, _said: Said) -> None:
        try:
            found = get(document, None)
        except BadValue as bad:
            raise NotUnderstood(rule=bad.rule, place=path, expected=bad.expected) from None
        if found is None or found in ("", removed):
            raise NotUnderstood(rule="missing", place=path, expected=f"a value, for {mapping}")

    return check


def _as_leaving(thing: Thing) -> Leaving:
    return Leaving(
        mark=thing.mark, entity=thing.entity, key=thing.key, each=thing.each, at=thing.at
    )


def _over_each(one: _SayOne, said: Thing | Leaving | Same, shop: Workshop) -> Say:
    """`one` for the document, or for each element, where the conditions hold."""
    each = shop.medium.each(said.each) if said.each else None
    holds = _condition(said.when, shop)
    if each is None:
        return _for_document(one, holds)
    return _for_elements(one, holds, each)


def _condition(tests: tuple[Test, ...], shop: Workshop) -> Condition | None:
    return compiling.condition(tests, shop.medium) if tests else None


def _for_document(one: _SayOne, holds: Condition | None) -> Say:
    def say(document: Document, said: Said) -> None:
        if holds is None or holds(document, None):
            one(document, None, said)

    return say


def _for_elements(one: _SayOne, holds: Condition | None, each: GetAll) -> Say:
    def say(document: Document, said: Said) -> None:
        for element in each(document, None):
            if holds is None or holds(document, element):
                one(document, element, said)

    return say


# -- keys and moments

_Read = Callable[[Any, Any, Said], str]  # "" = it has none, and that is noted


def _key(rule: Rule, entity: str, name: str, shop: Workshop) -> _Read:
    get = compiling.value(rule, shop)
    blame = _blame(rule, entity, name)

    def read(document: Document, element: Element, said: Said) -> str:
        try:
            found = get(document, element)
        except BadValue as bad:
            said.complaints.append(blame.complaint(bad, ""))
            return ""
        if type(found) is str and len(found) <= LONGEST_KEY:
            return found
        expected = f"the key by which the source knows it, up to {LONGEST_KEY} characters"
        said.complaints.append(blame.complaint(BadValue("no-key", expected), ""))
        return ""

    return read


def _text(rule: Rule | None, kind: str, entity: str, name: str, shop: Workshop) -> _Read | None:
    """`at` or `version`: absent is fine, unreadable is noted."""
    if rule is None:
        return None
    get = compiling.value(rule, shop, kind=kind)
    blame = _blame(rule, entity, name)

    def read(document: Document, element: Element, said: Said) -> str:
        try:
            found = get(document, element)
        except BadValue as bad:
            said.complaints.append(blame.complaint(bad, ""))
            return ""
        return str(found) if isinstance(found, str) else ""

    return read


def _blame(rule: Rule, entity: str, name: str) -> Blame:
    # Keys of people are as good as their names: what was found is never shown.
    return Blame(entity=entity, field=name, place=rule.place, sealed=True, policy=rule.on_bad)


# -- the three statements


def _state(thing: Thing, shop: Workshop) -> _SayOne:
    entity = entities()[thing.entity]
    texts, stores = _stores(thing, entity, shop)
    adders = identifiers(thing.identifiers, entity, shop)
    key_of = _key(thing.key, entity.name, "key", shop)
    at_of = _text(thing.at, "instant", entity.name, "at", shop)
    version_of = _text(thing.version, "text", entity.name, "version", shop)
    complete, optional = thing.complete, bool(entity.beside) and not thing.complete

    def state(document: Document, element: Element, said: Said) -> None:
        key = key_of(document, element, said)
        if not key:
            return
        fields: Fields = {}
        left = texts(document, element, fields) if texts else ()
        _put_all((*left, *stores) if left else stores, document, element, key, fields, said)
        ids: list[Identifier] = []
        for add in adders:
            add(document, element, key, ids, said.complaints)
        if optional and not fields and not ids:
            return  # a sealed part of which nothing was said
        said.statements.append(
            Stated(
                entity=entity.name,
                key=key,
                fields=fields,
                identifiers=tuple(ids),
                complete=complete,
                at=at_of(document, element, said) if at_of else "",
                version=version_of(document, element, said) if version_of else "",
            )
        )

    return state


def _stores(
    thing: Thing, entity: EntitySpec, shop: Workshop
) -> tuple[TakeTexts | None, tuple[Putting, ...]]:
    """What is taken in one go, and all other fields' stores."""
    made = {
        name: store(rule, entity.fields[name], entity, thing, shop)
        for name, rule in thing.fields.items()
    }
    texts = [
        Text(name, rule.paths[0], entity.fields[name].meta.longest, made[name])
        for name, rule in thing.fields.items()
        if is_text(rule, entity.fields[name], shop.medium)
    ]
    at_once = {text.field for text in texts}
    rest = tuple((one.put, one) for name, one in made.items() if name not in at_once)
    return (take_texts(texts, shop.medium) if texts else None), rest


def _put_all(
    stores: Sequence[Putting],
    document: Document,
    element: Element,
    key: str,
    fields: Fields,
    said: Said,
) -> None:
    for put, one in stores:
        try:
            note = put(document, element, fields)
        except BadValue as bad:
            said.complaints.append(one.blame.complaint(bad, key))
            if one.fallback:
                one.fallback(document, element, fields)
            continue
        if note:
            said.complaints.append(one.blame.about("questionable", note, key))


def _leave(leaving: Leaving, shop: Workshop) -> _SayOne:
    key_of = _key(leaving.key, leaving.entity, "key", shop)
    at_of = _text(leaving.at, "instant", leaving.entity, "at", shop)

    def leave(document: Document, element: Element, said: Said) -> None:
        key = key_of(document, element, said)
        if key:
            at = at_of(document, element, said) if at_of else ""
            said.statements.append(Gone(entity=leaving.entity, key=key, at=at))

    return leave


def _merge(same: Same, shop: Workshop) -> _SayOne:
    kept_of = _key(same.kept, same.entity, "kept", shop)
    retired_of = _key(same.retired, same.entity, "retired", shop)
    at_of = _text(same.at, "instant", same.entity, "at", shop)

    def merge(document: Document, element: Element, said: Said) -> None:
        kept, retired = kept_of(document, element, said), retired_of(document, element, said)
        if not kept or not retired or kept == retired:
            return
        said.statements.append(
            SameAs(
                entity=same.entity,
                kept=kept,
                retired=retired,
                withdrawn=same.withdrawn,
                linked=same.linked,
                at=at_of(document, element, said) if at_of else "",
            )
        )

    return merge
