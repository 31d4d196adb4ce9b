"""Documents of a vault: made once, from a file and its metadata, or as a placeholder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from connectors.errors import Refused
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import Answer, NoAnswer
from connectors.record import Delivery, Receipt

_OUR_OWN = frozenset({"object", "file_name"})  # entries of a target that are no metadata
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SAFE_NAME = re.compile(r'[\x00-\x1f"\\/\x7f]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A vault, and what every request to it says."""

    http: Http
    base: str
    headers: Mapping[str, str]


def metadata(delivery: Delivery) -> dict[str, Any]:
    """The metadata of a delivery whose body is a file."""
    return {name: value for name, value in delivery.target.items() if name not in _OUR_OWN}


def create(
    place: Place, delivery: Delivery, fields: Mapping[str, Any], id_field: str, id: str
) -> Receipt:
    """Makes the document unless one with this external id is there. Raises Refused, TryLater."""
    there = _find(place, id_field, id)
    if there:
        return _receipt(delivery, there, "it is there already")
    bad = [name for name in fields if not _NAME.fullmatch(name)]
    if bad:
        raise Refused(f"{len(bad)} metadata fields whose names are no API names")
    parts = [_part(name, _text(value).encode()) for name, value in fields.items()]
    if delivery.media != "application/json":
        name = _SAFE_NAME.sub("_", delivery.target.get("file_name", "") or delivery.id)
        parts.append(_part("file", delivery.body, name, delivery.media))
    boundary = sha256(delivery.id.encode() + b"".join(parts)).hexdigest()
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part for part in parts)
    answer = place.http.ask(
        Ask(
            url=f"{place.base}/objects/documents",
            method="POST",
            headers={
                **place.headers,
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
            body=body + b"--" + boundary.encode() + b"--\r\n",
        )
    )
    made = _said(answer).get("id")
    if not isinstance(made, int | str):
        raise NoAnswer(f"{answer.told}: the answer names no document")
    return _receipt(delivery, str(made))


def _find(place: Place, field: str, id: str) -> str:
    """The id of the document with this external id; "" where there is none."""
    quoted = id.replace("\\", "\\\\").replace("'", "\\'")
    query = {"q": f"SELECT id FROM documents WHERE {field} = '{quoted}'"}
    answer = place.http.ask(
        Ask(
            url=f"{place.base}/query",
            method="POST",
            headers={**place.headers, "Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(query).encode(),
            repeatable=True,
        )
    )
    found = _said(answer).get("data")
    first = found[0] if isinstance(found, list) and found else {}
    return str(first.get("id", "")) if isinstance(first, dict) else ""


def _said(answer: Answer) -> dict[str, Any]:
    try:
        said = json_text.read(answer.body)
    except Refused as error:
        raise NoAnswer(f"{answer.told}: {error}") from None
    return said if isinstance(said, dict) else {}


def _part(name: str, body: bytes, file_name: str = "", media: str = "") -> bytes:
    """One part of a form (RFC 7578); names are ours or made safe."""
    head = f'Content-Disposition: form-data; name="{name}"'
    if file_name:
        head += f'; filename="{file_name}"\r\nContent-Type: {media}'
    return f"{head}\r\n\r\n".encode() + body + b"\r\n"


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return ",".join(_text(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _receipt(delivery: Delivery, id: str, detail: str = "") -> Receipt:
    return Receipt(id=delivery.id, outcome="delivered", native_id=id, detail=detail)
