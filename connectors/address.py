"""Web addresses: the base of a connection, what stays on its origin, and what may be told of it."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import httpx2
from pydantic import AfterValidator

from connectors.errors import Refused


def _base(value: str) -> str:
    try:
        url = httpx2.URL(value)
        httpx2.Origin(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ValueError(f"no web address: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("an address is written http(s)://host[:port]/path")
    if url.userinfo:
        raise ValueError("an address holds no user and password; they belong into `auth`")
    if url.query or url.fragment:
        raise ValueError("an address ends before ? and #; parameters are settings of their own")
    return value.rstrip("/")


# The root of a connection: no credentials, no query, no slash at the end.
BaseUrl = Annotated[str, AfterValidator(_base)]


def is_private_line(url: str) -> bool:
    """May a secret travel to `url`: over TLS, or without leaving this machine?"""
    parsed = httpx2.URL(url)
    if parsed.scheme == "https" or parsed.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(parsed.host).is_loopback
    except ValueError:
        return False


def tell(method: str, url: str) -> str:
    """`GET https://host/path`, for messages and logs: a query may hold a patient's identifiers."""
    parsed = httpx2.URL(url)
    return f"{method} {origin(url)}{parsed.path}"


def origin(url: str) -> str:
    """`https://host:port` of an absolute address."""
    found = httpx2.Origin(url)
    host = f"[{found.host}]" if ":" in found.host else found.host
    default = {"http": 80, "https": 443}.get(found.scheme)
    return f"{found.scheme}://{host}" + ("" if found.port == default else f":{found.port}")


def follow(link: str, *, seen_at: str) -> str:
    """The absolute address of a `link` found in an answer from `seen_at`, otherwise verbatim.

    Raises Refused when it leads to another origin (scheme, host and port, RFC 9110 §4.3.1):
    whoever writes an answer must not choose whom we show our credentials.
    """
    try:
        absolute = link if "://" in link else str(httpx2.URL(seen_at).join(link))
        here, there = origin(seen_at), origin(absolute)
    except (httpx2.InvalidURL, ValueError):
        raise Refused(f"{tell('GET', seen_at)}: a link that is no web address") from None
    if here != there:
        raise Refused(
            f"{tell('GET', seen_at)}: a link leads to {there}, expected the origin {here}"
        )
    return absolute
