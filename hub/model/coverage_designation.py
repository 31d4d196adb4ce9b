"""Who pays for a procedure at a visit: one cell of a coverage analysis, in one calendar version."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, ref, text

DESIGNATIONS = ("research_paid", "routine_care", "sponsor_invoiceable", "not_covered")


class CoverageDesignation(Entity, table=True):
    __tablename__ = "coverage_designation"
    __area__ = "studies"
    __label__ = "designation"
    __identifiers__ = (
        IdentifierType(type="designation_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    visit_def_id: str | None = ref("VisitDef", "the planned visit")
    procedure_def_id: str | None = ref("ProcedureDef", "the planned procedure")
    calendar_version: str | None = text("the calendar's version", longest=100)
    designation: str | None = code("who pays", DESIGNATIONS)
    designation_native: str | None = text("who pays, as the source said it", longest=200)
    modifier: str | None = text(
        "research modifier of the claim: Q0 investigational, Q1 routine", longest=20, hl7="FT1-26"
    )
    quantity: str | None = decimal("how many times at the visit")
    rationale: str | None = text("why, with the rule it rests on", longest=4000)
    determined_on: str | None = date("decided")
