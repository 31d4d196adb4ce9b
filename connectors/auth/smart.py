"""SMART Backend Services: an assertion signed with our own key for a token (RFC 7523 §2.2)."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from joserfc import jwk, jwt
from joserfc.errors import JoseError
from pydantic import Field

from connectors.address import BaseUrl, origin
from connectors.auth.plain import Settings
from connectors.auth.tokens import (
    FORM,
    Request,
    Send,
    Token,
    bearer,
    oauth_token,
    pick,
    raise_for,
    value,
)
from connectors.errors import Misconfigured
from connectors.http_policy import Answer
from connectors.secrets import Secret, reveal

# Five minutes is the most a server takes; our clock may be a little ahead of its own.
_LASTS = 240  # seconds
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_KEY_TYPES: dict[str, Literal["RSA", "EC"]] = {"RS384": "RSA", "ES384": "EC"}


class BackendServices(Settings):
    """Without `token_url` the FHIR server at `issuer` says where tokens are made; without that,
    the one of the connection. `private_key` is PEM or a JWK, `key_id` its name at the server."""

    kind: Literal["smart"] = Field(
        description="SMART Backend Services: an assertion signed with our key for a token."
    )
    client_id: str = Field(description="Our name as a client at the server.")
    private_key: Secret = Field(
        description="Reference to our key, PEM or JWK: ${env:NAME} or ${file:path}."
    )
    key_id: str = Field(description="Name (kid) of the key at the server.")
    algorithm: Literal["RS384", "ES384"] = Field(
        default="RS384",
        description="How the assertion is signed: RS384 with an RSA key, ES384 with an EC key.",
    )
    scope: str = Field(default="system/*.rs", description="Scopes to ask for, blanks between.")
    token_url: BaseUrl | None = Field(
        default=None, description="Endpoint that makes tokens; unsaid: the issuer says where it is."
    )
    issuer: BaseUrl | None = Field(
        default=None,
        description="FHIR root that names the token endpoint; unsaid: the connection's own.",
    )

    def issued_by(self, fhir_root: str) -> BackendServices:
        """The same with an issuer, where none was set."""
        return self if self.issuer else self.model_copy(update={"issuer": fhir_root})

    def trade(self, send: Send, now: datetime) -> Token:
        url = self.token_url or self._discovered(send, now)
        form = {
            "grant_type": "client_credentials",
            "scope": self.scope,
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(url, now),
        }
        headers = {"Accept": "application/json", "Content-Type": FORM}
        request = Request(url=url, headers=headers, body=urlencode(form).encode())
        return oauth_token(send(request), now)

    def carried(self, token: str) -> dict[str, str]:
        return bearer(token)

    def is_spent(self, answer: Answer) -> bool:
        return answer.status == 401

    def _discovered(self, send: Send, now: datetime) -> str:
        """The token endpoint that the issuer names. On another origin a person must have set
        it: whoever writes that answer must not choose where we go."""
        if not self.issuer:
            raise Misconfigured("auth smart: neither `token_url` nor `issuer` is set")
        place = f"{self.issuer}/.well-known/smart-configuration"
        answer = send(Request(url=place, method="GET", headers={"Accept": "application/json"}))
        raise_for(answer, now)
        said = value(answer)
        found = pick(said, "token_endpoint")
        if not isinstance(found, str) or not found:
            raise Misconfigured(f"{answer.told}: no token_endpoint; set `auth.token_url`")
        self._check_algorithm(said, answer)
        if _origin(found) != origin(self.issuer):
            raise Misconfigured(
                f"{answer.told}: tokens are made at {_origin(found) or 'no web address'}, expected "
                f"the origin {origin(self.issuer)}; set `auth.token_url` if that is right"
            )
        return found

    def _check_algorithm(self, said: Any, answer: Answer) -> None:  # noqa: ANN401 - JSON
        known = pick(said, "token_endpoint_auth_signing_alg_values_supported")
        if isinstance(known, list) and known and self.algorithm not in known:
            told = ", ".join(str(one)[:10] for one in known[:10])
            raise Misconfigured(
                f"{answer.told}: the server takes {told}, `auth.algorithm` is {self.algorithm}"
            )

    def _assertion(self, audience: str, now: datetime) -> str:
        header = {"alg": self.algorithm, "kid": self.key_id, "typ": "JWT"}
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "exp": int(now.timestamp()) + _LASTS,
            "jti": secrets.token_hex(16),
        }
        try:
            return jwt.encode(header, claims, self._key(), algorithms=[self.algorithm])
        except (JoseError, ValueError, TypeError):
            # their words may quote the key
            raise Misconfigured(
                f"auth smart: `private_key` is no {_KEY_TYPES[self.algorithm]} key "
                f"that signs {self.algorithm}; expected PEM or a JWK"
            ) from None

    def _key(self) -> jwk.RSAKey | jwk.ECKey:
        text, kind = reveal(self.private_key), _KEY_TYPES[self.algorithm]
        content: Any = text
        if text.lstrip().startswith("{"):
            content = json.loads(text)
        key = jwk.import_key(content, kind)
        if not isinstance(key, jwk.RSAKey | jwk.ECKey) or not key.is_private:
            raise ValueError("no private key")
        return key


def _origin(url: str) -> str:
    try:
        return origin(url)
    except ValueError:
        return ""
