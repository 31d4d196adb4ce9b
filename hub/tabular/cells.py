"""A value as the text of a cell that no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from typing import Any

import orjson

_RUNS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def cell(value: Any) -> str:  # noqa: ANN401 - JSON
    """What a spreadsheet would run gets a leading `'`; numbers are left alone. null is empty,
    booleans are `true` and `false`, lists of texts stand with semicolons, the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else _text(value)
    if text.startswith(_RUNS) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return str(value)
