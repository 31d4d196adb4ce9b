"""Tokens: what a way of signing in trades for one, and the one that is in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from connectors.errors import Misconfigured, Refused
from connectors.formats import json_text
from connectors.http_policy import Answer, verdict

FORM = "application/x-www-form-urlencoded"
_EARLY = timedelta(seconds=60)  # a token is renewed this long before it ends
_LONGEST = 80  # characters of a code that is told
_NOT_SAID = 300.0  # seconds; RFC 6749 leaves it to us where the server does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent to get in. Never shown: it holds the proof of who we are."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """What was got for it, and when it ends."""

    text: str = field(repr=False)
    ends: datetime


# Sends one request as it stands, once, and gives whatever was answered.
Send = Callable[[Request], Answer]


@runtime_checkable
class Trades(Protocol):
    """A way of signing in that trades a proof of its own for a token."""

    def trade(self, send: Send, now: datetime) -> Token:
        """A new token. Raises Misconfigured where the proof is not taken, TryLater."""
        ...

    def carried(self, token: str) -> dict[str, str]:
        """The headers that carry the token."""
        ...

    def is_spent(self, answer: Answer) -> bool:
        """Does the answer say that the token is not taken any more?"""
        ...


@dataclass(slots=True)
class TokenCache:
    """The token in use, shared by all runs of one connection, and what goes with a write
    (`connectors.auth.csrf`)."""

    token: str = field(default="", repr=False)
    ends: datetime | None = None
    proof: dict[str, str] = field(default_factory=dict, repr=False)

    def valid(self, now: datetime) -> str:
        """The token, or "" when there is none or it ends within a minute."""
        return self.token if self.ends and now < self.ends - _EARLY else ""

    def keep(self, token: str, ends: datetime) -> None:
        self.token, self.ends = token, ends

    def forget(self) -> bool:
        """Drops the token; was there one?"""
        had = bool(self.token)
        self.token, self.ends, self.proof = "", None, {}
        return had

    def forget_proof(self) -> bool:
        """Drops what goes with a write; was there any?"""
        had = bool(self.proof)
        self.proof = {}
        return had


def bearer(token: str) -> dict[str, str]:
    """A token as RFC 6750 §2.1 has it travel."""
    return {"Authorization": f"Bearer {token}"}


def oauth_token(answer: Answer, now: datetime) -> Token:
    """The token of an answer (RFC 6749 §5.1, §5.2), whose refusals are told by their code."""
    raise_for(answer, now, pick_code(answer, "error"))
    said = value(answer)
    token = pick(said, "access_token")
    if not isinstance(token, str) or not token:
        raise Misconfigured(f"{answer.told}: the answer holds no access_token")
    return Token(token, now + timedelta(seconds=_seconds(pick(said, "expires_in"))))


def raise_for(answer: Answer, now: datetime, code: str = "") -> None:
    """Raises what a refused sign-in stands for; does nothing when the status is a success."""
    if 400 <= answer.status < 500 and answer.status not in (408, 425, 429):
        said = f"HTTP {answer.status} {code}".strip()
        raise Misconfigured(f"{answer.told}: no token: {said}; check `auth`")
    error = verdict(answer, now=now)
    if error:
        raise error


def value(answer: Answer) -> Any:  # noqa: ANN401 - JSON
    """The JSON of an answer; None where it holds none."""
    try:
        return json_text.read(answer.body)
    except Refused:
        return None


def pick(said: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """What stands at dotted names and positions, `errors.0.type`; None where nothing does."""
    for name in path.split("."):
        if isinstance(said, list) and name.isdecimal() and int(name) < len(said):
            said = said[int(name)]
        elif isinstance(said, dict):
            said = said.get(name)
        else:
            return None
    return said


def pick_code(answer: Answer, path: str) -> str:
    """The error code at `path` as it stands, if it looks like one; else "". Words may hold
    anything, so they are not told."""
    code = pick(value(answer), path)
    fits = isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum()
    return str(code)[:_LONGEST] if fits else ""


def _seconds(said: Any) -> float:  # noqa: ANN401 - JSON
    try:
        return float(said)
    except (TypeError, ValueError):
        return _NOT_SAID
