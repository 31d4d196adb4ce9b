"""How a connection shows who it is: each way of signing in is a small frozen set of settings.

A way that puts fixed headers on a request has `headers`. A way that trades a proof for a token
has `trade`; who sends requests (`connectors.http_sign`) asks, keeps and renews the token.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from connectors.auth.csrf import Csrf
from connectors.auth.oauth import ClientCredentials
from connectors.auth.plain import ApiKey, Basic, Bearer, NoAuth
from connectors.auth.session import SessionLogin
from connectors.auth.smart import BackendServices
from connectors.auth.tokens import TokenCache

__all__ = [
    "ApiKey",
    "Auth",
    "BackendServices",
    "Basic",
    "Bearer",
    "ClientCredentials",
    "Csrf",
    "NoAuth",
    "SessionLogin",
    "TokenCache",
]

Auth = Annotated[
    NoAuth | Basic | Bearer | ApiKey | ClientCredentials | BackendServices | SessionLogin | Csrf,
    Field(discriminator="kind"),
]
