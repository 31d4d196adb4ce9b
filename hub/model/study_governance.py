"""A unit's part in a study: it owns it, takes part in it, or reviews it."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, ref, text

ROLES = ("owning", "participating", "reviewing")


class StudyGovernance(Entity, table=True):
    __tablename__ = "study_governance"
    __area__ = "governance"
    __plural__ = "study-governance"
    __label__ = "role"
    __identifiers__ = (
        IdentifierType(type="governance_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    unit_id: str | None = ref(
        "Organization", "department, division, disease team, committee or therapeutic area"
    )
    role: str | None = code("its part", ROLES, oncore="protocol management groups")
    role_native: str | None = text("its part, as the source said it", longest=200)
    share_percent: str | None = decimal("its share of accrual and credit, per cent")
    lead_id: str | None = ref("Person", "who answers for the unit")
    start_on: str | None = date("first day")
    end_on: str | None = date("last day")
