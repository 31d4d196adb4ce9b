"""What an award asks for in return: a report, a declaration, a data set, by a day."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text

KINDS = (
    "rppr", "ffr", "sam", "invention", "data_sharing", "enrolment_report", "effort_certification",
    "closeout", "other",
)  # fmt: skip
STATUSES = ("open", "in_progress", "submitted", "returned", "accepted", "waived")
TRANSITIONS = {
    "open": ("in_progress", "submitted", "waived"),
    "in_progress": ("submitted", "waived"),
    "submitted": ("returned", "accepted"),
    "returned": ("in_progress", "submitted", "waived"),
    "accepted": ("returned",),
    "waived": ("open",),
}


class AwardDeliverable(Entity, table=True):
    __tablename__ = "award_deliverable"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "name"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="deliverable_no", says="a system's number of it", assigned=True),
    )

    award_id: str | None = ref("Award", "the award")
    study_id: str | None = ref("Study", "the study it is about, where it is about one")
    kind: str | None = code("what is asked for", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    name: str | None = text("name", longest=400)
    period_from: str | None = date("first day it is about")
    period_to: str | None = date("last day it is about")
    due_on: str | None = date("due")
    submitted_on: str | None = date("submitted")
    accepted_on: str | None = date("accepted")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    owner_id: str | None = ref("Person", "who sees to it")
