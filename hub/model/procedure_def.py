"""A planned procedure of a protocol: what is done at its visits, and how it is charged."""

from hub.model.base import Entity, IdentifierType, code, integer, ref, text

CODE_SYSTEMS = ("cpt", "hcpcs", "chargemaster", "snomed", "loinc", "other")


class ProcedureDef(Entity, table=True):
    __tablename__ = "procedure_def"
    __area__ = "studies"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="procedure_oid", says="the procedure's id in its study", assigned=True,
                       literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    name: str | None = text(
        "name", longest=400, usdm="Activity.name", fhir="PlanDefinition.action.title"
    )
    description: str | None = text("description", longest=40000, usdm="Activity.description")
    procedure_code: str | None = text(
        "what it is, as a code", longest=100, usdm="Procedure.code", hl7="FT1-25",
        fhir="PlanDefinition.action.code",
    )  # fmt: skip
    code_system: str | None = code("whose code that is", CODE_SYSTEMS, hl7="FT1-25.3")
    code_system_native: str | None = text("code system as the source said it", longest=200)
    chargemaster_code: str | None = text(
        "the hospital's own code for the charge", longest=100, hl7="FT1-7"
    )
    sequence: int | None = integer("place in the calendar, from 1")
