"""A place: campus, building, clinic, ward, room or bed."""

from hub.model.base import Entity, IdentifierType, code, decimal, ref, text, texts
from hub.model.countries import COUNTRIES

KINDS = (
    "campus", "building", "clinic", "department", "ward", "room", "bed", "pharmacy", "lab",
    "virtual", "other",
)  # fmt: skip
STATUSES = ("active", "suspended", "inactive")


class Location(Entity, table=True):
    __tablename__ = "location"
    __area__ = "places"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="code", says="the code a system uses for it", assigned=True),
        IdentifierType(type="oid", says="ISO object identifier", form=r"[0-2](\.\d+)+",
                       literal=True),
    )  # fmt: skip

    name: str | None = text("name", longest=400, fhir="Location.name", odm="Location@Name")
    kind: str | None = code("what it is", KINDS, fhir="Location.physicalType", hl7="PL.6")
    kind_native: str | None = text("kind as the source said it", longest=200)
    status: str | None = code("whether it is in use", STATUSES, fhir="Location.status")
    status_native: str | None = text("status as the source said it", longest=200)
    organization_id: str | None = ref(
        "Organization", "who runs it", fhir="Location.managingOrganization", hl7="PL.4"
    )
    part_of_id: str | None = ref("Location", "the place it is in", fhir="Location.partOf")
    address_lines: list[str] | None = texts("street", fhir="Location.address.line")
    city: str | None = text("city", longest=200, fhir="Location.address.city")
    state: str | None = text("state or region", longest=200, fhir="Location.address.state")
    postal_code: str | None = text("postal code", longest=40, fhir="Location.address.postalCode")
    country: str | None = code("country", COUNTRIES, fhir="Location.address.country")
    phone: str | None = text("telephone", longest=100, fhir="Location.telecom")
    latitude: str | None = decimal("degrees north, WGS 84", fhir="Location.position.latitude")
    longitude: str | None = decimal("degrees east, WGS 84", fhir="Location.position.longitude")
