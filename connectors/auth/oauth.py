"""OAuth 2 for a machine: a client's name and secret for a token (RFC 6749 §4.4)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal
from urllib.parse import quote_plus, urlencode

from pydantic import Field

from connectors.address import BaseUrl
from connectors.auth.plain import Settings, basic
from connectors.auth.tokens import FORM, Request, Send, Token, bearer, oauth_token
from connectors.http_policy import Answer
from connectors.secrets import Secret, reveal


class ClientCredentials(Settings):
    """`sends` is how the endpoint wants the secret: in the header, in the form, or (some
    products) in a JSON body."""

    kind: Literal["oauth2"] = Field(
        description="OAuth 2 client credentials: a client's name and secret for a token."
    )
    token_url: BaseUrl = Field(description="Address of the endpoint that makes tokens.")
    client_id: str = Field(description="Our name as a client.")
    client_secret: Secret = Field(
        description="Reference to the client's secret: ${env:NAME} or ${file:path}."
    )
    scope: str = Field(
        default="", description="Scopes to ask for, blanks between; empty: none are named."
    )
    audience: str = Field(
        default="", description="For whom the token is to be; empty: it is not said."
    )
    sends: Literal["header", "form", "json"] = Field(
        default="header",
        description="Where the endpoint wants the secret: Basic header, form or JSON body.",
    )

    def trade(self, send: Send, now: datetime) -> Token:
        return oauth_token(send(self._request()), now)

    def carried(self, token: str) -> dict[str, str]:
        return bearer(token)

    def is_spent(self, answer: Answer) -> bool:
        return answer.status == 401

    def _request(self) -> Request:
        """The form or JSON the endpoint wants."""
        form = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        form = {name: value for name, value in form.items() if value}
        headers = {"Accept": "application/json", "Content-Type": FORM}
        secret = reveal(self.client_secret)
        if self.sends == "header":
            # RFC 6749 §2.3.1: both are form-encoded before they become user and password
            headers["Authorization"] = basic(quote_plus(self.client_id), quote_plus(secret))
        else:
            form |= {"client_id": self.client_id, "client_secret": secret}
        if self.sends == "json":
            headers["Content-Type"] = "application/json"
            return Request(url=self.token_url, headers=headers, body=json.dumps(form).encode())
        return Request(url=self.token_url, headers=headers, body=urlencode(form).encode())
