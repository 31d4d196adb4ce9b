"""Where we may be sent by somebody else: an address that a caller gave must not lead into our own
network (CWE-918).

A name is resolved once, every address it has is judged, and the connection goes to one of those:
what a name means a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpcore2
import httpx2

from connectors.errors import Misconfigured, TryLater

CODE = "CROHUB-SSRF"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOW = 1024  # below it only the web's own ports are called
_WEB = {443: "https", 80: "http"}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address inside (RFC 6052)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Public addresses over https, and what is allowed besides: names (`sink.example.edu`, with
    any port), addresses and networks (`10.1.0.0/16`). `plain`: without TLS as well, but only to
    what is allowed by name or network."""

    allow: tuple[str, ...] = ()
    plain: bool = False
    _names: frozenset[str] = field(init=False)
    _networks: tuple[Network, ...] = field(init=False)

    def __post_init__(self) -> None:
        names, networks = set(), []
        for one in self.allow:
            try:
                networks.append(ipaddress.ip_network(one))
            except ValueError:
                names.add(one.lower().rstrip("."))
        object.__setattr__(self, "_names", frozenset(names))
        object.__setattr__(self, "_networks", tuple(networks))

    def check(self, url: str) -> None:
        """Raises Misconfigured for an address that we would not call, TryLater for a name that is
        not known now."""
        parsed = httpx2.URL(url)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        found = self.addresses(parsed.host, port)
        listed = self._is_named(parsed.host) or all(self._is_listed(one) for one in found)
        if parsed.scheme != "https" and not (self.plain and listed):
            raise Misconfigured(f"{CODE}: events would cross the network in the clear; use https")

    def addresses(self, host: str, port: int) -> list[str]:
        """What a name resolves to. Raises as `check` does."""
        found = _resolved(host, port)
        if self._is_named(host):
            return found
        if inside := [one for one in found if not (self._is_listed(one) or is_public(one))]:
            raise Misconfigured(
                f"{CODE}: {len(inside)} of the {len(found)} addresses of that name are of no "
                "public network; who runs the hub may allow it in hub.yaml, webhooks: allow"
            )
        if port < _LOW and port not in _WEB and not all(map(self._is_listed, found)):
            raise Misconfigured(f"{CODE}: port {port} is not the web's; expected 443, or from 1024")
        return found

    def transport(self, trust: ssl.SSLContext) -> httpx2.HTTPTransport:
        """What keeps an HTTP client within reach, each time it connects."""
        made = httpx2.HTTPTransport(verify=trust, trust_env=False)
        pool = httpcore2.ConnectionPool(ssl_context=trust, network_backend=_Guarded(self))
        made._pool = pool  # noqa: SLF001 - httpx2 has no door of its own for a backend
        return made

    def _is_named(self, host: str) -> bool:
        return host.lower().rstrip(".") in self._names

    def _is_listed(self, address: str) -> bool:
        one = _plain(address)
        return any(one in network for network in self._networks)


def is_public(address: str) -> bool:
    """Whether anybody on the internet could be meant."""
    one = _plain(address)
    return one.is_global and not (one.is_multicast or one.is_reserved)


class _Guarded(httpcore2.SyncBackend):
    """Connects to what was judged, whatever its name means by then."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        *others, last = self._reach.addresses(host, port)
        for address in others:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue  # it has other addresses
        return super().connect_tcp(last, port, timeout, local_address, socket_options)


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TryLater("the address has a name that is not known now") from None
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address with the IPv4 address that it stands for, if any."""
    one = ipaddress.ip_address(address)
    if isinstance(one, ipaddress.IPv4Address):
        return one
    if one in _TRANSLATED:
        return ipaddress.IPv4Address(int(one) & 0xFFFFFFFF)
    return one.ipv4_mapped or one.sixtofour or one
