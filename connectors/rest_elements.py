"""Cuts an answer into the elements of the list it holds, each as the answer spells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.errors import Refused
from connectors.formats import json_text
from connectors.pagers import find

_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")


@dataclass(frozen=True, slots=True)
class Element:
    """One element of an answer, and its text as evidence."""

    value: Any
    text: str
    fault: str = ""


def elements(body: bytes, path: str) -> tuple[list[Element], Any]:
    """The elements that `path` selects, and the whole answer without those it was cut from.

    Raises Refused for what is no JSON, or where `path` finds neither a list nor an object.
    """
    if path != "@" and not _DOTTED.fullmatch(path):
        whole = json_text.read(body)
        values = _list(find(path, whole), path)
        return [Element(value, json_text.write(value).decode()) for value in values], whole
    reader = json_text.Reader(json_text.decode(body))
    found, whole = _cut(reader, [] if path == "@" else path.split("."))
    reader.end()
    if found is None:
        raise Refused(f"{path!r} finds no list in the answer")
    return found, whole


def _cut(reader: json_text.Reader, names: list[str]) -> tuple[list[Element] | None, Any]:
    if not names:
        return _elements_here(reader)
    if reader.peek() != "{":
        return None, _sound(reader.part(), names[0])
    found: list[Element] | None = None
    rest: dict[str, Any] = {}
    for key in reader.members():
        if key == names[0]:
            found, rest[key] = _cut(reader, names[1:])
        else:
            rest[key] = _sound(reader.part(), key)
    return found, rest


def _elements_here(reader: json_text.Reader) -> tuple[list[Element] | None, Any]:
    if reader.peek() == "[":
        return [_element(reader) for _ in reader.elements()], None
    one = _element(reader)
    if one.value is None:
        return [], None  # "studies": null is how some say that there are none
    return ([one], one.value) if isinstance(one.value, dict) else (None, one.value)


def _element(reader: json_text.Reader) -> Element:
    part = reader.part()
    return Element(part.value, reader.text[part.start : part.end], part.fault)


def _sound(part: json_text.Part, name: str) -> Any:  # noqa: ANN401 - JSON
    if part.fault:
        raise Refused(f"{name}: {part.fault}")
    return part.value


def _list(value: Any, path: str) -> list[Any]:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise Refused(f"{path!r} is {type(value).__name__}, expected a list or an object")
