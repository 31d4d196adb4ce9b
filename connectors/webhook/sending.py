"""Posts events to one address, signed, each until it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field, PrivateAttr, field_validator

from connectors import standard_webhooks
from connectors.address import BaseUrl, is_private_line
from connectors.auth import Auth, NoAuth, TokenCache
from connectors.errors import ConnectorError, Refused
from connectors.facts import Facts
from connectors.http import Ask, Http, HttpSettings
from connectors.http_policy import StatusRefused
from connectors.one_by_one import deliver
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt
from connectors.secrets import Secret

_GONE = 410


class WebhookOut(Connector):
    """A target that takes events by POST. Each is signed as standardwebhooks.com says; while a key
    is changed, `former_secret` signs as well."""

    facts: ClassVar[Facts] = Facts(
        pushes="CloudEvents",
        auth="Standard Webhooks",
        tested="standardwebhooks",
    )

    url: BaseUrl = Field(
        description="The address that events are posted to, https://sink.example.edu/events."
    )
    secret: Secret = Field(description="The key that signs, whsec_ and Base64, by reference.")
    former_secret: Secret | None = Field(
        default=None,
        description="The old key, which signs as well while keys are changed, by reference.",
    )
    auth: Auth = Field(
        default=NoAuth(),
        description="How it signs in, where the target wants that beside the signature.",
    )
    http: HttpSettings = Field(
        default_factory=lambda: HttpSettings(read_timeout=20),
        description="Limits of the HTTP client, and whom it trusts.",
    )

    _tokens: TokenCache = PrivateAttr(default_factory=TokenCache)

    @field_validator("url")
    @classmethod
    def _is_private(cls, url: str) -> str:
        if not is_private_line(url):
            raise ValueError("events would cross the network in the clear; use https")
        return url

    def check(self) -> Health:
        """Does somebody answer there? HEAD does nothing (RFC 9110 §9.3.2); a refusal of it is an
        answer, too."""
        try:
            standard_webhooks.sign(self.secret, id="check", timestamp="0", body=b"")
            with self._session() as http:
                answer = http.ask(Ask(url=self.url, method="HEAD"))
                return Health(ok=True, detail=f"{answer.told}: HTTP {answer.status}")
        except StatusRefused as error:
            return Health(ok=error.status != _GONE, detail=str(error))
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Posts them in order. The target knows a repetition by `webhook-id`, the delivery's id."""
        if not deliveries:
            return []
        with self._session() as http:
            return deliver(deliveries, lambda one: self._post(http, one))

    def _post(self, http: Http, one: Delivery) -> Receipt:
        try:
            answer = http.ask(self._ask(one))
        except StatusRefused as error:
            if error.status != _GONE:
                raise
            raise Refused(
                f"{error}: the target has gone for good; pause the connection or take it out"
            ) from error
        return Receipt(id=one.id, outcome="delivered", detail=f"HTTP {answer.status}")

    def _ask(self, one: Delivery) -> Ask:
        timestamp = str(int(self._world.now().timestamp()))
        signatures = [
            standard_webhooks.sign(secret, id=one.id, timestamp=timestamp, body=one.body)
            for secret in (self.secret, self.former_secret)
            if secret is not None
        ]
        headers = {
            "Content-Type": one.media,
            standard_webhooks.ID: one.id,
            standard_webhooks.TIMESTAMP: timestamp,
            standard_webhooks.SIGNATURE: " ".join(signatures),
        }
        return Ask(url=self.url, method="POST", headers=headers, body=one.body, repeatable=True)

    def _session(self) -> Http:
        return Http(self.http, self.auth, world=self._world, tokens=self._tokens)
