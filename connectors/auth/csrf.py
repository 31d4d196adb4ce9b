"""A token that must go with every write, and the cookies it belongs to (SAP Gateway)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from connectors.address import BaseUrl
from connectors.auth.oauth import ClientCredentials
from connectors.auth.plain import TOKEN, ApiKey, Basic, Bearer, NoAuth, Settings
from connectors.auth.tokens import Request, raise_for
from connectors.errors import Misconfigured
from connectors.http_policy import Answer

_READS = frozenset({"GET", "HEAD", "OPTIONS"})

Inner = Annotated[NoAuth | Basic | Bearer | ApiKey | ClientCredentials, Field(discriminator="kind")]


class Csrf(Settings):
    """`signs` says who we are; `fetch_url` hands out the token: the root of the service. A
    token that is not taken any more (403 and `x-csrf-token: Required`) is fetched again once."""

    kind: Literal["csrf"] = Field(description="A token that goes with every write (SAP Gateway).")
    signs: Inner = Field(
        default=NoAuth(), description="How we say who we are, beside the token; unsaid: not at all."
    )
    fetch_url: BaseUrl = Field(
        description="Address that hands out the token: the root of the service."
    )
    header: str = Field(
        default="x-csrf-token",
        pattern=TOKEN,
        description="Header that asks for the token and carries it.",
    )
    fetch: str = Field(default="Fetch", description="Value of the header that asks for a token.")
    required: str = Field(
        default="Required", description="Value of the header in an answer that wants a new token."
    )

    def concerns(self, method: str) -> bool:
        """Does a request of this method need the token?"""
        return method not in _READS

    def request(self) -> Request:
        headers = {self.header: self.fetch, "Accept": "application/json"}
        return Request(url=f"{self.fetch_url}/", method="GET", headers=headers)

    def proof(self, answer: Answer, cookies: Sequence[str], now: datetime) -> dict[str, str]:
        """The headers of a write, from the answer that brought the token and its Set-Cookie."""
        raise_for(answer, now)
        token = answer.headers.get(self.header, "")
        if not token or token.lower() == self.required.lower():
            raise Misconfigured(
                f"{answer.told}: the answer brings no {self.header}; check `auth.fetch_url`"
            )
        kept = [one.partition(";")[0].strip() for one in cookies]
        jar = {"Cookie": "; ".join(one for one in kept if "=" in one)} if kept else {}
        return {self.header: token} | jar

    def is_spent(self, answer: Answer) -> bool:
        """Does the answer say that the token is not taken any more?"""
        said = answer.headers.get(self.header, "").strip().lower()
        return answer.status == 403 and said == self.required.lower()
