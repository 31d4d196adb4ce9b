"""How a sender shows who it is: a signature, a token, or a path that only it knows.

A proof is judged on the bytes as they came, before anything reads them. What fails is not told
why: whoever knocks learns nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors import standard_webhooks
from connectors.protocol import Call
from connectors.secrets import Secret, reveal

Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]


class NotTrusted(Exception):
    """The call does not come from whom it should. `unknown`: as if nothing were there."""

    def __init__(self, *, unknown: bool = False) -> None:
        super().__init__("not trusted")
        self.unknown = unknown


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StandardWebhooks(_Settings):
    """Signed as standardwebhooks.com says. While a key is changed, `former_secret` holds too."""

    kind: Literal["standard_webhooks"] = Field(description="Signed as standardwebhooks.com says.")
    secret: Secret = Field(description="The key, whsec_ and Base64, by reference.")
    former_secret: Secret | None = Field(
        default=None,
        description="The old key, which holds too while keys are changed, by reference.",
    )
    tolerance: int = Field(
        default=300, gt=0, description="Seconds between the sender's clock and ours."
    )

    def prove(self, call: Call, now: datetime) -> datetime:
        """When it was sent. Raises NotTrusted."""
        known, timestamp = (
            call.header(standard_webhooks.ID),
            call.header(standard_webhooks.TIMESTAMP),
        )
        digits = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
        if not known or not digits:
            raise NotTrusted
        if abs(int(timestamp) - now.timestamp()) > self.tolerance:
            raise NotTrusted
        secrets = [self.secret, *([self.former_secret] if self.former_secret else [])]
        given = call.header(standard_webhooks.SIGNATURE)
        if not standard_webhooks.holds(
            secrets, given, id=known, timestamp=timestamp, body=call.body
        ):
            raise NotTrusted
        return datetime.fromtimestamp(int(timestamp), UTC)


class Hmac(_Settings):
    """A signature of the body alone in a header of the sender's own. It carries no time, so an old
    call said again is known only by its id or content."""

    kind: Literal["hmac"] = Field(description="A signature of the body alone.")
    secret: Secret = Field(description="The key that both sides know, by reference.")
    header: Header = Field(
        default="X-Hub-Signature-256", description="The header with the signature."
    )
    prefix: str = Field(default="sha256=", description="What stands before the signature.")
    algorithm: Literal["sha256", "sha1", "sha512"] = Field(
        default="sha256", description="The hash of the signature."
    )
    encoding: Literal["hex", "base64"] = Field(
        default="hex", description="How the signature is written."
    )

    def prove(self, call: Call, _now: datetime) -> None:
        """Raises NotTrusted."""
        key = reveal(self.secret).encode()
        made = hmac.new(key, call.body, getattr(hashlib, self.algorithm)).digest()
        wanted = made.hex() if self.encoding == "hex" else base64.b64encode(made).decode()
        said = call.header(self.header)
        same = hmac.compare_digest((self.prefix + wanted).encode(), said.encode())
        if not same:
            raise NotTrusted


class Bearer(_Settings):
    """A token that the sender shows (RFC 6750)."""

    kind: Literal["bearer"] = Field(description="A token that the sender shows.")
    token: Secret = Field(description="The token, by reference.")
    header: Header = Field(default="Authorization", description="The header with the token.")
    prefix: str = Field(default="Bearer ", description="What stands before the token.")

    def prove(self, call: Call, _now: datetime) -> None:
        """Raises NotTrusted."""
        wanted = self.prefix + reveal(self.token)
        if not hmac.compare_digest(wanted.encode(), call.header(self.header).encode()):
            raise NotTrusted


class SecretPath(_Settings):
    """For senders that can show nothing else, such as REDCap's Data Entry Trigger: the address is
    the secret, `/hooks/<connection>/<token>`."""

    kind: Literal["path"] = Field(description="The address is the secret.")
    token: Secret = Field(description="The last part of the address, by reference.")

    def prove(self, call: Call, _now: datetime) -> None:
        """Raises NotTrusted."""
        wanted = reveal(self.token)
        if not hmac.compare_digest(wanted.encode(), call.rest.encode()):
            raise NotTrusted(unknown=True)


Proof = Annotated[StandardWebhooks | Hmac | Bearer | SecretPath, Field(discriminator="kind")]
