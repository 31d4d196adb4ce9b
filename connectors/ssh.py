"""Signed-in SSH connections to hosts whose key is known, kept open and used again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from threading import Lock
from typing import TypeVar

import paramiko
from pydantic import SecretStr

from connectors.errors import Misconfigured, TryLater
from connectors.secrets import reveal

_KEEP_ALIVE = 30  # seconds; below the idle limit of common firewalls
_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
C = TypeVar("C", bound=paramiko.SFTPClient)


@dataclass(frozen=True, slots=True)
class HostKey:
    """The one key a host may show. `type` is empty when only its fingerprint is known."""

    fingerprint: str
    type: str = ""
    body: str = ""

    def __str__(self) -> str:
        return f"{self.type} {self.body}" if self.type else self.fingerprint

    @staticmethod
    def read(text: str) -> HostKey:
        """From "SHA256:…", "ssh-ed25519 AAAA…" or a line of known_hosts. ValueError otherwise."""
        words = text.split()
        for name, body in pairwise(words):
            if name.startswith(("ssh-", "ecdsa-")):
                return HostKey(_fingerprint(_decoded(body)), name, body)
        if len(words) == 1 and words[0].startswith("SHA256:") and len(words[0]) >= 50:
            return HostKey(words[0].rstrip("="))
        raise ValueError(
            "expected the host's public key (`ssh-ed25519 AAAA…`) or its `SHA256:…` fingerprint"
        )


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise ValueError("the host's public key is no base64") from None


def _fingerprint(key: bytes) -> str:
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where to and as whom; all that tells one kept connection from another."""

    host: str
    port: int
    host_key: HostKey
    username: str
    password: SecretStr | None
    private_key: SecretStr | None
    passphrase: SecretStr | None
    timeout: float

    @property
    def where(self) -> str:
        return f"sftp {self.host}:{self.port}"


_kept: dict[Login, paramiko.Transport] = {}
_lock = Lock()


@contextmanager
def connected(login: Login, kind: type[C]) -> Iterator[C]:
    """An SFTP channel of its own on the kept connection, which is made anew when it has died.

    Raises TryLater when the host does not answer, Misconfigured when it shows another key or
    does not let us in. Neither agents nor keys lying about are tried.
    """
    client = _channel(login, kind)
    try:
        yield client
    except TryLater:  # whatever it was, the next attempt begins with a fresh connection
        hang_up(login)
        raise
    finally:
        client.close()


def hang_up(login: Login | None = None) -> None:
    """Closes the kept connection of `login`, or all."""
    with _lock:
        for each in [login] if login else list(_kept):
            if transport := _kept.pop(each, None):
                transport.close()


def _channel(login: Login, kind: type[C]) -> C:
    kept = _kept.get(login)
    if kept and kept.is_active():
        try:
            return _opened(kept, login, kind)
        except (paramiko.SSHException, EOFError, OSError):
            hang_up(login)  # it was dead and nobody had noticed
    try:
        return _opened(_transport(login), login, kind)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise TryLater(f"{login.where}: no SFTP channel ({type(error).__name__})") from error


def _opened(transport: paramiko.Transport, login: Login, kind: type[C]) -> C:
    client = kind.from_transport(transport)
    if client is None:
        raise paramiko.SSHException("no channel")
    channel = client.get_channel()
    if channel:
        channel.settimeout(login.timeout)
    return client


def _transport(login: Login) -> paramiko.Transport:
    """The kept connection, or a new one. One at a time: two pulls do not sign in twice."""
    with _lock:
        kept = _kept.get(login)
        if kept and kept.is_active():
            return kept
        transport = _greeted(login)
        try:
            _verified(transport, login)
            _signed_in(transport, login)
        except BaseException:
            transport.close()
            raise
        transport.set_keepalive(_KEEP_ALIVE)
        _kept[login] = transport
        return transport


def _greeted(login: Login) -> paramiko.Transport:
    """Connected and encrypted; nothing about us has been said yet."""
    try:
        stream = socket.create_connection((login.host, login.port), timeout=login.timeout)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TryLater(f"{login.where}: {reason}") from error
    transport = paramiko.Transport(stream)
    transport.banner_timeout = transport.auth_timeout = login.timeout
    transport.channel_timeout = login.timeout
    try:
        _prefer(transport, login.host_key)
        transport.start_client(timeout=login.timeout)
        transport.get_remote_server_key()  # raises when the time ran out without a word
    except paramiko.ssh_exception.IncompatiblePeer as error:
        transport.close()
        raise Misconfigured(
            f"{login.where}: CROHUB-SFTP-HOSTKEY: the host and we have no algorithm in common "
            f"(pinned is a key of type {login.host_key.type or 'any'})"
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        raise TryLater(f"{login.where}: no SSH greeting ({type(error).__name__})") from error
    return transport


def _prefer(transport: paramiko.Transport, pinned: HostKey) -> None:
    """Asks the host for the key that is pinned, of the several it may have."""
    options = transport.get_security_options()
    family = "rsa" if "rsa" in pinned.type else pinned.type
    wanted = [name for name in options.key_types if family in name]
    if pinned.type and wanted:
        options.key_types = wanted


def _verified(transport: paramiko.Transport, login: Login) -> None:
    seen = _fingerprint(transport.get_remote_server_key().asbytes())
    if seen != login.host_key.fingerprint:
        raise Misconfigured(
            f"{login.where}: CROHUB-SFTP-HOSTKEY: the host shows the key {seen}, pinned is "
            f"{login.host_key.fingerprint}; ask its operator, and only then change `host_key`"
        )


def _signed_in(transport: paramiko.Transport, login: Login) -> None:
    way = "private key" if login.private_key else "password"
    try:
        if login.private_key:
            key = _private_key(login.private_key, login.passphrase, login.where)
            more = transport.auth_publickey(login.username, key)
        else:
            password = reveal(login.password) if login.password else ""
            more = transport.auth_password(login.username, password)
    except paramiko.AuthenticationException as error:
        # paramiko raises this, too, when the host fell silent or hung up instead of answering
        if not transport.is_active() or "timeout" in str(error):
            raise TryLater(f"{login.where}: no answer to our sign-in") from error
        raise Misconfigured(
            f"{login.where}: user {login.username} is not let in by {way}"
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise TryLater(f"{login.where}: sign-in broke off ({type(error).__name__})") from error
    if more:
        raise Misconfigured(
            f"{login.where}: a {way} alone is not enough; asked for: {', '.join(more)}"
        )


def _private_key(reference: SecretStr, passphrase: SecretStr | None, where: str) -> paramiko.PKey:
    text = reveal(reference) + "\n"
    password = reveal(passphrase) if passphrase else None
    for key in _KEYS:
        try:
            return key.from_private_key(StringIO(text), password)
        except paramiko.PasswordRequiredException:
            raise Misconfigured(f"{where}: the private key needs `passphrase`") from None
        except (paramiko.SSHException, ValueError, binascii.Error):
            continue  # of another type, or unreadable: the last word is below
    raise Misconfigured(
        f"{where}: `private_key` is no Ed25519, ECDSA or RSA key that its passphrase opens"
    )
