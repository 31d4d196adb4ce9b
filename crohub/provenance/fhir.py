"""Provenance as FHIR: a bundle with one Provenance for each statement that gives fields values.

Only elements that R4, R4B and R5 have in common are used. Which field it is stands in the
standard extension for parts of a target.
"""

from __future__ import annotations

from typing import Any

from hub.provenance import Story
from hub.render import Record

Json = dict[str, Any]
_PATH = "http://hl7.org/fhir/StructureDefinition/targetPath"
_KINDS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_URI = "urn:ietf:rfc:3986"


def bundle(story: Story) -> Json:
    """A Bundle of the kind `collection`."""
    grouped: dict[int, list[Record]] = {}
    for one in story.fields:
        if one["said_by"] and one["since"]:
            grouped.setdefault(one["said_by"]["assertion"], []).append(one)
    entries = [
        {"fullUrl": f"urn:crohub:assertion:{a}", "resource": _provenance(story, a, fields)}
        for a, fields in grouped.items()
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _provenance(story: Story, a: int, fields: list[Record]) -> Json:
    voice = fields[0]["said_by"]
    made: Json = {
        "resourceType": "Provenance",
        "id": f"assertion-{a}",
        "target": [_target(story, one["field"]) for one in fields],
    }
    if voice["at"]:
        made["occurredDateTime"] = voice["at"]
    made |= {
        "recorded": max(one["since"] for one in fields),
        "policy": sorted({f"urn:crohub:survivorship:{one['rule']['entry']}" for one in fields}),
        "activity": {"text": "; ".join(dict.fromkeys(_rule(one) for one in fields))},
        "agent": [_agent("author", voice), _agent("assembler", None)],
        "entity": [{"role": "source", "what": what} for what in _sources(voice)],
    }
    return made


def _rule(one: Record) -> str:
    rule = one["rule"]
    order = f" ({', '.join(rule['order'])})" if rule["order"] else ""
    return f"{rule['entry']} by {rule['by']}{order}: {rule['because']}"


def _target(story: Story, field: str) -> Json:
    return {
        "extension": [{"url": _PATH, "valueString": f"{story.entity}.{field}"}],
        "identifier": {"system": _URI, "value": f"urn:uuid:{story.id}"},
        "display": f"{story.entity} {story.name or story.id}",
    }


def _agent(kind: str, voice: Record | None) -> Json:
    name = voice["system"] if voice else "crohub"
    role = f" ({voice['role']})" if voice and voice["role"] else ""
    return {
        "type": {"coding": [{"system": _KINDS, "code": kind}]},
        "who": {"identifier": {"system": "urn:crohub:system", "value": name},
                "display": name + role},
    }  # fmt: skip


def _sources(voice: Record) -> list[Json]:
    source = voice["source"] or {}
    message = _what("message", str(voice["message"]), "message " + str(voice["message"]))
    if not source:
        return [message]
    message["display"] += f" of {source['connection']}, received {source['received_at']}"
    if not source["pipeline"]:
        return [message]
    shown = f"the mappings of {source['pipeline']} in revision {source['revision']}"
    return [message, _what("mapping", f"{source['pipeline']}/{source['revision']}", shown)]


def _what(kind: str, value: str, display: str) -> Json:
    return {
        "identifier": {"system": f"urn:crohub:{kind}", "value": value}, "display": display,
    }  # fmt: skip
