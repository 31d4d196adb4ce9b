"""What an HTTP answer, or none, means for what happens next (RFC 9110 §15, RFC 6585)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater

LONGEST_WAIT = 3600.0  # seconds; who asks for more is asked again after an hour
LONGEST_PAUSE = 60.0  # seconds between two requests of one session
_SOON = frozenset({408, 425, 429, 503})  # the system says that it did nothing
_NEVER = frozenset({501, 505})  # of the 5xx, those that no repetition cures
_SIGN_IN = {401: "does not know us", 403: "knows us but does not let us do this"}
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_OUR_FAULT = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)


class NoAnswer(TryLater):
    """It was sent, and no answer tells whether it was done."""


class StatusRefused(Refused):
    """The system answered with a status that no repetition changes."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. `headers` are found in any case; `url` is where it came from at last."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    told: str  # method and address, fit for messages

    @property
    def server_time(self) -> datetime | None:
        """The server's own clock when it answered (RFC 9110 §6.6.1), to the second."""
        return http_date(self.headers.get("date", ""))


class Throttle(BaseModel):
    """How a system counts requests in its headers, and how we slow down before it makes us:
    below `reserve` of `remaining`, each request waits `pause` seconds; an answer that was held
    back (`delayed`, in milliseconds) is followed by as long a wait."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    remaining: str = Field(description="Header that tells how many requests are left.")
    reserve: int = Field(
        default=100, ge=0, description="Requests left below which each further one waits."
    )
    pause: float = Field(default=2, ge=0, description="Seconds that a request waits then.")
    delayed: str = Field(
        default="",
        description="Header that tells how many milliseconds it held us back; empty: none.",
    )

    def wait(self, answer: Answer) -> float:
        """Seconds to wait before the next request."""
        left = answer.headers.get(self.remaining, "").strip()
        held = answer.headers.get(self.delayed, "").strip() if self.delayed else ""
        slow = self.pause if left.isascii() and left.isdigit() and int(left) < self.reserve else 0.0
        said = int(held[:9]) / 1000 if held.isascii() and held.isdigit() else 0.0
        return min(max(slow, said), LONGEST_PAUSE)


def verdict(
    answer: Answer, *, now: datetime, repeatable: bool = True, detail: str = ""
) -> ConnectorError | None:
    """The error an answer's status stands for; None for success.

    `repeatable`: may the request be sent again without doing anything twice? If not, a server
    that failed half-way (500, 502, 504) leaves the outcome unknown. `detail` is said as well:
    codes only.
    """
    status = answer.status
    said = f"{answer.told}: HTTP {status}" + (f" ({detail})" if detail else "")
    if status < 300:
        return None
    if status in _SIGN_IN:
        return Misconfigured(f"{said}, the system {_SIGN_IN[status]}; check `auth`")
    if status in _SOON or (status >= 500 and status not in _NEVER):
        kind = TryLater if repeatable or status in _SOON else NoAnswer
        return kind(said, after=retry_after(answer, now))
    return StatusRefused(said, status)


def retry_after(answer: Answer, now: datetime) -> float:
    """Seconds the server asks us to wait, at most an hour; 0 when it does not say.

    A date is measured against the server's own clock where it sends one (RFC 9110 §10.2.3).
    """
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), LONGEST_WAIT)
    when = http_date(said)
    if when is None:
        return 0.0
    wait = (when - (answer.server_time or now)).total_seconds()
    return min(max(wait, 0.0), LONGEST_WAIT)


def http_date(said: str) -> datetime | None:
    """An HTTP date (RFC 9110 §5.6.7) as UTC; None for anything else."""
    try:
        return parsedate_to_datetime(said).replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return None


def no_answer(error: Exception, told: str) -> ConnectorError:
    """What a failed exchange stands for. The error's own words stay out where they may quote a
    header, and with it a secret."""
    tls = _tls_fault(error)
    if tls:
        return Misconfigured(f"{told}: no trusted TLS connection: {tls}; check `http.ca_file`")
    if isinstance(error, _OUR_FAULT):
        return Misconfigured(f"{told}: not a valid HTTP request ({type(error).__name__})")
    kind = TryLater if isinstance(error, _NOT_SENT) else NoAnswer
    return kind(f"{told}: no answer ({type(error).__name__})")


def _tls_fault(error: BaseException | None) -> str:
    """Why TLS failed for good; "" when it did not, or when only the line broke."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return error.reason or type(error).__name__
        error = error.__cause__ or error.__context__
    return ""
