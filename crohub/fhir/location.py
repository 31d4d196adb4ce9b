"""A place as Location."""

from __future__ import annotations

from decimal import Decimal

from crohub.fhir.kind import Kind, Param
from crohub.fhir.scene import Json, Scene, address, concept, own, reference, status, telecom
from hub.render import Record

_FORMS = "http://terminology.hl7.org/CodeSystem/location-physical-type"


def write(record: Record, scene: Scene) -> Json:
    """Its form is `physicalType` in R4, `form` in R5."""
    code = scene.codes.says("location-kind-to-fhir", record["kind"])
    text = record["kind_native"] or record["kind"]
    form = concept(text, (_FORMS, code), own("Location.kind", record["kind"]))
    reached = telecom(("phone", record["phone"], "work"))
    made: Json = {
        "identifier": scene.identifiers(record),
        "name": record["name"],
        "mode": "instance",
        "address": address(record),
        "position": _position(record),
        "managingOrganization": reference(record["organization"]),
        "partOf": reference(record["part_of"]),
        "form" if scene.r5 else "physicalType": form,
    }
    if record["status"]:
        said = scene.codes.native("location-status", record["status"])
        status(made, "status", said, record["status"], record["status_native"])
    if not scene.r5:
        return made | {"telecom": reached}
    return made | {"contact": [{"telecom": reached}] if reached else []}


def _position(record: Record) -> Json | None:
    if not (record["latitude"] and record["longitude"]):
        return None
    return {"latitude": Decimal(record["latitude"]), "longitude": Decimal(record["longitude"])}


KIND = Kind(
    type="Location",
    entity="Location",
    says="a campus, building, clinic, ward, room or bed",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="the code a system uses for it"),
        Param(name="name", search="string", field="name", says="words of the name"),
        Param(name="status", search="token", field="status", inbound="location-status",
              says="whether it is in use"),
        Param(name="organization", search="reference", field="organization",
              target="Organization", says="who runs it"),
        Param(name="partof", search="reference", field="part_of", target="Location",
              says="the place it is in"),
        Param(name="address-city", search="string", field="city", says="the city"),
    ),
)  # fmt: skip
