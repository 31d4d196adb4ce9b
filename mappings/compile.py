"""Turns a rule into a closure from a document to a value; nothing is looked up or parsed later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hub.model.spec import FieldSpec
from hub.statement import REMOVED, Identifier, Ref
from mappings import calls, transforms
from mappings.media.medium import Document, Element, Found, Get, GetAll, Medium
from mappings.rules import gives
from mappings.setting import Setting
from mappings.spec import Rule, Test
from mappings.transforms import Step, as_text
from mappings.values import UNKNOWN, BadValue

# From document and element to a value, None, REMOVED or UNKNOWN; raises BadValue.
Value = Callable[[Any, Any], Any]
Condition = Callable[[Any, Any], bool]

# The transform that reads text for a field of this kind when the rule's own steps gave none.
_READ_AS = {
    "date": "date", "instant": "instant", "integer": "integer", "decimal": "decimal",
    "flag": "flag",
}  # fmt: skip
# Raised by a `call` on a document whose shape its author did not expect.
_SHAPE_ERRORS = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What closures are made from."""

    medium: Medium
    setting: Setting

    def step(self, name: str, argument: str = "") -> Step:
        return transforms.TRANSFORMS[name].make(argument, self.setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A rule in three: what is raw, which raw texts are words of their own, and the steps."""

    raw: Get
    words: dict[str, Any]
    steps: tuple[Step, ...]


def value(rule: Rule, shop: Workshop, *, kind: str = "text") -> Value:
    """The value of a rule for a field of `kind`."""
    cut = cut_up(rule, shop, kind)
    if kind == "texts":
        return _list(rule, cut, shop)
    raw, words, run = cut.raw, cut.words, chain(cut.steps)

    def staged(document: Document, element: Element) -> Found:
        found = raw(document, element)
        if found is None:
            return None
        if type(found) is str and found in words:
            return words[found]
        return run(found)

    def plain(document: Document, element: Element) -> Found:
        found = raw(document, element)
        if type(found) is str and found in words:
            return words[found]
        return found

    return staged if cut.steps else plain


def cut_up(rule: Rule, shop: Workshop, kind: str) -> Cut:
    """The rule's parts; the step that reads text for `kind` comes last."""
    steps = [shop.step(step.name, step.argument) for step in rule.then]
    given = gives(rule)
    if kind in _READ_AS and given in ("raw", "text"):
        steps.append(shop.step(_READ_AS[kind]))
    elif given != "list" and not (shop.medium.text and given in ("raw", "text")):
        steps.append(_text_like(kind))
    return Cut(raw=raw(rule, shop), words=_words(rule, shop.medium), steps=_needed(steps))


def _text_like(kind: str) -> Step:
    textual = kind in ("text", "texts", "code", "ref")
    return as_text if textual else _same


def _same(found: Found) -> Found:
    return found


def _needed(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step is not _same)


def _words(rule: Rule, medium: Medium) -> dict[str, Any]:
    words: dict[str, Any] = {"": None}
    if medium.removed is not None:
        words[medium.removed] = REMOVED
    words |= dict.fromkeys(rule.ignore)
    words |= dict.fromkeys(rule.unknown, UNKNOWN)
    words |= dict.fromkeys(rule.removed, REMOVED)
    return words


def chain(steps: Sequence[Step]) -> Step:
    """The steps one after the other, until one gives None or UNKNOWN."""
    if not steps:
        return _same
    if len(steps) == 1:
        return steps[0]

    def run(found: Found) -> Found:
        for step in steps:
            found = step(found)
            if found is None or found is UNKNOWN:
                return found
        return found

    return run


# -- sources


def raw(rule: Rule, shop: Workshop) -> Get:
    """What the rule's source says, before any step."""
    if rule.const is not None:
        return lambda _document, _element: rule.const
    if rule.join:
        return _join(rule, shop)
    if rule.call:
        return _call(rule)
    if rule.each:
        return _first_of_each(rule, shop.medium)
    return _first_path([shop.medium.one(path) for path in rule.paths])


def _first_path(gets: Sequence[Get]) -> Get:
    if len(gets) == 1:
        return gets[0]

    def first(document: Document, element: Element) -> Found:
        for get in gets:
            found = get(document, element)
            if found is not None and found != "":
                return found
        return None

    return first


def _first_of_each(rule: Rule, medium: Medium) -> Get:
    each, get = medium.each(rule.each), _first_path([medium.one(path) for path in rule.paths])

    def first(document: Document, element: Element) -> Found:
        for item in each(document, element):
            found = get(document, item)
            if found is not None and found != "":
                return found
        return None

    return first


def _join(rule: Rule, shop: Workshop) -> Get:
    """The parts that have a value, joined; absent when none has or, if `whole`, one has not."""
    parts = [value(part, shop) for part in rule.join]
    needed = len(parts) if rule.whole else 1

    def joined(document: Document, element: Element) -> str | None:
        found = [part(document, element) for part in parts]
        texts = [as_text(one) for one in found if one not in (None, REMOVED, UNKNOWN)]
        return (rule.joiner.join(texts) or None) if len(texts) >= needed else None

    return joined


def _call(rule: Rule) -> Get:
    run = calls.functions()[rule.call].run
    arguments = dict(rule.arguments)
    if arguments:
        run = partial(run, **arguments)

    def called(document: Document, element: Element) -> Found:
        try:
            return run(document if element is None else element)
        except _SHAPE_ERRORS as error:
            raise BadValue("call-failed", type(error).__name__) from error

    return called


# -- lists


def _list(rule: Rule, cut: Cut, shop: Workshop) -> Value:
    every, words, run = _every(rule, shop, cut), cut.words, chain(cut.steps)

    def values(document: Document, element: Element) -> Found:
        found: list[Any] = []
        removed = False
        for item in every(document, element):
            one = words[item] if type(item) is str and item in words else run(item)
            if type(one) is str:
                found.append(one)
            elif one is REMOVED:
                removed = True
            elif one is not None and one is not UNKNOWN:
                found.extend(one if isinstance(one, list) else [one])
        return found or (REMOVED if removed else None)

    return values


def _every(rule: Rule, shop: Workshop, cut: Cut) -> GetAll:
    if not rule.paths:
        return _as_list(cut.raw)
    gets = [shop.medium.all(path) for path in rule.paths]
    if not rule.each and len(gets) == 1:
        return gets[0]
    if not rule.each:
        return lambda d, e: next((found for get in gets if (found := get(d, e))), ())
    each = shop.medium.each(rule.each)
    return lambda d, e: [one for item in each(d, e) for get in gets for one in get(d, item)]


def _as_list(get: Get) -> GetAll:
    def values(document: Document, element: Element) -> Sequence[Any]:
        found = get(document, element)
        return found if isinstance(found, list) else () if found is None else (found,)

    return values


# -- references and conditions


def reference(rule: Rule, field: FieldSpec, shop: Workshop) -> Value:
    """The value as a Ref: by this system's key, or by an identifier."""
    get = value(rule, shop, kind="ref")
    of, by = field.meta.of, rule.by
    assigner = value(rule.assigner, shop) if rule.assigner else None

    def refer(document: Document, element: Element) -> Found:
        found = get(document, element)
        if found is None or found is REMOVED or found is UNKNOWN:
            return found
        if not by:
            return Ref(of, found)
        issuer = assigner(document, element) if assigner else ""
        named = issuer if isinstance(issuer, str) else ""
        return Ref(of, "", (Identifier(by, found, named),))

    return refer


def _comparable(found: Found, values: frozenset[str]) -> str | None:
    if found is None:
        return None
    return as_text(found) if values else "present"


def condition(tests: Sequence[Test], medium: Medium) -> Condition:
    """Do all tests hold? A value is compared as text; an unreadable one never holds."""
    compiled = [(medium.one(test.path), test.values, test.negated) for test in tests]

    def holds(document: Document, element: Element) -> bool:
        for get, values, negated in compiled:
            try:
                found = get(document, element)
                text = found if type(found) is str else _comparable(found, values)
            except BadValue:
                return False
            if ((text in values) if values else bool(text)) is negated:
                return False
        return True

    return holds
