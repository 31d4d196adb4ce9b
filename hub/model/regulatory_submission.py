"""A submission to a regulator: an IND, a trial application, a yearly report and their like."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text
from hub.model.countries import COUNTRIES

KINDS = (
    "ind", "ide", "cta", "amendment", "annual_report", "safety", "registration", "results",
    "closure", "other",
)  # fmt: skip
STATUSES = (
    "planned", "draft", "submitted", "in_review", "questions", "approved", "acknowledged",
    "refused", "expired", "withdrawn",
)  # fmt: skip
TRANSITIONS = {
    "planned": ("draft", "submitted"),
    "draft": ("submitted",),
    "submitted": ("in_review", "questions", "approved", "acknowledged", "refused"),
    "in_review": ("questions", "approved", "acknowledged", "refused"),
    "questions": ("submitted", "in_review", "approved", "refused"),
    "approved": ("expired",),
    "acknowledged": ("in_review", "questions", "approved"),
    "refused": ("draft", "submitted"),
    "expired": ("submitted", "approved"),
    "withdrawn": (),
}


class RegulatorySubmission(Entity, table=True):
    __tablename__ = "regulatory_submission"
    __area__ = "regulatory"
    __label__ = "submission_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("withdrawn",))
    __identifiers__ = (
        IdentifierType(type="regulatory_submission_no", says="the regulator's number of it",
                       assigned=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    authority_id: str | None = ref("Organization", "the regulator", usdm="GovernanceDate")
    country: str | None = code("the country", COUNTRIES)
    part_of_id: str | None = ref("RegulatorySubmission", "the application it belongs to")
    kind: str | None = code("what it is", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    submission_no: str | None = text("number people know it by", longest=100)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    due_on: str | None = date("to be submitted by")
    submitted_on: str | None = date("submitted")
    decision: str | None = text("what was decided, in the regulator's words", longest=400)
    decided_on: str | None = date("decided")
    expires_on: str | None = date("last day it is good for; none: does not expire")
