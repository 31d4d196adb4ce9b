"""What an OData service says when it does not do what was asked, in its own words."""

from __future__ import annotations

import re
from typing import Any

from connectors.errors import ConnectorError, Misconfigured, Refused
from connectors.formats import json_text
from connectors.http_policy import Answer, StatusRefused

_FAILED = re.compile(rb'\s*\{\s*"error"\s*:')
_LATER = frozenset({408, 423, 425, 429})
_WORDS = 300  # characters of the system's own words that are told


def judge(answer: Answer) -> ConnectorError | None:
    """The error an answer stands for, where it says what went wrong: with any status that a
    person must look at, or inside a 200. All else is left to the status."""
    failed = answer.status < 300 and _FAILED.match(answer.body)
    if not failed and (answer.status < 400 or answer.status >= 500 or answer.status in _LATER):
        return None
    said = words(answer.body)
    if not said:
        return None
    told = f"{answer.told}: HTTP {answer.status}: {said}"
    if answer.status in (401, 403):
        return Misconfigured(f"{told}; check `auth`")
    return StatusRefused(told, answer.status)


def words(body: bytes) -> str:
    """`M8/123: Posting period is not open (error: CompanyCode is missing)`; "" where it holds
    none."""
    try:
        said = json_text.read(body)
    except Refused:
        return ""
    error = said.get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict):
        return ""
    found = [f"{_text(error.get('code'))}: {_message(error)}".strip(": ")]
    found += [one for one in map(_message, _details(error)) if one and one not in found[0]]
    line = "; ".join(one for one in found if one)
    return "".join(one for one in line if one.isprintable())[:_WORDS]


def _message(error: dict[str, Any]) -> str:
    """V2 says it in a language: `{"lang": "en", "value": …}`; V4 as it is."""
    said = error.get("message")
    return _text(said.get("value") if isinstance(said, dict) else said)


def _details(error: dict[str, Any]) -> list[dict[str, Any]]:
    inner = error.get("innererror")
    found = error.get("details") or (inner.get("errordetails") if isinstance(inner, dict) else None)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    return value.strip() if isinstance(value, str) else ""
