"""FHIR's OperationOutcome: which of its issue codes pass by themselves, and how to tell of it.

`diagnostics` and `details.text` may quote a patient; only severities and codes are told.
"""

from __future__ import annotations

from typing import Any

from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.formats import json_text
from connectors.http_policy import Answer, StatusRefused

# http://hl7.org/fhir/valueset-issue-type.html, the branch "transient" and what else passes
_PASSING = frozenset({"transient", "lock-error", "timeout", "throttled", "incomplete", "exception"})
_SIGN_IN = frozenset({"login", "security", "forbidden"})
_BY_STATUS = frozenset({401, 403, 408, 425, 429})


def told(outcome: dict[str, Any]) -> str:
    """`error: not-found, warning: code-invalid`."""
    return ", ".join(f"{severity}: {code}" for severity, code in _issues(outcome)) or "no issue"


def is_error(outcome: dict[str, Any]) -> bool:
    """Does it tell of something that did not happen?"""
    return any(severity in ("error", "fatal") for severity, _ in _issues(outcome))


def judge(answer: Answer) -> ConnectorError | None:
    """The error an answer stands for because of what its body is: an OperationOutcome, or a
    sign-in page. None when it is neither, or when the status says enough (429, 5xx …)."""
    if answer.headers.get("content-type", "").startswith("text/html") and answer.status < 300:
        return Misconfigured(f"{answer.told}: a web page, expected FHIR JSON; check `base_url`")
    if answer.status in _BY_STATUS or answer.status >= 500:
        return None
    return _stands_for(answer) if b"OperationOutcome" in answer.body[:4096] else None


def judge_job(answer: Answer) -> ConnectorError | None:
    """The same for the status of a job: a 5xx that says why means that the job has failed (Bulk
    Data Access §2.5.6), unless its reason passes."""
    if answer.status >= 500 and b"OperationOutcome" in answer.body[:4096]:
        outcome = _outcome(answer)
        codes = {code for _, code in _issues(outcome)}
        if outcome and not codes & (_PASSING - {"exception"}):
            return StatusRefused(f"{answer.told}: the job failed ({told(outcome)})", answer.status)
    return judge(answer)


def _stands_for(answer: Answer) -> ConnectorError | None:
    outcome = _outcome(answer)
    codes = {code for severity, code in _issues(outcome) if severity in ("error", "fatal")}
    said = f"{answer.told}: HTTP {answer.status} with OperationOutcome ({told(outcome)})"
    if codes & _PASSING:
        return TryLater(said)
    if codes & _SIGN_IN:
        return Misconfigured(said)
    refused = codes or (outcome and answer.status >= 300)
    return StatusRefused(said, answer.status) if refused else None


def _outcome(answer: Answer) -> dict[str, Any]:
    try:
        found = json_text.read(answer.body)
    except Refused:
        return {}  # a page: whoever reads it says what is wrong with it
    is_outcome = isinstance(found, dict) and found.get("resourceType") == "OperationOutcome"
    return found if is_outcome else {}


def _issues(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    issues = outcome.get("issue")
    if not isinstance(issues, list):
        return []
    return [
        (_code(issue.get("severity")), _code(issue.get("code")))
        for issue in issues
        if isinstance(issue, dict)
    ]


def _code(value: object) -> str:
    """A code as it stands, if it looks like one (FHIR `code`); else "unknown"."""
    fits = isinstance(value, str) and len(value) <= 40 and value.replace("-", "").isalnum()
    return str(value) if fits else "unknown"
