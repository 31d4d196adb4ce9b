"""How a connection shows who it is: each way of signing in is a small frozen set of settings.

A way that puts fixed headers on a request has `headers`. A way that first asks a token endpoint
has `token_request`; who sends requests (`connectors.http`) asks, keeps and renews the token.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Protocol, runtime_checkable
from urllib.parse import quote_plus, urlencode

from pydantic import BaseModel, ConfigDict, Field

from connectors.address import BaseUrl
from connectors.secrets import Secret, reveal

_EARLY = timedelta(seconds=60)  # a token is renewed this long before it ends
_FORM = "application/x-www-form-urlencoded"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What is posted to a token endpoint (RFC 6749 §4.4.2)."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@runtime_checkable
class AsksForToken(Protocol):
    """A way of signing in that trades a proof of its own for a token."""

    def token_request(self, now: datetime) -> TokenRequest:
        """What to post at `now`, for ways whose proof carries a time."""
        ...


class NoAuth(_Settings):
    """The system lets everyone in."""

    kind: Literal["none"] = "none"

    def headers(self) -> dict[str, str]:
        return {}


class Basic(_Settings):
    """User and password (RFC 7617)."""

    kind: Literal["basic"]
    user: str = Field(pattern=r"^[^:\x00-\x1f]+$")
    password: Secret

    def headers(self) -> dict[str, str]:
        return {"Authorization": _basic(self.user, reveal(self.password))}


class Bearer(_Settings):
    """A token that somebody made for us and that lives long (RFC 6750 §2.1)."""

    kind: Literal["bearer"]
    token: Secret

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {reveal(self.token)}"}


class ApiKey(_Settings):
    """A key in a header of the system's own, `X-Api-Key: …`. Never in the query, where logs are."""

    kind: Literal["api_key"]
    header: str = Field(default="X-Api-Key", pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$")
    prefix: str = Field(default="", pattern=r"^[\x20-\x7e]*$")
    key: Secret

    def headers(self) -> dict[str, str]:
        return {self.header: self.prefix + reveal(self.key)}


class ClientCredentials(_Settings):
    """OAuth 2 for a machine (RFC 6749 §4.4). `sends` is how the endpoint wants the secret:
    in the header, in the form, or (some products) in a JSON body."""

    kind: Literal["oauth2"]
    token_url: BaseUrl
    client_id: str
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    sends: Literal["header", "form", "json"] = "header"

    def token_request(self, now: datetime) -> TokenRequest:
        """The form or JSON the endpoint wants."""
        form = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        form = {name: value for name, value in form.items() if value}
        headers = {"Accept": "application/json", "Content-Type": _FORM}
        secret = reveal(self.client_secret)
        if self.sends == "header":
            # RFC 6749 §2.3.1: both are form-encoded before they become user and password
            headers["Authorization"] = _basic(quote_plus(self.client_id), quote_plus(secret))
        else:
            form |= {"client_id": self.client_id, "client_secret": secret}
        if self.sends == "json":
            headers["Content-Type"] = "application/json"
            return TokenRequest(url=self.token_url, headers=headers, body=json.dumps(form).encode())
        return TokenRequest(url=self.token_url, headers=headers, body=urlencode(form).encode())


Auth = Annotated[NoAuth | Basic | Bearer | ApiKey | ClientCredentials, Field(discriminator="kind")]


@dataclass(slots=True)
class TokenCache:
    """The token in use, shared by all runs of one connection."""

    token: str = ""
    ends: datetime | None = None

    def valid(self, now: datetime) -> str:
        """The token, or "" when there is none or it ends within a minute."""
        return self.token if self.ends and now < self.ends - _EARLY else ""

    def keep(self, token: str, ends: datetime) -> None:
        self.token, self.ends = token, ends

    def forget(self) -> bool:
        """Drops the token; was there one?"""
        had = bool(self.token)
        self.token, self.ends = "", None
        return had


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
