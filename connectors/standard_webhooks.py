"""Standard Webhooks: a symmetric signature over id, time and raw body (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from pydantic import SecretStr

from connectors.errors import Misconfigured
from connectors.secrets import reveal

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX = "whsec_"


def sign(secret: SecretStr, *, id: str, timestamp: str, body: bytes) -> str:
    """One signature, `v1,…`. Raises Misconfigured for a secret that is none."""
    return sign_with(key_of(reveal(secret)), id=id, timestamp=timestamp, body=body)


def sign_with(key: bytes, *, id: str, timestamp: str, body: bytes) -> str:
    """One signature with a key as it is."""
    content = f"{id}.{timestamp}.".encode() + body
    made = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def key_of(written: str) -> bytes:
    """The key that a secret writes. Raises Misconfigured for one that is none."""
    try:
        key = base64.b64decode(written.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise Misconfigured(
            "the secret of a Standard Webhook is written whsec_ and Base64, of 24 to 64 bytes"
        )
    return key


def written(key: bytes) -> str:
    """A key as whoever verifies is given it."""
    return _PREFIX + base64.b64encode(key).decode()


def holds(
    secrets: Iterable[SecretStr], given: str, *, id: str, timestamp: str, body: bytes
) -> bool:
    """Is one of the signatures in `given` by one of the secrets? All are tried, whichever fits."""
    wanted = [sign(one, id=id, timestamp=timestamp, body=body).encode() for one in secrets]
    said = [one.encode() for one in given.split(" ")]
    fits = [hmac.compare_digest(one, other) for one in wanted for other in said]
    return any(fits)
