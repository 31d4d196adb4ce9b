"""Statements as plain tables that a person reads: in cases, in diffs and on the command line."""

from __future__ import annotations

from typing import Any

from hub.statement import Complaint, Gone, Meaning, SameAs, Stated, Statement, plain_value


def plain(statement: Statement) -> dict[str, Any]:
    """One statement; what says nothing is left out."""
    if isinstance(statement, Stated):
        return _stated(statement)
    if isinstance(statement, Gone):
        return _told({"gone": statement.entity, "key": statement.key, "at": statement.at})
    return _same(statement)


def _stated(statement: Stated) -> dict[str, Any]:
    fields = {name: plain_value(value) for name, value in statement.fields.items()}
    named = [
        {"type": one.type, "value": one.value, "system": one.assigner}
        | _told({"since": one.since, "until": one.until})
        for one in statement.identifiers
    ]
    return _told(
        {
            "stated": statement.entity,
            "key": statement.key,
            "identifiers": named,
            "fields": fields,
            "complete": statement.complete,
            "at": statement.at,
            "version": statement.version,
        }
    )


def _same(statement: SameAs) -> dict[str, Any]:
    return _told(
        {
            "same": statement.entity,
            "kept": statement.kept,
            "retired": statement.retired,
            "withdrawn": statement.withdrawn,
            "linked": statement.linked,
            "at": statement.at,
        }
    )


def plain_complaint(complaint: Complaint) -> dict[str, Any]:
    """One complaint; what says nothing is left out."""
    names = ("rule", "place", "expected", "found", "entity", "key", "field")
    return _told({name: getattr(complaint, name) for name in names})


def plain_meaning(meaning: Meaning) -> dict[str, Any]:
    """All of a message's meaning; complaints without the key and what was expected, which say the
    same as rule, place and statement do."""
    complaints = [plain_complaint(complaint) for complaint in meaning.complaints]
    for one in complaints:
        one.pop("expected", None)
        one.pop("key", None)
    body: dict[str, Any] = {"statements": [plain(one) for one in meaning.statements]}
    return body | ({"complaints": complaints} if complaints else {})


def _told(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value not in ("", False, [], ())}
