"""Finds where a JSON text breaks a rule, to say it as a JSON pointer. Slow, for bad texts only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

DEEPEST = 64  # levels of objects and lists
LONGEST_INTEGER = 19  # digits; with more than that, 64 bits may not hold it

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)
_INTEGER = re.compile(r"-?[0-9]+")


def fits(digits: str) -> bool:
    """Do 64 bits hold the integer written as `digits`?"""
    return len(digits) <= LONGEST_INTEGER + 1 and -(2**63) <= int(digits) < 2**63


@dataclass(slots=True)
class _Level:
    """An object or list that is being walked."""

    keys: set[str] | None  # None: a list
    here: str = "0"
    key_next: bool = field(default=False)

    def comma(self) -> None:
        if self.keys is None:
            self.here = str(int(self.here) + 1)
        else:
            self.key_next = True


def first_fault(text: str, start: int = 0, end: int | None = None) -> str:
    """What is wrong with the value at `start`, and where; "" when no rule is broken."""
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        fault = _step(levels, match.group())
        if fault:
            return f"{fault} at {_pointer(levels)}" if levels else fault
    return ""


def _step(levels: list[_Level], word: str) -> str:
    if word in "{[":
        levels.append(_Level(set(), "", key_next=True) if word == "{" else _Level(None))
        return f"nested deeper than {DEEPEST} levels" if len(levels) > DEEPEST else ""
    if word in "}]":
        del levels[-1:]
    elif word == "," and levels:
        levels[-1].comma()
    elif word[0] == '"':
        return _key(levels[-1], word) if levels and levels[-1].key_next else ""
    elif word not in ":,":
        return _number(word)
    return ""


def _key(level: _Level, word: str) -> str:
    level.key_next = False
    try:
        level.here = json.loads(word)
    except json.JSONDecodeError:
        return "a key that is no JSON string"
    known = level.keys is not None and level.here in level.keys
    if level.keys is not None:
        level.keys.add(level.here)
    return "a key that appears twice" if known else ""


def _number(word: str) -> str:
    if word in ("NaN", "Infinity", "-Infinity"):
        return f"{word}, which is no JSON number,"
    if _INTEGER.fullmatch(word):
        return "" if fits(word) else "an integer beyond 64 bits"
    try:
        Decimal(word)
    except InvalidOperation:
        return "" if word in ("true", "false", "null") else "an unreadable number"
    return ""


def _pointer(levels: list[_Level]) -> str:
    shown = [level.here.replace("~", "~0").replace("/", "~1") for level in levels[:DEEPEST]]
    return "/" + "/".join(shown)
