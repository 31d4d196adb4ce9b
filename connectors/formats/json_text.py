"""JSON from strangers: read strictly, with exact numbers, or cut into pieces as they were written.

RFC 8259 leaves open what a reader does with a key that appears twice, with numbers no machine
holds and with endless nesting. Here all of these are refused, because two readers that answer
differently make two truths out of one message. Text that is read keeps 1.10 as 1.10.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from connectors.errors import Refused
from connectors.formats.json_fault import DEEPEST, LONGEST_INTEGER, first_fault, fits

_WHITE = frozenset(" \t\n\r")
_SPACE = re.compile(r"[ \t\n\r]*+")
# An unfinished string matches up to the end, else each of its quotes would be tried in turn.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_LEVELS = bytes.maketrans(b"[]", b"{}")
_BRACKETS = (b"{", b"}", b"[", b"]")
_NOT_BRACKETS = bytes(b for b in range(256) if b not in b"{}[]")


class _Fault(ValueError):
    """A value breaks a rule; where is found out afterwards, by `first_fault`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One value inside a text. With a `fault` it was read loosely and must not be trusted."""

    value: Any
    start: int
    end: int
    fault: str = ""


def read(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """The value `body` holds; fractions as Decimal, so that 1.10 stays 1.10.

    Raises Refused, naming the place as a JSON pointer (RFC 6901) or line and column, for: bytes
    that are no UTF-8, a key twice in one object, NaN and Infinity, integers beyond 64 bits,
    more than 64 levels, half a surrogate pair, anything after the value.
    """
    reader = Reader(decode(body))
    part = reader.part()
    reader.end()
    if part.fault:
        raise Refused(part.fault)
    return part.value


def write(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """`value` as compact JSON, keys in their order, Decimals digit by digit."""
    return orjson.dumps(value, default=_exact)


def decode(body: bytes) -> str:
    """The text of `body` without a byte order mark, checked for what would hurt a reader.

    Raises Refused for bytes that are no UTF-8, half a surrogate pair or more than 64 levels.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"not UTF-8 at byte {error.start}; JSON is UTF-8 (RFC 8259 §8.1)") from None
    if _too_deep(body):
        raise Refused(first_fault(text) or f"nested deeper than {DEEPEST} levels")
    if "\\ud" in text or "\\uD" in text:
        _refuse_half_characters(body)
    return text.removeprefix("\ufeff")


def _refuse_half_characters(body: bytes) -> None:
    try:
        orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Refused(_place(error)) from None


def _too_deep(body: bytes) -> bool:
    if sum(map(body.count, _BRACKETS)) <= DEEPEST:  # as in most: they need not be paired
        return False
    brackets = _STRING.sub(b"", body).translate(_LEVELS, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        if b"{}" not in brackets:
            break
        brackets = brackets.replace(b"{}", b"")  # takes away the innermost level
    return b"{}" in brackets or len(brackets) > DEEPEST


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Fault
    return found


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise _Fault from None


def _integer(digits: str) -> int:
    if len(digits) >= LONGEST_INTEGER and not fits(digits):
        raise _Fault
    return int(digits)


def _constant(_: str) -> None:
    raise _Fault


def _exact(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)
# Only finds where a faulty value ends, so numbers stay text: int() refuses 4,300 digits.
_LOOSE = json.JSONDecoder(parse_float=str, parse_int=str)


class Reader:
    """Walks a text from front to back and gives each value with the slice it was written in.

    `members` and `elements` step into an object or a list; at each step the caller reads the
    value (`part`, `members` or `elements`) before it asks for the next. Raises Refused where
    the text is no JSON.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        """The next character that is no white space; "" at the end."""
        character = self.text[self.at : self.at + 1]
        if character not in _WHITE:
            return character
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text[self.at : self.at + 1]

    def part(self) -> Part:
        """The next value."""
        self.peek()
        start, fault = self.at, ""
        try:
            value, self.at = _scan(_STRICT, self.text, start)
        except _Fault:
            value, self.at = _scan(_LOOSE, self.text, start)
            fault = first_fault(self.text, start, self.at)
        return Part(value, start, self.at, fault)

    def members(self) -> Iterator[str]:
        """Each key of the object that comes next, in order."""
        seen = set()
        for _ in self._steps("{", "}"):
            if self.peek() != '"':
                raise Refused(self._expected("a key"))
            start = self.at
            key, self.at = _scan(_LOOSE, self.text, start)
            self._take(":")
            if key in seen:
                raise Refused(f"the key {key!r} appears twice, again at character {start}")
            seen.add(key)
            yield key

    def elements(self) -> Iterator[int]:
        """The position of each element of the list that comes next."""
        yield from self._steps("[", "]")

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise Refused(self._expected("the end"))

    def _steps(self, opening: str, closing: str) -> Iterator[int]:
        self._take(opening)
        if self.peek() == closing:
            self.at += 1
            return
        position = 0
        while True:
            yield position
            position += 1
            if self.peek() == closing:
                self.at += 1
                return
            self._take(",")

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise Refused(self._expected(f"'{character}'"))
        self.at += 1

    def _expected(self, what: str) -> str:
        return f"not JSON at character {self.at} of {len(self.text)}: expected {what}"


def _scan(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise Refused(_place(error)) from None


def _place(error: json.JSONDecodeError) -> str:
    return f"not JSON at line {error.lineno} column {error.colno}: {error.msg}"
