"""One field of a statement: reads its value and puts it where the statement is being made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from hub.model import check
from hub.model.spec import EntitySpec, FieldSpec
from hub.statement import REMOVED
from mappings import compile as compiling
from mappings.compile import Cut, Workshop
from mappings.complaints import Blame, placed
from mappings.media.medium import Document, Element, Found
from mappings.spec import Rule, Thing
from mappings.times import Noted
from mappings.transforms import Step, as_text
from mappings.values import UNKNOWN, BadValue

LONGEST_SHORT = 200
Fields = dict[str, Any]
# Puts the value into the fields; answers with a note about a value that was taken, or "".
Put = Callable[[Any, Any, Fields], str]


@dataclass(frozen=True, slots=True)
class Store:
    """`fallback` puts what stands in place of a value that could not be taken."""

    put: Put
    blame: Blame
    fallback: Put | None = None


def store(rule: Rule, field: FieldSpec, entity: EntitySpec, thing: Thing, shop: Workshop) -> Store:
    """The store of one field of `thing`. A code's native text goes to `<field>_native`, unless the
    thing states that itself; a code that is not understood is said to be unknown."""
    blame = Blame(
        entity=entity.name,
        field=field.name,
        place=placed(rule.place, thing.each),
        sealed=field.sealed,
        policy=rule.on_bad,
    )
    native = f"{field.name}_native"
    if native not in entity.fields:
        keep = _keep_native(rule, field, entity, shop)
        return Store(_put(rule, field, entity, shop), blame, keep)
    coded = bool(rule.then) and rule.then[-1].name == "code"
    if coded and native not in thing.fields:
        return Store(_coded(rule, field, entity, shop), blame, _not_known(field, None))
    word = None
    if native not in thing.fields and not rule.call:
        word = _put(replace(rule, then=()), entity.fields[native], entity, shop)
    return Store(_put(rule, field, entity, shop), blame, _not_known(field, word))


def _put(rule: Rule, field: FieldSpec, entity: EntitySpec, shop: Workshop) -> Put:
    kind, fits = field.meta.kind, check.rule(entity.name, field.name)
    if kind == "ref":
        return _put_value(field.name, compiling.reference(rule, field, shop), fits)
    if kind == "texts":
        return _put_value(field.name, compiling.value(rule, shop, kind=kind), fits)
    cut = compiling.cut_up(rule, shop, kind)
    if cut.steps:
        return _put_steps(field.name, cut, fits, sure=_always_fits(rule, kind))
    return _put_plain(field.name, cut, fits, _short(field))


def _put_value(name: str, get: compiling.Value, fits: check.Rule) -> Put:
    def put(document: Document, element: Element, fields: Fields) -> str:
        value = get(document, element)
        if value is not None:
            fields[name] = value if value is REMOVED else _fitting(value, fits)
        return ""

    return put


def _put_plain(name: str, cut: Cut, fits: check.Rule, short: int) -> Put:
    """Reading, checking and storing in one closure, as `_put_steps` does: most fields go this way,
    and a call less on each is a tenth of a message's time."""
    raw, words = cut.raw, cut.words

    def put(document: Document, element: Element, fields: Fields) -> str:
        value = raw(document, element)
        if value is None:
            return ""
        if type(value) is str:
            if value in words:
                return _put_word(words[value], name, fields)
            if len(value) <= short and value.isprintable():
                fields[name] = value
                return ""
        if fault := fits(value):
            raise BadValue(*fault, value)
        fields[name] = value
        return ""

    return put


def _short(field: FieldSpec) -> int:
    """Printable text of up to this length needs no further check; 0: all values do."""
    return min(field.meta.longest, LONGEST_SHORT) if field.meta.kind == "text" else 0


def _always_fits(rule: Rule, kind: str) -> bool:
    """Does the last step give nothing but what a field of this kind takes?"""
    return kind in ("date", "instant", "flag") and bool(rule.then or not rule.call)


def _put_steps(name: str, cut: Cut, fits: check.Rule, *, sure: bool) -> Put:
    raw, words, run = cut.raw, cut.words, compiling.chain(cut.steps)

    def put(document: Document, element: Element, fields: Fields) -> str:
        found = raw(document, element)
        if found is None:
            return ""
        if type(found) is str and found in words:
            return _put_word(words[found], name, fields)
        value = run(found)
        if value is None:
            return ""
        if isinstance(value, Noted):
            fields[name] = _fitting(str(value), fits)
            return value.note
        fields[name] = value if sure and value is not UNKNOWN else _fitting(value, fits)
        return ""

    return put


def _put_word(word: Found, name: str, fields: Fields) -> str:
    if word is not None:
        fields[name] = None if word is UNKNOWN else word
    return ""


def _fitting(value: Found, fits: check.Rule) -> Found:
    """The value as the statement has it, if it is what the field takes."""
    if value is UNKNOWN:
        return None
    if fault := fits(value):
        raise BadValue(*fault, value)
    return value


def _keep_native(rule: Rule, field: FieldSpec, entity: EntitySpec, shop: Workshop) -> Put | None:
    """Puts the text as it came, where that fits."""
    if rule.on_bad != "keep native" or field.meta.kind != "text":
        return None
    put = _put(replace(rule, then=()), field, entity, shop)

    def keep(document: Document, element: Element, fields: Fields) -> str:
        try:
            return put(document, element, fields)
        except BadValue:  # it has been complained of; too long or no text, it stays out
            return ""

    return keep


def _not_known(field: FieldSpec, word: Put | None) -> Put:
    """A code that is not understood is unknown, whatever was said before: the former one beside the
    new native text would be a lie. A list keeps what of it was understood."""

    def put(document: Document, element: Element, fields: Fields) -> str:
        fields.setdefault(field.name, None)
        if word:
            with suppress(BadValue):  # it has been complained of; too long or no text, it stays out
                word(document, element, fields)
        return ""

    return put


def _coded(rule: Rule, field: FieldSpec, entity: EntitySpec, shop: Workshop) -> Put:
    """A code and, beside it, what the source called it; the native text stands even where the
    code is not mapped, and the code is then unknown."""
    name, native = field.name, f"{field.name}_native"
    before = replace(rule, then=rule.then[:-1])
    step = shop.step("code", rule.then[-1].argument)
    fits = (check.rule(entity.name, native), check.rule(entity.name, name))
    shortest = _short(entity.fields[native])
    if field.meta.kind == "texts":
        get = compiling.value(before, shop, kind="texts")
        return _coded_list(name, get, step, fits)
    cut: Cut = compiling.cut_up(before, shop, "code")
    raw, words, run = cut.raw, cut.words, compiling.chain(cut.steps)

    def put(document: Document, element: Element, fields: Fields) -> str:
        found = raw(document, element)
        if found is None:
            return ""
        if type(found) is str and found in words:
            return _said(words[found], name, fields)
        found = run(found)
        if found is None or found is UNKNOWN:
            return _said(found, name, fields)
        text = found.strip()
        short = len(text) <= shortest and text.isprintable()
        fields[native] = text if short and text else _fitting(text, fits[0])
        value = step(found)  # a code of the field's own: the table was checked when it was loaded
        if value is not None:
            fields[name] = None if value is UNKNOWN else value
        return ""

    return put


def _said(word: Found, name: str, fields: Fields) -> str:
    if word is not None:
        fields[name] = fields[f"{name}_native"] = REMOVED if word is REMOVED else None
    return ""


def _coded_list(
    name: str, get: compiling.Value, step: Step, fits: tuple[check.Rule, check.Rule]
) -> Put:
    def put(document: Document, element: Element, fields: Fields) -> str:
        found = get(document, element)
        if found is None or found is REMOVED:
            return _said(found, name, fields)
        texts = [as_text(one).strip() for one in found]
        fields[f"{name}_native"] = _fitting(texts, fits[0])
        values, unmapped = _each_code(found, step)
        if values:
            fields[name] = _fitting(values, fits[1])
        if unmapped:
            raise unmapped
        return ""

    return put


def _each_code(found: list[Any], step: Step) -> tuple[list[Any], BadValue | None]:
    """The codes that are mapped, each once; the first that is not."""
    values: list[Any] = []
    unmapped = None
    for one in found:
        try:
            value = step(one)
        except BadValue as bad:
            unmapped = unmapped or bad
            continue
        if value not in (None, UNKNOWN) and value not in values:
            values.append(value)
    return values, unmapped
