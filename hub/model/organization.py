"""An organization: sponsor, hospital, department, board, laboratory or vendor."""

from hub.model.base import Entity, IdentifierType, code, flag, ref, text, texts
from hub.model.countries import COUNTRIES

KINDS = (
    "sponsor", "cro", "site", "institution", "department", "lab", "irb", "vendor", "funder",
    "regulator", "cooperative_group", "division", "disease_team", "committee", "therapeutic_area",
    "other",
)  # fmt: skip


class Organization(Entity, table=True):
    __tablename__ = "organization"
    __area__ = "places"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="ror", says="Research Organization Registry id", single=True,
                       form=r"0[A-Z0-9]{6}\d{2}", check="ror"),
        IdentifierType(type="uei", says="Unique Entity Identifier (SAM.gov)",
                       form=r"[A-HJ-NP-Z1-9][A-HJ-NP-Z0-9]{11}"),
        IdentifierType(type="npi", says="National Provider Identifier of an organization",
                       form=r"\d{10}", check="npi"),
        IdentifierType(type="duns", says="D-U-N-S number", form=r"\d{9}", placeholders=(r"0+",)),
        IdentifierType(type="oid", says="ISO object identifier", form=r"[0-2](\.\d+)+",
                       literal=True),
        IdentifierType(type="erp_no", says="supplier or customer number", assigned=True),
        IdentifierType(type="code", says="the code a system uses for it", assigned=True),
    )  # fmt: skip

    name: str | None = text("name", longest=400, fhir="Organization.name", hl7="XON.1")
    alias: list[str] | None = texts("other names", fhir="Organization.alias")
    kind: str | None = code("what it is in research", KINDS, fhir="Organization.type")
    kind_native: str | None = text("kind as the source said it", longest=200)
    part_of_id: str | None = ref("Organization", "its parent", fhir="Organization.partOf")
    address_lines: list[str] | None = texts("street", fhir="Organization.address.line")
    city: str | None = text("city", longest=200, fhir="Organization.address.city")
    state: str | None = text("state or region", longest=200, fhir="Organization.address.state")
    postal_code: str | None = text(
        "postal code", longest=40, fhir="Organization.address.postalCode"
    )
    country: str | None = code("country", COUNTRIES, fhir="Organization.address.country")
    phone: str | None = text("telephone", longest=100, fhir="Organization.telecom")
    email: str | None = text("e-mail", longest=254, fhir="Organization.telecom")
    website: str | None = text("web address", longest=1000, fhir="Organization.telecom")
    active: bool | None = flag("in use", fhir="Organization.active")
