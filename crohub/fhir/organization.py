"""An organization as Organization; R5 keeps address and telephone under `contact`."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param
from crohub.fhir.scene import Json, Scene, address, concept, own, reference, telecom
from hub.render import Record

_TYPES = "http://terminology.hl7.org/CodeSystem/organization-type"


def write(record: Record, scene: Scene) -> Json:
    """What it is in research is a code of ours; FHIR's own says less."""
    code = scene.codes.says("organization-kind-to-fhir", record["kind"])
    text = record["kind_native"] or record["kind"]
    kind = concept(text, (_TYPES, code), own("Organization.kind", record["kind"]))
    where = address(record)
    reached = telecom(
        ("phone", record["phone"], "work"), ("email", record["email"], "work"),
        ("url", record["website"], "work"),
    )  # fmt: skip
    made: Json = {
        "identifier": scene.identifiers(record),
        "active": record["active"],
        "type": [kind] if kind else [],
        "name": record["name"],
        "alias": record["alias"],
        "partOf": reference(record["part_of"]),
    }
    if not scene.r5:
        return made | {"address": [where] if where else [], "telecom": reached}
    contact = {"address": where, "telecom": reached}
    return made | {"contact": [contact] if where or reached else []}


KIND = Kind(
    type="Organization",
    entity="Organization",
    says="a sponsor, hospital, department, board, laboratory or vendor",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="ROR, NPI, UEI and others"),
        Param(name="name", search="string", field="name", says="words of the name"),
        Param(name="type", search="token", field="kind", says="the canonical kind, such as irb"),
        Param(name="active", search="flag", field="active", says="in use"),
        Param(name="partof", search="reference", field="part_of", target="Organization",
              says="the organization it is part of"),
        Param(name="address-city", search="string", field="city", says="the city"),
        Param(name="address-country", search="token", field="country", says="country, ISO 3166-1"),
    ),
)  # fmt: skip
