"""How the API describes what stands beside the records: changes, findings, decisions, checks."""

from __future__ import annotations

from hub.api.openapi_parts import Json, a_body, an_object, operation, parameter
from hub.checks import CHECKS
from hub.decisions import ANSWERS
from hub.query import LARGEST
from hub.worklists import STATES

_REASON: Json = {"type": "string", "minLength": 1, "description": "why: it enters the audit"}
_LIMIT = parameter("limit", f"at most {LARGEST}; more is clamped to it", "integer")
_CURSOR = parameter("cursor", "the `next` of the page before")
_ID = parameter("id", "its id", where="path")
_OF = (
    parameter("entity", "only of these kinds, separated by commas"),
    parameter("study", "only of these studies, by id, separated by commas"),
)
_DONE = ("200", "202")


def paths(prefix: str) -> Json:
    """The operations."""
    return _changes(prefix) | _findings(prefix) | _decisions(prefix) | _checks()


def reasoned(**fields: str | Json) -> Json:
    """A body that must say why."""
    return a_body(an_object(**fields, reason=_REASON, closed=True))


def _changes(prefix: str) -> Json:
    since = parameter("since", "the `next` of an earlier answer; empty: from the first version")
    wait = parameter("wait", "seconds to wait for the next change, at most 60", "integer")
    last = parameter("Last-Event-ID", "where the stream broke off", where="header")
    told = "every version once, in order; `more` says whether to go on at once"
    return {
        f"{prefix}/changes": {
            "get": operation("hub", told, "$Changes", [since, *_OF, wait, _LIMIT])
        },
        f"{prefix}/changes/stream": {
            "get": operation(
                "hub", "the same as server-sent events, from now or where it broke off", "string",
                [since, last, *_OF], media=("text/event-stream",),
            )
        },
    }  # fmt: skip


def _findings(prefix: str) -> Json:
    asked = [
        parameter("rule", "of one rule"), parameter("entity", "of one kind of record"),
        parameter("study", "of one study, by its id"),
        parameter("open", "true unless said", "true|false|any"),
        parameter("state", "instead of open", "|".join(STATES)), _CURSOR, _LIMIT,
    ]  # fmt: skip
    accepted = "what a check found is accepted as it is, until systems say something else of it"
    day: Json = {"type": "string", "description": "the last day it is accepted; none: for good"}
    return {
        f"{prefix}/findings": {
            "get": operation("hub", "problems with the data", "$FindingPage", asked)
        },
        f"{prefix}/findings/{{id}}/sign-off": {
            "post": operation("hub", accepted, "$Outcome", [_ID], body=reasoned(until_=day),
                              statuses=_DONE)
        },
    }  # fmt: skip


def _decisions(prefix: str) -> Json:
    include = parameter(
        "include", "records: the records it is about; phi: also what is sealed of them"
    )
    conditions: Json = {
        "type": "array",
        "items": {"type": "string"},
        "description": "all must hold: weight>=20, entity=Person, fields.email.level=same",
    }
    asked = [parameter("kind", "of one kind"), parameter("state", "in one state"), _CURSOR, _LIMIT]
    one, all_, said = f"{prefix}/decisions/{{id}}", f"{prefix}/decisions", "|".join(ANSWERS)
    rule = reasoned(kind="string", where_=conditions, state=said)
    return {
        all_: {
            "get": operation("hub", "questions for people", "$QuestionPage", asked),
            "post": operation("hub", "answers all that meet a rule", "$Answered", body=rule,
                              statuses=_DONE),
        },
        one: {
            "get": operation("hub", "one question", "$Question", [_ID, include]),
            "post": operation("hub", "answers it", "$Outcome", [_ID], body=reasoned(state=said),
                              statuses=_DONE),
        },
        f"{one}/lift": {
            "post": operation("hub", "ends an override", "$Outcome", [_ID], body=reasoned(),
                              statuses=_DONE)
        },
    }  # fmt: skip


def _checks() -> Json:
    name = parameter("name", "which check", "|".join(CHECKS), where="path")
    asked = [
        name, parameter("study", "of one study, by its id"),
        parameter("state", "open unless said", "|".join((*STATES, "any"))), _CURSOR, _LIMIT,
    ]  # fmt: skip
    all_ = operation("hub", "what no single system can see", "$CheckSummaryPage")
    return {
        "/checks": {"get": all_},
        "/checks/{name}": {
            "get": operation("hub", "what a check has found", "$CheckFindingPage", asked)
        },
    }
