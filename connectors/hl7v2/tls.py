"""TLS of one MLLP connection: our certificate, whom we trust, and how the other must be called."""

from __future__ import annotations

import ssl
from asyncio import BaseTransport
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.errors import Misconfigured
from connectors.secrets import Secret, reveal


class Tls(BaseModel):
    """A listener needs `cert` and `key`; a sender needs them when the other side asks for them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cert: Path | None = Field(
        default=None, description="The file of our certificate with its chain, PEM."
    )
    key: Path | None = Field(
        default=None, description="The file of the certificate's private key, PEM."
    )
    password: Secret | None = Field(default=None, description="What opens the key, by reference.")
    ca: Path | None = Field(
        default=None,
        description="The file of the CAs we trust; unsaid, a sender trusts the system's.",
    )
    mutual: bool = Field(
        default=False,
        description="The listener wants a certificate of the client, and refuses without.",
    )
    names: tuple[str, ...] = Field(
        default=(), description="Client names let in, CN or DNS; none: any that the CA signed."
    )

    @model_validator(mode="after")
    def _whole(self) -> Tls:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key come together")
        if self.mutual and self.ca is None:
            raise ValueError("mutual needs ca: whose client certificates are let in")
        if self.names and not self.mutual:
            raise ValueError("names are those of client certificates: they need mutual: true")
        return self


def server_context(tls: Tls) -> ssl.SSLContext:
    """For a listener; TLS 1.2 or newer. Raises Misconfigured, naming the files, when one fails."""
    if tls.cert is None:
        raise Misconfigured("tls of a listener needs cert and key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, tls)
    if tls.mutual:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """For a sender: the server's certificate and name are always verified, TLS 1.2 or newer.

    Raises Misconfigured naming the file that cannot be used.
    """
    context = ssl.create_default_context() if tls.ca is None else _trusting_only_ours()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, tls)
    return context


def _trusting_only_ours() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    try:
        if tls.cert is not None and tls.key is not None:
            password = reveal(tls.password) if tls.password is not None else ""
            context.load_cert_chain(tls.cert, tls.key, password=lambda: password)
        if tls.ca is not None:
            context.load_verify_locations(tls.ca)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(path) for path in (tls.cert, tls.key, tls.ca) if path)
        raise Misconfigured(f"tls: {error.strerror or error}, in one of {files}") from error


def names_of(transport: BaseTransport) -> set[str]:
    """Common name and DNS names of the client's certificate."""
    certificate = transport.get_extra_info("peercert") or {}
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    for part in certificate.get("subject", ()):
        names |= {value for key, value in part if key == "commonName"}
    return names
