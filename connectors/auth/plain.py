"""Ways of signing in that put fixed headers on a request."""

from __future__ import annotations

from base64 import b64encode
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.secrets import Secret, reveal

TOKEN = r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$"  # noqa: S105 - the name of a header (RFC 9110 §5.6.2)


class Settings(BaseModel):
    """What all ways of signing in have in common: they are settings and nothing else."""

    # hidden: a secret written where its reference belongs must not reach a log
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class NoAuth(Settings):
    """The system lets everyone in."""

    kind: Literal["none"] = Field(default="none", description="The system lets everyone in.")

    def headers(self) -> dict[str, str]:
        return {}


class Basic(Settings):
    """User and password (RFC 7617)."""

    kind: Literal["basic"] = Field(description="User and password with each request (HTTP Basic).")
    user: str = Field(pattern=r"^[^:\x00-\x1f]+$", description="Name of the user, without a colon.")
    password: Secret = Field(description="Reference to the password: ${env:NAME} or ${file:path}.")

    def headers(self) -> dict[str, str]:
        return {"Authorization": basic(self.user, reveal(self.password))}


class Bearer(Settings):
    """A token that somebody made for us and that lives long (RFC 6750 §2.1)."""

    kind: Literal["bearer"] = Field(description="A long-lived token with each request.")
    token: Secret = Field(description="Reference to the token: ${env:NAME} or ${file:path}.")

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {reveal(self.token)}"}


class ApiKey(Settings):
    """A key in a header of the system's own, `X-Api-Key: …`. Never in the query, where logs are."""

    kind: Literal["api_key"] = Field(description="A key in a header of the system's own.")
    header: str = Field(
        default="X-Api-Key", pattern=TOKEN, description="Name of the header that carries the key."
    )
    prefix: str = Field(
        default="",
        pattern=r"^[\x20-\x7e]*$",
        description="What stands before the key in the header; empty: nothing.",
    )
    key: Secret = Field(description="Reference to the key: ${env:NAME} or ${file:path}.")

    def headers(self) -> dict[str, str]:
        return {self.header: self.prefix + reveal(self.key)}


def basic(user: str, password: str) -> str:
    """The value of `Authorization` for user and password."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
