"""One write to a FHIR server, planned so that the same again leaves one thing there.

`Delivery.target` says how: `method` (create or update), `type`, and `identifier` as
"system|value", by which the server finds what it already has; an update may name the `id`
instead, and the `version` it builds on. With `match: read` an update is laid over what the
server has now, and is written only if nobody changed that in between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connectors.errors import Refused, TryLater
from connectors.fhir import bundle
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import NoAnswer, StatusRefused
from connectors.record import Delivery

_KIND = re.compile(r"[A-Z][A-Za-z]{2,63}")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_ABSENT = frozenset({404, 410})
# Lists of things of their own, and by what one of them is known. All other lists are one value.
_SETS = {
    "identifier": ("system", "value"),
    "participant": ("actor",),
    "supportingInformation": ("reference",),
    "relatedArtifact": ("label",),
    "action": ("title",),
}
_SERVERS_OWN = ("id", "meta")  # what a server says of a resource, not the sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server, and what every request to it says."""

    http: Http
    base: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What is sent: `query` finds the resource an update means, `none_exist` the one a create
    must not make again."""

    method: str
    path: str  # Type, or Type/id
    body: bytes
    query: tuple[tuple[str, str], ...] = ()
    if_match: str = ""
    none_exist: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What the server has now."""

    id: str
    version: str
    resource: dict[str, Any]


def plan(delivery: Delivery) -> Write:
    """The write of a delivery as it stands. Raises Refused for a target that could make two
    things of one."""
    target, kind = delivery.target, delivery.target.get("type", "")
    method, version = target.get("method", ""), target.get("version", "")
    if not _KIND.fullmatch(kind):
        raise Refused("the delivery's target names no resource `type`")
    if method == "create":
        # FHIR http §3.2.0.8.1: nothing happens where it already is
        condition = urlencode({"identifier": _identifier(target, "a create needs")})
        return Write(method="POST", path=kind, body=delivery.body, none_exist=condition)
    if method != "update":
        raise Refused(f"target method {method!r}, expected create or update")
    match = f'W/"{version}"' if version else ""
    if "id" in target:
        if not _ID.fullmatch(target["id"]):
            raise Refused("target `id` is no FHIR id")
        path = f"{kind}/{target['id']}"
        return Write(method="PUT", path=path, body=delivery.body, if_match=match)
    query = (("identifier", _identifier(target, "an update needs `id`, or")),)
    return Write(method="PUT", path=kind, body=delivery.body, query=query, if_match=match)


def plan_over(delivery: Delivery, current: Current) -> Write:
    """The same, laid over what the server has now: our members win, its others stay."""
    body = json_text.write({**_laid_over(current, _said(delivery)), "id": current.id})
    path = f"{delivery.target['type']}/{current.id}"
    return Write(method="PUT", path=path, body=body, if_match=f'W/"{current.version}"')


def says_already(delivery: Delivery, current: Current) -> bool:
    """Does the server say all that the delivery says?"""
    return _laid_over(current, _said(delivery)) == current.resource


def read(place: Place, delivery: Delivery) -> Current | None:
    """What a delivery is about, as the server has it now; None where it has none. Raises Refused
    where several match, or it keeps no versions; TryLater, for nothing is sent here."""
    target = delivery.target
    kind = target["type"]
    try:
        found = _by_id(place, kind, target["id"]) if "id" in target else _by_number(place, target)
    except NoAnswer as error:
        raise TryLater(str(error), after=error.after) from error
    return _current(kind, found) if found is not None else None


def _current(kind: str, resource: dict[str, Any]) -> Current:
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if not isinstance(version, str) or not isinstance(resource.get("id"), str):
        raise Refused(f"{kind}: the server's resource has no id or version to build on")
    return Current(id=str(resource["id"]), version=version, resource=resource)


def native_id(location: str, kind: str) -> str:
    """The id in `[base]/Type/id/_history/version`, absolute or not."""
    found = re.search(rf"(?:^|/){kind}/([A-Za-z0-9.\-]{{1,64}})(?:/|$)", location)
    return found[1] if found else ""


def _laid_over(current: Current, ours: Mapping[str, Any]) -> dict[str, Any]:
    theirs, own = current.resource, {*_SERVERS_OWN}
    said = {name: value for name, value in ours.items() if name not in own}
    return {**theirs, **{name: _joined(name, theirs.get(name), said[name]) for name in said}}


def _joined(name: str, theirs: Any, ours: Any) -> Any:  # noqa: ANN401 - JSON
    """Our value; of a list of things of their own, theirs that we do not speak of stay."""
    if name not in _SETS or not isinstance(theirs, list) or not isinstance(ours, list):
        return ours
    key, left = _SETS[name], list(ours)
    found = []
    for one in theirs:
        same = next((own for own in left if _is_same(key, own, one)), None)
        if same is not None:
            left.remove(same)
        found.append(one if same is None else {**one, **same})
    return found + left


def _is_same(key: Sequence[str], ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - JSON
    both = isinstance(ours, dict) and isinstance(theirs, dict)
    return both and all(ours.get(name) == theirs.get(name) for name in key)


def _by_id(place: Place, kind: str, id: str) -> dict[str, Any] | None:
    ask = Ask(url=f"{place.base}/{kind}/{id}", headers=place.headers)
    try:
        found = json_text.read(place.http.ask(ask).body)
    except StatusRefused as error:
        if error.status in _ABSENT:
            return None
        raise
    return found if isinstance(found, dict) else None


def _by_number(place: Place, target: Mapping[str, str]) -> dict[str, Any] | None:
    """By identifier, which is about a person and travels in a body."""
    ask = Ask(
        url=f"{place.base}/{target['type']}/_search",
        method="POST",
        headers={**place.headers, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode({"identifier": target.get("identifier", "")}).encode(),
        repeatable=True,
    )
    entries = bundle.read(place.http.ask(ask).body).entries
    found = [entry for entry in entries if entry.mode == "match"]
    if len(found) > 1:
        raise Refused(f"{target['type']}: {len(found)} match the identifier, expected one")
    return dict(found[0].resource) if found else None


def _identifier(target: Mapping[str, str], needs: str) -> str:
    identifier = target.get("identifier", "")
    if "|" not in identifier:
        raise Refused(f"{needs} `identifier` as system|value, or saying it twice makes two")
    return identifier


def _said(delivery: Delivery) -> dict[str, Any]:
    found = json_text.read(delivery.body)
    if not isinstance(found, dict):
        raise Refused("the delivery's body is no resource")
    return found
