"""USDM study definitions as JSON, addressed by JMESPath: what an id refers to stands beside it.

USDM ties its objects together by ids. Beside `scopeId` a mapping finds `scope`, beside
`organizationIds` `organizations`; an encounter has the `instances` of the main timeline that take
place in it, an instance the `timing` that says when. Steps in a circle (next, previous) are the
mapping's to avoid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mappings.functions.parts import dicts
from mappings.media import json
from mappings.media.medium import Found, Medium

READS = "application/json;usdm"
_Object = dict[str, Any]


def medium(*, exact: bool) -> Medium:
    """JSON bodies; `exact` as for JSON."""
    plain = json.medium(exact=exact)
    return replace(plain, read=lambda body, media: _joined(plain.read(body, media)))


def _joined(document: Found) -> Found:
    objects = list(_objects(document))
    known = {one["id"]: one for one in objects if isinstance(one.get("id"), str)}
    for one in objects:
        one.update(_referred(one, known))
    for timeline in objects:
        if timeline.get("mainTimeline") is True:
            _time(timeline)
    return document


def _objects(document: Found) -> Iterator[_Object]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _referred(holder: _Object, known: dict[str, _Object]) -> _Object:
    """What the ids of an object refer to, by the ids' names without their ending."""
    found: _Object = {}
    for name, value in holder.items():
        if name.endswith("Id") and isinstance(value, str) and value in known:
            found[name[:-2]] = known[value]
        elif name.endswith("Ids") and isinstance(value, list):
            found[name[:-3] + "s"] = [known[one] for one in value if one in known]
    return {name: value for name, value in found.items() if name not in holder}


def _time(timeline: _Object) -> None:
    for timing in dicts(timeline.get("timings")):
        instance = timing.get("relativeFromScheduledInstance")
        if isinstance(instance, dict):
            instance.setdefault("timing", timing)
    for instance in dicts(timeline.get("instances")):
        encounter = instance.get("encounter")
        if isinstance(encounter, dict):
            encounter.setdefault("instances", []).append(instance)
