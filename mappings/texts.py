"""The plain texts of a statement, taken in one go: most fields are no more than that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hub.model.spec import FieldSpec
from mappings.media.medium import Document, Element, Medium
from mappings.spec import Rule
from mappings.stores import LONGEST_SHORT, Fields, Put, Store

Putting = tuple[Put, Store]
# Takes what is plain; answers with the stores of what has to be looked at one by one.
TakeTexts = Callable[[Any, Any, Fields], Sequence[Putting]]


class Text(NamedTuple):
    """One field that is the text at one path."""

    field: str
    path: str
    longest: int
    store: Store


def is_text(rule: Rule, field: FieldSpec, medium: Medium) -> bool:
    """Is the field the text at one plain path, with no word of its own and no step?"""
    if field.meta.kind != "text" or len(rule.paths) != 1 or rule.each or rule.then:
        return False
    words = rule.unknown or rule.removed or rule.ignore
    return not words and medium.text and medium.plain(rule.paths[0])


def take_texts(texts: Sequence[Text], medium: Medium) -> TakeTexts:
    """One closure for all of them: a call less on each field is a tenth of a message's time."""
    assert medium.taking is not None  # noqa: S101 - a medium that has plain paths has it
    take = medium.taking(
        [(text.path, text.field, min(text.longest, LONGEST_SHORT)) for text in texts]
    )
    stores = [(text.store.put, text.store) for text in texts]

    def taken(document: Document, element: Element, fields: Fields) -> Sequence[Putting]:
        left = take(document, element, fields)
        return [stores[number] for number in left] if left else ()

    return taken
