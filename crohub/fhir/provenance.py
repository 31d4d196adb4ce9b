"""Provenance of what the facade shows: for each statement that gives a record's fields their
values one resource, told by `crohub.provenance` and kept nowhere."""

from __future__ import annotations

from crohub.fhir import shaping
from crohub.fhir.kinds import KINDS
from crohub.fhir.scene import TYPES, Json, Version
from crohub.provenance import fhir
from hub.model.spec import entities
from hub.principal import Principal
from hub.provenance import Story, Teller

TYPE, SAYS = "Provenance", "who said what a resource says, in which message, and why it counts"
TARGET, READ_ID = "target", "assertion-"


def told(
    teller: Teller, principal: Principal, version: Version, type_: str, one: str
) -> list[Json]:
    """All of one resource; none where it is not to be seen."""
    story = teller.story(principal, entities()[KINDS[type_].entity], one)
    return [] if story is None else [_of(version, type_, story, r) for r in _resources(story)]


def one(teller: Teller, principal: Principal, version: Version, id: str) -> Json | None:
    """The resource of one statement, where it still gives a field its value."""
    number = id.removeprefix(READ_ID)
    if number == id or not number.isdecimal() or len(number) > 18:
        return None
    row = teller.reader.session.one(
        "select x.entity, x.entity_id from assertion s join xref x on x.x = s.x where s.a = ?",
        (int(number),),
    )
    if row is None or row[0] not in TYPES:
        return None
    found = told(teller, principal, version, TYPES[row[0]], row[1])
    return next((resource for resource in found if resource["id"] == id), None)


def _resources(story: Story) -> list[Json]:
    return [entry["resource"] for entry in fhir.bundle(story)["entry"]]


def _of(version: Version, type_: str, story: Story, resource: Json) -> Json:
    """With the target as a reference, so that a client can follow it."""
    known = {"reference": f"{type_}/{story.id}"}
    targets = [known | target for target in resource["target"]]
    made: Json = resource | {"meta": {"lastUpdated": resource["recorded"]}, "target": targets}
    shaping.checked(version, made)
    return made
