"""Identifier systems: a canonical type and who assigned the number, as one URI, and back."""

from __future__ import annotations

from urllib.parse import quote, unquote

from crohub.fhir.codes import Codes

_OWN = "urn:crohub:identifier:"
_TYPES, _ASSIGNERS = "identifier-system", "assigning-authority"


def uri(codes: Codes, type_: str, assigner: str) -> str:
    """The URI that senders use for it, where a code table knows one, else one of our own."""
    known = codes.natives(_TYPES, type_)
    if not assigner:
        own = [one for one in known if codes.meaning(_ASSIGNERS, one) is None]
        return own[0] if own else _OWN + type_
    for one in known:
        if codes.meaning(_ASSIGNERS, one) == assigner:
            return one
    return f"{_OWN}{type_}:{quote(assigner, safe='')}"


def parse(codes: Codes, system: str) -> tuple[str, str | None]:
    """The type and the assigner (None: whoever) that a URI stands for; ("", None) for none that
    the hub writes."""
    if system.startswith(_OWN):
        type_, _, assigner = system.removeprefix(_OWN).partition(":")
        return type_, unquote(assigner) if assigner else None
    return codes.meaning(_TYPES, system) or "", codes.meaning(_ASSIGNERS, system)
