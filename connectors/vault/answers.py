"""What Vault answers: failures inside a 200, and what a vault's metadata say it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.errors import Refused
from connectors.formats import json_text
from connectors.http_policy import Answer, Throttle
from connectors.rest_stream import Failure

LATER = ("API_LIMIT_EXCEEDED", "RACE_CONDITION", "CONFIGURATION_MODE_ENABLED", "EXCEPTION")
FAILURE = Failure(
    when="responseStatus && !contains(['SUCCESS', 'WARNING'], responseStatus)",
    code="(responseStatus == 'EXCEPTION' && 'EXCEPTION') || errors[0].type",
    later=LATER,
    setup=(
        "INSUFFICIENT_ACCESS", "INACTIVE_USER", "USER_LOCKED_OUT", "PASSWORD_CHANGE_REQUIRED",
        "METHOD_NOT_SUPPORTED", "ATTRIBUTE_NOT_SUPPORTED", "INCORRECT_QUERY_SYNTAX_ERROR",
    ),
)  # fmt: skip
# A vault holds answers back once the calls of five minutes are spent.
THROTTLE = Throttle(
    remaining="X-VaultAPI-BurstLimitRemaining", reserve=200, delayed="X-VaultAPI-ResponseDelay"
)
_NAME = re.compile(r"\b[a-z][a-z0-9_]*__[a-z]+\b")  # of a field or an object
_CODE = re.compile(r"[A-Z][A-Z_]{1,60}")


def objects(answer: Answer) -> frozenset[str]:
    """The API names of a vault's objects (`/metadata/vobjects`)."""
    return frozenset(_names(_member(answer, "objects")))


def fields(answer: Answer) -> frozenset[str]:
    """What a query of one object may select: its fields, and the relations it may step over."""
    found = _member(answer, "properties") or _member(answer, "object")
    if isinstance(found, Mapping):
        steps = _list(found.get("relationships"))
        found = found.get("fields")
    else:
        steps = []
    over = [one.get("relationship_outbound_name") for one in _list(found)]
    over += [one.get("relationship_name") for one in steps]
    return frozenset([*_names(found), *(name for name in over if isinstance(name, str))])


def trouble(row: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON
    """Code and words of one row that was not taken. Of the words only names of fields are
    told: the rest may quote a value."""
    first = next(iter(_list(row.get("errors"))), {}) if isinstance(row, Mapping) else {}
    kind, words = str(first.get("type", "")), str(first.get("message", ""))
    code = kind if _CODE.fullmatch(kind) else "no reason given"
    return code, ", ".join(dict.fromkeys(_NAME.findall(words)))


def _member(answer: Answer, name: str) -> Any:  # noqa: ANN401 - JSON
    said = json_text.read(answer.body)
    if not isinstance(said, Mapping):
        raise Refused(f"{answer.told}: {type(said).__name__}, expected an object")
    return said.get(name)


def _names(found: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [one["name"] for one in _list(found) if isinstance(one.get("name"), str)]


def _list(found: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
