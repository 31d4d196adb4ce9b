"""Session login: user and password for a session that ends when nobody uses it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus, urlencode

from pydantic import AfterValidator, Field

from connectors.address import BaseUrl
from connectors.auth.plain import TOKEN, Settings
from connectors.auth.tokens import FORM, Request, Send, Token, pick, pick_code, raise_for, value
from connectors.errors import Misconfigured, TryLater
from connectors.http_policy import Answer
from connectors.secrets import Secret, reveal

_WORDS = 200  # characters of the system's own words that are told
_PAUSE = 60.0  # seconds that a system which counts logins is left alone
_SMALL = 1 << 16  # bytes; an answer that says no is no longer


def _is_path(value: str) -> str:
    if not value or any(not part or not part.isprintable() for part in value.split(".")):
        raise ValueError("expected dotted names and positions, for one errors.0.type")
    return value


JsonPath = Annotated[str, AfterValidator(_is_path)]


class SessionLogin(Settings):
    """What a vendor's login looks like; as set here it is Veeva Vault's.

    `session` is where the answer holds the session, `expects` what else must stand there (a
    login may land in another vault). A session is renewed once when an answer has one of
    `ended_statuses`, or one of `ended_codes` where errors are told (`error`), whatever its
    status.
    """

    kind: Literal["session"] = Field(
        description="A login with user and password that gives a session."
    )
    login_url: BaseUrl = Field(description="Address that the login is sent to.")
    user: str = Field(description="Name of the user.")
    password: Secret = Field(description="Reference to the password: ${env:NAME} or ${file:path}.")
    user_field: str = Field(
        default="username", description="Name of the login's field for the user."
    )
    password_field: str = Field(
        default="password", description="Name of the login's field for the password."
    )
    fields: dict[str, str] = Field(
        default_factory=dict, description="Further fields that the login wants, by name."
    )
    sends: Literal["form", "json"] = Field(
        default="form", description="How the login travels: as a form or as JSON."
    )
    session: JsonPath = Field(
        default="sessionId",
        description="Where the answer holds the session: dotted names and positions.",
    )
    expects: dict[JsonPath, str] = Field(
        default_factory=dict,
        description="What else must stand in the answer, by dotted path, or the login is refused.",
    )
    error: JsonPath = Field(
        default="errors.0.type",
        description="Where an answer tells the code of an error: dotted names and positions.",
    )
    message: JsonPath = Field(
        default="errors.0.message",
        description="Where an answer tells an error in words: dotted names and positions.",
    )
    header: str = Field(
        default="Authorization",
        pattern=TOKEN,
        description="Header that carries the session with each request.",
    )
    prefix: str = Field(
        default="",
        pattern=r"^[\x20-\x7e]*$",
        description="What stands before the session in the header; empty: nothing.",
    )
    ended_statuses: frozenset[int] = Field(
        default=frozenset({401}), description="HTTP statuses that say that the session has ended."
    )
    ended_codes: frozenset[str] = Field(
        default=frozenset({"INVALID_SESSION_ID"}),
        description="Error codes that say that the session has ended, whatever the status.",
    )
    later_codes: frozenset[str] = Field(
        default=frozenset({"API_LIMIT_EXCEEDED"}),
        description="Error codes of a login that is tried again later.",
    )
    lasts: float = Field(
        default=1200, gt=60, description="Seconds after which a new session is made in any case."
    )

    def trade(self, send: Send, now: datetime) -> Token:
        answer = send(self._request())
        said, told = value(answer), self._told(answer)
        if pick_code(answer, self.error) in self.later_codes:
            raise TryLater(f"{answer.told}: no session yet: {told}", after=_PAUSE)
        raise_for(answer, now, told)
        found = pick(said, self.session)
        if not isinstance(found, str) or not found:
            raise Misconfigured(f"{answer.told}: no session: {told or 'none given'}; check `auth`")
        for path, expected in self.expects.items():
            self._check(said, path, expected, answer)
        return Token(found, now + timedelta(seconds=self.lasts))

    def carried(self, token: str) -> dict[str, str]:
        return {self.header: self.prefix + token}

    def is_spent(self, answer: Answer) -> bool:
        if answer.status in self.ended_statuses:
            return True
        # a system that says so with 200 says little else: long answers are not read twice
        small = bool(self.ended_codes) and len(answer.body) <= _SMALL
        return small and pick_code(answer, self.error) in self.ended_codes

    def _request(self) -> Request:
        secret = reveal(self.password)
        form = {self.user_field: self.user, self.password_field: secret, **self.fields}
        if self.sends == "json":
            kind, body = "application/json", json.dumps(form).encode()
        else:
            kind, body = FORM, urlencode(form).encode()
        headers = {"Accept": "application/json", "Content-Type": kind}
        return Request(url=self.login_url, headers=headers, body=body)

    def _check(self, said: Any, path: str, expected: str, answer: Answer) -> None:  # noqa: ANN401
        found = pick(said, path)
        if str(found) != expected:
            raise Misconfigured(
                f"{answer.told}: {path} is {str(found)[:40]!r}, expected {expected!r}; "
                "the login landed somewhere else"
            )

    def _told(self, answer: Answer) -> str:
        """Code and words of a login that failed, our own password never among them."""
        code, words = pick_code(answer, self.error), pick(value(answer), self.message)
        if not isinstance(words, str):
            return code
        secret = reveal(self.password)
        for shown in (secret, quote_plus(secret), json.dumps(secret)[1:-1]):
            words = words.replace(shown, "***")
        words = "".join(one for one in words if one.isprintable())[:_WORDS]
        return f"{code}: {words}" if code else words
