"""OAuth 2 for a machine: a client's name and secret for a token (RFC 6749 §4.4)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal
from urllib.parse import quote_plus, urlencode

from connectors.address import BaseUrl
from connectors.auth.plain import Settings, basic
from connectors.auth.tokens import FORM, Request, Send, Token, bearer, oauth_token
from connectors.http_policy import Answer
from connectors.secrets import Secret, reveal


class ClientCredentials(Settings):
    """`sends` is how the endpoint wants the secret: in the header, in the form, or (some
    products) in a JSON body."""

    kind: Literal["oauth2"]
    token_url: BaseUrl
    client_id: str
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    sends: Literal["header", "form", "json"] = "header"

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
