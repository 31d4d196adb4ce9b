"""A feasibility assessment: what a site answered when it was asked whether it can do a study."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, integer, ref, text

OUTCOMES = ("pending", "selected", "backup", "not_selected", "declined")


class FeasibilityAssessment(Entity, table=True):
    __tablename__ = "feasibility_assessment"
    __area__ = "sites"
    __label__ = "outcome"
    __identifiers__ = (
        IdentifierType(type="feasibility_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    organization_id: str | None = ref("Organization", "the institution that was asked")
    respondent_id: str | None = ref("Person", "who answered")
    sent_on: str | None = date("asked")
    returned_on: str | None = date("answered")
    decided_on: str | None = date("decided")
    score: str | None = decimal("score")
    projected_enrolment: int | None = integer("participants the site expects")
    projected_months: int | None = integer("months it expects to need for them")
    outcome: str | None = code("what came of it", OUTCOMES)
    outcome_native: str | None = text("outcome as the source said it", longest=200)
    comment: str | None = text("remark")
